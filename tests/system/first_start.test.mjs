// SPDX-License-Identifier: Apache-2.0
// modes: release asan
// The first start of a new station with the demo building: it says where it is, shows the setup link, raises an alarm
// within a minute, and its mail is in the ledger and in the Maildir.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { simpleParser } from 'mailparser';
import { Client } from '../support/client.mjs';
import { Events } from '../support/events.mjs';
import { PASSWORD, SLOWNESS, Station, belfry } from '../support/station.mjs';
import { PATIENCE, eventually } from '../support/wait.mjs';

/** All files below a directory. */
const walk = (dir) => (existsSync(dir) ? readdirSync(dir, { withFileTypes: true }) : [])
  .flatMap((entry) => (entry.isDirectory() ? walk(join(dir, entry.name)) : [join(dir, entry.name)]));

test('a fresh start: setup link, login, an alarm within a minute, its mail in the ledger and the Maildir', async () => {
  const started = Date.now();
  const station = await Station.start({ demo: true, admin: false });
  const link = station.stdout.match(/https:\/\/(\S+)\/setup#(\S+)/);
  assert.ok(link, station.stdout);
  assert.equal(link[1], station.host);
  assert.match(station.stdout, /^belfry: ready https:\/\/127\.0\.0\.1:\d+$/m);

  const client = new Client(station);
  const nobody = await client.send('GET', '/session');
  assert.deepEqual([nobody.status, nobody.body.setup], [401, true], nobody.text);
  const wrong = await client.send('POST', '/setup', { token: 'A'.repeat(link[2].length), username: 'thief', password: PASSWORD });
  assert.ok(wrong.status >= 400 && wrong.status < 500, wrong.text);
  const first = await client.send('POST', '/setup', { token: link[2], username: 'admin', password: PASSWORD, email: 'admin@mail.test' });
  assert.ok(first.status < 300, first.text);
  const second = await client.send('POST', '/setup', { token: link[2], username: 'thief', password: PASSWORD });
  assert.ok(second.status >= 400, 'the setup link works twice');
  await client.login('admin', PASSWORD);

  const events = await Events.open(client);
  const left = 60 - (Date.now() - started) / 1000;
  const alarm = await eventually('an alarm of the demo building', async () => (await client.get('/alarms')).items[0], { seconds: left * Math.max(1, SLOWNESS / 2) });
  assert.ok(alarm.uuid && alarm.alarmData.sourceName, JSON.stringify(alarm));
  const mail = await eventually(async () => `its mail: ${JSON.stringify(await client.get('/mail'))}`,
    async () => (await client.get('/mail')).items.find((row) => row.alarm === alarm.uuid && row.state === 'accepted'), { seconds: PATIENCE * SLOWNESS });
  assert.equal((await client.get(`/mail/${mail.id}`)).subject, mail.subject);
  await events.wait('mail', (row) => row.id === mail.id);

  const files = walk(join(station.dir, 'mail')).filter((path) => /\/(new|cur)\//.test(path));
  const parsed = await Promise.all(files.map((path) => simpleParser(readFileSync(path))));
  assert.ok(parsed.some(({ messageId }) => messageId.replace(/\.[^.@]+@/, '@') === `<${mail.messageId}>`), files.join('\n'));
  assert.ok(!walk(join(station.dir, 'mail')).some((path) => /\/tmp\/[^/]+$/.test(path)), 'something was left in tmp');

  assert.deepEqual(readdirSync(station.dir).sort().filter((name) => !/^(station|history)\.db-/.test(name)), ['control', 'epoch', 'history.db', 'key', 'mail', 'station.db', 'tls', 'transcript']);
  for (const name of ['key', 'station.db', 'history.db', 'tls/default.key']) {
    assert.equal(statSync(join(station.dir, name)).mode & 0o077, 0, `${name} can be read by others`);
  }
  events.close();
  client.close();
  await station.stop();
});

test('users and tokens by the command line, while the station runs and while it does not', async () => {
  const station = new Station({});
  const add = (name, role) => belfry(['user', 'add', '--data', station.dir, name, '--role', role], { input: `${PASSWORD}\n` });
  assert.equal((await add('anna', 'admin')).code, 0);
  const duplicate = await add('anna', 'admin');
  assert.notEqual(duplicate.code, 0);
  assert.match(duplicate.stderr, /anna/);
  await station.launch();
  assert.equal((await add('vera', 'viewer')).code, 0);
  const weak = await belfry(['user', 'add', '--data', station.dir, 'walt', '--role', 'admin'], { input: 'short\n' });
  assert.notEqual(weak.code, 0);
  const vera = await station.login('vera');
  assert.equal((await vera.send('PATCH', '/components/Services/EmailService/OutgoingAccount', { values: { port: 25 } })).status, 403);
  station.api = new Client(station, { token: await station.addToken('anna') });
  assert.equal((await station.api.get('/session')).user.role, 'admin');
  vera.close();
  await station.stop();
  const version = await belfry(['version']);
  assert.match(version.stdout, /^belfry \d+\.\d+\.\d+/);
  const nonsense = await belfry(['fly']);
  assert.notEqual(nonsense.code, 0);
  assert.match(nonsense.stderr, /usage/);
});
