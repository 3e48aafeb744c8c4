// SPDX-License-Identifier: Apache-2.0
// modes: release asan
//
// The certificate stores and Allowed Hosts over REST: what is imported, refused, shown, and kept after a kill -9; who may
// do it; and a mail server with a certificate of its own that is refused, approved, and refused again with another key.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connect } from 'node:tls';
import { readFileSync } from 'node:fs';
import { Client } from '../support/client.mjs';
import { Pki, fingerprint } from '../support/pki.mjs';
import { PASSWORD, Station, belfry } from '../support/station.mjs';

let station, api, pki;

before(async () => {
  pki = new Pki();
  station = await Station.start();
  api = station.api;
});
after(() => station?.stop());

const key = (file) => readFileSync(file.key, 'utf8');
const detail = (answer) => answer.body.errors?.[0]?.detail ?? answer.body.detail;

test('a CA is imported as JSON, shown in full, and kept after kill -9', async () => {
  const answer = await api.send('POST', '/certificates/user', { alias: 'plant', pem: pki.root.pem });
  assert.equal(answer.status, 201, answer.text);
  assert.match(answer.headers.location, /\/api\/v1\/certificates\/user\/plant$/);
  assert.deepEqual(answer.body.warnings, []);
  await station.kill();
  await station.launch();
  api = station.api;
  const row = await api.get('/certificates/user/plant');
  assert.equal(row.fingerprints.sha256, fingerprint(pki.root.cert));
  assert.match(row.subject, /CN=Plant Root CA/);
  assert.equal(row.issuer, row.subject);
  assert.deepEqual([row.alias, row.ca, row.selfSigned, row.valid, row.keyAlgorithm, row.keySize], ['plant', true, true, true, 'EC', 256]);
  assert.deepEqual(row.keyUsage, ['keyCertSign', 'cRLSign']);
  assert.equal(row.pem.trim(), pki.root.pem.trim());
  assert.ok(Date.parse(row.notAfter) > Date.now());
  assert.equal((await api.get('/certificates/user')).items.length, 1);
});

test('a PEM file with several certificates is taken as it is', async () => {
  const server = pki.server('several');
  const answer = await api.send('POST', '/certificates/user', server.pem, { 'Content-Type': 'application/x-pem-file' });
  assert.equal(answer.status, 201, answer.text);
  assert.equal(answer.body.items.length, 2);
  assert.match(answer.body.warnings[0].detail, /not a CA/);
  for (const { alias } of answer.body.items) assert.equal((await api.send('DELETE', `/certificates/user/${encodeURIComponent(alias)}`)).status, 204);
});

test('what is no certificate is refused, and a private key is never stored', async () => {
  for (const [pem, status, words] of [
    ['', 422, /no certificate/], ['hello', 422, /no certificate/],
    ['-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n', 422, /cannot be read/],
    [pki.intermediate.pem + key(pki.intermediate), 422, /private key\. Nothing was stored/],
    [pki.root.pem, 409, /already, as "plant"/],
  ]) {
    const answer = await api.send('POST', '/certificates/user', { pem });
    assert.equal(answer.status, status, answer.text);
    assert.match(detail(answer), words);
    assert.equal(answer.body.errors[0].pointer, '/pem');
    assert.ok(!answer.text.includes(key(pki.intermediate).split('\n')[1]), 'the answer repeats the key');
  }
  assert.equal((await api.send('POST', '/certificates/user', { alias: 'a/b', pem: pki.intermediate.pem })).status, 422);
  assert.equal((await api.send('POST', '/certificates/user', { alias: 'a' })).status, 400);
  assert.equal((await api.get('/certificates/user')).items.length, 1);
});

test('an import under an alias that is there replaces it', async () => {
  const changed = await api.post('/certificates/user', { alias: 'plant', pem: pki.intermediate.pem });
  assert.match(changed.subject, /Plant Issuing CA/);
  assert.equal((await api.get('/certificates/user')).items.length, 1);
  assert.equal((await api.send('DELETE', '/certificates/user/plant')).status, 204);
  assert.equal((await api.send('DELETE', '/certificates/user/plant')).status, 404);
  assert.equal((await api.send('GET', '/certificates/user/plant')).status, 404);
});

test('an expired certificate is taken with a warning', async () => {
  const old = pki.server('old', { days: -1 });
  const { warnings, valid, alias } = await api.post('/certificates/user', { pem: old.pem });
  assert.equal(valid, false);
  assert.match(warnings.map((warning) => warning.detail).join(), /expired on/);
  await api.delete(`/certificates/user/${alias}`);
});

test('the System Trust Store is listed and read-only', async () => {
  const { items } = await api.get('/certificates/system');
  assert.ok(items.length > 50);
  assert.equal(new Set(items.map((row) => row.alias)).size, items.length, 'an alias comes twice');
  const one = await api.get(`/certificates/system/${encodeURIComponent(items[5].alias)}`);
  assert.deepEqual(one, items[5]);
  assert.equal((await api.send('GET', '/certificates/system/nobody')).status, 404);
  const refused = await api.send('DELETE', `/certificates/system/${encodeURIComponent(items[5].alias)}`);
  assert.ok([404, 405].includes(refused.status), refused.text);
});

test('the key store shows the certificate that HTTPS serves, and no key', async () => {
  const { hostname, port } = new URL(station.url);
  const served = await new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port, ca: station.certificate, servername: 'localhost' }, () => {
      resolve(socket.getPeerCertificate().fingerprint256.replaceAll(':', '').toLowerCase());
      socket.destroy();
    });
    socket.on('error', reject);
  });
  const answer = await api.send('GET', '/certificates/keys');
  const [row] = answer.body.items;
  assert.equal(row.alias, 'default');
  assert.equal(row.fingerprints.sha256, served);
  assert.ok(row.sans.includes('localhost') && row.sans.includes('127.0.0.1'));
  assert.ok(!answer.text.includes('PRIVATE'));
});

test('only an admin changes what is trusted', async () => {
  const { code } = await belfry(['user', 'add', '--data', station.dir, 'otto', '--role', 'operator'], { input: `${PASSWORD}\n` });
  assert.equal(code, 0);
  const otto = new Client(station, { token: await station.addToken('otto') });
  try {
    assert.equal((await otto.send('GET', '/certificates/user')).status, 200);
    assert.equal((await otto.send('GET', '/allowed-hosts')).status, 200);
    for (const [method, path, body] of [
      ['POST', '/certificates/user', { pem: pki.root.pem }], ['DELETE', '/certificates/user/x'],
      ['POST', '/allowed-hosts/mail.test:465/approve', { reason: 'x' }], ['POST', '/allowed-hosts/mail.test:465/unapprove', {}],
      ['DELETE', '/allowed-hosts/mail.test:465'],
    ]) assert.equal((await otto.send(method, path, body)).status, 403, `${method} ${path}`);
  } finally {
    otto.close();
  }
  const nobody = new Client(station);
  assert.equal((await nobody.send('GET', '/certificates/user')).status, 401);
  nobody.close();
});

test('an approval wants a row, a reason and an end in the future', async () => {
  assert.equal((await api.send('POST', '/allowed-hosts/mail.test:465/approve', { reason: 'x' })).status, 404);
  assert.equal((await api.send('POST', '/allowed-hosts/mail.test:465/approve', {})).body.errors[0].pointer, '/reason');
  const late = await api.send('POST', '/allowed-hosts/mail.test:465/approve', { reason: 'x', expires: '2001-01-01T00:00:00Z' });
  assert.equal(late.body.errors[0].pointer, '/expires');
  assert.equal((await api.send('GET', '/allowed-hosts/mail.test:465')).status, 404);
});
