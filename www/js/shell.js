// SPDX-License-Identifier: Apache-2.0
// What stands around every view: the bar, the tree, counts of alarms, the live lamp, light and dark.
import { h, fill, icon, settled } from './dom.js';
import { t, plural } from './i18n.js';
import { componentUrl, get, pageUrl, remove } from './api.js';
import { startEvents, listen } from './store/events.js';
import { pathOfOrd } from './format.js';
import { Router } from './router.js';
import { componentMenu } from './el/actions.js';
import { menuButton } from './el/menu.js';
import { UndoButtons } from './el/undo.js';
import './el/nav-tree.js';
import { PAGES } from './pages.js';
/** @typedef {import('./types.js').Session} Session */
/** @typedef {import('./types.js').Alarm} Alarm */

const COUNTED = 500;

/** Light, dark, or what the system has ("").  @param {string} theme @returns {void} */
export function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  dispatchEvent(new Event('look-changed')); // whoever draws with colours of its own draws anew
}

for (const query of ['(prefers-color-scheme: dark)', '(forced-colors: active)']) matchMedia(query).addEventListener('change', () => dispatchEvent(new Event('look-changed')));

/** @returns {string} */
export function savedTheme() {
  return localStorage.getItem('belfry-theme') || '';
}

/** @param {string} theme @returns {void} */
function chooseTheme(theme) {
  if (theme) localStorage.setItem('belfry-theme', theme);
  else localStorage.removeItem('belfry-theme');
  setTheme(theme);
}

export class Shell {
  /** @param {HTMLElement} app @param {Session} session */
  constructor(app, session) {
    this.session = session;
    this.shown = ''; /* path of the component that is shown */
    this.tree = /** @type {import('./el/nav-tree.js').NavTree} */ (document.createElement('nav-tree'));
    this.changed = settled(() => this.tree.reload(), 300);
    this.counting = settled(() => this.countAlarms(), 200);
    const routes = PAGES.map((page) => ({ ...page, view: (/** @type {any} */ context) => page.open(context, this) }));
    this.links = PAGES.filter((page) => page.icon).map((page) => h('a', { href: page.base, 'data-base': page.base }, icon(/** @type {string} */ (page.icon)), page.name));
    this.draw(app);
    this.router = new Router(routes, this.main, session, (route, view) => this.arrived(route, view));
    startEvents();
    listen((kind, data) => this.live(kind, data));
    this.countAlarms().catch(() => {});
    this.router.show();
  }

  /** @param {string} url @param {{focus?: boolean, replace?: boolean}} [options] @returns {void} */
  go = (url, options) => { this.router.go(url, options); };

  /** @param {HTMLElement} app @returns {void} */
  draw(app) {
    const { station, user } = this.session;
    this.count = h('span', { class: 'count', hidden: true });
    this.links.find((link) => link.dataset.base === '/alarms')?.append(this.count);
    this.lamp = h('span', { class: 'live', role: 'img', 'aria-label': t('Live values: connecting'), title: t('Live values: connecting') });
    this.tree.onSelect = (path, focus) => this.go(pageUrl(path), { focus });
    this.tree.menuOf = (child, siblings) => componentMenu(child, this.session, { go: this.go, changed: () => this.undone(), siblings });
    this.main = h('main', { id: 'main', tabindex: '-1' });
    const account = menuButton([icon('user'), user.name], () => this.userMenu(), { label: t('{name}, {role}: account and appearance', { name: user.name, role: user.role }) });
    const side = h('aside', { class: 'side', id: 'side', 'aria-label': t('Components') }, this.tree);
    this.sideButton = h('button', { type: 'button', class: 'icon-only side-button', 'aria-label': t('Component tree'), 'aria-controls': 'side', 'aria-expanded': 'false', onclick: () => this.showSide(this.sideButton.getAttribute('aria-expanded') !== 'true') }, icon('list'));
    this.side = side;
    fill(app, h('div', { class: 'shell' },
      h('header', { class: 'bar' }, this.sideButton, h('a', { class: 'name', href: '/overview' }, h('img', { src: '/icons/belfry.svg', alt: '' }), station.name === 'Station' ? 'Belfry' : station.name),
        h('nav', { 'aria-label': t('Pages') }, this.links), this.session.permissions.operate && new UndoButtons(() => this.undone()).element, this.lamp, account),
      side, this.main));
  }

  /** The tree on a narrow screen, where it stands only when it is wanted. @param {boolean} shown @returns {void} */
  showSide(shown) {
    this.sideButton.setAttribute('aria-expanded', String(shown));
    this.side.dataset.shown = String(shown);
  }

  /** What is shown may have gone, or come back under another name. @returns {Promise<void>} */
  async undone() {
    this.changed();
    const path = this.shown;
    if (!path) return;
    const there = await get(componentUrl(path)).then(() => true, () => false);
    if (!there && path === this.shown) this.go(pageUrl(path.replace(/\/[^/]*$/, '') || '/'));
  }

  /** @returns {import('./el/menu.js').Entry[]} */
  userMenu() {
    const { user } = this.session;
    const theme = savedTheme();
    return [
      { node: h('div', { class: 'title' }, h('strong', {}, user.fullName || user.name), user.role) },
      { label: t('My account'), icon: 'user', href: pageUrl(`/Services/UserService/${user.name}`) }, '-',
      { label: t('Light'), icon: 'sun', checked: theme === 'light', run: () => chooseTheme('light') },
      { label: t('Dark'), icon: 'moon', checked: theme === 'dark', run: () => chooseTheme('dark') },
      { label: t('As the system'), icon: 'screen', checked: theme === '', run: () => chooseTheme('') }, '-',
      { label: t('Log out'), icon: 'logout', run: () => remove('/session').catch(() => {}).then(() => location.assign('/login')) },
    ];
  }

  /** @param {import('./router.js').Route} route @param {import('./types.js').View|null} view @returns {void} */
  arrived(route, view) {
    for (const link of this.links) {
      if (link.dataset.base === route.base) link.setAttribute('aria-current', 'page'); else link.removeAttribute('aria-current');
    }
    this.showSide(false);
    this.shown = view?.component || '';
    this.tree.select(this.shown);
  }

  /** Counts for the bar and the tree. @returns {Promise<void>} */
  async countAlarms() {
    const { items, next } = await get(`/alarms?state=open&limit=${COUNTED}`);
    const unacked = items.filter((/** @type {Alarm} */ a) => a.ackState === 'unacked').length;
    this.count.hidden = unacked === 0;
    fill(this.count, `${unacked}${next ? '+' : ''}`, h('span', { class: 'visually-hidden' }, ` ${plural(unacked, 'unacknowledged alarm', 'unacknowledged alarms')}`));
    /** @type {Map<string, number>} */
    const counts = new Map();
    for (const alarm of items) {
      if (alarm.sourceState === 'normal') continue;
      const parts = pathOfOrd(alarm.source[0] || '').split('/').filter(Boolean);
      for (let i = 1; i <= parts.length; i += 1) {
        const path = `/${parts.slice(0, i).join('/')}`;
        counts.set(path, (counts.get(path) || 0) + 1);
      }
    }
    this.tree.setAlarms(counts);
  }

  /** What the shell itself shows live. @param {string} kind @param {any} data @returns {void} */
  live(kind, data) {
    if (kind === 'open' || kind === 'closed') {
      const text = kind === 'open' ? t('Live values: on') : t('Live values: off, connecting again');
      this.lamp.dataset.on = String(kind === 'open');
      this.lamp.setAttribute('aria-label', text);
      this.lamp.title = text;
    }
    if (kind === 'value') this.tree.live(data);
    if (kind === 'alarm' || kind === 'reset') this.counting();
    if (kind === 'reset' || (kind === 'component' && ['added', 'removed', 'moved'].includes(data.what))) this.changed();
  }
}
