// SPDX-License-Identifier: Apache-2.0
// modes: release asan
// What a mail says, and to whom: languages, time zones, units, texts of one's own, the trend, the conversation, and strings
// that want to be markup. Read by a parser that is not ours.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { simpleParser } from 'mailparser';
import { ACCOUNT, CLASS, CLEAR, RECIPIENT, addresses, setUpMail } from '../support/plant.mjs';
import { SmtpServer } from '../support/smtp.mjs';
import { SLOWNESS, Station } from '../support/station.mjs';
import { PATIENCE, eventually } from '../support/wait.mjs';

let station, api, server;
before(async () => {
  [station, server] = await Promise.all([Station.start(), SmtpServer.start()]);
  api = station.api;
  await setUpMail(api, { port: server.port, account: CLEAR, recipient: { transitions: { toNormal: true } } });
  await api.add('', 'Plant', 'baja:Folder');
});
after(async () => {
  await station?.stop();
  await server?.stop();
});

/** A numeric point with limits, and perhaps a history. */
let count = 0;
async function addTemperature({ ext = {}, history = false, displayName } = {}) {
  const name = `Boiler${count++}`, path = `/Plant/${name}`;
  await api.add('/Plant', name, 'control:NumericWritable', { facets: { units: '°C', precision: 1 }, fallback: { value: 21.5, status: '{ok}' } });
  if (displayName) await api.send('PATCH', `/components${path}`, { displayName });
  if (history) await api.add(path, 'History', 'history:NumericCovHistoryExt', { minimumInterval: 0 });
  await api.add(path, 'Alarm', 'alarm:OutOfRangeAlarmExt', { highLimit: 30, lowLimit: 5, deadband: 2, ...ext });
  return path;
}
const set = (path, value) => api.patch(path, { fallback: { value, status: '{ok}' } });

/** The next mail after what `cause` does. */
async function mailOf(cause) {
  const before = server.messages.length;
  await cause();
  await eventually('the mail', () => server.messages.length > before, { seconds: PATIENCE * SLOWNESS });
  const { raw } = server.messages[before];
  return { raw: raw.toString('latin1'), mail: await simpleParser(raw, { skipImageLinks: true }) };
}

test('languages are chosen by the names that they have for themselves', async () => {
  for (const type of ['email:EmailRecipient', 'email:EmailService']) {
    const { facets } = (await api.get(`/types/${type}`)).slots.find(({ name }) => name === 'language');
    assert.deepEqual(facets.range.filter(({ name }) => name !== 'station').map(({ name, displayName }) => `${name} ${displayName}`), ['de Deutsch', 'en English', 'es Español', 'fr Français', 'zh 中文']);
  }
});

test('each language says it in its words, its numbers, its dates', async () => {
  const expected = {
    en: [/^Alarm From /, /State: High limit \/ Not acknowledged/, /Text: High limit: 31\.5 °C/],
    de: [/^Alarm von /, /Zustand: Oberer Grenzwert \/ Nicht quittiert/, /Text: Oberer Grenzwert: 31,5 °C/],
    fr: [/^Alarme de /, /État\s*: Seuil haut \/ Non acquittée/, /Texte\s*: Seuil haut\s*: 31,5 °C/],
    es: [/^Alarma de /, /Estado: Límite superior \/ Sin reconocer/, /Texto: Límite superior: 31,5 °C/],
    zh: [/^报警：/, /状态：高限 \/ 未确认/, /内容：高限：31\.5 °C/],
  };
  for (const [language, [subject, state, text]] of Object.entries(expected)) {
    await api.patch(RECIPIENT, { language });
    const path = await addTemperature();
    const { mail } = await mailOf(() => set(path, 31.5));
    assert.match(mail.subject, subject);
    assert.match(mail.text, state);
    assert.match(mail.text, text);
    assert.match(mail.html, new RegExp(`<html lang="${language}">`));
    await mailOf(() => set(path, 20));
  }
  await api.patch(RECIPIENT, { language: 'station' });
  const answer = await api.send('PATCH', `/components${RECIPIENT}`, { values: { language: 'tlh' } });
  assert.equal(answer.status, 422);
});

test('time zone and units are the reader\'s', async () => {
  await api.patch(RECIPIENT, { timeZone: 'Asia/Kolkata', units: 'english', body: '%timestamp%|%alarmData.highLimit%|%alarmData.deadband%|%alarmData.alarmValue%' });
  const path = await addTemperature();
  const { mail } = await mailOf(() => set(path, 40));
  assert.match(mail.text, /\(UTC\+5:30\)\|86\.0 °F\|3\.6 °F\|104\.0 °F/);
  const answer = await api.send('PATCH', `/components${RECIPIENT}`, { values: { timeZone: 'Europe/Atlantis' } });
  assert.equal(answer.status, 422);
  await mailOf(() => set(path, 20));
  await api.patch(RECIPIENT, { timeZone: '', units: 'asConfigured' });
});

test('every token and function gives something', async () => {
  const tokens = ['timestamp', 'uuid', 'sourceState', 'ackState', 'ackRequired', 'source', 'alarmClass', 'priority', 'normalTime', 'ackTime', 'user', 'alarmTransition', 'lastUpdate',
    'msgText', 'alarmData.location', 'alarmData.sourceName.substring(0,3)', 'alarmData.sourceName.substring(-2)', 'time()', 'user()', 'lexicon(email:fault)', 'decodeFromString(baja:Double.3$2e5)'];
  await api.patch(RECIPIENT, { body: `${tokens.map((token) => `${token}=%${token}%`).join('\n')}\n100 %%` });
  const path = await addTemperature({ ext: { metaData: [{ name: 'location', value: 'Basement' }] } });
  const { mail } = await mailOf(() => set(path, 40));
  const lines = Object.fromEntries(mail.text.split('\n').filter((line) => line.includes('=')).map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  for (const token of tokens) assert.ok(lines[token], `${token}: ${lines[token]}`);
  assert.equal(lines['alarmData.location'], 'Basement');
  assert.equal(lines['alarmData.sourceName.substring(0,3)'], 'Boi');
  assert.equal(lines['lexicon(email:fault)'], 'Fault');
  assert.equal(lines['decodeFromString(baja:Double.3$2e5)'], '3.5');
  assert.match(mail.text, /100 %/);
  for (const body of ['%no.such%', '%alarmData%x', '%time%', '%nothing()%', '%uuid.substring(x)%', '%decodeFromString(x)%', '%']) {
    const answer = await api.send('PATCH', `/components${RECIPIENT}`, { values: { body } });
    if (body !== '%alarmData%x') assert.equal(answer.status, 422, body);
  }
  await mailOf(() => set(path, 20));
  await api.post('/batch', [{ op: 'patch', path: RECIPIENT, values: { body: 'x' } }]);
});

test('an alarm is one conversation, and tells of each transition', async () => {
  await api.patch(RECIPIENT, { body: 'state %sourceState%' });
  const path = await addTemperature();
  const first = await mailOf(() => set(path, 40)), second = await mailOf(() => set(path, 20));
  assert.match(first.mail.text, /state High limit/);
  assert.match(second.mail.text, /state Normal/);
  assert.equal(first.mail.inReplyTo, undefined);
  assert.equal(second.mail.inReplyTo, first.mail.messageId);
  assert.deepEqual([second.mail.references].flat(), [first.mail.messageId]);
  assert.equal(second.mail.subject, first.mail.subject);
  assert.doesNotMatch(first.raw, /^Importance:/m);
});

test('a mail names the one that began the conversation only to those who have that one', async () => {
  const path = await addTemperature(), token = /[\w-]+\.(a[a-z2-7]{43})@/;
  const { mail: first } = await mailOf(() => set(path, 40));
  await api.patch(RECIPIENT, { to: addresses('bob@mail.test', 'carol@mail.test') });
  const second = await mailOf(() => set(path, 20));
  await api.patch(RECIPIENT, { to: addresses('bob@mail.test') });
  assert.equal(second.mail.to.text, 'bob@mail.test, carol@mail.test');
  assert.ok(!second.raw.includes(first.messageId.match(token)[1]), 'with his token carol could answer as bob');
  assert.equal(second.mail.inReplyTo, undefined);
});

test('answers go to replyTo, where that is not the sender', async () => {
  const path = await addTemperature(), { from } = (await api.component(ACCOUNT)).values;
  const same = await mailOf(() => set(path, 40));
  assert.equal(same.mail.replyTo, undefined);
  assert.equal(same.mail.from.text, '"Belfry" <alice@mail.test>'); // its name is not lost
  await api.patch(ACCOUNT, { from: 'plant@mail.test' });
  const other = await mailOf(() => set(path, 20));
  await api.patch(ACCOUNT, { from });
  assert.equal(other.mail.from.text, 'plant@mail.test');
  assert.equal(other.mail.replyTo.text, '"Belfry" <alice@mail.test>');
});

test('an alarm and an alarm class may have words of their own, which are checked when they are saved', async () => {
  const path = await addTemperature(), alarm = `${path}/Alarm`, subject = async () => {
    const { mail } = await mailOf(() => set(path, 40));
    await mailOf(() => set(path, 20));
    return mail.subject;
  };
  await api.patch(RECIPIENT, { subject: 'recipient %priority%' });
  assert.equal(await subject(), 'recipient 255');
  await api.patch(CLASS, { mailSubject: 'class %alarmData.toState%', mailBody: 'class text' });
  assert.equal(await subject(), 'class High limit');
  await api.patch(alarm, { mailSubject: 'mine %alarmData.alarmValue%', mailBody: 'Go to %alarmData.sourceName%.' });
  const { mail } = await mailOf(() => set(path, 40));
  assert.equal(mail.subject, 'mine 40.0 °C');
  assert.match(mail.text, /^Go to Boiler/);
  await mailOf(() => set(path, 20));
  for (const [where, values, pointer] of [
    [alarm, { mailSubject: '%alarmDta.sourceName%' }, '/values/mailSubject'], [alarm, { mailBody: '%parent.displayName%' }, '/values/mailBody'],
    [alarm, { metaData: [{ name: 'mailBody', value: '%x%' }] }, '/values/metaData/0/name'],
    [CLASS, { mailSubject: '%sequence%' }, '/values/mailSubject'], [CLASS, { mailBody: '100 %' }, '/values/mailBody'],
  ]) {
    const answer = await api.send('PATCH', `/components${where}`, { values });
    assert.equal(answer.status, 422, JSON.stringify(values));
    assert.equal(answer.body.errors[0].pointer, pointer);
  }
  await api.patch(CLASS, { mailSubject: '', mailBody: '' });
});

test('the trend of a point stands in the mail', async () => {
  await api.patch(RECIPIENT, { attachCsv: true });
  const path = await addTemperature({ history: true });
  for (const value of [20, 22, 24, 26]) await set(path, value);
  await eventually('samples on disk', async () => (await api.get(`/histories/${path.split('/').at(-1)}`)).items.length >= 4, { seconds: PATIENCE * SLOWNESS });
  const { mail } = await mailOf(() => set(path, 40));
  const picture = mail.attachments.find(({ contentType }) => contentType === 'image/png');
  assert.ok(picture, `a picture among ${mail.attachments.map(({ contentType }) => contentType)}`);
  assert.equal(picture.content.subarray(1, 4).toString(), 'PNG');
  assert.match(mail.html, /<img src="cid:trend@belfry"/);
  assert.equal(picture.cid, 'trend@belfry');
  assert.match(mail.text, /Trend: .*[▁▂▃▄▅▆▇█]/);
  const csv = mail.attachments.find(({ contentType }) => contentType === 'text/csv');
  assert.match(csv.content.toString(), /^timestamp,value,status,trendFlags\r\n.*,22,/s);
  await mailOf(() => set(path, 20));
  await api.patch(RECIPIENT, { attachCsv: false, htmlEnabled: false });
  const plain = await mailOf(() => set(path, 40));
  assert.equal(plain.mail.html, false);
  assert.equal(plain.mail.attachments.length, 0);
  await mailOf(() => set(path, 20));
  await api.patch(RECIPIENT, { htmlEnabled: true });
});

const PAYLOADS = [
  '<script>alert(1)</script>', '</title><script>alert(1)</script>', '</script><svg onload=alert(1)>', '"><img src=x onerror=alert(1)>', "'><img src=x onerror=alert(1)>",
  '<b>bold</b>', '<a href="javascript:alert(1)">x</a>', '&lt;script&gt;', '&amp;', '&#60;script&#62;', '{{7*7}}', '${7*7}', '<%= 7*7 %>', '%alarmData.sourceName%', '%%', '%n%s%x', '{0}{1}',
  '\u202Etxt.exe', '\u2066abc\u2069', '\u200Fאבג', 'مرحبا', '\u2028line', '\u2029para', '\uFEFFbom', '\u200Bzero', 'a\u0301\u0301\u0301\u0301\u0301', '👩‍👩‍👧‍👦', '𝕬', '\uD83D\uDD25',
  'Bcc: thief@evil.test', 'x\tBcc: thief@evil.test', '=?utf-8?Q?=0ABcc:_thief=40evil.test?=', '=?utf-8?B?DQpCY2M6IHRoaWVm?=', '<x@evil.test>', '"quoted" <x@evil.test>', '(comment)', 'a;b,c', 'back\\slash',
  '.', '..', '. leading dot', '-- ', '>From here', 'From here', '--=-boundary', '--', 'Content-Type: text/html', '<style>*{display:none}</style>', '<meta http-equiv=refresh content=0>',
  '<iframe src=//evil.test>', '<form action=//evil.test>', '<base href=//evil.test>', 'cid:trend@belfry', 'javascript:alert(1)', 'data:text/html,<script>', 'W'.repeat(5000), 'ä'.repeat(4000), '中'.repeat(3000), '<'.repeat(3000), 'a b '.repeat(2000),
];
test(`${PAYLOADS.length} strings that want to be markup or headers stay text`, async () => {
  assert.ok(PAYLOADS.length >= 60);
  await api.post('/batch', [{ op: 'patch', path: RECIPIENT, values: { subject: '%alarmData.place%', body: 'Text: %alarmData.place%' } }]);
  const path = await addTemperature();
  for (const payload of PAYLOADS) {
    await api.patch(`${path}/Alarm`, { metaData: [{ name: 'place', value: payload }] });
    const { raw, mail } = await mailOf(() => set(path, 40));
    await mailOf(() => set(path, 20));
    assert.ok(!/\r(?!\n)|(?<!\r)\n/.test(raw), 'a bare CR or LF');
    for (const line of raw.split('\r\n')) assert.ok(line.length <= 998 && /^[\x20-\x7e\t]*$/.test(line), `a line that is not mail: ${line.slice(0, 100)}`);
    const names = [...raw.split('\r\n\r\n', 1)[0].matchAll(/^([!-9;-~]+):/gm)].map(([, name]) => name.toLowerCase()).sort();
    assert.deepEqual(names.filter((name) => !['in-reply-to', 'references'].includes(name)), ['auto-submitted', 'content-type', 'date', 'from', 'message-id', 'mime-version', 'subject', 'to']);
    const tags = [...mail.html.matchAll(/<\/?([a-z!]+)/gi)].map(([, tag]) => tag.toLowerCase());
    for (const tag of tags) assert.ok(['!doctype', 'html', 'head', 'meta', 'title', 'body', 'table', 'tr', 'td', 'bdi', 'br', '!'].includes(tag), `<${tag}> of ${payload.slice(0, 50)}`);
    assert.doesNotMatch(mail.html.replace(/&[a-z0-9#]+;/g, ''), /<[^>]*\son[a-z]+\s*=|<[^>]*javascript:/i);
    assert.doesNotMatch(mail.subject ?? '', /[\u202A-\u202E\u2066-\u2069\u2028\u2029]/);
  }
});
