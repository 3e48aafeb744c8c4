// SPDX-License-Identifier: Apache-2.0
// The REST client: one fetch for everything, with the session's CSRF value, and problems as errors with their pointers.
import { t } from './i18n.js';
/** @typedef {import('./types.js').Finding} Finding */
/** @typedef {import('./types.js').Type} Type */

/** What went wrong, as RFC 9457 says it. */
export class Problem extends Error {
  /** @param {number} status HTTP's, 0 when there was no answer @param {any} body application/problem+json */
  constructor(status, body) {
    super(body?.detail || body?.title || t('The station answered {status}.', { status }));
    this.status = status;
    /** @type {Finding[]} */
    this.errors = body?.errors || [];
    /** No user exists yet: the setup link is to be opened. */
    this.setup = Boolean(body?.setup);
  }
}

/** What a session needs of every call: set at login. */
const session = { csrf: '', ended: () => {} };

/** @param {string} csrf the value that changes must carry @param {() => void} ended called when the session has ended @returns {void} */
export function useSession(csrf, ended) {
  session.csrf = csrf;
  session.ended = ended;
}

/** The text as JSON; what is none is told as what it is. @param {string} text @param {number} status @returns {any} */
function parse(text, status) {
  if (!text) return null;
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem(status, { detail: t('The station answered {status} with something that is not JSON.', { status }) });
  }
}

/**
 * One call.
 * @param {string} method @param {string} path below /api/v1 @param {any} [body] @param {Record<string, string>} [headers]
 * @returns {Promise<{data: any, etag: string|null}>} rejects with a Problem
 */
export async function call(method, path, body, headers = {}) {
  /** @type {RequestInit & {headers: Record<string, string>}} */
  const init = { method, headers: { ...headers }, credentials: 'same-origin' };
  if (body !== undefined) {
    init.body = headers['Content-Type'] ? body : JSON.stringify(body);
    init.headers['Content-Type'] ??= method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  }
  if (method !== 'GET') init.headers['X-Belfry-Csrf'] = session.csrf;
  let response, text;
  try {
    response = await fetch(`/api/v1${path}`, init);
    text = await response.text(); // may end too early as well
  } catch {
    throw new Problem(0, { detail: t('The station does not answer. Is it running, and is the network up?') });
  }
  const data = response.headers.get('Content-Type')?.startsWith('application/x-pem-file') ? text : parse(text, response.status);
  if (response.ok) {
    if (method !== 'GET') dispatchEvent(new Event('station-changed')); /* who shows what can be undone looks again */
    return { data, etag: response.headers.get('ETag') };
  }
  if (response.status === 401 && path !== '/session') session.ended();
  throw new Problem(response.status, data);
}

/** @param {string} path @returns {Promise<any>} */
export async function get(path) { return (await call('GET', path)).data; }

/** @param {string} path @param {any} [body] @returns {Promise<any>} */
export async function post(path, body) { return (await call('POST', path, body)).data; }

/** A file that is not JSON. @param {string} path @param {string} text @param {string} type its media type @returns {Promise<any>} */
export async function postText(path, text, type) { return (await call('POST', path, text, { 'Content-Type': type })).data; }

/** @param {string} path @returns {Promise<any>} */
export async function remove(path) { return (await call('DELETE', path)).data; }

/** A component in REST. @param {string} path "/Services/EmailService" @returns {string} */
export function componentUrl(path) {
  return `/components${path === '/' ? '' : encodePath(path)}`;
}

/** A component in the page. @param {string} path @returns {string} */
export function pageUrl(path) {
  return `/station${path === '/' ? '' : encodePath(path)}`;
}

/** Names hold letters, digits, "_" and "$xx" only; this is for what a person typed. @param {string} path @returns {string} */
function encodePath(path) {
  return path.split('/').map((part) => encodeURIComponent(part).replaceAll('%24', '$')).join('/');
}

/** An Allowed Hosts row in REST. @param {string} host "name:port" @returns {string} */
export function hostUrl(host) {
  return `/allowed-hosts/${encodeURIComponent(host).replaceAll('%3A', ':')}`;
}

/** @type {{all: Promise<Map<string, Type>>|null}} */
const cache = { all: null };

/** The type tables; constant while the station runs. @returns {Promise<Map<string, Type>>} */
export function allTypes() {
  cache.all ??= get('/types').then((answer) => new Map(answer.items.map((/** @type {Type} */ type) => [type.name, type])));
  cache.all.catch(() => { cache.all = null; });
  return cache.all;
}

/** Is this type the other one, or made from it? @param {Map<string, Type>} types @param {string} name @param {string} base @returns {boolean} */
export function typeIs(types, name, base) {
  for (let type = types.get(name); type; type = type.base ? types.get(type.base) : undefined) if (type.name === base) return true;
  return false;
}
