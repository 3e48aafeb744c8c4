// SPDX-License-Identifier: Apache-2.0
// A chart of histories: several series, each unit on an axis of its own; drag, wheel and keys zoom and move; the newest values
// follow. The station rolls up so that a year shows at once. Beside it the same as a table, for whoever cannot see it.
import { h, fill, icon, empty } from '../dom.js';
import { t } from '../i18n.js';
import { get } from '../api.js';
import { numberText, timeText } from '../format.js';
import { toastError } from './toast.js';

/** @typedef {{id: string, valueKind: string, units: string, source: string, last: string|null, count: number}} History */
/** @typedef {{x: number[], y: (number|null)[], low?: (number|null)[], high?: (number|null)[]}} Series */

const HOUR = 3600, DAY = 86400;
const RANGES = [['1 h', HOUR], ['8 h', 8 * HOUR], ['1 d', DAY], ['1 w', 7 * DAY], ['1 m', 30 * DAY], ['1 y', 365 * DAY]];
/** Lengths of buckets, in seconds. */
const STEPS = [60, 300, 900, HOUR, 6 * HOUR, DAY];
/** Where the system chooses the colours, all lines have the same. */
const DASHES = [[], [10, 4], [3, 3], [10, 3, 3, 3], [16, 4], [6, 6]];
const RAW_SPAN = 8 * HOUR, POINTS = 800, TABLE_ROWS = 200, SHORTEST = 10;

/** @param {number} seconds @returns {string} */
const iso = (seconds) => new Date(seconds * 1000).toISOString();

/** @param {number} span seconds @returns {number} of a bucket; 0: the samples themselves */
const stepFor = (span) => (span <= RAW_SPAN ? 0 : STEPS.find((s) => span / s <= POINTS) || DAY);

/** A value as a number on the chart. @param {any} value @returns {number|null} */
function plotted(value) {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'number' ? value : null;
}

/** Samples or buckets of one history. @param {History} history @param {number} from @param {number} to @returns {Promise<Series>} */
async function read(history, from, to) {
  const step = stepFor(to - from);
  const query = new URLSearchParams({ start: iso(from), end: iso(to), limit: '20000', timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone, ...(step ? { rollup: `PT${step}S` } : {}) });
  const { items } = await get(`/histories/${encodeURIComponent(history.id)}?${query}`);
  const x = items.map((/** @type {any} */ i) => new Date(i.timestamp).getTime() / 1000);
  if (!step) return { x, y: items.map((/** @type {any} */ i) => (/fault|down|null|stale/.test(i.status) ? null : plotted(i.value))) };
  const share = (/** @type {any} */ i) => i.timeOn / ((new Date(i.end).getTime() - new Date(i.timestamp).getTime()) * 1000);
  return { x, y: items.map((/** @type {any} */ i) => (history.valueKind === 'boolean' ? share(i) : i.avg)), low: items.map((/** @type {any} */ i) => i.min), high: items.map((/** @type {any} */ i) => i.max) };
}

/** A colour of the page as a canvas takes it: light or dark is decided. @param {string} name @param {number} [alpha] @returns {string} */
function colour(name, alpha = 1) {
  const probe = h('span', { hidden: true });
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const [r, g, b] = getComputedStyle(probe).color.match(/[\d.]+/g) || [0, 0, 0];
  probe.remove();
  return `rgba(${r}, ${g}, ${b}, ${alpha})`;
}

/** The library, or null: then there is the table. @returns {Promise<any>} */
async function library() {
  try {
    if (!document.querySelector('link[href="/vendor/uPlot.css"]')) document.head.append(h('link', { rel: 'stylesheet', href: '/vendor/uPlot.css' }));
    return (await import(/** @type {any} */ ('/vendor/uPlot.js'))).default;
  } catch {
    return null;
  }
}

export class HistoryChart {
  #timer = 0;
  #turn = 0;
  /** @type {any} */ #plot = null;

  /** @param {History[]} histories what is drawn */
  constructor(histories) {
    this.histories = histories;
    const oldest = Math.min(...histories.map((x) => new Date(/** @type {any} */ (x).created).getTime() / 1000));
    this.span = Date.now() / 1000 - oldest < HOUR ? HOUR : DAY;
    this.to = 0; // 0: now, and it follows
    this.place = h('div', { class: 'chart', role: 'img', tabindex: '0', onkeydown: (/** @type {KeyboardEvent} */ e) => this.keys(e) });
    this.table = h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': t('Values') });
    this.details = h('details', { class: 'chart-table' }, h('summary', {}, t('As a table')), this.table);
    this.ranges = h('div', { class: 'buttons', role: 'group', 'aria-label': t('Range') });
    this.exports = h('div', { class: 'buttons' });
    this.element = h('div', {}, h('div', { class: 'chart-bar' }, this.ranges, this.exports), this.place, this.details);
    this.resize = new ResizeObserver(() => this.#plot?.setSize({ width: this.place.clientWidth, height: 320 }));
    this.resize.observe(this.place);
    this.again = () => this.load().catch(toastError);
    addEventListener('look-changed', this.again);
  }

  get end() { return this.to || Date.now() / 1000; }

  /** The end of a range that is longer or shorter by a factor: the middle stays; but a chart that follows goes on following. @param {number} factor @returns {number} */
  zoomed(factor) { return this.to ? this.to + (this.span * (factor - 1)) / 2 : 0; }

  /** Other series. @param {History[]} histories @returns {Promise<void>} */
  async choose(histories) {
    this.histories = histories;
    await this.load();
  }

  /** Shows a range; end 0 follows the present. @param {number} span @param {number} end @returns {Promise<void>} */
  async range(span, end) {
    this.span = Math.max(SHORTEST, span);
    this.to = end && end < Date.now() / 1000 ? end : 0;
    await this.load();
  }

  /** @returns {void} */
  bar() {
    const set = (/** @type {number} */ span, /** @type {number} */ end) => () => this.range(span, end).catch(toastError);
    fill(this.ranges, RANGES.map(([name, span]) => h('button', { type: 'button', class: 'small', 'aria-pressed': String(this.span === span && this.to === 0), onclick: set(Number(span), 0) }, name)),
      [['left', '←', t('Earlier'), this.span, this.end - this.span / 2], ['right', '→', t('Later'), this.span, this.end + this.span / 2], ['in', '+', t('Zoom in'), this.span / 2, this.zoomed(0.5)], ['out', '−', t('Zoom out'), this.span * 2, this.zoomed(2)]]
        .map(([, sign, label, span, end]) => h('button', { type: 'button', class: 'small icon-only', 'aria-label': label, title: label, onclick: set(Number(span), Number(end)) }, sign)));
    const from = this.end - this.span;
    const link = (/** @type {History} */ x, /** @type {string} */ format) => `/api/v1/histories/${encodeURIComponent(x.id)}?${new URLSearchParams({ start: iso(from), end: iso(this.end), format })}`;
    fill(this.exports, this.histories.length === 1 && ['csv', 'json'].map((format) => h('a', { class: 'button small', href: link(this.histories[0], format), download: `${this.histories[0].id}.${format}` }, icon('copy'), format.toUpperCase())));
  }

  /** @param {KeyboardEvent} event @returns {void} */
  keys(event) {
    const by = this.span / 4;
    const moves = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [this.span, this.end - by], ArrowRight: [this.span, this.end + by], '+': [this.span / 2, this.zoomed(0.5)], '-': [this.span * 2, this.zoomed(2)], End: [this.span, 0] });
    const move = moves[event.key];
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.range(...move).catch(toastError);
  }

  /** Reads and draws. @returns {Promise<void>} */
  async load() {
    this.#turn += 1;
    const turn = this.#turn;
    clearTimeout(this.#timer);
    const to = this.end, from = to - this.span;
    const shown = this.histories.filter((x) => x.valueKind !== 'string');
    const series = await Promise.all(shown.map((x) => read(x, from, to)));
    if (turn !== this.#turn) return;
    this.bar();
    await this.draw(shown, series, from, to);
    this.rows(shown, series);
    if (this.to === 0) this.#timer = setTimeout(() => this.load().catch(() => {}), this.span <= HOUR ? 5000 : 30000);
  }

  /** @param {History[]} shown @param {Series[]} series @param {number} from @param {number} to @returns {Promise<void>} */
  async draw(shown, series, from, to) {
    const UPlot = await library();
    const label = shown.map((x, i) => `${x.id}: ${series[i].x.length ? t('{n} values', { n: series[i].x.length }) : t('no values')}`).join('; ');
    this.place.setAttribute('aria-label', t('Chart from {from} to {to}. {label}', { from: timeText(iso(from)), to: timeText(iso(to)), label }));
    this.#plot?.destroy();
    this.#plot = null;
    if (!UPlot || shown.length === 0 || series.every((s) => s.x.length === 0)) {
      this.details.open = !UPlot;
      fill(this.place, empty('list', UPlot ? t('Nothing was recorded in this time') : t('This station was built without its chart library'), UPlot ? t('Choose another range, or wait for the next record.') : t('The values are in the table below.')));
      return;
    }
    fill(this.place);
    const names = ['--accent', '--fault', '--good', '--note', '--bad', '--warn'];
    const forced = matchMedia('(forced-colors: active)').matches;
    const units = [...new Set(shown.map((x) => x.units))];
    /** @type {any[]} */ const lines = [{ label: t('Time') }];
    /** @type {any[]} */ const bands = [];
    const tables = series.map((s, i) => {
      const name = names[i % names.length], stroke = colour(name), scale = `y${units.indexOf(shown[i].units)}`;
      const value = (/** @type {any} */ _, /** @type {number|null} */ v) => (v === null || v === undefined ? '–' : `${numberText(v, { precision: 2 })} ${shown[i].units}`);
      const stepped = shown[i].valueKind !== 'numeric' && !s.low;
      const at = lines.push({ label: shown[i].id, stroke, width: 2, scale, value, ...(forced ? { dash: DASHES[i % DASHES.length] } : {}), points: { show: s.x.length < 60, size: 5 }, ...(stepped ? { paths: UPlot.paths.stepped({ align: 1 }) } : {}) });
      if (!s.low || shown[i].valueKind !== 'numeric') return [s.x, s.y];
      lines.push({ label: `${shown[i].id} ${t('max')}`, stroke: 'transparent', scale, value, points: { show: false } }, { label: `${shown[i].id} ${t('min')}`, stroke: 'transparent', scale, value, points: { show: false } });
      bands.push({ series: [at, at + 1], fill: colour(name, 0.2) });
      return [s.x, s.y, s.high, s.low];
    });
    const text = colour('--muted'), grid = { stroke: colour('--line'), width: 1 };
    const axes = [{ stroke: text, grid, ticks: grid }, ...units.map((unit, i) => ({ scale: `y${i}`, side: i % 2 ? 1 : 3, stroke: text, label: unit || undefined, grid: i ? { show: false } : grid, ticks: grid, size: 60 }))];
    this.#plot = new UPlot({
      width: this.place.clientWidth || 800, height: 320, series: lines, bands, axes, scales: { x: { range: [from, to] } }, cursor: { drag: { x: true, y: false, setScale: false } },
      hooks: { setSelect: [(/** @type {any} */ u) => { if (u.select.width > 4) this.range(u.posToVal(u.select.left + u.select.width, 'x') - u.posToVal(u.select.left, 'x'), u.posToVal(u.select.left + u.select.width, 'x')).catch(toastError); }] },
    }, tables.length === 1 ? tables[0] : UPlot.join(tables), this.place);
    this.#plot.over.addEventListener('wheel', (/** @type {WheelEvent} */ event) => {
      if (!event.ctrlKey && !event.shiftKey) return; // the page scrolls
      event.preventDefault();
      const factor = event.deltaY > 0 ? 1.5 : 1 / 1.5, middle = this.#plot.posToVal(event.offsetX, 'x');
      this.range(this.span * factor, middle + (to - middle) * factor).catch(toastError);
    }, { passive: false });
  }

  /** The newest values as a table. @param {History[]} shown @param {Series[]} series @returns {void} */
  rows(shown, series) {
    const all = shown.flatMap((x, i) => series[i].x.map((at, k) => ({ at, history: x, value: series[i].y[k], low: series[i].low?.[k], high: series[i].high?.[k] }))).sort((a, b) => b.at - a.at).slice(0, TABLE_ROWS);
    const text = (/** @type {any} */ v) => (v === null || v === undefined ? '' : numberText(v, { precision: 2 }));
    const rolled = series.some((s) => s.low);
    fill(this.table, h('table', {}, h('thead', {}, h('tr', {}, [t('Time'), t('History'), rolled ? t('Mean') : t('Value'), ...(rolled ? [t('Least'), t('Greatest')] : []), t('Unit')].map((x) => h('th', { scope: 'col' }, x)))),
      h('tbody', {}, all.map((row) => h('tr', {}, h('td', {}, timeText(iso(row.at))), h('td', {}, row.history.id), h('td', {}, text(row.value)), rolled && h('td', {}, text(row.low)), rolled && h('td', {}, text(row.high)), h('td', {}, row.history.units))))));
  }

  /** @returns {void} */
  leave() {
    this.#turn += 1;
    clearTimeout(this.#timer);
    this.resize.disconnect();
    removeEventListener('look-changed', this.again);
    this.#plot?.destroy();
  }
}
