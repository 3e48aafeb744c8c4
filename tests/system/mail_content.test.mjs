// SPDX-License-Identifier: Apache-2.0
// modes: release asan
// What the mails look like, read by a parser that is not ours: names that try to be headers, quotes, UTF-8, 10 kB.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { simpleParser } from 'mailparser';
import { CLEAR, addContacts, close, open, setUpMail } from '../support/plant.mjs';
import { SmtpServer } from '../support/smtp.mjs';
import { SLOWNESS, Station } from '../support/station.mjs';
import { PATIENCE, eventually } from '../support/wait.mjs';

let station, api, server;
before(async () => {
  [station, server] = await Promise.all([Station.start(), SmtpServer.start()]);
  api = station.api;
  await setUpMail(api, { port: server.port, account: CLEAR, recipient: { subject: 'Alarm: %alarmData.sourceName%' } });
});
after(async () => {
  await station.stop();
  await server.stop();
});

/** Raises an alarm of a contact with that display name; returns the raw message and what the parser makes of it. */
let count = 0;
async function mailOf(displayName, ext = {}) {
  const [path] = await addContacts(api, 1, { prefix: `Named${count++}x`, ext });
  const answer = await api.send('PATCH', `/components${path}`, { displayName });
  assert.ok(answer.status === 200 || answer.status === 422, answer.text);
  const before = server.messages.length;
  await close(api, path);
  await eventually('the mail', () => server.messages.length > before, { seconds: PATIENCE * SLOWNESS });
  const { raw, to } = server.messages[before];
  await open(api, path);
  return { raw, to, taken: answer.status === 200, mail: await simpleParser(raw) };
}

/** What holds for every mail that leaves the station. */
function wellFormed({ raw, to, mail }) {
  const text = raw.toString('latin1');
  assert.deepEqual(to, ['bob@mail.test']);
  assert.equal(mail.to.text, 'bob@mail.test');
  assert.equal(mail.bcc, undefined);
  for (const name of ['from', 'to', 'subject', 'date', 'message-id', 'mime-version', 'auto-submitted']) {
    assert.equal(mail.headerLines.filter(({ key }) => key === name).length, 1, `header ${name}\n${text.slice(0, 2000)}`);
  }
  const head = text.slice(0, text.indexOf('\r\n\r\n'));
  assert.match(mail.messageId, /^<[^\s<>@]+@[^\s<>@]+>$/);
  assert.match(head, /^Auto-Submitted: auto-generated/m);
  assert.match(mail.from.value[0].address, /^[^@\s]+@[^@\s]+$/);
  assert.ok(!/\r(?!\n)|(?<!\r)\n/.test(text), 'a bare CR or LF');
  for (const line of text.split('\r\n')) assert.ok(line.length <= 998, `a line of ${line.length} octets`);
  for (const line of head.split('\r\n')) assert.ok(/^[\x20-\x7e\t]*$/.test(line), `a header that is not ASCII: ${line}`);
  assert.ok(Math.abs(mail.date - Date.now()) < 120000, mail.date);
}

const NAMES = {
  'a plain name': 'Boiler 1',
  'CR LF and a header': 'Boiler\r\nBcc: thief@evil.test\r\nX-Injected: yes',
  'LF and a header': 'Boiler\nBcc: thief@evil.test',
  'CR alone': 'Boiler\rBcc: thief@evil.test',
  'an empty line and a body': 'Boiler\r\n\r\nDear user, click here',
  'the end of the message': 'Boiler\r\n.\r\nMAIL FROM:<thief@evil.test>\r\n',
  'quotes, brackets, backslashes': 'Boiler "A" <x@evil.test> \\ (b), c; d: %e',
  'UTF-8': 'Kälteraum 3 – Tür „Süd“ ❄ 温度 🚪',
  'what looks encoded already': '=?utf-8?Q?Bcc:_thief=40evil.test?= =?x',
  '10 kB': 'Sensor '.repeat(1500),
  '10 kB without a space': 'ä'.repeat(5000),
};
for (const [what, name] of Object.entries(NAMES)) {
  test(`a name with ${what}`, async () => {
    const result = await mailOf(name);
    wellFormed(result);
    const { mail, taken, raw } = result;
    assert.equal(mail.headers.get('x-injected'), undefined);
    const head = raw.toString('latin1').split('\r\n\r\n', 1)[0];
    assert.doesNotMatch(head, /^(bcc|x-injected):/im);
    if (!taken || !/^[^\r\n]{1,120}$/.test(name)) return;
    assert.equal(mail.subject, `Alarm: ${name}`);
    assert.ok(mail.text.includes(name), mail.text);
  });
}

test('lines that start with a dot arrive as they are', async () => {
  await setUpMail(api, { port: server.port, account: CLEAR, recipient: { body: '.first\n..second\n.\n...\nlast %alarmData.sourceName%' } });
  const { mail } = await mailOf('Dotted');
  assert.deepEqual(mail.text.split('\n').slice(0, 5), ['.first', '..second', '.', '...', 'last Dotted']);
});

test('a wrong name in a format is refused on the sheet', async () => {
  const answer = await api.send('PATCH', '/components/Services/EmailService/EmailRecipient', { values: { subject: 'Alarm %alarmDat.sourceName%' } });
  assert.equal(answer.status, 422, answer.text);
  assert.equal(answer.body.errors[0].pointer, '/values/subject');
});

test('an address that carries a header or a command is refused on the sheet', async () => {
  for (const address of ['a@b\r\nRCPT TO:<x@y>', 'a@b>\nBcc: x', '<a@b>', 'a b@c', '']) {
    const answer = await api.send('PATCH', '/components/Services/EmailService/EmailRecipient', { values: { to: [{ name: 'x', address }] } });
    assert.equal(answer.status, 422, `${JSON.stringify(address)}: ${answer.text}`);
  }
});
