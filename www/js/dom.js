// SPDX-License-Identifier: Apache-2.0
// Making elements. Text always becomes a text node: nothing that a device, a mail or a certificate says can become markup.

const PROPERTIES = ['value', 'checked', 'disabled', 'selected', 'open'];
const SVG = 'http://www.w3.org/2000/svg';

/**
 * An element.
 * @param {string} tag
 * @param {Record<string, any>} [attributes] on…: listeners; value, checked, disabled, selected, open: properties; others: attributes
 * @param {...any} children nodes, texts, lists of these; null, undefined and false are left out
 * @returns {any} the element
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), name === 'onclick' ? once(value) : value);
    else if (PROPERTIES.includes(name)) Reflect.set(element, name, value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  append(element, children);
  return element;
}

/** @type {WeakSet<Function>} what clicks have begun */
const begun = new WeakSet();

/**
 * What a click begins, once at a time: on a slow line people click again, and mean the same. A button that is drawn anew
 * meanwhile counts as the same one when it begins the same function.
 * @param {(event: Event) => any} run @returns {(event: Event) => void}
 */
function once(run) {
  return (event) => {
    if (begun.has(run)) return;
    const work = run(event);
    if (!(work instanceof Promise)) return;
    begun.add(run);
    work.finally(() => begun.delete(run));
  };
}

/** @param {Node} parent @param {any} child @returns {void} */
function append(parent, child) {
  if (Array.isArray(child)) child.forEach((c) => append(parent, c));
  else if (child instanceof Node) parent.appendChild(child);
  else if (child !== null && child !== undefined && child !== false) parent.appendChild(document.createTextNode(String(child)));
}

/** Replaces all children. @param {Element} parent @param {...any} children @returns {void} */
export function fill(parent, ...children) {
  parent.replaceChildren();
  append(parent, children);
}

/**
 * A symbol of the sprite. It says nothing to a screen reader: words stand beside it, or the button has a label.
 * @param {string} name of a symbol in icons/sprite.svg
 * @returns {SVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `/icons/sprite.svg#${name}`);
  svg.append(use);
  return svg;
}

/** @type {{last: number}} */
const ids = { last: 0 };

/** A fresh id, for labels. @param {string} prefix @returns {string} */
export function uid(prefix) {
  ids.last += 1;
  return `${prefix}-${ids.last}`;
}

/**
 * A labelled control.
 * @param {string} label @param {any} control an input, select or textarea @param {string} [help]
 * @returns {any}
 */
export function labelled(label, control, help) {
  const id = control.id || uid('field');
  control.id = id;
  if (help) control.setAttribute('aria-describedby', `${id}-help`);
  return h('div', { class: 'field' }, h('label', { for: id }, label), control, help && h('p', { class: 'help', id: `${id}-help` }, help));
}

/**
 * What a list shows when there is nothing in it.
 * @param {string} symbol @param {string} title @param {any} [text]
 * @returns {any}
 */
export function empty(symbol, title, text) {
  return h('div', { class: 'empty' }, icon(symbol), h('strong', {}, title), text && h('p', {}, text));
}

/**
 * A framed sentence that matters.
 * @param {'bad'|'warn'|'good'} kind @param {...any} content
 * @returns {any}
 */
export function banner(kind, ...content) {
  return h('div', { class: `banner ${kind}` }, icon({ bad: 'alert', warn: 'alert', good: 'check' }[kind]), h('div', {}, content));
}

/**
 * Calls a function once when calls have stopped coming for a while.
 * @param {() => (void|Promise<any>)} run @param {number} delay ms
 * @returns {{(): void, cancel(): void}}
 */
export function settled(run, delay) {
  let timer = 0;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => Promise.resolve(run()).catch(() => {}), delay);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}

/**
 * One at a time: who asks while it runs is given the next run, which all who ask meanwhile share. So what was asked for
 * last is shown last, however slow an answer is.
 * @param {() => Promise<any>} run
 * @returns {() => Promise<any>}
 */
export function inTurn(run) {
  /** @type {Promise<any>|null} */ let now = null;
  /** @type {Promise<any>|null} */ let next = null;
  const start = () => {
    now = run().finally(() => { now = null; });
    return now;
  };
  return () => {
    if (!now) return start();
    next ??= now.catch(() => {}).then(() => { next = null; return start(); });
    return next;
  };
}

/**
 * Draws a part of the page anew and gives the focus back to what had it: elements are known by their data-key.
 * @param {HTMLElement} container @param {() => void} draw
 * @returns {void}
 */
export function keepFocus(container, draw) {
  const key = container.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).dataset.key : undefined;
  draw();
  if (key) /** @type {HTMLElement|null} */ (container.querySelector(`[data-key="${CSS.escape(key)}"]`))?.focus({ preventScroll: true });
}

/**
 * The head of a table.
 * @param {...any} names texts; null: a column of buttons, which has a name for screen readers only
 * @returns {any}
 */
export function tableHead(...names) {
  return h('thead', {}, h('tr', {}, names.flat().filter((name) => name !== false).map((name) => h('th', { scope: 'col' }, name === null ? h('span', { class: 'visually-hidden' }, 'Actions') : name))));
}

/**
 * A table that may be wider than the page; the keyboard can scroll it.
 * @param {string} label @param {any} table
 * @returns {any}
 */
export function scroller(label, table) {
  return h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': label }, table);
}

/**
 * Pairs of name and value; pairs without a value are left out.
 * @param {[string, any][]} pairs
 * @returns {any}
 */
export function facts(pairs) {
  return h('dl', { class: 'facts' }, pairs.filter(([, value]) => value !== null && value !== undefined && value !== '' && value !== false).map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
}

/** Hands over a file. @param {string} name @param {string | Uint8Array<ArrayBuffer>} content @returns {void} */
export function download(name, content) {
  const url = URL.createObjectURL(new Blob([content], { type: 'application/octet-stream' }));
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}
