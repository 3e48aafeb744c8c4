// SPDX-License-Identifier: Apache-2.0
// modes: release
// timeout: 180
//
// Somebody sets the wall clock of a running machine, forth and back by an hour: in a virtual machine, because a test may
// not set the clock of the machine it runs on. Schedules follow at once, and their next event comes on time.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Guest, needsRig } from '../rig/guest.mjs';
import { needsRoot } from '../support/mailhost.mjs';
import { eventually } from '../support/wait.mjs';

const skip = needsRoot || needsRig();
const OFFICE = '/Services/ScheduleService/Office';
let guest, api;

before(async () => {
  if (skip) return;
  guest = await Guest.start();
  api = await guest.startStation();
});
after(() => guest?.stop());

test('a clock that is set, forth and back by an hour, is noticed at once', { skip }, async () => {
  const set = (time) => guest.run(`date -u -s '2027-11-22 ${time}'`); // a Monday
  const becomes = (value, next) => eventually(async () => `out is ${value}, next ${next}: ${JSON.stringify((await api.component(OFFICE)).values)}\n${await guest.log()}`, async () => {
    const { out, nextTime } = (await api.component(OFFICE)).values;
    return out.value === value && nextTime.startsWith(`2027-11-22T${next}`);
  });
  await set('06:30:00');
  await api.add('/Services/ScheduleService', 'Office', 'schedule:BooleanSchedule', { timeZone: 'UTC', defaultOutput: false, weeklySchedule: { monday: [{ start: '07:00', finish: '17:00' }] } });
  await becomes(false, '07:00:00');
  await set('07:30:00');
  await becomes(true, '17:00:00');
  await set('06:30:00');
  await becomes(false, '07:00:00');
  await set('06:59:57');
  await becomes(true, '17:00:00'); // its own timer, three seconds later
  assert.match(await guest.log(), /the wall clock was set/);
});
