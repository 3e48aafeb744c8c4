// SPDX-License-Identifier: Apache-2.0
// The property sheet of any component: one row a property, made from its type. Save sends what has changed, in one go;
// live values never touch a row that is being edited; a component that somebody else has changed asks what to do.
import { h, fill, icon, uid, banner } from '../dom.js';
import { t, plural } from '../i18n.js';
import { call, componentUrl, allTypes, Problem } from '../api.js';
import { spaced } from '../format.js';
import { ask, confirmDialog } from './dialog.js';
import { toast, toastError } from './toast.js';
import { editorFor } from './composites.js';
import { slotsOf } from './slots-of.js';
import { valueText, valueView } from './values.js';
/** @typedef {import('../types.js').Component} Component */
/** @typedef {import('../types.js').Finding} Finding */
/** @typedef {import('../types.js').Slot} Slot */
/** @typedef {import('./editors.js').Editor} Editor */
/**
 * @typedef {{slot: Slot, value: any, element: HTMLElement, notes: HTMLElement, view?: HTMLElement, editor?: Editor, original: string}} Row
 * view: of a row that is only read; editor and original (its first get() as JSON): of one that is edited
 */

/** At least so many numbered slots in a row (in1, in2 ...) are folded into a group. */
const GROUP_MIN = 4;

/** @param {Row} row @returns {boolean} */
const differs = (row) => row.editor !== undefined && JSON.stringify(row.editor.get()) !== row.original;

/** @param {string} name @returns {string} "in7" -> "in" */
const stem = (name) => name.match(/^(.*\D)\d+$/)?.[1] || '';

/** @param {Slot[]} slots @returns {Slot[][]} numbered neighbours together */
function grouped(slots) {
  /** @type {Slot[][]} */
  const groups = [];
  for (const slot of slots) {
    const last = groups[groups.length - 1];
    if (last && stem(slot.name) && stem(last[0].name) === stem(slot.name) && last[0].kind === slot.kind) last.push(slot);
    else groups.push([slot]);
  }
  return groups.flatMap((g) => (g.length >= GROUP_MIN ? [g] : g.map((slot) => [slot])));
}

export class PropertySheet extends HTMLElement {
  /** @type {Component} */ component = /** @type {any} */ (null);
  /** @type {string|null} */ etag = null;
  /** @type {Map<string, Row>} */ rows = new Map();
  /** @type {{operate: boolean, configure: boolean}} */ may = { operate: false, configure: false };
  saving = false;

  /** Shows a component. @param {Component} component @param {string|null} etag @param {{operate: boolean, configure: boolean}} may @returns {Promise<void>} */
  async show(component, etag, may) {
    this.types = await allTypes();
    this.component = component;
    this.etag = etag;
    this.may = may;
    this.rows.clear();
    const slots = slotsOf(this.types.get(component.type), component).filter((s) => !s.flags.includes('hidden'));
    this.drawn = JSON.stringify(component.slots || []);
    this.summary = h('div', { class: 'sheet-summary', role: 'alert' });
    this.message = h('span', { class: 'grow', role: 'status' });
    this.saveButton = h('button', { class: 'primary', type: 'submit', disabled: true, title: 'Ctrl+S' }, icon('save'), t('Save'));
    this.refreshButton = h('button', { type: 'button', onclick: () => this.refresh().catch(toastError) }, icon('refresh'), t('Refresh'));
    this.bar = h('div', { class: 'savebar' }, this.message, this.refreshButton, this.saveButton);
    this.bar.hidden = !slots.some((s) => this.editable(s));
    fill(this, h('form', {
      class: 'sheet', novalidate: true, oninput: () => this.mark(), onkeydown: (/** @type {KeyboardEvent} */ e) => this.keys(e),
      onsubmit: (/** @type {Event} */ e) => { e.preventDefault(); this.save(); },
    }, this.summary, grouped(slots).map((group) => (group.length > 1 ? this.group(group) : this.row(group[0]))), this.bar));
  }

  /** @param {Slot} slot @returns {boolean} */
  editable(slot) {
    return !slot.flags.includes('readonly') && (this.may.configure || (this.may.operate && slot.flags.includes('operator')));
  }

  /** @param {KeyboardEvent} event @returns {void} */
  keys(event) {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== 's') return;
    event.preventDefault();
    if (!this.saveButton.disabled) this.save();
  }

  /** Numbered slots, folded: sixteen inputs of which most are null. @param {Slot[]} slots @returns {HTMLElement} */
  group(slots) {
    const rows = slots.map((slot) => this.row(slot));
    const used = slots.filter((s) => this.component.values[s.name]?.status !== '{null}').map((s) => `${s.displayName}: ${valueText(s, this.component.values[s.name])}`);
    return h('details', { class: 'group' }, h('summary', {}, `${slots[0].displayName} – ${slots[slots.length - 1].displayName}`,
      h('span', { class: 'muted' }, used.length ? used.join(', ') : t('all null'))), rows);
  }

  /** @param {Slot} slot @returns {HTMLElement} */
  row(slot) {
    const value = this.component.values[slot.name];
    const id = uid('slot');
    const notes = h('div', { class: 'notes', id: `${id}-notes` });
    const linked = (this.component.linked || []).includes(slot.name) && h('span', { class: 'linked', title: t('A link leads here and will overwrite what is set.') }, icon('link'), t('linked'));
    const doc = h('div', { class: 'doc', id: `${id}-doc` }, slot.doc);
    if (!this.editable(slot)) {
      const view = h('div', {}, valueView(slot, value));
      const element = h('div', { class: 'row', 'data-slot': slot.name }, h('div', { class: 'label' }, slot.displayName), h('div', {}, view, notes), doc);
      this.rows.set(slot.name, { slot, value, view, element, notes, original: '' });
      return element;
    }
    const editor = editorFor(slot, /** @type {any} */ (this.types), this.component);
    const composite = ['list', 'struct', 'component'].includes(slot.kind);
    editor.control.id ||= id;
    (composite ? editor.element : editor.control).setAttribute('aria-describedby', `${id}-doc ${id}-notes`);
    editor.set(value);
    const label = composite ? h('div', { class: 'label' }, slot.displayName) : h('label', { class: 'label', for: editor.control.id }, slot.displayName);
    const element = h('div', { class: 'row', 'data-slot': slot.name }, label, h('div', {}, editor.element, linked, notes), doc);
    this.rows.set(slot.name, { slot, value, editor, element, notes, original: JSON.stringify(editor.get()) });
    return element;
  }

  /** Marks changed rows with their old value, and enables Save. @returns {void} */
  mark() {
    let changed = 0;
    for (const row of this.rows.values()) {
      if (!row.editor) continue;
      const now = differs(row);
      if (now) changed += 1;
      if (String(now) === row.element.dataset.changed) continue;
      row.element.dataset.changed = String(now);
      row.notes.querySelectorAll('.was').forEach((n) => n.remove());
      if (now) row.notes.prepend(h('div', { class: 'was' }, t('was: {value}', { value: valueText(row.slot, row.value) || t('empty') })));
    }
    this.saveButton.disabled = changed === 0 || this.saving;
    this.bar.dataset.dirty = String(changed > 0);
    this.message.textContent = changed ? plural(changed, '1 change is not saved', '{n} changes are not saved') : '';
  }

  /** @returns {boolean} */
  dirty() {
    return [...this.rows.values()].some(differs);
  }

  /** @returns {Record<string, any>} */
  changes() {
    return Object.fromEntries([...this.rows].filter(([, row]) => differs(row)).map(([name, row]) => [name, row.editor?.changes ? row.editor.changes() : row.editor?.get()]));
  }

  /** @returns {Promise<void>} */
  async save() {
    this.clearNotes();
    this.saving = true;
    this.mark();
    const sent = this.held();
    const error = await call('PATCH', componentUrl(this.component.path), { values: this.changes() }, this.etag ? { 'If-Match': this.etag } : {})
      .finally(() => { this.saving = false; }).then(({ data, etag }) => this.saved(data, etag, sent), (problem) => problem);
    this.mark();
    if (error instanceof Problem && error.status === 412) await this.conflict();
    else if (error) this.showErrors(error);
  }

  /** @param {any} data the component, with warnings @param {string|null} etag @param {Map<string, string>} sent @returns {void} */
  saved(data, etag, sent) {
    this.accept(data, etag, sent);
    this.showWarnings(data.warnings || []);
    toast(t('Saved on disk.'));
    if (document.activeElement === document.body) this.refreshButton.focus({ preventScroll: true });
    this.dispatchEvent(new CustomEvent('saved', { bubbles: true, detail: data }));
  }

  /** What each row holds now, as JSON. @returns {Map<string, string>} */
  held() {
    return new Map([...this.rows].map(([name, row]) => [name, JSON.stringify(row.editor?.get())]));
  }

  /** Shows what the station has now, and forgets edits, but not those made since it was asked. @param {Component} component @param {string|null} etag @param {Map<string, string>} asked what the rows held then @returns {void} */
  accept(component, etag, asked) {
    this.component = component;
    this.etag = etag;
    for (const [name, row] of this.rows) {
      if (!row.editor || JSON.stringify(row.editor.get()) === asked.get(name)) this.put(row, component.values[name]);
      else this.rebase(row, component.values[name]);
    }
    this.mark();
  }

  /** The station has another value; what the person writes stays. @param {Row} row @param {any} value @returns {void} */
  rebase(row, value) {
    const editor = editorFor(row.slot, /** @type {any} */ (this.types), this.component);
    editor.set(value);
    row.value = value;
    row.original = JSON.stringify(editor.get());
    delete row.element.dataset.changed; // what it was is told anew
  }

  /** @param {Row} row @param {any} value @returns {void} */
  put(row, value) {
    row.value = value;
    if (row.view) fill(row.view, valueView(row.slot, value));
    if (!row.editor) return;
    row.editor.set(value);
    row.original = JSON.stringify(row.editor.get());
    row.notes.querySelectorAll('.now').forEach((n) => n.remove());
  }

  /** One property of a conflict: what it was, theirs, mine, and which shall stand. @param {string} name @param {any} mine @param {any} theirs @returns {HTMLElement} */
  conflictRow(name, mine, theirs) {
    const row = /** @type {Row} */ (this.rows.get(name));
    const text = (/** @type {any} */ value) => (row.slot.kind === 'secret' ? t('hidden') : valueText(row.slot, value) || t('empty'));
    const group = uid('choice');
    const choice = (/** @type {string} */ which, /** @type {string} */ content, /** @type {boolean} */ checked) => h('td', {}, h('label', {}, h('input', { type: 'radio', name: group, value: which, checked, 'data-slot': name }), ' ', content));
    const own = row.slot.kind === 'secret' ? t('a new one') : typeof mine === 'object' ? text(row.editor?.get()) : String(mine);
    return h('tr', { class: JSON.stringify(theirs) !== JSON.stringify(row.value) && 'differs' }, h('th', { scope: 'row' }, row.slot.displayName), h('td', { class: 'muted' }, text(row.value)), choice('theirs', text(theirs), false), choice('mine', own, true));
  }

  /** Somebody else has saved meanwhile: for each property theirs, or mine? What only they have changed is taken. @returns {Promise<void>} */
  async conflict() {
    const { data, etag } = await call('GET', componentUrl(this.component.path));
    const mine = this.changes();
    const table = h('table', { class: 'compare' }, h('thead', {}, h('tr', {}, [t('Property'), t('When you opened it'), t('Theirs'), t('Mine')].map((text) => h('th', { scope: 'col' }, text)))),
      h('tbody', {}, Object.keys(mine).map((name) => this.conflictRow(name, mine[name], data.values[name]))));
    const chosen = () => [...table.querySelectorAll('input:checked')].filter((radio) => radio.value === 'theirs').map((radio) => radio.dataset.slot);
    const choice = await ask({
      title: t('Somebody else has changed this component'), wide: true,
      body: [h('p', {}, t('It was saved by someone else after you opened it. What shall stand?')), table],
      buttons: (close) => [h('button', { type: 'button', onclick: () => close(null) }, t('Go on editing')), h('button', { type: 'button', onclick: () => close(Object.keys(mine)) }, t('Take theirs')),
        h('button', { type: 'button', onclick: () => close([]) }, t('Keep mine')), h('button', { type: 'button', class: 'primary', onclick: () => close(chosen()) }, t('Save as chosen'))],
    });
    if (!choice) return;
    for (const [name, row] of this.rows) if (!(name in mine) || choice.includes(name)) this.put(row, data.values[name]);
    this.component = data;
    this.etag = etag;
    this.mark();
    if (this.dirty()) await this.save();
  }

  /** @returns {void} */
  clearNotes() {
    fill(this.summary);
    for (const row of this.rows.values()) {
      delete row.element.dataset.invalid;
      row.notes.querySelectorAll('.error, .warning').forEach((n) => n.remove());
      row.element.querySelectorAll('[aria-invalid]').forEach((n) => n.removeAttribute('aria-invalid'));
    }
  }

  /** What a JSON pointer of the request leads to. @param {string} pointer @returns {{row: Row, inside: string[]}|null} */
  place(pointer) {
    const [, first, name, ...inside] = pointer.split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    const row = first === 'values' ? this.rows.get(name) : undefined;
    return row ? { row, inside: inside.filter((part) => part !== 'values') } : null;
  }

  /** @param {Finding} finding @param {'error'|'warning'} kind @returns {HTMLElement|null} the control it is about */
  note({ pointer, detail }, kind) {
    const place = this.place(pointer);
    if (!place) return null;
    const { row, inside } = place;
    const where = inside.map((part) => (/^\d+$/.test(part) ? String(Number(part) + 1) : spaced(part))).join(' ');
    row.notes.append(h('div', { class: kind }, where ? `${where}: ${detail}` : detail));
    row.element.closest('details')?.setAttribute('open', '');
    if (kind === 'warning') return null;
    row.element.dataset.invalid = 'true';
    const control = row.editor?.find?.(inside) || row.editor?.control || null;
    control?.setAttribute('aria-invalid', 'true');
    return control;
  }

  /** @param {Problem} problem @returns {void} */
  showErrors(problem) {
    const lost = (problem.errors || []).filter((e) => !this.place(e.pointer)).map((e) => h('div', {}, e.detail));
    const count = problem.errors?.length || 0;
    fill(this.summary, banner('bad', h('strong', {}, t('Nothing was saved. ')), count > 1 ? t('{n} things are wrong; each stands at its row.', { n: count }) : count ? t('See the row that is marked.') : problem.message, lost));
    const controls = (problem.errors || []).map((e) => this.note(e, 'error')).filter(Boolean);
    if (controls.length) controls[0]?.focus(); else this.summary.scrollIntoView({ block: 'nearest' });
  }

  /** @param {Finding[]} warnings @returns {void} */
  showWarnings(warnings) {
    if (warnings.length) fill(this.summary, banner('warn', plural(warnings.length, 'Saved. One thing is unwise; it stands at its row.', 'Saved. {n} things are unwise; each stands at its row.')));
    for (const warning of warnings) this.note(warning, 'warning');
  }

  /** Reads the component again. @returns {Promise<void>} */
  async refresh() {
    if (this.dirty() && !await confirmDialog(t('Discard your changes?'), t('What you have typed will be replaced by what the station has.'), t('Discard'))) return;
    const asked = this.held();
    const { data, etag } = await call('GET', componentUrl(this.component.path));
    this.clearNotes();
    this.accept(data, etag, asked);
    this.dispatchEvent(new CustomEvent('saved', { bubbles: true, detail: data }));
  }

  /** The component has changed on the station: what is not being edited follows. @param {Component} component @param {string|null} etag @returns {void} */
  follow(component, etag) {
    const dirty = this.dirty();
    if (!dirty && JSON.stringify(component.slots || []) !== this.drawn) { // others than were drawn
      this.show(component, etag, this.may);
      return;
    }
    if (!dirty) this.etag = etag; // else the old one, so that Save finds out
    for (const [name, value] of Object.entries(component.values)) this.live(name, value);
  }

  /** A live value came in. A row that is being edited keeps what the person writes, and tells. @param {string} name @param {any} value @returns {void} */
  live(name, value) {
    const row = this.rows.get(name);
    if (!row) return;
    if (this.component) this.component.values[name] = value;
    if (row.view) {
      row.value = value;
      fill(row.view, valueView(row.slot, value));
    } else if (!differs(row) && !(row.element.contains(document.activeElement) && /** @type {HTMLElement} */ (document.activeElement).matches('input, select, textarea'))) {
      if (JSON.stringify(value) !== JSON.stringify(row.value)) this.put(row, value);
    } else if (differs(row) && JSON.stringify(value) !== JSON.stringify(row.value) && row.slot.kind !== 'secret') {
      row.notes.querySelectorAll('.now').forEach((n) => n.remove());
      row.notes.append(h('div', { class: 'warning now' }, t('Now on the station: {value}', { value: valueText(row.slot, value) })));
    }
  }

  /** A live value of a child that is opened in place. @param {string} child @param {string} name @param {any} value @returns {void} */
  liveChild(child, name, value) {
    this.rows.get(child)?.editor?.live?.(name, value);
  }
}
customElements.define('property-sheet', PropertySheet);
