// SPDX-License-Identifier: Apache-2.0
// modes: release asan
// The list of incoming mails: what came of each and why, newest first, in pages, by account and outcome; kept over a restart
// and after the mail is gone; without any text of a mail, and without any token.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { MailStore } from '../support/mailstore.mjs';
import { Pki } from '../support/pki.mjs';
import { CLEAR, addContacts, basic, close, ledgerRow, setUpMail } from '../support/plant.mjs';
import { PASSWORD, Station, belfry } from '../support/station.mjs';
import { eventually } from '../support/wait.mjs';

const ACCOUNT = '/Services/EmailService/IncomingAccount';
let station, store, api, alarm, messageId, token;

before(async () => {
  [station, store] = await Promise.all([Station.start(), MailStore.start(new Pki().server('served'))]);
  api = station.api;
  for (const [name, role] of [['bob', 'operator'], ['vera', 'viewer']]) {
    const user = await belfry(['user', 'add', '--data', station.dir, name, '--role', role, '--email', `${name}@mail.test`], { input: `${PASSWORD}\n` });
    assert.equal(user.code, 0, user.stderr);
  }
  await setUpMail(api, { port: -1, account: { transport: 'Maildir' } });
  await api.patch('/Services/EmailService/EmailAlarmAcknowledger', { authentication: 'off', offReason: 'a test' });
  await use('Imap');
});
after(async () => {
  store?.stop();
  await station?.stop();
});

const use = (protocol, user = 'alice') => api.patch(ACCOUNT, { hostname: '127.0.0.1', port: store[protocol.toLowerCase()], store: protocol, ...CLEAR, allowClearTextCredentials: true,
  emailAuthenticator: basic(user), idle: false, pollrate: '1h' });
const look = async () => {
  const answer = await api.send('POST', `/components${ACCOUNT}/actions/checkNow`);
  assert.equal(answer.status, 200, answer.text);
};
const incoming = (query = '') => api.send('GET', `/mail/incoming${query}`);
const newest = async () => (await incoming('?limit=1')).body.items[0];
const reply = (text, more = {}) => store.deliver('alice', { subject: `Re: ${token}`, headers: `In-Reply-To: <${messageId}>\r\n${more.headers ?? ''}`, body: `${text}\r\n`, ...more.mail });

/** The alarm mail as it lies in the station's Maildir. */
async function alarmMail() {
  const [path] = await addContacts(api, 1);
  await close(api, path);
  alarm = (await api.get('/alarms')).items[0].uuid;
  const { id } = await ledgerRow(api, 'accepted', (mail) => mail.alarm === alarm && mail.state === 'accepted');
  const folder = join(station.dir, 'mail/OutgoingAccount/new');
  const text = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8')).find((mail) => mail.includes(id));
  [, messageId] = text.match(/^Message-ID:\s*<(.*)>/im);
  token = messageId.match(/\.(a[a-z0-9]{43})@/)[1];
  return id;
}

test('each mail has its outcome, the reason, and the way to what it is about', async () => {
  const mail = await alarmMail();
  const rows = [
    ['notOurs', /answers no alarm mail/, '', '', () => store.deliver('alice', { subject: 'Win <b>now</b> \u202e', body: 'a secret of bob\r\n' })],
    ['automatic', /auto-replied/i, alarm, '', () => reply('I am away', { headers: 'Auto-Submitted: auto-replied\r\n' })],
    ['refused', /first line is not one of the words/, alarm, '', () => reply('I cannot come')],
    ['acted', /^Acknowledged by bob\.$/, alarm, '', () => reply('ack')],
    ['refused', /answered already/, alarm, '', () => reply('ack')],
    ['bounce', /could not be delivered/, alarm, mail, () => store.deliver('alice', { raw: `From: MAILER-DAEMON@mail.test\r\nSubject: failure\r\nContent-Type: multipart/report; boundary=r\r\n\r\n--r\r\n`
      + `Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\nFinal-Recipient: rfc822; bob@mail.test\r\nAction: failed\r\nStatus: 5.2.2\r\n\r\n`
      + `--r\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <${messageId}>\r\n--r--\r\n` })],
    ['unreadable', /./, '', '', () => store.deliver('alice', { headers: `X-Long: ${'x'.repeat(70000)}\r\n` })],
  ];
  for (const [outcome, reason, about, reported, come] of rows) {
    come();
    await look();
    const row = await newest();
    assert.deepEqual([row.outcome, row.alarm, row.mail, row.account], [outcome, about, reported, 'IncomingAccount'], JSON.stringify(row));
    assert.match(row.reason, reason);
  }
  const { body, text } = await incoming();
  assert.deepEqual(body.items.map(({ outcome }) => outcome), rows.map(([outcome]) => outcome).reverse());
  assert.deepEqual(body.items.at(-1), { ...body.items.at(-1), from: 'bob@mail.test', disposition: 'leave' });
  assert.ok(body.items.at(-1).subject.startsWith('Win <b>now</b>'));
  for (const hidden of [token, 'a secret of bob', 'I cannot come', 'messageId', 'hash']) assert.ok(!text.includes(hidden), `${hidden} can be read: ${text}`);
});

test('a page at a time, by account and by outcome; what is no outcome is refused', async () => {
  const all = (await incoming()).body.items.map(({ sequence }) => sequence), seen = [];
  for (let next = ''; next !== undefined;) {
    const { body } = await incoming(`?limit=3${next && `&cursor=${next}`}`);
    seen.push(...body.items.map(({ sequence }) => sequence));
    next = body.next;
  }
  assert.deepEqual(seen, all);
  assert.equal((await incoming('?outcome=refused')).body.items.length, 2);
  assert.equal((await incoming('?account=IncomingAccount&outcome=acted')).body.items.length, 1);
  assert.deepEqual((await incoming('?account=Nobody')).body.items, []);
  assert.equal((await incoming('?outcome=lost')).status, 400);
});

test('a viewer may read it; OpenAPI describes it', async () => {
  const viewer = await station.login('vera');
  assert.equal((await viewer.send('GET', '/mail/incoming')).status, 200);
  viewer.close();
  const { schema } = (await api.get('/openapi.json')).paths['/mail/incoming'].get.responses['200'].content['application/json'];
  assert.deepEqual(Object.keys(schema.properties.items.items.properties).sort(), Object.keys(await newest()).sort());
});

test('it outlives a restart, and the mail in the mailbox', async () => {
  const before = (await incoming()).body.items;
  await use('Pop3', 'carol');
  store.deliver('carol', { subject: 'one' });
  await look();
  assert.equal((await newest()).subject, 'one');
  await store.wipe('carol');
  store.deliver('carol', { subject: 'two' });
  await look();
  await look();
  await station.restart();
  api = station.api;
  const items = await eventually('the list', async () => (await incoming()).body.items);
  assert.deepEqual(items.slice(0, 2).map(({ subject }) => subject), ['two', 'one']);
  assert.deepEqual(items.slice(2), before);
  await look();
  assert.equal((await newest()).subject, 'two', 'it was read again');
});
