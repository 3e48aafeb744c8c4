// SPDX-License-Identifier: Apache-2.0
// modes: release asan
// The audit of who can be reached by mail: each thing that is wrong is found at its component, and gone when it is mended.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ACCOUNT, CLASS, RECIPIENT, addresses, setUpMail } from '../support/plant.mjs';
import { Station } from '../support/station.mjs';

let station, api;
before(async () => { station = await Station.start(); api = station.api; });
after(() => station.stop());

const found = async (path, pattern) => (await api.get('/mail/reachability')).items.some((item) => item.path === path && pattern.test(item.text));

test('what a fresh station lacks', async () => {
  assert.ok(await found(RECIPIENT, /Nobody is in it/));
  assert.ok(await found(CLASS, /^Nobody gets its mails/)); // at no time, not "at times"
  assert.ok(await found('/Services/UserService/admin', /no mail address/));
});

const FULL = { timeRange: { start: 0, end: 0 }, daysOfWeek: { saturday: true, sunday: true } };
const HOUR = 3600e6;
for (const [what, path, pattern, wrong, right] of [
  ['an empty roster', RECIPIENT, /Nobody is in it/, { to: [] }, { to: addresses('bob@mail.test') }],
  ['a weekend that nobody covers', CLASS, /on Sunday at 00:00/, { daysOfWeek: { saturday: false, sunday: false } }, FULL],
  ['hours that nobody covers', CLASS, /at 06:00/, { timeRange: { start: 22 * HOUR, end: 6 * HOUR }, daysOfWeek: FULL.daysOfWeek }, FULL],
  ['an account that does not exist', RECIPIENT, /no outgoing account "Nobody"/, { emailAccount: 'Nobody' }, { emailAccount: '' }],
]) {
  test(what, async () => {
    await setUpMail(api, { port: 2525, recipient: { ...FULL, ...wrong } });
    await api.patch(RECIPIENT, wrong);
    assert.ok(await found(path, pattern), JSON.stringify((await api.get('/mail/reachability')).items));
    await api.patch(RECIPIENT, right);
    assert.ok(!await found(path, pattern));
  });
}

test('an account that cannot send, and everybody behind one account', async () => {
  await api.patch(RECIPIENT, { to: addresses('bob@mail.test') });
  await api.patch(ACCOUNT, { enabled: false });
  assert.ok(await found(RECIPIENT, /is disabled/));
  await api.patch(ACCOUNT, { enabled: true });
  assert.ok(!await found(RECIPIENT, /is disabled/));
  assert.ok(await found(ACCOUNT, /no fallbackAccount/));
});

test('who must get mails encrypted, and has no certificate here', async () => {
  const { warnings } = await api.patch(RECIPIENT, { to: addresses('bob@mail.test', 'carol@mail.test'), encryption: 'require' });
  const missing = /no certificate of bob@mail\.test .*no certificate of carol@mail\.test .*gets no mail/;
  assert.match(warnings.find(({ pointer }) => pointer === '/values/encryption')?.detail ?? '', missing);
  assert.ok(await found(RECIPIENT, missing));
  await api.patch(RECIPIENT, { encryption: 'prefer' });
  assert.ok(!await found(RECIPIENT, missing));
});
