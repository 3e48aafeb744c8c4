// SPDX-License-Identifier: Apache-2.0
// The slots and actions of a component: those of its type, as the component has them (flags, facets and names of its own),
// and behind them the properties that it alone has.
/** @typedef {import('../types.js').Action} Action */
/** @typedef {import('../types.js').Component} Component */
/** @typedef {import('../types.js').Slot} Slot */
/** @typedef {import('../types.js').Type} Type */

/** @template {{name: string, facets?: any}} S @param {S} slot @param {Map<string, any>} own @returns {S} */
function dressed(slot, own) {
  const row = own.get(slot.name);
  return row ? { ...slot, ...row, facets: { ...slot.facets, ...row.facets } } : slot;
}

/** @param {{slots?: any[]}} component @returns {Map<string, any>} */
const ownRows = (component) => new Map((component.slots || []).map((row) => [row.name, row]));

/** @param {Type|undefined} type @param {{slots?: any[]}} component @returns {Slot[]} */
export function slotsOf(type, component) {
  const own = ownRows(component);
  return [...(type?.slots || []).map((slot) => dressed(slot, own)), ...[...own.values()].filter((row) => row.dynamic)];
}

/** @param {Type|undefined} type @param {{slots?: any[]}|undefined} component @returns {Action[]} */
export function actionsOf(type, component) {
  const own = ownRows(component || {});
  return (type?.actions || []).map((action) => dressed(action, own));
}
