// SPDX-License-Identifier: Apache-2.0
// modes: release
// timeout: 420
// kill -9 at random moments of bursts of 100 alarms. After every restart what was answered and what was announced is in
// the database, the database is sound, and in the end every mail has arrived, a copy only where a kill explains it: at
// most one for each connection that was open.
// KILLS=n runs another number of kills than 100.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Events } from '../support/events.mjs';
import { ACCOUNT, CLEAR, addContacts, close, open, setUpMail } from '../support/plant.mjs';
import { SmtpServer } from '../support/smtp.mjs';
import { Station, temporaryDirectory } from '../support/station.mjs';
import { eventually, within } from '../support/wait.mjs';

const KILLS = Number(process.env.KILLS ?? 100);
const CONNECTIONS = [1, 4]; /* of the account, in each of the stations that run at once */
const BURST = 100;
const run = promisify(execFile);

/** Reads the dead station's database from a copy, so that the station itself has to recover its own. */
async function readDatabase(station, scratch) {
  for (const ending of ['', '-wal']) {
    const from = join(station.dir, `station.db${ending}`), to = join(scratch, `copy.db${ending}`);
    rmSync(to, { force: true });
    if (existsSync(from)) copyFileSync(from, to);
  }
  rmSync(join(scratch, 'copy.db-shm'), { force: true });
  const { stdout } = await run('sqlite3', [join(scratch, 'copy.db'), 'PRAGMA integrity_check; SELECT uuid FROM alarm;'], { maxBuffer: 1 << 26 });
  const [integrity, ...uuids] = stdout.trim().split('\n');
  return { integrity, uuids: new Set(uuids) };
}

/**
 * One burst and one kill. The moment is random among all stages: while alarms come, ten at a time, while their mails
 * leave, and when most have left. Adds what the station has announced to `promised`; returns what it has answered.
 */
async function killInBurst(station, server, contacts, random, promised) {
  const events = await Events.open(station.api);
  const answered = [];
  let ended = false;
  const burst = (async () => {
    await open(station.api, ...contacts);
    for (let i = 0; i < contacts.length; i += 10) {
      const some = contacts.slice(i, i + 10);
      await close(station.api, ...some);
      answered.push(...some);
    }
  })().catch(() => { /* killed in the middle: that is the point */ }).finally(() => { ended = true; });
  const closed = Math.floor(random() * 150), mails = server.messages.length + Math.max(0, 2 * (closed - contacts.length));
  const deadline = Date.now() + 5000;
  while (Date.now() < deadline && !(ended ? server.messages.length >= mails : answered.length >= closed)) await tick(1);
  await tick(random() * 20);
  await station.kill();
  await burst;
  for (const { event, json } of events.seen) if (event === 'alarm') promised.add(json.uuid);
  return answered;
}

const tick = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** For each kill, how many mails came twice because of it: accepted just before it, and again after it. */
function copiesByKill(messages, killed) {
  const count = killed.map(() => 0), first = new Map();
  for (const { messageId, time } of messages) {
    if (first.has(messageId)) {
      const cause = killed.findIndex((moment) => moment >= first.get(messageId));
      assert.ok(cause >= 0 && time >= killed[cause], `mail ${messageId} came twice without a kill in between`);
      count[cause]++;
    }
    first.set(messageId, time);
  }
  return count;
}

async function line(number, kills, summary) {
  const server = await SmtpServer.start();
  const station = await Station.start({ args: ['--log-level', 'warn'] });
  const scratch = temporaryDirectory('kill');
  await setUpMail(station.api, { port: server.port, account: { ...CLEAR, maxConnections: CONNECTIONS[number] }, recipient: { subject: '%uuid% %sourceState%' } });
  const contacts = await addContacts(station.api, BURST);
  const promised = new Set(), killed = [];
  let seed = 12345 + number;
  const random = () => { seed = (seed * 1103515245 + 12345) % 2147483648; return seed / 2147483648; };

  for (let i = 0; i < kills; i++) {
    const answered = await killInBurst(station, server, contacts, random, promised);
    killed.push(Date.now());
    const { integrity, uuids } = await readDatabase(station, scratch);
    assert.equal(integrity, 'ok', `after kill ${i}`);
    const lost = [...promised].filter((uuid) => !uuids.has(uuid));
    assert.deepEqual(lost, [], `after kill ${i}: announced alarms that are not in the database`);
    await station.launch();
    for (const path of answered.slice(-3)) {
      assert.equal((await station.api.value(path, 'fallback')).value, true, `after kill ${i}: an answered change of ${path} is lost`);
    }
    summary.kills++;
  }

  const alarms = await station.api.list('/alarms');
  for (const uuid of promised) assert.ok(alarms.some((alarm) => alarm.uuid === uuid), `alarm ${uuid} is lost`);
  const mails = await eventually(async () => {
    const { values } = await station.api.component(ACCOUNT);
    const waiting = (await station.api.list('/mail')).filter(({ state }) => state !== 'accepted');
    return `the outbox is empty: ${JSON.stringify(values)} ${waiting.length} ${JSON.stringify(waiting[0])}\n${station.stderr.slice(-2000)}`;
  },
    async () => (await station.api.value(ACCOUNT, 'queueSize')) === 0 && station.api.list('/mail'), { seconds: 240, every: 200 });
  const tally = server.tally();
  const arrived = new Set([...tally.keys()].map((id) => id.replace(/\.[^.@]+@/, '@'))); /* without the token that an answer brings back */
  const missing = mails.filter(({ messageId }) => !arrived.has(messageId));
  assert.deepEqual(missing.map(({ subject }) => subject), [], 'mails that have not arrived');
  const told = new Set(server.messages.map(({ raw }) => raw.toString('latin1').match(/^Subject: (\S+) Offnormal/m)?.[1]));
  assert.deepEqual(alarms.filter(({ uuid }) => !told.has(uuid)).map(({ uuid }) => uuid), [], 'alarms of which no mail has told');
  const copies = copiesByKill(server.messages, killed);
  assert.ok(Math.max(...copies) <= CONNECTIONS[number], `more than one copy for one kill and connection: ${copies}`);
  summary.worst = Math.max(summary.worst, ...copies);
  summary.alarms += alarms.length;
  summary.mails += tally.size;
  summary.copies += server.messages.length - tally.size;
  await station.stop();
  await server.stop();
}

test(`kill -9 at ${KILLS} random moments of bursts of ${BURST} alarms`, async (t) => {
  const summary = { kills: 0, alarms: 0, mails: 0, copies: 0, worst: 0 };
  const lines = CONNECTIONS.map((_, i) => line(i, Math.ceil(KILLS / CONNECTIONS.length), summary));
  await within(900, Promise.all(lines), () => `${JSON.stringify(summary)}`);
  t.diagnostic(JSON.stringify(summary));
  console.log(JSON.stringify(summary));
});
