// SPDX-License-Identifier: Apache-2.0
// The values that a schedule can have: how they read, which colour they wear beside their text, and how one is chosen.
import { h } from '../dom.js';
import { t } from '../i18n.js';
import { numberText } from '../format.js';
/** @typedef {import('../types.js').Component} Component */
/** @typedef {'boolean'|'numeric'|'enum'|'string'} Kind */

const TONES = ['a', 'b', 'c', 'd', 'e', 'f'];

/** What the values of one schedule are like. */
export class Values {
  /** @param {Component} component */
  constructor(component) {
    const name = component.type.replace(/^.*:/, '').replace('Schedule', '').toLowerCase();
    this.kind = /** @type {Kind} */ (name === 'calendar' ? 'boolean' : name);
    this.facets = component.values.facets || {};
    /** @type {string[]} tags, or texts seen so far: their place decides the tone */
    this.seen = this.kind === 'enum' ? (this.facets.range || []).map((/** @type {{tag: string}} */ x) => x.tag) : [];
  }

  /** @param {any} v {value, status} @returns {string} */
  text(v) {
    if (v.status === '{null}') return t('no command');
    if (this.kind === 'boolean') return v.value ? this.facets.trueText || 'true' : this.facets.falseText || 'false';
    if (this.kind === 'numeric') return `${numberText(v.value, { precision: this.facets.precision })}${this.facets.units ? ` ${this.facets.units}` : ''}`;
    return String(v.value);
  }

  /** @param {any} v @returns {string} */
  tone(v) {
    if (v.status === '{null}') return 'none';
    if (this.kind === 'boolean') return v.value ? 'a' : 'off';
    const name = String(v.value);
    if (!this.seen.includes(name)) this.seen.push(name);
    return TONES[this.seen.indexOf(name) % TONES.length];
  }

  /** What to begin with. @returns {any} */
  first() {
    const value = { boolean: true, numeric: 20, enum: this.seen[0] ?? '', string: '' }[this.kind];
    return { value, status: '{ok}' };
  }

  /** The value as REST takes it. @param {any} v @returns {any} */
  sent(v) {
    return v.status === '{null}' ? null : v.value;
  }

  /**
   * Something to choose a value with.
   * @param {any} value the first choice @param {() => void} changed
   * @returns {{element: HTMLElement, control: any, get: () => any, set: (v: any) => void}}
   */
  chooser(value, changed) {
    const none = h('option', { value: 'null' }, t('no command'));
    const { kind } = this;
    if (kind === 'boolean' || kind === 'enum') {
      const options = kind === 'enum' ? this.seen.map((tag) => h('option', { value: `=${tag}` }, tag))
        : [true, false].map((b) => h('option', { value: `=${b}` }, this.text({ value: b, status: '{ok}' })));
      const control = h('select', { onchange: changed }, options, none);
      const get = () => (control.value === 'null' ? { value: this.first().value, status: '{null}' } : { value: kind === 'enum' ? control.value.slice(1) : control.value === '=true', status: '{ok}' });
      const set = (/** @type {any} */ v) => { control.value = v.status === '{null}' ? 'null' : `=${v.value}`; };
      set(value);
      return { element: control, control, get, set };
    }
    const control = h('input', { type: 'text', autocomplete: 'off', inputmode: kind === 'numeric' ? 'decimal' : null, placeholder: kind === 'numeric' ? t('no command') : null, onchange: changed });
    const get = () => {
      const raw = control.value.trim();
      if (kind === 'string') return { value: control.value, status: '{ok}' };
      if (raw === '') return { value: 0, status: '{null}' };
      const number = Number(raw.replace(',', '.'));
      return { value: Number.isNaN(number) ? raw : number, status: '{ok}' };
    };
    const set = (/** @type {any} */ v) => { control.value = v.status === '{null}' ? '' : kind === 'numeric' && typeof v.value === 'number' ? numberText(v.value) : String(v.value); };
    set(value);
    const unit = kind === 'numeric' && this.facets.units;
    return { element: unit ? h('div', { class: 'with-unit' }, control, h('span', { class: 'hint' }, unit)) : control, control, get, set };
  }
}
