// SPDX-License-Identifier: Apache-2.0
// An account's way to its authorization server: what the login needs, the steps of a person, and how it stands, live. And
// the page /oauth/callback, to which the authorization server sends the browser back.
import { h, fill, banner, facts, labelled } from '../dom.js';
import { t } from '../i18n.js';
import { get, post, componentUrl, pageUrl, typeIs } from '../api.js';
import { timeText } from '../format.js';
import { invoke } from '../el/actions.js';
import { statusBadge } from '../el/badges.js';
import { toastError } from '../el/toast.js';
/** @typedef {import('../types.js').Component} Component */
/** @typedef {import('../types.js').Context} Context */
/** @typedef {import('../types.js').View} View */
/** @typedef {import('./table.js').Panel} Panel */
/** @typedef {import('./table.js').Subject} Subject */

const BASE = 'email:OAuthEmailClientAuthenticator';
const BROWSER = 'email:OAuthAuthorizationCodeAuthenticator', DEVICE = 'email:OAuthDeviceCodeAuthenticator';
const CALLBACK = '/oauth/callback';

/** The path of an account's authenticator, or of the component itself when it is one. @param {Subject} s @returns {string} */
const authenticatorPath = ({ component, types }) => (typeIs(types, component.type, BASE) ? component.path : `${component.path}/emailAuthenticator`);

/** @param {string} address that a person has copied @returns {Record<string, string>} */
function broughtBack(address) {
  const query = new URL(address, location.origin).searchParams;
  const names = ['state', 'code', 'iss', 'error', 'error_description'];
  return Object.fromEntries(names.map((name) => [name, query.get(name) || '']));
}

/** Where the browser cannot come back to the station: the address is carried by hand. @returns {HTMLElement} */
function byHand() {
  const input = h('input', { autocomplete: 'off', spellcheck: 'false' });
  const send = async (/** @type {Event} */ event) => {
    event.preventDefault();
    await post(CALLBACK, broughtBack(input.value.trim())).catch(toastError);
    input.value = '';
  };
  return h('form', { onsubmit: send }, labelled(t('Address that the browser ended at'), input, t('Only when the browser could not open it: copy it from the address bar.')), h('button', { type: 'submit', class: 'small' }, t('Finish')));
}

/** @param {Component} authenticator @returns {any} what to do in the browser */
function browserSteps(authenticator) {
  const place = h('div', { class: 'steps-place' });
  const begin = async () => {
    const { result } = await post(`${componentUrl(authenticator.path)}/actions/authorize`, location.origin + CALLBACK);
    fill(place, h('p', {}, h('a', { class: 'button primary', href: result, target: '_blank', rel: 'noopener noreferrer' }, t('Open the authorization server'))),
      h('p', { class: 'muted' }, t('Log in there as the mailbox and consent. This page turns to connected by itself.')), byHand());
  };
  return h('ol', { class: 'steps' },
    h('li', {}, t('Register this address at the authorization server:'), ' ', h('code', {}, authenticator.values.redirectUri || location.origin + CALLBACK)),
    h('li', {}, t('Enter endpoint, client id and scope in the properties, or use a preset.')),
    h('li', {}, h('button', { type: 'button', class: 'primary', onclick: () => begin().catch(toastError) }, t('Authorize')), place));
}

/** @param {Component} authenticator @returns {any} what to do elsewhere */
function deviceSteps(authenticator) {
  const begin = () => post(`${componentUrl(authenticator.path)}/actions/authorize`).catch(toastError);
  const { userCode, verificationUri, codeExpires } = authenticator.values;
  const code = userCode && h('div', { class: 'device-code' },
    h('p', {}, t('Open this address on any machine and enter the code:')),
    h('p', {}, h('a', { href: verificationUri, target: '_blank', rel: 'noopener noreferrer' }, verificationUri)),
    h('p', {}, h('strong', { class: 'code' }, userCode)),
    h('p', { class: 'muted' }, t('Valid until {time}. This page turns to connected by itself.', { time: timeText(codeExpires) })));
  return h('ol', { class: 'steps' },
    h('li', {}, t('Enter endpoint, client id and scope in the properties, or use a preset.')),
    h('li', {}, h('button', { type: 'button', class: 'primary', onclick: begin }, userCode ? t('New code') : t('Authorize')), code));
}

/** @param {any} values @returns {HTMLElement} how it stands */
function state(values) {
  if (values.status === '{ok}' && values.tokenExpires) return banner('good', t('Connected. The station renews its access by itself.'));
  return values.faultCause ? banner('bad', values.faultCause) : banner('warn', t('Not connected yet.'));
}

/** @param {Subject} subject @returns {Promise<Panel>} */
export async function oauthPanel(subject) {
  const authenticator = await get(componentUrl(authenticatorPath(subject)));
  const type = subject.types.get(authenticator.type);
  const named = (/** @type {string} */ name) => /** @type {any} */ (type?.actions.find((a) => a.name === name));
  const act = (/** @type {string} */ name) => named(name) && h('button', { type: 'button', onclick: () => invoke(named(name), authenticator).catch(toastError) }, named(name).displayName);
  const told = h('div', { 'aria-live': 'polite' }), steps = h('div', {});
  const draw = () => {
    const { values } = authenticator;
    fill(told, state(values), facts([[t('Status'), statusBadge(values.status)], [t('Access token until'), values.tokenExpires ? timeText(values.tokenExpires) : '–'], [t('Permission until'), values.grantExpires ? timeText(values.grantExpires) : t('not known')]]));
  };
  const drawSteps = () => fill(steps, authenticator.type === BROWSER && browserSteps(authenticator), authenticator.type === DEVICE && deviceSteps(authenticator));
  draw();
  if (subject.context.session.permissions.configure) drawSteps();
  return {
    element: h('section', { class: 'card' }, h('header', {}, h('h2', {}, t('Authorization server')), act('usePreset'), act('disconnect')), h('div', { class: 'authorization' }, told, steps)),
    watched: () => [authenticator.handle],
    live: (kind, data) => {
      if (kind !== 'value' || data.handle !== authenticator.handle) return;
      authenticator.values[data.slot] = data.value;
      draw();
      if (authenticator.type === DEVICE && subject.context.session.permissions.configure) drawSteps();
    },
  };
}

/** The page /oauth/callback. @param {Context} context @returns {Promise<View>} */
export async function callbackView({ root, query }) {
  const title = t('Authorization');
  const answer = Object.fromEntries(['state', 'code', 'iss', 'error', 'error_description'].map((name) => [name, query.get(name) || '']));
  history.replaceState(null, '', CALLBACK); // the code stands in no history
  const place = h('div', { role: 'status' }, h('p', {}, t('Fetching the access …')));
  fill(root, h('div', { class: 'head' }, h('h1', {}, title)), h('section', { class: 'card' }, h('div', { class: 'authorization' }, place)));
  try {
    const { path } = await post(CALLBACK, answer);
    const account = path.replace(/\/[^/]*$/, '');
    fill(place, banner('good', t('Connected. The station renews its access by itself.')), h('p', {}, h('a', { class: 'button primary', href: `${pageUrl(account)}?view=authorization` }, t('Back to the account'))));
  } catch (error) {
    fill(place, banner('bad', /** @type {Error} */ (error).message));
  }
  return { title };
}
