// SPDX-License-Identifier: Apache-2.0
// The members of a struct that a component has of its own: a list of names, kinds, and what the kind wants (a unit, a range).
// What else a member has (members of its own, limits, a doc) stays as it is.
import { h, icon } from '../dom.js';
import { t } from '../i18n.js';
/** @typedef {import('../types.js').Slot} Slot */

const KINDS = ['real', 'integer', 'boolean', 'string', 'enum', 'abstime', 'reltime', 'ord'];

/** The facet that a member's third field writes. @param {string} kind @returns {'units'|'range'|''} */
const facetOf = (kind) => (kind === 'enum' ? 'range' : ['real', 'integer'].includes(kind) ? 'units' : '');

/** @param {Slot} member @returns {string} */
const facetText = (member) => (facetOf(member.kind) === 'range' ? (member.facets.range || []).map((tag) => tag.name).join(', ') : member.facets.units || '');

/** A definition as REST takes one: what GET /types says beyond that is left out. @param {Slot} slot @returns {any} */
function definition({ name, kind, element, members, facets, doc }) {
  return { name, kind, ...(element ? { element } : {}), ...(members ? { members: members.map(definition) } : {}), ...(Object.keys(facets || {}).length ? { facets } : {}), ...(doc ? { doc } : {}) };
}

/** @param {Slot} member @param {string} text @returns {any} its facets, with the one that was written */
function facetsWith(member, text) {
  const facet = facetOf(member.kind);
  if (!facet) return member.facets;
  const value = facet === 'range' ? text.split(',').map((part) => part.trim()).filter(Boolean) : text.trim();
  const { [facet]: _, ...rest } = /** @type {any} */ (member.facets);
  return value.length ? { ...rest, [facet]: value } : rest;
}

export class SlotMembers {
  /** @param {Slot[]} members */
  constructor(members) {
    this.body = h('div', { class: 'items' });
    const add = h('button', { type: 'button', class: 'small', onclick: () => { this.add({ name: '', displayName: '', kind: 'real', flags: [], facets: {}, doc: '' }).querySelector('input').focus(); } }, icon('plus'), t('Add a member'));
    this.element = h('fieldset', {}, h('legend', {}, t('Members')), h('div', { class: 'list-editor' }, this.body, add));
    members.forEach((member) => this.add(member));
    this.original = JSON.stringify(this.get());
  }

  /** @param {Slot} member @returns {any} its row */
  add(member) {
    const kinds = KINDS.includes(member.kind) ? KINDS : [member.kind, ...KINDS];
    const name = h('input', { value: member.name, 'aria-label': t('Name of the member'), placeholder: t('name'), autocomplete: 'off', spellcheck: 'false' });
    const kind = h('select', { 'aria-label': t('Kind of the member'), onchange: () => show() }, kinds.map((k) => h('option', { value: k, selected: k === member.kind }, k)));
    const facet = h('input', { value: facetText(member), autocomplete: 'off' });
    const show = () => {
      facet.hidden = !facetOf(kind.value);
      facet.placeholder = kind.value === 'enum' ? t('names, with commas') : t('unit');
      facet.setAttribute('aria-label', kind.value === 'enum' ? t('Range of the member') : t('Unit of the member'));
    };
    show();
    const row = h('div', { class: 'item' }, h('div', { class: 'parts' }, name, kind, facet), h('button', { type: 'button', class: 'plain icon-only', 'aria-label': t('Remove this member'), onclick: () => row.remove() }, icon('cross')));
    row.read = () => {
      const same = kind.value === member.kind;
      const now = { ...(same ? member : { facets: {}, doc: member.doc }), name: name.value.trim(), kind: kind.value };
      return definition(/** @type {any} */ ({ ...now, facets: same && facet.value === facetText(member) ? member.facets : facetsWith(/** @type {any} */ (now), facet.value) }));
    };
    this.body.append(row);
    return row;
  }

  /** @returns {any[]} definitions */
  get() { return [...this.body.children].map((row) => /** @type {any} */ (row).read()); }

  /** @returns {boolean} */
  changed() { return JSON.stringify(this.get()) !== this.original; }
}
