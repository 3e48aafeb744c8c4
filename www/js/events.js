// SPDX-License-Identifier: Apache-2.0
// Live values in a tab: a line to the shared worker that holds the one event stream.

const listeners = new Set();
/** @type {MessagePort|null} */
let port = null;

/** The only script address that is ever made from text: this constant. */
function workerUrl() {
  const tt = /** @type {any} */ (window).trustedTypes;
  if (!tt) return '/js/events-worker.js';
  return tt.createPolicy('belfry', { createScriptURL: (url) => { if (url !== '/js/events-worker.js') throw new TypeError(url); return url; } })
    .createScriptURL('/js/events-worker.js');
}

/** Starts once, after login. */
export function startEvents() {
  if (port || typeof SharedWorker === 'undefined') return;
  const worker = new SharedWorker(workerUrl(), { name: 'belfry-events' });
  port = worker.port;
  port.onmessage = (event) => listeners.forEach((listener) => listener(event.data.kind, event.data.data));
  port.start();
  addEventListener('pagehide', () => port?.postMessage({ leave: true }));
}

/** Which components this tab shows. @param {string[]} ords */
export function watch(ords) {
  port?.postMessage({ watch: ords });
}

/** @param {(kind: string, data: any) => void} listener @returns {() => void} ends it */
export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
