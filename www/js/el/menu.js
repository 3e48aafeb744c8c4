// SPDX-License-Identifier: Apache-2.0
// Menus (WAI-ARIA): of a button, or of a thing that was clicked with the right button; arrows, Home, End, Escape, first letters.
// The browser's popover closes them when the person looks elsewhere. An entry may have a key that works without the menu.
import { h, icon } from '../dom.js';
import { t } from '../i18n.js';

/**
 * @typedef {{label: string, icon?: string, run?: () => any, href?: string, danger?: boolean, checked?: boolean, title?: string, key?: string}} Item
 *   key: as KeyboardEvent names it, with its modifiers in front, "Control+D"
 * @typedef {Item|'-'|{node: any}} Entry a thing to do, a line between groups, or something to read
 */

/** @param {Entry} entry @param {() => void} close @returns {any} */
function row(entry, close) {
  if (entry === '-') return h('div', { role: 'separator' });
  if ('node' in entry) return entry.node;
  const attributes = {
    role: entry.checked === undefined ? 'menuitem' : 'menuitemradio', 'aria-checked': entry.checked === undefined ? null : String(entry.checked),
    tabindex: '-1', class: entry.danger ? 'danger' : null, title: entry.title || null, 'aria-keyshortcuts': entry.key || null, onclick: () => { close(); entry.run?.(); },
  };
  const content = [icon(entry.checked ? 'check' : entry.icon || 'blank'), h('span', {}, entry.label), entry.key && h('kbd', { 'aria-hidden': 'true' }, keyText(entry.key))];
  return entry.href ? h('a', { ...attributes, href: entry.href }, content) : h('button', { ...attributes, type: 'button' }, content);
}

/** "Control+ArrowUp" as people read it. @param {string} key @returns {string} */
const keyText = (key) => key.replace('Control', t('Ctrl')).replace('Delete', t('Del')).replace('ArrowUp', '↑').replace('ArrowDown', '↓');

/** Runs the entry whose key was pressed. @param {KeyboardEvent} event @param {Entry[]} entries @returns {boolean} was there one? */
export function pressed(event, entries) {
  const found = entries.find((entry) => entry !== '-' && 'key' in entry && entry.key === keyOf(event));
  if (found && found !== '-' && 'label' in found) found.run?.();
  return Boolean(found);
}

/** A key with its modifiers, as entries name theirs. @param {KeyboardEvent} event @returns {string} */
export function keyOf(event) {
  const name = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  return [(event.ctrlKey || event.metaKey) && 'Control', event.altKey && 'Alt', event.shiftKey && 'Shift', name].filter(Boolean).join('+');
}

/** Below a place; above or to the left where there is no room. @param {HTMLElement} menu @param {{left: number, top: number, bottom: number}} box @returns {void} */
function place(menu, box) {
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
 * Opens a menu; the focus goes back to where it was.
 * @param {Entry[]} entries @param {string} label @param {{left: number, top: number, bottom: number}} box where
 * @param {() => HTMLElement|null|undefined} from what has the focus afterwards @param {(open: boolean) => void} [told]
 * @returns {void}
 */
function openMenu(entries, label, box, from, told) {
  const menu = h('div', { class: 'menu', role: 'menu', popover: 'auto', 'aria-label': label });
  const close = () => { menu.hidePopover(); from()?.focus(); };
  menu.append(...entries.map((entry) => row(entry, close)));
  const items = [...menu.querySelectorAll('[role^=menuitem]')];
  menu.addEventListener('toggle', (/** @type {any} */ event) => {
    told?.(event.newState === 'open');
    if (event.newState === 'closed') menu.remove();
  });
  menu.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    event.stopPropagation();
    if (event.key === 'Tab') close();
    else if (event.key === 'Escape') { event.preventDefault(); close(); }
    else walk(event, items);
  });
  document.body.append(menu);
  menu.showPopover();
  place(menu, box);
  items[0]?.focus();
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
  const open = async () => openMenu(await entries(), label || button.textContent, button.getBoundingClientRect(), () => button, (is) => button.setAttribute('aria-expanded', String(is)));
  button.addEventListener('click', () => open());
  button.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    if (event.key === 'ArrowDown') { event.preventDefault(); open(); }
  });
  return button;
}

/**
 * Menus of the things in a list: with the right button, with the menu key, and their keys without the menu.
 * @param {HTMLElement} list
 * @param {(target: Element) => ({entries: () => Promise<Entry[]>, label: string, focus: () => HTMLElement|null|undefined}|null)} find what was meant; focus: its element, also when the list has been drawn anew
 * @returns {void}
 */
export function contextMenus(list, find) {
  list.addEventListener('contextmenu', async (/** @type {MouseEvent} */ event) => {
    const thing = find(/** @type {Element} */ (event.target));
    if (!thing) return;
    event.preventDefault();
    const { bottom, left, top } = (thing.focus() || list).getBoundingClientRect();
    const byKey = event.button !== 2;
    openMenu(await thing.entries(), thing.label, byKey ? { left: left + 24, top, bottom: Math.min(bottom, top + 28) } : { left: event.clientX, top: event.clientY, bottom: event.clientY }, thing.focus);
  });
  list.addEventListener('keydown', async (/** @type {KeyboardEvent} */ event) => {
    if (event.defaultPrevented || !KEYS.includes(keyOf(event)) || /** @type {Element} */ (event.target).matches('input:not([type=checkbox]), select, textarea')) return;
    if (event.key.toLowerCase() === 'c' && getSelection()?.toString()) return; // text that was marked
    const thing = find(/** @type {Element} */ (event.target));
    if (!thing) return;
    event.preventDefault();
    pressed(event, await thing.entries());
  });
}

/** Keys that entries have: they must be kept from the browser before it is known whether there is such an entry. */
const KEYS = ['F2', 'Delete', 'Control+C', 'Control+X', 'Control+V', 'Control+D', 'Alt+ArrowUp', 'Alt+ArrowDown'];
