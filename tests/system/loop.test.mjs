// SPDX-License-Identifier: Apache-2.0
// modes: release asan
// The loop test with Debian's Postfix and Dovecot: a probe comes back and its time is the point's value; one that does not is
// an alarm, which ends with the next that does.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MailHost, needsRoot } from '../support/mailhost.mjs';
import { Pki } from '../support/pki.mjs';
import { CLEAR, STARTTLS, basic, setUpMail } from '../support/plant.mjs';
import { SLOWNESS, Station } from '../support/station.mjs';
import { PATIENCE, eventually } from '../support/wait.mjs';

const INCOMING = '/Services/EmailService/IncomingAccount', LOOP = '/Services/EmailService/LoopTest';
const options = { skip: needsRoot };
const pki = new Pki();
let station, api, host;
before(async () => {
  if (needsRoot) return;
  [station, host] = await Promise.all([Station.start(), MailHost.start(pki.server('served'))]);
  api = station.api;
  await api.send('POST', '/certificates/user', { alias: 'plant', pem: pki.root.pem });
  await setUpMail(api, { port: host.submission, account: { ...STARTTLS, emailAuthenticator: basic() } });
  await api.patch(INCOMING, { hostname: '127.0.0.1', port: host.imap, ...CLEAR, allowClearTextCredentials: true, store: 'Imap', emailAuthenticator: basic('bob', 'secret2'), enabled: true, pollrate: '1s' });
  await api.add('/Services/EmailService', 'LoopTest', 'email:LoopTest', { address: 'bob@mail.test', patience: '2m' });
  await api.link(INCOMING, 'received', LOOP, 'received');
});
after(async () => { await station?.stop(); host?.stop(); });

const probe = () => api.post(`/components${LOOP}/actions/probe`);
const values = async () => (await api.component(LOOP)).values;
const alarms = async () => (await api.get('/alarms?state=open')).items.filter(({ source }) => JSON.stringify(source).includes('LoopTest'));

test('a probe comes back; the time it took is the value', options, async () => {
  await probe();
  const { out, numberReturned, lastReturned } = await eventually('the probe is back', async () => { const v = await values(); return v.numberReturned > 0 && v; }, { seconds: PATIENCE * SLOWNESS });
  assert.equal(numberReturned, 1);
  assert.ok(out.value > 0 && out.status === '{ok}' && lastReturned, JSON.stringify(out));
  assert.deepEqual(await alarms(), []);
});

test('a probe that is lost is an alarm, until one comes back', options, async () => {
  await api.patch(LOOP, { address: 'carol@mail.test', patience: '1s' }); /* a mailbox that nobody reads */
  await probe();
  const [alarm] = await eventually('an alarm', async () => { const list = await alarms(); return list.length > 0 && list; }, { seconds: PATIENCE * SLOWNESS });
  assert.equal(alarm.sourceState, 'offnormal');
  assert.match(alarm.msgText, /carol@mail\.test has not come back within 1 s/);
  assert.ok((await values()).numberLost >= 1);
  await api.patch(LOOP, { address: 'bob@mail.test', patience: '1m' });
  await probe();
  await eventually('the alarm ends', async () => (await alarms()).every(({ sourceState }) => sourceState === 'normal'), { seconds: PATIENCE * SLOWNESS });
});

test('its value is in seconds, for a history and for an alarm too', options, async () => {
  await api.add(LOOP, 'History', 'history:NumericCovHistoryExt');
  await api.add(LOOP, 'Slow', 'alarm:OutOfRangeAlarmExt', { highLimit: 0, limitEnable: { high: true, low: false } });
  const slow = await eventually('an alarm: it took longer than no time', async () => (await alarms()).find(({ source }) => JSON.stringify(source).includes('Slow')), { seconds: 60 * SLOWNESS });
  assert.match(slow.alarmData.alarmValue, /^\d+\.\d\d s$/);
  assert.equal(slow.alarmData.highLimit, '0.00 s');
  const { items } = await api.get('/histories');
  assert.deepEqual(items.map(({ units }) => units), ['s']);
  const { slots } = await api.component(LOOP);
  assert.equal(slots.find(({ name }) => name === 'out').facets.units, 's');
  await api.patch(LOOP, { facets: { units: 'sec' } });
  assert.equal((await api.component(LOOP)).slots.find(({ name }) => name === 'out').facets.units, 'sec');
  await api.delete(`/components${LOOP}/Slow`);
});

test('it asks for an address, and for patience within its interval', options, async () => {
  const answer = await api.send('PATCH', `/components${LOOP}`, { values: { interval: '1m', patience: '2m' } });
  assert.equal(answer.status, 422);
  assert.equal(answer.body.errors[0].pointer, '/values/patience');
  await api.patch(LOOP, { address: '' });
  assert.equal((await api.send('POST', `/components${LOOP}/actions/probe`)).status, 422);
});
