// SPDX-License-Identifier: Apache-2.0
// modes: release asan
// timeout: 240
// An outgoing account over REST: send, why a mail waits, clearQueue, failover with its trail, resend.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ACCOUNT, CLEAR, delivery, ledgerRow, setUpMail } from '../support/plant.mjs';
import { freePorts } from '../support/ports.mjs';
import { SmtpServer } from '../support/smtp.mjs';
import { SLOWNESS, Station } from '../support/station.mjs';
import { PATIENCE, eventually } from '../support/wait.mjs';

let station, api, server;
before(async () => {
  station = await Station.start();
  api = station.api;
  server = await SmtpServer.start();
});
after(async () => {
  await station.stop();
  await server.stop();
});

const email = (subject, more = {}) => ({ to: [{ name: 'Bob', address: 'bob@mail.test' }], cc: [{ name: '', address: 'carol@mail.test' }], bcc: [{ name: '', address: 'dave@mail.test' }],
  subject, body: 'Good morning.\n', ...more });

test('send: to, cc and an unseen bcc', async () => {
  await setUpMail(api, { port: server.port, account: CLEAR });
  const id = await api.invoke(ACCOUNT, 'send', email('good morning'));
  const mail = await ledgerRow(api, 'accepted', (row) => row.id === id && row.state === 'accepted');
  assert.equal(mail.kind, 'message');
  const [message] = server.messages;
  assert.deepEqual([...message.to].sort(), ['bob@mail.test', 'carol@mail.test', 'dave@mail.test']);
  assert.match(message.raw.toString(), /^To: .*bob@mail\.test/m);
  assert.doesNotMatch(message.raw.toString(), /dave/);
});

test('send refuses what is no address, and a mail to nobody', async () => {
  for (const more of [{ bcc: [{ name: '', address: 'a\r\nb@mail.test' }] }, { to: [], cc: [], bcc: [] }]) {
    const { status } = await api.send('POST', `/components${ACCOUNT}/actions/send`, email('wrong', more));
    assert.equal(status, 422, JSON.stringify(more));
  }
});

test('a mail that waits says why; a cleared queue stays in the ledger, with who did it', async () => {
  await api.patch(ACCOUNT, { enabled: false });
  const id = await api.invoke(ACCOUNT, 'send', email('waits'));
  const waiting = delivery(await ledgerRow(api, 'queued', (row) => row.id === id), 'bob@mail.test');
  assert.match(waiting.waitsFor, /OutgoingAccount is disabled/);
  assert.equal(await api.invoke(ACCOUNT, 'clearQueue'), 1);
  const mail = await api.get(`/mail/${id}`);
  assert.equal(mail.state, 'cancelled');
  assert.ok(mail.deliveries.every(({ state, replyText }) => state === 'cancelled' && /admin/.test(replyText)));
  assert.ok(mail.attempts.some(({ outcome, replyText }) => outcome === 'cancelled' && /admin/.test(replyText)));
  assert.equal(await api.value(ACCOUNT, 'queueSize'), 0);
  assert.ok((await api.list('/audit')).some(({ operation, slot }) => operation === 'invoked' && slot === 'clearQueue'));

  await api.patch(ACCOUNT, { enabled: true });
  const again = await api.post(`/mail/${id}/resend`);
  await ledgerRow(api, 'sent again', (row) => row.id === again.id && row.state === 'accepted');
});

test('an account that is down: another one stands in, and the ledger tells the way', async () => {
  const [port] = await freePorts(1);
  const { hostname, useSsl, useStartTls, emailAuthenticator } = await (await api.component(ACCOUNT)).values;
  await api.add('/Services/EmailService', 'Backup', 'email:OutgoingAccount', { hostname, useSsl, useStartTls, port: server.port });
  await api.patch('/Services/EmailService/Backup', { emailAuthenticator: emailAuthenticator ?? { type: 'email:NoAuthEmailClientAuthenticator' } });
  await api.patch(ACCOUNT, { port, fallbackAccount: 'Backup', failoverDelay: 0 });
  const id = await api.invoke(ACCOUNT, 'send', email('detour'));
  await ledgerRow(api, 'delivered by Backup', (row) => row.id === id && row.state === 'accepted', 60 * SLOWNESS);
  const mail = await api.get(`/mail/${id}`);
  assert.deepEqual([mail.firstAccount, mail.account], ['OutgoingAccount', 'Backup']);
  const way = mail.attempts.map(({ outcome, account }) => `${outcome} ${account}`);
  for (const step of ['failed OutgoingAccount', 'rerouted OutgoingAccount', 'accepted Backup']) assert.ok(way.includes(step), `${step}: ${way}`);
  const alarm = await eventually('the alarm', async () => (await api.list('/alarms?state=open')).find(({ alarmData }) => alarmData.condition === 'circuitBreaker'));
  assert.match(alarm.msgText, /Mail goes through Backup/);
  assert.match(await api.value(ACCOUNT, 'status'), /alarm/);

  const wrong = await api.send('PATCH', '/components/Services/EmailService/Backup', { values: { fallbackAccount: 'OutgoingAccount' } });
  assert.equal(wrong.status, 422);
  assert.match(wrong.text, /circle/);

  await api.patch(ACCOUNT, { port: server.port });
  await eventually('the account sends again', async () => (await api.value(ACCOUNT, 'circuitBreaker')) === 'closed', { seconds: PATIENCE * SLOWNESS });
  await eventually('the alarm has ended', async () => (await api.get(`/alarms/${alarm.uuid}`)).sourceState === 'normal');
});
