// SPDX-License-Identifier: Apache-2.0
// Editors for values, one for each kind of the type tables. An editor is {element, get, set, focus}: element to place,
// get() the JSON to send, set(value) to show another.
import { h, uid } from '../dom.js';
import { durationText, numberText, timeText, statusText, statusClass, displayName } from '../text.js';

/** @typedef {{element: HTMLElement, get: () => any, set: (value: any) => void, control: HTMLElement}} Editor */

/** A value as text, for read-only rows and lists. @param {any} slot @param {any} value @returns {string} */
export function valueText(slot, value) {
  if (value === null || value === undefined) return slot.kind === 'abstime' ? '–' : 'null';
  switch (slot.kind) {
    case 'boolean': return value ? slot.facets.trueText || 'true' : slot.facets.falseText || 'false';
    case 'real': case 'integer': return `${numberText(value, slot.facets)}${slot.facets.units ? ` ${slot.facets.units}` : ''}`;
    case 'enum': return slot.facets.range?.find((t) => t.name === value)?.displayName || value;
    case 'abstime': return timeText(value);
    case 'reltime': return durationText(value);
    case 'status': return statusText(value);
    case 'secret': return value.set ? 'set' : 'not set';
    case 'list': return value.length ? value.map((item) => itemText(slot, item)).join('\n') : 'none';
    case 'struct': return slot.members.map((m) => `${m.displayName}: ${valueText(m, value[m.name])}`).join('\n');
    case 'component': return value.type || '';
    default:
      if (slot.kind.startsWith('status')) return `${value.value === null ? 'null' : numberText(value.value, slot.facets)} ${value.status === '{ok}' ? '' : value.status}`.trim();
      return String(value);
  }
}

/** @param {any} slot @param {any} item */
function itemText(slot, item) {
  if (typeof item !== 'object' || item === null) return String(item);
  return slot.members ? slot.members.map((m) => valueText(m, item[m.name])).filter(Boolean).join(' · ') : JSON.stringify(item);
}

/** @param {HTMLElement} control @param {any} slot */
function withUnit(control, slot) {
  const f = slot.facets || {};
  const bounds = f.min !== undefined || f.max !== undefined ? `[${f.min ?? '-inf'} - ${f.max ?? '+inf'}]` : '';
  const hint = slot.kind === 'reltime' ? 'such as 1m 30s' : [f.units, bounds].filter(Boolean).join(' ');
  return hint ? h('div', { class: 'with-unit' }, control, h('span', {}, hint)) : control;
}

/** @param {any} slot @returns {Editor} */
function text(slot) {
  const control = slot.facets?.multiLine ? h('textarea', { spellcheck: 'false' }) : h('input', { type: 'text', autocomplete: 'off', spellcheck: 'false' });
  return { element: control, control, get: () => control.value, set: (v) => { control.value = v ?? ''; } };
}

/** @param {any} slot @returns {Editor} */
function number(slot) {
  const control = h('input', { type: 'text', inputmode: 'decimal', autocomplete: 'off' });
  const get = () => {
    const raw = control.value.trim();
    if (raw === '') return slot.kind === 'integer' ? 0 : null;
    if (raw === '+inf' || raw === '-inf') return raw;
    const n = Number(raw.replace(',', '.'));
    return Number.isNaN(n) ? raw : n; // what is no number goes to the station, whose sentence is shown
  };
  return { element: withUnit(control, slot), control, get, set: (v) => { control.value = v === null ? '' : String(v); } };
}

/** @param {any} slot @returns {Editor} */
function boolean(slot) {
  const control = h('select', {}, h('option', { value: 'true' }, slot.facets?.trueText || 'true'), h('option', { value: 'false' }, slot.facets?.falseText || 'false'));
  return { element: control, control, get: () => control.value === 'true', set: (v) => { control.value = String(Boolean(v)); } };
}

/** @param {any} slot @returns {Editor} */
function choice(slot) {
  const control = h('select', {}, slot.facets.range.map((t) => h('option', { value: t.name, title: t.doc }, t.displayName)));
  return { element: control, control, get: () => control.value, set: (v) => { control.value = v; } };
}

/** @param {any} slot @returns {Editor} */
function duration(slot) {
  const control = h('input', { type: 'text', autocomplete: 'off' });
  return { element: withUnit(control, slot), control, get: () => control.value.trim(), set: (v) => { control.value = typeof v === 'number' ? durationText(v) : v ?? ''; } };
}

/** @param {any} slot @returns {Editor} */
function time(slot) {
  const control = h('input', { type: 'text', placeholder: '2026-01-31T12:00:00Z', autocomplete: 'off' });
  return { element: control, control, get: () => control.value.trim() || null, set: (v) => { control.value = v ?? ''; } };
}

/** Written only: what is set is never shown. @returns {Editor} */
function secret() {
  const control = h('input', { type: 'password', autocomplete: 'new-password' });
  let shown = { set: false };
  return {
    element: control, control,
    get: () => (control.value === '' ? shown : control.value),
    set: (v) => { shown = v || { set: false }; control.value = ''; control.placeholder = shown.set ? 'set – type to replace' : 'not set'; },
  };
}

/** Value and status; only the value is edited. @param {any} slot @returns {Editor} */
function statusValue(slot) {
  const plain = { statusBoolean: 'boolean', statusNumeric: 'real', statusEnum: 'enum', statusString: 'string' }[slot.kind];
  const inner = editorFor({ ...slot, kind: plain });
  return { ...inner, get: () => inner.get(), set: (v) => inner.set(v?.value ?? null) };
}

/** A struct in place: flags side by side, other members as rows. @param {any} slot @returns {Editor} */
function struct(slot) {
  const editors = slot.members.map((m) => /** @type {[any, Editor]} */ ([m, m.kind === 'boolean' ? flag(m) : editorFor(m)]));
  const flags = editors.every(([m]) => m.kind === 'boolean');
  const rows = editors.map(([m, e]) => {
    if (!e.control.id) e.control.id = uid('member');
    if (m.kind === 'struct') return h('fieldset', { class: 'nested' }, h('legend', {}, m.displayName), e.element);
    return m.kind === 'boolean' ? h('label', { for: e.control.id, title: m.doc }, e.element, m.displayName)
      : h('div', { class: 'member' }, h('label', { for: e.control.id, title: m.doc }, m.displayName), e.element);
  });
  const element = h('div', { class: flags ? 'flags' : 'nested', role: 'group', 'aria-label': slot.displayName }, rows);
  return {
    element, control: editors[0]?.[1].control || element,
    get: () => Object.fromEntries(editors.map(([m, e]) => [m.name, e.get()])),
    set: (v) => editors.forEach(([m, e]) => e.set(v?.[m.name])),
  };
}

/** A boolean member as a check box. @param {any} slot @returns {Editor} */
function flag(slot) {
  const control = h('input', { type: 'checkbox', 'aria-label': slot.displayName });
  return { element: control, control, get: () => control.checked, set: (v) => { control.checked = Boolean(v); } };
}

/** A list of structs or plain items, with + and ×. @param {any} slot @returns {Editor} */
function list(slot) {
  /** @type {Editor[]} */
  let items = [];
  const body = h('div', { class: 'nested' });
  const add = h('button', { type: 'button', onclick: () => { insert(blank()); changed(); items[items.length - 1].control.focus(); } }, '+ Add');
  const element = h('div', { role: 'group', 'aria-label': slot.displayName }, body, add);
  const changed = () => element.dispatchEvent(new Event('input', { bubbles: true }));
  const blank = () => (slot.members ? Object.fromEntries(slot.members.map((m) => [m.name, m.default])) : '');
  const insert = (value) => {
    const editor = slot.members ? itemEditor(slot) : text({ facets: {} });
    if (!slot.members) editor.control.setAttribute('aria-label', `${slot.displayName} ${items.length + 1}`);
    editor.set(value);
    const row = h('div', { class: 'item' }, editor.element,
      h('button', { type: 'button', class: 'icon plain', 'aria-label': 'Remove', onclick: () => { items = items.filter((i) => i !== editor); row.remove(); show(); changed(); } }, '×'));
    items.push(editor);
    body.append(row);
    show();
  };
  const show = () => { body.hidden = items.length === 0; };
  return {
    element, control: add,
    get: () => items.map((i) => i.get()),
    set: (v) => { items = []; body.replaceChildren(); (v || []).forEach(insert); show(); },
  };
}

/** One struct of a list on one line. @param {any} slot @returns {Editor} */
function itemEditor(slot) {
  const editors = slot.members.map((m) => /** @type {[any, Editor]} */ ([m, editorFor(m)]));
  for (const [m, e] of editors) {
    e.control.setAttribute('aria-label', `${slot.displayName}: ${m.displayName}`);
    e.control.setAttribute('placeholder', m.displayName);
  }
  return {
    element: h('div', { class: 'with-unit' }, editors.map(([, e]) => e.element)), control: editors[0][1].control,
    get: () => Object.fromEntries(editors.map(([m, e]) => [m.name, e.get()])),
    set: (v) => editors.forEach(([m, e]) => e.set(v?.[m.name])),
  };
}

/**
 * A frozen child opened in place: its type, and its own properties.
 * @param {any} slot @param {Map<string, any>} types @returns {Editor}
 */
export function componentEditor(slot, types) {
  const fits = (name) => { for (let t = types.get(name); t; t = types.get(t.base)) if (t.name === slot.type) return true; return false; };
  const names = [...types.values()].filter((t) => !t.abstract && fits(t.name)).map((t) => t.name);
  const select = h('select', { 'aria-label': `${slot.displayName}: type` }, names.map((n) => h('option', { value: n }, displayName(n.split(':')[1]))));
  const body = h('div', {});
  /** @type {[any, Editor][]} */
  let editors = [];
  const show = (values) => {
    const rows = (types.get(select.value)?.slots || []).filter((s) => !s.flags.includes('hidden') && !s.flags.includes('readonly'));
    editors = rows.map((s) => [s, editorFor(s, types)]);
    body.replaceChildren(...editors.map(([s, e]) => {
      e.control.id = uid('child');
      e.set(values?.[s.name] ?? s.default);
      return h('div', { class: 'member' }, h('label', { for: e.control.id, title: s.doc }, s.displayName), e.element);
    }));
  };
  select.addEventListener('input', () => show(null));
  return {
    element: h('div', { class: 'nested', role: 'group', 'aria-label': slot.displayName }, select, body), control: select,
    get: () => ({ type: select.value, ...Object.fromEntries(editors.map(([s, e]) => [s.name, e.get()])) }),
    set: (v) => { select.value = v?.type || slot.default?.type; show(v); },
  };
}

/** @param {any} slot @param {Map<string, any>} [types] @returns {Editor} */
export function editorFor(slot, types) {
  switch (slot.kind) {
    case 'boolean': return boolean(slot);
    case 'integer': case 'real': return number(slot);
    case 'enum': return choice(slot);
    case 'reltime': return duration(slot);
    case 'abstime': return time(slot);
    case 'secret': return secret();
    case 'struct': return struct(slot);
    case 'list': return list(slot);
    case 'component': return componentEditor(slot, /** @type {Map<string, any>} */ (types));
    default: return slot.kind.startsWith('status') && slot.kind !== 'status' ? statusValue(slot) : text(slot);
  }
}

/** @param {string} status */
export function statusBadge(status) {
  return h('span', { class: 'status', 'data-status': statusClass(status) }, statusText(status));
}
