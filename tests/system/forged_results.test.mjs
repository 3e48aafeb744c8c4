// SPDX-License-Identifier: Apache-2.0
// modes: release asan
// Forged Authentication-Results, with Debian's Postfix and Dovecot. As they are, both let through what a mail brings along:
// the station mails itself such a field, sees it come back, and believes no answer. When Postfix removes it (header_checks),
// or sets its own above it, answers count.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTransport } from 'nodemailer';
import { simpleParser } from 'mailparser';
import { MailHost, USERS, needsRoot } from '../support/mailhost.mjs';
import { Pki } from '../support/pki.mjs';
import { CLEAR, STARTTLS, addContacts, basic, close, setUpMail } from '../support/plant.mjs';
import { PASSWORD, SLOWNESS, Station, belfry } from '../support/station.mjs';
import { PATIENCE, eventually } from '../support/wait.mjs';

const SERVICE = '/Services/EmailService', ACKNOWLEDGER = `${SERVICE}/EmailAlarmAcknowledger`, INCOMING = `${SERVICE}/IncomingAccount`;
const options = { skip: needsRoot };
const patience = { seconds: PATIENCE * SLOWNESS };
const VOUCHED = 'mail.test; dmarc=pass header.from=mail.test';
const pki = new Pki();
let station, api, host;

before(async () => {
  if (needsRoot) return;
  [station, host] = await Promise.all([Station.start(), MailHost.start(pki.server('served'))]);
  api = station.api;
  await api.send('POST', '/certificates/user', { alias: 'plant', pem: pki.root.pem });
  const user = await belfry(['user', 'add', '--data', station.dir, 'bob', '--role', 'operator', '--email', 'bob@mail.test'], { input: `${PASSWORD}\n` });
  assert.equal(user.code, 0, user.stderr);
  await setUpMail(api, { port: host.submission, account: { ...STARTTLS, emailAuthenticator: basic() } });
  await api.patch(INCOMING, { hostname: '127.0.0.1', port: host.imap, ...CLEAR, allowClearTextCredentials: true, store: 'Imap', emailAuthenticator: basic(), enabled: true, pollrate: '1s' });
});
after(async () => { await station?.stop(); host?.stop(); });

const values = async () => (await api.component(ACKNOWLEDGER)).values;
const until = (result) => eventually(async () => `probeResult is ${result}: ${JSON.stringify(await values())}`,
  async () => { const shown = await values(); return shown.probeResult === result && shown; }, patience);

/** Raises an alarm; answers its mail as anybody can who has it, with a forged field on top. Resolves to the alarm's path. */
async function forge(folder) {
  const [path] = await addContacts(api, 1, { folder, prefix: folder });
  await close(api, path);
  const mail = await simpleParser(await host.waitForMail('bob', (text) => text.includes(`\nSubject: Alarm From ${folder}`), patience.seconds));
  const transport = createTransport({ host: '127.0.0.1', port: host.submission, requireTLS: true, tls: { ca: pki.root.pem, servername: 'localhost' }, auth: { user: 'alice', pass: USERS.alice } });
  await transport.sendMail({ from: 'bob@mail.test', to: 'alice@mail.test', subject: `Re: ${mail.subject}`, inReplyTo: mail.messageId, text: 'ack\n', headers: { 'Authentication-Results': VOUCHED } });
  transport.close();
  return path;
}
const alarmAt = async (path) => (await api.get('/alarms')).items.find(({ source }) => source[0].includes(`${path}/`));

test('a field that comes through is found at set-up, and nobody is believed', options, async () => {
  await api.patch(ACKNOWLEDGER, { authentication: 'require', authServId: 'mail.test' });
  const shown = await until('believed');
  assert.match(shown.status, /fault/);
  assert.match(shown.faultCause, /A forged Authentication-Results came through \(mail\.test at alice@mail\.test\), so no answer is believed\..*invoke probe/);
  assert.equal(shown.probed, 'mail.test at alice@mail.test');
  assert.ok(shown.lastProbe);
  const wire = await host.waitForMail('alice', (text) => /^Subject: Belfry authentication probe /m.test(text));
  assert.match(wire.toString(), /^Authentication-Results: mail\.test;\s+dmarc=pass\s+header\.from=/m);
  const path = await forge('Forged');
  await eventually('it is refused', async () => (await values()).refused.unproven === 1, patience);
  assert.match((await values()).lastAlarmAckedFailureCause, /could be forged: see faultCause/);
  assert.equal((await alarmAt(path)).ackState, 'unacked');
  assert.ok((await api.list('/mail')).every(({ kind }) => kind !== 'confirmation'));
});

test('a provider that removes it is believed, after the probe', options, async () => {
  host.setHeaderChecks('/^Authentication-Results: *mail\\.test/ IGNORE');
  await api.invoke(ACKNOWLEDGER, 'probe');
  const shown = await until('removed');
  assert.deepEqual([shown.status, shown.faultCause], ['{ok}', '']);
  const path = await forge('Removed'); // the forged field is gone, and nobody vouches
  await eventually('it is refused', async () => (await values()).refused.authenticity === 1, patience);
  assert.equal((await alarmAt(path)).ackState, 'unacked');
});

test('what is known survives a kill', options, async () => {
  await station.kill();
  await station.launch();
  ({ api } = station);
  const shown = await values();
  assert.deepEqual([shown.probeResult, shown.status, shown.faultCause], ['removed', '{ok}', '']);
});

test('another provider asks anew', options, async () => {
  await api.patch(ACKNOWLEDGER, { authServId: 'other.test' });
  await eventually('the probe about it is back', async () => /^other\.test at /.test((await values()).probed), patience);
});

test('without anybody to send it, the probe says so', options, async () => {
  await api.patch(ACKNOWLEDGER, { emailAccount: 'Nobody' });
  const answer = await api.send('POST', `/components${ACKNOWLEDGER}/actions/probe`);
  assert.equal(answer.status, 409);
  assert.match(answer.text, /no enabled outgoing account Nobody/);
  assert.match((await values()).faultCause, /none can be sent/);
});
