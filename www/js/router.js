// SPDX-License-Identifier: Apache-2.0
// Addresses are real paths, so that every component and view can be bookmarked: /station/Services/EmailService?view=queue,
// /alarms/UUID, /certificates/hosts. A view that has unsaved changes is asked before it is left.
import { h, fill, banner } from './dom.js';
import { t } from './i18n.js';
import { Problem } from './api.js';
import { confirmDialog } from './el/dialog.js';
/** @typedef {import('./types.js').View} View */
/** @typedef {import('./types.js').Session} Session */
/** @typedef {import('./types.js').Context} Context */
/** @typedef {{base: string, name: string, icon?: string, view: (context: Context) => Promise<View>}} Route */

export class Router {
  /** @type {View|null} */ #view = null;
  #turn = 0;
  #shown = '';

  /**
   * @param {Route[]} routes the first one is where unknown paths lead
   * @param {HTMLElement} main @param {Session} session
   * @param {(route: Route, view: View|null) => void} arrived called when a view is shown
   */
  constructor(routes, main, session, arrived) {
    this.routes = routes;
    this.main = main;
    this.session = session;
    this.arrived = arrived;
    document.addEventListener('click', (event) => this.#follow(event));
    addEventListener('popstate', () => this.#popped());
    addEventListener('beforeunload', (event) => { if (this.#view?.dirty?.()) event.preventDefault(); });
  }

  /** Goes to an address. @param {string} url @param {{focus?: boolean, replace?: boolean}} [options] @returns {Promise<void>} */
  async go(url, { focus = true, replace = false } = {}) {
    if (!await this.#mayLeave()) return;
    if (replace || url === this.#shown) history.replaceState(null, '', url);
    else history.pushState(null, '', url);
    await this.show(focus);
  }

  /** Shows the present address. @param {boolean} [focus] puts the focus on the page's heading @returns {Promise<void>} */
  async show(focus = false) {
    this.#turn += 1;
    const turn = this.#turn;
    const path = safeDecode(location.pathname);
    const route = this.routes.find((r) => path === r.base || path.startsWith(`${r.base}/`)) || this.routes[0];
    const root = h('div', { class: 'view' });
    const context = { path, rest: path.startsWith(route.base) ? path.slice(route.base.length) : '', query: new URLSearchParams(location.search), session: this.session, root };
    this.main.setAttribute('aria-busy', 'true');
    const view = await route.view(context).catch((error) => failed(root, error));
    if (turn !== this.#turn) { // the person has gone elsewhere meanwhile
      view.leave?.();
      return;
    }
    this.#view?.leave?.();
    this.#view = view;
    this.#shown = location.pathname + location.search;
    this.main.removeAttribute('aria-busy');
    fill(this.main, root);
    document.title = `${view.title} · ${this.session.station.name === 'Station' ? 'Belfry' : this.session.station.name}`;
    if (focus) this.#focus(root);
    this.arrived(route, view);
  }

  /** @param {HTMLElement} root @returns {void} */
  #focus(root) {
    const heading = /** @type {HTMLElement|null} */ (root.querySelector('h1'));
    heading?.setAttribute('tabindex', '-1');
    (heading || this.main).focus({ preventScroll: true });
    scrollTo(0, 0);
  }

  /** @returns {Promise<boolean>} */
  async #mayLeave() {
    if (!this.#view?.dirty?.()) return true;
    return confirmDialog(t('Leave without saving?'), t('Your changes on this page have not been saved.'), t('Leave'));
  }

  /** @returns {Promise<void>} */
  async #popped() {
    if (location.pathname + location.search === this.#shown) {
      this.#stay();
      return;
    }
    const wanted = location.pathname + location.search;
    if (this.#view?.dirty?.()) {
      history.pushState(null, '', this.#shown);
      if (!await this.#mayLeave()) return;
      history.replaceState(null, '', wanted);
    }
    await this.show(true);
  }

  /** What is shown is wanted again: whatever else is being opened is not. @returns {void} */
  #stay() {
    this.#turn += 1;
    this.main.removeAttribute('aria-busy');
  }

  /** Links within the page do not load it anew. @param {MouseEvent} event @returns {void} */
  #follow(event) {
    const link = /** @type {Element} */ (event.target).closest?.('a[href^="/"]');
    if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0 || link.hasAttribute('download')) return;
    event.preventDefault();
    this.go(/** @type {string} */ (link.getAttribute('href')));
  }
}

/** A path that a person may have typed. @param {string} path @returns {string} */
function safeDecode(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** @param {HTMLElement} root @param {Error} error @returns {View} */
function failed(root, error) {
  const missing = error instanceof Problem && error.status === 404;
  const title = missing ? t('Nothing is here') : t('This did not work');
  if (!(error instanceof Problem)) console.error(error);
  fill(root, h('div', { class: 'head' }, h('h1', {}, title)), h('div', { role: 'alert' }, banner('bad', error.message)));
  return { title };
}
