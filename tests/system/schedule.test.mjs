// SPDX-License-Identifier: Apache-2.0
// modes: release asan
//
// Schedules over REST: a week and its exceptions, what is refused and where, the preview, a calendar from a file and
// back, what a restart keeps.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Station } from '../support/station.mjs';

const PLACE = '/Services/ScheduleService';
const ICS = { 'Content-Type': 'text/calendar' };
const file = (...events) => `BEGIN:VCALENDAR\r\nVERSION:2.0\r\n${events.map((lines) => `BEGIN:VEVENT\r\n${lines.join('\r\n')}\r\nEND:VEVENT\r\n`).join('')}END:VCALENDAR\r\n`;
const UNITY = ['DTSTART;VALUE=DATE:19901003', 'SUMMARY:Unity Day', 'RRULE:FREQ=YEARLY'];
const MEMORIAL = ['DTSTART;VALUE=DATE:20200525', 'SUMMARY:Memorial Day', 'RRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO'];
let station, api;

before(async () => {
  station = await Station.start();
  api = station.api;
  await api.add(PLACE, 'Holidays', 'schedule:CalendarSchedule', { timeZone: 'Europe/Berlin' });
  await api.add(PLACE, 'Office', 'schedule:NumericSchedule', { timeZone: 'Europe/Berlin', defaultOutput: 16, weeklySchedule: { sunday: [{ start: '02:30', finish: '05:00', value: 20 }] } });
});
after(() => station?.stop());

test('the preview knows the two odd days of the year', async () => {
  const on = async (date) => (await api.get(`/components${PLACE}/Office/schedule/preview?start=${date}T12:00:00Z&end=${date.slice(0, 8)}${Number(date.slice(8)) + 1}T12:00:00Z`)).items.find(({ kind }) => kind === 'week');
  const spring = await on('2026-03-28');
  assert.deepEqual([spring.start, spring.finish, spring.text], ['2026-03-29T01:00:00.000000Z', '2026-03-29T03:00:00.000000Z', '20.00']);
  const autumn = await on('2026-10-24');
  assert.deepEqual([autumn.start, autumn.finish], ['2026-10-25T00:30:00.000000Z', '2026-10-25T04:00:00.000000Z']);
  const wrong = await api.send('GET', `/components${PLACE}/Office/schedule/preview?start=tomorrow`);
  assert.equal(wrong.status, 400);
  assert.equal((await api.send('GET', '/components/Services/schedule/preview')).status, 422);
});

test('what is wrong is named with its place, and nothing is changed', async () => {
  const answer = await api.send('PATCH', `/components${PLACE}/Office`, { values: { timeZone: 'Mars/Base', weeklySchedule: { monday: [{ start: '08:00', finish: '12:00' }, { start: '11:00', finish: '13:00' }] } } });
  assert.equal(answer.status, 422);
  assert.deepEqual(answer.body.errors.map(({ pointer }) => pointer).sort(), ['/values/timeZone', '/values/weeklySchedule/monday/1']);
  assert.equal((await api.value(`${PLACE}/Office`, 'weeklySchedule')).monday.length, 0);
});

test('a calendar is read from a file, told of again, and refers', async () => {
  const path = `/components${PLACE}/Holidays/schedule`;
  const dry = await api.post(`${path}/import?dryRun=true&first=2026&last=2028`, file(UNITY, MEMORIAL), ICS);
  assert.deepEqual([dry.added, dry.total, dry.dryRun], [4, 4, true]);
  assert.equal((await api.value(`${PLACE}/Holidays`, 'events')).length, 0);
  const first = await api.post(`${path}/import?first=2026&last=2028`, file(UNITY, MEMORIAL, ['SUMMARY:Nothing'], ['DTSTART:20260101T100000Z', 'SUMMARY:Brunch']), ICS);
  assert.equal(first.added, 4);
  assert.deepEqual(first.notes.map(({ line }) => line), [13, 16]);
  assert.match(first.notes[1].detail, /"Brunch" starts at a time of day/);
  assert.equal((await api.post(`${path}/import?first=2026&last=2028`, file(UNITY), ICS)).added, 0);
  const exported = await api.send('GET', `${path}/export`);
  assert.match(exported.headers['content-type'], /^text\/calendar/);
  assert.match(exported.text, /SUMMARY:Unity Day\r\n/);
  assert.equal((await api.post(`${path}/import?dryRun=true`, exported.text, ICS)).added, 0);
  await api.patch(`${PLACE}/Office`, { specialEvents: [{ name: 'Closed', type: 'reference', reference: `station:|slot:${PLACE}/Holidays`, entries: [{ value: 5 }] }] });
  const { items } = await api.get(`/components${PLACE}/Office/schedule/preview?start=2027-10-02T22:00:00Z&end=2027-10-03T22:00:00Z`);
  assert.deepEqual(items.map(({ text, source, local }) => [text, source, local.date]), [['5.00', 'Special event: Closed', '2027-10-03']]);
});

test('what is no calendar file is refused with a sentence', async () => {
  const path = `/components${PLACE}/Holidays/schedule/import`;
  for (const [body, headers, status, part] of [
    ['hello', ICS, 422, 'no iCalendar file'], ['\xff\xfe\x00', ICS, 422, ''], ['{}', {}, 415, 'text/calendar'],
    [`BEGIN:VCALENDAR\r\n${'X'.repeat(1 << 20)}`, ICS, 413, ''],
  ]) {
    const answer = await api.send('POST', path, Buffer.from(body, 'latin1'), headers).catch((error) => error);
    if (status === 413 && ['ECONNRESET', 'EPIPE'].includes(answer.code)) continue; // 413 comes while the body is still being sent, and is the end of the connection
    assert.equal(answer.status, status, answer.text ?? answer.message);
    assert.ok(answer.body.detail.includes(part), answer.text);
  }
});

test('schedules are there after a restart, and drive what is linked', async () => {
  await api.add('', 'Fan', 'control:BooleanWritable');
  await api.add(PLACE, 'Always', 'schedule:BooleanSchedule');
  await api.link(`${PLACE}/Always`, 'out', '/Fan', 'in10');
  await api.patch(`${PLACE}/Always`, { defaultOutput: true });
  assert.deepEqual(await api.value('/Fan', 'out'), { value: true, status: '{ok}' });
  await station.restart();
  api = station.api;
  assert.deepEqual(await api.value('/Fan', 'out'), { value: true, status: '{ok}' });
  assert.equal((await api.value(`${PLACE}/Holidays`, 'events')).length, 4);
  assert.equal((await api.value(`${PLACE}/Office`, 'specialEvents'))[0].name, 'Closed');
});
