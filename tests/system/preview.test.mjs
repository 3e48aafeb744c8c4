// SPDX-License-Identifier: Apache-2.0
// modes: release asan
// The preview of an EmailRecipient's letter is the mail that it gets: about an open alarm, and a sample, which can be sent as
// well. Nothing is kept of a preview.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { simpleParser } from 'mailparser';
import { RECIPIENT, addContacts, addresses, close, ledgerRow, setUpMail } from '../support/plant.mjs';
import { PASSWORD, Station, belfry } from '../support/station.mjs';

let station, api, alarm;
before(async () => {
  station = await Station.start();
  api = station.api;
  await setUpMail(api, { port: -1, account: { transport: 'Maildir' } });
  await api.patch(RECIPIENT, { language: 'de', units: 'english', timeZone: 'Asia/Tokyo' });
  const [path] = await addContacts(api, 1);
  await close(api, path);
  alarm = (await api.get('/alarms')).items[0].uuid;
});
after(() => station.stop());

const preview = (uuid) => api.send('POST', `/components${RECIPIENT}/actions/preview`, JSON.stringify(uuid));

/** A mail of the ledger, as it lies in the station's Maildir. */
async function mailed(accept) {
  const { id } = await ledgerRow(api, 'accepted', (mail) => accept(mail) && mail.state === 'accepted');
  const folder = join(station.dir, 'mail/OutgoingAccount/new');
  return simpleParser(readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8')).find((text) => text.includes(id)));
}

test('the preview of an alarm says what its mail says, but for the token', async () => {
  const { body: { result } } = await preview(alarm), mail = await mailed((row) => row.alarm === alarm);
  assert.equal(result.subject, mail.subject);
  assert.equal(result.text.trim(), mail.text.trim().replace(/\[a[a-z0-9]{43}\]/, '[…]'));
  assert.ok(result.html.includes(result.rows[0].value) && result.html.includes('lang="de"'), result.html);
  assert.ok(!/a[a-z0-9]{43}/.test(result.text + result.html));
});

test('a sample is in the language, the units and the time zone of the recipient, with its own words', async () => {
  const { body: { result } } = await preview('');
  assert.match(result.subject, /^Alarm von Sample$/);
  assert.match(result.text, /Oberer Grenzwert: 87,8 °F/);
  assert.match(result.text, /UTC\+9/);
  assert.deepEqual([result.tone, result.picture], ['alarm', '']);
  await api.patch(RECIPIENT, { subject: 'Mine: %alarmData.sourceName%', body: 'Only %priority%', htmlEnabled: false });
  const { body: { result: own } } = await preview('');
  assert.deepEqual([own.subject, own.html, own.rows.length], ['Mine: Sample', '', 0]);
  assert.match(own.text, /^Only 180\n/);
});

test('nothing is kept of it; what is not open is not found; a viewer may not', async () => {
  const before = (await api.get('/mail')).items.length;
  await preview('');
  assert.equal((await api.get('/mail')).items.length, before);
  assert.equal((await preview('01a21ffd-cd2d-7b69-8e83-aaacaf29c881')).status, 404);
  await belfry(['user', 'add', '--data', station.dir, 'vera', '--role', 'viewer'], { input: `${PASSWORD}\n` });
  const viewer = await station.login('vera');
  assert.equal((await viewer.send('POST', `/components${RECIPIENT}/actions/preview`, '""')).status, 403);
  viewer.close();
});

test('the sample goes out as a test mail, which nobody can answer; without an address nothing goes', async () => {
  const { result: id } = await api.post(`/components${RECIPIENT}/actions/sendTest`);
  const mail = await mailed((row) => row.id === id && row.kind === 'test');
  assert.deepEqual([mail.subject, mail.to.text], ['Mine: Sample', 'bob@mail.test']);
  assert.ok(!/a[a-z0-9]{43}/.test(mail.text + mail.messageId));
  await api.patch(RECIPIENT, { to: addresses() });
  assert.equal((await api.send('POST', `/components${RECIPIENT}/actions/sendTest`)).status, 409);
});
