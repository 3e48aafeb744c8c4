// SPDX-License-Identifier: Apache-2.0
// The one event stream of all tabs. A browser allows six connections to a host; with a stream in every tab the seventh tab
// would not load. Tabs say which components they watch. When that changes, the new stream is opened before the old one is
// closed, and what both bring is told once, so that nothing is missed in between.

const KINDS = ['value', 'component', 'alarm', 'mail', 'incoming', 'transcript', 'allowedHost', 'job', 'reset'];
const REMEMBERED = 512;
const WATCH_MAX = 400;

/** @type {Map<MessagePort, Set<string>>} */
const ports = new Map();
/** @type {string[]} ids of the events that were told last */
const told = [];
/** @type {{source: EventSource|null, watched: string, timer: number, open: boolean}} */
const stream = { source: null, watched: '', timer: 0, open: false };

/** @param {any} message @returns {void} */
function tell(message) {
  for (const port of ports.keys()) port.postMessage(message);
}

/** @param {MessageEvent} event @returns {boolean} was it told already? */
function known(event) {
  if (told.includes(event.lastEventId)) return true;
  told.push(event.lastEventId);
  if (told.length > REMEMBERED) told.splice(0, REMEMBERED / 2);
  return false;
}

/** @param {boolean} open @returns {void} */
function turned(open) {
  const missed = open && !stream.open;
  stream.open = open;
  tell({ kind: open ? 'open' : 'closed' });
  if (missed) tell({ kind: 'reset', data: {} }); // whatever happened while no stream was open has to be read anew
}

/** Opens the stream for what is watched now, if that is not what the present one brings. @returns {void} */
function connect() {
  const ords = [...new Set([...ports.values()].flatMap((set) => [...set]))].sort().slice(0, WATCH_MAX).join(',');
  const old = stream.source;
  if (old && ords === stream.watched && old.readyState !== EventSource.CLOSED) return;
  const source = new EventSource(`/api/v1/events${ords ? `?ords=${encodeURIComponent(ords)}` : ''}`);
  stream.source = source;
  stream.watched = ords;
  source.onopen = () => {
    old?.close();
    if (source === stream.source) turned(true);
  };
  source.onerror = () => {
    if (source !== stream.source) return;
    old?.close();
    turned(false);
    if (source.readyState === EventSource.CLOSED) later(5000); // refused: logged out, or too many streams
  };
  for (const kind of KINDS) {
    source.addEventListener(kind, (event) => { if (!known(event)) tell({ kind, data: JSON.parse(event.data) }); });
  }
}

/** Connects, or closes when no tab is left, after a while. @param {number} delay ms @returns {void} */
function later(delay) {
  clearTimeout(stream.timer);
  stream.timer = setTimeout(() => {
    if (ports.size) connect();
    else {
      stream.source?.close();
      stream.source = null;
    }
  }, delay);
}

self.addEventListener('connect', (event) => {
  const port = /** @type {any} */ (event).ports[0];
  ports.set(port, new Set());
  port.onmessage = (/** @type {MessageEvent} */ message) => {
    if (message.data.leave) ports.delete(port);
    else ports.set(port, new Set(message.data.watch));
    later(message.data.leave ? 1000 : 60);
  };
  port.start();
  if (stream.open) port.postMessage({ kind: 'open' });
  later(0);
});
