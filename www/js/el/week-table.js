// SPDX-License-Identifier: Apache-2.0
// The week as a table with exact times: the accessible twin of the painter. Both work on the same blocks.
import { h, fill, icon, labelled } from '../dom.js';
import { t } from '../i18n.js';
import { spaced } from '../format.js';
import { ask } from './dialog.js';
import { DAYS, clock, seconds, tidy } from './week-model.js';
/** @typedef {import('./week-model.js').Week} Week */
/** @typedef {import('./week-model.js').Block} Block */
/** @typedef {import('./schedule-values.js').Values} Values */

/**
 * Asks for one block's exact times.
 * @param {string} day @param {Block} block @param {Values} values
 * @returns {Promise<Block|'remove'|null>}
 */
export function askBlock(day, block, values) {
  const start = h('input', { value: block.start, autocomplete: 'off' }), finish = h('input', { value: block.finish, autocomplete: 'off' });
  const value = values.chooser(block.value, () => {});
  const wrong = () => (Number.isNaN(seconds(tidy(start.value))) || Number.isNaN(seconds(tidy(finish.value))) ? t('Write times as 08:30; 24:00 is the end of the day.') : seconds(tidy(start.value)) >= seconds(tidy(finish.value)) ? t('The block ends before it starts.') : '');
  return ask(/** @type {import('./dialog.js').Asking<any>} */ ({
    title: t('Block on {day}', { day: spaced(day) }), ok: t('Done'),
    body: (close) => [labelled(t('Start'), start), labelled(t('Finish'), finish), labelled(t('Value'), value.control), h('button', { type: 'button', class: 'danger', onclick: () => close('remove') }, icon('trash'), t('Remove block'))],
    submit: () => {
      if (wrong()) throw new Error(wrong());
      return { start: tidy(start.value), finish: tidy(finish.value), value: value.get() };
    },
  }));
}

export class WeekTable {
  /** @param {{values: Values, changed: () => void, may: boolean}} options */
  constructor(options) {
    this.options = options;
    /** @type {Week} */ this.week = {};
    this.body = h('tbody', {});
    const heads = [t('Day'), t('Start'), t('Finish'), t('Value')].map((text) => h('th', { scope: 'col' }, text));
    this.element = h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': t('Exact times') },
      h('table', { class: 'entries' }, h('thead', {}, h('tr', {}, heads, h('th', { scope: 'col' }, h('span', { class: 'visually-hidden' }, t('Actions'))))), this.body));
  }

  /** @param {Week} week @returns {void} */
  set(week) {
    this.week = week;
    fill(this.body, DAYS.flatMap((day) => [...week[day].map((block, n) => this.row(day, block, n)), this.options.may && this.last(day)]));
  }

  /** @param {string} day @param {Block} block @param {number} n @returns {HTMLElement} */
  row(day, block, n) {
    const { values, changed, may } = this.options;
    if (!may) return h('tr', {}, h('th', { scope: 'row' }, spaced(day)), [block.start, block.finish, values.text(block.value), ''].map((text) => h('td', {}, text)));
    const name = t('{day}, block {n}', { day: spaced(day), n: n + 1 });
    const field = (/** @type {'start'|'finish'} */ end) => h('input', { value: block[end], size: 6, autocomplete: 'off', 'data-at': `${day}/${n}/${end}`, 'aria-label': `${name}: ${end === 'start' ? t('Start') : t('Finish')}`, onchange: (/** @type {any} */ e) => {
      block[end] = e.target.value = tidy(e.target.value);
      e.target.toggleAttribute('aria-invalid', false);
      changed();
    } });
    const value = values.chooser(block.value, () => { block.value = value.get(); changed(); });
    value.control.setAttribute('aria-label', `${name}: ${t('Value')}`);
    value.control.setAttribute('data-at', `${day}/${n}/value`);
    const drop = () => { this.week[day].splice(n, 1); this.set(this.week); changed(); /** @type {any} */ (this.body.querySelector(`[data-add="${day}"]`))?.focus(); };
    return h('tr', {}, h('th', { scope: 'row' }, spaced(day)), h('td', {}, field('start')), h('td', {}, field('finish')), h('td', {}, value.element),
      h('td', { class: 'actions' }, h('button', { type: 'button', class: 'plain icon-only small', 'aria-label': t('Remove {name}', { name }), onclick: drop }, icon('trash'))));
  }

  /** The way to one block more. @param {string} day @returns {HTMLElement} */
  last(day) {
    const add = () => {
      const end = Math.max(0, ...this.week[day].map((b) => seconds(b.finish)).filter((at) => !Number.isNaN(at)));
      const from = end < 86400 ? Math.max(end, this.week[day].length ? 0 : 8 * 3600) : 0;
      this.week[day].push({ start: clock(from), finish: clock(Math.min(86400, from + 3600)), value: this.options.values.first() });
      this.set(this.week);
      this.options.changed();
      /** @type {any} */ (this.body.querySelector(`[data-at="${day}/${this.week[day].length - 1}/start"]`))?.focus();
    };
    return h('tr', { class: 'adding' }, h('th', { scope: 'row' }, spaced(day)), h('td', { colspan: '4' }, h('button', { type: 'button', class: 'plain small', 'data-add': day, 'aria-label': t('Add a block on {day}', { day: spaced(day) }), onclick: add }, icon('plus'), t('Add block'))));
  }

  /** Marks what the station objects to. @param {string[]} place day, number, member @returns {void} */
  complain(place) {
    const at = [...place.slice(0, 2), place[2] || 'start'].join('/');
    const control = this.body.querySelector(`[data-at="${CSS.escape(at)}"]`);
    control?.setAttribute('aria-invalid', 'true');
  }
}
