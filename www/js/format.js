// SPDX-License-Identifier: Apache-2.0
// How values read: times, durations, numbers, statuses, names.
import { t } from './i18n.js';
/** @typedef {import('./types.js').Facets} Facets */

/**
 * A point in time, in the reader's own zone.
 * @param {string|null|undefined} value RFC 3339
 * @returns {string}
 */
export function timeText(value) {
  if (!value) return '–';
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? value : date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
}

/** @param {string|null|undefined} value RFC 3339 @returns {string} the day only */
export function dayText(value) {
  if (!value) return '–';
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? value : date.toLocaleDateString(undefined, { dateStyle: 'medium' });
}

/**
 * How long ago, in the largest unit that fits.
 * @param {string|null|undefined} value RFC 3339
 * @returns {string}
 */
export function agoText(value) {
  if (!value) return t('never');
  const seconds = Math.round((Date.now() - new Date(value).getTime()) / 1000);
  if (Number.isNaN(seconds)) return String(value);
  const steps = /** @type {[number, Intl.RelativeTimeFormatUnit][]} */ ([[86400, 'day'], [3600, 'hour'], [60, 'minute'], [1, 'second']]);
  const [size, unit] = steps.find(([s]) => Math.abs(seconds) >= s) || [1, 'second'];
  return new Intl.RelativeTimeFormat('en', { numeric: 'auto' }).format(-Math.trunc(seconds / size), unit);
}

const UNITS = /** @type {[string, number][]} */ ([['d', 86400e6], ['h', 3600e6], ['m', 60e6], ['s', 1e6], ['ms', 1e3], ['us', 1]]);

/**
 * A duration as the station reads it back: "1m 30s".
 * @param {number} us microseconds
 * @returns {string}
 */
export function durationText(us) {
  if (!us) return '0s';
  let left = Math.abs(us);
  const parts = [];
  for (const [name, size] of UNITS) {
    const n = Math.floor(left / size);
    left -= n * size;
    if (n) parts.push(`${n}${name}`);
  }
  return (us < 0 ? '-' : '') + parts.join(' ');
}

/**
 * A number with the precision that its facets ask for, without the noise of binary fractions.
 * @param {any} value @param {Facets} [facets]
 * @returns {string}
 */
export function numberText(value, facets = {}) {
  if (typeof value !== 'number') return String(value);
  return facets.precision === undefined ? String(Number(value.toPrecision(12))) : value.toFixed(facets.precision);
}

/** The bit of a status that decides its colour: the first one. @param {string} status "{down,alarm}" @returns {string} */
export function statusClass(status) {
  return status.replace(/[{}]/g, '').split(',')[0] || 'ok';
}

/** @param {string} status "{down,alarm}" @returns {string} "down, alarm" */
export function statusText(status) {
  return status.replace(/[{}]/g, '').split(',').map(spaced).join(', ').toLowerCase();
}

/** "useStartTls" -> "Use Start Tls". @param {string} name @returns {string} */
export function spaced(name) {
  return name.replace(/([a-z])([A-Z0-9])/g, '$1 $2').replace(/^./, (c) => c.toUpperCase());
}

/** "email:OutgoingAccount" -> "Outgoing Account". @param {string} type @returns {string} */
export function typeText(type) {
  return spaced(type.slice(type.indexOf(':') + 1));
}

/** The slot path inside an ord, "" when there is none. @param {string} ord @returns {string} */
export function pathOfOrd(ord) {
  return ord.match(/slot:(\/.*)$/)?.[1] || '';
}

/** Bytes of a fingerprint in pairs, as people compare them. @param {string|undefined} hex @returns {string} */
export function pairs(hex) {
  return (hex || '').replace(/(..)(?=.)/g, '$1:').toUpperCase();
}
