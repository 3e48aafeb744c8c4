// SPDX-License-Identifier: Apache-2.0
// modes: release asan tsan
// timeout: 240
// One refused recipient never stops the others; what can be tried again is; a server that is away is waited for.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { ACCOUNT, CLEAR, addContacts, close, delivery, ledgerRow, open, setUpMail } from '../support/plant.mjs';
import { freePorts } from '../support/ports.mjs';
import { SmtpServer } from '../support/smtp.mjs';
import { SLOWNESS, Station } from '../support/station.mjs';
import { PATIENCE, eventually } from '../support/wait.mjs';

let station, api, contact;
before(async () => {
  station = await Station.start();
  api = station.api;
  [contact] = await addContacts(api, 1);
});
after(() => station.stop());

const TO = ['reject@mail.test', 'defer@mail.test', 'bob@mail.test'];
const REJECT = '550 5.1.1 <reject@mail.test>: no such user here';
const DEFER = '451 4.7.1 <defer@mail.test>: greylisted, try later';

for (const pipelining of [true, false]) {
  test(`three recipients, one 550, one 451${pipelining ? '' : ', without PIPELINING'}: the third has it at once`, async () => {
    const subject = `three ${pipelining}`;
    const server = await SmtpServer.start({
      recipients: { 'reject@mail.test': REJECT, 'defer@mail.test': (times) => (times === 1 ? DEFER : '250 2.1.5 Ok') },
      capabilities: pipelining ? ['PIPELINING', 'ENHANCEDSTATUSCODES'] : ['ENHANCEDSTATUSCODES'],
    });
    await setUpMail(api, { port: server.port, to: TO, account: CLEAR, recipient: { subject } });
    await close(api, contact);

    await eventually('the mail for bob', () => server.messages.some(({ to }) => to.includes('bob@mail.test')), { seconds: 5 * SLOWNESS });
    const first = await ledgerRow(api, 'partly delivered',
      (mail) => mail.subject === subject && delivery(mail, 'bob@mail.test')?.state === 'accepted');
    const rejected = delivery(first, 'reject@mail.test');
    assert.deepEqual([rejected.state, String(rejected.replyCode), rejected.enhancedStatus], ['refused', '550', '5.1.1']);
    assert.match(rejected.replyText, /no such user here/);
    const deferred = delivery(first, 'defer@mail.test');
    if (deferred.state === 'deferred') {
      assert.deepEqual([String(deferred.replyCode), deferred.enhancedStatus], ['451', '4.7.1']);
      assert.match(deferred.replyText, /greylisted/);
      assert.ok(Date.parse(deferred.nextAttempt) > Date.now() - 60000, deferred.nextAttempt);
    }

    await ledgerRow(api, 'delivered to defer@mail.test',
      (mail) => mail.subject === subject && delivery(mail, 'defer@mail.test')?.state === 'accepted', 60 * SLOWNESS);
    assert.equal(server.asked.get('reject@mail.test'), 1, 'a final refusal was tried again');
    assert.equal(server.asked.get('bob@mail.test'), 1, 'a recipient that had the mail was sent it again');
    assert.deepEqual(server.messages.map(({ to }) => to), [['bob@mail.test'], ['defer@mail.test']]);
    assert.equal(new Set(server.messages.map(({ messageId }) => messageId)).size, 1);

    const { attempts } = await api.get(`/mail/${first.id}`);
    const seen = attempts.map(({ address, replyCode }) => `${address} ${replyCode}`);
    for (const text of ['reject@mail.test 550', 'defer@mail.test 451', 'bob@mail.test 250', 'defer@mail.test 250']) {
      assert.ok(seen.includes(text), `${text} is not among the attempts: ${seen}`);
    }
    await open(api, contact);
    await server.stop();
  });
}

test('all recipients refused: the message is final, nothing is sent', async () => {
  const server = await SmtpServer.start({ recipients: { 'reject@mail.test': REJECT } });
  await setUpMail(api, { port: server.port, to: ['reject@mail.test'], account: CLEAR, recipient: { subject: 'nobody' } });
  await close(api, contact);
  await ledgerRow(api, 'refused', (mail) => mail.subject === 'nobody' && mail.state === 'refused');
  assert.equal(server.messages.length, 0);
  await open(api, contact);
  await server.stop();
});

test('a station without a mail server works, says so, and delivers when the server appears', async () => {
  const [port] = await freePorts(1);
  const away = await Station.start();
  await setUpMail(away.api, { port, account: CLEAR, recipient: { subject: 'was away' } });
  const [door] = await addContacts(away.api, 1);
  await away.restart();
  await close(away.api, door);
  const values = await eventually('a status that says so', async () => {
    const { values: now } = await away.api.component(ACCOUNT);
    return /down/.test(now.status) && now;
  }, { seconds: PATIENCE * SLOWNESS });
  assert.match(values.lastPollFailureCause, /refused|reach|connect/i);
  assert.ok(values.queueSize >= 1, JSON.stringify(values));
  assert.equal((await away.api.send('GET', '//readyz')).status, 200);
  assert.equal((await away.api.get('/alarms')).items.length, 1);

  const server = await SmtpServer.start({ port });
  await eventually('the kept mail', () => server.messages.length === 1, { seconds: 90 * SLOWNESS });
  await eventually('status {ok}', async () => /ok/.test((await away.api.component(ACCOUNT)).values.status));
  await away.stop();
  await server.stop();
});

const cannotUnshare = (() => {
  try {
    execFileSync('unshare', ['-n', 'true'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'a network namespace can only be made by root';
  }
})();

test('a station starts and stops in order without any network, not even loopback', { skip: cannotUnshare }, async () => {
  const lonely = await Station.start();
  await setUpMail(lonely.api, { port: 25, hostname: 'mail.nowhere.test', account: CLEAR });
  const [door] = await addContacts(lonely.api, 1);
  await close(lonely.api, door);
  await lonely.stop();
  const { dir } = lonely;
  const isolated = await Station.start({ dir, command: ['unshare', '-n'], listen: '0.0.0.0:0', admin: false });
  await isolated.stop();
  const back = await Station.start({ dir, admin: false });
  back.token = lonely.token;
  await back.restart();
  assert.equal((await back.api.get('/alarms')).items.length, 1);
  await back.stop();
});
