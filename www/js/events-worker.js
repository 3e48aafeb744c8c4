// SPDX-License-Identifier: Apache-2.0
// The one event stream of all tabs. A browser allows six connections to a host; with a stream in every tab the seventh tab
// would not load. Tabs say which components they watch; the stream is opened anew when that changes.

/** @type {Map<MessagePort, Set<string>>} */
const ports = new Map();
/** @type {EventSource|null} */
let source = null;
let watched = '';
let timer = 0;
const kinds = ['value', 'component', 'alarm', 'mail', 'transcript', 'allowedHost', 'job', 'reset'];

/** @param {any} message */
function tell(message) {
  for (const port of ports.keys()) port.postMessage(message);
}

function open() {
  const ords = [...new Set([...ports.values()].flatMap((set) => [...set]))].sort().join(',');
  if (source && ords === watched && source.readyState !== EventSource.CLOSED) return;
  source?.close();
  watched = ords;
  source = new EventSource(`/api/v1/events${ords ? `?ords=${encodeURIComponent(ords)}` : ''}`);
  source.onopen = () => {
    tell({ kind: 'open' });
    tell({ kind: 'reset', data: {} }); // whatever happened while no stream was open has to be read anew
  };
  source.onerror = () => {
    tell({ kind: 'closed' });
    if (source?.readyState === EventSource.CLOSED) later(5000);
  };
  for (const kind of kinds) source.addEventListener(kind, (event) => tell({ kind, data: JSON.parse(event.data) }));
}

/** @param {number} delay */
function later(delay) {
  clearTimeout(timer);
  timer = setTimeout(() => { if (ports.size) open(); else { source?.close(); source = null; } }, delay);
}

/** @param {MessagePort} port */
function connect(port) {
  ports.set(port, new Set());
  port.onmessage = (event) => {
    if (event.data.watch) ports.set(port, new Set(event.data.watch));
    if (event.data.leave) ports.delete(port);
    later(event.data.leave ? 1000 : 60);
  };
  port.start?.();
  later(0);
}

self.addEventListener('connect', (event) => connect(/** @type {any} */ (event).ports[0]));
