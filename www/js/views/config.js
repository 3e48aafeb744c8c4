// SPDX-License-Identifier: Apache-2.0
// The configuration as text: out to a file, in from one after a dry run; and its versions, each with who, when, why and what,
// to be looked at and restored.
import { h, fill, icon, empty, inTurn, banner, labelled } from '../dom.js';
import { t } from '../i18n.js';
import { get, post, Problem } from '../api.js';
import { agoText, timeText } from '../format.js';
import { ask } from '../el/dialog.js';
import { diffTable } from '../el/diff.js';
import { toast, toastError } from '../el/toast.js';
/** @typedef {import('../types.js').Context} Context */
/** @typedef {import('../types.js').View} View */

const PAGE = 50;

/** What a pointer into the text is about: the component's path, and what of it. @param {string} pointer @param {any} config @returns {string} */
function placeOf(pointer, config) {
  let node = config, path = '';
  /** @type {string[]} */ let inside = [];
  for (const part of pointer.split('/').slice(1)) {
    node = node?.[part];
    if (node?.name && node.type) {
      path += `/${node.name}`;
      inside = [];
    } else if (part !== 'children') inside.push(part);
  }
  return [path, inside.filter((part) => part !== 'values').join('/')].filter(Boolean).join(' ') || pointer;
}

/** Everything that is wrong with a text, each where it stands. @param {Problem} problem @param {any} config @returns {any} */
function errors(problem, config) {
  return h('div', { role: 'alert' }, banner('bad', h('strong', {}, t('Nothing was changed. ')), problem.errors.length ? t('{n} things are wrong:', { n: problem.errors.length }) : problem.message,
    h('ul', {}, problem.errors.slice(0, 100).map((e) => h('li', {}, h('code', { title: e.pointer }, placeOf(e.pointer, config)), ' ', e.detail)))));
}

/** Asks for secrets that the station does not have. @param {Problem} problem @returns {string[]} their references */
const missing = (problem) => problem.errors.map((e) => e.detail.match(/no secret at (\S+):/)?.[1]).filter((x) => x !== undefined);

/** @param {() => void} done called when an import is on disk @returns {any} */
function importCard(done) {
  const file = h('input', { type: 'file', accept: '.json,application/json' });
  const text = h('textarea', { rows: 6, spellcheck: 'false', placeholder: '{ "belfry": 1, … }' });
  const result = h('div', { 'aria-live': 'polite' });
  /** @type {Record<string, string>} */
  const secrets = {};
  /** @type {any} */ let parsed = null;
  const read = () => {
    parsed = null;
    try {
      parsed = JSON.parse(text.value);
      return { config: parsed, secrets };
    } catch (error) {
      throw new Problem(0, { detail: t('This is not JSON: {why}', { why: /** @type {Error} */ (error).message }) });
    }
  };
  const show = (/** @type {any} */ error) => {
    if (!(error instanceof Problem)) throw error;
    const wanted = missing(error);
    fill(result, errors(error, parsed), wanted.length > 0 && h('div', { class: 'pad' }, wanted.map((reference) => labelled(reference, h('input', { type: 'password', autocomplete: 'off', oninput: (/** @type {any} */ e) => { secrets[reference] = e.target.value; } })))));
  };
  const apply = async () => {
    const reason = h('input', { autocomplete: 'off' });
    const answer = await ask({ title: t('Apply this configuration?'), ok: t('Apply'), danger: true, body: [h('p', {}, t('The station becomes what the text says, all or nothing. It can be undone.')), labelled(t('Reason'), reason, t('Kept with the version'))],
      submit: () => post('/config', { ...read(), reason: reason.value }) }).catch(show);
    if (!answer) return;
    toast(answer.version ? t('Applied as version {n}. {what}', { n: answer.version, what: answer.summary }) : t('Nothing had to be changed.'));
    fill(result);
    done();
  };
  const dry = async () => {
    try {
      const { changes, warnings } = await post('/config?dryRun=true', read());
      fill(result, warnings.length > 0 && banner('warn', warnings.map((/** @type {any} */ w) => h('div', {}, h('code', {}, w.pointer), ' ', w.detail))), diffTable(changes),
        changes.length > 0 && h('div', { class: 'buttons pad' }, h('button', { type: 'button', class: 'primary', onclick: apply }, t('Apply …'))));
    } catch (error) {
      show(error);
    }
  };
  file.addEventListener('change', async () => { if (file.files?.[0]) { text.value = await file.files[0].text(); dry(); } });
  return h('section', { class: 'card' }, h('header', {}, icon('save'), h('h2', {}, t('Import'))),
    h('div', { class: 'pad' }, labelled(t('File'), file), labelled(t('Or its text'), text), h('div', { class: 'buttons' }, h('button', { type: 'button', onclick: dry }, t('Show what would change')))), result);
}

/** @param {any} version @param {boolean} may @param {() => void} done @returns {Promise<void>} */
async function showVersion(version, may, done) {
  const whole = await get(`/versions/${version.version}`);
  const reason = h('input', { autocomplete: 'off' });
  const answer = await ask({ title: t('Version {n}', { n: version.version }), wide: true, ok: t('Restore this version'), danger: true,
    body: [h('p', {}, whole.summary, ' ', h('span', { class: 'muted' }, `${whole.user}, ${timeText(whole.timestamp)}${whole.reason ? `: ${whole.reason}` : ''}`)), diffTable(whole.changes, whole.truncated),
      may && labelled(t('Reason for a restore'), reason, t('A restore makes the configuration what it was right after this version; it is a new version itself.'))],
    ...(may ? { submit: () => post(`/versions/${version.version}/restore`, { reason: reason.value }) } : {}) });
  if (!answer) return;
  toast(answer.summary || t('Restored.'));
  done();
}

/** @param {boolean} may @returns {{element: HTMLElement, load: () => Promise<void>}} */
function versionsCard(may) {
  const body = h('div', { class: 'scroll' }), more = h('footer', {});
  /** @type {any[]} */
  let items = [];
  const row = (/** @type {any} */ v) => h('tr', {}, h('td', { class: 'tight' }, h('button', { type: 'button', class: 'link', onclick: () => showVersion(v, may, load).catch(toastError) }, String(v.version))),
    h('td', {}, h('time', { datetime: v.timestamp, title: timeText(v.timestamp) }, agoText(v.timestamp))), h('td', {}, v.user, h('span', { class: 'under' }, ` ${v.via}`)), h('td', {}, v.kind !== 'change' && h('span', { class: 'chip note' }, t(v.kind)), ' ', v.summary), h('td', {}, v.reason));
  const draw = (/** @type {string|undefined} */ next) => {
    fill(body, items.length ? h('table', {}, h('thead', {}, h('tr', {}, [t('Version'), t('When'), t('Who'), t('What'), t('Why')].map((x) => h('th', { scope: 'col' }, x)))), h('tbody', {}, items.map(row)))
      : empty('list', t('No version yet'), t('Each change of a person is kept here.')));
    fill(more, next && h('button', { type: 'button', onclick: () => page(next).catch(toastError) }, t('Older')));
    more.hidden = !next;
  };
  const page = async (/** @type {string} */ cursor) => {
    const answer = await get(`/versions?limit=${PAGE}${cursor ? `&cursor=${cursor}` : ''}`);
    items = cursor ? [...items, ...answer.items] : answer.items;
    draw(answer.next);
  };
  const load = inTurn(() => page(''));
  return { element: h('section', { class: 'card' }, h('header', {}, icon('list'), h('h2', {}, t('Versions'))), body, more), load };
}

/** @param {Context} context @returns {Promise<View>} */
export async function configView(context) {
  const may = context.session.permissions.configure;
  const versions = versionsCard(may);
  const again = () => versions.load().catch(toastError);
  fill(context.root, h('div', { class: 'head' }, h('div', { class: 'grow' }, h('h1', {}, t('Configuration')), h('div', { class: 'sub' }, t('The station as text: the same configuration always gives the same bytes. Secrets are never in it.'))),
    may && h('div', { class: 'buttons' }, h('a', { class: 'button', href: '/api/v1/config', download: 'belfry-config.json' }, icon('copy'), t('Download')))),
  may && importCard(again), versions.element);
  await versions.load();
  addEventListener('station-changed', again);
  return { title: t('Configuration'), leave: () => removeEventListener('station-changed', again) };
}
