// SPDX-License-Identifier: Apache-2.0
// The page: who is logged in, the shell around every view, and the router. Addresses are real paths, so that every
// component and view can be bookmarked: /station/Services/EmailService, /alarms, /mail/ID, /certificates/hosts.
import { h, fill, toast } from './dom.js';
import { get, remove, setCsrf, onUnauthorized, Problem } from './api.js';
import { startEvents, listen, watch } from './events.js';
import './el/nav-tree.js';
import { loginView, setupView } from './views/login.js';
import { componentView } from './views/component.js';
import { alarmsView } from './views/alarms.js';
import { mailView } from './views/mail.js';
import { certificatesView } from './views/certificates.js';

const app = /** @type {HTMLElement} */ (document.getElementById('app'));
/** @type {any} */ let session = null;
/** @type {any} */ let shell = null;
/** @type {(() => void)|undefined} */ let leave;

const views = [
  { name: 'Station', base: '/station', view: componentView },
  { name: 'Alarms', base: '/alarms', view: alarmsView },
  { name: 'Mail', base: '/mail', view: mailView },
  { name: 'Certificates', base: '/certificates', view: certificatesView },
];

/** Goes to an address of the page. @param {string} path */
export function go(path) {
  history.pushState(null, '', path);
  route();
}

function theme() {
  const now = document.documentElement.dataset.theme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
  document.documentElement.dataset.theme = now === 'dark' ? 'light' : 'dark';
  localStorage.setItem('belfry-theme', document.documentElement.dataset.theme);
}

async function logOut() {
  await remove('/session').catch(() => {});
  location.assign('/login');
}

function makeShell() {
  const links = views.map((v) => h('a', { href: v.base, 'data-base': v.base }, v.name));
  const count = h('span', { class: 'count', hidden: true, 'aria-live': 'polite' });
  links[1].append(count);
  const live = h('span', { class: 'live', role: 'img', 'aria-label': 'Live values: connecting' });
  const tree = /** @type {any} */ (document.createElement('nav-tree'));
  tree.onSelect = (path) => go(`/station${path === '/' ? '' : path}`);
  const main = h('main', { id: 'main', tabindex: '-1' });
  fill(app, h('div', { class: 'shell' },
    h('header', { class: 'bar' },
      h('a', { class: 'name', href: '/station' }, h('img', { src: '/icons/belfry.svg', alt: '' }), session.station.name === 'Station' ? 'Belfry' : session.station.name),
      h('nav', { 'aria-label': 'Views' }, links), live, h('span', { class: 'who' }, `${session.user.name} · ${session.user.role}`),
      h('button', { type: 'button', onclick: theme, 'aria-label': 'Switch between light and dark' }, '◐'),
      h('button', { type: 'button', onclick: logOut }, 'Log out')),
    h('aside', { class: 'side', 'aria-label': 'Components' }, tree), main));
  shell = { main, tree, links, count, live };
}

async function countAlarms() {
  const { items, next } = await get('/alarms?state=open&limit=100');
  const open = items.filter((a) => a.ackState === 'unacked').length;
  shell.count.hidden = open === 0;
  shell.count.textContent = next ? `${open}+` : String(open);
  shell.count.setAttribute('aria-label', `${open} unacknowledged`);
}

let counting = 0;
let growing = 0;
/** What the shell itself shows live. @param {string} kind @param {any} data */
function live(kind, data) {
  if (kind === 'open' || kind === 'closed') {
    shell.live.dataset.on = String(kind === 'open');
    shell.live.setAttribute('aria-label', kind === 'open' ? 'Live values: on' : 'Live values: off, connecting again');
  }
  if (kind === 'alarm' || kind === 'reset') { clearTimeout(counting); counting = setTimeout(() => countAlarms().catch(() => {}), 200); }
  if ((kind === 'component' && ['added', 'removed', 'moved'].includes(data.what)) || kind === 'reset') {
    clearTimeout(growing);
    growing = setTimeout(() => shell.tree.reload().catch(() => {}), 300);
  }
}

/** Shows the view of the present address. */
async function route() {
  leave?.();
  leave = undefined;
  const path = decodeURI(location.pathname);
  const view = views.find((v) => path === v.base || path.startsWith(`${v.base}/`)) || views[0];
  shell.links.forEach((a) => { if (a.dataset.base === view.base) a.setAttribute('aria-current', 'page'); else a.removeAttribute('aria-current'); });
  const rest = path.startsWith(view.base) ? path.slice(view.base.length) : '';
  document.title = `${view.name} · Belfry`;
  try {
    leave = await view.view({ main: shell.main, rest, session, go, tree: shell.tree });
  } catch (error) {
    fill(shell.main, h('h1', {}, error instanceof Problem && error.status === 404 ? 'Nothing is here' : 'This did not work'),
      h('div', { class: 'banner bad', role: 'alert' }, /** @type {Error} */ (error).message));
  }
}

/** Links within the page do not load it anew. @param {MouseEvent} event */
function follow(event) {
  const link = /** @type {Element} */ (event.target).closest?.('a[href^="/"]');
  if (!link || !shell || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0 || link.hasAttribute('download')) return;
  event.preventDefault();
  go(/** @type {string} */ (link.getAttribute('href')));
  shell.main.focus({ preventScroll: true });
}

function enter() {
  makeShell();
  startEvents();
  listen(live);
  watch([]);
  countAlarms().catch(() => {});
  if (['/', '/login', '/setup'].includes(location.pathname)) history.replaceState(null, '', '/station');
  route();
}

async function start() {
  const saved = localStorage.getItem('belfry-theme');
  if (saved) document.documentElement.dataset.theme = saved;
  document.addEventListener('click', follow);
  addEventListener('popstate', () => { if (shell) route(); });
  const begin = (answer) => { session = answer; setCsrf(answer.csrf); enter(); };
  if (location.pathname === '/setup') { setupView(app, location.hash.slice(1), begin); return; }
  try {
    begin(await get('/session'));
    onUnauthorized(() => { toast('Your session has ended.', true); location.assign('/login'); });
  } catch (error) {
    loginView(app, error instanceof Problem && error.setup, begin, error instanceof Problem && error.status !== 401 ? error.message : '');
  }
}

start();
