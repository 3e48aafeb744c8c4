// SPDX-License-Identifier: Apache-2.0
// A reader of the event stream (Server-Sent Events), which keeps what it saw and can wait for more.

import { request } from 'node:https';
import { eventually } from './wait.mjs';

export class Events {
  /** Opens the stream and waits for its answer; query as "ords=...". */
  static open(client, query = '', lastEventId) {
    const events = new Events();
    const headers = { Accept: 'text/event-stream' };
    if (client.token) headers.Authorization = `Bearer ${client.token}`;
    if (client.cookie) headers.Cookie = client.cookie;
    if (lastEventId !== undefined) headers['Last-Event-ID'] = String(lastEventId);
    return new Promise((resolve, reject) => {
      const req = request(`${client.base}/api/v1/events${query ? `?${query}` : ''}`, { headers, agent: client.agent }, (res) => {
        if (res.statusCode !== 200) {
          res.resume();
          reject(new Error(`GET /events: ${res.statusCode}`));
          return;
        }
        res.setEncoding('utf8');
        res.on('data', (text) => events.feed(text));
        res.on('error', () => { /* closed by us, or by a station that was killed */ });
        res.on('close', () => { events.closed = true; });
        resolve(events);
      });
      req.on('error', reject);
      req.end();
      events.request = req;
    });
  }

  constructor() {
    this.seen = [];
    this.pending = '';
    this.closed = false;
  }

  feed(text) {
    this.pending += text;
    for (let end; (end = this.pending.indexOf('\n\n')) >= 0; this.pending = this.pending.slice(end + 2)) {
      const event = { event: 'message', data: '' };
      for (const line of this.pending.slice(0, end).split('\n')) {
        const match = line.match(/^(id|event|data): ?(.*)$/);
        if (match) event[match[1]] = match[1] === 'data' ? event.data + match[2] : match[2];
      }
      if (!event.data) continue;
      event.json = JSON.parse(event.data);
      this.seen.push(event);
    }
  }

  /** The first event of a name, seen already or still to come, that the function accepts. */
  wait(name, accept = () => true, options) {
    return eventually(`event ${name}`, () => this.seen.find((event) => event.event === name && accept(event.json)), options);
  }

  close() {
    this.request.destroy();
  }
}
