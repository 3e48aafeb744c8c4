// SPDX-License-Identifier: Apache-2.0
// Any component: head with status and actions, and its views as tabs: property sheet, what is below it, its links. A point
// shows its value in large; a mail account has its queue and transcript (account.js).
import { h, fill, icon, settled } from '../dom.js';
import { t } from '../i18n.js';
import { allTypes, call, componentUrl, get, pageUrl, typeIs } from '../api.js';
import { listen, watch } from '../store/events.js';
import { statusBadge, symbolOf } from '../el/badges.js';
import { ChildrenTable } from '../el/children-table.js';
import { actionsFor, addChild, componentMenu, invoke } from '../el/actions.js';
import { menuButton } from '../el/menu.js';
import { toastError } from '../el/toast.js';
import { outText } from '../el/values.js';
import '../el/property-sheet.js';
import { accountTabs } from './account.js';
import { linksPanel } from './links.js';
/** @typedef {import('../types.js').Component} Component */
/** @typedef {import('../types.js').Type} Type */
/** @typedef {import('../types.js').Context} Context */
/** @typedef {import('../types.js').View} View */
/**
 * @typedef {{element: HTMLElement, live?: (kind: string, data: any) => void, follow?: (component: Component, etag: string|null) => void,
 *   dirty?: () => boolean, leave?: () => void, watched?: () => string[]}} Panel a tab's inside
 * @typedef {{id: string, name: string, number?: number, make: () => (Panel|Promise<Panel>)}} Tab
 */

/** How many actions stand as buttons of their own; all are in the menu. */
const BUTTONS = 3;

/** @param {string} path @param {Component} component @returns {any} */
function crumbs(path, component) {
  const parts = path.split('/').filter(Boolean);
  const links = parts.map((part, i) => h('li', {}, h('a', { href: pageUrl(`/${parts.slice(0, i + 1).join('/')}`), 'aria-current': i === parts.length - 1 ? 'page' : null }, i === parts.length - 1 ? component.name : part)));
  return h('nav', { 'aria-label': t('Path') }, h('ol', { class: 'crumbs' }, h('li', {}, h('a', { href: '/station' }, t('Station'))), links));
}

/** @param {Component} component @param {string|null} etag @param {Context} context @returns {Promise<Panel>} */
async function sheetPanel(component, etag, context) {
  const sheet = /** @type {import('../el/property-sheet.js').PropertySheet} */ (document.createElement('property-sheet'));
  await sheet.show(component, etag, context.session.permissions);
  const frozen = new Map(component.children.map((c) => [c.handle, c.name]));
  return {
    element: h('section', { class: 'card' }, sheet),
    live: (kind, data) => {
      if (kind !== 'value') return;
      if (data.handle === component.handle) sheet.live(data.slot, data.value);
      const child = frozen.get(data.handle);
      if (child) sheet.liveChild(child, data.slot, data.value);
    },
    follow: (fresh, tag) => sheet.follow(fresh, tag),
    dirty: () => sheet.dirty(),
    watched: () => [...frozen.keys()].slice(0, 50),
  };
}

/** @param {Component} component @param {Map<string, Type>} types @param {Context} context @param {{go: (url: string) => void, changed: () => void, page: () => void}} options @returns {Promise<Panel>} */
async function childrenPanel(component, types, context, options) {
  const deep = await get(`${componentUrl(component.path)}?depth=1`);
  const table = new ChildrenTable(deep, types, context.session, options);
  return { element: table.element, live: (kind, data) => { if (kind === 'value') table.live(data); }, watched: () => table.shown };
}

/** The views that a component has. @param {Component} component @param {string|null} etag @param {Map<string, Type>} types @param {Context} context @param {any} options @returns {Tab[]} */
function tabsOf(component, etag, types, context, options) {
  const type = types.get(component.type);
  const slots = (type?.slots || []).some((s) => !s.flags.includes('hidden'));
  const point = typeIs(types, component.type, 'control:ControlPoint');
  /** @type {Tab[]} */
  const tabs = [];
  const sheet = { id: 'sheet', name: t('Properties'), make: () => sheetPanel(component, etag, context) };
  const own = component.children.filter((c) => !type?.slots.some((s) => s.kind === 'component' && s.name === c.name));
  const below = { id: 'components', name: point ? t('Extensions') : t('Components'), number: component.children.length, make: () => childrenPanel(component, types, context, options) };
  if (type?.container && !point) tabs.push(below, ...(slots ? [sheet] : []));
  else tabs.push(...(slots ? [sheet] : []), ...(own.length || type?.container ? [below] : []));
  if (component.type === 'email:OutgoingAccount') tabs.push(...accountTabs(component, context.session));
  if (component.path !== '/') tabs.push({ id: 'links', name: t('Links'), make: () => linksPanel(component, context.session, types) });
  return tabs;
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
  const actions = type ? actionsFor(type, session) : [];
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
  const path = context.rest.replace(/\/$/, '') || '/';
  const [types, { data, etag }] = await Promise.all([allTypes(), call('GET', componentUrl(path))]);
  /** @type {Component} */
  const component = data;
  const type = types.get(component.type);
  /** @type {Panel|null} */
  let panel = null;
  const watchShown = () => watch('page', [component.handle, ...(panel?.watched?.() || [])]);
  const options = { go: shell.go, changed: () => { shell.changed(); shell.go(location.pathname + location.search, { focus: false }); }, page: watchShown };
  const tabs = tabsOf(component, etag, types, context, options);
  const tab = tabs.find((x) => x.id === context.query.get('view')) || tabs[0];
  panel = tab ? await tab.make() : null;
  const badge = h('span', {}, statusBadge(component.status));
  const reading = hero(component);
  fill(context.root, crumbs(path, component),
    h('div', { class: 'head' },
      h('div', { class: 'grow' }, h('h1', {}, icon(path === '/' ? 'home' : symbolOf(types, component.type)), component.displayName, reading.element, badge),
        h('div', { class: 'sub' }, h('span', { class: 'mono' }, component.type), type?.doc && ` — ${type.doc}`)),
      h('div', { class: 'buttons' }, buttons(component, context, type, options))),
    tabs.length > 1 && h('nav', { class: 'tabs', 'aria-label': t('Views') }, tabs.map((x) => h('a', { href: `${pageUrl(path)}?view=${x.id}`, 'aria-current': x === tab ? 'page' : null }, x.name, x.number !== undefined && h('span', { class: 'number' }, x.number)))),
    panel?.element);
  watchShown();
  const reread = settled(async () => {
    const fresh = await call('GET', componentUrl(path));
    panel?.follow?.(fresh.data, fresh.etag);
    fill(badge, statusBadge(fresh.data.status));
  }, 60);
  const grown = settled(() => shell.go(location.pathname + location.search, { focus: false }), 250);
  const end = listen((kind, event) => {
    if (kind === 'value' && event.handle === component.handle) {
      if (event.slot === 'status') fill(badge, statusBadge(event.value));
      if (event.slot === 'out') { reading.show(event.value); fill(badge, statusBadge(event.value?.status || '{ok}')); }
    }
    if (kind === 'open' || kind === 'reset' || (kind === 'component' && event.handle === component.handle && event.what === 'changed')) reread();
    if (kind === 'component' && tab?.id === 'components' && ['added', 'removed'].includes(event.what) && event.ord.startsWith(component.ord)) grown();
    panel?.live?.(kind, event);
  });
  const leave = () => {
    end();
    reread.cancel();
    grown.cancel();
    panel?.leave?.();
  };
  return { title: component.displayName, component: path, dirty: () => Boolean(panel?.dirty?.()), leave };
}
