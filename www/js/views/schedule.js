// SPDX-License-Identifier: Apache-2.0
// The view "Schedule" of schedules and calendars: the week to paint, its exceptions, exact times as a table, the month that
// comes of it, files. Save sends what has changed, whole or not at all; who comes second is asked.
import { h, fill, icon, banner, labelled } from '../dom.js';
import { t } from '../i18n.js';
import { call, componentUrl, Problem } from '../api.js';
import { spaced, timeText } from '../format.js';
import { ask, confirmDialog } from '../el/dialog.js';
import { toast, toastError } from '../el/toast.js';
import { Values } from '../el/schedule-values.js';
import { WeekPainter } from '../el/week-painter.js';
import { WeekTable, askBlock } from '../el/week-table.js';
import { EventList } from '../el/schedule-events.js';
import { ScheduleMonth } from '../el/schedule-month.js';
import { importFile } from '../el/schedule-import.js';
import { copyWeek, DAYS, painted, seconds } from '../el/week-model.js';
/** @typedef {import('../types.js').Component} Component */
/** @typedef {import('./table.js').Subject} Subject */
/** @typedef {import('./table.js').Panel} Panel */

class ScheduleView {
  /** @param {Subject} subject */
  constructor({ component, etag, type, context }) {
    this.component = component;
    this.etag = etag;
    this.calendar = component.type === 'schedule:CalendarSchedule';
    this.may = context.session.permissions.configure;
    this.values = new Values(component);
    this.eventsSlot = this.calendar ? 'events' : 'specialEvents';
    this.members = type?.slots.find((s) => s.name === this.eventsSlot)?.members || [];
    this.problems = h('div', { class: 'sheet-summary', role: 'alert' });
    this.message = h('span', { class: 'grow', role: 'status' });
    this.saveButton = h('button', { type: 'button', class: 'primary', disabled: true, title: 'Ctrl+S', onclick: () => this.save() }, icon('save'), t('Save'));
    this.refreshButton = h('button', { type: 'button', onclick: () => this.refresh().catch(toastError) }, icon('refresh'), t('Refresh'));
    this.bar = h('div', { class: 'savebar' }, this.message, this.refreshButton, this.may && this.saveButton);
    this.next = h('p', { class: 'next-event' });
    const changed = () => this.mark();
    this.events = new EventList({ members: this.members, values: this.values, changed, may: this.may, title: this.calendar ? t('Days') : t('Special events'),
      none: this.calendar ? t('Add days, or read them from an .ics file.') : t('Holidays and other exceptions from the week; the first one is the strongest.') });
    this.month = new ScheduleMonth(component.path, this.values, this.calendar);
    this.element = h('div', { class: 'schedule', onkeydown: (/** @type {KeyboardEvent} */ e) => this.keys(e) }, this.problems, this.next, this.calendar ? null : this.weekCard(changed), this.events.element, this.calendar && this.files(), this.month.element, this.bar);
    this.saving = false;
    this.accept(component, etag);
  }

  /** @param {() => void} changed @returns {HTMLElement} */
  weekCard(changed) {
    this.brush = this.values.chooser(this.values.first(), () => {});
    this.brush.control.id = 'brush';
    this.step = h('select', { id: 'step' }, [[900, t('15 minutes')], [1800, t('30 minutes')], [3600, t('1 hour')]].map(([value, text]) => h('option', { value, selected: value === 1800 }, text)));
    const edit = async (/** @type {string} */ day, /** @type {number} */ index) => {
      const blocks = this.painter?.week[day] || [], block = blocks[index];
      const answer = this.may && block ? await askBlock(day, block, this.values) : null;
      if (answer === 'remove') blocks.splice(index, 1);
      else if (answer) this.replace(day, index, answer);
      if (answer) this.painter?.done();
      this.painter?.grid.focus();
    };
    this.painter = new WeekPainter({ values: this.values, brush: () => this.brush?.get(), step: () => Number(this.step.value), may: this.may, edit, changed: () => { this.table?.set(/** @type {any} */ (this.painter).week); changed(); } });
    this.table = new WeekTable({ values: this.values, may: this.may, changed: () => { this.painter?.draw(); changed(); } });
    return h('section', { class: 'card' }, h('header', {}, h('h2', {}, t('Week')), h('span', { class: 'muted' }, this.zoneText())),
      this.may && h('div', { class: 'toolbar brush' }, h('label', { for: 'brush' }, t('Paint')), this.brush.element, h('label', { for: 'step' }, t('in steps of')), this.step),
      this.painter.element, h('details', { class: 'exact' }, h('summary', {}, t('Exact times, as a table')), this.table.element));
  }

  /** A block gets other times; what cannot be read stays as it was typed, for the station to object to. @param {string} day @param {number} index @param {any} block @returns {void} */
  replace(day, index, block) {
    if (!this.painter) return;
    const rest = this.painter.week[day].filter((/** @type {any} */ _, /** @type {number} */ n) => n !== index);
    const from = seconds(block.start), to = seconds(block.finish);
    this.painter.week[day] = from < to ? painted(rest, from, to, block.value) : [...rest, block];
  }

  /** Whose time it is, and what holds between the blocks. @returns {string} */
  zoneText() {
    const { timeZone, defaultOutput } = this.component.values;
    const zone = timeZone ? t('Local time of {zone}', { zone: timeZone }) : t("The station's local time");
    return t('{zone}; between the blocks: {value}', { zone, value: this.values.text(defaultOutput) });
  }

  /** A time as the schedule's own clock shows it. @param {string} time RFC 3339 @returns {string} */
  timeText(time) {
    const zone = this.component.values.timeZone;
    if (!zone) return timeText(time);
    try {
      return new Date(time).toLocaleString(undefined, { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', timeZone: zone });
    } catch { // a zone that this browser does not know
      return timeText(time);
    }
  }

  /** @returns {HTMLElement} */
  files() {
    const input = h('input', { type: 'file', id: 'ics', accept: '.ics,text/calendar' });
    const read = async () => {
      if (!input.files[0]) return;
      if (await importFile(this.component.path, input.files[0])) await this.refresh(true);
      input.value = '';
    };
    input.addEventListener('change', () => read().catch(toastError));
    return h('section', { class: 'card' }, h('header', {}, h('h2', {}, t('Files'))), h('div', { class: 'toolbar files' }, this.may && labelled(t('Read holidays from an iCalendar file (.ics)'), input),
      h('a', { class: 'button', href: `/api/v1${componentUrl(this.component.path)}/schedule/export`, download: `${this.component.name}.ics` }, t('Download as .ics'))));
  }

  /** @param {KeyboardEvent} event @returns {void} */
  keys(event) {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== 's') return;
    event.preventDefault();
    if (!this.saveButton.disabled) this.save();
  }

  /* --- what is edited --- */

  /** @returns {Record<string, any>} the slots as they stand on the page */
  edited() {
    const { values } = this;
    const block = (/** @type {any} */ b) => ({ start: b.start, finish: b.finish, value: values.sent(b.value) });
    const events = this.events.events.map((e) => (e.entries ? { ...e, entries: e.entries.map(block) } : e));
    const week = this.painter?.week;
    return { [this.eventsSlot]: events, ...(week ? { weeklySchedule: Object.fromEntries(DAYS.map((day) => [day, week[day].map(block)])) } : {}) };
  }

  /** @returns {Record<string, any>} only what has changed */
  changes() {
    return Object.fromEntries(Object.entries(this.edited()).filter(([name, value]) => JSON.stringify(value) !== this.original?.[name]));
  }

  /** @returns {boolean} */
  dirty() {
    return Object.keys(this.changes()).length > 0;
  }

  /** @returns {void} */
  mark() {
    const dirty = this.dirty();
    this.saveButton.disabled = !dirty || this.saving;
    this.bar.dataset.dirty = String(dirty);
    this.message.textContent = dirty ? t('Changes are not saved; the month shows what is saved.') : '';
  }

  /** Shows what the station has, but not over what was edited since it was asked. @param {Component} component @param {string|null} etag @param {string} [asked] what was edited then, as JSON @returns {void} */
  accept(component, etag, asked) {
    this.component = component;
    this.etag = etag;
    const since = asked !== undefined && JSON.stringify(this.edited()) !== asked;
    const mine = since && { week: this.painter && copyWeek(this.painter.week), events: structuredClone(this.events.events) };
    this.put(component.values.weeklySchedule || {}, component.values[this.eventsSlot] || []);
    /** @type {Record<string, string>} */
    this.original = Object.fromEntries(Object.entries(this.edited()).map(([name, value]) => [name, JSON.stringify(value)]));
    if (mine) this.put(mine.week || {}, mine.events);
    this.showNext(component.values);
    this.mark();
    this.month.load().catch(toastError);
  }

  /** @param {any} weekly @param {any[]} events @returns {void} */
  put(weekly, events) {
    const week = copyWeek(weekly);
    this.painter?.set(week);
    this.table?.set(week);
    this.events.set(structuredClone(events));
  }

  /** @param {Record<string, any>} values @returns {void} */
  showNext(values) {
    const { nextTime, nextValue, outSource, faultCause } = values;
    fill(this.next, h('strong', {}, t('Now: ')), values.out ? this.values.text(values.out) : '', outSource ? ` (${outSource})` : '',
      nextTime ? [h('strong', {}, t(' Next: ')), `${this.timeText(nextTime)} → ${this.values.text(nextValue)}`] : t(' Nothing changes within the scan limit.'),
      faultCause && h('span', { class: 'chip warn' }, faultCause));
  }

  /* --- saving --- */

  /** @param {boolean} [force] over what somebody else has saved @returns {Promise<void>} */
  async save(force = false) {
    fill(this.problems);
    this.saving = true;
    this.mark();
    const sent = JSON.stringify(this.edited());
    const error = await call('PATCH', componentUrl(this.component.path), { values: this.changes() }, this.etag && !force ? { 'If-Match': this.etag } : {})
      .finally(() => { this.saving = false; }).then(({ data, etag }) => this.saved(data, etag, sent), (problem) => problem);
    this.mark();
    if (error instanceof Problem && error.status === 412) await this.conflict();
    else if (error) this.showErrors(error);
  }

  /** @param {any} data the component, with warnings @param {string|null} etag @param {string} sent what was edited then, as JSON @returns {void} */
  saved(data, etag, sent) {
    this.accept(data, etag, sent);
    if (data.warnings?.length) fill(this.problems, banner('warn', data.warnings.map((/** @type {any} */ w) => h('div', {}, w.detail))));
    toast(t('Saved on disk.'));
    if (document.activeElement === document.body) this.refreshButton.focus({ preventScroll: true });
  }

  /** @param {unknown} error @returns {void} */
  showErrors(error) {
    const errors = error instanceof Problem ? error.errors : [];
    const place = (/** @type {string} */ pointer) => pointer.split('/').slice(2).map((part) => (/^\d+$/.test(part) ? String(Number(part) + 1) : spaced(part))).join(' ');
    fill(this.problems, banner('bad', h('strong', {}, t('Nothing was saved. ')), errors.length ? errors.map((e) => h('div', {}, `${place(e.pointer)}: ${e.detail}`)) : error instanceof Error ? error.message : String(error)));
    this.problems.scrollIntoView({ block: 'nearest' });
    const exact = errors.some((e) => e.pointer.startsWith('/values/weeklySchedule/')) && this.element.querySelector('details.exact');
    if (exact) exact.setAttribute('open', '');
    for (const { pointer } of errors) this.table?.complain(pointer.split('/').slice(3));
  }

  /** Somebody else has saved meanwhile. @returns {Promise<void>} */
  async conflict() {
    const { data, etag } = await call('GET', componentUrl(this.component.path));
    const choice = await ask({
      title: t('Somebody else has changed this component'), body: [h('p', {}, t('It was saved by someone else after you opened it. What shall stand?'))],
      buttons: (close) => [h('button', { type: 'button', onclick: () => close(null) }, t('Go on editing')), h('button', { type: 'button', onclick: () => close('theirs') }, t('Take theirs')),
        h('button', { type: 'button', class: 'primary', onclick: () => close('mine') }, t('Keep mine'))],
    });
    if (choice === 'theirs') this.accept(data, etag);
    if (choice === 'mine') await this.save(true);
  }

  /** Reads the schedule again. @param {boolean} [sure] @returns {Promise<void>} */
  async refresh(sure = false) {
    if (!sure && this.dirty() && !await confirmDialog(t('Discard your changes?'), t('What you have painted will be replaced by what the station has.'), t('Discard'))) return;
    const asked = JSON.stringify(this.edited());
    const { data, etag } = await call('GET', componentUrl(this.component.path));
    fill(this.problems);
    this.accept(data, etag, asked);
  }

  /** The component has changed on the station. @param {Component} component @param {string|null} etag @returns {void} */
  follow(component, etag) {
    const theirs = JSON.stringify([component.values.weeklySchedule, component.values[this.eventsSlot]]);
    if (theirs === JSON.stringify([this.component.values.weeklySchedule, this.component.values[this.eventsSlot]])) {
      if (!this.dirty()) this.etag = etag;
      this.showNext(component.values);
    } else if (!this.dirty() && !this.painter?.drag && this.painter?.begun == null) {
      this.accept(component, etag);
    } else {
      this.message.textContent = t('Somebody else has changed this schedule; Save will ask.');
    }
  }

  /** @param {string} slot @param {any} value @returns {void} */
  live(slot, value) {
    if (!['out', 'nextTime', 'nextValue', 'outSource', 'faultCause'].includes(slot)) return;
    this.component.values[slot] = value;
    this.showNext(this.component.values);
  }
}

/** @param {Subject} subject @returns {Promise<Panel>} */
export async function schedulePanel(subject) {
  const view = new ScheduleView(subject);
  return {
    element: view.element,
    live: (kind, data) => { if (kind === 'value' && data.handle === subject.component.handle) view.live(data.slot, data.value); },
    follow: (component, etag) => view.follow(component, etag),
    dirty: () => view.dirty(),
  };
}
