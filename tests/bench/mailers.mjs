// SPDX-License-Identifier: Apache-2.0
// Who sends mails in the measurements: Belfry, and beside it Postfix's smtp-source, nodemailer and, where it is installed,
// Prometheus' Alertmanager. Each takes {port, connections, starttls} of a server and answers
//   fire(count, arrival)   causes so many mails; resolves to the microseconds until the last one was accepted.
//                          arrival(): a promise of the moment at which the server accepts the next one, for whom cannot tell
//   stop()

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import nodemailer from 'nodemailer';
import { median, program, run } from './report.mjs';
import { CLEAR, STARTTLS, addContacts, close, open, setUpMail } from '../support/plant.mjs';
import { freePorts, listening } from '../support/ports.mjs';
import { Station, atExit, temporaryDirectory } from '../support/station.mjs';
import { eventually } from '../support/wait.mjs';

const ALERTMANAGER = '/usr/bin/prometheus-alertmanager';
const BODY = `${'All work and no play makes a dull alarm. '.repeat(2)}\r\n`.repeat(20);
export const now = () => Number(process.hrtime.bigint() / 1000n);

/** Microseconds since 1970 of an RFC 3339 text. */
const micros = (text) => Math.floor(Date.parse(text) / 1000) * 1e6 + Number((text.match(/\.(\d+)/)?.[1] ?? '0').padEnd(6, '0').slice(0, 6));

/** The newest rows of a list. */
async function newest(api, path, count) {
  const items = [];
  for (let cursor = ''; items.length < count;) {
    const page = await api.get(`${path}?limit=${Math.min(500, count - items.length)}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    items.push(...page.items);
    cursor = page.next;
  }
  return items;
}

/** A station with an alarm and a mail for each contact that closes; both are on disk before anything is sent. */
export async function belfry({ port, connections, starttls, contacts = 1000, ca }) {
  const station = await Station.start({ args: ['--log-level', 'warn'] }), { api } = station;
  if (ca) await api.send('POST', '/certificates/user', ca, { 'Content-Type': 'application/x-pem-file' });
  await setUpMail(api, { port, hostname: starttls ? 'localhost' : '127.0.0.1', account: { ...(starttls ? STARTTLS : CLEAR), maxConnections: connections } });
  const paths = await addContacts(api, contacts);
  let sent = 0;
  /** From the time of the alarm to the server's 250. */
  async function fire(count) {
    await close(api, ...paths.slice(0, count));
    sent += count;
    await pause(20); // who asks at once takes the time from whom he measures; the records say when it was
    await eventually('all mails accepted', async () => (await api.component('/Services/EmailService/OutgoingAccount')).values.numberSent >= sent, { seconds: 120, every: 50 });
    const [mails, alarms] = await Promise.all(['/mail', '/alarms'].map((path) => newest(api, path, count)));
    const first = Math.min(...alarms.map(({ timestamp }) => micros(timestamp)));
    const last = Math.max(...mails.map(({ deliveries }) => micros(deliveries[0].time)));
    await open(api, ...paths.slice(0, count));
    return last - first;
  }
  return { name: 'Belfry', fire, stop: () => station.stop() };
}

/** Keeps nothing, builds nothing. */
export async function smtpSource({ port, connections }) {
  async function fire(count) {
    const begun = now();
    execFileSync('/usr/sbin/smtp-source', ['-s', String(connections), '-d', '-m', String(count), '-l', '2048', `127.0.0.1:${port}`]);
    return now() - begun;
  }
  return { name: 'smtp-source', fire, stop() {} };
}

/** Keeps nothing. */
export async function nodeMailer({ port, connections, starttls }) {
  const transport = nodemailer.createTransport({ host: '127.0.0.1', port, pool: true, maxConnections: connections, maxMessages: Infinity,
    secure: false, requireTLS: Boolean(starttls), ignoreTLS: !starttls, tls: { rejectUnauthorized: false } });
  async function fire(count) {
    const begun = now();
    await Promise.all(Array.from({ length: count }, (_, i) => transport.sendMail({ from: 'alice@mail.test', to: 'bob@mail.test', subject: `Alarm ${i}`, text: BODY })));
    return now() - begun;
  }
  return { name: 'nodemailer', fire, stop: () => transport.close() };
}

/** The least that keeps each mail: one commit and one bare SMTP transaction, one after the other (bare_mail.c). */
export async function bareMail({ port }) {
  const each = async (count) => (await run(program('bare_mail'), [temporaryDirectory('bench'), String(port), String(count)])).stdout.trim().split('\n').map(Number);
  return { name: 'bare', each, fire: async (count) => (await each(count)).reduce((sum, time) => sum + time), stop() {} };
}

/** Keeps its alerts in memory and writes them down every quarter of an hour. A connection for each mail. null: not installed. */
export async function alertmanager({ port, starttls }) {
  if (!existsSync(ALERTMANAGER)) return null;
  const directory = temporaryDirectory('bench'), [web] = await freePorts(1), url = `http://127.0.0.1:${web}`;
  writeFileSync(join(directory, 'alertmanager.yml'), `
route: {receiver: mail, group_by: ['...'], group_wait: 0s, group_interval: 1h, repeat_interval: 24h}
receivers:
  - name: mail
    email_configs: [{to: bob@mail.test, from: alice@mail.test, smarthost: '127.0.0.1:${port}', require_tls: ${Boolean(starttls)}, tls_config: {insecure_skip_verify: true}}]
`);
  const child = spawn(ALERTMANAGER, [`--config.file=${directory}/alertmanager.yml`, `--storage.path=${directory}`, `--web.listen-address=127.0.0.1:${web}`,
    '--cluster.listen-address=', '--log.level=error'], { stdio: 'ignore' });
  atExit(() => child.kill());
  await listening(web, 'Alertmanager');
  let sent = 0, number = 0;
  async function fire(count, arrival) {
    const alerts = Array.from({ length: count }, () => ({ labels: { alertname: 'Contact', contact: String(number++) }, annotations: { description: BODY } }));
    const arrived = arrival?.(), begun = now();
    const answer = await fetch(`${url}/api/v2/alerts`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(alerts) });
    if (!answer.ok) throw new Error(`Alertmanager: ${await answer.text()}`);
    sent += count;
    if (arrived) return (await arrived) - begun;
    await eventually('Alertmanager has sent all', async () => {
      const text = await (await fetch(`${url}/metrics`)).text();
      const latency = text.match(/alertmanager_notification_latency_seconds_count\{integration="email"\} (\d+)/);
      return Number(latency?.[1] ?? 0) >= sent;
    }, { seconds: 120, every: 2 });
    return now() - begun;
  }
  return { name: 'Alertmanager', fire, stop: () => child.kill() };
}

/** Mails a second of a burst: the median of some rounds. */
export async function rate(mailer, count, rounds = 3) {
  const seconds = [];
  for (let round = 0; round < rounds; round++) seconds.push(await mailer.fire(count) / 1e6);
  return count / median(seconds);
}

/** Microseconds of one mail after the other, the first ones not counted. */
export async function latencies(mailer, count, arrival, warm = 20) {
  const list = [];
  for (let i = 0; i < count + warm; i++) list.push(await mailer.fire(1, arrival));
  return list.slice(warm);
}
