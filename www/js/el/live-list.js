// SPDX-License-Identifier: Apache-2.0
// A live list of records, newest first, with older ones on demand: the ledger, the mails that came in.
import { h, fill, inTurn, keepFocus, settled } from '../dom.js';
import { get } from '../api.js';
import { listen } from '../store/events.js';
import { toastError } from './toast.js';

const PAGE = 50, MOST = 500;

/**
 * @typedef {{element: HTMLElement, load: () => Promise<void>, live: (kind: string, data: any) => void, leave: () => void}} LiveList
 *   load: what is listed is another, or is listed for the first time
 */

/**
 * @param {{path: string, query: () => string, kind: string, table: (items: any[]) => any, nothing: () => any, older: string}} options
 *   path: in REST, query: what the list is of, as "account=…&state=…", kind: of the events that change it, older: the button's words
 * @returns {LiveList}
 */
export function liveList({ path, query, kind, table, nothing, older }) {
  /** @type {any[]} */
  let items = [];
  let cursor = '';
  const body = h('div', { class: 'scroll', tabindex: '-1' });
  const footer = h('footer', { hidden: true }, h('button', { type: 'button', class: 'plain', onclick: () => more().catch(toastError) }, older));
  const show = (/** @type {any} */ answer, /** @type {any[]} */ before) => {
    items = before.concat(answer.items);
    cursor = answer.next || '';
    footer.hidden = !cursor;
    keepFocus(body, () => fill(body, items.length ? table(items) : nothing()));
  };
  const load = inTurn(async () => show(await get(`${path}?limit=${Math.min(MOST, Math.max(PAGE, items.length))}&${query()}`), []));
  /** @returns {Promise<void>} */
  const more = async () => {
    const before = items;
    const answer = await get(`${path}?limit=${PAGE}&cursor=${encodeURIComponent(cursor)}&${query()}`);
    if (before !== items) return more(); // the list was read anew meanwhile, and ends elsewhere
    show(answer, before);
    return undefined;
  };
  const again = settled(load, 200);
  return {
    element: h('div', {}, body, footer),
    load: () => { items = []; return load(); },
    live: (what) => { if (what === kind || what === 'reset') again(); },
    leave: () => again.cancel(),
  };
}

/** Shows a list, live from the moment before it is read. @param {LiveList} list @returns {Promise<() => void>} ends it */
export async function followList(list) {
  const end = listen(list.live);
  const leave = () => {
    end();
    list.leave();
  };
  await list.load().catch((error) => {
    leave();
    throw error;
  });
  return leave;
}
