// SPDX-License-Identifier: Apache-2.0
// Any component: head with status and actions, property sheet, children. Mail accounts get their ledger and transcript
// below the sheet.
import { h, fill, ask, toast, labelled, confirmDialog } from '../dom.js';
import { call, get, post, remove, componentUrl, allTypes } from '../api.js';
import { listen, watch } from '../events.js';
import { editorFor, statusBadge } from '../el/fields.js';
import '../el/property-sheet.js';
import { accountPanels } from './account.js';

/** @param {string} path */
function crumbs(path) {
  const parts = path.split('/').filter(Boolean);
  return h('nav', { 'aria-label': 'Path' }, h('ol', { class: 'crumbs' }, h('li', {}, h('a', { href: '/station' }, 'Station')),
    parts.map((part, i) => h('li', {}, h('a', { href: `/station/${parts.slice(0, i + 1).join('/')}` }, part)))));
}

/** Invokes an action, asking for its argument. @param {any} action @param {string} path */
async function invoke(action, path) {
  let argument = null;
  if (action.arg) {
    const editor = editorFor(action.arg, await allTypes());
    editor.set(action.arg.default);
    const sent = await ask(action.displayName, () => [h('p', {}, action.doc), labelled(action.arg.displayName, editor.control === editor.element ? editor.control : editor.element, action.arg.doc)], {
      ok: action.displayName,
      submit: async () => (await post(`${componentUrl(path)}/actions/${action.name}`, editor.get())) || true,
    });
    if (sent === null) return;
    argument = sent;
  } else {
    if (action.flags.includes('confirmRequired') && !await confirmDialog(action.displayName, action.doc, action.displayName)) return;
    argument = await post(`${componentUrl(path)}/actions/${action.name}`);
  }
  const result = /** @type {any} */ (argument)?.result;
  toast(result === null || result === undefined ? `${action.displayName}: done.` : `${action.displayName}: ${typeof result === 'object' ? JSON.stringify(result) : result}`);
}

/** @param {string} path @param {(path: string) => void} go */
async function addChild(path, go) {
  const types = [...(await allTypes()).values()].filter((t) => !t.abstract && !t.singleton).sort((a, b) => a.name.localeCompare(b.name));
  const type = h('select', {}, types.map((t) => h('option', { value: t.name, title: t.doc }, t.name)));
  const name = h('input', { required: true, autocomplete: 'off' });
  const made = await ask('Add a component', () => [labelled('Type', type), labelled('Name', name, 'A letter, then letters, digits or _')], {
    ok: 'Add', submit: () => post(`${componentUrl(path)}/children`, { name: name.value, type: type.value }),
  });
  if (made) go(`/station${/** @type {any} */ (made).path}`);
}

/** @param {any} component @param {(path: string) => void} go */
async function removeComponent(component, go) {
  if (!await confirmDialog(`Remove ${component.displayName}?`, `${component.path} and everything below it will be removed.`, 'Remove')) return;
  try {
    await remove(componentUrl(component.path));
    go(`/station${component.path.replace(/\/[^/]*$/, '')}`);
  } catch (error) {
    toast(/** @type {Error} */ (error).message, true);
  }
}

/** @param {any} component */
function children(component) {
  return h('section', { class: 'card' }, h('header', {}, h('h2', {}, 'Components below')),
    h('div', { class: 'scroll' }, h('table', {}, h('thead', {}, h('tr', {}, ['Name', 'Type', 'Status'].map((t) => h('th', { scope: 'col' }, t)))),
      h('tbody', {}, component.children.map((c) => h('tr', { 'data-handle': c.handle },
        h('td', {}, h('a', { href: `/station${component.path === '/' ? '' : component.path}/${c.name}` }, c.displayName)), h('td', { class: 'mono' }, c.type), h('td', {}, statusBadge(c.status))))))));
}

/** @param {any} context @returns {Promise<() => void>} */
export async function componentView({ main, rest, session, go, tree }) {
  const path = rest || '/';
  const types = await allTypes();
  const { data, etag } = await call('GET', componentUrl(path));
  const type = types.get(data.type);
  const may = session.permissions.configure;
  tree.select(path);
  document.title = `${data.displayName} · Belfry`;
  const sheet = /** @type {any} */ (document.createElement('property-sheet'));
  await sheet.show(data, etag, may || session.permissions.operate);
  const badge = h('span', {}, statusBadge(data.status));
  const actions = type.actions.filter((a) => !a.flags.includes('hidden') && (may || a.flags.includes('operator')));
  const panels = data.type === 'email:OutgoingAccount' ? accountPanels(data, session) : null;
  fill(main, crumbs(path),
    h('div', { class: 'head' }, h('div', { class: 'grow' }, h('h1', {}, data.displayName), h('div', { class: 'sub' }, h('span', { class: 'mono' }, data.type), ' — ', type.doc)), badge,
      actions.map((a) => h('button', { type: 'button', title: a.doc, onclick: () => invoke(a, path).catch((e) => toast(e.message, true)) }, a.displayName)),
      may && type.container && h('button', { type: 'button', onclick: () => addChild(path, go) }, '+ Add'),
      may && !data.frozen && !type.singleton && path !== '/' && h('button', { type: 'button', class: 'danger', onclick: () => removeComponent(data, go) }, 'Remove')),
    (type.slots.length > 0) && h('section', { class: 'card' }, h('header', {}, h('h2', {}, 'Properties')), sheet),
    panels?.element, data.children.length > 0 && children(data));
  const ord = data.ord;
  watch([ord]);
  const end = listen(async (kind, event) => {
    if (kind === 'value' && event.handle === data.handle) sheet.live(event.slot, event.value);
    if (kind === 'value' && event.handle === data.handle && event.slot === 'status') fill(badge, statusBadge(event.value));
    if (kind === 'component' && event.handle === data.handle && event.what === 'status') fill(badge, statusBadge(event.status));
    if ((kind === 'reset' || (kind === 'component' && event.handle === data.handle && event.what === 'changed')) && !sheet.dirty()) {
      const fresh = await get(componentUrl(path)).catch(() => null);
      if (fresh) for (const [name, value] of Object.entries(fresh.values)) sheet.live(name, value);
      if (fresh) sheet.etag = `"${data.handle}-${fresh.revision}"`;
    }
    panels?.live(kind, event);
  });
  return () => { end(); watch([]); panels?.leave(); };
}
