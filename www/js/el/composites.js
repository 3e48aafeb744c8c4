// SPDX-License-Identifier: Apache-2.0
// Editors for values that hold others: structs, lists, values with a status, and frozen children opened in place.
import { h, icon, uid } from '../dom.js';
import { t } from '../i18n.js';
import { typeIs, pageUrl } from '../api.js';
import { typeText } from '../format.js';
import { flag, plainEditor } from './editors.js';
import { slotsOf } from './slots-of.js';
import { outText, PLAIN_KIND, valueView } from './values.js';
/** @typedef {import('../types.js').Slot} Slot */
/** @typedef {import('../types.js').Type} Type */
/** @typedef {import('./editors.js').Editor} Editor */
/** @typedef {Map<string, Type>} Types */
/** @typedef {{path: string, children?: import('../types.js').Child[]}} Place of the slots: a component, with its children when they are known */

/** Value and status: only the value is edited; "null" hands over to the next one. @param {Slot} slot @returns {Editor} */
function statusValue(slot) {
  const inner = plainEditor({ ...slot, kind: PLAIN_KIND[slot.kind] });
  const none = flag();
  none.control.setAttribute('aria-label', t('{name}: null', { name: slot.displayName }));
  const show = () => { inner.control.disabled = none.control.checked; };
  none.control.addEventListener('input', show);
  return {
    element: h('div', { class: 'with-unit' }, inner.element, h('label', { class: 'null-bit' }, none.element, 'null')), control: inner.control,
    get: () => (none.get() ? null : inner.get()),
    set: (value) => {
      const whole = typeof value === 'object' && value ? value : { value, status: value === null || value === undefined ? '{null}' : '{ok}' };
      inner.set(whole.value ?? null);
      none.set(/\bnull\b/.test(whole.status));
      show();
    },
  };
}

/** One member of a struct or of a child, with its label. @param {Slot} slot @param {Editor} editor @returns {any} */
function memberRow(slot, editor) {
  if (!editor.control.id) editor.control.id = uid('member');
  const label = h('label', { for: editor.control.id, title: slot.doc || null }, slot.displayName);
  if (slot.kind === 'struct' || slot.kind === 'list') return h('div', { class: 'member' }, h('div', { class: 'label' }, slot.displayName), editor.element);
  if (slot.facets.multiLine) return h('div', { class: 'member' }, h('label', { class: 'wide', for: editor.control.id, title: slot.doc || null }, slot.displayName), h('div', { class: 'wide' }, editor.element));
  return h('div', { class: 'member' }, label, editor.element);
}

/** @param {[Slot, Editor][]} editors @param {string[]} names @returns {HTMLElement|null} */
function findMember(editors, [name, ...rest]) {
  const editor = editors.find(([slot]) => slot.name === name)?.[1];
  return editor ? editor.find?.(rest) || editor.control : null;
}

/** A struct in place: flags side by side, other members as rows. @param {Slot} slot @param {Types} types @returns {Editor} */
function struct(slot, types) {
  const members = slot.members || [];
  const flags = members.every((m) => m.kind === 'boolean');
  const editors = members.map((m) => /** @type {[Slot, Editor]} */ ([m, flags ? flag() : editorFor(m, types)]));
  const rows = editors.map(([m, e]) => (flags ? h('label', { title: m.doc || null }, e.element, m.displayName) : memberRow(m, e)));
  return {
    element: h('div', { class: flags ? 'flags' : 'nested', role: 'group', 'aria-label': slot.displayName }, rows), control: editors[0]?.[1].control,
    get: () => Object.fromEntries(editors.map(([m, e]) => [m.name, e.get()])),
    set: (value) => editors.forEach(([m, e]) => e.set(value?.[m.name] ?? m.default)),
    find: (names) => findMember(editors, names),
  };
}

/** So many members of an item stand on one line; more are rows with labels. */
const LINE_MOST = 2;

/** One struct of a list. @param {Slot} slot @param {number} at @param {Types} types @returns {Editor} */
function itemEditor(slot, at, types) {
  if (!slot.members) {
    const editor = plainEditor({ ...slot, kind: slot.element || 'string' });
    editor.control.setAttribute('aria-label', `${slot.displayName} ${at}`);
    return editor;
  }
  const editors = slot.members.map((m) => /** @type {[Slot, Editor]} */ ([m, editorFor(m, types)]));
  const rows = editors.length > LINE_MOST;
  for (const [m, e] of editors) {
    if (rows) break;
    e.control.setAttribute('aria-label', `${slot.displayName} ${at}: ${m.displayName}`);
    e.control.setAttribute('placeholder', m.displayName);
  }
  return {
    element: rows ? h('div', { class: 'nested', role: 'group', 'aria-label': `${slot.displayName} ${at}` }, editors.map(([m, e]) => memberRow(m, e))) : h('div', { class: 'parts' }, editors.map(([, e]) => e.element)), control: editors[0][1].control,
    get: () => Object.fromEntries(editors.map(([m, e]) => [m.name, e.get()])),
    set: (value) => editors.forEach(([m, e]) => e.set(value?.[m.name] ?? m.default)),
    find: (names) => findMember(editors, names),
  };
}

/** A list, with + and ×. @param {Slot} slot @param {Types} types @returns {Editor} */
function list(slot, types) {
  /** @type {{editor: Editor, row: HTMLElement}[]} */
  let items = [];
  const body = h('div', { class: 'items' });
  const add = h('button', { type: 'button', class: 'small', 'aria-label': t('Add to {name}', { name: slot.displayName }), onclick: () => { insert(blank()).control.focus(); changed(); } }, icon('plus'), t('Add'));
  const element = h('div', { class: 'list-editor', role: 'group', 'aria-label': slot.displayName }, body, add);
  const changed = () => element.dispatchEvent(new Event('input', { bubbles: true }));
  const blank = () => (slot.members ? Object.fromEntries(slot.members.map((m) => [m.name, m.default])) : '');
  const insert = (/** @type {any} */ value) => {
    const editor = itemEditor(slot, items.length + 1, types);
    editor.set(value);
    const drop = () => {
      items = items.filter((i) => i.editor !== editor);
      row.remove();
      add.focus();
      changed();
    };
    const row = h('div', { class: 'item' }, editor.element,
      h('button', { type: 'button', class: 'plain icon-only', 'aria-label': t('Remove {name} {n}', { name: slot.displayName, n: items.length + 1 }), onclick: drop }, icon('cross')));
    items.push({ editor, row });
    body.append(row);
    return editor;
  };
  return {
    element, control: add,
    get: () => items.map((i) => i.editor.get()),
    set: (value) => {
      items = [];
      body.replaceChildren();
      (value || []).forEach(insert);
    },
    find: ([at, ...rest]) => { const item = items[Number(at)]; return item ? item.editor.find?.(rest) || item.editor.control : null; },
  };
}

/** What a row of a child means, below its value. @param {Slot} slot @returns {HTMLElement|null} */
const doc = (slot) => (slot.doc ? h('div', { class: 'doc', id: uid('doc') }, slot.doc) : null);

/** The types that a frozen child may have. @param {Slot} slot @param {Types} types @returns {string[]} */
function choices(slot, types) {
  return [...types.values()].filter((type) => !type.abstract && typeIs(types, type.name, slot.type || '')).map((type) => type.name);
}

/**
 * A frozen child opened in place: its type where there is a choice, and its own properties. The slot of an abstract type
 * (an authenticator) is a choice; one of a real type (a point) is that component, with the slots that it alone has.
 * @param {Slot} slot @param {Types} types @param {Place} place the parent
 * @returns {Editor}
 */
function child(slot, types, place) {
  const path = `${place.path === '/' ? '' : place.path}/${slot.name}`;
  const own = place.children?.find((c) => c.name === slot.name);
  const selectable = types.get(slot.type || '')?.abstract === true;
  const select = h('select', { 'aria-label': t('{name}: type', { name: slot.displayName }) });
  const body = h('div', { class: 'nested' });
  const summary = h('span', {});
  /** @type {{editors: [Slot, Editor][], read: Map<string, [Slot, HTMLElement]>, type: string, original: Record<string, string>}} */
  const state = { editors: [], read: new Map(), type: '', original: {} };

  const show = (/** @type {string} */ name, /** @type {any} */ values) => {
    const rows = slotsOf(types.get(name), own?.type === name ? own : {}).filter((s) => !s.flags.includes('hidden'));
    state.editors = [];
    state.read.clear();
    body.replaceChildren(...rows.map((s) => {
      const value = values?.[s.name] ?? s.default;
      if (s.flags.includes('readonly')) {
        const view = h('div', {}, valueView(s, value));
        state.read.set(s.name, [s, view]);
        return h('div', { class: 'member' }, h('div', { class: 'label' }, s.displayName), view, doc(s));
      }
      const editor = editorFor(s, types, { path });
      editor.set(value);
      state.editors.push([s, editor]);
      const row = memberRow(s, editor), help = doc(s);
      if (help) editor.control.setAttribute('aria-describedby', help.id);
      row.append(help || '');
      return row;
    }));
    body.hidden = rows.length === 0;
    summary.textContent = values?.out ? outText(values) : typeText(name);
    state.original = Object.fromEntries(state.editors.map(([s, e]) => [s.name, JSON.stringify(e.get())]));
  };
  select.addEventListener('input', () => show(select.value, null));

  const get = () => ({ type: selectable ? select.value : state.type, ...Object.fromEntries(state.editors.map(([s, e]) => [s.name, e.get()])) });
  const changes = () => ({ ...(selectable && select.value !== state.type ? { type: select.value } : {}),
    ...Object.fromEntries(state.editors.filter(([s, e]) => select.value !== state.type && selectable || JSON.stringify(e.get()) !== state.original[s.name]).map(([s, e]) => [s.name, e.get()])) });
  const element = selectable ? h('div', { class: 'nested', role: 'group', 'aria-label': slot.displayName }, select, body)
    : h('div', { class: 'child' }, h('details', {}, h('summary', {}, summary, h('span', { class: 'visually-hidden' }, slot.displayName)), body),
      h('a', { class: 'button icon-only', href: pageUrl(path), 'aria-label': t('Go to {path}', { path: slot.displayName }) }, icon('link')));
  if (selectable) body.className = 'members';
  return {
    element, control: selectable ? select : element.querySelector('summary'), get, changes,
    set: (value) => {
      state.type = value?.type || slot.default?.type || choices(slot, types)[0];
      if (selectable) select.replaceChildren(...choices(slot, types).map((n) => h('option', { value: n, selected: n === state.type }, typeText(n))));
      show(state.type, value);
    },
    find: (names) => findMember(state.editors, names),
    live: (name, value) => {
      const [s, view] = state.read.get(name) || [];
      if (s && view) view.replaceChildren(valueView(s, value));
      if (name === 'out') summary.textContent = outText({ ...get(), out: value });
    },
  };
}

/**
 * The editor of any slot.
 * @param {Slot} slot @param {Types} types @param {Place} [place] the component, for children opened in place
 * @returns {Editor}
 */
export function editorFor(slot, types, place = { path: '/' }) {
  if (slot.kind === 'struct') return struct(slot, types);
  if (slot.kind === 'list') return list(slot, types);
  if (slot.kind === 'component') return child(slot, types, place);
  return PLAIN_KIND[slot.kind] ? statusValue(slot) : plainEditor(slot);
}
