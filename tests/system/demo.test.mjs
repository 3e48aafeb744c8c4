// SPDX-License-Identifier: Apache-2.0
// modes: release
// timeout: 150
//
// What `make run` shows without any wiring or mail server: a building whose values move, an alarm within the first
// minute, its mail in a folder of the data directory, and the return to normal.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Station } from '../support/station.mjs';
import { eventually } from '../support/wait.mjs';

const TEMPERATURE = '/Drivers/DemoNetwork/ColdRoom/Temperature';
let station, api;

before(async () => {
  station = await Station.start({ demo: true });
  api = station.api;
});
after(() => station?.stop());

/** All files below a directory. */
const files = (dir) => readdirSync(dir, { withFileTypes: true })
  .flatMap((entry) => (entry.isDirectory() ? files(join(dir, entry.name)) : [join(dir, entry.name)]));
const coldRoom = async () => (await api.get('/alarms')).items.find((item) => JSON.stringify(item.source).includes('ColdRoom'));

test('the values of the building move', async () => {
  const first = (await api.component(TEMPERATURE)).values.out;
  assert.equal(first.status, '{ok}');
  await eventually('another value', async () => (await api.component(TEMPERATURE)).values.out.value !== first.value);
});

test('the machine itself is there as points', async () => {
  const { values } = await api.component('/Services/PlatformService');
  assert.ok(values.memoryTotal.out.value > 0);
  assert.equal(values.diskFree.facets.units, 'MB');
});

test('within a minute the cold room raises an alarm, and its mail lies in the folder', async () => {
  const alarm = await eventually('the alarm', coldRoom, { seconds: 60 });
  assert.equal(alarm.sourceState, 'highLimit');
  assert.match(alarm.alarmData.msgText, /too warm/);
  await eventually('the mail is accepted', async () => (await api.get('/mail')).items
    .find((item) => item.account === 'DemoAccount' && item.state === 'accepted'));
  const mails = files(join(station.dir, 'mail')).map((path) => readFileSync(path, 'utf8'));
  assert.ok(mails.some((text) => /^Subject: .*Temperature/m.test(text) && text.includes('too warm')), mails.join('\n----\n'));
});

test('the cold room becomes normal again', async () => {
  const alarm = await eventually('the end of the alarm', async () => {
    const now = await coldRoom();
    return now.sourceState === 'normal' && now;
  }, { seconds: 90, every: 500 });
  assert.ok(alarm.normalTime);
  assert.equal(alarm.ackState, 'unacked');
});
