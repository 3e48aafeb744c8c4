// SPDX-License-Identifier: Apache-2.0
// The wire sheet of a component: its children as boxes, their links as lines, drawn and changed with mouse or keyboard.
// The tab Links of each component is the same as a table.
import { h, fill, icon } from '../dom.js';
import { plural, t } from '../i18n.js';
import { componentMenu } from '../el/actions.js';
import { menuButton } from '../el/menu.js';
import { toastError } from '../el/toast.js';
import { commandsOf } from '../wire/commands.js';
import { drawing as drawingOf } from '../wire/drawing.js';
import { keys } from '../wire/keys.js';
import { pointers } from '../wire/pointer.js';
/** @typedef {import('../wire/model.js').Box} Box */

/** @param {import('./table.js').Subject} subject @returns {Promise<import('./table.js').Panel>} */
export async function wiresheetPanel(subject) {
  const { context, options, types, component } = subject;
  const live = h('p', { class: 'visually-hidden', role: 'status' });
  const hint = h('p', { class: 'wire-hint' });
  /** @type {import('../wire/commands.js').Commands} */
  let commands;
  const menuOf = (/** @type {Box} */ box) => {
    const button = menuButton(icon('dots'), async () => [
      { label: box.all ? t('Show fewer slots') : t('Show all slots'), icon: 'list', run: () => commands.unfold(box.component.handle) },
      ...(commands.may ? [{ label: t('Move …'), icon: 'sliders', run: () => commands.moveTo(box) }] : []),
      '-', ...await componentMenu(box.component, context.session, { ...options, changed: () => commands.load() }),
    ], { label: t('Menu of {name}', { name: box.component.displayName }), class: 'plain icon-only small' });
    button.setAttribute('tabindex', '-1');
    return button;
  };
  const drawing = drawingOf(types, menuOf);
  const zoom = h('output', { class: 'wire-zoom' });
  const removeButton = h('button', { type: 'button', class: 'plain icon-only', 'aria-label': t('Remove what is selected'), onclick: () => commands.removeSelected() }, icon('trash'));
  const tell = () => {
    const armed = commands.armed();
    const n = commands.selected.size;
    removeButton.disabled = !n && !commands.line;
    fill(hint, armed ? t('Choose the other end of the link, or press Escape.') : n > 1 ? plural(n, '{n} box selected', '{n} boxes selected') : drawing.now.model.more ? t('Only the first 1,000 components are shown.') : t('Drag from slot to slot to link; press ? for the keys.'));
  };
  commands = commandsOf(drawing, subject, (text) => { live.textContent = text; }, tell);
  pointers(drawing, commands);
  keys(drawing, commands);
  drawing.viewport.addEventListener('zoomed', () => { zoom.textContent = `${Math.round(drawing.view.k * 100)} %`; });
  const button = (/** @type {string} */ symbol, /** @type {string} */ label, /** @type {() => any} */ run) => h('button', { type: 'button', class: 'plain icon-only', 'aria-label': label, title: label, onclick: run }, icon(symbol));
  const tools = h('div', { class: 'wire-tools', role: 'toolbar', 'aria-label': t('Wire sheet') },
    commands.may && [h('button', { type: 'button', onclick: () => commands.add().catch(toastError) }, icon('plus'), t('Add')), h('button', { type: 'button', onclick: () => commands.arrange().catch(toastError) }, icon('network'), t('Arrange')), removeButton],
    hint, button('minus', t('Smaller'), () => drawing.zoom(0.8)), zoom, button('plus', t('Larger'), () => drawing.zoom(1.25)),
    button('screen', t('Everything in sight'), () => drawing.fit()), button('info', t('Keys'), () => commands.help()));
  const element = h('section', { class: 'card wire-card' }, tools, drawing.viewport, live);
  await commands.load();
  const size = new ResizeObserver(() => { if (drawing.viewport.clientWidth && !drawing.viewport.dataset.fitted) { drawing.viewport.dataset.fitted = 'true'; drawing.fit(); } else drawing.show(); });
  size.observe(drawing.viewport);
  tell();
  const prefix = `${component.ord}${component.path === '/' ? '' : '/'}`;
  return {
    element,
    watched: () => [...drawing.now.model.boxes.keys()],
    live: (kind, event) => {
      if (kind === 'value') drawing.value(event.handle, event.slot, event.value);
      if (kind === 'open' || kind === 'reset' || (kind === 'component' && (drawing.now.model.boxes.has(event.handle) || event.handle === component.handle || (event.ord || '').startsWith(prefix)))) commands.again();
    },
    leave: () => { size.disconnect(); commands.keepNudged(); commands.again.cancel(); },
  };
}
