// SPDX-License-Identifier: Apache-2.0
// The HTTP face as a hostile or clumsy client sees it: raw bytes over TLS. What two parsers could read in two ways gets
// one refusal and a closed connection; what is late is cut off; what changes something needs rights and the CSRF value.
// modes: release asan tsan
// timeout: 300

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { Client } from '../support/client.mjs';
import { Events } from '../support/events.mjs';
import { PASSWORD, SLOWNESS, Station, belfry } from '../support/station.mjs';
import { PATIENCE, within } from '../support/wait.mjs';

const station = await Station.start();
const HOST = `Host: ${station.host}\r\n`;
const bearer = `Authorization: Bearer ${station.token}\r\n`;

/** A TLS connection that keeps what it hears. */
function dial(more = {}) {
  const [address, port] = station.host.split(':');
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port: Number(port), ca: station.certificate, checkServerIdentity: () => undefined, ...more });
    const chunks = [];
    socket.heard = () => Buffer.concat(chunks).toString('latin1');
    socket.ended = new Promise((end) => socket.on('close', end));
    socket.setNoDelay(true);
    socket.on('data', (data) => chunks.push(data));
    socket.on('error', reject);
    socket.on('secureConnect', () => {
      socket.removeListener('error', reject);
      socket.on('error', () => { /* cut off: what was heard counts */ });
      resolve(socket);
    });
  });
}

/** The complete answers in what was heard: [{status, head, body}]. */
function answers(text) {
  const all = [];
  for (let rest = text; ;) {
    const end = rest.indexOf('\r\n\r\n');
    const match = rest.match(/^HTTP\/1\.[01] (\d+) /);
    if (end < 0 || !match) return all;
    const head = rest.slice(0, end);
    const length = Number(head.match(/^content-length: (\d+)/im)?.[1] ?? 0);
    const answer = { status: Number(match[1]), head, body: rest.slice(end + 4, end + 4 + length) };
    if (answer.status !== 100) all.push(answer);
    rest = rest.slice(end + 4 + (answer.status === 100 ? 0 : length));
  }
}

/** Sends bytes; resolves to the answers once there are so many, or once the station has closed. */
async function say(bytes, { count = Infinity, more } = {}) {
  const socket = await dial(more);
  const enough = new Promise((resolve) => {
    socket.on('data', () => { if (answers(socket.heard()).length >= count) resolve(); });
  });
  socket.write(Buffer.from(bytes, 'latin1'));
  try {
    await within(PATIENCE * SLOWNESS, Promise.race([enough, socket.ended]), () => `no ${count === Infinity ? 'end' : 'answer'}: ${socket.heard()}`);
    return { answers: answers(socket.heard()), closed: socket.destroyed || socket.readableEnded };
  } finally {
    socket.destroy();
  }
}

const get = (path, headers = '') => `GET ${path} HTTP/1.1\r\n${HOST}${headers}\r\n`;
const SMUGGLED = get('/healthz?smuggled');
const post = (headers, body = '') => `POST /api/v1/session HTTP/1.1\r\n${HOST}Content-Type: application/json\r\n${headers}\r\n${body}`;

// --- one reading only --------------------------------------------------------------------------------------------

const REFUSED = [
  ['length and encoding', post('Content-Length: 6\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${SMUGGLED}`)],
  ['encoding and length', post('Transfer-Encoding: chunked\r\nContent-Length: 40\r\n', `0\r\n\r\n${SMUGGLED}`)],
  ['two lengths that differ', post('Content-Length: 2\r\nContent-Length: 5\r\n', `{}${SMUGGLED}`)],
  ['two lengths that agree', post('Content-Length: 2\r\nContent-Length: 2\r\n', `{}${SMUGGLED}`)],
  ['length +2', post('Content-Length: +2\r\n', `{}${SMUGGLED}`)],
  ['length -1', post('Content-Length: -1\r\n', `{}${SMUGGLED}`)],
  ['length 2,2', post('Content-Length: 2,2\r\n', `{}${SMUGGLED}`)],
  ['length 0x2', post('Content-Length: 0x2\r\n', `{}${SMUGGLED}`)],
  ['length "2 "', post('Content-Length: 2 \r\n', `{}${SMUGGLED}`)],
  ['empty length', post('Content-Length:\r\n', `{}${SMUGGLED}`)],
  ['length 2^64', post('Content-Length: 18446744073709551616\r\n', `{}${SMUGGLED}`), [400, 413]],
  ['length 2^64+2', post('Content-Length: 18446744073709551618\r\n', `{}${SMUGGLED}`), [400, 413]],
  ['encoding xchunked', post('Transfer-Encoding: xchunked\r\nContent-Length: 2\r\n', `{}${SMUGGLED}`)],
  ['encoding chunked, identity', post('Transfer-Encoding: chunked, identity\r\n', `0\r\n\r\n${SMUGGLED}`)],
  ['encoding identity', post('Transfer-Encoding: identity\r\n', SMUGGLED)],
  ['encoding after a vertical tab', post('Transfer-Encoding:\x0bchunked\r\nContent-Length: 5\r\n', `0\r\n\r\n${SMUGGLED}`)],
  ['space before the colon', post('Transfer-Encoding : chunked\r\nContent-Length: 5\r\n', `0\r\n\r\n${SMUGGLED}`)],
  ['tab before the colon', post('Transfer-Encoding\t: chunked\r\nContent-Length: 5\r\n', `0\r\n\r\n${SMUGGLED}`)],
  ['space before the name', `GET / HTTP/1.1\r\n Host: a\r\n${HOST}\r\n`],
  ['line without a colon', `GET / HTTP/1.1\r\n${HOST}nothing\r\n\r\n`],
  ['empty name', `GET / HTTP/1.1\r\n${HOST}: x\r\n\r\n`],
  ['name with a bracket', `GET / HTTP/1.1\r\n${HOST}X[1]: x\r\n\r\n`],
  ['chunk with an extension', post('Transfer-Encoding: chunked\r\n', `2;a=b\r\n{}\r\n0\r\n\r\n${SMUGGLED}`)],
  ['chunk size "2 x"', post('Transfer-Encoding: chunked\r\n', `2 x\r\n{}\r\n0\r\n\r\n${SMUGGLED}`)],
  ['chunk size that overflows', post('Transfer-Encoding: chunked\r\n', `fffffffffffffffff\r\n{}\r\n0\r\n\r\n${SMUGGLED}`)],
  ['chunk lines that end with LF', post('Transfer-Encoding: chunked\r\n', `2\n{}\n0\n\n${SMUGGLED}`)],
  ['chunk size 0x2', post('Transfer-Encoding: chunked\r\n', `0x2\r\n{}\r\n0\r\n\r\n${SMUGGLED}`)],
  ['encoding in HTTP/1.0', `POST /api/v1/session HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`],
  ['bare LF everywhere', `GET / HTTP/1.1\nHost: a\n\n${SMUGGLED}`],
  ['bare LF behind the request line', `GET / HTTP/1.1\n${HOST}\r\n${SMUGGLED}`],
  ['bare LF behind a header', `GET / HTTP/1.1\r\nX-A: 1\n${HOST}\r\n${SMUGGLED}`],
  ['bare LF behind the last header', `GET / HTTP/1.1\r\n${HOST}X-A: 1\n\r\n${SMUGGLED}`],
  ['bare LF as the empty line', `GET / HTTP/1.1\r\n${HOST}X-A: 1\r\n\n${SMUGGLED}`],
  ['bare CR in a value', `GET / HTTP/1.1\r\n${HOST}X-A: 1\rX-B: 2\r\n\r\n`],
  ['CR CR LF', `GET / HTTP/1.1\r\n${HOST}X-A: 1\r\r\n\r\n`],
  ['NUL in a value', `GET / HTTP/1.1\r\n${HOST}X-A: 1\x002\r\n\r\n`],
  ['NULs in a value', `GET / HTTP/1.1\r\n${HOST}X-A: 1\0\0\r\n\r\n`],
  ['NUL at the end of the last value', `GET / HTTP/1.1\r\n${HOST}X-A: 1\0\r\n\r\n`],
  ['NUL at the end of the first value', `GET / HTTP/1.1\r\nX-A: 1\0\r\n${HOST}\r\n`],
  ['NUL in a name', `GET / HTTP/1.1\r\n${HOST}X\0A: 1\r\n\r\n`],
  ['NUL that hides an encoding', post('Content-Length: 2\0\r\nTransfer-Encoding\0: chunked\r\n', `{}${SMUGGLED}`)],
  ['NUL in the target', `GET /a\0b HTTP/1.1\r\n${HOST}\r\n`],
  ['NUL in the method', `GET\0 / HTTP/1.1\r\n${HOST}\r\n`, [400, 501]],
  ['folded value', `GET / HTTP/1.1\r\n${HOST}X-A: 1\r\n 2\r\n\r\n`],
  ['folded length', post('Content-Length:\r\n 2\r\n', `{}${SMUGGLED}`)],
  ['folded last value', `GET / HTTP/1.1\r\n${HOST}X-A: 1\r\n\t2\r\n\r\n`],
  ['DEL in a value', `GET / HTTP/1.1\r\n${HOST}X-A: 1\x7f\r\n\r\n`],
  ['%00 in the target', get('/a%00b')],
  ['%2e%2e%2f', get('/files/%2e%2e%2fetc')],
  ['%2e%2e', get('/files/%2e%2e/etc')],
  ['dot segments', get('/a/../../etc/passwd')],
  ['encoded slash', get('/api/v1/components/a%2Fb')],
  ['encoded backslash', get('/a%5cb')],
  ['bad percent', get('/a%zz')],
  ['percent at the end', get('/a%')],
  ['raw UTF-8', get('/\xc3\xa4')],
  ['two spaces in the request line', `GET  / HTTP/1.1\r\n${HOST}\r\n`],
  ['space in the target', `GET /a b HTTP/1.1\r\n${HOST}\r\n`, []],
  ['space behind the version', `GET / HTTP/1.1 \r\n${HOST}\r\n`],
  ['tab in the request line', `GET\t/ HTTP/1.1\r\n${HOST}\r\n`, [400, 501]],
  ['fragment', get('/#a')],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
  ['empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n'],
  ['two Hosts', `GET / HTTP/1.1\r\n${HOST}Host: b\r\n\r\n`],
  ['Host with a user', 'GET / HTTP/1.1\r\nHost: a@b\r\n\r\n'],
  ['Host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n'],
  ['Host with a list', 'GET / HTTP/1.1\r\nHost: a, b\r\n\r\n'],
  ['absolute target with another host', get('https://evil/x')],
  ['absolute target with http', get(`http://${station.host}/`)],
  ['authority as the target', `CONNECT a:1 HTTP/1.1\r\n${HOST}\r\n`, [400, 501]],
  ['asterisk', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`],
  ['HTTP/1.2', `GET / HTTP/1.2\r\n${HOST}\r\n`, [400, 505]],
  ['HTTP/2.0', `GET / HTTP/2.0\r\n${HOST}\r\n`, [400, 505]],
  ['HTTP/1.10', `GET / HTTP/1.10\r\n${HOST}\r\n`, [400, 505]],
  ['http/1.1', `GET / http/1.1\r\n${HOST}\r\n`, [400, 505]],
  ['preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400, 505]],
  ['body of a GET', `GET /healthz HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc${SMUGGLED}`],
  ['body of a HEAD', `HEAD /healthz HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc${SMUGGLED}`],
  ['two cookies', get('/', 'Cookie: a=1\r\nCookie: b=2\r\n')],
  ['two authorizations', get('/', `${bearer}${bearer}`)],
  ['unknown method', `FOO / HTTP/1.1\r\n${HOST}\r\n`, [501]],
  ['method in lower case', `get / HTTP/1.1\r\n${HOST}\r\n`, [501]],
  ['header of 40 kB', get('/', `X-A: ${'a'.repeat(40000)}\r\n`), [431]],
  ['2,000 headers', get('/', Array.from({ length: 2000 }, (_, i) => `X-${i}: 1\r\n`).join('')), [431]],
  ['target of 40 kB', get(`/${'a'.repeat(40000)}`), [414, 431]],
];

for (const [name, bytes, statuses = [400]] of REFUSED) {
  test(`refused and closed: ${name}`, async () => {
    const { answers: got } = await say(bytes);
    if (statuses.length === 0 && got.length === 0) return; /* hung up at once */
    assert.equal(got.length, 1, `${got.length} answers: ${JSON.stringify(got.map(({ head }) => head))}`);
    assert.ok(statuses.includes(got[0].status), `${got[0].status}: ${got[0].body}`);
    assert.match(got[0].head, /^connection: close$/im);
  });
}

test('a request of HTTP/0.9 is not answered as one', async () => {
  const { answers: got } = await say('GET /healthz\r\n\r\n');
  assert.ok(got.every(({ status }) => status >= 400), JSON.stringify(got));
});

const TAKEN = [
  ['plain', get('/healthz')],
  ['no space behind the colon', `GET /healthz HTTP/1.1\r\nHost:${station.host}\r\nX-A:1\r\n\r\n`],
  ['tabs and spaces behind the colon', `GET /healthz HTTP/1.1\r\nHost: \t ${station.host}\r\nX-A:\t1\r\n\r\n`],
  ['empty value', get('/healthz', 'X-A:\r\nX-B: \r\n')],
  ['empty last value', get('/healthz', 'X-A: \r\n')],
  ['header of 12 kB', get('/healthz', `X-A: ${'a'.repeat(12000)}\r\nX-B: 1\r\n`)],
  ['80 headers', get('/healthz', Array.from({ length: 80 }, (_, i) => `X-${i}: ${'v'.repeat(i)}\r\n`).join(''))],
  ['Latin-1 in a value', get('/healthz', 'User-Agent: K\xf6ln\r\n')],
  ['name in other cases', `GET /healthz HTTP/1.1\r\nhOST: ${station.host}\r\n\r\n`],
  ['absolute target', get(`https://${station.host}/healthz`)],
  ['query', get('/healthz?a=%20&b')],
  ['length 0', get('/healthz', 'Content-Length: 0\r\n')],
  ['another name for the station', 'GET /healthz HTTP/1.1\r\nHost: building-7.example\r\n\r\n'],
];

for (const [name, bytes] of TAKEN) {
  test(`taken, and the connection stays: ${name}`, async () => {
    const { answers: got } = await say(bytes + get('/api/v1/healthz'), { count: 2 });
    assert.deepEqual(got.map(({ status }) => status), [200, 200], JSON.stringify(got));
  });
}

test('HTTP/1.0 gets an answer and an end', async () => {
  const { answers: got } = await say('GET /healthz HTTP/1.0\r\n\r\n');
  assert.deepEqual(got.map(({ status }) => status), [200]);
});

test('a header that comes byte by byte is the same header', async () => {
  const socket = await dial();
  for (const byte of get('/healthz', 'X-A: 1\r\nX-B:\t2\r\n')) socket.write(byte);
  await within(PATIENCE * SLOWNESS, new Promise((resolve) => { socket.on('data', resolve); }), () => 'no answer');
  assert.equal(answers(socket.heard())[0].status, 200);
  socket.destroy();
});

test('thirty requests in one flight get thirty answers in order', async () => {
  const paths = Array.from({ length: 30 }, (_, i) => (i % 3 ? '/api/v1/healthz' : `/api/v1/nothing-${i}`));
  const { answers: got } = await say(paths.map((path) => get(path)).join(''), { count: 30 });
  assert.deepEqual(got.map(({ status }) => status), paths.map((path) => (path.includes('nothing') ? 404 : 200)));
});

// --- late --------------------------------------------------------------------------------------------------------

/** Writes a byte a second until the station hangs up; resolves to the seconds that took. */
async function drip(start, rest, most) {
  const began = Date.now(); // the station counts from the first byte of the handshake, which may take a while
  const socket = await dial();
  socket.write(start);
  let i = 0;
  const timer = setInterval(() => socket.write(rest[i++ % rest.length]), 1000);
  try {
    await within(most, socket.ended, () => 'the connection is still open');
    return (Date.now() - began) / 1000;
  } finally {
    clearInterval(timer);
    socket.destroy();
  }
}

test('slow clients are cut off at an absolute time', { concurrency: true }, async (t) => {
  const spare = PATIENCE * SLOWNESS;
  let slow = true; // until the last of them is gone
  await Promise.all([
    t.test('a header that never ends: 10 s', async () => {
      const seconds = await drip('GET / HTTP/1.1\r\n', 'X-A: 1\r\n', 10 + spare);
      assert.ok(seconds > 8, `${seconds} s`);
    }),
    t.test('a client that says nothing: 10 s', async () => {
      await drip('', [''], 10 + spare);
    }),
    t.test('a body that never ends: 30 s', async () => {
      const seconds = await drip(post('Content-Length: 4000\r\n'), ' ', 30 + spare);
      slow = false;
      assert.ok(seconds > 25, `${seconds} s`);
    }),
    t.test('others are served meanwhile', async () => {
      for (let i = 0; i < 5; i++) assert.equal((await station.api.send('GET', '/healthz')).status, 200);
      assert.ok(slow, 'they had to wait for the slow ones');
    }),
  ]);
});

// --- bodies ------------------------------------------------------------------------------------------------------

const JSON_TYPE = 'Content-Type: application/json\r\n';
const change = (path, headers, body = '') => `PATCH /api/v1${path} HTTP/1.1\r\n${HOST}${bearer}${headers}\r\n${body}`;

test('413 comes before the body is sent, and is the end', async (t) => {
  for (const [name, bytes] of [
    ['login above 4 KiB', post('Content-Length: 4097\r\n')],
    ['change above 64 KiB', change('/components', `${JSON_TYPE}Content-Length: 65537\r\n`)],
    ['batch above 1 MiB', `POST /api/v1/batch HTTP/1.1\r\n${HOST}${bearer}${JSON_TYPE}Content-Length: 1048577\r\n\r\n`],
    ['with Expect: 100-continue', change('/components', `${JSON_TYPE}Expect: 100-continue\r\nContent-Length: 65537\r\n`)],
    ['length 2^63', change('/components', `${JSON_TYPE}Content-Length: 9223372036854775808\r\n`)],
  ]) {
    await t.test(name, async () => {
      const { answers: got } = await say(bytes);
      assert.deepEqual(got.map(({ status }) => status), [413]);
      assert.match(got[0].head, /^content-type: application\/problem\+json$/im);
    });
  }
});

test('a body of exactly the limit is read', async () => {
  const body = `{}${' '.repeat(65534)}`;
  const { answers: got } = await say(change('/components', `${JSON_TYPE}Content-Length: 65536\r\n`, body), { count: 1 });
  assert.equal(got[0].status, 200, got[0].body);
});

test('what is not JSON as it should be is refused', async () => {
  const deep = (n) => `{"values":${'['.repeat(n)}${']'.repeat(n)}}`;
  for (const [body, headers, status] of [
    ['{"values":{}}', {}, 200],
    ['{"values":{}}', { 'Content-Type': 'application/merge-patch+json; charset=utf-8' }, 200],
    ['{"values":{}}', { 'Content-Type': 'text/plain' }, 415],
    ['values=1', { 'Content-Type': 'application/x-www-form-urlencoded' }, 415],
    ['{}', { 'Content-Type': 'application/jsonx' }, 415],
    ['{}', { 'Content-Type': '' }, 415],
    ['{"values":{}', {}, 400],
    ['{"values":{},"values":{}}', {}, 400],
    ['{"a":"\\u0000"}', {}, 400],
    ['{"a":NaN}', {}, 400],
    [Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d]), {}, 400],
    [deep(31), {}, 422],
    [deep(32), {}, 400],
    [`{"values":[${'0,'.repeat(30000)}0]}`, {}, 422],
    [`[${'{},'.repeat(21000)}{}]`, {}, 400],
  ]) {
    const answer = await station.api.send('PATCH', '/components', body, headers);
    assert.equal(answer.status, status, `${String(body).slice(0, 60)} ${JSON.stringify(headers)}: ${answer.text.slice(0, 200)}`);
    if (status >= 400) assert.equal(answer.headers['content-type'], 'application/problem+json');
  }
});

// --- routes, answers, headers ------------------------------------------------------------------------------------

test('unknown addresses, methods and pages', async () => {
  const expect = async (method, path, status) => {
    const answer = await station.api.send(method, path);
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
    return answer;
  };
  await expect('GET', '/nothing', 404);
  await expect('GET', '//api', 404);
  await expect('GET', '//api/v2/types', 404);
  assert.equal((await expect('DELETE', '/types', 405)).headers.allow, 'GET, HEAD');
  assert.equal((await expect('OPTIONS', '/session', 405)).headers.allow, 'POST, GET, HEAD, DELETE');
  assert.equal((await expect('POST', '//index.html', 405)).headers.allow, 'GET, HEAD');
  await expect('GET', '//js/nothing.js', 404);
  for (const path of ['//', '//index.html', '//setup', '//components/Services/EmailService']) {
    const page = await expect('GET', path, 200);
    assert.match(page.headers['content-type'], /^text\/html/);
    const again = await station.api.send('GET', path, undefined, { 'If-None-Match': page.headers.etag });
    assert.equal(again.status, 304);
    assert.equal(again.text, '');
  }
});

test('every answer carries what protects a browser', async () => {
  const page = await station.api.send('GET', '//');
  const csp = page.headers['content-security-policy'];
  for (const part of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "require-trusted-types-for 'script'"])
    assert.ok(csp.includes(part), csp);
  assert.ok(!csp.includes('unsafe'), csp);
  for (const path of ['//', '/healthz', '/nothing', '/types', '/openapi.json']) {
    const { headers } = await station.api.send('GET', path);
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
    assert.equal(headers['referrer-policy'], 'no-referrer', path);
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin', path);
    assert.match(headers['content-security-policy'], /frame-ancestors 'none'/, path);
    assert.ok(!('access-control-allow-origin' in headers), path);
    if (path !== '//') assert.match(headers['cache-control'], /no-store|no-cache/, path);
  }
});

test('HEAD is GET without the body; 304 is for who has it', async () => {
  const full = await station.api.send('GET', '/components/Services');
  const head = await station.api.send('HEAD', '/components/Services');
  assert.equal(head.status, 200);
  assert.equal(head.text, '');
  assert.equal(head.headers.etag, full.headers.etag);
  assert.equal(head.headers['content-length'], String(Buffer.byteLength(full.text)));
  const types = await station.api.send('GET', '/types');
  const same = await station.api.send('GET', '/types', undefined, { 'If-None-Match': types.headers.etag });
  assert.equal(same.status, 304);
  const other = await station.api.send('GET', '/types', undefined, { 'If-None-Match': '"0-0"' });
  assert.equal(other.status, 200);
  // A component's ETag names its configuration; its live values move without it, so it never answers 304.
  const live = await station.api.send('GET', '/components/Services', undefined, { 'If-None-Match': full.headers.etag });
  assert.equal(live.status, 200);
});

test('healthz and readyz need no login, in both places', async () => {
  const anybody = new Client(station);
  for (const path of ['/healthz', '//healthz', '/readyz', '//readyz', '/openapi.json'])
    assert.equal((await anybody.send('GET', path)).status, 200, path);
  assert.equal((await anybody.get('/readyz')).status, 'ready');
  anybody.close();
});

test('only TLS 1.2 and 1.3 are spoken', async () => {
  await assert.rejects(dial({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }));
  await assert.rejects(dial({ maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA:AES256-SHA:AES128-GCM-SHA256@SECLEVEL=0' }));
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    const socket = await dial({ minVersion: version, maxVersion: version });
    assert.equal(socket.getProtocol(), version);
    assert.match(socket.getCipher().name, /GCM|CHACHA20/);
    socket.destroy();
  }
});

// --- rights ------------------------------------------------------------------------------------------------------

const openapi = await station.api.get('/openapi.json');
const operations = Object.entries(openapi.paths).flatMap(([path, item]) => Object.entries(item).map(([method, operation]) => ({
  method: method.toUpperCase(), operation, open: operation.security?.length === 0, role: operation['x-role'],
  path: path.replace(/\{[^}]*\}/g, 'x'), name: `${method.toUpperCase()} ${path}`,
})));
const changing = operations.filter(({ method }) => method !== 'GET');
const body = ({ operation }) => (operation.requestBody ? '{}' : undefined);
const media = ({ operation }, more = {}) => (operation.requestBody ? { 'Content-Type': Object.keys(operation.requestBody.content)[0], ...more } : more);
/** What kind of body it takes, when that is not JSON. */
const kind = ({ operation }) => {
  const [type] = Object.keys(operation.requestBody?.content ?? {});
  return !type || type === 'application/json' ? {} : { 'Content-Type': type };
};

test('the description covers routes that are there', () => {
  assert.equal(openapi.openapi, '3.1.0');
  assert.ok(changing.length >= 15, `${changing.length} changing operations`);
  const ids = operations.map(({ operation }) => operation.operationId);
  assert.equal(new Set(ids).size, ids.length);
  for (const { operation, name, open } of operations) assert.ok(open || operation['x-role'], `${name} has no role`);
});

test('without a login nothing but the open routes answers', async () => {
  const anybody = new Client(station);
  for (const operation of operations.filter(({ open }) => !open)) {
    for (const headers of [{}, { Authorization: 'Bearer belfry_nonsense' }, { Authorization: 'Basic YTpi' }, { Cookie: '__Host-belfry=0' }, { Cookie: 'x__Host-belfry=0; belfry=1' }]) {
      const answer = await anybody.send(operation.method, operation.path, body(operation), { ...kind(operation), ...headers });
      assert.equal(answer.status, 401, `${operation.name} ${JSON.stringify(headers)}: ${answer.status} ${answer.text}`);
      assert.equal(answer.headers['www-authenticate'], 'Bearer');
    }
  }
  anybody.close();
});

test('no change without the CSRF value, nor from another site', async () => {
  const browser = await station.login();
  const { csrf } = browser;
  browser.csrf = undefined;
  const before = (await station.api.get('/components')).revision;
  const forgeries = [
    ['no value', {}], ['empty value', { 'X-Belfry-Csrf': '' }], ['another value', { 'X-Belfry-Csrf': csrf.replace(/^./, (c) => (c === '0' ? '1' : '0')) }],
    ['a part of the value', { 'X-Belfry-Csrf': csrf.slice(0, -1) }], ['another origin', { 'X-Belfry-Csrf': csrf, Origin: 'https://evil.example' }],
    ['the origin null', { 'X-Belfry-Csrf': csrf, Origin: 'null' }], ['http', { 'X-Belfry-Csrf': csrf, Origin: `http://${station.host}` }],
    ['another port', { 'X-Belfry-Csrf': csrf, Origin: `https://${station.host}0` }],
    ['Sec-Fetch-Site cross-site', { 'X-Belfry-Csrf': csrf, 'Sec-Fetch-Site': 'cross-site' }],
    ['Sec-Fetch-Site same-site', { 'X-Belfry-Csrf': csrf, 'Sec-Fetch-Site': 'same-site' }],
  ];
  for (const operation of changing) {
    for (const [name, headers] of forgeries) {
      if (operation.open && !headers.Origin && !headers['Sec-Fetch-Site']) continue; /* login needs no value */
      const answer = await browser.send(operation.method, operation.path, body(operation), { ...kind(operation), ...headers });
      assert.equal(answer.status, 403, `${operation.name} with ${name}: ${answer.status} ${answer.text}`);
    }
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      if (operation.method === 'DELETE') continue;
      const answer = await browser.send(operation.method, operation.path, 'a=b', { 'Content-Type': type, 'X-Belfry-Csrf': csrf });
      assert.equal(answer.status, 415, `${operation.name} as ${type}: ${answer.status} ${answer.text}`);
    }
  }
  assert.equal((await station.api.get('/components')).revision, before);
  const good = await browser.send('PATCH', '/components', '{"values":{}}', { 'X-Belfry-Csrf': csrf, Origin: station.url, 'Sec-Fetch-Site': 'same-origin' });
  assert.equal(good.status, 200, good.text);
  browser.close();
});

test('a viewer and an operator stay within their role on every route', async () => {
  const rank = { viewer: 1, operator: 2, admin: 3 };
  for (const role of ['viewer', 'operator']) {
    await belfry(['user', 'add', '--data', station.dir, role, '--role', role], { input: `${PASSWORD}\n` });
    const client = new Client(station, { token: await station.addToken(role) });
    for (const operation of operations.filter((one) => rank[one.role] > rank[role])) {
      const answer = await client.send(operation.method, operation.path, body(operation), kind(operation));
      assert.equal(answer.status, 403, `${role}: ${operation.name}: ${answer.status} ${answer.text}`);
    }
    assert.equal((await client.send('GET', '/components')).status, 200);
    client.close();
  }
});

// --- events ------------------------------------------------------------------------------------------------------

const ADMIN_USER = '/Services/UserService/admin';
const setEmail = (email) => station.api.patch(ADMIN_USER, { email });

test('a stream tells values, of what was asked for, and goes on where it was', async () => {
  const stream = await Events.open(station.api, `ords=${encodeURIComponent(`station:|slot:${ADMIN_USER},slot:/No/Such`)}`);
  const unrelated = await Events.open(station.api);
  const hello = await stream.wait('hello');
  assert.ok(stream.seen.indexOf(hello) === 0 && hello.id > 0);
  await setEmail('one@example.com');
  const first = await stream.wait('value', ({ slot, value }) => slot === 'email' && value === 'one@example.com');
  assert.match(first.json.ord, /UserService\/admin$/);
  stream.close();
  await setEmail('two@example.com');
  const second = await Events.open(station.api, `ords=slot:${ADMIN_USER}`, first.id);
  const missed = await second.wait('value', ({ value }) => value === 'two@example.com');
  assert.ok(BigInt(missed.id) > BigInt(first.id));
  assert.ok(!second.seen.some(({ event }) => event === 'reset'));
  assert.ok(!second.seen.some(({ json }) => json?.value === 'one@example.com'));
  second.close();
  assert.ok(!unrelated.seen.some(({ event }) => event === 'value'));
  unrelated.close();
});

test('who was away too long, or comes from nowhere, is told to read again', async () => {
  for (const id of ['1', '99999999999999999999', 'x']) {
    const stream = await Events.open(station.api, '', id);
    await stream.wait('reset');
    stream.close();
  }
});

test('a client that does not read for a while has the newest value in the end', async () => {
  const socket = await dial({ highWaterMark: 1024 });
  socket.pause();
  socket.write(get(`/api/v1/events?ords=slot:${ADMIN_USER}`, bearer));
  const reader = await Events.open(station.api, `ords=slot:${ADMIN_USER}`);
  for (let i = 0; i < 40; i++) await setEmail(`${i}@${'x'.repeat(180)}.example`);
  await reader.wait('value', ({ value }) => String(value).startsWith('39@'));
  reader.close();
  socket.resume();
  await within(PATIENCE * SLOWNESS, (async () => {
    while (!socket.heard().includes('39@')) await new Promise((resolve) => { socket.once('data', resolve); });
  })(), () => socket.heard().slice(-500));
  socket.destroy();
});

test('a stream ends with the login it came with', async () => {
  const browser = await station.login();
  const stream = await Events.open(browser);
  await stream.wait('hello');
  const closed = new Promise((resolve) => { stream.request.on('close', resolve); });
  await browser.delete('/session');
  await within(PATIENCE * SLOWNESS, closed, () => 'the stream goes on');
  await assert.rejects(Events.open(browser), /401/);
  browser.close();
});

// --- the end -----------------------------------------------------------------------------------------------------

test('the station ends in order with streams and connections open', async () => {
  const streams = await Promise.all([1, 2, 3].map(() => Events.open(station.api)));
  const idle = await dial();
  const half = await dial();
  half.write('GET / HTTP/1.1\r\n');
  await station.stop();
  await within(PATIENCE, Promise.all([idle.ended, half.ended]), () => 'a connection is still open');
  for (const stream of streams) stream.close();
});
