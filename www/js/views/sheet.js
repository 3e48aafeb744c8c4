// SPDX-License-Identifier: Apache-2.0
// The view "Properties": the property sheet of a component and those of what stands below it, fed with what happens live.
import { h } from '../dom.js';
import { nestedSheets } from '../el/nested-sheets.js';
import '../el/property-sheet.js';
/** @typedef {import('./table.js').Subject} Subject */
/** @typedef {import('./table.js').Panel} Panel */

/** @param {Subject} subject @returns {Promise<Panel>} */
export async function sheetPanel({ component, etag, types, context }) {
  const sheet = /** @type {import('../el/property-sheet.js').PropertySheet} */ (document.createElement('property-sheet'));
  await sheet.show(component, etag, context.session.permissions);
  const frozen = new Map(component.children.map((c) => [c.handle, c.name]));
  const nested = await nestedSheets(component, types, context.session.permissions);
  return {
    element: h('div', {}, h('section', { class: 'card' }, sheet), nested.element),
    live: (kind, data) => {
      nested.live(kind, data);
      if (kind !== 'value') return;
      if (data.handle === component.handle) sheet.live(data.slot, data.value);
      const child = frozen.get(data.handle);
      if (child) sheet.liveChild(child, data.slot, data.value);
    },
    follow: (fresh, tag) => sheet.follow(fresh, tag),
    dirty: () => sheet.dirty() || nested.dirty(),
    watched: () => [...new Set([...nested.handles, ...frozen.keys()])].slice(0, 80),
  };
}
