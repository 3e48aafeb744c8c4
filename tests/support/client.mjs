// SPDX-License-Identifier: Apache-2.0
// A client of the REST interface, as a program (token) or as a browser (session cookie and CSRF header).
// It trusts exactly the certificate that the station has made for itself.

import { Agent, request } from 'node:https';

export class Client {
  constructor(station, { token } = {}) {
    this.base = station.url;
    this.token = token;
    this.cookie = undefined;
    this.csrf = undefined;
    this.agent = new Agent({ keepAlive: true, ca: station.certificate, checkServerIdentity: () => undefined });
  }

  close() {
    this.agent.destroy();
  }

  /**
   * One request; path is below /api/v1 unless it starts with "//". Resolves to {status, headers, body, text}. A connection
   * that was kept may be closed by the station at the moment when it is used again: then another one is taken.
   */
  async send(method, path, body, headers = {}) {
    for (;;) {
      try {
        return await this.#send(method, path, body, headers);
      } catch (error) {
        if (error.code !== 'ECONNRESET' || !error.kept) throw error;
      }
    }
  }

  #send(method, path, body, headers = {}) {
    const bytes = body === undefined ? undefined : typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const all = { ...headers };
    if (bytes !== undefined) {
      all['Content-Type'] ??= 'application/json';
      all['Content-Length'] = Buffer.byteLength(bytes);
    }
    if (this.token) all.Authorization = `Bearer ${this.token}`;
    if (this.cookie) all.Cookie = this.cookie;
    if (this.csrf && method !== 'GET') all['X-Belfry-Csrf'] = this.csrf;
    const url = this.base + (path.startsWith('//') ? path.slice(1) : `/api/v1${path}`);
    return new Promise((resolve, reject) => {
      const req = request(url, { method, headers: all, agent: this.agent, timeout: 60000 }, (res) => {
        const chunks = [];
        res.on('data', (chunk) => chunks.push(chunk));
        res.on('error', reject);
        res.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const json = /json/.test(res.headers['content-type'] ?? '') && text;
          try {
            resolve({ status: res.statusCode, headers: res.headers, text, body: json ? JSON.parse(text) : undefined });
          } catch (error) {
            reject(new Error(`${method} ${path}: malformed JSON in the answer: ${text.slice(0, 500)}`, { cause: error }));
          }
        });
      });
      req.on('timeout', () => req.destroy(new Error(`${method} ${path}: no answer within 60 s`)));
      req.on('error', (error) => reject(Object.assign(error, { kept: req.reusedSocket })));
      req.end(bytes);
    });
  }

  /** As send, but anything except a success is an error that shows the answer. Resolves to the body. */
  async call(method, path, body, headers) {
    const answer = await this.send(method, path, body, headers);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.body;
  }

  get(path) { return this.call('GET', path); }
  post(path, body, headers) { return this.call('POST', path, body, headers); }
  patch(path, values, more = {}) { return this.call('PATCH', `/components${path}`, { values, ...more }); }
  delete(path) { return this.call('DELETE', path); }

  async login(username, password) {
    const answer = await this.send('POST', '/session', { username, password });
    if (answer.status >= 300) throw new Error(`login of ${username}: ${answer.status} ${answer.text}`);
    this.cookie = answer.headers['set-cookie'].map((line) => line.split(';', 1)[0]).join('; ');
    this.csrf = answer.body.csrf;
    return answer.body;
  }

  component(path) { return this.get(`/components${path}`); }
  async value(path, slot) { return (await this.component(path)).values[slot]; }
  add(parent, name, type, values = {}) { return this.post(`/components${parent}/children`, { name, type, values }); }
  async invoke(path, action, argument) {
    const answer = await this.post(`/components${path}/actions/${action}`, argument === undefined ? undefined : JSON.stringify(argument));
    return answer?.result;
  }
  link(source, sourceSlot, target, targetSlot) {
    return this.post(`/components${target}/links`, { source: `station:|slot:${source}`, sourceSlot, targetSlot });
  }

  /** All items of a list, page after page. */
  async list(path) {
    const items = [];
    for (let cursor = ''; ;) {
      const page = await this.get(`${path}${path.includes('?') ? '&' : '?'}limit=500${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
      items.push(...page.items);
      if (!page.next) return items;
      cursor = page.next;
    }
  }
}
