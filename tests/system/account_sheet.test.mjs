// SPDX-License-Identifier: Apache-2.0
// modes: release asan
// The mail account's sheet: what contradicts is refused whole, what is unwise is saved with a warning, and a port of -1
// shows what it means.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { ACCOUNT } from '../support/plant.mjs';
import { Station } from '../support/station.mjs';
import { eventually } from '../support/wait.mjs';

let station, api;
before(async () => { station = await Station.start(); api = station.api; });
after(() => station.stop());
beforeEach(() => api.patch(ACCOUNT, { hostname: 'mail.example', port: -1, useSsl: true, useStartTls: false }));

const login = (kind, values = {}) => ({ emailAuthenticator: { type: `email:${kind}EmailClientAuthenticator`, ...values } });
const oauth = { authServerMetadataEndpoint: 'https://127.0.0.1:1', account: 'alice', clientId: 'c', clientSecret: 's' };
const STATUSES = [
  [{}, '{ok}', /^$/],
  [{ hostname: '' }, '{fault}', /^No hostname is set: /],
  [{ hostname: '', enabled: false }, '{disabled}', /^$/],
  [{ hostname: '', enabled: true, transport: 'Maildir' }, '{ok}', /^$/],
  [{ hostname: 'mail.example', transport: 'Smtp', clientCertificate: 'gone' }, '{fault}', /no key "gone"/],
  [{ clientCertificate: '', ...login('Certificate') }, '{fault}', /set Client Certificate to a key/],
  [{ emailAuthenticator: { ...oauth, type: 'email:OAuthDeviceCodeAuthenticator' } }, '{fault}', /Nobody has authorized this station yet/],
  [{ emailAuthenticator: { ...oauth, clientId: '', type: 'email:OAuthEmailClientSecretAuthenticator' } }, '{fault}', /There is no access token: /],
  [{ emailAuthenticator: { ...oauth, type: 'email:OAuthEmailClientSecretAuthenticator' } }, '{down}', /There is no access token: /],
  [login('Basic', { account: 'alice', password: 'secret1' }), '{ok}', /^$/],
];

test('what cannot connect or log in is at fault and says why, unless it is not in use', async () => {
  for (const [values, status, cause] of STATUSES) {
    await api.patch(ACCOUNT, values);
    const shown = await eventually(async () => `${status} after ${JSON.stringify(values)}: ${JSON.stringify((await api.component(ACCOUNT)).values)}`, async () => {
      const now = (await api.component(ACCOUNT)).values;
      return now.status === status && now;
    });
    assert.match(shown.faultCause, cause);
  }
});

const patch = (values, headers) => api.send('PATCH', `/components${ACCOUNT}`, { values }, headers);
const pointers = ({ body }) => (body.errors ?? []).map(({ pointer }) => pointer).sort();

test('useSsl and useStartTls both true: 422, both pointers, a sentence, nothing saved', async () => {
  const answer = await patch({ useStartTls: true, hostname: 'changed.example' });
  assert.equal(answer.status, 422, answer.text);
  assert.match(answer.headers['content-type'], /^application\/problem\+json/);
  assert.deepEqual(pointers(answer), ['/values/useSsl', '/values/useStartTls']);
  for (const { detail } of answer.body.errors) assert.match(detail, /^[A-Z].{20,}\.$/);
  const { values } = await api.component(ACCOUNT);
  assert.equal(values.useStartTls, false);
  assert.equal(values.hostname, 'mail.example', 'a valid part of a refused change was saved');
});

test('a value out of its range is refused together with all other errors', async () => {
  const answer = await patch({ port: 70000, connectionTimeout: 'soon', useSsl: 'perhaps' });
  assert.equal(answer.status, 422, answer.text);
  assert.deepEqual(pointers(answer), ['/values/connectionTimeout', '/values/port', '/values/useSsl']);
});

for (const [mode, usual, wrong] of [
  [{ useSsl: true, useStartTls: false }, 465, 587],
  [{ useSsl: false, useStartTls: true }, 587, 465],
]) {
  test(`port ${wrong} with ${JSON.stringify(mode)} is saved, with a warning that names ${usual}`, async () => {
    const answer = await patch({ ...mode, port: wrong });
    assert.equal(answer.status, 200, answer.text);
    const warning = answer.body.warnings.find(({ pointer }) => pointer === '/values/port');
    assert.match(warning?.detail ?? '', new RegExp(`\\b${usual}\\b`), answer.text);
    assert.equal((await api.component(ACCOUNT)).values.port, wrong);
  });
}

for (const [mode, port] of [
  [{ useSsl: true, useStartTls: false }, 465],
  [{ useSsl: false, useStartTls: true }, 587],
  [{ useSsl: false, useStartTls: false }, 25],
]) {
  test(`port -1 with ${JSON.stringify(mode)} means ${port}`, async () => {
    const answer = await patch({ ...mode, port: -1 });
    assert.equal(answer.status, 200, answer.text);
    const { values } = await api.component(ACCOUNT);
    assert.equal(values.port, -1);
    assert.equal(values.effectivePort, port, JSON.stringify(values));
  });
}

test('no TLS at all is saved, with a warning', async () => {
  const answer = await patch({ useSsl: false, useStartTls: false });
  assert.equal(answer.status, 200, answer.text);
  assert.ok(answer.body.warnings.length > 0, answer.text);
});

test('a least TLS version below 1.2 is saved, with a warning', async () => {
  const answer = await patch({ tlsMinProtocol: 'tlsV1_0' });
  assert.equal(answer.status, 200, answer.text);
  assert.ok(answer.body.warnings.some(({ pointer }) => pointer === '/values/tlsMinProtocol'), answer.text);
});

test('what names nothing, or does nothing, is saved with a warning that says so', async () => {
  const warned = async (path, values) => (await api.send('PATCH', `/components${path}`, { values })).body.warnings.map(({ detail }) => detail).join(' ');
  const recipient = '/Services/EmailService/EmailRecipient';
  assert.match(await warned(recipient, { bounceRecipient: 'Nobody' }), /no email recipient "Nobody"/);
  assert.equal(await warned(recipient, { bounceRecipient: 'EmailRecipient' }), '');
  assert.match(await warned(ACCOUNT, { emailAuthenticator: { account: '', password: 'secret' } }), /Without an account the password is not used/);
});

test('the address of the link in mails begins with https://', async () => {
  const acknowledger = '/components/Services/EmailService/EmailAlarmAcknowledger';
  for (const linkAddress of ['station.example', 'http://station.example', 'https:///ack']) assert.equal((await api.send('PATCH', acknowledger, { values: { linkAddress } })).status, 422, linkAddress);
  assert.equal((await api.send('PATCH', acknowledger, { values: { linkAddress: 'https://station.example:8443/' } })).status, 200);
});

test('what a text names is told by its type, so that a page can offer it', async () => {
  const { slots } = await api.get('/types/email:EmailRecipient');
  const names = Object.fromEntries(slots.filter(({ facets }) => facets.names).map(({ name, facets }) => [name, facets.names]));
  assert.deepEqual(names, { timeZone: 'timeZone', emailAccount: 'email:OutgoingAccount', bounceRecipient: 'email:EmailRecipient' });
});

test('the password is kept, never shown, and not in the files', async () => {
  const answer = await patch({ emailAuthenticator: { type: 'email:BasicEmailClientAuthenticator', account: 'alice', password: 'Sesam-8264' } });
  assert.equal(answer.status, 200, answer.text);
  assert.ok(!answer.text.includes('Sesam-8264'));
  assert.deepEqual((await api.component(ACCOUNT)).values.emailAuthenticator.password, { set: true });
  await patch({ emailAuthenticator: { account: 'bob' } });
  assert.deepEqual((await api.component(`${ACCOUNT}/emailAuthenticator`)).values.password, { set: true }, 'a change beside it lost the password');
});

test('an old revision is refused with 412', async () => {
  const { headers } = await api.send('GET', `/components${ACCOUNT}`);
  await patch({ hostname: 'other.example' });
  const answer = await patch({ hostname: 'third.example' }, { 'If-Match': headers.etag });
  assert.equal(answer.status, 412, answer.text);
  assert.equal((await api.component(ACCOUNT)).values.hostname, 'other.example');
});
