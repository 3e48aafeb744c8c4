// SPDX-License-Identifier: Apache-2.0
// modes: release asan
// timeout: 300
// Accounts that log in with tokens: of a real authorization server (oidc-provider), taken by Debian's Postfix and Dovecot.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CLIENT, Identity, SCOPE, SECRET } from '../support/identity.mjs';
import { MailHost, needsRoot } from '../support/mailhost.mjs';
import { Pki } from '../support/pki.mjs';
import { ACCOUNT, IMPLICIT, addContacts, basic, close, ledgerRow, open, setUpMail } from '../support/plant.mjs';
import { SLOWNESS, Station } from '../support/station.mjs';
import { PATIENCE, eventually, logged } from '../support/wait.mjs';

const LOGIN = `${ACCOUNT}/emailAuthenticator`;
const REDIRECT = 'https://127.0.0.1/oauth/callback'; // as registered; no browser goes there in these tests
const pki = new Pki();
let identity, host, station, api, contact;

before(async () => {
  station = await Station.start();
  await station.api.post('/certificates/keys/generate', { alias: 'signer', commonName: 'station', keyAlgorithm: 'EC', keySize: 256, usage: 'client' });
  const { chain } = await station.api.get('/certificates/keys/signer');
  const signer = { client_id: 'signer', token_endpoint_auth_method: 'private_key_jwt', grant_types: ['client_credentials'], redirect_uris: [], response_types: [], jwks: { keys: [new X509Certificate(chain).publicKey.export({ format: 'jwk' })] } };
  identity = await Identity.start(pki.server('identity'), { clients: [signer] });
  if (!needsRoot) host = await MailHost.start(pki.server('served'), { publicKey: identity.publicKey });
  api = station.api;
  [contact] = await addContacts(api, 1);
});
after(async () => {
  host?.stop();
  identity?.stop();
  await station?.stop();
});

const login = async () => (await api.component(LOGIN)).values;
const until = (what, accept) => eventually(async () => `${what}: ${JSON.stringify(await login())}`, async () => { const values = await login(); return accept(values) && values; }, { seconds: 40 * SLOWNESS, every: 100 });
const connected = () => until('it is connected', ({ status, tokenExpires }) => status === '{ok}' && tokenExpires);
const use = (type, values) => api.patch(ACCOUNT, { emailAuthenticator: { type: `email:OAuth${type}Authenticator`, authServerMetadataEndpoint: identity.issuer, account: 'alice', clientId: CLIENT, clientSecret: SECRET, scope: SCOPE, ...values } });

/** An alarm mail goes through, and Postfix says how the account logged in. */
async function deliver(subject, method) {
  const mark = host.logMark();
  await setUpMail(api, { port: host.smtps, account: { ...IMPLICIT, emailAuthenticator: undefined }, recipient: { subject } });
  await close(api, contact);
  await ledgerRow(api, `accepted, with subject ${subject}`, (mail) => mail.subject === subject && mail.state === 'accepted', 40 * SLOWNESS);
  await open(api, contact);
  await logged(() => host.logText(mark), new RegExp(`sasl_method=${method}, sasl_username=alice`, 'i'));
}

test('an authorization server of an unknown CA is refused and stands under Allowed Hosts', async () => {
  await use('EmailClientSecret', { scope: 'mail' });
  const { faultCause } = await until('it is refused', ({ status }) => /down/.test(status));
  assert.match(faultCause, /neither trust store/);
  const name = identity.issuer.replace('https://', '');
  const row = await eventually('a row', async () => (await api.get('/allowed-hosts')).items.find((item) => item.host === name));
  assert.equal(row.approved, false);
  assert.deepEqual(identity.requests, [], 'nothing was asked');
  await api.send('POST', '/certificates/user', pki.root.pem, { 'Content-Type': 'application/x-pem-file' });
});

test('a client secret gets a token, and mail goes out with XOAUTH2 and OAUTHBEARER', { skip: needsRoot }, async () => {
  await api.patch(ACCOUNT, { emailAuthenticator: basic() });
  await deliver('by password', '[^,]*'); // over a connection that stays open for a while
  await use('EmailClientSecret', { scope: 'mail', mechanism: 'xoauth2' });
  await connected();
  await deliver('by XOAUTH2', 'XOAUTH2');
  await api.patch(LOGIN, { mechanism: 'oauthbearer' });
  await deliver('by OAUTHBEARER', 'OAUTHBEARER');
});

test('a wrong secret is said in a sentence, and mended', async () => {
  await api.patch(LOGIN, { clientSecret: 'wrong-secret' });
  const { faultCause } = await until('fault', ({ status }) => /fault/.test(status));
  assert.match(faultCause, /invalid_client.*secret/);
  await eventually('an alarm', async () => (await api.get('/alarms?state=open')).items.some(({ source }) => JSON.stringify(source).includes('emailAuthenticator')), { seconds: PATIENCE * SLOWNESS });
  await api.patch(LOGIN, { clientSecret: SECRET });
  await connected();
});

test('a certificate of the User Key Store signs for the token (RFC 7523)', async () => {
  await use('EmailClientCertificate', { scope: 'mail', clientId: 'signer', clientSecret: undefined, clientCertificate: 'nobody' });
  assert.match((await until('fault', ({ status }) => /fault/.test(status))).faultCause, /nobody/);
  await api.patch(LOGIN, { clientCertificate: 'signer' });
  await connected();
});

/** A person's consent in the browser, without one. */
async function authorize() {
  const { result } = await api.post(`/components${LOGIN}/actions/authorize`, JSON.stringify(REDIRECT));
  const { location } = await identity.walk(result);
  return Object.fromEntries(new URL(location).searchParams);
}

test('a person authorizes in the browser; code and state are good for once', async () => {
  await use('AuthorizationCode', {});
  await until('nobody has authorized', ({ faultCause }) => /Authorize/.test(faultCause));
  const back = await authorize();
  assert.ok(back.code && back.state, JSON.stringify(Object.keys(back)));
  const stranger = await api.send('POST', '/oauth/callback', { ...back, state: `x${back.state.slice(1)}` });
  assert.equal(stranger.status, 404);
  assert.deepEqual(await api.post('/oauth/callback', back), { path: LOGIN });
  await connected();
  assert.equal((await api.send('POST', '/oauth/callback', back)).status, 404);
});

test('a mix-up of authorization servers is refused (RFC 9207)', async () => {
  const back = await authorize();
  const answer = await api.send('POST', '/oauth/callback', { ...back, iss: 'https://evil.test' });
  assert.equal(answer.status, 502, answer.text);
  assert.match(answer.text, /another authorization server/);
  await connected(); // the permission that there was goes on
});

test('mail goes out by a person\'s permission', { skip: needsRoot }, () => deliver('by a person', 'XOAUTH2|OAUTHBEARER'));

/** Every refresh token that the server has given: the last one is in use. */
const refreshes = () => identity.requests.filter((line) => line === 'POST /token').length;

test('the permission survives a kill, rotation included, and is in no text that leaves the station', async () => {
  for (let round = 0; round < 3; round += 1) {
    const before = refreshes();
    await station.kill();
    await station.launch();
    api = station.api;
    await connected();
    assert.ok(refreshes() > before);
  }
  const texts = [JSON.stringify(await api.get('/config')), JSON.stringify(await api.get('/audit')), JSON.stringify(await api.get('/components/Services/EmailService?depth=4')),
    station.stdout, station.stderr, readFileSync(join(station.dir, 'station.db'), 'latin1')];
  for (const secret of [SECRET, ...identity.tokens]) assert.ok(!texts.some((text) => text.includes(secret)), 'a secret is shown');
  assert.ok(identity.tokens.length >= 4);
});

test('a permission that was withdrawn is told, with an alarm, until a person authorizes anew', async () => {
  await identity.withdraw();
  await station.kill();
  await station.launch();
  api = station.api;
  const { faultCause } = await until('fault', ({ status, faultCause: cause }) => /fault/.test(status) && /invalid_grant/.test(cause));
  assert.match(faultCause, /Authorize again/);
  await eventually('an alarm', async () => (await api.get('/alarms?state=open')).items.some(({ msgText }) => /Authorize again/.test(msgText)), { seconds: PATIENCE * SLOWNESS });
  await api.post('/oauth/callback', await authorize());
  await connected();
});

test('a device code is entered elsewhere', async () => {
  await use('DeviceCode', {});
  await until('nobody has authorized', ({ faultCause }) => /Authorize/.test(faultCause));
  const { result } = await api.post(`/components${LOGIN}/actions/authorize`);
  assert.match(result.userCode, /^\w{4}-\w{4}$/);
  assert.equal((await login()).userCode, result.userCode);
  await identity.walk(result.verificationUriComplete);
  await connected();
  assert.equal((await login()).userCode, '');
});

test('a preset fills in what is known', async () => {
  await api.post(`/components${LOGIN}/actions/usePreset`, '"microsoft365"');
  const values = await login();
  assert.match(values.authServerMetadataEndpoint, /^https:\/\/login\.microsoftonline\.com\//);
  assert.match(values.scope, /SMTP\.Send/);
  const account = (await api.component(ACCOUNT)).values;
  assert.equal(account.hostname, 'smtp.office365.com');
  assert.equal(account.useStartTls, true);
});
