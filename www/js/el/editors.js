// SPDX-License-Identifier: Apache-2.0
// Editors for single values, one for each kind of the type tables. What cannot be read as the kind is sent as it was
// typed: the station's sentence about it is better than any of ours.
import { h, fill, icon, uid } from '../dom.js';
import { t } from '../i18n.js';
import { durationText, pathOfOrd } from '../format.js';
import { get, pageUrl } from '../api.js';
/** @typedef {import('../types.js').Slot} Slot */

/**
 * @typedef {object} Editor
 * @property {HTMLElement} element to place
 * @property {any} control what is labelled and focused
 * @property {() => any} get the JSON to send
 * @property {(value: any) => void} set shows another value
 * @property {() => any} [changes] what to send when not all of get()
 * @property {(names: string[]) => HTMLElement|null} [find] the control of a member, for errors
 * @property {(name: string, value: any) => void} [live] a member's live value
 */

/** @param {Slot} slot @returns {string} "°C [0 - 100]" */
function hint(slot) {
  const { units, min, max } = slot.facets;
  if (slot.kind === 'reltime') return bounds(min === undefined ? '' : durationText(min), max === undefined ? '' : durationText(max));
  return [units, bounds(min ?? '', max ?? '')].filter(Boolean).join(' ');
}

/** @param {string|number} min @param {string|number} max @returns {string} */
function bounds(min, max) {
  return min === '' && max === '' ? '' : `[${min === '' ? '-inf' : min} - ${max === '' ? '+inf' : max}]`;
}

/** @param {HTMLElement} control @param {Slot} slot @returns {HTMLElement} */
function withHint(control, slot) {
  const text = hint(slot);
  return text ? h('div', { class: 'with-unit' }, control, h('span', { class: 'hint' }, text)) : control;
}

/** @param {Slot} slot @returns {Editor} */
function text(slot) {
  const control = slot.facets.multiLine ? h('textarea', { spellcheck: 'false', rows: 6 }) : h('input', { type: 'text', autocomplete: 'off', spellcheck: 'false' });
  return { element: control, control, get: () => control.value, set: (value) => { control.value = value ?? ''; } };
}

/** What there is that a text may name: components of a type, keys, time zones. @param {string} names the facet @returns {Promise<string[]>} */
async function offered(names) {
  if (names === 'timeZone') return Intl.supportedValuesOf('timeZone');
  if (names === 'key' || names === 'serverKey') {
    const { items } = await get('/certificates/keys');
    return items.filter((/** @type {any} */ key) => names === 'key' || key.usage.includes('server')).map((/** @type {any} */ key) => key.alias);
  }
  return (await get(`/search?q=${encodeURIComponent(`type:${names}`)}&limit=100`)).items.map((/** @type {any} */ found) => found.name);
}

/** The name of something: what there is is offered when one comes here; what is not there yet may be written. @param {Slot} slot @returns {Editor} */
function nameOf(slot) {
  const list = h('datalist', { id: uid('offered') });
  const control = h('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', list: list.id });
  control.addEventListener('focus', () => offered(slot.facets.names || '').then((names) => fill(list, names.map((name) => h('option', { value: name }))), () => { /* then nothing is offered */ }));
  return { element: h('div', {}, control, list), control, get: () => control.value, set: (value) => { control.value = value ?? ''; } };
}

/** A time since midnight, as a clock shows it; the end of the day is its beginning. @returns {Editor} */
function timeOfDay() {
  const control = h('input', { type: 'time', step: '60', required: true });
  let given = /** @type {any} */ (0), shown = '';
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  return {
    element: control, control,
    get: () => {
      if (control.value === shown) return given;
      const [hours, minutes, seconds] = control.value.split(':').map(Number);
      return Number.isInteger(minutes) ? ((hours * 60 + minutes) * 60 + (seconds || 0)) * 1e6 : '';
    },
    set: (value) => {
      given = value ?? 0;
      const at = Math.floor((Number(value) || 0) / 1e6) % 86400, seconds = at % 60;
      control.value = `${two(Math.floor(at / 3600))}:${two(Math.floor(at / 60) % 60)}${seconds ? `:${two(seconds)}` : ''}`;
      shown = control.value;
    },
  };
}

/** A place in the tree, with a link to it. @returns {Editor} */
function ord() {
  const control = h('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', placeholder: 'station:|slot:/…' });
  const link = h('span', {});
  const show = () => {
    const path = pathOfOrd(control.value);
    fill(link, path && h('a', { class: 'button icon-only', href: pageUrl(path), 'aria-label': t('Go to {path}', { path }) }, icon('link')));
  };
  control.addEventListener('input', show);
  return { element: h('div', { class: 'with-unit' }, control, link), control, get: () => control.value, set: (value) => { control.value = value ?? ''; show(); } };
}

/** @param {Slot} slot @returns {Editor} */
function number(slot) {
  const control = h('input', { type: 'text', inputmode: 'decimal', autocomplete: 'off' });
  const get = () => {
    const raw = control.value.trim();
    if (raw === '') return slot.kind === 'real' ? null : '';
    const value = Number(raw.replace(',', '.'));
    return Number.isNaN(value) ? raw : value;
  };
  const set = (/** @type {any} */ value) => { control.value = value === null || value === undefined ? '' : typeof value === 'number' ? String(Number(value.toPrecision(12))) : String(value); };
  return { element: withHint(control, slot), control, get, set };
}

/** @param {Slot} slot @returns {Editor} */
function boolean(slot) {
  const control = h('select', {}, h('option', { value: 'true' }, slot.facets.trueText || 'true'), h('option', { value: 'false' }, slot.facets.falseText || 'false'));
  const element = h('div', { class: 'bool' }, control);
  const show = () => { element.dataset.on = control.value; };
  control.addEventListener('input', show);
  return { element, control, get: () => control.value === 'true', set: (value) => { control.value = String(Boolean(value)); show(); } };
}

/** A boolean member of a struct, as a check box. @returns {Editor} */
export function flag() {
  const control = h('input', { type: 'checkbox' });
  return { element: control, control, get: () => control.checked, set: (value) => { control.checked = Boolean(value); } };
}

/** One of a range; says what the chosen one means. @param {Slot} slot @returns {Editor} */
function choice(slot) {
  const range = slot.facets.range || [];
  const control = h('select', {}, range.map((tag) => h('option', { value: tag.name }, tag.displayName)));
  const meaning = h('div', { class: 'hint-below' });
  const show = () => { meaning.textContent = range.find((tag) => tag.name === control.value)?.doc || ''; };
  control.addEventListener('input', show);
  return { element: h('div', {}, control, meaning), control, get: () => control.value, set: (value) => { control.value = value ?? ''; show(); } };
}

/** @param {Slot} slot @returns {Editor} */
function duration(slot) {
  const control = h('input', { type: 'text', autocomplete: 'off', placeholder: '1m 30s' });
  const set = (/** @type {any} */ value) => { control.value = typeof value === 'number' ? durationText(value) : value ?? ''; };
  return { element: withHint(control, slot), control, get: () => control.value.trim(), set };
}

/** A point in time, typed in the zone of the reader; empty is null. @returns {Editor} */
function time() {
  const control = h('input', { type: 'datetime-local', step: '1' });
  let given = /** @type {string|null} */ (null);
  let shown = '';
  const local = (/** @type {string} */ value) => {
    const date = new Date(value);
    return new Date(date.getTime() - date.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
  };
  return {
    element: control, control,
    get: () => (control.value === shown ? given : control.value === '' ? null : new Date(control.value).toISOString()),
    set: (value) => {
      given = value ?? null;
      control.value = value ? local(value) : '';
      shown = control.value;
    },
  };
}

/** Written only: what is set is never shown. @returns {Editor} */
function secret() {
  const control = h('input', { type: 'password', autocomplete: 'new-password' });
  let shown = { set: false };
  return {
    element: control, control,
    get: () => (control.value === '' ? shown : control.value),
    set: (value) => {
      shown = typeof value === 'object' && value ? value : { set: false };
      control.value = '';
      control.placeholder = shown.set ? t('set – type to replace it') : t('not set');
    },
  };
}

/**
 * The editor of a single value; kinds that hold others are in composites.js.
 * @param {Slot} slot
 * @returns {Editor}
 */
export function plainEditor(slot) {
  switch (slot.kind) {
    case 'boolean': return boolean(slot);
    case 'integer': case 'real': return number(slot);
    case 'enum': return choice(slot);
    case 'reltime': return slot.facets.form === 'timeOfDay' ? timeOfDay() : duration(slot);
    case 'abstime': return time();
    case 'secret': return secret();
    case 'ord': return ord();
    default: return slot.facets.names ? nameOf(slot) : text(slot);
  }
}
