// SPDX-License-Identifier: Apache-2.0
// What a person can do on a wire sheet, however it was asked for: select, link, move, add, remove, copy, undo. Every change
// goes to the station as one batch; the sheet is drawn anew from what the station then has.
import { h, inTurn, labelled, settled } from '../dom.js';
import { plural, t } from '../i18n.js';
import { allTypes, call, componentUrl, get, pageUrl, post, remove } from '../api.js';
import { ask, confirmDialog } from '../el/dialog.js';
import { addChild } from '../el/actions.js';
import { keep, kept, paste } from '../el/clipboard.js';
import { editorFor } from '../el/composites.js';
import { toast, toastError } from '../el/toast.js';
import { arrange, GRID } from './geometry.js';
import { keyOf } from './drawing.js';
import { linkLabel, modelOf, nameOf, pairsOf, textOf } from './model.js';
/** @typedef {import('./model.js').Box} Box */
/** @typedef {import('./model.js').Link} Link */
/** @typedef {import('./drawing.js').Drawing} Drawing */
/** @typedef {{handle: string, slot: string}} End */
/** @typedef {{handle: string, slot: string, legal: boolean, reason?: string}} Verdict */

/**
 * @param {Drawing} drawing @param {import('../views/table.js').Subject} subject @param {(text: string) => void} say to screen readers
 * @param {() => void} selected the selection has changed
 */
export function commandsOf(drawing, subject, say, selected) {
  const { component, types, context, options } = subject;
  const url = componentUrl(component.path);
  const may = context.session.permissions.configure;
  /** @type {{selected: Set<string>, line: string, armed: {handle: string, slot: string, forward: boolean}|null, ends: Map<string, Verdict>, open: Set<string>, current: string}} */
  const now = { selected: new Set(), line: '', armed: null, ends: new Map(), open: new Set(), current: '' };
  /** Places by keyboard that are not on disk yet. @type {Map<string, import('./geometry.js').Point>} */
  const nudged = new Map();
  const { viewport } = drawing;
  const boxOf = (/** @type {string} */ handle) => drawing.now.model.boxes.get(handle);
  const rowOf = (/** @type {End} */ end) => boxOf(end.handle)?.rows.find((r) => r.name === end.slot);
  const ordOf = (/** @type {string} */ handle) => `station:|h:${handle}`;

  /** The one thing that Tab comes to. @param {Element|null|undefined} element @param {boolean} [focus] */
  const current = (element, focus = true) => {
    if (!element) return;
    viewport.querySelector('[tabindex="0"]')?.setAttribute('tabindex', '-1');
    element.setAttribute('tabindex', '0');
    now.current = /** @type {any} */ (element).dataset.key || '';
    if (focus) /** @type {any} */ (element).focus({ preventScroll: true });
  };

  const paint = () => {
    for (const [handle, element] of drawing.now.elements) element.classList.toggle('selected', now.selected.has(handle));
    for (const [key, element] of drawing.now.paths) {
      const link = drawing.now.model.links.find((l) => keyOf(l) === key);
      element.classList.toggle('selected', key === now.line);
      const near = Boolean(link && (now.selected.has(link.sourceHandle) || now.selected.has(link.targetHandle)));
      element.classList.toggle('near', near);
      drawing.now.texts.get(key)?.classList.toggle('near', near);
    }
    selected();
  };

  const load = inTurn(async () => {
    const answer = await get(`${url}/wiresheet`);
    if (viewport.dataset.busy) return again();
    const had = viewport.contains(document.activeElement);
    const model = modelOf(answer, types, now.open);
    for (const [handle, at] of nudged) { const box = model.boxes.get(handle); if (box) Object.assign(box, { at, placed: true }); }
    drawing.draw(model);
    now.selected = new Set([...now.selected].filter((handle) => boxOf(handle)));
    const keyed = /** @type {HTMLElement[]} */ ([...viewport.querySelectorAll('[data-key]')]);
    current(keyed.find((e) => e.dataset.key === now.current) || keyed.find((e) => e.matches('.wire-box')), had);
    if (now.armed) mark();
    paint();
    options.page();
    return undefined;
  });
  const again = settled(load, 150);

  /** One batch, and the sheet as it is then. @param {any[]} operations @param {string} [done] what to say @returns {Promise<any>} */
  const batch = async (operations, done) => {
    if (!operations.length || !may) return null;
    const answer = await post('/batch', operations).catch(toastError);
    await load();
    if (answer && done) toast(done);
    return answer;
  };
  const place = (/** @type {Box} */ box) => ({ op: 'patch', path: ordOf(box.component.handle), values: { wsAnnotation: `${box.at.x},${box.at.y}` } });

  const mark = () => {
    for (const element of viewport.querySelectorAll('.wire-row')) {
      const handle = element.closest('.wire-box')?.dataset.handle;
      const verdict = now.ends.get(`${handle}.${element.dataset.slot}`);
      element.classList.toggle('legal', Boolean(verdict?.legal));
      element.classList.toggle('illegal', Boolean(verdict && !verdict.legal));
    }
    viewport.classList.toggle('linking', Boolean(now.armed));
  };

  const fetchEnds = async (/** @type {End} */ end, /** @type {boolean} */ forward) => {
    const { items } = await get(`${url}/wiresheet/ends?${forward ? 'source' : 'target'}=${encodeURIComponent(ordOf(end.handle))}&slot=${encodeURIComponent(end.slot)}`);
    return /** @type {Verdict[]} */ (items);
  };

  const makeLink = async (/** @type {End} */ source, /** @type {End} */ target) => {
    const box = boxOf(target.handle);
    if (!box) return;
    await post(`${componentUrl(box.component.path)}/links`, { source: ordOf(source.handle), sourceSlot: source.slot, targetSlot: target.slot });
    say(t('Linked {from} to {to}.', { from: `${nameOf(drawing.now.model, source.handle, '')} ${source.slot}`, to: `${box.component.displayName} ${target.slot}` }));
    await load();
  };

  const commands = {
    may, load, again,
    get selected() { return now.selected; },
    get line() { return now.line; },
    armed: () => now.armed,
    /** @param {string[]} handles @returns {void} */
    select(handles) { now.selected = new Set(handles); now.line = ''; paint(); },
    /** @param {string} handle @returns {void} */
    toggle(handle) {
      if (!now.selected.delete(handle)) now.selected.add(handle);
      now.line = '';
      paint();
    },
    /** @param {string} handle @returns {void} */
    focusBox(handle) { drawing.reveal(handle); current(drawing.now.elements.get(handle)); },
    /** @param {string} handle @param {string} slot @returns {void} */
    focusRow(handle, slot) {
      if (!boxOf(handle)) return;
      drawing.reveal(handle);
      now.line = '';
      paint();
      current(drawing.now.elements.get(handle)?.querySelector(`[data-slot="${slot}"]`));
    },
    /** @param {string} handle @returns {void} */
    firstRow(handle) { current(drawing.now.elements.get(handle)?.querySelector('.wire-row')); },
    /** @param {string} key @returns {void} */
    focusLine(key) {
      now.selected = new Set();
      now.line = key;
      paint();
      current(drawing.now.paths.get(key));
    },
    /** The boxes of the selection, or the one with the focus. @returns {Box[]} */
    chosen() {
      const handles = now.selected.size ? [...now.selected] : [now.current.split('.')[0]];
      return handles.flatMap((handle) => boxOf(handle) || []);
    },

    /** @param {Box[]} boxes @returns {void} */
    keepPlaces(boxes) { batch(boxes.map(place)); },
    /** What the keys have moved, as one change; also when the sheet is left. @returns {void} */
    keepNudged() {
      const boxes = [...nudged.keys()].flatMap((handle) => boxOf(handle) || []);
      nudged.clear();
      if (boxes.length) commands.keepPlaces(boxes);
    },
    /** @param {number} dx @param {number} dy steps @returns {void} */
    nudge(dx, dy) {
      if (!may) return;
      for (const box of commands.chosen()) {
        box.at = { x: box.at.x + dx, y: box.at.y + dy };
        box.placed = true;
        nudged.set(box.component.handle, box.at);
        drawing.moved(box);
        drawing.reveal(box.component.handle);
        say(t('{name} at {x}, {y}', { name: box.component.displayName, x: box.at.x, y: box.at.y }));
      }
      keepNudged();
    },
    /** @returns {Promise<void>} */
    async arrange() {
      const { boxes, links } = drawing.now.model;
      const places = arrange([...boxes.values()].map((b) => ({ handle: b.component.handle, rows: b.rows.length })), pairsOf(boxes, links));
      for (const [handle, at] of places) { const box = boxOf(handle); if (box) box.at = at; }
      await batch([...boxes.values()].map(place), t('Arranged. Undo brings the old places back.'));
      drawing.fit();
    },

    /** Begins a link. @param {string} handle @param {string} slot @param {boolean} forward this end is the source @returns {Promise<void>} */
    async arm(handle, slot, forward) {
      if (!may) return;
      now.armed = { handle, slot, forward };
      now.ends = new Map();
      viewport.classList.add('linking');
      const name = `${nameOf(drawing.now.model, handle, '')} ${slot}`;
      say(forward ? t('Linking from {name}. Choose where it leads.', { name }) : t('Linking to {name}. Choose where it comes from.', { name }));
      selected();
      try {
        for (const end of await fetchEnds({ handle, slot }, forward)) now.ends.set(`${end.handle}.${end.slot}`, end);
      } catch (error) { toastError(error); }
      if (now.armed) mark();
    },
    /** @returns {void} */
    disarm() {
      now.armed = null;
      now.ends = new Map();
      mark();
      selected();
    },
    /** @param {End} end @returns {Verdict|null} */
    verdict(end) { return now.ends.get(`${end.handle}.${end.slot}`) || null; },
    /** The other end of the link that was begun. @param {End} end @returns {Promise<void>} */
    async complete(end) {
      const from = now.armed;
      const verdict = commands.verdict(end);
      commands.disarm();
      if (!from || (from.handle === end.handle && from.slot === end.slot)) return;
      if (verdict && !verdict.legal) { toast(verdict.reason || t('These two cannot be linked.'), true); return; }
      await (from.forward ? makeLink(from, end) : makeLink(end, from)).catch(toastError);
    },
    /** The other end from a list. @param {string} handle @param {string} slot @param {boolean} forward @returns {Promise<void>} */
    async chooseEnd(handle, slot, forward) {
      const row = rowOf({ handle, slot });
      if (!may || (!forward && !row?.input)) return;
      const legal = (await fetchEnds({ handle, slot }, forward)).filter((e) => e.legal);
      if (!legal.length) { toast(t('No slot on this sheet fits.'), true); return; }
      const select = h('select', { size: Math.min(12, Math.max(4, legal.length)) }, legal.map((e) => h('option', { value: `${e.handle}.${e.slot}`, selected: e === legal[0] }, `${nameOf(drawing.now.model, e.handle, '')} · ${rowOf(e)?.displayName || e.slot}`)));
      const name = `${nameOf(drawing.now.model, handle, '')} · ${row?.displayName || slot}`;
      await ask({ title: forward ? t('Link from {name}', { name }) : t('Link to {name}', { name }), ok: t('Link'), body: [labelled(forward ? t('To') : t('From'), select)],
        submit: async () => {
          const [other, ...rest] = select.value.split('.');
          const end = { handle: other, slot: rest.join('.') };
          await (forward ? makeLink({ handle, slot }, end) : makeLink(end, { handle, slot }));
          return true;
        } });
      if (rowOf({ handle, slot })) commands.focusRow(handle, slot);
    },
    /** @param {Link} link @returns {Promise<void>} */
    async removeLink(link) {
      if (!may) return;
      const source = { handle: link.sourceHandle, slot: link.sourceSlot };
      await batch([{ op: 'unlink', path: ordOf(link.targetHandle), name: link.name }], t('Link removed.'));
      if (boxOf(source.handle)) commands.focusRow(source.handle, source.slot);
    },

    /** @returns {Promise<void>} */
    async add() {
      if (!may) return;
      const { view } = drawing;
      const x = Math.round((viewport.clientWidth / 2 - view.x) / view.k / GRID) - 7, y = Math.round((viewport.clientHeight / 2 - view.y) / view.k / GRID) - 3;
      const path = await addChild(component.path, { wsAnnotation: `${x},${y}` });
      if (!path) return;
      await load();
      const made = [...drawing.now.model.boxes.values()].find((b) => b.component.path === path);
      if (made) { commands.select([made.component.handle]); commands.focusBox(made.component.handle); }
    },
    /** @returns {Promise<void>} */
    async removeSelected() {
      if (now.line) {
        const link = drawing.now.model.links.find((l) => keyOf(l) === now.line);
        if (link) await commands.removeLink(link);
        return;
      }
      const boxes = commands.chosen().filter((b) => !b.component.frozen);
      if (!may || !boxes.length) return;
      const names = boxes.map((b) => b.component.displayName).join(', ');
      if (!await confirmDialog(plural(boxes.length, 'Remove this component?', 'Remove {n} components?'), t('{names} and their links will be removed. Undo brings them back.', { names }), t('Remove'))) return;
      await batch(boxes.map((b) => ({ op: 'remove', path: ordOf(b.component.handle) })));
    },
    /** @returns {void} */
    copy() {
      const boxes = commands.chosen();
      if (boxes.length) keep(boxes.map((b) => b.component), false);
    },
    /** @returns {void} */
    cut() {
      const boxes = commands.chosen().filter((b) => !b.component.frozen);
      if (may && boxes.length) keep(boxes.map((b) => b.component), true);
    },
    /** @returns {Promise<void>} */
    async paste() {
      const thing = kept();
      if (thing?.cut && may) await paste(component.path, () => load());
      else if (thing) await commands.copyHere(thing.paths);
    },
    /** @returns {Promise<void>} */
    async duplicate() { await commands.copyHere(commands.chosen().map((b) => b.component.path)); },
    /** @param {string[]} paths @returns {Promise<void>} */
    async copyHere(paths) {
      const places = new Map([...drawing.now.model.boxes.values()].map((b) => [b.component.path, b.at]));
      const at = (/** @type {string} */ path) => places.get(path) || { x: 2, y: 2 };
      const answer = await batch(paths.map((path) => ({ op: 'copy', path, parent: component.path, values: { wsAnnotation: `${at(path).x + 2},${at(path).y + 2}` } })));
      const made = (answer?.results || []).map((/** @type {any} */ r) => r.handle).filter((/** @type {string} */ handle) => boxOf(handle));
      if (made.length) { commands.select(made); commands.focusBox(made[0]); }
    },
    /** @returns {Promise<void>} */
    async undo() { await commands.goBack('/undo', t('Undone: {summary}')); },
    /** @returns {Promise<void>} */
    async redo() { await commands.goBack('/redo', t('Done again: {summary}')); },
    /** @param {string} path @param {string} text @returns {Promise<void>} */
    async goBack(path, text) {
      const answer = await post(path).catch(toastError);
      if (answer) toast(text.replace('{summary}', answer.summary));
      await load();
    },

    /** @param {string} handle @returns {void} */
    open(handle) { const box = boxOf(handle); if (box) options.go(pageUrl(box.component.path)); },
    /** All slots, or those that matter. @param {string} handle @returns {void} */
    unfold(handle) {
      if (!now.open.delete(handle)) now.open.add(handle);
      load();
    },
    /** @returns {void} */
    escape() {
      if (now.armed) commands.disarm();
      else commands.select([]);
    },
    /** A box to a place by numbers. @param {Box} box @returns {Promise<void>} */
    async moveTo(box) {
      const x = h('input', { type: 'number', value: String(box.at.x) }), y = h('input', { type: 'number', value: String(box.at.y) });
      await ask({ title: t('Move {name}', { name: box.component.displayName }), ok: t('Move'), body: [labelled(t('From the left'), x, t('In steps of the grid')), labelled(t('From the top'), y)],
        submit: async () => {
          box.at = { x: Math.round(Number(x.value)), y: Math.round(Number(y.value)) };
          await batch([place(box)]);
          return true;
        } });
    },
    /** A slot at close range. @param {string} handle @param {string} slot @returns {Promise<void>} */
    async details(handle, slot) {
      const box = boxOf(handle), row = rowOf({ handle, slot });
      if (now.armed) { await commands.complete({ handle, slot }); return; }
      if (!box || !row) return;
      const { model } = drawing.now;
      const links = model.links.filter((l) => (l.targetHandle === handle && l.targetSlot === slot) || (l.sourceHandle === handle && l.sourceSlot === slot));
      const fed = links.some((l) => l.targetHandle === handle && l.targetSlot === slot && l.enabled);
      const editable = may && row.slot && row.input && !fed;
      const editor = editable && row.slot ? editorFor(row.slot, await allTypes(), box.component) : null;
      editor?.set(box.component.values[slot]);
      await ask({ title: `${box.component.displayName} · ${row.displayName}`, ok: t('Save'),
        body: (close) => [h('p', { class: 'muted' }, row.doc),
          editor ? h('div', { class: 'field' }, labelled(t('Value'), editor.control), editor.control === editor.element ? null : editor.element) : h('p', {}, h('strong', {}, textOf(box, row))),
          fed && h('p', { class: 'muted' }, t('The value comes by a link.')),
          links.length > 0 && h('ul', { class: 'wire-list' }, links.map((l) => h('li', {}, linkLabel(model, l)))),
          may && h('div', { class: 'buttons' }, row.output && h('button', { type: 'button', onclick: () => { close(null); commands.chooseEnd(handle, slot, true); } }, t('Link from here …')),
            row.input && h('button', { type: 'button', onclick: () => { close(null); commands.chooseEnd(handle, slot, false); } }, t('Link to here …')))],
        submit: editor ? async () => {
          await call('PATCH', componentUrl(box.component.path), { values: { [slot]: editor.get() } });
          await load();
          return true;
        } : undefined });
    },
    /** A line at close range. @param {string} key @returns {Promise<void>} */
    async lineDetails(key) {
      const { model } = drawing.now;
      const link = model.links.find((l) => keyOf(l) === key);
      if (!link) return;
      const fact = (/** @type {string} */ name, /** @type {any} */ value) => [h('dt', {}, name), h('dd', {}, value)];
      const target = componentUrl(link.target.replace(/^.*slot:/, ''));
      await ask({ title: t('Link'), body: (close) => [
        h('dl', { class: 'facts' }, fact(t('From'), `${nameOf(model, link.sourceHandle, link.source)} · ${link.sourceSlot}`), fact(t('To'), `${nameOf(model, link.targetHandle, link.target)} · ${link.targetSlot}`),
          fact(t('Conversion'), link.conversion ? [`${link.conversion.from} → ${link.conversion.to}`, link.conversion.loss && h('div', { class: 'muted' }, link.conversion.loss)] : t('none')), fact(t('Enabled'), link.enabled ? t('yes') : t('no'))),
        !link.valid && h('p', { class: 'error' }, link.reason || ''),
        may && h('div', { class: 'buttons' },
          h('button', { type: 'button', onclick: () => call('PATCH', `${target}/links/${encodeURIComponent(link.name)}`, { enabled: !link.enabled }).then(() => { close(null); load(); }, toastError) }, link.enabled ? t('Disable') : t('Enable')),
          h('button', { type: 'button', class: 'danger', onclick: () => remove(`${target}/links/${encodeURIComponent(link.name)}`).then(() => { close(null); load(); }, toastError) }, t('Remove link')))] });
    },
    /** @returns {Promise<void>} */
    async help() {
      const rows = [[t('Arrows'), t('to the next box; between slots; along a line')], [t('Enter'), t('into a box; a slot or line at close range')], [t('Shift + arrows'), t('move the box')], ['L', t('link from this slot: choose where to')], ['Shift + L', t('link to this slot: choose where from')],
        [t('Delete'), t('remove the box or line')], [t('Space'), t('select one more')], ['A', t('add a component')], ['M', t('menu of the box')], ['O', t('open the component')], ['Ctrl + C, X, V, D', t('copy, cut, paste, duplicate')], ['Ctrl + Z, Y', t('undo, redo')], ['+  −  0', t('zoom; everything in sight')], [t('Escape'), t('out of a box; end a link')]];
      await ask({ title: t('Keys of the wire sheet'), body: [h('dl', { class: 'facts' }, rows.map(([key, text]) => [h('dt', {}, h('kbd', {}, key)), h('dd', {}, text)]))] });
    },
  };
  const keepNudged = settled(() => commands.keepNudged(), 500);
  return commands;
}
/** @typedef {ReturnType<typeof commandsOf>} Commands */
