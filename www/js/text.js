// SPDX-License-Identifier: Apache-2.0
// How values read: times, durations, statuses, bytes. One place, so that a language can be added here.

/** @param {string|null} value */
export function timeText(value) {
  if (!value) return '–';
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? value : date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
}

const units = /** @type {[string, number][]} */ ([['d', 86400e6], ['h', 3600e6], ['m', 60e6], ['s', 1e6], ['ms', 1e3], ['us', 1]]);

/** @param {number} us microseconds */
export function durationText(us) {
  if (!us) return '0s';
  let left = Math.abs(us);
  const parts = [];
  for (const [name, size] of units) {
    const n = Math.floor(left / size);
    left -= n * size;
    if (n) parts.push(`${n}${name}`);
  }
  return (us < 0 ? '-' : '') + parts.join(' ');
}

/** The bit that decides the colour. @param {string} status "{down,alarm}" */
export function statusClass(status) {
  return status.replace(/[{}]/g, '').split(',')[0] || 'ok';
}

/** @param {string} status */
export function statusText(status) {
  return status.replace(/[{}]/g, '').split(',').join(', ');
}

/** "useStartTls" -> "Use Start Tls". @param {string} name */
export function displayName(name) {
  return name.replace(/([a-z])([A-Z0-9])/g, '$1 $2').replace(/^./, (c) => c.toUpperCase());
}

/** @param {number} value @param {any} facets */
export function numberText(value, facets) {
  if (typeof value !== 'number') return String(value);
  const precision = facets?.precision;
  return precision ? value.toFixed(precision) : String(Math.round(value * 1e6) / 1e6);
}
