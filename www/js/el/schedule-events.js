// SPDX-License-Identifier: Apache-2.0
// Events: the exceptions of a schedule, strongest first, and the days of a calendar. A list that reads as sentences, and a
// dialog for one of them.
import { h, fill, icon, empty, labelled } from '../dom.js';
import { t } from '../i18n.js';
import { get, pageUrl } from '../api.js';
import { pathOfOrd, spaced } from '../format.js';
import { ask } from './dialog.js';
import { tidy } from './week-model.js';
/** @typedef {import('../types.js').Slot} Slot */
/** @typedef {import('./schedule-values.js').Values} Values */
/** @typedef {Record<string, any>} Event as the slot has it */

/** A date as the station writes it. @param {string} text @returns {string} "25 December every year" */
export function dateText(text) {
  const found = text.match(/^(\*|\d{4})-(\*|\d\d)-(\*|last|\d\d)$/);
  if (!found) return text || '…';
  const [, year, month, day] = found;
  if (year !== '*' && month !== '*' && /\d/.test(day)) return new Date(`${text}T12:00:00Z`).toLocaleDateString(undefined, { dateStyle: 'medium', timeZone: 'UTC' });
  const monthName = month === '*' ? t('every month') : new Date(`2000-${month}-15T12:00:00Z`).toLocaleDateString(undefined, { month: 'long', timeZone: 'UTC' });
  const dayName = day === '*' ? t('every day,') : day === 'last' ? t('last day of') : String(Number(day));
  return [dayName, monthName, year === '*' ? (month === '*' ? '' : t('every year')) : year].filter(Boolean).join(' ');
}

/** When an event is, in words. @param {Event} event @returns {any} */
export function whenText(event) {
  if (event.type === 'dateRange') return `${dateText(event.start)} – ${dateText(event.end)}`;
  if (event.type === 'reference') return [t('The days of '), h('a', { href: pageUrl(pathOfOrd(event.reference) || '/') }, pathOfOrd(event.reference) || event.reference || t('no calendar'))];
  if (event.type !== 'weekAndDay') return dateText(event.start);
  const week = event.week === 'any' ? t('every') : event.week === 'last' ? t('last') : event.week;
  const day = event.weekday === 'any' ? (event.week === 'any' ? t('day') : t('seven days')) : spaced(event.weekday);
  const month = { any: t('every month'), odd: t('odd months'), even: t('even months') }[/** @type {string} */ (event.month)] || spaced(event.month);
  return t('{week} {day} of {month}', { week, day, month }).replace(/^./, (c) => c.toUpperCase());
}

/** The calendars that are near, to choose from. @returns {Promise<{path: string, name: string}[]>} */
async function calendars() {
  const answer = await get('/components/Services/ScheduleService?depth=3').catch(() => ({ children: [] }));
  /** @type {{path: string, name: string}[]} */
  const found = [];
  const walk = (/** @type {any} */ c) => {
    if (c.type === 'schedule:CalendarSchedule') found.push({ path: c.path, name: c.displayName });
    (c.children || []).forEach(walk);
  };
  walk(answer);
  return found;
}

/** The blocks of one event. @param {Values} values @param {any[]} entries @returns {{element: any, get: () => any[]}} */
function entriesEditor(values, entries) {
  const body = h('tbody', {});
  /** @type {{start: any, finish: any, value: any, row: any}[]} */
  let rows = [];
  const field = (/** @type {string} */ label, /** @type {string} */ text) => h('input', { 'aria-label': label, value: text, size: 6, autocomplete: 'off', onchange: (/** @type {any} */ e) => { e.target.value = tidy(e.target.value); } });
  const add = (/** @type {any} */ entry) => {
    const start = field(t('Start'), entry.start), finish = field(t('Finish'), entry.finish), value = values.chooser(entry.value, () => {});
    value.control.setAttribute('aria-label', t('Value'));
    const drop = h('button', { type: 'button', class: 'plain icon-only small', 'aria-label': t('Remove this block'), onclick: () => { rows = rows.filter((r) => r !== row); row.row.remove(); } }, icon('trash'));
    const row = { start, finish, value, row: h('tr', {}, h('td', {}, start), h('td', {}, finish), h('td', {}, value.element), h('td', { class: 'actions' }, drop)) };
    rows.push(row);
    body.append(row.row);
  };
  entries.forEach(add);
  const head = h('thead', {}, h('tr', {}, [t('Start'), t('Finish'), t('Value')].map((text) => h('th', { scope: 'col' }, text)), h('th', { scope: 'col' }, h('span', { class: 'visually-hidden' }, t('Remove')))));
  const element = h('div', {}, h('table', { class: 'entries' }, h('caption', {}, t('Blocks of those days; around them the weaker events and the week hold')), head, body),
    h('button', { type: 'button', class: 'small', onclick: () => add({ start: '00:00', finish: '24:00', value: values.first() }) }, icon('plus'), t('Add block')));
  return { element, get: () => rows.map((r) => ({ start: tidy(r.start.value), finish: tidy(r.finish.value), value: r.value.get() })) };
}

/**
 * Asks for one event.
 * @param {Event} event @param {Slot[]} members rows of the type table @param {Values} values @param {string} title
 * @returns {Promise<Event|null>}
 */
async function askEvent(event, members, values, title) {
  const withEntries = members.some((m) => m.name === 'entries');
  const row = (/** @type {string} */ name) => /** @type {Slot} */ (members.find((m) => m.name === name));
  const select = (/** @type {string} */ name) => h('select', { value: event[name] }, (row(name).facets.range || []).map((tag) => h('option', { value: tag.name, selected: tag.name === event[name] }, tag.displayName)));
  const text = (/** @type {string} */ name, /** @type {any} */ more = {}) => h('input', { value: event[name] || '', autocomplete: 'off', ...more });
  const near = withEntries ? await calendars() : [];
  const list = h('datalist', { id: 'near-calendars' }, near.map((c) => h('option', { value: `station:|slot:${c.path}` }, c.name)));
  const controls = { name: text('name', { maxlength: 120 }), type: select('type'), start: text('start', { placeholder: '2026-12-24' }), end: text('end', { placeholder: '2026-12-26' }),
    month: select('month'), week: select('week'), weekday: select('weekday'), reference: withEntries ? text('reference', { list: 'near-calendars' }) : null };
  const entries = withEntries ? entriesEditor(values, event.entries) : null;
  const fields = {
    start: labelled(t('Date or first day'), controls.start, t('Such as 2026-12-24; *-12-24 for every year; *-*-last for the last day of each month.')),
    end: labelled(t('Last day'), controls.end), month: labelled(t('Month'), controls.month), week: labelled(t('Week of the month'), controls.week),
    weekday: labelled(t('Day of the week'), controls.weekday), reference: controls.reference && labelled(t('Calendar'), controls.reference, t('Its ord; calendars of this station are offered.')),
  };
  /** @type {Record<string, string[]>} */
  const shown = { date: ['start'], dateRange: ['start', 'end'], weekAndDay: ['week', 'weekday', 'month'], reference: ['reference'] };
  const show = () => { for (const [name, field] of Object.entries(fields)) if (field) field.hidden = !shown[controls.type.value].includes(name); };
  controls.type.addEventListener('change', show);
  show();
  return ask({
    title, ok: t('Done'), wide: true,
    body: [h('div', { class: 'event-form' }, labelled(t('Name'), controls.name), labelled(t('Type'), controls.type), Object.values(fields)), list, entries?.element],
    submit: () => {
      const kept = Object.fromEntries(Object.entries(controls).filter(([, c]) => c).map(([name, c]) => [name, c.value.trim()]));
      const used = shown[kept.type];
      if (used.includes('start') && !kept.start) throw new Error(t('When is it? The date is missing.'));
      if (used.includes('reference') && !kept.reference) throw new Error(t('Which calendar?'));
      for (const name of ['start', 'end', 'reference']) if (name in kept && !used.includes(name)) kept[name] = '';
      for (const name of ['month', 'week', 'weekday']) if (!used.includes(name)) kept[name] = 'any';
      return { ...event, ...kept, ...(entries ? { entries: entries.get() } : {}) };
    },
  });
}

export class EventList {
  /**
   * @param {{members: Slot[], values: Values, changed: () => void, may: boolean, title: string, none: string}} options
   */
  constructor(options) {
    this.options = options;
    /** @type {Event[]} */ this.events = [];
    this.body = h('div', {});
    this.withEntries = options.members.some((m) => m.name === 'entries');
    this.addButton = h('button', { type: 'button', onclick: () => this.add() }, icon('plus'), t('Add event'));
    this.element = h('section', { class: 'card' }, h('header', {}, h('h2', {}, options.title), options.may && this.addButton), this.body);
  }

  /** @param {Event[]} events @returns {void} */
  set(events) {
    this.events = events;
    this.draw();
  }

  /** @param {string} [focus] what has the focus afterwards @returns {void} */
  done(focus) {
    this.draw();
    (/** @type {HTMLElement|null} */ (focus && this.body.querySelector(`[data-key="${focus}"]`)) || this.addButton)?.focus();
    this.options.changed();
  }

  /** @returns {Promise<void>} */
  async add() {
    const { members, values } = this.options;
    const blank = Object.fromEntries(members.map((m) => [m.name, structuredClone(m.default ?? '')]));
    if (this.withEntries) blank.entries = [{ start: '00:00', finish: '24:00', value: values.kind === 'boolean' ? { value: false, status: '{ok}' } : values.first() }];
    const event = await askEvent(blank, members, values, t('Add event'));
    if (!event) return;
    this.events.push(event);
    this.done(`edit-${this.events.length - 1}`);
  }

  /** @param {number} n @returns {Promise<void>} */
  async edit(n) {
    const event = await askEvent(this.events[n], this.options.members, this.options.values, t('Change event'));
    if (!event) return;
    this.events[n] = event;
    this.done(`edit-${n}`);
  }

  /** @param {number} n @param {number} to @returns {void} */
  move(n, to) {
    const [event] = this.events.splice(n, 1);
    this.events.splice(to, 0, event);
    this.done(`edit-${to}`);
  }

  /** @param {Event} event @returns {any} */
  blocks(event) {
    if (!event.entries.length) return h('span', { class: 'muted' }, t('no block: nothing changes'));
    return event.entries.map((/** @type {any} */ e) => h('span', { class: 'chip plain', 'data-tone': this.options.values.tone(e.value) }, `${e.start} – ${e.finish} ${this.options.values.text(e.value)}`));
  }

  /** @param {Event} event @param {number} n @returns {any} */
  row(event, n) {
    const name = event.name || t('without a name');
    const button = (/** @type {string} */ symbol, /** @type {string} */ label, /** @type {() => void} */ run, key = '', disabled = false) => h('button', { type: 'button', class: 'plain icon-only small', 'data-key': key || null, 'aria-label': `${label} ${name}`, title: label, disabled, onclick: run }, icon(symbol));
    return h('tr', { 'data-event': n }, this.withEntries && h('td', { class: 'tight muted' }, n + 1), h('td', {}, h('strong', {}, name)), h('td', {}, whenText(event)), this.withEntries && h('td', {}, h('div', { class: 'chips' }, this.blocks(event))),
      this.options.may && h('td', { class: 'actions' }, h('div', { class: 'buttons' },
        this.withEntries && [button('up', t('Make stronger:'), () => this.move(n, n - 1), '', n === 0), button('down', t('Make weaker:'), () => this.move(n, n + 1), '', n === this.events.length - 1)],
        button('pencil', t('Change'), () => this.edit(n), `edit-${n}`), button('trash', t('Remove'), () => { this.events.splice(n, 1); this.done(); }))));
  }

  /** @returns {void} */
  draw() {
    const heads = [...(this.withEntries ? [t('Priority')] : []), t('Name'), t('When'), ...(this.withEntries ? [t('Blocks')] : [])].map((text) => h('th', { scope: 'col' }, text));
    fill(this.body, this.events.length ? h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': this.options.title }, h('table', { class: 'events' }, h('thead', {}, h('tr', {}, heads, this.options.may && h('th', { scope: 'col' }, h('span', { class: 'visually-hidden' }, t('Actions'))))), h('tbody', {}, this.events.map((e, n) => this.row(e, n)))))
      : empty('clock', t('No events'), this.options.none));
  }
}
