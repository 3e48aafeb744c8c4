// SPDX-License-Identifier: Apache-2.0
// The nav tree: folders open lazily; the keyboard works as in any tree (WAI-ARIA tree pattern); statuses are live; counts say
// how many alarms are open below a component. Each has the menu and the keys of its component.
import { h, fill, icon } from '../dom.js';
import { t, plural } from '../i18n.js';
import { get, componentUrl, allTypes } from '../api.js';
import { watch } from '../store/events.js';
import { statusBadge, symbolOf } from './badges.js';
import { contextMenus } from './menu.js';
/** @typedef {import('../types.js').Child} Child */
/** @typedef {{path: string, child: Child, item: HTMLElement, marks: HTMLElement, status: string}} Node */

const PAGE = 200;
const WATCHED = 200;

/** @param {string} path @param {string} name @returns {string} */
const below = (path, name) => `${path === '/' ? '' : path}/${name}`;

export class NavTree extends HTMLElement {
  /** @type {Map<string, Node>} */ nodes = new Map();
  /** @type {Set<string>} */ open = new Set(['/', '/Services', '/Drivers']);
  /** @type {Map<string, number>} */ alarms = new Map();
  /** @type {(path: string, focus: boolean) => void} */ onSelect = () => {};
  /** @type {(child: Child & {path: string}, siblings: string[]|undefined) => Promise<import('./menu.js').Entry[]>} */ menuOf = async () => [];
  /** @type {Map<string, import('../types.js').Type>} */ types = new Map();
  selected = '/';
  turn = 0;
  reading = false; // a reload is on its way

  connectedCallback() {
    this.list = h('ul', { class: 'tree', role: 'tree', 'aria-label': t('Station'), onkeydown: (/** @type {KeyboardEvent} */ e) => this.keys(e) });
    fill(this, this.list);
    contextMenus(this.list, (target) => this.meant(target));
    this.reload().catch(() => {});
  }

  /** Reads again what is open; until all of it has come, the old one stays and works. What is opened meanwhile is read, too. @returns {Promise<void>} */
  async reload() {
    this.types = await allTypes();
    const turn = this.turn += 1;
    this.reading = true;
    const nodes = new Map();
    const item = await get('/components?children=1').then((root) => this.item(root, '/', nodes)).finally(() => { if (turn === this.turn) this.reading = false; });
    if (turn !== this.turn) return; // a later one is on its way
    const focused = this.contains(document.activeElement) ? this.pathOf(document.activeElement) : null;
    const top = this.list.scrollTop;
    this.nodes = nodes;
    fill(this.list, item);
    this.list.scrollTop = top;
    await this.select(this.selected);
    if (focused) this.nodes.get(focused)?.item.focus();
  }

  /** @param {Element|null} element @returns {string} */
  pathOf(element) {
    return /** @type {HTMLElement|null} */ (element?.closest('[role=treeitem]'))?.dataset.path || '/';
  }

  /** The component that a click or key is about. @param {Element} target @returns {{entries: () => Promise<import('./menu.js').Entry[]>, label: string, focus: () => HTMLElement|undefined}|null} */
  meant(target) {
    const node = target.closest('.node, [role=treeitem]') && this.nodes.get(this.pathOf(target));
    if (!node) return null;
    const group = node.item.parentElement;
    const siblings = group?.querySelector(':scope > .more') ? undefined : [...(group?.children || [])].map((item) => this.pathOf(item).replace(/^.*\//, ''));
    return { entries: () => this.menuOf({ ...node.child, path: node.path }, siblings), label: t('Actions of {name}', { name: node.child.displayName }), focus: () => this.nodes.get(node.path)?.item };
  }

  /** One component. @param {Child} child @param {string} path @param {Map<string, Node>} nodes where it is noted @returns {Promise<HTMLElement>} */
  async item(child, path, nodes) {
    const twist = h('span', { class: 'twist', 'aria-hidden': 'true' }, child.hasChildren && icon('chevron'));
    const marks = h('span', {});
    const line = h('div', { class: 'node' }, twist, icon(path === '/' ? 'home' : symbolOf(this.types, child.type)), h('span', { class: 'label' }, child.displayName), marks);
    const item = h('li', { role: 'treeitem', tabindex: '-1', 'data-path': path, 'aria-selected': 'false' }, line);
    const node = { path, child, item, marks, status: child.status };
    nodes.set(path, node);
    this.mark(node);
    if (child.hasChildren) item.setAttribute('aria-expanded', 'false');
    twist.addEventListener('click', (/** @type {Event} */ e) => { e.stopPropagation(); this.toggle(item); });
    line.addEventListener('click', () => { item.focus(); this.onSelect(path, false); });
    if (child.hasChildren && this.open.has(path)) await this.expand(item, nodes);
    return item;
  }

  /** Shows status and alarms of a component. @param {Node} node @returns {void} */
  mark(node) {
    const { child, item, marks, path } = node;
    const alarms = this.alarms.get(path) || 0;
    const bad = node.status && node.status !== '{ok}' && node.status !== '{null}' && !(alarms && /^\{(alarm|unackedAlarm)(,unackedAlarm)?\}$/.test(node.status));
    fill(marks, bad && statusBadge(node.status), alarms > 0 && h('span', { class: 'count' }, alarms));
    item.setAttribute('aria-label', [child.displayName, bad && node.status, alarms && plural(alarms, '1 alarm', '{n} alarms')].filter(Boolean).join(', '));
  }

  /** Reads and shows what is below: one page, that with the selected component. @param {HTMLElement} item @param {Map<string, Node>} [nodes] @returns {Promise<void>} */
  async expand(item, nodes = this.nodes) {
    const path = this.pathOf(item);
    const inside = this.selected.startsWith(below(path, '')) ? this.selected.slice(below(path, '').length).split('/')[0] : '';
    const group = h('ul', { role: 'group' });
    await this.addPage(group, path, inside ? `at=${encodeURIComponent(inside)}` : 'offset=0', null, nodes);
    item.querySelector(':scope > ul')?.remove();
    item.append(group);
    item.setAttribute('aria-expanded', 'true');
    this.open.add(path);
  }

  /** @param {HTMLElement} group @param {string} path @param {string} where query of the page @param {HTMLElement|null} row what it replaces: a "more" of the group @param {Map<string, Node>} [nodes] @returns {Promise<void>} */
  async addPage(group, path, where, row, nodes = this.nodes) {
    const { items, total, offset } = await get(`${componentUrl(path)}/children?limit=${PAGE}&${where}`);
    const made = await Promise.all(items.map((/** @type {Child} */ c) => this.item(c, below(path, c.name), nodes)));
    const backwards = row?.nextElementSibling && row === group.firstElementChild;
    if (row) row.replaceWith(...made); else group.append(...made);
    const end = offset + items.length;
    if (offset > 0 && (!row || backwards)) group.prepend(this.more(group, path, t('{n} before', { n: offset }), Math.max(0, offset - PAGE)));
    if (end < total && !backwards) group.append(this.more(group, path, t('{n} more', { n: total - end }), end));
  }

  /** @param {HTMLElement} group @param {string} path @param {string} text @param {number} offset @returns {HTMLElement} */
  more(group, path, text, offset) {
    const row = h('li', { role: 'none', class: 'more' }, h('button', { type: 'button', class: 'plain small', onclick: () => this.addPage(group, path, `offset=${offset}`, row).then(() => { this.highlight(); this.watchShown(); }) }, text));
    return row;
  }

  /** @param {HTMLElement} item @returns {Promise<void>} */
  async toggle(item) {
    if (item.getAttribute('aria-expanded') === 'true') {
      const path = this.pathOf(item);
      item.querySelector(':scope > ul')?.remove();
      for (const known of this.nodes.keys()) if (known !== path && known.startsWith(below(path, ''))) this.nodes.delete(known);
      item.setAttribute('aria-expanded', 'false');
      this.open.delete(path);
    } else if (item.hasAttribute('aria-expanded')) {
      await this.expand(item);
    }
    if (this.reading || !item.isConnected) await this.reload();
    this.highlight();
    this.watchShown();
  }

  /** Marks the component that the page shows, and opens the way to it. @param {string} path @returns {Promise<void>} */
  async select(path) {
    this.selected = path;
    const parts = path.split('/').filter(Boolean);
    for (let i = 0; i < parts.length; i += 1) {
      const node = this.nodes.get(`/${parts.slice(0, i).join('/')}`);
      if (node?.item.getAttribute('aria-expanded') === 'false') await this.expand(node.item).catch(() => {});
    }
    this.highlight();
    this.watchShown();
    this.nodes.get(path)?.item.querySelector('.node')?.scrollIntoView({ block: 'nearest' });
  }

  /** @returns {void} */
  highlight() {
    for (const { path, item } of this.nodes.values()) {
      item.setAttribute('aria-selected', String(path === this.selected));
      item.tabIndex = path === this.selected ? 0 : -1;
    }
    const first = this.nodes.get('/');
    if (first && !this.nodes.has(this.selected)) first.item.tabIndex = 0;
  }

  /** @returns {void} */
  watchShown() {
    watch('tree', [...this.nodes.values()].slice(0, WATCHED).map((n) => n.child.handle));
  }

  /** How many alarms are open at and below each path. @param {Map<string, number>} counts @returns {void} */
  setAlarms(counts) {
    const before = this.alarms;
    this.alarms = counts;
    for (const node of this.nodes.values()) if ((before.get(node.path) || 0) !== (counts.get(node.path) || 0)) this.mark(node);
  }

  /** A live value of any component. @param {{handle: string, slot: string, value: any}} event @returns {void} */
  live({ handle, slot, value }) {
    const status = slot === 'status' ? value : slot === 'out' ? value?.status : null;
    if (typeof status !== 'string') return;
    for (const node of this.nodes.values()) {
      if (node.child.handle === handle && node.status !== status) {
        node.status = status;
        this.mark(node);
      }
    }
  }

  /** @param {KeyboardEvent} event @returns {Promise<void>} */
  async keys(event) {
    const item = /** @type {HTMLElement} */ (document.activeElement);
    const items = /** @type {HTMLElement[]} */ ([...this.list.querySelectorAll('[role=treeitem]')]);
    const at = items.indexOf(item);
    if (at < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    const go = (/** @type {HTMLElement|null|undefined} */ target) => { if (target) { items.forEach((i) => { i.tabIndex = -1; }); target.tabIndex = 0; target.focus(); } };
    const expanded = item.getAttribute('aria-expanded'), path = this.pathOf(item);
    const turn = () => this.toggle(item).then(() => go(this.nodes.get(path)?.item)); // it may have been read again meanwhile
    /** @type {Record<string, () => any>} */
    const moves = {
      ArrowDown: () => go(items[at + 1]),
      ArrowUp: () => go(items[at - 1]),
      Home: () => go(items[0]),
      End: () => go(items[items.length - 1]),
      ArrowRight: () => (expanded === 'false' ? turn() : go(/** @type {HTMLElement|null} */ (item.querySelector('[role=treeitem]')))),
      ArrowLeft: () => (expanded === 'true' ? turn() : go(/** @type {HTMLElement|null|undefined} */ (item.parentElement?.closest('[role=treeitem]')))),
      Enter: () => this.onSelect(this.pathOf(item), true),
      ' ': () => this.onSelect(this.pathOf(item), false),
    };
    const typed = event.key.length === 1 && event.key !== ' ' && [...items.slice(at + 1), ...items.slice(0, at + 1)]
      .find((i) => i.querySelector('.label')?.textContent?.toLowerCase().startsWith(event.key.toLowerCase()));
    if (!moves[event.key] && !typed) return;
    event.preventDefault();
    if (typed) go(typed); else await moves[event.key]();
  }
}
customElements.define('nav-tree', NavTree);
