// SPDX-License-Identifier: Apache-2.0
// The components below one, each opened in place on its property sheet: a line that says what it is, and its own sheet with
// its own Save. Frozen children are rows of the parent's sheet instead (composites.js).
import { h, fill, icon, inTurn } from '../dom.js';
import { t } from '../i18n.js';
import { call, componentUrl, get, pageUrl } from '../api.js';
import { typeText } from '../format.js';
import { statusBadge, symbolOf } from './badges.js';
import { summaryView } from './summary.js';
import { toastError } from './toast.js';
import './property-sheet.js';
/** @typedef {import('../types.js').Child} Child */
/** @typedef {import('../types.js').Component} Component */
/** @typedef {import('../types.js').Type} Type */
/** @typedef {import('./property-sheet.js').PropertySheet} PropertySheet */

/** More are better read as the table of the view Components. */
const MOST = 30;

/** One child. */
class NestedSheet {
  /** @type {PropertySheet|null} */ sheet = null;

  /** @param {Child} child @param {string} path @param {Map<string, Type>} types @param {{operate: boolean, configure: boolean}} may */
  constructor(child, path, types, may) {
    this.child = child;
    this.path = path;
    this.types = types;
    this.may = may;
    this.text = h('span', { class: 'grow' });
    this.badge = h('span', {});
    this.place = h('div', {});
    this.reread = inTurn(() => call('GET', componentUrl(this.path)).then(({ data, etag }) => this.sheet?.follow(data, etag)));
    const open = (/** @type {any} */ event) => { if (event.target.open && !this.sheet) this.open().catch(toastError); };
    this.element = h('details', { class: 'card nested-sheet', ontoggle: open },
      h('summary', {}, icon(symbolOf(types, child.type)), h('strong', {}, child.displayName), h('span', { class: 'muted small' }, typeText(child.type)), this.text, this.badge), this.place);
    this.show();
  }

  /** @returns {void} */
  show() {
    fill(this.text, summaryView(this.child, this.types.get(this.child.type)));
    fill(this.badge, statusBadge(this.child.status));
  }

  /** @returns {Promise<void>} */
  async open() {
    const sheet = /** @type {PropertySheet} */ (document.createElement('property-sheet'));
    const { data, etag } = await call('GET', componentUrl(this.path));
    await sheet.show(data, etag, this.may);
    if (this.sheet) return; // it was closed and opened again meanwhile
    this.sheet = sheet;
    fill(this.place, h('div', { class: 'tools' }, h('a', { href: pageUrl(this.path) }, t('All views of {name}', { name: this.child.displayName }))), sheet);
  }

  /** @param {string} kind @param {any} event @returns {void} */
  live(kind, event) {
    if (kind === 'component' && event.what === 'changed' && this.sheet) this.reread().catch(() => {});
    if (kind !== 'value') return;
    this.child.values = { ...this.child.values, [event.slot]: event.value };
    if (event.slot === 'status') this.child.status = event.value;
    if (event.slot === 'out') this.child.status = event.value?.status || this.child.status;
    this.sheet?.live(event.slot, event.value);
    this.show();
  }
}

/**
 * @param {Component} component @param {Map<string, Type>} types @param {{operate: boolean, configure: boolean}} may
 * @returns {Promise<{element: HTMLElement, handles: string[], live: (kind: string, event: any) => void, dirty: () => boolean}>}
 */
export async function nestedSheets(component, types, may) {
  const slots = types.get(component.type)?.slots || [];
  const own = component.children.filter((c) => !slots.some((s) => s.kind === 'component' && s.name === c.name));
  const few = own.length > 0 && component.childCount <= MOST;
  /** @type {Child[]} */
  const items = few ? (await get(`${componentUrl(component.path)}/children?values=true&limit=100`)).items.filter((/** @type {Child} */ c) => own.some((o) => o.handle === c.handle)) : [];
  const sheets = new Map(items.map((child) => [child.handle, new NestedSheet(child, `${component.path === '/' ? '' : component.path}/${child.name}`, types, may)]));
  return {
    element: h('div', {}, [...sheets.values()].map((s) => s.element)), handles: [...sheets.keys()],
    live: (kind, event) => sheets.get(event?.handle)?.live(kind, event),
    dirty: () => [...sheets.values()].some((s) => s.sheet?.dirty()),
  };
}
