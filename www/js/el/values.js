// SPDX-License-Identifier: Apache-2.0
// How values of each kind read, wherever they are not edited.
import { h } from '../dom.js';
import { t } from '../i18n.js';
import { durationText, numberText, pathOfOrd, statusText, timeText, typeText } from '../format.js';
import { pageUrl } from '../api.js';
import { statusBadge } from './badges.js';
/** @typedef {import('../types.js').Slot} Slot */
/** @typedef {import('../types.js').Facets} Facets */

/** The kinds that carry a status, and what they carry it with. @type {Record<string, string>} */
export const PLAIN_KIND = { statusBoolean: 'boolean', statusNumeric: 'real', statusEnum: 'enum', statusString: 'string' };

/** A value that carries a status, without it. @param {Slot} slot @param {any} value @returns {string} */
function plainText(slot, value) {
  return valueText({ ...slot, kind: PLAIN_KIND[slot.kind] }, value.value);
}

/**
 * A value as text.
 * @param {Slot} slot @param {any} value
 * @returns {string}
 */
export function valueText(slot, value) {
  if (value === null || value === undefined) return slot.kind === 'abstime' ? '–' : 'null';
  const { facets } = slot;
  switch (slot.kind) {
    case 'boolean': return value ? facets.trueText || 'true' : facets.falseText || 'false';
    case 'real': case 'integer': return `${numberText(value, facets)}${facets.units ? ` ${facets.units}` : ''}`;
    case 'enum': return facets.range?.find((tag) => tag.name === value)?.displayName || value;
    case 'abstime': return timeText(value);
    case 'reltime': return typeof value === 'number' ? durationText(value) : value;
    case 'status': return statusText(value);
    case 'secret': return value.set ? t('set') : t('not set');
    case 'list': return value.length ? value.map((/** @type {any} */ item) => itemText(slot, item)).join('\n') : t('none');
    case 'struct': return (slot.members || []).map((m) => `${m.displayName}: ${valueText(m, value[m.name])}`).join('\n');
    case 'component': return value.out ? outText(value) : typeText(value.type || '');
    default:
      if (!PLAIN_KIND[slot.kind]) return String(value);
      if (value.status === '{null}') return 'null';
      return `${plainText(slot, value)}${value.status === '{ok}' ? '' : ` ${value.status}`}`;
  }
}

/** One item of a list. @param {Slot} slot @param {any} item @returns {string} */
function itemText(slot, item) {
  if (typeof item !== 'object' || item === null) return String(item);
  if (!slot.members) return JSON.stringify(item);
  return slot.members.map((m) => (item[m.name] === '' ? '' : valueText(m, item[m.name]))).filter(Boolean).join(' · ');
}

/**
 * What a point's own facets say about its values: units, precision, the words for true and false.
 * @param {Record<string, any>} values of the point
 * @returns {Facets}
 */
export function pointFacets(values) {
  const f = values?.facets;
  if (!f || typeof f !== 'object') return {};
  const limits = f.min < f.max ? { min: f.min, max: f.max } : {};
  return { ...(f.units ? { units: f.units } : {}), ...(typeof f.precision === 'number' ? { precision: f.precision } : {}),
    ...(f.trueText ? { trueText: f.trueText, falseText: f.falseText } : {}), ...limits,
    ...(Array.isArray(f.range) ? { range: f.range.map((/** @type {any} */ tag) => ({ name: tag.tag, displayName: tag.tag })) } : {}) };
}

/** The out of a point as text, without its status. @param {Record<string, any>} values of the point @returns {string} */
export function outText(values) {
  const { out } = values;
  if (!out || typeof out !== 'object' || out.status === '{null}') return 'null';
  const kind = typeof out.value === 'number' ? 'real' : typeof out.value === 'boolean' ? 'boolean' : 'string';
  return valueText({ name: 'out', displayName: 'Out', kind, flags: [], facets: pointFacets(values), doc: '' }, out.value);
}

/**
 * A value to read, with links and chips where the kind has them.
 * @param {Slot} slot @param {any} value
 * @returns {any} an element
 */
export function valueView(slot, value) {
  if (slot.kind === 'status') return h('div', { class: 'value-line' }, statusBadge(value || '{ok}'));
  if (PLAIN_KIND[slot.kind] && value) {
    return h('div', { class: 'value-line' }, h('output', { class: 'value' }, value.status === '{null}' ? 'null' : plainText(slot, value)), statusBadge(value.status));
  }
  const path = slot.kind === 'ord' && typeof value === 'string' ? pathOfOrd(value) : '';
  if (path) return h('output', { class: 'value' }, h('a', { href: pageUrl(path) }, value));
  const text = valueText(slot, value);
  return h('output', { class: `value${text === '' || text === '–' || text === 'null' ? ' none' : ''}` }, text === '' ? '–' : text);
}
