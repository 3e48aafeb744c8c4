// SPDX-License-Identifier: Apache-2.0
// The mail doctor of an account: it examines the server with the settings of the sheet, or with those of the form; shows the
// dialogue as it happens and what was found; and offers the changes that would mend it.
import { h, fill, icon, banner, empty } from '../dom.js';
import { t } from '../i18n.js';
import { allTypes, call, componentUrl, get, post } from '../api.js';
import { editorFor } from '../el/composites.js';
import { toast, toastError } from '../el/toast.js';
import { transcriptLine } from './account.js';
/** @typedef {import('./table.js').Panel} Panel */
/** @typedef {import('./table.js').Subject} Subject */
/** @typedef {{step: string, ok: boolean, text: string}} Finding */
/** @typedef {{text: string, changes?: Record<string, any>}} Advice */

const STEPS = /** @type {Record<string, string>} */ ({ connect: 'Connection', clientCertificate: 'Client certificate', greeting: 'Greeting', offers: 'Capabilities', startTls: 'STARTTLS', login: 'Login', sender: 'Sender', recipient: 'Recipient', data: 'Message', content: 'Test mail', quit: 'Farewell' });

/** Changes in a person's words: "Use Start Tls: true · Port: 587". @param {Record<string, any>} changes @param {any} type @returns {string} */
function changesText(changes, type) {
  const label = (/** @type {string} */ name) => type?.slots.find((/** @type {any} */ slot) => slot.name === name)?.displayName || name;
  const text = (/** @type {any} */ value) => (value?.account ? (value.password ? t('{account}, with the password above', { account: value.account }) : value.account) : typeof value === 'object' ? Object.values(value).join(', ') : value);
  return Object.entries(changes).map(([name, value]) => `${label(name)}: ${text(value)}`).join(' · ');
}

/**
 * What was tried and is not on the sheet, as changes of the sheet.
 * @param {any} tried settings of the form @param {Record<string, any>} values of the account @returns {Record<string, any>}
 */
function unsaved({ hostname, port, security, account, password }, values) {
  const wanted = /** @type {Record<string, any>} */ ({ hostname, port: port === -2 ? values.port : port });
  if (security !== 'asConfigured') Object.assign(wanted, { useSsl: security === 'ssl', useStartTls: security === 'startTls' });
  const changes = Object.fromEntries(Object.entries(wanted).filter(([name, value]) => value !== values[name]));
  return account ? { ...changes, emailAuthenticator: { type: 'email:BasicEmailClientAuthenticator', account, ...(password ? { password } : {}) } } : changes;
}

/** Both, member by member. @param {Record<string, any>} a @param {Record<string, any>} b @returns {Record<string, any>} */
function joined(a, b) {
  const both = { ...a, ...b };
  if (a.emailAuthenticator && b.emailAuthenticator) both.emailAuthenticator = { ...a.emailAuthenticator, ...b.emailAuthenticator };
  return both;
}

/** @param {Finding} finding @returns {any} */
function findingRow({ step, ok, text }) {
  return h('li', { class: ok ? 'good' : 'bad' }, icon(ok ? 'check' : 'cross'), h('div', {}, h('strong', {}, t(STEPS[step] || step)), h('span', { class: 'visually-hidden' }, ok ? t('works') : t('fails')), h('p', {}, text)));
}

/** @param {Subject} subject @returns {Promise<Panel>} */
export async function doctorPanel({ component, type }) {
  let account = component;
  const action = (await allTypes()).get('email:EmailAccount')?.actions.find((a) => a.name === 'diagnose');
  if (!action?.arg) throw new Error(t('This station has no mail doctor.'));
  const form = editorFor(action.arg, await allTypes(), account);
  const result = h('div', { 'aria-live': 'polite' }), log = h('div', { class: 'transcript', tabindex: '0', role: 'log', 'aria-label': t('Dialogue') });
  const url = componentUrl(account.path);
  let job = '', tried = /** @type {any} */ (null); /* null: the form has not been tried yet */
  /** The form begins with what the sheet says. */
  const fresh = () => {
    const { hostname, port, useSsl, useStartTls } = account.values;
    form.set({ hostname, port, security: useSsl ? 'ssl' : useStartTls ? 'startTls' : 'none', account: '', password: null, testAddress: form.get()?.testAddress || '' });
  };
  const settings = () => {
    const { password, ...rest } = form.get();
    return typeof password === 'string' ? { ...rest, password } : rest;
  };

  const run = async () => {
    fill(log);
    fill(result, h('p', { class: 'muted' }, t('Examining …')));
    button.disabled = true;
    try {
      tried = settings();
      job = (await post(`${url}/actions/diagnose`, tried)).result;
    } catch (error) {
      button.disabled = false;
      fill(result);
      toastError(error);
      return;
    }
    await recall(); /* what was said before the job's name was known here */
  };
  const apply = async (/** @type {Record<string, any>} */ changes) => {
    account = (await call('PATCH', url, { values: changes }, { 'If-Match': '*' })).data;
    toast(t('Saved.'));
    fresh();
    await run(); /* in this panel: one made anew might read what the job before has found, and then hear nothing of this one */
  };
  const offer = (/** @type {Record<string, any>} */ changes) => h('p', { class: 'offer' }, h('button', { type: 'button', class: 'small', onclick: () => apply(changes).catch(toastError) }, icon('check'), t('Apply')), h('span', { class: 'muted' }, changesText(changes, type)));
  const adviceRow = (/** @type {Advice} */ { text, changes }) => h('li', {}, h('p', {}, text), changes && offer(joined(open(), changes)));
  const open = () => (tried ? unsaved(tried, account.values) : {});
  const conclude = (/** @type {{state: string, findings: Finding[], advice: Advice[]}} */ { state, findings, advice }) => {
    button.disabled = false;
    const healthy = state === 'healthy';
    fill(result, healthy ? banner('good', t('Everything works.')) : banner('bad', findings.find((f) => !f.ok)?.text || ''),
      healthy && Object.keys(open()).length > 0 && [h('p', {}, t('What was tried is not saved yet.')), offer(open())],
      advice.length > 0 && [h('h3', {}, t('What would help')), h('ol', { class: 'advice' }, advice.map(adviceRow))],
      h('h3', {}, t('What was found')), h('ul', { class: 'findings' }, findings.map(findingRow)));
  };
  const add = (/** @type {any} */ line) => { log.append(transcriptLine(line)); log.scrollTop = log.scrollHeight; };
  const recall = async () => {
    const last = await get(`/mail/diagnosis?account=${encodeURIComponent(account.name)}`);
    if (last.state === 'none') { fill(log, empty('list', t('Nothing yet'), t('The dialogue with the server appears here as it happens. Passwords are never in it.'))); return; }
    job = last.job;
    fill(log, last.lines.map(transcriptLine));
    if (last.state !== 'running') conclude(last);
  };

  const button = h('button', { type: 'submit', class: 'primary' }, icon('play'), t('Examine'));
  const element = h('div', { class: 'columns' },
    h('section', { class: 'card' }, h('header', {}, h('h2', {}, t('Mail doctor'))), h('form', { class: 'inside', onsubmit: (/** @type {Event} */ e) => { e.preventDefault(); run().catch(toastError); } },
      h('p', { class: 'muted' }, t('It begins with what the properties say. Other values are tried, not saved. Without an account, the one of the properties logs in.')), form.element, h('p', {}, button), result)),
    h('section', { class: 'card' }, h('header', {}, h('h2', {}, t('Dialogue'))), log));
  fresh();
  await recall();
  return {
    element,
    follow: (fresher) => { account = fresher; },
    live: (kind, data) => {
      if (kind === 'reset') recall().catch(toastError);
      if (kind !== 'job' || data.job !== job) return;
      if (data.line) add(data.line);
      else conclude(data);
    },
  };
}
