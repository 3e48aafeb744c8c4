// SPDX-License-Identifier: Apache-2.0
// modes: release asan
// timeout: 240
// The whole circle with Debian's Postfix and Dovecot: an alarm is mailed, a person answers with a mail program, the station
// reads the answer by IMAP or POP3, acknowledges, and confirms. Also when the station is killed at any moment between
// fetching the answer and marking it: it acts exactly once (matrix D9). KILLS=n runs another number of kills than 12.

import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { simpleParser } from 'mailparser';
import { createTransport } from 'nodemailer';
import { MailHost, USERS, needsRoot } from '../support/mailhost.mjs';
import { Pki } from '../support/pki.mjs';
import { CLEAR, STARTTLS, addContacts, basic, close, setUpMail } from '../support/plant.mjs';
import { PASSWORD, SLOWNESS, Station, belfry } from '../support/station.mjs';
import { eventually } from '../support/wait.mjs';

const INCOMING = '/Services/EmailService/IncomingAccount', ACKNOWLEDGER = '/Services/EmailService/EmailAlarmAcknowledger';
const options = { skip: needsRoot };
const KILLS = Number(process.env.KILLS ?? 12);
const patience = { seconds: (60 + KILLS) * SLOWNESS }; // by POP3 each mail that is there already has to go first
const pki = new Pki();
let station, host, tap;

/** Stands between the station and Dovecot, and can be cut at a moment: when one side has sent what fits `pattern` after
 * the client had sent what fits `behind`. With `pass`, that still reaches the other side; nothing does afterwards. */
class Tap {
  static async start() {
    const tap = new Tap();
    tap.server = createServer((client) => tap.join(client)).listen(0, '127.0.0.1');
    await new Promise((resolve) => { tap.server.on('listening', resolve); });
    tap.port = tap.server.address().port;
    return tap;
  }

  /** Resolves when that moment has come. */
  cutAt({ from, behind, pattern, pass = false }) {
    return new Promise((resolve) => { this.cut = { from, behind, pattern, pass, resolve, armed: !behind, done: false }; });
  }

  join(client) {
    const server = connect(this.target, '127.0.0.1');
    for (const [name, side, other] of [['client', client, server], ['server', server, client]]) {
      side.on('data', (data) => this.carry(name, data, other));
      side.on('error', () => other.destroy());
      side.on('close', () => other.destroy());
    }
  }

  carry(from, data, other) {
    const { cut } = this, text = data.toString('latin1');
    if (cut?.done) return;
    const now = cut?.armed && cut.from === from && cut.pattern.test(text);
    if (cut && from === 'client' && cut.behind?.test(text)) cut.armed = true;
    if (!now || cut.pass) other.write(data);
    if (!now) return;
    cut.done = true;
    cut.resolve();
  }
}

before(async () => {
  if (needsRoot) return;
  [station, host, tap] = await Promise.all([Station.start(), MailHost.start(pki.server('served'), { vouches: true }), Tap.start()]);
  const { api } = station;
  await api.send('POST', '/certificates/user', { alias: 'plant', pem: pki.root.pem });
  const user = await belfry(['user', 'add', '--data', station.dir, 'bob', '--role', 'operator', '--email', 'bob@mail.test'], { input: `${PASSWORD}\n` });
  assert.equal(user.code, 0, user.stderr);
  await setUpMail(api, { port: host.submission, account: { ...STARTTLS, emailAuthenticator: basic() } });
  await api.patch(ACKNOWLEDGER, { authentication: 'require', authServId: 'mail.test' });
  await host.waitForMail('alice', (text) => text.includes('Belfry authentication probe'), patience.seconds); // it is read before all answers
});
after(async () => {
  await station?.stop();
  host?.stop();
  tap?.server.close();
});

/** That every mail for alice was handled, and the server knows: by IMAP it is marked, by POP3 deleted. */
const settled = (store) => eventually(() => `all answers are settled on the server: ${host.marks('alice')}`,
  () => host.marks('alice').every((marks) => store === 'Imap' && marks.includes('S')), patience);

/** Has the station read alice's mailbox, through the tap, as soon as it is told of mail; what is there already is done with. */
async function readBy(store) {
  tap.cut = undefined;
  tap.target = store === 'Imap' ? host.imap : host.pop3;
  await station.api.patch(INCOMING, {
    hostname: '127.0.0.1', port: tap.port, store, ...CLEAR, allowClearTextCredentials: true, emailAuthenticator: basic(), enabled: true, pollrate: '1s',
    deliveryPolicy: store === 'Imap' ? 'markAsRead' : 'delete',
  });
  await settled(store);
}

const alarmAt = async (path) => (await station.api.get('/alarms')).items.find(({ source }) => source[0].includes(`${path}/`));

/** Raises an alarm, waits for its mail in bob's mailbox; resolves to {path, name of the source, mail, uuid}. */
async function alarmMail(folder) {
  const [path] = await addContacts(station.api, 1, { folder, prefix: folder });
  await close(station.api, path);
  const { uuid, alarmData } = await alarmAt(path), name = alarmData.sourceName;
  const raw = await host.waitForMail('bob', (text) => text.includes(`\nSubject: Alarm From ${name}\r\n`), patience.seconds);
  return { path, name, uuid, mail: await simpleParser(raw) };
}

/** A message as mail programs write it that put attachments (base64) in front of the text. */
const attachedInFront = (mail, words, base64) => ['From: Bob <bob@mail.test>', `To: ${mail.from.text}`, `Subject: Re: ${mail.subject}`, `In-Reply-To: ${mail.messageId}`,
  `Message-ID: <${Math.random().toString(36).slice(2)}@mail.test>`, 'MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary=b', '', '--b', 'Content-Type: image/jpeg',
  'Content-Disposition: attachment', 'Content-Transfer-Encoding: base64', '', `${base64}--b`, 'Content-Type: text/plain', '', words, '--b--', ''].join('\r\n');

/** Bob's mail program answers: to Reply-To where there is one, with the thread's headers, above the quoted mail. */
async function answer({ mail }, words, { port = host.submission, login = true, inFront } = {}) {
  const transport = createTransport({
    host: '127.0.0.1', port, requireTLS: login, tls: { ca: pki.root.pem, servername: 'localhost' }, ...(login && { auth: { user: 'bob', pass: USERS.bob } }),
  });
  await transport.sendMail({
    from: 'Bob <bob@mail.test>', to: (mail.replyTo ?? mail.from).value, subject: `Re: ${mail.subject}`, inReplyTo: mail.messageId,
    references: [mail.references ?? [], mail.messageId].flat().join(' '),
    ...(inFront ? { raw: attachedInFront(mail, words, inFront) } : { text: `${words}\n\nOn Friday, Belfry wrote:\n${mail.text.replace(/^/gm, '> ')}` }),
  });
  transport.close();
}

/** All mails about that alarm which confirm something, as bob has them. */
const confirmations = async (name) => (await host.mailbox('bob')).map(String).filter((text) => text.includes(`\nSubject: Re: Alarm From ${name}\r\n`));

/** That the answer has acted, once: on the alarm, in the audit trail, in the ledger, in bob's mailbox, and on the server. */
async function actedOnce({ path, name, uuid }, store) {
  const { api } = station;
  const acked = await eventually('the alarm is acknowledged', async () => { const alarm = await alarmAt(path); return alarm.ackState === 'acked' && alarm; }, patience);
  assert.equal(acked.user, 'bob');
  await settled(store);
  await eventually('the confirmation is in his mailbox', async () => (await confirmations(name)).length > 0, patience);
  await eventually('another look into the mailbox', async () => (await api.send('POST', `/components${INCOMING}/actions/checkNow`)).status === 200, patience);
  const audit = (await api.list('/audit')).filter(({ operation, target }) => operation === 'acknowledged' && target === uuid);
  assert.equal(audit.length, 1, JSON.stringify(audit));
  const ledger = (await api.list('/mail')).filter(({ kind, alarm }) => kind === 'confirmation' && alarm === uuid);
  assert.equal(ledger.length, 1, JSON.stringify(ledger));
  const mails = await confirmations(name);
  assert.equal(new Set(mails.map((text) => text.match(/^Message-ID: (.*)$/im)[1])).size, 1, mails.join('\n\n'));
  return mails[0];
}

for (const store of ['Imap', 'Pop3']) {
  test(`an answer acknowledges the alarm and is confirmed, by ${store}`, options, async () => {
    await readBy(store);
    const alarm = await alarmMail(`Door${store}`);
    await answer(alarm, 'ack');
    const confirmation = await simpleParser(await actedOnce(alarm, store));
    assert.match(confirmation.text, new RegExp(`^The alarm of ${alarm.name} is acknowledged\\.\nBy bob \\(bob@mail\\.test\\), by mail, `));
    assert.equal(confirmation.headers.get('auto-submitted'), 'auto-replied');
    assert.equal(confirmation.to.text, 'bob@mail.test');
  });
}

test('the same answer from outside, which the provider does not vouch for, does nothing', options, async () => {
  await readBy('Imap');
  const alarm = await alarmMail('Forged');
  const before = await station.api.value(ACKNOWLEDGER, 'totalAlarmAckedFailures');
  await answer(alarm, 'ack', { port: host.smtp, login: false });
  await eventually('it is refused', async () => await station.api.value(ACKNOWLEDGER, 'totalAlarmAckedFailures') > before, patience);
  assert.match(await station.api.value(ACKNOWLEDGER, 'lastAlarmAckedFailureCause'), /does not vouch/);
  assert.equal((await alarmAt(alarm.path)).ackState, 'unacked');
  assert.deepEqual(await confirmations(alarm.name), []);
  await answer(alarm, 'ack');
  await actedOnce(alarm, 'Imap');
});

test('an answer that is not understood is explained on the alarm, and to who wrote it', options, async () => {
  await readBy('Imap');
  const alarm = await alarmMail('Unclear'), { api } = station;
  await answer(alarm, 'I cannot come');
  const told = await eventually('he is told', async () => (await confirmations(alarm.name))[0], patience);
  assert.match((await simpleParser(told)).text, /was not understood[^]*one of: ack · /);
  const { trace, ackState } = await api.get(`/alarms/${alarm.uuid}`);
  assert.equal(ackState, 'unacked');
  assert.match(trace.find(({ event }) => event === 'answerRefused')?.text, /^bob@mail\.test; The first line is not one of the words .* It reads "I cannot come"\.$/);
  await answer(alarm, 'ack');
  await eventually('the alarm is acknowledged', async () => (await alarmAt(alarm.path)).ackState === 'acked', patience);
  await answer(alarm, 'ack');
  const late = await eventually('he is told that it was done', async () => (await confirmations(alarm.name)).find((text) => /already/.test(text)), patience);
  assert.match((await simpleParser(late)).text, /has been acknowledged already, by bob at /);
});

test('an answer behind a large attachment is found where the account may read so much', options, async () => {
  for (const store of ['Imap', 'Pop3']) {
    await readBy(store);
    await station.api.patch(INCOMING, { incomingEmailSizeLimit: 4096 });
    const alarm = await alarmMail(`Large${store}`);
    await answer(alarm, 'ack', { inFront: 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0NTY3ODk=\r\n'.repeat(15000) });
    await actedOnce(alarm, store);
  }
  await station.api.patch(INCOMING, { incomingEmailSizeLimit: 256 });
});

const fetched = { from: 'server', behind: /^\S+ UID FETCH .*BODY\.PEEK\[\]|^(?:RETR|TOP)/m, pattern: /^/, pass: true };
const MOMENTS = {
  Imap: {
    'asks for the mail': { from: 'client', pattern: /BODY\.PEEK\[\]/ },
    'has the mail': fetched,
    'reads the mail': { ...fetched, after: 15 },
    'acts': { ...fetched, after: 40 },
    'marks the mail': { from: 'client', pattern: /STORE/ },
    'has marked the mail': { from: 'client', pattern: /STORE/, pass: true },
  },
  Pop3: {
    'asks for the mail': { from: 'client', pattern: /^(?:RETR|TOP)/m },
    'has the mail': fetched,
    'acts': { ...fetched, after: 25 },
    'deletes the mail': { from: 'client', pattern: /^DELE/m },
    'ends the session': { from: 'client', behind: /^DELE/m, pattern: /^QUIT/m },
    'has ended the session': { from: 'client', behind: /^DELE/m, pattern: /^QUIT/m, pass: true },
  },
};
/* In turn; after the first round each a little later, at random. */
const kills = (moments) => Array.from({ length: Math.ceil(KILLS / 2) }, (_, i) => {
  const names = Object.keys(moments), name = names[i % names.length];
  return { name, cut: i < names.length ? moments[name] : { ...moments[name], after: Math.random() * 80 } };
});
for (const [store, moments] of Object.entries(MOMENTS)) {
  test(`killed ${Math.ceil(KILLS / 2)} times between fetching and marking, it acts once, by ${store}`, options, async (t) => {
    for (const [number, { name, cut }] of kills(moments).entries()) {
      await t.test(`it ${name}${cut.after === undefined ? '' : `, ${cut.after.toFixed(1)} ms later`}`, async () => {
        await readBy(store);
        const alarm = await alarmMail(`Killed${store}${number}x`);
        const killed = tap.cutAt(cut).then(async () => {
          await new Promise((resolve) => { setTimeout(resolve, cut.after ?? 0); });
          await station.kill();
        });
        await answer(alarm, 'ack');
        await killed;
        tap.cut = undefined;
        await station.launch();
        await actedOnce(alarm, store);
      });
    }
  });
}
