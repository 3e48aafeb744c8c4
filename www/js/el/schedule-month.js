// SPDX-License-Identifier: Apache-2.0
// A month of what will be, day by day, as the station works it out (schedule/preview): what is saved, not what is edited.
import { h, fill, icon } from '../dom.js';
import { t } from '../i18n.js';
import { componentUrl, get } from '../api.js';
/** @typedef {import('./schedule-values.js').Values} Values */

const DAY_MS = 86400e3;
/** Stretches shown in a cell; more are counted. */
const SHOWN = 3;

/** @param {Date} date @returns {string} "2026-11-21", UTC */
const iso = (date) => date.toISOString().slice(0, 10);

export class ScheduleMonth {
  /** @param {string} path @param {Values} values @param {boolean} calendar */
  constructor(path, values, calendar) {
    this.path = path;
    this.values = values;
    this.calendar = calendar;
    const now = new Date();
    this.first = new Date(Date.UTC(now.getFullYear(), now.getMonth(), 1));
    this.title = h('h2', { 'aria-live': 'polite' });
    this.table = h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': t('Month') });
    const turn = (/** @type {number} */ by) => () => { this.first = new Date(Date.UTC(this.first.getUTCFullYear(), this.first.getUTCMonth() + by, 1)); this.load(); };
    this.element = h('section', { class: 'card' }, h('header', {}, this.title, h('div', { class: 'buttons' },
      h('button', { type: 'button', class: 'icon-only', 'aria-label': t('Previous month'), onclick: turn(-1) }, icon('left')),
      h('button', { type: 'button', class: 'icon-only', 'aria-label': t('Next month'), onclick: turn(1) }, icon('right')))), this.table);
  }

  /** @returns {Promise<void>} */
  async load() {
    const first = this.first, last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0));
    const { items } = await get(`${componentUrl(this.path)}/schedule/preview?start=${iso(new Date(first.getTime() - DAY_MS))}T00:00:00Z&end=${iso(new Date(last.getTime() + 2 * DAY_MS))}T00:00:00Z`);
    if (first !== this.first) return; // turned on meanwhile
    this.draw(items, last);
  }

  /** @param {any[]} items @param {Date} last @returns {void} */
  draw(items, last) {
    this.title.textContent = this.first.toLocaleDateString(undefined, { month: 'long', year: 'numeric', timeZone: 'UTC' });
    const names = [1, 2, 3, 4, 5, 6, 7].map((n) => new Date(Date.UTC(2024, 0, n)).toLocaleDateString(undefined, { weekday: 'short', timeZone: 'UTC' }));
    const blanks = (this.first.getUTCDay() + 6) % 7;
    const cells = [...Array(blanks).fill(null), ...Array.from({ length: last.getUTCDate() }, (_, n) => iso(new Date(this.first.getTime() + n * DAY_MS)))];
    while (cells.length % 7) cells.push(null);
    const weeks = Array.from({ length: cells.length / 7 }, (_, n) => cells.slice(n * 7, n * 7 + 7));
    fill(this.table, h('table', { class: 'month' }, h('thead', {}, h('tr', {}, names.map((n) => h('th', { scope: 'col' }, n)))),
      h('tbody', {}, weeks.map((week) => h('tr', {}, week.map((day) => (day ? this.day(day, items.filter((i) => i.local.date === day)) : h('td', { class: 'blank' }))))))));
  }

  /** @param {string} day @param {any[]} stretches @returns {any} */
  day(day, stretches) {
    const worth = stretches.filter((s) => s.kind === 'special' || s.kind === 'week');
    const special = [...new Set(worth.filter((s) => s.kind === 'special').map((s) => s.source.replace(/^[^:]*: /, '')))];
    const line = (/** @type {any} */ s) => h('li', { 'data-tone': this.values.tone(s.value), title: s.source }, h('span', {}, `${s.local.start}–${s.local.finish}`), ' ', h('span', {}, s.text));
    return h('td', { 'data-special': String(special.length > 0), 'data-day': day, 'data-today': String(day === iso(new Date())) }, h('div', { class: 'date' }, Number(day.slice(8)), special.length > 0 && h('strong', {}, special.join(', '))),
      !this.calendar && h('ul', {}, worth.slice(0, SHOWN).map(line), worth.length > SHOWN && h('li', { class: 'more' }, t('and {n} more', { n: worth.length - SHOWN }))));
  }
}
