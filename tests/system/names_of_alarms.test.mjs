// SPDX-License-Identifier: Apache-2.0
// modes: release
// What a person writes about alarms and nearly gets right is taken, and said at once: a class that is not there, a name in a
// format that no alarm has.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Station } from '../support/station.mjs';

const EMAIL = '/Services/EmailService';
let station, api;
before(async () => {
  station = await Station.start();
  api = station.api;
  await api.add('/Drivers', 'Lamp', 'control:BooleanWritable');
  await api.add('/Drivers/Lamp', 'Alarm', 'alarm:BooleanChangeOfStateAlarmExt');
  await api.add(EMAIL, 'LoopTest', 'email:LoopTest');
});
after(() => station?.stop());

const findings = (answer) => [...answer.body.warnings ?? [], ...answer.body.errors ?? []];
const patch = (path, values) => api.send('PATCH', `/components${path}`, { values });

for (const [path, pointer, values] of [
  [`${EMAIL}/OutgoingAccount`, '/values/alarmSourceInfo/alarmClass', (alarmClass) => ({ alarmSourceInfo: { alarmClass } })],
  [`${EMAIL}/IncomingAccount`, '/values/alarmSourceInfo/alarmClass', (alarmClass) => ({ alarmSourceInfo: { alarmClass } })],
  [`${EMAIL}/LoopTest`, '/values/alarmSourceInfo/alarmClass', (alarmClass) => ({ alarmSourceInfo: { alarmClass } })],
  ['/Services/TrustService', '/values/alarmSourceInfo/alarmClass', (alarmClass) => ({ alarmSourceInfo: { alarmClass } })],
  ['/Drivers/Lamp/Alarm', '/values/alarmClass', (alarmClass) => ({ alarmClass })],
])
  test(`an alarm class that is not there is warned of at ${path}`, async () => {
    const about = (answer) => findings(answer).filter((finding) => finding.pointer === pointer);
    const saved = await patch(path, values('defaultAlarmClas'));
    assert.equal(saved.status, 200, saved.text);
    assert.equal(about(saved)[0]?.detail, 'There is no alarm class "defaultAlarmClas"; the default class is used until there is one.');
    for (const name of ['defaultAlarmClass', '']) assert.deepEqual(about(await patch(path, values(name))), []);
  });

test('a class that comes ends the warning, also in a new account', async () => {
  const add = async (name) => {
    const answer = await api.send('POST', `/components${EMAIL}/children`, { name, type: 'email:OutgoingAccount', values: { alarmSourceInfo: { alarmClass: 'night' } } });
    assert.equal(answer.status, 201, answer.text);
    return findings(answer).filter(({ detail }) => /There is no alarm class "night"/.test(detail)).length;
  };
  assert.equal(await add('First'), 1);
  await api.add('/Services/AlarmService', 'night', 'alarm:AlarmClass');
  assert.equal(await add('Second'), 0);
});

test('a name that resembles one of alarmData is asked about', async () => {
  for (const [format, meant] of [['%alarmData.sourcename%', 'sourceName'], ['%alarmData.SourceName%', 'sourceName'], ['%alarmData.msgtext.substring(0,4)%', 'msgText'], ['100 %% %uuid% %alarmData.hilLimit%', null],
    ['%alarmData.higLimit%', 'highLimit'], ['%alarmData.alarmValues%', 'alarmValue'], ['%alarmData.sourceName% %alarmData.location%', null]])
    for (const [path, slot] of [[`${EMAIL}/EmailRecipient`, 'subject'], ['/Drivers/Lamp/Alarm', 'mailSubject'], ['/Services/AlarmService/defaultAlarmClass', 'mailBody']]) {
      const answer = await patch(path, { [slot]: format });
      assert.equal(answer.status, 200, answer.text);
      const about = findings(answer).filter(({ pointer }) => pointer === `/values/${slot}`).map(({ detail }) => detail);
      assert.deepEqual(about.map((text) => text.match(/Is "%alarmData\.(\w+)%" meant\?$/)?.[1]), meant ? [meant] : [], `${format}: ${about}`);
    }
  const wrong = await patch(`${EMAIL}/EmailRecipient`, { subject: '%timeStamp%' });
  assert.equal(wrong.status, 422);
  assert.match(findings(wrong)[0].detail, /There is no "%timeStamp%" here\. Known are: timestamp/);
});
