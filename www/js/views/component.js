// SPDX-License-Identifier: Apache-2.0
// Any component: head with status and actions, and its views (table.js) as tabs. A point shows its value in large.
import { h, fill, icon, inTurn, settled } from '../dom.js';
import { t } from '../i18n.js';
import { allTypes, call, componentUrl, get, pageUrl } from '../api.js';
import { listen, watch } from '../store/events.js';
import { statusBadge, symbolOf } from '../el/badges.js';
import { actionsFor, addChild, componentMenu, invoke } from '../el/actions.js';
import { menuButton } from '../el/menu.js';
import { categoryChips } from '../el/categories.js';
import { tagChips } from '../el/tags.js';
import { toastError } from '../el/toast.js';
import { outText } from '../el/values.js';
import { viewsOf } from './table.js';
/** @typedef {import('../types.js').Component} Component */
/** @typedef {import('../types.js').Type} Type */
/** @typedef {import('../types.js').Context} Context */
/** @typedef {import('../types.js').View} View */
/** @typedef {import('./table.js').Panel} Panel */

/** So many children are enough to know which views a component has; its table reads the others as they come in sight. */
const CHILDREN = 200;

/** A line of a dialogue: what is read has it already. @param {string} kind @param {any} event @returns {boolean} */
const isLine = (kind, event) => kind === 'transcript' || Boolean(event?.line);

/** How many actions stand as buttons of their own; all are in the menu. */
const BUTTONS = 3;

/** @param {string} path @param {Component} component @returns {any} */
function crumbs(path, component) {
  const parts = path.split('/').filter(Boolean);
  const links = parts.map((part, i) => h('li', {}, h('a', { href: pageUrl(`/${parts.slice(0, i + 1).join('/')}`), 'aria-current': i === parts.length - 1 ? 'page' : null }, i === parts.length - 1 ? component.name : part)));
  return h('nav', { 'aria-label': t('Path') }, h('ol', { class: 'crumbs' }, h('li', {}, h('a', { href: '/station' }, t('Station'))), links));
}

/** A point's value, in large. @param {Component} component @returns {{element: HTMLElement|null, show: (out: any) => void}} */
function hero(component) {
  if (!component.values.out) return { element: null, show: () => {} };
  const value = h('span', { class: 'reading' });
  const show = (/** @type {any} */ out) => { value.textContent = outText({ ...component.values, out }); };
  show(component.values.out);
  return { element: value, show };
}

/** @param {Component} component @param {Context} context @param {Type|undefined} type @param {any} options @returns {any[]} */
function buttons(component, context, type, options) {
  const { session } = context;
  const actions = type ? actionsFor(type, session, component) : [];
  const start = (/** @type {any} */ a) => get(componentUrl(component.path)).then((now) => invoke(a, now)).catch(toastError);
  const add = () => addChild(component.path).then((path) => { if (path) options.go(pageUrl(path)); }, toastError);
  return [
    actions.slice(0, BUTTONS).map((a) => h('button', { type: 'button', title: a.doc, onclick: () => start(a) }, a.displayName)),
    session.permissions.configure && type?.container && h('button', { type: 'button', onclick: add }, icon('plus'), t('Add')),
    menuButton(icon('dots'), () => componentMenu(component, session, { ...options, actions, whole: component }), { label: t('More actions'), class: 'icon-only' }),
  ];
}

/**
 * @param {Context} context
 * @param {{go: (url: string, options?: any) => void, changed: () => void}} shell changed: the tree is to be read again
 * @returns {Promise<View>}
 */
export async function componentView(context, shell) {
  /** @type {[string, any][]} what happens between reading and showing is told afterwards */
  const missed = [];
  const end = listen((kind, event) => missed.push([kind, event]));
  return show(context, shell, missed).finally(end);
}

/** @param {Context} context @param {{go: (url: string, options?: any) => void, changed: () => void}} shell @param {[string, any][]} missed @returns {Promise<View>} */
async function show(context, shell, missed) {
  const path = context.rest.replace(/\/$/, '') || '/';
  const [types, { data, etag }] = await Promise.all([allTypes(), call('GET', `${componentUrl(path)}?children=${CHILDREN}`)]);
  /** @type {Component} */
  const component = data;
  const type = types.get(component.type);
  /** @type {Panel|null} */
  let panel = null;
  const watchShown = () => watch('page', [component.handle, ...(panel?.watched?.() || [])]);
  const options = { go: shell.go, changed: () => { shell.changed(); shell.go(location.pathname + location.search, { focus: false }); }, page: watchShown };
  const subject = { component, etag, type, types, context, options };
  const tabs = viewsOf(subject);
  const tab = tabs.find((x) => x.id === context.query.get('view')) || tabs[0];
  panel = tab ? await tab.open(subject) : null;
  const badge = h('span', {}, statusBadge(component.status));
  const reading = hero(component);
  fill(context.root, crumbs(path, component),
    h('div', { class: 'head' },
      h('div', { class: 'grow' }, h('h1', {}, icon(path === '/' ? 'home' : symbolOf(types, component.type)), component.displayName, reading.element, badge),
        h('div', { class: 'sub' }, h('span', { class: 'mono' }, component.type), type?.doc && ` — ${type.doc}`), tagChips(data.tags), categoryChips(data)),
      h('div', { class: 'buttons' }, buttons(component, context, type, options))),
    tabs.length > 1 && h('nav', { class: 'tabs', 'aria-label': t('Views') }, tabs.map((x) => h('a', { href: `${pageUrl(path)}?view=${x.id}`, 'aria-current': x === tab ? 'page' : null }, x.name(subject), x.number && h('span', { class: 'number' }, x.number(subject))))),
    panel?.element);
  watchShown();
  const reread = settled(inTurn(async () => {
    const fresh = await call('GET', `${componentUrl(path)}?children=${CHILDREN}`);
    panel?.follow?.(fresh.data, fresh.etag);
    fill(badge, statusBadge(fresh.data.status));
  }), 60);
  const grown = settled(() => shell.go(location.pathname + location.search, { focus: false }), 250);
  const tell = (/** @type {string} */ kind, /** @type {any} */ event) => {
    if (kind === 'value' && event.handle === component.handle) {
      if (event.slot === 'status') fill(badge, statusBadge(event.value));
      if (event.slot === 'out') { reading.show(event.value); fill(badge, statusBadge(event.value?.status || '{ok}')); }
    }
    if (kind === 'open' || kind === 'reset' || (kind === 'component' && event.handle === component.handle && event.what === 'changed')) reread();
    if (kind === 'component' && tab?.id === 'components' && ['added', 'removed', 'moved'].includes(event.what) && event.ord.startsWith(component.ord)) grown();
    panel?.live?.(kind, event);
  };
  for (const [kind, event] of missed) if (!isLine(kind, event)) tell(kind, event);
  const end = listen(tell);
  const leave = () => {
    end();
    reread.cancel();
    grown.cancel();
    panel?.leave?.();
  };
  return { title: component.displayName, component: path, dirty: () => Boolean(panel?.dirty?.()), leave };
}
