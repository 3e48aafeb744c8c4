// SPDX-License-Identifier: Apache-2.0
// modes: release asan tsan
// The certificate for HTTPS is chosen from the User Key Store: new connections see it at once, those that are open go on, and
// nothing that would lock people out is taken.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { connect } from 'node:tls';
import { Client } from '../support/client.mjs';
import { Events } from '../support/events.mjs';
import { Pki, fingerprint } from '../support/pki.mjs';
import { SLOWNESS, Station } from '../support/station.mjs';
import { eventually } from '../support/wait.mjs';

const WEB = '/Services/WebService';
const pki = new Pki();
let station, api, own;

/** A client that trusts the station's own certificate and those of the plant. */
const trusting = () => new Client({ url: station.url, certificate: [station.certificate, pki.root.pem] }, { token: station.token });

before(async () => {
  station = await Station.start();
  api = trusting();
  own = await shown();
});
after(async () => {
  api?.close();
  await station?.stop();
});

/** A new connection: the fingerprint that it is shown. With ca: verified, with the name, as a browser does. */
function shown({ ca, version = 'TLSv1.3' } = {}) {
  const { hostname, port } = new URL(station.url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), servername: 'localhost', ca, rejectUnauthorized: Boolean(ca), minVersion: version, maxVersion: version }, () => {
      resolve(socket.getPeerCertificate().fingerprint256.replaceAll(':', '').toLowerCase());
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

/** A connection that stays: asks whether the station lives, as often as it is called. */
async function keptConnection() {
  const { hostname, port } = new URL(station.url);
  const socket = connect({ host: hostname, port: Number(port), ca: station.certificate, checkServerIdentity: () => undefined });
  let text = '', asked = 0;
  socket.setEncoding('utf8');
  socket.on('data', (data) => { text += data; });
  socket.on('error', () => { /* the next question is not answered then */ });
  const ask = () => {
    socket.write(`GET /healthz HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
    asked++;
    return eventually('the connection that was kept answers', () => text.split('HTTP/1.1 200').length > asked, { seconds: 20 * SLOWNESS });
  };
  await ask();
  return { ask, close: () => socket.destroy() };
}

const keyed = (file) => file.pem + readFileSync(file.key, 'utf8');
const importKey = (alias, file) => api.post('/certificates/keys', { alias, pem: keyed(file) });
const choose = (httpsCert) => api.send('PATCH', `/components${WEB}`, { values: { httpsCert } });
const chosen = async (alias) => {
  const answer = await choose(alias);
  assert.equal(answer.status, 200, answer.text);
  return answer.body.warnings.map(({ pointer, detail }) => `${pointer}: ${detail}`);
};
const refused = async (answer, status, pointer, words) => {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.body.errors?.[0].pointer, pointer);
  assert.match(answer.body.errors?.[0].detail ?? answer.body.detail, words);
};

test('a new connection sees what was chosen, an old one and the event stream go on', async () => {
  const plant = pki.server('plant');
  await importKey('plant', plant);
  const events = await Events.open(api, `ords=${encodeURIComponent(`station:|slot:${WEB}`)}`);
  const kept = await keptConnection();
  assert.equal(await api.value(WEB, 'httpsCert'), 'default');
  assert.equal(await api.value(WEB, 'certificateFingerprint'), own);
  assert.deepEqual(await chosen('plant'), []);
  for (const version of ['TLSv1.2', 'TLSv1.3']) assert.equal(await shown({ ca: pki.root.pem, version }), fingerprint(plant.cert));
  await kept.ask();
  await assert.rejects(new Client(station, { token: station.token }).get('/session'), /unable to (get|verify)/, 'who trusts the old one alone does not get in anew');
  await events.wait('value', ({ slot, value }) => slot === 'certificateFingerprint' && value === fingerprint(plant.cert), { seconds: 20 * SLOWNESS });
  await chosen('default');
  assert.equal(await shown(), own);
  await events.wait('value', ({ slot, value }) => slot === 'httpsCert' && value === 'default', { seconds: 20 * SLOWNESS });
  await chosen('plant');
  await kept.ask();
  assert.equal(events.closed, false);
  events.close();
  kept.close();
  const row = await api.get('/certificates/keys/plant');
  assert.equal(row.usedBy, `${WEB} (httpsCert)`);
  assert.equal((await api.get('/certificates/keys/default')).usedBy, null);
});

test('what would lock people out is refused, and the certificate before it is shown on', async () => {
  await importKey('other', pki.server('other', { names: 'DNS:other.test' }));
  await importKey('old', pki.server('old', { from: -20, days: 10 }));
  await importKey('later', pki.server('later', { from: 5, days: 10 }));
  for (const [alias, body] of Object.entries({ client: { usage: 'client' }, ca: { usage: 'ca' }, ed: { usage: 'server', keyAlgorithm: 'Ed25519' }, p521: { usage: 'server', keyAlgorithm: 'EC', keySize: 521 } }))
    await api.post('/certificates/keys/generate', { alias, commonName: 'localhost', ...body });
  const before = await shown();
  for (const [alias, words] of [['nobody', /holds no key "nobody"/], ['', /holds no key/], ['old', /has expired on/], ['later', /not valid before/], ['client', /not made for servers/],
    ['ca', /not made for servers/], ['ed', /Browsers do not know/], ['p521', /Browsers do not know/]]) {
    await refused(await choose(alias), 422, '/values/httpsCert', words);
    assert.equal(await shown(), before);
  }
  assert.equal(await api.value(WEB, 'httpsCert'), 'plant');
});

test('a name that the certificate does not have, and its end, are warned of', async () => {
  const [name, ...rest] = await chosen('other');
  assert.match(name, /^\/values\/httpsCert: You have come here as 127\.0\.0\.1, and the certificate is for other\.test/);
  assert.deepEqual(rest, []);
  const soon = pki.server('soon', { days: 5 });
  await importKey('soon', soon);
  assert.match((await chosen('soon')).join(), /^\/values\/httpsCert: The certificate ends on \d{4}-\d\d-\d\d: renew it before\.$/);
  assert.equal(await shown(), fingerprint(soon.cert));
  await eventually('an alarm tells that it ends', async () => (await api.list('/alarms?state=open')).find(({ msgText }) => /"soon" that \/Services\/WebService \(httpsCert\) uses ends on/.test(msgText)), { seconds: 20 * SLOWNESS });
});

test('a key in use stays; renewed, it is shown at once', async () => {
  await refused(await api.send('DELETE', '/certificates/keys/soon'), 409, undefined, /\/Services\/WebService \(httpsCert\) uses the key "soon"/);
  const file = { name: 'soon', cert: `${pki.dir}/soon.pem`, key: `${pki.dir}/soon.key` };
  const renew = (days, from) => {
    pki.sign(file, pki.intermediate, '/CN=localhost', days, 'basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n', from);
    return { alias: 'soon', pem: readFileSync(file.cert, 'utf8') + pki.intermediate.pem };
  };
  const before = await shown();
  await refused(await api.send('POST', '/certificates/keys', renew(3, -5)), 422, '/pem', /WebService \(httpsCert\) shows this key to browsers: The certificate has expired/);
  assert.equal(await shown(), before);
  await api.post('/certificates/keys', renew(90));
  assert.equal(await shown({ ca: pki.root.pem }), fingerprint(file.cert));
  assert.notEqual(await shown(), before);
  await eventually('its alarm ends', async () => !(await api.list('/alarms?state=open')).some(({ msgText, sourceState }) => /"soon"/.test(msgText) && sourceState === 'offnormal'), { seconds: 20 * SLOWNESS });
});

test('it is shown from the first connection after a restart, and the way back is warned of', async () => {
  const cert = `${pki.dir}/soon.pem`;
  api.close();
  await station.restart();
  api = trusting();
  assert.equal(await shown(), fingerprint(cert));
  assert.equal(await api.value(WEB, 'status'), '{ok}');
  const warnings = await chosen('default');
  assert.match(warnings.join(), /HSTS/);
  assert.equal(await shown(), own);
  assert.equal((await api.send('DELETE', '/certificates/keys/soon')).status, 204);
  // what was chosen before is not there any more: taking the change back says so
  const undo = await api.send('POST', '/undo', {});
  assert.equal(undo.status, 422, undo.text);
  assert.match(undo.text, /holds no key \\"soon\\"/);
  assert.equal(await shown(), own);
});

test('a key that is gone from the disk leaves the own certificate, and a fault that says why', async () => {
  await chosen('plant');
  api.close();
  await station.stop();
  execFileSync('sqlite3', [`${station.dir}/station.db`, "DELETE FROM key_entry WHERE alias = 'plant'"]);
  await station.launch();
  api = trusting();
  assert.equal(await shown(), own);
  const { values } = await api.component(WEB);
  assert.deepEqual([values.httpsCert, values.status, values.certificateFingerprint], ['plant', '{fault}', own]);
  assert.match(values.faultCause, /holds no key "plant"/);
  await importKey('plant', { get pem() { return readFileSync(`${pki.dir}/plant.pem`, 'utf8'); }, key: `${pki.dir}/plant.key` });
  assert.equal(await shown({ ca: pki.root.pem }), fingerprint(`${pki.dir}/plant.pem`));
  assert.deepEqual(await Promise.all(['status', 'faultCause'].map((slot) => api.value(WEB, slot))), ['{ok}', '']);
});

test('openssl finds the chain whole', async () => {
  const out = execFileSync('openssl', ['s_client', '-connect', station.host, '-servername', 'localhost', '-CAfile', pki.root.cert, '-verify_return_error', '-showcerts'], { input: 'Q\n', stdio: ['pipe', 'pipe', 'pipe'] }).toString();
  assert.match(out, /Verify return code: 0 \(ok\)/);
  assert.equal(out.match(/BEGIN CERTIFICATE/g).length, 2);
});
