// SPDX-License-Identifier: Apache-2.0
// The nav tree: folders open lazily; the keyboard works as in any tree (WAI-ARIA tree pattern).
import { h, fill } from '../dom.js';
import { get, componentUrl } from '../api.js';
import { statusClass, statusText } from '../text.js';

export class NavTree extends HTMLElement {
  selected = '';
  /** @type {Set<string>} */ open = new Set(['/', '/Services', '/Drivers']);
  /** @type {(path: string) => void} */ onSelect = () => {};

  async connectedCallback() {
    this.list = h('ul', { class: 'tree', role: 'tree', 'aria-label': 'Station', onkeydown: (e) => this.keys(e) });
    fill(this, this.list);
    await this.reload();
  }

  async reload() {
    const root = await get('/components');
    const focused = this.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).dataset.path : null;
    const item = await this.item({ ...root, hasChildren: root.children.length > 0 }, '/', root);
    fill(this.list, item);
    this.select(this.selected || '/');
    if (focused) /** @type {HTMLElement|null} */ (this.find(focused))?.focus();
  }

  /** @param {string} path @returns {HTMLElement|null} */
  find(path) {
    return [.../** @type {any} */ (this.list.querySelectorAll('[role=treeitem]'))].find((i) => i.dataset.path === path) || null;
  }

  /** @param {any} child @param {string} path @param {any} [whole] */
  async item(child, path, whole) {
    const twist = h('span', { class: 'twist', 'aria-hidden': 'true' }, child.hasChildren ? '▸' : '');
    const bad = child.status && child.status !== '{ok}';
    const node = h('div', { class: 'node' }, twist, h('span', {}, child.displayName),
      bad && h('span', { class: 'status', 'data-status': statusClass(child.status) }, statusText(child.status)));
    const item = h('li', { role: 'treeitem', tabindex: '-1', 'data-path': path, 'aria-selected': 'false', 'aria-label': child.displayName }, node);
    if (child.hasChildren) item.setAttribute('aria-expanded', 'false');
    twist.addEventListener('click', (e) => { e.stopPropagation(); this.toggle(item); });
    node.addEventListener('click', () => { this.onSelect(path); item.focus(); });
    if (child.hasChildren && this.open.has(path)) await this.expand(item, whole);
    return item;
  }

  /** @param {HTMLElement} item @param {any} [whole] */
  async expand(item, whole) {
    const path = /** @type {string} */ (item.dataset.path);
    const component = whole || await get(componentUrl(path));
    const children = await Promise.all(component.children.map((c) => this.item(c, `${path === '/' ? '' : path}/${c.name}`)));
    item.querySelector(':scope > ul')?.remove();
    item.append(h('ul', { role: 'group' }, children));
    item.setAttribute('aria-expanded', 'true');
    /** @type {Element} */ (item.querySelector('.twist')).textContent = '▾';
    this.open.add(path);
  }

  /** @param {HTMLElement} item */
  async toggle(item) {
    if (item.getAttribute('aria-expanded') === 'true') {
      item.querySelector(':scope > ul')?.remove();
      item.setAttribute('aria-expanded', 'false');
      /** @type {Element} */ (item.querySelector('.twist')).textContent = '▸';
      this.open.delete(/** @type {string} */ (item.dataset.path));
    } else if (item.hasAttribute('aria-expanded')) {
      await this.expand(item);
      this.select(this.selected);
    }
  }

  /** Marks the component that the page shows. @param {string} path */
  select(path) {
    this.selected = path;
    let any = false;
    for (const item of this.list?.querySelectorAll('[role=treeitem]') || []) {
      const mine = item.dataset.path === path;
      item.setAttribute('aria-selected', String(mine));
      item.tabIndex = mine ? 0 : -1;
      any ||= mine;
    }
    const first = this.list?.querySelector('[role=treeitem]');
    if (!any && first) first.tabIndex = 0;
  }

  /** @param {KeyboardEvent} event */
  async keys(event) {
    const items = [...this.list.querySelectorAll('[role=treeitem]')];
    const item = /** @type {HTMLElement} */ (document.activeElement);
    const at = items.indexOf(item);
    if (at < 0) return;
    const go = (target) => { if (target) { items.forEach((i) => { i.tabIndex = -1; }); target.tabIndex = 0; target.focus(); } };
    const expanded = item.getAttribute('aria-expanded');
    const moves = {
      ArrowDown: () => go(items[at + 1]),
      ArrowUp: () => go(items[at - 1]),
      Home: () => go(items[0]),
      End: () => go(items[items.length - 1]),
      ArrowRight: async () => { if (expanded === 'false') await this.toggle(item); else go(item.querySelector('[role=treeitem]')); },
      ArrowLeft: async () => { if (expanded === 'true') await this.toggle(item); else go(item.parentElement?.closest('[role=treeitem]')); },
      Enter: () => this.onSelect(/** @type {string} */ (item.dataset.path)),
      ' ': () => this.onSelect(/** @type {string} */ (item.dataset.path)),
    };
    if (moves[event.key]) {
      event.preventDefault();
      event.stopPropagation();
      await moves[event.key]();
    }
  }
}
customElements.define('nav-tree', NavTree);
