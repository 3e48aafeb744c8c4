// SPDX-License-Identifier: Apache-2.0
// modes: release asan
//
// The User Key Store over REST: keys of every kind are made, signed by a CA that openssl is, imported, exported and read by
// openssl again, kept after a kill -9, and never seen anywhere in the clear. What is hostile or wrong is refused.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from '../support/client.mjs';
import { Pki } from '../support/pki.mjs';
import { PASSWORD, Station, belfry } from '../support/station.mjs';

let station, api, pki;
const EXPORT = 'correct horse';

before(async () => {
  pki = new Pki();
  station = await Station.start();
  api = station.api;
});
after(() => station?.stop());

const openssl = (args, input) => execFileSync('openssl', args, { input, stdio: ['pipe', 'pipe', 'pipe'] }).toString();
const write = (name, text) => { const file = join(pki.dir, name); writeFileSync(file, text); return file; };
const generate = (body) => api.send('POST', '/certificates/keys/generate', body);
const pem = async (path, body) => {
  const answer = await api.send('POST', `/certificates/keys/${path}`, body);
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.headers['content-type'], /x-pem-file/);
  return answer.text;
};
const finding = (answer) => [answer.status, answer.body.errors?.[0]?.pointer, answer.body.errors?.[0]?.detail ?? answer.body.detail];
const refused = (answer, status, pointer, words) => {
  const [was, where, what] = finding(answer);
  assert.deepEqual([was, where], [status, pointer], answer.text);
  assert.match(what, words);
};

test('keys of every kind and usage are made, and say what they are', async () => {
  for (const [keyAlgorithm, keySize, usage, extended, words] of [
    ['RSA', 2048, 'server', ['serverAuth'], ['digitalSignature', 'keyEncipherment']],
    ['EC', 384, 'client', ['clientAuth'], ['digitalSignature']],
    ['Ed25519', 256, 'ca', [], ['keyCertSign', 'cRLSign']],
    ['EC', 256, 'email', ['emailProtection'], ['digitalSignature', 'nonRepudiation', 'keyAgreement']],
  ]) {
    const alias = `${keyAlgorithm}-${usage}`;
    const answer = await generate({ alias, commonName: 'plant.test', organization: 'Plant', country: 'DE', sans: ['b.test', '192.0.2.7', '2001:db8::7', 'https://x.test/y'],
      keyAlgorithm, keySize, usage, days: 90, ...(usage === 'email' ? { email: 'station@plant.test' } : {}) });
    assert.equal(answer.status, 201, answer.text);
    assert.equal(answer.headers.location, `/api/v1/certificates/keys/${alias}`);
    const row = answer.body;
    assert.deepEqual([row.alias, row.keyAlgorithm, row.keySize, row.ca, row.valid, row.selfSigned], [alias, keyAlgorithm, keySize, usage === 'ca', true, true]);
    assert.deepEqual([row.extendedKeyUsage, row.keyUsage, row.usage], [extended, words, [usage]]);
    const names = ['b.test', '192.0.2.7', '2001:db8::7', 'https://x.test/y', ...(usage === 'server' ? ['plant.test'] : []), ...(usage === 'email' ? ['station@plant.test'] : [])];
    assert.deepEqual(row.sans, names);
    const text = openssl(['x509', '-noout', '-subject', '-nameopt', 'RFC2253'], row.pem);
    assert.equal(text.trim(), 'subject=CN=plant.test,O=Plant,C=DE');
    assert.ok(Math.abs(Date.parse(row.notAfter) - Date.now() - 90 * 86400000) < 7200000);
  }
  const items = (await api.get('/certificates/keys')).items;
  assert.deepEqual(items.map((row) => row.alias), ['default', 'RSA-server', 'EC-client', 'Ed25519-ca', 'EC-email']);
  assert.ok(!JSON.stringify(items).includes('PRIVATE KEY'));
  for (const row of items) openssl(['verify', '-partial_chain', '-trusted', write('self.pem', row.pem)], row.pem);
});

test('everything that is wrong with a wish is said at once', async () => {
  const answer = await generate({ alias: 'a/b', commonName: '*.test', country: 'de', usage: 'email', keySize: 1024, sans: ['ok.test', 'a b'] });
  assert.equal(answer.status, 422);
  assert.deepEqual(answer.body.errors.map((e) => e.pointer).sort(), ['/alias', '/commonName', '/country', '/email', '/keySize', '/sans/1']);
  refused(await generate({ alias: 'x' }), 422, '/commonName', /missing/);
  refused(await generate({ alias: 'x', commonName: 'y', days: 0 }), 422, '/days', /1/);
  refused(await generate({ alias: 'x', commonName: 'y', colour: 'red' }), 422, '/colour', /no member/);
  refused(await generate({ alias: 'x', commonName: 'y'.repeat(65) }), 422, '/commonName', /64/);
  refused(await generate({ alias: 'EC-client', commonName: 'y' }), 409, '/alias', /another key/);
  refused(await generate({ alias: 'default', commonName: 'y' }), 409, '/alias', /another key/);
});

test('a certificate request is signed by a CA, and the certificate takes its place', async () => {
  const request = await pem('EC-client/csr');
  const text = openssl(['req', '-noout', '-verify', '-subject', '-nameopt', 'RFC2253', '-text'], request);
  assert.match(text, /subject=CN=plant\.test,O=Plant,C=DE/);
  assert.match(text, /DNS:b\.test, IP Address:192\.0\.2\.7/);
  assert.match(text, /TLS Web Client Authentication/);
  const csr = write('client.csr', request), signed = join(pki.dir, 'client-signed.pem');
  openssl(['x509', '-req', '-in', csr, '-CA', pki.intermediate.cert, '-CAkey', pki.intermediate.key, '-days', '30', '-copy_extensions', 'copyall', '-out', signed]);
  const chain = readFileSync(signed, 'utf8') + pki.intermediate.pem + pki.root.pem;
  refused(await api.send('POST', '/certificates/keys', { alias: 'RSA-server', pem: chain }), 409, '/pem', /another key than/);
  const answer = await api.send('POST', '/certificates/keys', { alias: 'EC-client', pem: chain });
  assert.equal(answer.status, 201, answer.text);
  assert.deepEqual([answer.body.selfSigned, answer.body.chainComplete, answer.body.warnings], [false, true, []]);
  assert.match(answer.body.issuer, /Plant Issuing CA/);
  const again = await api.send('POST', '/certificates/keys', readFileSync(signed, 'utf8'), { 'Content-Type': 'application/x-pem-file' });
  assert.deepEqual([again.status, again.body.alias], [201, 'EC-client'], 'known by its key, without an alias');
  assert.match(again.body.warnings[0].detail, /without the certificate of its issuer/);
  await api.post('/certificates/keys', { alias: 'EC-client', pem: chain });
});

test('an export is encrypted, openssl reads it, and it can be imported again', async () => {
  refused(await api.send('POST', '/certificates/keys/EC-client/export', {}), 422, '/password', /encrypted only/);
  refused(await api.send('POST', '/certificates/keys/EC-client/export', { password: 'short' }), 422, '/password', /At least 8/);
  const text = await pem('EC-client/export', { password: EXPORT });
  assert.match(text, /BEGIN ENCRYPTED PRIVATE KEY/);
  assert.equal(text.match(/BEGIN CERTIFICATE/g).length, 3);
  const file = write('export.pem', text);
  const key = openssl(['pkey', '-in', file, '-passin', `pass:${EXPORT}`, '-pubout']);
  assert.equal(key, openssl(['x509', '-in', file, '-noout', '-pubkey']));
  assert.equal((await api.send('DELETE', '/certificates/keys/EC-client')).status, 204);
  refused(await api.send('POST', '/certificates/keys', { alias: 'EC-client', pem: text }), 422, '/password', /is encrypted/);
  refused(await api.send('POST', '/certificates/keys', { alias: 'EC-client', pem: text, password: 'wrong' }), 422, '/password', /not the password/);
  const answer = await api.send('POST', '/certificates/keys', { alias: 'EC-client', pem: text, password: EXPORT });
  assert.equal(answer.status, 201, answer.text);
  assert.equal((await api.get('/certificates/keys/EC-client')).chain.match(/BEGIN/g).length, 3);
});

test('PKCS#12 goes out: openssl reads key and chain, and it comes in again', async () => {
  refused(await api.send('POST', '/certificates/keys/EC-client/export', { format: 'jks', password: EXPORT }), 422, '/format', /pem or pkcs12/);
  refused(await api.send('POST', '/certificates/keys/EC-client/export', { format: 'pkcs12', password: 'short' }), 422, '/password', /At least 8/);
  const { chain, spki } = await api.get('/certificates/keys/EC-client');
  const { pkcs12 } = await api.post('/certificates/keys/EC-client/export', { format: 'pkcs12', password: EXPORT });
  const file = write('export.p12', Buffer.from(pkcs12, 'base64'));
  const read = (...more) => openssl(['pkcs12', '-in', file, '-passin', `pass:${EXPORT}`, ...more]);
  read('-noout');
  assert.throws(() => openssl(['pkcs12', '-in', file, '-passin', 'pass:wrong', '-noout']), 'it is encrypted');
  assert.equal(read('-nokeys', '-clcerts').match(/-----BEGIN[^]*-----END CERTIFICATE-----/)[0].trim(), chain.match(/-----BEGIN[^]*?-----END CERTIFICATE-----/)[0].trim(), 'the leaf is known by its key');
  assert.equal(read('-nokeys').match(/BEGIN CERTIFICATE/g).length, 3);
  assert.match(read('-nokeys', '-clcerts'), /friendlyName: EC-client/);
  const key = write('export.key', read('-nocerts', '-nodes'));
  assert.equal(openssl(['pkey', '-in', key, '-pubout']), openssl(['x509', '-in', write('export.leaf', chain), '-noout', '-pubkey']));
  assert.equal((await api.send('DELETE', '/certificates/keys/EC-client')).status, 204);
  assert.equal((await api.send('POST', '/certificates/keys', { alias: 'EC-client', pkcs12, password: EXPORT })).status, 201);
  assert.equal((await api.get('/certificates/keys/EC-client')).spki, spki);
});

test('PKCS#12 comes in, as base64 and as a file of its own type', async () => {
  const server = pki.server('p12');
  const p12 = join(pki.dir, 'x.p12');
  openssl(['pkcs12', '-export', '-in', server.cert, '-inkey', server.key, '-out', p12, '-passout', `pass:${EXPORT}`, '-name', 'x']);
  const bytes = readFileSync(p12);
  refused(await api.send('POST', '/certificates/keys', { alias: 'p12', pkcs12: bytes.toString('base64'), password: 'no' }), 422, '/password', /not the password/);
  const answer = await api.send('POST', '/certificates/keys', { alias: 'p12', pkcs12: bytes.toString('base64'), password: EXPORT });
  assert.equal(answer.status, 201, answer.text);
  assert.match(answer.body.issuer, /Plant Issuing CA/);
  assert.equal(answer.body.chain.match(/BEGIN/g).length, 2);
  openssl(['pkcs12', '-export', '-in', server.cert, '-inkey', server.key, '-out', p12, '-passout', 'pass:', '-legacy']);
  const raw = await api.send('POST', '/certificates/keys?alias=p12', readFileSync(p12), { 'Content-Type': 'application/x-pkcs12' });
  assert.equal(raw.status, 201, raw.text);
  assert.equal(raw.body.alias, 'p12');
  const text = await pem('p12/export', {}); // under the password of the first import
  assert.match(openssl(['pkey', '-noout', '-text', '-in', write('p12.pem', text), '-passin', `pass:${EXPORT}`]), /NIST CURVE|prime256v1/);
});

test('what is hostile or no key is refused, quickly and with a sentence', async () => {
  const server = pki.server('wrong');
  const key = readFileSync(server.key, 'utf8');
  const pkcs8 = (...more) => openssl(['pkcs8', '-topk8', '-in', server.key, '-passout', 'pass:x', ...more]);
  const p12 = join(pki.dir, 'dear.p12');
  openssl(['pkcs12', '-export', '-in', server.cert, '-inkey', server.key, '-out', p12, '-passout', 'pass:x', '-iter', '1100000', '-maciter']);
  const rsa = openssl(['genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024']);
  const rsaCertificate = openssl(['req', '-x509', '-new', '-key', write('small.key', rsa), '-subj', '/CN=small', '-days', '5']);
  for (const [body, pointer, words] of [
    [{ pem: '' }, '/pem', /Give PEM/], [{ pkcs12: 'AA', pem: 'x' }, '/pem', /Give PEM/], [{ pkcs12: '!!!' }, '/pkcs12', /base64/],
    [{ pkcs12: 'MIIB' }, '/pem', /neither PEM/], [{ pem: 'hello' }, '/pem', /no certificate/],
    [{ pem: server.pem }, '/pem', /no private key/],
    [{ pem: key }, '/pem', /no certificate with the private key/],
    [{ pem: key + pki.root.pem }, '/pem', /belongs to none/],
    [{ pem: key + key + server.pem }, '/pem', /more than one private key/],
    [{ pem: server.pem + key.slice(0, 60) }, '/pem', /not whole/],
    [{ pem: server.pem + pkcs8('-v2', 'aes256', '-iter', '1100000'), password: 'x' }, '/pem', /hashed more often/],
    [{ pkcs12: readFileSync(p12).toString('base64'), password: 'x' }, '/pem', /hashed more often|encrypted parts/],
    [{ pem: rsaCertificate + rsa }, '/pem', /1024 bits; 2048 to 8192/],
    [{ pem: server.pem.repeat(20) }, '/pem', /at most 16/],
    [{ pem: 'x'.repeat(70000) }, '/pem', /at most 65536/],
    [{ pem: server.pem + key, alias: 'default' }, '/alias', /another key/],
    [{ pem: server.pem + key, alias: 'EC-client' }, '/alias', /another key/],
  ]) {
    const answer = await api.send('POST', '/certificates/keys', { alias: 'hostile', ...body });
    assert.ok([409, 413, 422].includes(answer.status), `${answer.status} ${answer.text}`);
    refused(answer, answer.status, pointer, words);
    assert.ok(!answer.text.includes(key.split('\n')[1]), 'the answer repeats the key');
  }
  assert.equal((await api.send('GET', '/certificates/keys/hostile')).status, 404);
});

test('bytes turned at random never hang or crash an import', async () => {
  const server = pki.server('fuzz');
  const p12 = join(pki.dir, 'fuzz.p12');
  openssl(['pkcs12', '-export', '-in', server.cert, '-inkey', server.key, '-out', p12, '-passout', 'pass:x']);
  const whole = readFileSync(p12), text = Buffer.from(server.pem + readFileSync(server.key, 'utf8'));
  let seed = 12345;
  const random = (n) => { seed = (seed * 1103515245 + 12345) % 2147483648; return seed % n; };
  const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => {
    const bytes = Buffer.from(i % 2 ? whole : text);
    for (let n = 1 + random(4); n > 0; n--) bytes[random(i % 3 ? bytes.length : 60)] = random(256);
    const body = i % 2 ? { pkcs12: bytes.toString('base64') } : { pem: bytes.toString('latin1').replaceAll('\0', '?') };
    return api.send('POST', '/certificates/keys', { alias: `fuzz${i}`, password: 'x', ...body });
  }));
  for (const answer of answers) assert.ok([201, 409, 422].includes(answer.status), answer.text);
  for (const { alias } of (await api.get('/certificates/keys')).items) if (alias.startsWith('fuzz')) await api.delete(`/certificates/keys/${alias}`);
});

test('default is looked at only; the rest goes when it is told to', async () => {
  assert.equal((await api.get('/certificates/keys/default')).alias, 'default');
  for (const [method, path] of [['DELETE', 'default'], ['POST', 'default/csr'], ['POST', 'default/export']]) {
    refused(await api.send(method, `/certificates/keys/${path}`, method === 'POST' ? { password: EXPORT } : undefined), 409, undefined, /only be looked at/);
  }
  assert.equal((await api.send('DELETE', '/certificates/keys/Ed25519-ca')).status, 204);
  assert.equal((await api.send('DELETE', '/certificates/keys/Ed25519-ca')).status, 404);
  assert.equal((await api.send('POST', '/certificates/keys/none/csr')).status, 404);
});

test('only an admin makes and takes keys; a browser proves whose session it is', async () => {
  await belfry(['user', 'add', '--data', station.dir, 'olga', '--role', 'operator'], { input: `${PASSWORD}\n` });
  const olga = new Client(station), root = new Client(station);
  await olga.login('olga', PASSWORD);
  assert.equal((await olga.send('GET', '/certificates/keys')).status, 200);
  for (const path of ['generate', 'p12/csr', 'p12/export']) assert.equal((await olga.send('POST', `/certificates/keys/${path}`, {})).status, 403, path);
  assert.equal((await olga.send('POST', '/certificates/keys', {})).status, 403);
  assert.equal((await olga.send('DELETE', '/certificates/keys/p12')).status, 403);
  await root.login('admin', PASSWORD);
  const ask = (body) => root.send('POST', '/certificates/keys/p12/export', { password: EXPORT, ...body });
  refused(await ask({ currentPassword: 'not it at all' }), 422, '/currentPassword', /not your password/);
  assert.equal((await ask({ currentPassword: PASSWORD })).status, 200);
  assert.equal((await ask({})).status, 200, 'she has just logged in');
  olga.close();
  root.close();
});

test('keys are kept after kill -9, and lie nowhere in the clear', async () => {
  await station.kill();
  const plain = openssl(['pkey', '-in', join(pki.dir, 'export.pem'), '-passin', `pass:${EXPORT}`]);
  for (const needle of [plain.split('\n')[1], EXPORT, 'PRIVATE KEY']) {
    for (const file of readdirSync(station.dir).filter((name) => /\.db|wal/.test(name))) {
      assert.equal(readFileSync(join(station.dir, file)).indexOf(needle), -1, `${file} holds ${needle}`);
    }
  }
  await station.launch();
  api = station.api;
  assert.deepEqual((await api.get('/certificates/keys')).items.map((row) => row.alias), ['default', 'EC-client', 'EC-email', 'RSA-server', 'p12']);
  assert.match(await pem('EC-client/export', { password: EXPORT }), /ENCRYPTED/);
});
