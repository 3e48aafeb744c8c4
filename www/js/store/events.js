// SPDX-License-Identifier: Apache-2.0
// Live values in a tab: a line to the shared worker that holds the one event stream.
import { settled } from '../dom.js';
/** @typedef {(kind: string, data: any) => void} Listener */

const WORKER = '/js/events-worker.js';
const line = {
  /** @type {MessagePort|null} */ port: null,
  /** @type {Set<Listener>} */ listeners: new Set(),
  /** @type {Map<string, string[]>} who watches what: the page, the tree */ watched: new Map(),
};

/** The only script address that is ever made from text: this constant. @returns {any} */
function workerUrl() {
  const trusted = /** @type {any} */ (window).trustedTypes;
  if (!trusted) return WORKER;
  const createScriptURL = (/** @type {string} */ url) => {
    if (url !== WORKER) throw new TypeError(url);
    return url;
  };
  return trusted.createPolicy('belfry', { createScriptURL }).createScriptURL(WORKER);
}

/** @returns {void} */
function tellWorker() {
  line.port?.postMessage({ watch: [...new Set([...line.watched.values()].flat())] });
}

/** Starts once, after login. @returns {void} */
export function startEvents() {
  if (line.port || typeof SharedWorker === 'undefined') return;
  const worker = new SharedWorker(workerUrl(), { name: 'belfry-events' });
  line.port = worker.port;
  worker.port.onmessage = (event) => line.listeners.forEach((listener) => listener(event.data.kind, event.data.data));
  worker.port.start();
  addEventListener('pagehide', () => worker.port.postMessage({ leave: true }));
  addEventListener('pageshow', (event) => { if (event.persisted) tellWorker(); });
}

/** Which components this tab shows. @param {string} who "page", "tree" @param {string[]} handles @returns {void} */
export function watch(who, handles) {
  const ords = handles.map((handle) => `station:|h:${handle}`);
  if (ords.join() === line.watched.get(who)?.join()) return;
  line.watched.set(who, ords);
  tellWorker();
}

/** @param {Listener} listener gets kind and data of every event; kinds "open" and "closed" tell of the line @returns {() => void} ends it */
export function listen(listener) {
  line.listeners.add(listener);
  return () => line.listeners.delete(listener);
}

/**
 * Reads what a view shows, and again after events that concern it: also after those that come while it is read for the first time.
 * @param {() => Promise<any>} load @param {number} delay ms, for events that come together
 * @param {(kind: string, data: any) => boolean} concerns
 * @returns {Promise<() => void>} ends it
 */
export async function followed(load, delay, concerns) {
  const again = settled(load, delay);
  const end = listen((kind, data) => { if (concerns(kind, data)) again(); });
  const leave = () => {
    end();
    again.cancel();
  };
  await load().catch((error) => {
    leave();
    throw error;
  });
  return leave;
}
