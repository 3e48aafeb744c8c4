// SPDX-License-Identifier: Apache-2.0
// timeout: 240
// An authorization server of our own, that misbehaves as asked: what it says is told in a sentence without any secret, and
// when it is good again, so is the account. It also does what the real one of oauth.test.mjs cannot: statements that are
// grants (RFC 7523), grants that tell when they end, and refresh tokens that rotate while the station is killed.

import assert from 'node:assert/strict';
import { X509Certificate, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Pki } from '../support/pki.mjs';
import { SLOWNESS, Station } from '../support/station.mjs';
import { PATIENCE, eventually } from '../support/wait.mjs';

const SERVICE = '/Services/EmailService';
const SECRET = 'client-secret-5d1e9b';
const DAY = 86400e3;
const pki = new Pki();
const answers = {}; // by name: (request, form, what was asked) to an answer; undefined: none
let server, issuer, station, api;
const requests = [];

/* What the token endpoint of a case answers: [status, headers, body]. end: of the authenticator. */
const granted = (more = {}) => [200, { 'Content-Type': 'application/json' }, JSON.stringify({ access_token: 'good-token-1', token_type: 'Bearer', expires_in: 3600, ...more })];
const json = (status, body) => [status, { 'Content-Type': 'application/json' }, typeof body === 'string' ? body : JSON.stringify(body)];
const CASES = {
  huge: { say: () => json(200, `{"access_token":"${'x'.repeat(200000)}"}`), end: 'down', words: /64 KiB/ },
  html: { say: () => [200, { 'Content-Type': 'text/html' }, '<html>Log in, please</html>'], end: 'down', words: /proxy or a login page/ },
  empty: { say: () => [204, {}, ''], end: 'down', words: /proxy or a login page/ },
  redirect: { say: () => [307, { Location: `${issuer}/stolen` }, ''], end: 'down', words: /307/ },
  error: { say: () => json(500, { error: 'server_error' }), end: 'down', words: /500/ },
  busy: { say: () => json(429, { error: 'invalid_client' }), end: 'down', words: /429/ },
  cut: { say: (req) => { req.socket.destroy(); }, end: 'down', words: /connection|cut|closed|failed/i },
  kind: { say: () => json(200, { access_token: 'good-token-1', token_type: 'mac' }), end: 'down', words: /bearer/ },
  control: { say: () => json(200, { access_token: 'a\r\nMAIL FROM:<x>', token_type: 'Bearer' }), end: 'down', words: /no usable token/ },
  deep: { say: () => json(200, '['.repeat(60000)), end: 'down', words: /proxy or a login page/ },
  echo: { say: (req, form) => json(400, { error: 'invalid_scope', error_description: `wrong: ${form} ${SECRET}` }), end: 'fault', words: /invalid_scope\. Check scope/ },
  refused: { say: () => json(401, { error: 'invalid_client', error_description: 'gone\u0007 <b>away</b>' }), end: 'fault', words: /invalid_client/ },
  wrongIssuer: { metadata: (m) => ({ ...m, issuer: 'https://evil.test' }), end: 'down', words: /calls itself "https:\/\/evil\.test"/ },
  clear: { metadata: (m) => ({ ...m, token_endpoint: 'http://127.0.0.1/token' }), end: 'down', words: /token_endpoint that is not asked/ },
  noMetadata: { metadata: () => 'Welcome!', end: 'down', words: /no metadata document/ },
  notThere: { metadata: () => undefined, end: 'down', words: /no metadata document at .* \(answer 404\)/ },
};
const good = new Set();

function document(name) {
  const base = `${issuer}/${name}`;
  const m = { issuer: base, token_endpoint: `${base}/token`, authorization_endpoint: `${base}/authorize`, revocation_endpoint: `${base}/revoke` };
  return good.has(name) ? m : CASES[name]?.metadata?.(m) ?? (CASES[name]?.metadata ? undefined : m);
}

function serve(req, res) {
  let body = '';
  req.on('data', (chunk) => { body += chunk; });
  req.on('end', () => {
    const [, name, what] = req.url.split('/');
    requests.push({ name, what, body, authorization: req.headers.authorization });
    if (req.url.includes('/.well-known/')) {
      const m = document(name === '.well-known' ? req.url.split('/').at(-1) : name);
      res.writeHead(m === undefined ? 404 : 200, { 'Content-Type': 'application/json' }).end(typeof m === 'string' ? m : JSON.stringify(m));
      return;
    }
    const said = good.has(name) ? granted() : CASES[name] ? CASES[name].say?.(req, body) ?? granted() : answers[name](req, new URLSearchParams(body), what);
    if (req.socket.destroyed || !said) return;
    res.writeHead(said[0], said[1]).end(said[2]);
  });
}

before(async () => {
  const certificate = pki.server('hostile');
  server = createServer({ cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) }, serve);
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  issuer = `https://127.0.0.1:${server.address().port}`;
  station = await Station.start();
  api = station.api;
  await api.send('POST', '/certificates/user', pki.root.pem, { 'Content-Type': 'application/x-pem-file' });
});
after(async () => {
  await station?.stop();
  server.closeAllConnections();
  server.close();
});

const login = (name) => `${SERVICE}/${name}/emailAuthenticator`;
const values = async (name) => (await api.component(login(name))).values;
const until = (name, what, accept) => eventually(async () => `${name}, ${what}: ${JSON.stringify(await values(name))}`,
  async () => { const v = await values(name); return accept(v) && v; }, { seconds: PATIENCE * SLOWNESS, every: 100 });
const connected = (name) => until(name, 'it is connected', ({ status, tokenExpires }) => status === '{ok}' && tokenExpires);
const authenticator = (type, name, more = {}) => ({ type: `email:OAuth${type}Authenticator`, authServerMetadataEndpoint: `${issuer}/${name}`, account: 'alice', clientId: 'belfry', ...more });
const add = (name, emailAuthenticator) => api.add(SERVICE, name, 'email:OutgoingAccount', { hostname: '127.0.0.1', port: 1, useSsl: true, emailAuthenticator });
const alarms = async (words) => (await api.get('/alarms?state=open')).items.filter(({ msgText }) => words.test(msgText));

test('what a server says wrong has its sentence, and no secret in it; then it is good again', { concurrency: 50 }, async (t) => {
  await Promise.all(Object.entries(CASES).map(([name, { end, words }]) => t.test(name, async () => {
    await add(name, authenticator('EmailClientSecret', name, { clientSecret: SECRET, scope: 'mail' }));
    const { faultCause } = await until(name, `${end}, ${words}`, (v) => v.status.includes(end) && words.test(v.faultCause));
    assert.ok(!faultCause.includes(SECRET), faultCause);
    assert.doesNotMatch(faultCause, /[\u0000-\u001f]/);
    good.add(name);
    await api.patch(login(name), { scope: 'mail now' });
    await connected(name);
  })));
  assert.deepEqual(requests.filter(({ name }) => name === 'stolen'), [], 'a redirect was followed');
});

test('a statement that is the grant itself (RFC 7523 section 2.1)', async () => {
  await api.post('/certificates/keys/generate', { alias: 'signer', commonName: 'station', keyAlgorithm: 'EC', keySize: 256, usage: 'client', days: 5 });
  const { publicKey } = new X509Certificate((await api.get('/certificates/keys/signer')).chain);
  const part = (text) => JSON.parse(Buffer.from(text, 'base64url').toString());
  let claims;
  answers.statement = (req, form) => {
    if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') return json(400, { error: 'unsupported_grant_type' });
    const [head, body, signature] = form.get('assertion').split('.');
    claims = part(body);
    const genuine = part(head).alg === 'ES256' && verify('sha256', `${head}.${body}`, { key: publicKey, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'));
    return genuine ? granted() : json(400, { error: 'invalid_grant' });
  };
  await add('statement', authenticator('EmailClientCertificate', 'statement', { clientCertificate: 'signer', useJWTBearerAssertion: true, scope: 'https://mail.test/' }));
  await connected('statement');
  assert.equal(claims.iss, 'belfry');
  assert.equal(claims.sub, 'alice');
  assert.equal(claims.aud, `${issuer}/statement/token`);
  assert.equal(claims.scope, 'https://mail.test/');
  assert.ok(Math.abs(claims.iat - Date.now() / 1000) < 600 && claims.exp - claims.iat <= 3600, JSON.stringify(claims));
});

test('an alarm days before a certificate or a secret ends, and none any more when it was renewed', async () => {
  await eventually('the alarm of the certificate that ends in five days', async () => (await alarms(/certificate ends in [45] days/)).length === 1, { seconds: PATIENCE * SLOWNESS });
  answers.secret = () => granted();
  const ends = (days) => new Date(Date.now() + days * DAY).toISOString();
  await add('secret', authenticator('EmailClientSecret', 'secret', { clientSecret: SECRET, clientSecretExpires: ends(9.5) }));
  await connected('secret');
  await eventually('the alarm of the secret', async () => (await alarms(/secret or certificate ends in 9 days\. Enter a new one/)).length === 1, { seconds: PATIENCE * SLOWNESS });
  await api.patch(login('secret'), { clientSecretExpires: ends(400) });
  await eventually('it is normal', async () => (await alarms(/ends in 9 days/)).every(({ sourceState }) => sourceState === 'normal'), { seconds: PATIENCE * SLOWNESS });
});

/** A person's consent, given by the test: what the browser would bring back. */
async function authorize(name) {
  const { result } = await api.post(`/components${login(name)}/actions/authorize`, JSON.stringify('https://127.0.0.1/oauth/callback'));
  const asked = new URL(result).searchParams;
  assert.equal(asked.get('code_challenge_method'), 'S256');
  await api.post('/oauth/callback', { state: asked.get('state'), code: 'code-1' });
}

test('a grant that ends in days is an alarm; disconnect withdraws and forgets it', async () => {
  answers.person = (req, form, what) => (what === 'revoke' ? [200, {}, ''] : granted({ refresh_token: 'refresh-7', refresh_token_expires_in: 3.5 * 86400 }));
  await add('person', authenticator('AuthorizationCode', 'person', { clientSecret: SECRET }));
  await authorize('person');
  await connected('person');
  const left = (Date.parse((await values('person')).grantExpires) - Date.now()) / DAY;
  assert.ok(left > 3 && left < 4, String(left));
  await eventually('the alarm of the grant', async () => (await alarms(/permission to use this mailbox ends in 3 days\. Authorize again/)).length === 1, { seconds: PATIENCE * SLOWNESS });
  await api.post(`/components${login('person')}/actions/disconnect`);
  await until('person', 'it is disconnected', ({ status, faultCause, tokenExpires }) => /fault/.test(status) && /Nobody has authorized/.test(faultCause) && !tokenExpires);
  const revoked = await eventually('it was withdrawn', () => requests.find(({ name, what }) => name === 'person' && what === 'revoke'));
  assert.equal(new URLSearchParams(revoked.body).get('token'), 'refresh-7');
  assert.equal(Buffer.from(revoked.authorization.split(' ')[1], 'base64').toString(), `belfry:${SECRET}`, 'a client with a secret proves itself (RFC 7009 section 2.1)');
  const before = requests.length;
  await station.restart();
  api = station.api;
  await until('person', 'it stays so', ({ status, faultCause }) => /fault/.test(status) && /Nobody has authorized/.test(faultCause));
  assert.ok(!requests.slice(before).some(({ name, body }) => name === 'person' && body.includes('refresh')));
  await connected('secret'); // these ask while the station starts: trust and keys must be there
  await connected('statement');
});

test('a kill at any step of a rotation loses no grant', async () => {
  let newest = 0, wait, killed;
  const kill = () => { killed ??= station.kill(); };
  answers.rotating = (req, form) => {
    if (form.get('grant_type') === 'authorization_code') return granted({ refresh_token: `rotating-${newest}` });
    const shown = Number(form.get('refresh_token').split('-')[1]);
    if (shown !== newest && shown !== newest - 1) return json(400, { error: 'invalid_grant' }); // as at Microsoft: the one before is good until the new one is used
    if (wait === 'asked') { kill(); return undefined; }
    newest = shown + 1;
    if (wait !== undefined) setTimeout(kill, wait);
    return granted({ refresh_token: `rotating-${newest}` });
  };
  await api.post('/batch', Object.keys(CASES).map((name) => ({ op: 'remove', path: `${SERVICE}/${name}` }))); // they have nothing to do with it
  await add('rotating', authenticator('AuthorizationCode', 'rotating', {}));
  await authorize('rotating'); // answered when it is on disk, so the kill comes at once
  await station.kill();
  for (wait of ['asked', 0, 5, 20, 80, 320]) { // milliseconds from the answer to the kill
    killed = undefined;
    await station.launch().catch(() => undefined); // it may be killed before it is ready
    await eventually(`killed: ${wait}`, () => Boolean(killed), { seconds: PATIENCE * SLOWNESS });
    await killed;
  }
  wait = undefined;
  await station.launch();
  api = station.api;
  await connected('rotating');
  assert.ok(newest > 0);
  assert.ok(!readFileSync(join(station.dir, 'station.db'), 'latin1').includes('rotating-'), 'a token can be read in the database');
});
