// SPDX-License-Identifier: Apache-2.0
// The REST client: one fetch for everything, with the session's CSRF value, and problems as errors with their pointers.

/** What went wrong, as RFC 9457 says it. */
export class Problem extends Error {
  /** @param {number} status @param {any} body */
  constructor(status, body) {
    super(body?.detail || body?.title || `The station answered ${status}.`);
    this.status = status;
    /** @type {{pointer: string, detail: string}[]} */
    this.errors = body?.errors || [];
    this.setup = Boolean(body?.setup);
  }
}

const state = { csrf: '', onUnauthorized: () => {} };

/** @param {string} csrf */
export function setCsrf(csrf) { state.csrf = csrf; }
/** @param {() => void} listener called when a session has ended */
export function onUnauthorized(listener) { state.onUnauthorized = listener; }

/**
 * @param {string} method @param {string} path below /api/v1 @param {any} [body] @param {Record<string, string>} [headers]
 * @returns {Promise<{data: any, etag: string|null, status: number}>}
 */
export async function call(method, path, body, headers = {}) {
  const init = { method, headers: { ...headers }, credentials: /** @type {RequestCredentials} */ ('same-origin') };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers['Content-Type'] = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  }
  if (method !== 'GET') init.headers['X-Belfry-Csrf'] = state.csrf;
  let response;
  try {
    response = await fetch(`/api/v1${path}`, init);
  } catch {
    throw new Problem(0, { detail: 'The station does not answer. Is it running, and is the network up?' });
  }
  const text = await response.text();
  const data = text ? JSON.parse(text) : null;
  if (!response.ok) {
    if (response.status === 401 && path !== '/session') state.onUnauthorized();
    throw new Problem(response.status, data);
  }
  return { data, etag: response.headers.get('ETag'), status: response.status };
}

/** @param {string} path */
export async function get(path) { return (await call('GET', path)).data; }
/** @param {string} path @param {any} [body] */
export async function post(path, body) { return (await call('POST', path, body)).data; }
/** @param {string} path */
export async function remove(path) { return (await call('DELETE', path)).data; }

/** A component's path as a URL. @param {string} path "/Services/EmailService" */
export function componentUrl(path) {
  return `/components${path === '/' ? '' : path}`;
}

/** @type {Promise<Map<string, any>>|null} */
let types = null;
/** The type tables; constant while the station runs. @returns {Promise<Map<string, any>>} */
export function allTypes() {
  types ??= get('/types').then((answer) => new Map(answer.items.map((t) => [t.name, t])));
  types.catch(() => { types = null; });
  return types;
}
