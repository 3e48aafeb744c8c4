// SPDX-License-Identifier: Apache-2.0
// The property sheet of any component: one row a property, made from its type. Save sends what has changed, in one go;
// live values never touch a row that is being edited; a component that somebody else has changed asks what to do.
import { h, fill, toast, ask, uid } from '../dom.js';
import { call, componentUrl, allTypes, Problem } from '../api.js';
import { editorFor, valueText, statusBadge } from './fields.js';

export class PropertySheet extends HTMLElement {
  /** @type {any} */ component = null;
  /** @type {string|null} */ etag = null;
  /** @type {Map<string, any>} */ rows = new Map();
  /** @type {Map<string, any>} */ types = new Map();

  /** Shows a component. @param {any} component @param {string|null} etag @param {boolean} editable */
  async show(component, etag, editable) {
    this.types = await allTypes();
    this.component = component;
    this.etag = etag;
    const slots = (this.types.get(component.type)?.slots || []).filter((s) => !s.flags.includes('hidden'));
    this.rows.clear();
    this.summary = h('div', { role: 'alert' });
    this.message = h('span', { class: 'grow', role: 'status' });
    this.saveButton = h('button', { class: 'primary', type: 'submit', disabled: true }, 'Save');
    this.refreshButton = h('button', { type: 'button', onclick: () => this.refresh() }, 'Refresh');
    const any = slots.some((s) => this.editable(s, editable));
    const form = h('form', { class: 'sheet', novalidate: true, onsubmit: (e) => { e.preventDefault(); this.save(); }, oninput: () => this.mark(), onkeydown: (e) => this.keys(e) },
      this.summary, slots.map((slot) => this.row(slot, component.values[slot.name], this.editable(slot, editable))),
      slots.length === 0 && h('p', { class: 'empty' }, 'This component has no properties.'),
      any && h('div', { class: 'actions-bar' }, this.message, this.refreshButton, this.saveButton));
    fill(this, form);
  }

  /** @param {any} slot @param {boolean} may */
  editable(slot, may) {
    return may && !slot.flags.includes('readonly');
  }

  /** @param {KeyboardEvent} event */
  keys(event) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 's') {
      event.preventDefault();
      if (!this.saveButton.disabled) this.save();
    }
  }

  /** @param {any} slot @param {any} value @param {boolean} editable */
  row(slot, value, editable) {
    const id = uid('slot');
    const note = h('div', { class: 'notes', id: `${id}-note` });
    const doc = h('div', { class: 'doc', id: `${id}-doc` }, slot.doc);
    if (!editable) {
      const output = slot.kind === 'status' ? h('div', {}, statusBadge(value)) : h('output', { class: 'value', id }, valueText(slot, value));
      this.rows.set(slot.name, { slot, value, output, note });
      return h('div', { class: 'row', 'data-slot': slot.name }, h('div', { class: 'label' }, slot.displayName), output, doc);
    }
    const editor = editorFor(slot, this.types);
    editor.control.id = id;
    editor.control.setAttribute('aria-describedby', `${id}-doc ${id}-note`);
    editor.set(value);
    const element = h('div', { class: 'row', 'data-slot': slot.name }, h('label', { class: 'label', for: id }, slot.displayName), h('div', {}, editor.element, note), doc);
    this.rows.set(slot.name, { slot, value, editor, element, note, original: JSON.stringify(editor.get()) });
    return element;
  }

  /** Marks changed rows with their old value, and enables Save. */
  mark() {
    let changed = 0;
    for (const row of this.rows.values()) {
      if (!row.editor) continue;
      const differs = JSON.stringify(row.editor.get()) !== row.original;
      row.element.dataset.changed = String(differs);
      if (differs) {
        changed += 1;
        if (!row.note.querySelector('.was')) row.note.append(h('div', { class: 'was' }, `was: ${valueText(row.slot, row.value)}`));
      } else {
        fill(row.note);
      }
    }
    this.saveButton.disabled = changed === 0;
    this.message.textContent = changed ? `${changed} ${changed === 1 ? 'property has' : 'properties have'} changed and not been saved.` : '';
  }

  dirty() {
    return [...this.rows.values()].some((row) => row.editor && JSON.stringify(row.editor.get()) !== row.original);
  }

  changes() {
    const values = {};
    for (const [name, row] of this.rows) if (row.editor && JSON.stringify(row.editor.get()) !== row.original) values[name] = row.editor.get();
    return values;
  }

  /** @param {boolean} [force] over what somebody else has saved */
  async save(force = false) {
    const values = this.changes();
    this.clearNotes();
    this.saveButton.disabled = true;
    try {
      const answer = await call('PATCH', componentUrl(this.component.path), { values }, this.etag && !force ? { 'If-Match': this.etag } : {});
      await this.show(answer.data, answer.etag, true);
      this.showWarnings(answer.data.warnings || []);
      toast('Saved on disk.');
      this.dispatchEvent(new CustomEvent('saved', { bubbles: true, detail: answer.data }));
    } catch (error) {
      this.saveButton.disabled = false;
      if (error instanceof Problem && error.status === 412) await this.conflict(values);
      else this.showErrors(/** @type {Problem} */ (error));
    }
  }

  /** Somebody else has saved meanwhile: theirs, or mine? @param {any} mine */
  async conflict(mine) {
    const { data, etag } = await call('GET', componentUrl(this.component.path));
    const rows = Object.keys(mine).map((name) => {
      const { slot } = this.rows.get(name);
      return h('tr', {}, h('td', {}, slot.displayName), h('td', {}, valueText(slot, data.values[name])), h('td', {}, typeof mine[name] === 'object' ? JSON.stringify(mine[name]) : String(mine[name])));
    });
    const choice = await ask('Somebody else has changed this component', (close) => [
      h('p', {}, 'It was saved by someone else after you opened it. What shall stand?'),
      h('table', {}, h('thead', {}, h('tr', {}, ['Property', 'Theirs', 'Mine'].map((t) => h('th', { scope: 'col' }, t)))), h('tbody', {}, rows)),
      h('div', { class: 'with-unit' }, h('button', { type: 'button', onclick: () => close('theirs') }, 'Take theirs'), h('button', { type: 'button', class: 'primary', onclick: () => close('mine') }, 'Keep mine')),
    ]);
    if (choice === 'theirs') await this.show(data, etag, true);
    if (choice === 'mine') await this.save(true);
  }

  clearNotes() {
    fill(this.summary);
    for (const row of this.rows.values()) {
      row.note.querySelectorAll('.error, .warning').forEach((n) => n.remove());
      row.editor?.control.removeAttribute('aria-invalid');
    }
  }

  /** The row that a JSON pointer of a request leads to. @param {string} pointer */
  rowOf(pointer) {
    const [, first, name] = pointer.split('/');
    return first === 'values' ? this.rows.get(name) : undefined;
  }

  /** @param {Problem} problem */
  showErrors(problem) {
    fill(this.summary, h('div', { class: 'banner bad' }, 'Nothing was saved. ', problem.errors?.length > 1 ? `${problem.errors.length} things are wrong.` : problem.message));
    let first = true;
    for (const { pointer, detail } of problem.errors || []) {
      const row = this.rowOf(pointer);
      if (!row) continue;
      row.note.append(h('div', { class: 'error' }, detail));
      row.editor?.control.setAttribute('aria-invalid', 'true');
      if (first) row.editor?.control.focus();
      first = false;
    }
  }

  /** @param {{pointer: string, detail: string}[]} warnings */
  showWarnings(warnings) {
    if (warnings.length) fill(this.summary, h('div', { class: 'banner warn' }, 'Saved, but look at this: ', warnings.map((w) => h('div', {}, w.detail))));
    for (const { pointer, detail } of warnings) this.rowOf(pointer)?.note.append(h('div', { class: 'warning' }, detail));
  }

  async refresh() {
    const { data, etag } = await call('GET', componentUrl(this.component.path));
    await this.show(data, etag, true);
    this.dispatchEvent(new CustomEvent('saved', { bubbles: true, detail: data }));
  }

  /** A live value came in. A row that is being edited keeps what the person writes. @param {string} name @param {any} value */
  live(name, value) {
    const row = this.rows.get(name);
    if (!row) return;
    if (!row.editor) {
      row.value = value;
      if (row.slot.kind === 'status') fill(row.output, statusBadge(value));
      else row.output.textContent = valueText(row.slot, value);
    } else if (JSON.stringify(row.editor.get()) === row.original && !row.element.contains(document.activeElement)) {
      row.value = value;
      row.editor.set(value);
      row.original = JSON.stringify(row.editor.get());
    }
  }
}
customElements.define('property-sheet', PropertySheet);
