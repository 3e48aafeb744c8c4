// SPDX-License-Identifier: Apache-2.0
// A wire sheet under the pointer: drag a box, drag from slot to slot, drag the sheet, wheel to move and zoom. Everything
// that is dragged can also be clicked: a port, then the other end.
import { GRID } from './geometry.js';
/** @typedef {import('./commands.js').Commands} Commands */
/** @typedef {import('./drawing.js').Drawing} Drawing */

/** Pixels that a pointer may shake before it drags. */
const SHAKE = 4;

/** @param {any} event @returns {{box: HTMLElement|null, row: HTMLElement|null, line: HTMLElement|null, head: HTMLElement|null}} */
function under(event) {
  const find = (/** @type {string} */ selector) => event.target.closest?.(selector) || null;
  return { box: find('.wire-box'), row: find('.wire-row'), line: find('.wire-line'), head: find('.wire-head') };
}

/** Follows the pointer until it is let go. @param {HTMLElement} viewport @param {PointerEvent} down @param {(event: PointerEvent) => void} move @param {(event: PointerEvent, moved: boolean) => void} end */
function follow(viewport, down, move, end) {
  let moved = false;
  viewport.setPointerCapture(down.pointerId);
  viewport.dataset.busy = 'true'; // nothing is drawn anew meanwhile
  const onMove = (/** @type {PointerEvent} */ event) => {
    moved = moved || Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) > SHAKE;
    if (moved) move(event);
  };
  const onEnd = (/** @type {PointerEvent} */ event) => {
    viewport.removeEventListener('pointermove', onMove);
    viewport.removeEventListener('pointerup', onEnd);
    viewport.removeEventListener('pointercancel', onEnd);
    delete viewport.dataset.busy;
    end(event, moved && event.type === 'pointerup');
  };
  viewport.addEventListener('pointermove', onMove);
  viewport.addEventListener('pointerup', onEnd);
  viewport.addEventListener('pointercancel', onEnd);
}

/** @param {Drawing} drawing @param {Commands} commands @returns {void} */
export function pointers(drawing, commands) {
  const { viewport, view } = drawing;

  const pan = (/** @type {PointerEvent} */ down) => {
    const start = { x: view.x, y: view.y };
    viewport.classList.add('panning');
    follow(viewport, down, (event) => {
      view.x = start.x + event.clientX - down.clientX;
      view.y = start.y + event.clientY - down.clientY;
      drawing.show();
    }, (event, moved) => {
      viewport.classList.remove('panning');
      if (!moved) { commands.select([]); commands.disarm(); }
    });
  };

  const dragBoxes = (/** @type {PointerEvent} */ down, /** @type {string} */ handle) => {
    if (down.shiftKey || down.ctrlKey) commands.toggle(handle);
    else if (!commands.selected.has(handle)) commands.select([handle]);
    commands.focusBox(handle);
    if (!commands.may) return;
    const starts = [...commands.selected].flatMap((h) => { const box = drawing.now.model.boxes.get(h); return box ? [{ box, x: box.at.x, y: box.at.y }] : []; });
    follow(viewport, down, (event) => {
      const dx = Math.round((event.clientX - down.clientX) / view.k / GRID), dy = Math.round((event.clientY - down.clientY) / view.k / GRID);
      for (const { box, x, y } of starts) {
        box.at = { x: x + dx, y: y + dy };
        drawing.moved(box);
      }
    }, (event, moved) => {
      if (moved && starts.some(({ box, x, y }) => box.at.x !== x || box.at.y !== y)) commands.keepPlaces(starts.map(({ box }) => box));
    });
  };

  const dragLink = (/** @type {PointerEvent} */ down, /** @type {HTMLElement} */ row, /** @type {boolean} */ forward) => {
    const handle = /** @type {HTMLElement} */ (row.closest('.wire-box')).dataset.handle || '', slot = row.dataset.slot || '';
    const start = drawing.port(handle, slot, forward);
    const other = (/** @type {PointerEvent} */ event) => /** @type {HTMLElement|null} */ (document.elementFromPoint(event.clientX, event.clientY)?.closest('.wire-row') || null);
    const endOf = (/** @type {HTMLElement} */ to) => ({ handle: /** @type {HTMLElement} */ (to.closest('.wire-box')).dataset.handle || '', slot: to.dataset.slot || '' });
    let begun = false;
    follow(viewport, down, (event) => {
      if (!begun) { begun = true; commands.arm(handle, slot, forward); }
      const at = drawing.pointOf(event);
      if (start) drawing.draft(forward ? start : at, forward ? at : start);
      const to = other(event);
      const verdict = to && to !== row ? commands.verdict(endOf(to)) : null;
      drawing.tip(verdict?.reason || '', !verdict?.legal, event);
    }, (event, moved) => {
      drawing.draft(null);
      drawing.tip('', false);
      if (moved) {
        const to = other(event);
        if (to && to !== row) commands.complete(endOf(to));
        else commands.disarm();
      } else if (commands.armed()) {
        commands.complete({ handle, slot });
      } else if (/** @type {HTMLElement} */ (down.target).closest('.wire-port')) {
        commands.arm(handle, slot, forward);
      }
    });
  };

  viewport.addEventListener('pointerdown', (/** @type {PointerEvent} */ event) => {
    if (event.button !== 0 && event.button !== 1) return;
    const { box, row, line, head } = under(event);
    if (/** @type {HTMLElement} */ (event.target).closest('button, .wire-map')) return;
    event.preventDefault();
    if (event.button === 1) pan(event);
    else if (row && box) {
      const right = event.clientX > row.getBoundingClientRect().left + row.offsetWidth * view.k * 0.3;
      commands.select([box.dataset.handle || '']);
      commands.focusRow(box.dataset.handle || '', row.dataset.slot || '');
      if (commands.may) dragLink(event, row, row.dataset.out !== undefined && (right || row.dataset.in === undefined));
    } else if (box && (head || box)) dragBoxes(event, box.dataset.handle || '');
    else if (line) commands.focusLine(line.dataset.link || '');
    else pan(event);
  });
  viewport.addEventListener('dblclick', (/** @type {MouseEvent} */ event) => {
    const { box, row, line, head } = under(event);
    if (row && box) commands.details(box.dataset.handle || '', row.dataset.slot || '');
    else if (head && box) commands.open(box.dataset.handle || '');
    else if (line) commands.lineDetails(line.dataset.link || '');
  });
  viewport.addEventListener('contextmenu', (/** @type {MouseEvent} */ event) => {
    const { box, line } = under(event);
    if (!box && !line) return;
    event.preventDefault();
    if (box) box.querySelector('button')?.click();
    else commands.lineDetails(line?.dataset.link || '');
  });
  viewport.addEventListener('wheel', (/** @type {WheelEvent} */ event) => {
    event.preventDefault();
    const box = viewport.getBoundingClientRect();
    if (event.ctrlKey || event.metaKey) {
      drawing.zoom(Math.exp(-event.deltaY / 400), { x: event.clientX - box.left, y: event.clientY - box.top });
    } else {
      view.x -= event.shiftKey ? event.deltaY : event.deltaX;
      view.y -= event.shiftKey ? 0 : event.deltaY;
      drawing.show();
    }
  }, { passive: false });
  const map = /** @type {any} */ (viewport.querySelector('.wire-map'));
  map.addEventListener('pointerdown', (/** @type {PointerEvent} */ event) => {
    event.preventDefault();
    const goTo = (/** @type {PointerEvent} */ e) => {
      const box = map.getBoundingClientRect(), k = Number(map.dataset.k);
      view.x = viewport.clientWidth / 2 - ((e.clientX - box.left) / k + Number(map.dataset.left)) * view.k;
      view.y = viewport.clientHeight / 2 - ((e.clientY - box.top) / k + Number(map.dataset.top)) * view.k;
      drawing.show();
    };
    goTo(event);
  });
}
