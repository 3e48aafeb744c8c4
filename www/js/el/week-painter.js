// SPDX-License-Identifier: Apache-2.0
// A week to paint: with the mouse (drag to make, edges to stretch, the middle to move), by touch (tap to make, drag what is
// there) and with the keyboard (arrows walk, Enter or Space begins and ends a block, Delete removes).
import { h, fill, icon } from '../dom.js';
import { t } from '../i18n.js';
import { spaced } from '../format.js';
import { menuButton } from './menu.js';
import { DAY, DAYS, blockAt, cleared, clock, copyWeek, painted, seconds } from './week-model.js';
/** @typedef {import('./week-model.js').Week} Week */
/** @typedef {import('./week-model.js').Block} Block */
/** @typedef {import('./schedule-values.js').Values} Values */
/** @typedef {{what: 'paint'|'move'|'start'|'finish', day: string, at: number, block: Block|null, base: Week, moved: boolean}} Drag */

/** So near to an edge, in pixels, the edge is meant. */
const EDGE = 7;
const HOUR = 3600;

export class WeekPainter {
  /**
   * @param {{values: Values, brush: () => any, step: () => number, changed: () => void, edit: (day: string, index: number) => void, may: boolean}} options
   */
  constructor(options) {
    this.options = options;
    /** @type {Week} */ this.week = copyWeek({});
    this.cursor = { day: 0, at: 8 * HOUR };
    /** @type {number|null} where a block was begun with the keyboard */ this.begun = null;
    /** @type {Drag|null} */ this.drag = null;
    this.dragged = false;
    /** @type {Block[]|null} */ this.copied = null;
    this.say = h('div', { class: 'visually-hidden', role: 'status' });
    this.columns = DAYS.map((day) => h('div', { class: 'day', 'data-day': day }));
    const help = h('p', { class: 'help', id: 'painter-help' }, options.may ? t('Drag to paint, drag a block or its edges to change it, with Shift to paint over it. With the keyboard: arrows walk, Enter begins and ends a block or opens the one under the cursor, Space paints over a block, Delete removes, C and V copy and paste a day.') : t('Arrows walk through the week.'));
    this.grid = h('div', { class: 'week-grid', role: 'application', tabindex: '0', 'aria-label': t('Week'), 'aria-describedby': 'painter-help',
      onkeydown: (/** @type {KeyboardEvent} */ e) => this.key(e), onfocus: () => this.draw(), onblur: () => { this.begun = null; this.draw(); },
      onpointerdown: (/** @type {PointerEvent} */ e) => this.down(e), onpointermove: (/** @type {PointerEvent} */ e) => this.over(e),
      onpointerup: (/** @type {PointerEvent} */ e) => this.up(e), onpointercancel: () => this.cancel(), onclick: (/** @type {PointerEvent} */ e) => this.tap(e) }, this.columns);
    const hours = h('div', { class: 'hours', 'aria-hidden': 'true' }, [0, 3, 6, 9, 12, 15, 18, 21].map((hour) => h('span', {}, clock(hour * HOUR))));
    const heads = h('div', { class: 'week-head' }, h('span', {}), DAYS.map((day) => h('div', {}, h('strong', {}, spaced(day)), options.may && this.menu(day))));
    this.element = h('div', { class: 'week' }, h('div', { class: 'week-scroll' }, heads, h('div', { class: 'week-body' }, hours, this.grid)), help, this.say);
  }

  /** @param {string} day @returns {HTMLElement} */
  menu(day) {
    const copy = (/** @type {string[]} */ to) => () => {
      for (const other of to) if (other !== day) this.week[other] = this.week[day].map((block) => ({ ...block }));
      this.done(t('{day} was copied.', { day: spaced(day) }));
    };
    return menuButton(icon('dots'), () => [
      { label: t('Copy to Monday – Friday'), icon: 'copy', run: copy(DAYS.slice(0, 5)) },
      { label: t('Copy to all days'), icon: 'copy', run: copy(DAYS) },
      '-',
      { label: t('Clear the day'), icon: 'trash', danger: true, run: () => { this.week[day] = []; this.done(t('{day} is empty.', { day: spaced(day) })); } },
    ], { label: t('Copy or clear {day}', { day: spaced(day) }), class: 'plain icon-only small' });
  }

  /** @param {Week} week @returns {void} */
  set(week) {
    this.week = week;
    this.draw();
  }

  /** @param {string} [said] @returns {void} */
  done(said) {
    this.draw();
    if (said) this.say.textContent = said;
    this.options.changed();
  }

  /* --- drawing --- */

  /** @returns {void} */
  draw() {
    const focused = document.activeElement === this.grid;
    DAYS.forEach((day, n) => {
      fill(this.columns[n], this.week[day].map((block, index) => this.block(block, index)));
      if (focused && this.cursor.day === n) this.columns[n].append(this.mark());
    });
  }

  /** @param {HTMLElement} element @param {number} from @param {number} to @returns {HTMLElement} */
  static place(element, from, to) {
    element.style.setProperty('top', `${(from / DAY) * 100}%`);
    element.style.setProperty('height', `${((to - from) / DAY) * 100}%`);
    return element;
  }

  /** @param {Block} block @param {number} index @returns {HTMLElement|null} */
  block(block, index) {
    const from = seconds(block.start), to = seconds(block.finish);
    if (!(from < to)) return null; // as typed in the table; the station will say what is wrong with it
    const text = this.options.values.text(block.value);
    const element = h('div', { class: 'block', 'data-index': index, 'data-tone': this.options.values.tone(block.value), title: `${block.start} – ${block.finish} ${text}` },
      h('span', { class: 'what' }, text), to - from >= 1.5 * HOUR && h('span', { class: 'when' }, `${block.start} – ${block.finish}`));
    return WeekPainter.place(element, from, to);
  }

  /** The keyboard's place, or what it has begun. @returns {HTMLElement} */
  mark() {
    const [from, to] = this.stretch();
    return WeekPainter.place(h('div', { class: this.begun === null ? 'cursor' : 'cursor begun' }), from, to);
  }

  /** @returns {[number, number]} */
  stretch() {
    const step = this.options.step(), { at } = this.cursor, other = this.begun ?? at;
    return [Math.min(at, other), Math.min(DAY, Math.max(at, other) + step)];
  }

  /* --- keyboard --- */

  /** @param {KeyboardEvent} event @returns {void} */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = this.options.step();
    /** @type {Record<string, () => void>} */
    const walks = {
      ArrowUp: () => this.walk(0, -step), ArrowDown: () => this.walk(0, step), ArrowLeft: () => this.walk(-1, 0), ArrowRight: () => this.walk(1, 0),
      PageUp: () => this.walk(0, -4 * HOUR), PageDown: () => this.walk(0, 4 * HOUR), Home: () => this.walk(0, -DAY), End: () => this.walk(0, DAY),
    };
    /** @type {Record<string, () => void>} */
    const works = { Enter: () => this.enter(true), ' ': () => this.enter(false), Delete: () => this.remove(), Backspace: () => this.remove(), c: () => this.copy(), v: () => this.paste() };
    const run = walks[event.key] || (this.options.may ? works[event.key] : undefined) || (event.key === 'Escape' && (this.begun !== null || this.drag) ? () => this.cancel() : undefined);
    if (!run) return;
    event.preventDefault();
    event.stopPropagation();
    run();
  }

  /** @param {number} days @param {number} time seconds @returns {void} */
  walk(days, time) {
    const step = this.options.step();
    if (this.begun === null) this.cursor.day = Math.max(0, Math.min(DAYS.length - 1, this.cursor.day + days));
    this.cursor.at = Math.max(0, Math.min(DAY - step, Math.floor((this.cursor.at + time) / step) * step));
    this.draw();
    this.reveal();
    this.tell();
  }

  /** The cursor is on the screen. @returns {void} */
  reveal() {
    this.grid.querySelector('.cursor')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  /** Says where the cursor is. @returns {void} */
  tell() {
    const day = DAYS[this.cursor.day], block = this.week[day][blockAt(this.week[day], this.cursor.at)];
    const [from, to] = this.stretch();
    if (this.begun !== null) this.say.textContent = t('from {from} to {to}', { from: clock(from), to: clock(to) });
    else this.say.textContent = `${spaced(day)} ${clock(this.cursor.at)}: ${block ? `${this.options.values.text(block.value)}, ${block.start} – ${block.finish}` : t('nothing scheduled')}`;
  }

  /** @param {boolean} opens a block that is there is opened @returns {void} */
  enter(opens) {
    const day = DAYS[this.cursor.day];
    if (this.begun === null) {
      const index = blockAt(this.week[day], this.cursor.at);
      if (opens && index >= 0) {
        this.options.edit(day, index);
        return;
      }
      this.begun = this.cursor.at;
      this.draw();
      this.say.textContent = t('A block begins at {at}. Arrows stretch it, Enter ends it, Escape gives up.', { at: clock(this.cursor.at) });
      return;
    }
    const [from, to] = this.stretch();
    this.week[day] = painted(this.week[day], from, to, this.options.brush());
    this.begun = null;
    this.done(t('{day} {from} to {to} is {value}.', { day: spaced(day), from: clock(from), to: clock(to), value: this.options.values.text(this.options.brush()) }));
  }

  /** @returns {void} */
  remove() {
    const day = DAYS[this.cursor.day], index = blockAt(this.week[day], this.cursor.at);
    if (index < 0) return;
    const [gone] = this.week[day].splice(index, 1);
    this.done(t('The block from {from} to {to} is removed.', { from: gone.start, to: gone.finish }));
  }

  /** @returns {void} */
  copy() {
    const day = DAYS[this.cursor.day];
    this.copied = this.week[day].map((block) => ({ ...block }));
    this.say.textContent = t('{day} was copied. V pastes it.', { day: spaced(day) });
  }

  /** @returns {void} */
  paste() {
    if (!this.copied) return;
    const day = DAYS[this.cursor.day];
    this.week[day] = this.copied.map((block) => ({ ...block }));
    this.done(t('Pasted into {day}.', { day: spaced(day) }));
  }

  /* --- mouse and touch --- */

  /** @param {PointerEvent} event @returns {{day: string, at: number, index: number}} what the pointer is over */
  under(event) {
    const boxes = this.columns.map((column) => column.getBoundingClientRect());
    const n = boxes.findIndex((box) => event.clientX < box.right);
    const day = n < 0 ? DAYS.length - 1 : n;
    const at = Math.max(0, Math.min(DAY - 1, ((event.clientY - boxes[day].top) / boxes[day].height) * DAY));
    const block = /** @type {HTMLElement|null} */ (/** @type {Element} */ (event.target).closest?.('.block'));
    return { day: DAYS[day], at, index: block ? Number(block.dataset.index) : -1 };
  }

  /** @param {PointerEvent} event @returns {void} */
  down(event) {
    const { day, at, index } = this.under(event);
    if (!this.options.may || event.button !== 0 || (event.pointerType === 'touch' && index < 0)) return;
    const block = index < 0 || event.shiftKey ? null : this.week[day][index];
    const box = index < 0 ? null : /** @type {Element} */ (event.target).closest('.block')?.getBoundingClientRect();
    const what = !block || !box ? 'paint' : event.clientY - box.top < EDGE ? 'start' : box.bottom - event.clientY < EDGE ? 'finish' : 'move';
    this.drag = { what, day, at, block: block && { ...block }, base: copyWeek(this.week), moved: false };
    this.cursor = { day: DAYS.indexOf(day), at: Math.floor(at / this.options.step()) * this.options.step() };
    this.grid.setPointerCapture(event.pointerId);
    this.grid.focus({ preventScroll: true });
    event.preventDefault();
    if (what === 'paint') this.over(event);
  }

  /** @param {PointerEvent} event @returns {void} */
  over(event) {
    const { drag } = this;
    if (!drag) return;
    const step = this.options.step(), { day, at } = this.under(event);
    const cell = Math.floor(at / step) * step;
    if (drag.what !== 'paint' && !drag.moved && day === drag.day && Math.abs(at - drag.at) < step / 3) return;
    drag.moved = true;
    const week = copyWeek(drag.base);
    if (drag.what === 'paint') {
      const first = Math.floor(drag.at / step) * step;
      week[drag.day] = painted(week[drag.day], Math.min(first, cell), Math.min(DAY, Math.max(first, cell) + step), this.options.brush());
    } else if (drag.block) {
      const from = seconds(drag.block.start), to = seconds(drag.block.finish);
      week[drag.day] = cleared(week[drag.day], from, to);
      if (drag.what === 'move') {
        const start = Math.max(0, Math.min(DAY - (to - from), from + Math.round((at - drag.at) / step) * step));
        week[day] = painted(week[day], start, start + to - from, drag.block.value);
      } else {
        const edge = Math.round(at / step) * step;
        const [a, b] = drag.what === 'start' ? [Math.min(edge, to - step), to] : [from, Math.max(edge, from + step)];
        week[drag.day] = painted(week[drag.day], Math.max(0, a), Math.min(DAY, b), drag.block.value);
      }
    }
    this.set(week);
  }

  /** @param {PointerEvent} event @returns {void} */
  up(event) {
    const { drag } = this;
    this.drag = null;
    if (!drag) return;
    this.dragged = true; // the click that follows is no tap
    this.grid.releasePointerCapture(event.pointerId);
    if (drag.moved) this.done();
    else if (drag.block) this.options.edit(drag.day, blockAt(this.week[drag.day], drag.at));
  }

  /** A tap on a free place makes an hour. @param {PointerEvent} event @returns {void} */
  tap(event) {
    const dragged = this.dragged;
    this.dragged = false;
    if (event.pointerType !== 'touch' || !this.options.may || dragged) return;
    const { day, at, index } = this.under(event);
    if (index >= 0) return;
    const from = Math.floor(at / HOUR) * HOUR;
    this.cursor = { day: DAYS.indexOf(day), at: from };
    this.week[day] = painted(this.week[day], from, from + HOUR, this.options.brush());
    this.done();
  }

  /** @returns {void} */
  cancel() {
    this.begun = null;
    if (this.drag) this.set(this.drag.base);
    this.drag = null;
    this.draw();
  }
}
