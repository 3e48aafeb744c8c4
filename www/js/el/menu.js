// SPDX-License-Identifier: Apache-2.0
// A button with a menu (WAI-ARIA menu button): arrows, Home, End, Escape, first letters. The browser's popover closes it
// when the person looks elsewhere.
import { h, icon } from '../dom.js';

/**
 * @typedef {{label: string, icon?: string, run?: () => any, href?: string, danger?: boolean, checked?: boolean, title?: string}} Item
 * @typedef {Item|'-'|{node: any}} Entry a thing to do, a line between groups, or something to read
 */

/** @param {Entry} entry @param {() => void} close @returns {any} */
function row(entry, close) {
  if (entry === '-') return h('div', { role: 'separator' });
  if ('node' in entry) return entry.node;
  const attributes = {
    role: entry.checked === undefined ? 'menuitem' : 'menuitemradio', 'aria-checked': entry.checked === undefined ? null : String(entry.checked),
    tabindex: '-1', class: entry.danger ? 'danger' : null, title: entry.title || null, onclick: () => { close(); entry.run?.(); },
  };
  const content = [icon(entry.checked ? 'check' : entry.icon || 'blank'), h('span', {}, entry.label)];
  return entry.href ? h('a', { ...attributes, href: entry.href }, content) : h('button', { ...attributes, type: 'button' }, content);
}

/** Below the button; above or to the left where there is no room. @param {HTMLElement} menu @param {HTMLElement} button @returns {void} */
function place(menu, button) {
  const box = button.getBoundingClientRect();
  const x = Math.max(8, Math.min(box.left, innerWidth - menu.offsetWidth - 8));
  const below = box.bottom + 4 + menu.offsetHeight <= innerHeight - 8;
  menu.style.setProperty('--x', `${x}px`);
  menu.style.setProperty('--y', `${below ? box.bottom + 4 : Math.max(8, box.top - 4 - menu.offsetHeight)}px`);
}

/** @param {KeyboardEvent} event @param {HTMLElement[]} items @returns {void} */
function walk(event, items) {
  const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const moves = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 };
  let next = /** @type {Record<string, number>} */ (moves)[event.key];
  if (next === undefined && event.key.length === 1) {
    const found = [...items.slice(at + 1), ...items.slice(0, at + 1)].find((i) => i.textContent?.trim().toLowerCase().startsWith(event.key.toLowerCase()));
    next = found ? items.indexOf(found) : -1;
    if (!found) return;
  }
  if (next === undefined) return;
  event.preventDefault();
  items[(next + items.length) % items.length]?.focus();
}

/**
 * A button that opens a menu.
 * @param {any} content of the button
 * @param {() => (Entry[]|Promise<Entry[]>)} entries asked each time it opens
 * @param {{label?: string, class?: string}} [options] label: what the button is called when its content does not say it
 * @returns {any}
 */
export function menuButton(content, entries, { label, class: className } = {}) {
  const button = h('button', { type: 'button', class: className, 'aria-haspopup': 'menu', 'aria-expanded': 'false', 'aria-label': label });
  button.append(...[content].flat());
  const open = async () => {
    const menu = h('div', { class: 'menu', role: 'menu', popover: 'auto', 'aria-label': label || button.textContent });
    const close = () => { menu.hidePopover(); button.focus(); };
    menu.append(...(await entries()).map((entry) => row(entry, close)));
    const items = [...menu.querySelectorAll('[role^=menuitem]')];
    menu.addEventListener('toggle', (/** @type {any} */ event) => {
      button.setAttribute('aria-expanded', String(event.newState === 'open'));
      if (event.newState === 'closed') menu.remove();
    });
    menu.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
      if (event.key === 'Tab') close();
      else if (event.key === 'Escape') { event.preventDefault(); close(); }
      else walk(event, items);
    });
    document.body.append(menu);
    menu.showPopover();
    place(menu, button);
    items[0]?.focus();
  };
  button.addEventListener('click', () => open());
  button.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    if (event.key === 'ArrowDown') { event.preventDefault(); open(); }
  });
  return button;
}
