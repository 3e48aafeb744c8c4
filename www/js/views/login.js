// SPDX-License-Identifier: Apache-2.0
// Logging in, and the first administrator.
import { h, fill, banner, labelled } from '../dom.js';
import { t } from '../i18n.js';
import { post } from '../api.js';
/** @typedef {import('../types.js').Session} Session */

/**
 * A form that stands alone on the page.
 * @param {HTMLElement} app @param {string} title @param {string} sub @param {any[]} content @param {string} ok @param {() => Promise<void>} submit
 * @returns {HTMLElement} where trouble is told
 */
function gate(app, title, sub, content, ok, submit) {
  const problem = h('p', { class: 'error', role: 'alert' });
  const button = h('button', { class: 'primary' }, ok);
  const send = async (/** @type {Event} */ event) => {
    event.preventDefault();
    problem.textContent = '';
    button.disabled = true;
    try {
      await submit();
    } catch (error) {
      problem.textContent = error instanceof Error ? error.message : String(error);
      button.disabled = false;
      form.querySelector('input[type=password]')?.select();
    }
  };
  const form = h('form', { novalidate: true, onsubmit: send },
    h('div', { class: 'brand' }, h('img', { src: '/icons/belfry.svg', alt: '' }), h('div', {}, h('h1', {}, title), h('p', {}, sub))), content, problem, button);
  fill(app, h('main', { class: 'gate', id: 'main' }, form));
  form.querySelector('input')?.focus();
  return problem;
}

/**
 * @param {HTMLElement} app @param {boolean} setup no user exists yet @param {(session: Session) => void} done
 * @param {string} trouble why the session could not be asked for
 * @returns {void}
 */
export function loginView(app, setup, done, trouble) {
  document.title = t('Log in · Belfry');
  const name = h('input', { name: 'username', autocomplete: 'username', autocapitalize: 'none', spellcheck: 'false' });
  const password = h('input', { name: 'password', type: 'password', autocomplete: 'current-password' });
  const problem = gate(app, t('Log in to Belfry'), location.host, [
    setup && banner('warn', t('This station has no users yet. Open the one-time setup link that it printed when it started.')),
    labelled(t('User name'), name), labelled(t('Password'), password),
  ], t('Log in'), async () => done(await post('/session', { username: name.value, password: password.value })));
  problem.textContent = trouble;
}

/** @param {HTMLElement} app @param {string} token of the setup link @param {(session: Session) => void} done @returns {void} */
export function setupView(app, token, done) {
  document.title = t('Set up · Belfry');
  const name = h('input', { name: 'username', autocomplete: 'username', autocapitalize: 'none', spellcheck: 'false' });
  const email = h('input', { name: 'email', type: 'email', autocomplete: 'email' });
  const password = h('input', { name: 'password', type: 'password', autocomplete: 'new-password' });
  const again = h('input', { name: 'again', type: 'password', autocomplete: 'new-password' });
  gate(app, t('Set up this station'), t('Make the first administrator. This page works once.'), [
    labelled(t('User name'), name, t('A letter, then letters, digits or _')), labelled(t('Mail address'), email, t('Optional')),
    labelled(t('Password'), password, t('At least 8 characters; 12 or more are advised')), labelled(t('Password again'), again),
  ], t('Make administrator'), async () => {
    if (password.value !== again.value) throw new Error(t('The two passwords differ.'));
    done(await post('/setup', { token, username: name.value, password: password.value, email: email.value }));
  });
}
