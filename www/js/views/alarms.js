// SPDX-License-Identifier: Apache-2.0
// The alarm console: open alarms live, newest first; acknowledge, notes.
import { h, fill, icon, empty, inTurn, keepFocus, labelled } from '../dom.js';
import { t, plural } from '../i18n.js';
import { get, post } from '../api.js';
import { followed } from '../store/events.js';
import { agoText, pathOfOrd, timeText } from '../format.js';
import { ackBadge, bell } from '../el/badges.js';
import { ask } from '../el/dialog.js';
import { toast, toastError } from '../el/toast.js';
import { alarmView } from './alarm.js';
/** @typedef {import('../types.js').Alarm} Alarm */
/** @typedef {import('../types.js').Context} Context */
/** @typedef {import('../types.js').View} View */

const PAGE = 100;
const SHOWS = [['open', 'Open'], ['unacked', 'Unacked'], ['all', 'All']];

/** @param {Alarm} a @returns {string} */
const nameOf = (a) => a.alarmData.sourceName || pathOfOrd(a.source[0] || '') || a.uuid;

/** Acknowledges, and tells what came of it. @param {string[]} uuids @returns {Promise<void>} */
export async function acknowledge(uuids) {
  const { results } = await post('/alarms/ack', { uuids });
  const failed = results.filter((/** @type {any} */ r) => !r.ok);
  if (failed.length) toast(failed[0].detail || t('Not acknowledged.'), true);
  else toast(plural(uuids.length, 'Acknowledged.', '{n} alarms acknowledged.'));
}

/** Adds a note to alarms. @param {string[]} uuids @returns {Promise<boolean>} was one added? */
export async function addNote(uuids) {
  const input = h('textarea', {});
  const done = await ask({ title: plural(uuids.length, 'Add a note', 'Add a note to {n} alarms'), ok: t('Add note'), body: [labelled(t('Note'), input)],
    submit: async () => {
      const { results } = await post('/alarms/note', { uuids, note: input.value.trim() });
      const failed = results.find((/** @type {any} */ r) => !r.ok);
      if (failed) throw new Error(failed.detail);
      return true;
    } });
  return Boolean(done);
}

/** Runs an order over alarms and tells the first thing that went wrong. @param {string} path @param {any} body @param {string} done @returns {Promise<boolean>} */
async function order(path, body, done) {
  const { results } = await post(path, body);
  const failed = results.find((/** @type {any} */ r) => !r.ok);
  if (failed) throw new Error(failed.detail);
  toast(done);
  return true;
}

const SPANS = [['1', '1 hour'], ['2', '2 hours'], ['8', '8 hours'], ['24', '1 day'], ['72', '3 days'], ['168', '1 week']];

/** Shelves alarms for a time: nobody is told of them until then. @param {string[]} uuids @returns {Promise<boolean>} was it done? */
export async function shelve(uuids) {
  const span = h('select', {}, SPANS.map(([hours, name]) => h('option', { value: hours }, t(name))));
  const note = h('textarea', {});
  const done = await ask({ title: plural(uuids.length, 'Shelve this alarm', 'Shelve {n} alarms'), ok: t('Shelve'), body: [labelled(t('For'), span, t('Nobody is mailed meanwhile. If it is still not normal then, it comes back unacknowledged.')), labelled(t('Why'), note)],
    submit: () => order('/alarms/shelve', { uuids, note: note.value.trim(), until: new Date(Date.now() + Number(span.value) * 3600e3 - 1000).toISOString() }, t('Shelved.')) });
  return Boolean(done);
}

/** @param {string[]} uuids @returns {Promise<boolean>} */
export const unshelve = (uuids) => order('/alarms/unshelve', { uuids }, t('No longer shelved.'));

/** Ends alarms, whatever their sources say. @param {string[]} uuids @returns {Promise<boolean>} was it done? */
export async function forceClear(uuids) {
  const note = h('textarea', {});
  const done = await ask({ title: plural(uuids.length, 'Clear this alarm by force', 'Clear {n} alarms by force'), ok: t('Force clear'), danger: true, body: [h('p', {}, t('The alarm ends, whatever its source says. It comes back as a new one when the source becomes offnormal again.')), labelled(t('Why'), note)],
    submit: () => order('/alarms/clear', { uuids, note: note.value.trim() }, t('Cleared.')) });
  return Boolean(done);
}

/** Rows, choice and buttons of the console. */
class Console {
  /** @type {Alarm[]} */ items = [];
  /** @type {Set<string>} */ chosen = new Set();
  /** @type {Set<string>|null} what has been seen; null before the first load */ known = null;
  cursor = '';
  load = inTurn(() => this.#read());

  /** @param {Context} context */
  constructor({ session, root, query }) {
    this.may = session.permissions.operate;
    this.show = query.get('show') || 'open';
    this.body = h('div', { class: 'scroll' });
    this.count = h('span', { class: 'muted small', role: 'status' });
    this.ackButton = h('button', { type: 'button', class: 'primary', disabled: true, onclick: () => this.act(acknowledge(this.unacked())) }, icon('check'), h('span', {}, t('Acknowledge')));
    this.noteButton = h('button', { type: 'button', disabled: true, onclick: () => this.act(addNote([...this.chosen])) }, icon('note'), t('Add note'));
    this.shelveButton = h('button', { type: 'button', disabled: true, onclick: () => this.act(shelve([...this.chosen])) }, icon('clock'), t('Shelve'));
    this.clearButton = h('button', { type: 'button', disabled: true, onclick: () => this.act(forceClear([...this.chosen])) }, icon('trash'), t('Force clear'));
    this.mayClear = session.permissions.configure;
    this.search = h('input', { type: 'search', 'aria-label': t('Search in alarms'), placeholder: t('Search source, message, class'), oninput: () => this.draw() });
    this.footer = h('footer', { hidden: true }, h('button', { type: 'button', class: 'plain', onclick: () => this.older().catch(toastError) }, t('Older alarms')));
    this.segments = h('div', { class: 'segments', role: 'group', 'aria-label': t('Which alarms') }, SHOWS.map(([id, name]) => h('button', { type: 'button', 'data-show': id, onclick: () => this.turn(id) }, t(name))));
    fill(root, h('div', { class: 'head' }, h('div', { class: 'grow' }, h('h1', {}, t('Alarms')), h('div', { class: 'sub' }, t('Newest first. A filled bell has not been acknowledged.'))), this.count),
      h('div', { class: 'toolbar' }, this.segments, this.search, h('span', { class: 'space' }), this.mayClear && this.clearButton, this.may && this.shelveButton, this.may && this.noteButton, this.may && this.ackButton),
      h('section', { class: 'card' }, this.body, this.footer));
  }

  /** @param {string} show @returns {void} */
  turn(show) {
    this.show = show;
    history.replaceState(null, '', show === 'open' ? '/alarms' : `/alarms?show=${show}`);
    this.items = [];
    this.known = null;
    this.load().catch(toastError);
  }

  /** @param {Promise<any>} doing @returns {Promise<void>} */
  act(doing) {
    return doing.then((done) => {
      if (done !== false) this.chosen.clear();
      return this.load();
    }).catch(toastError);
  }

  /** @returns {string} */
  get states() { return this.show === 'all' ? 'open,cleared' : 'open'; }

  /** @returns {string[]} the chosen ones that can be acknowledged */
  unacked() {
    return this.items.filter((a) => this.chosen.has(a.uuid) && a.ackState === 'unacked').map((a) => a.uuid);
  }

  /** @returns {Promise<void>} */
  async #read() {
    const limit = Math.min(500, Math.max(PAGE, this.items.length));
    this.take(await get(`/alarms?state=${this.states}&limit=${limit}`), []);
  }

  /** @returns {Promise<void>} */
  async older() {
    const before = this.items;
    const answer = await get(`/alarms?state=${this.states}&limit=${PAGE}&cursor=${encodeURIComponent(this.cursor)}`);
    if (before === this.items) this.take(answer, before); // else the list was read anew meanwhile, and ends elsewhere
    else await this.older();
  }

  /** @param {{items: Alarm[], next?: string}} answer @param {Alarm[]} before @returns {void} */
  take(answer, before) {
    this.items = before.concat(answer.items);
    this.cursor = answer.next || '';
    this.footer.hidden = !this.cursor;
    const here = new Set(this.items.map((a) => a.uuid));
    for (const uuid of [...this.chosen]) if (!here.has(uuid)) this.chosen.delete(uuid);
    this.draw();
    this.known = here;
  }

  /** @returns {Alarm[]} */
  get found() {
    const wanted = this.search.value.toLowerCase();
    return this.items.filter((a) => (this.show !== 'unacked' || a.ackState === 'unacked') && (!wanted || [nameOf(a), a.source[0], a.msgText, a.alarmClass, a.user].join(' ').toLowerCase().includes(wanted)));
  }

  /** @returns {void} */
  draw() {
    const { found } = this;
    const sources = new Set(found.map((a) => a.source[0])).size;
    this.count.textContent = found.length ? `${plural(sources, '1 source', '{n} sources')} / ${plural(found.length, '1 alarm', '{n} alarms')}${this.cursor ? ' …' : ''}` : '';
    this.segments.querySelectorAll('button').forEach((/** @type {HTMLElement} */ b) => b.setAttribute('aria-pressed', String(b.dataset.show === this.show)));
    keepFocus(this.body, () => fill(this.body, found.length ? this.table(found) : this.nothing()));
    this.drawButtons();
  }

  /** @returns {any} */
  nothing() {
    if (this.items.length) return empty('search', t('Nothing matches'));
    if (this.show === 'all') return empty('bell', t('No alarms yet'));
    return empty('check', t('No open alarms'), t('All is quiet. Alarms appear here by themselves.'));
  }

  /** @returns {void} */
  drawButtons() {
    const unacked = this.unacked().length;
    this.ackButton.disabled = unacked === 0;
    this.ackButton.querySelector('span').textContent = unacked > 1 ? t('Acknowledge {n}', { n: unacked }) : t('Acknowledge');
    for (const button of [this.noteButton, this.shelveButton, this.clearButton]) button.disabled = this.chosen.size === 0;
  }

  /** @param {Alarm[]} found @returns {any} */
  table(found) {
    const all = h('input', { type: 'checkbox', 'aria-label': t('Select all'), 'data-key': 'all', checked: found.every((a) => this.chosen.has(a.uuid)), oninput: (/** @type {any} */ e) => {
      for (const a of found) if (e.target.checked) this.chosen.add(a.uuid); else this.chosen.delete(a.uuid);
      this.draw();
    } });
    const head = h('thead', {}, h('tr', {}, this.may && h('th', { scope: 'col', class: 'tight' }, h('label', { class: 'check-target' }, all)), [t('State'), t('Time'), t('Source'), t('Message, priority, class'), t('Acknowledged')].map((text) => h('th', { scope: 'col' }, text)),
      this.may && h('th', { scope: 'col' }, h('span', { class: 'visually-hidden' }, t('Actions')))));
    return h('table', { class: 'alarms' }, head, h('tbody', {}, found.map((a) => this.row(a))));
  }

  /** @param {Alarm} a @returns {any} */
  row(a) {
    const name = nameOf(a);
    const choose = h('input', { type: 'checkbox', 'aria-label': t('Choose {name}', { name }), 'data-key': `choose ${a.uuid}`, checked: this.chosen.has(a.uuid), oninput: (/** @type {any} */ e) => {
      if (e.target.checked) this.chosen.add(a.uuid); else this.chosen.delete(a.uuid);
      this.drawButtons();
    } });
    const flash = this.known && !this.known.has(a.uuid);
    return h('tr', { 'data-uuid': a.uuid, class: [a.ackState === 'unacked' ? 'unacked' : '', flash ? 'flash' : ''].join(' ').trim() || null },
      this.may && h('td', { class: 'tight' }, h('label', { class: 'check-target' }, choose)),
      h('td', { class: 'tight' }, bell(a)), h('td', { class: 'nowrap' }, timeText(a.timestamp), h('div', { class: 'under' }, agoText(a.timestamp))),
      h('td', {}, h('a', { href: `/alarms/${a.uuid}`, 'data-key': `open ${a.uuid}` }, name), h('div', { class: 'under' }, pathOfOrd(a.source[0] || '').split('/').slice(-4, -1).filter(Boolean).join(' / '))),
      h('td', {}, a.msgText, h('div', { class: 'under' }, t('Priority {n} · {class}', { n: a.priority, class: a.alarmClass }), a.notes.length > 0 && [' · ', icon('note'), ' ', plural(a.notes.length, '1 note', '{n} notes')])),
      h('td', { class: 'tight' }, ackBadge(a)),
      this.may && h('td', { class: 'actions' }, a.ackState === 'unacked' && h('button', { type: 'button', class: 'small', 'data-key': `ack ${a.uuid}`, 'aria-label': t('Ack {name}', { name }), onclick: () => this.act(acknowledge([a.uuid])) }, t('Ack'))));
  }
}

/** @param {Context} context @param {any} shell @returns {Promise<View>} */
export async function alarmsView(context, shell) {
  if (context.rest.length > 1) return alarmView(context, shell);
  const alarms = new Console(context);
  const leave = await followed(alarms.load, 120, (kind) => ['alarm', 'reset', 'open'].includes(kind));
  return { title: t('Alarms'), leave };
}
