// SPDX-License-Identifier: Apache-2.0
// Logging in, and the first administrator.
import { h, fill, labelled } from '../dom.js';
import { post } from '../api.js';

/** @param {HTMLElement} app @param {string} title @param {any[]} content @param {string} ok @param {() => Promise<void>} submit */
function gate(app, title, content, ok, submit) {
  const problem = h('p', { class: 'error', role: 'alert' });
  const button = h('button', { class: 'primary' }, ok);
  const form = h('form', {
    onsubmit: async (event) => {
      event.preventDefault();
      problem.textContent = '';
      button.disabled = true;
      try { await submit(); } catch (error) { problem.textContent = /** @type {Error} */ (error).message; button.disabled = false; }
    },
  }, h('div', { class: 'brand' }, h('img', { src: '/icons/belfry.svg', alt: '' }), h('h1', {}, title)), content, problem, button);
  fill(app, h('main', { class: 'gate', id: 'main' }, form));
  form.querySelector('input')?.focus();
  return problem;
}

/** @param {HTMLElement} app @param {boolean} needsSetup @param {(session: any) => void} done @param {string} trouble */
export function loginView(app, needsSetup, done, trouble) {
  const name = h('input', { name: 'username', autocomplete: 'username', required: true });
  const password = h('input', { name: 'password', type: 'password', autocomplete: 'current-password', required: true });
  const problem = gate(app, 'Log in to Belfry', [
    needsSetup && h('div', { class: 'banner warn' }, 'This station has no users yet. Open the one-time setup link that it printed when it started.'),
    labelled('User name', name), labelled('Password', password),
  ], 'Log in', async () => done(await post('/session', { username: name.value, password: password.value })));
  problem.textContent = trouble;
}

/** @param {HTMLElement} app @param {string} token @param {(session: any) => void} done */
export function setupView(app, token, done) {
  const name = h('input', { name: 'username', autocomplete: 'username', required: true });
  const email = h('input', { name: 'email', type: 'email', autocomplete: 'email' });
  const password = h('input', { name: 'password', type: 'password', autocomplete: 'new-password', required: true });
  const again = h('input', { name: 'again', type: 'password', autocomplete: 'new-password', required: true });
  gate(app, 'Set up this station', [
    h('p', {}, 'Make the first administrator. This page works once.'),
    labelled('User name', name, 'A letter, then letters, digits or _'), labelled('Mail address', email),
    labelled('Password', password, 'At least 8 characters; 12 or more are advised'), labelled('Password again', again),
  ], 'Make administrator', async () => {
    if (password.value !== again.value) throw new Error('The two passwords differ.');
    done(await post('/setup', { token, username: name.value, password: password.value, email: email.value }));
  });
}
