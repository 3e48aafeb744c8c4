// SPDX-License-Identifier: Apache-2.0
// A calendar from an iCalendar file: first a dry run that shows what would be read and what would be left out, then the
// real one.
import { h, labelled } from '../dom.js';
import { t, plural } from '../i18n.js';
import { componentUrl, postText } from '../api.js';
import { ask } from './dialog.js';
import { toast } from './toast.js';
import { whenText } from './schedule-events.js';

/** Events shown of a file; more are counted. */
const SHOWN = 60;

/**
 * @param {string} path of the calendar @param {File} file
 * @returns {Promise<boolean>} something was read
 */
export async function importFile(path, file) {
  const text = await file.text();
  const url = (/** @type {boolean} */ dry, /** @type {boolean} */ replace) => `${componentUrl(path)}/schedule/import?dryRun=${dry}&replace=${replace}`;
  const found = await postText(url(true, false), text, 'text/calendar');
  const replace = h('select', {}, h('option', { value: 'false' }, t('Add to what is there')), h('option', { value: 'true' }, t('Replace what is there')));
  const events = found.items.slice(0, SHOWN).map((/** @type {any} */ e) => h('tr', {}, h('td', {}, e.name), h('td', {}, whenText(e))));
  const notes = found.notes.map((/** @type {any} */ n) => h('li', {}, t('Line {n}: ', { n: n.line }), n.detail));
  const done = await ask({
    title: t('Read {name}', { name: file.name }), wide: true, ok: t('Read in'),
    body: [h('p', {}, plural(found.items.length, 'One event was found.', '{n} events were found.'), ' ', t('{n} are new.', { n: found.added })), found.items.length > 0 && labelled(t('What to do'), replace),
      events.length > 0 && h('div', { class: 'scroll preview', tabindex: '0', role: 'region', 'aria-label': t('Events of the file') }, h('table', {}, h('thead', {}, h('tr', {}, [t('Name'), t('When')].map((x) => h('th', { scope: 'col' }, x)))), h('tbody', {}, events))),
      found.items.length > SHOWN && h('p', { class: 'muted' }, t('and {n} more', { n: found.items.length - SHOWN })), notes.length > 0 && h('details', { open: true }, h('summary', {}, t('Left out')), h('ul', { class: 'notes-list' }, notes))],
    submit: found.items.length ? () => postText(url(false, replace.value === 'true'), text, 'text/calendar') : undefined,
  });
  if (done) toast(t('{added} events were read in; the calendar has {total}.', { added: done.added, total: done.total }));
  return Boolean(done);
}
