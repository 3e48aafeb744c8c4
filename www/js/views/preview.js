// SPDX-License-Identifier: Apache-2.0
// What an EmailRecipient's letter looks like, about an open alarm or a sample: both parts of it, in its language, time zone and
// units. The HTML part is drawn here from what it says: the page's policy takes no HTML from text.
import { h, fill, download, inTurn, settled } from '../dom.js';
import { t } from '../i18n.js';
import { componentUrl, get, post } from '../api.js';
import { timeText } from '../format.js';
import { toastError } from '../el/toast.js';
/** @typedef {import('./table.js').Panel} Panel */
/** @typedef {import('./table.js').Subject} Subject */
/** @typedef {{subject: string, text: string, html: string, state: string, tone: string, source: string, rows: {label: string, value: string}[], picture: string, sentBy: string}} Letter */

const ALARMS = 50;

/** The HTML part. @param {Letter} l @returns {any} */
function htmlPart(l) {
  const lines = l.rows.length ? h('dl', { class: 'facts' }, l.rows.map(({ label, value }) => [h('dt', {}, label), h('dd', {}, h('bdi', {}, value))])) : h('p', { class: 'own-text' }, l.text.split('\n-- \n')[0]);
  return h('div', { class: 'letter-html' }, h('p', { class: 'tone', 'data-tone': l.tone }, l.state), h('div', { class: 'inside' }, h('h3', {}, h('bdi', {}, l.source)), lines,
    l.picture && h('img', { src: `data:image/png;base64,${l.picture}`, alt: t('The last day of the point') }), h('p', { class: 'muted small' }, l.sentBy)));
}

/** @param {Letter} l @returns {any[]} */
function parts(l) {
  const save = l.html && h('button', { type: 'button', class: 'small', onclick: () => download('letter.html', l.html) }, t('Download'));
  return [l.html && h('section', { class: 'card' }, h('header', {}, h('h2', {}, t('HTML part')), save), htmlPart(l)),
    h('section', { class: 'card' }, h('header', {}, h('h2', {}, t('Text part'))), h('pre', { class: 'letter', tabindex: '0', role: 'region', 'aria-label': t('Text part') }, l.text))];
}

/** @param {Subject} subject @returns {Promise<Panel>} */
export async function previewPanel({ component }) {
  const alarm = h('select', { 'aria-label': t('Alarm') }, h('option', { value: '' }, t('A sample')));
  const subject = h('strong', {}), body = h('div', { class: 'columns' });
  const { items } = await get(`/alarms?state=open&limit=${ALARMS}`);
  alarm.append(...items.map((/** @type {any} */ a) => h('option', { value: a.uuid }, `${a.alarmData.sourceName || a.source[0]} · ${timeText(a.timestamp)}`)));
  const load = inTurn(async () => {
    /** @type {Letter} */ const letter = (await post(`${componentUrl(component.path)}/actions/preview`, alarm.value)).result;
    fill(subject, h('bdi', {}, letter.subject));
    fill(body, parts(letter));
  });
  const again = settled(load, 200);
  alarm.addEventListener('input', () => load().catch(toastError));
  await load();
  return {
    element: h('div', {}, h('div', { class: 'toolbar' }, alarm), h('p', {}, t('Subject'), ': ', subject), body),
    follow: () => again(),
    leave: () => again.cancel(),
  };
}
