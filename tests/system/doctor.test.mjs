// SPDX-License-Identifier: Apache-2.0
// modes: release asan
// The mail doctor against Debian's Postfix: it finds what is wrong by itself, says it in plain words, and what it offers
// mends it. No password is in anything that it shows.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Events } from '../support/events.mjs';
import { MailHost, needsRoot } from '../support/mailhost.mjs';
import { Pki } from '../support/pki.mjs';
import { ACCOUNT, basic, IMPLICIT, noAuth, setUpMail, STARTTLS } from '../support/plant.mjs';
import { Station } from '../support/station.mjs';
import { eventually } from '../support/wait.mjs';

const options = { skip: needsRoot };
const pki = new Pki();
let station, api, host;
before(async () => {
  if (needsRoot) return;
  [station, host] = await Promise.all([Station.start(), MailHost.start(pki.server('served'))]);
  api = station.api;
});
after(async () => { await station?.stop(); host?.stop(); });

const last = () => api.get('/mail/diagnosis?account=OutgoingAccount');

/** Runs the doctor to its end. */
async function diagnose(settings = {}) {
  const { result: job } = await api.post(`/components${ACCOUNT}/actions/diagnose`, settings);
  const diagnosis = await eventually('the diagnosis has ended', async () => { const d = await last(); return d.state !== 'running' && d; });
  assert.equal(diagnosis.job, job);
  for (const secret of ['secret1', 'wrong password', Buffer.from('secret1').toString('base64').slice(0, 8)]) assert.ok(!JSON.stringify(diagnosis).includes(secret), `${secret} is shown`);
  return diagnosis;
}
const step = (diagnosis) => diagnosis.findings.at(-1);

test('a server that nobody trusts: no login is sent, and what to do is said', options, async () => {
  await setUpMail(api, { port: host.submission, hostname: 'localhost', account: { ...STARTTLS, emailAuthenticator: basic() } });
  const d = await diagnose();
  assert.equal(d.state, 'ill');
  assert.equal(step(d).ok, false);
  assert.match(d.advice[0].text, /User Trust Store.*Allowed Hosts/);
  assert.ok(!d.lines.some(({ text }) => text.startsWith('AUTH')), JSON.stringify(d.lines));
  const { items } = await api.get('/allowed-hosts');
  assert.ok(items.some((row) => row.host === `localhost:${host.submission}` && !row.approved));
});

test('a healthy account; the dialogue comes as events; the test mail arrives', options, async () => {
  await api.send('POST', '/certificates/user', { alias: 'plant', pem: pki.root.pem });
  const events = await Events.open(api);
  const d = await diagnose({ testAddress: 'bob@mail.test' });
  assert.equal(d.state, 'healthy', JSON.stringify(d.findings));
  assert.deepEqual(d.advice, []);
  assert.deepEqual(d.findings.map((f) => f.step), ['connect', 'greeting', 'offers', 'startTls', 'login', 'recipient', 'content']);
  assert.ok(d.lines.some(({ direction, text }) => direction === 'sent' && /^EHLO /.test(text)));
  await events.wait('job', (data) => data.job === d.job && data.state === 'healthy');
  assert.ok(events.seen.some(({ event, json }) => event === 'job' && json.line?.text.startsWith('EHLO ')), 'no line came as an event');
  events.close();
  await host.waitForMail('bob', (text) => text.includes('mail doctor'));
});

test('another TLS mode than the port has: the right one is offered, and mends it', options, async () => {
  await api.patch(ACCOUNT, { ...IMPLICIT, port: host.submission });
  const d = await diagnose();
  assert.equal(d.state, 'ill');
  const offer = d.advice.find(({ changes }) => changes);
  assert.deepEqual(offer?.changes, { useSsl: false, useStartTls: true, port: host.submission }, JSON.stringify(d, null, 1));
  await api.patch(ACCOUNT, offer.changes);
  assert.equal((await diagnose()).state, 'healthy');
});

test('relaying denied: the server wants authentication', options, async () => {
  await api.patch(ACCOUNT, { emailAuthenticator: noAuth() });
  const d = await diagnose({ testAddress: 'somebody@elsewhere.example' });
  assert.equal(step(d).step, 'recipient');
  assert.match(d.advice[0].text, /^The server wants authentication: "5\d\d .*(denied|rejected).*"/i);
  assert.deepEqual(d.advice[0].changes, { emailAuthenticator: { type: 'email:BasicEmailClientAuthenticator' } });
});

test('a wrong password on values that are not saved', options, async () => {
  const d = await diagnose({ account: 'alice', password: 'wrong password' });
  assert.equal(step(d).step, 'login');
  assert.match(d.advice[0].text, /account and password/);
  const right = await diagnose({ account: 'alice', password: 'secret1' });
  assert.equal(right.state, 'healthy');
  assert.equal((await api.component(ACCOUNT)).values.emailAuthenticator.type, noAuth().type, 'it was saved');
});

test('nothing to examine, and one at a time', options, async () => {
  await api.patch(ACCOUNT, { hostname: '' });
  const answer = await api.send('POST', `/components${ACCOUNT}/actions/diagnose`, '{}');
  assert.equal(answer.status, 422, answer.text);
  assert.match(answer.body.detail, /hostname/i);
});
