// SPDX-License-Identifier: Apache-2.0
// The view "Components": a table of what is below a component.
import { ChildrenTable } from '../el/children-table.js';
/** @typedef {import('./table.js').Subject} Subject */
/** @typedef {import('./table.js').Panel} Panel */

/** @param {Subject} subject @returns {Promise<Panel>} */
export async function childrenPanel({ component, types, context, options }) {
  const table = new ChildrenTable(component, types, context.session, options);
  await table.load();
  return { element: table.element, live: (kind, data) => { if (kind === 'value') table.live(data); }, watched: () => table.shown, leave: () => table.leave() };
}
