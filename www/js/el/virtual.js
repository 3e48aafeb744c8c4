// SPDX-License-Identifier: Apache-2.0
// The rows of a long table: only those in sight, and some around, are in the document; two rows of air stand for the others.
// The caller gives each row when it is wanted; what it does not have yet it draws empty and redraws later.
import { h, fill } from '../dom.js';

/** Rows beyond the edges that are drawn ahead. */
const AHEAD = 12;

export class VirtualRows {
  #count = 0;
  #from = -1;
  #to = -1;

  /**
   * @param {HTMLElement} scroller what scrolls @param {HTMLElement} body the tbody @param {number} columns
   * @param {number} height of a row in pixels, all alike
   * @param {(index: number) => HTMLElement} row @param {(from: number, to: number) => void} shown called when other rows are in sight
   */
  constructor(scroller, body, columns, height, row, shown) {
    this.scroller = scroller;
    this.body = body;
    this.height = height;
    this.row = row;
    this.shown = shown;
    this.above = h('tr', { 'aria-hidden': 'true' }, h('td', { class: 'air', colspan: columns }));
    this.below = h('tr', { 'aria-hidden': 'true' }, h('td', { class: 'air', colspan: columns }));
    scroller.addEventListener('scroll', () => this.draw(), { passive: true });
    this.watch = new ResizeObserver(() => this.draw());
    this.watch.observe(scroller);
  }

  /** How many rows there are. @param {number} count @returns {void} */
  set count(count) {
    this.#count = count;
    this.body.closest('table')?.setAttribute('aria-rowcount', String(count + 1));
    this.again();
  }

  get count() { return this.#count; }

  /** Draws even if the same rows are in sight. @returns {void} */
  again() {
    this.#from = -1;
    this.draw();
  }

  /** @returns {void} */
  draw() {
    const room = this.scroller.clientHeight || 600;
    const first = Math.floor(this.scroller.scrollTop / this.height);
    const from = Math.max(0, first - AHEAD), to = Math.min(this.#count, first + Math.ceil(room / this.height) + AHEAD);
    if (from === this.#from && to === this.#to) return;
    this.#from = from;
    this.#to = to;
    const focused = this.body.contains(document.activeElement) ? document.activeElement?.closest('tr')?.getAttribute('aria-rowindex') : null;
    /** @type {HTMLElement[]} */
    const rows = [];
    for (let i = from; i < to; i += 1) {
      const row = this.row(i);
      row.setAttribute('aria-rowindex', String(i + 2));
      rows.push(row);
    }
    this.above.style.height = `${from * this.height}px`;
    this.below.style.height = `${(this.#count - to) * this.height}px`;
    fill(this.body, from > 0 && this.above, rows, to < this.#count && this.below);
    if (focused) /** @type {HTMLElement|null} */ (this.body.querySelector(`[aria-rowindex="${focused}"] a, [aria-rowindex="${focused}"] button`))?.focus({ preventScroll: true });
    this.shown(from, to);
  }

  /** @returns {void} */
  leave() { this.watch.disconnect(); }
}
