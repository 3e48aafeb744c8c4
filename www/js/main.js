// SPDX-License-Identifier: Apache-2.0
// The start: who is logged in? Then the shell; else the login, or the setup of a new station.
import { get, useSession, Problem } from './api.js';
import { Shell, savedTheme, setTheme } from './shell.js';
import { ackView } from './views/ack.js';
import { loginView, setupView } from './views/login.js';
/** @typedef {import('./types.js').Session} Session */

/** @param {HTMLElement} app @param {Session} session @returns {void} */
function enter(app, session) {
  useSession(session.csrf, () => location.reload());
  if (['/', '/login', '/setup'].includes(location.pathname)) history.replaceState(null, '', '/overview');
  new Shell(app, session);
}

/** @param {HTMLElement} app @returns {Promise<void>} */
async function start(app) {
  setTheme(savedTheme());
  if (location.pathname === '/setup') {
    setupView(app, location.hash.slice(1), (session) => enter(app, session));
    return;
  }
  if (location.pathname === '/ack') {
    await ackView(app, location.hash.slice(1));
    return;
  }
  try {
    enter(app, await get('/session'));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    loginView(app, error.setup, (session) => enter(app, session), error.status === 401 ? '' : error.message);
  }
}

start(/** @type {HTMLElement} */ (document.getElementById('app')));
