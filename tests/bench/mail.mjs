// SPDX-License-Identifier: Apache-2.0
// From an alarm to its mail: how soon, and how many a second (mailers.mjs has who else sends).

import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { median, quantile, say } from './report.mjs';
import { alertmanager, bareMail, belfry, latencies, nodeMailer, now, rate, smtpSource } from './mailers.mjs';
import { MailHost } from '../support/mailhost.mjs';
import { Pki } from '../support/pki.mjs';
import { freePorts, listening } from '../support/ports.mjs';
import { SmtpServer } from '../support/smtp.mjs';
import { atExit } from '../support/station.mjs';

/** Postfix's black hole: takes everything, keeps nothing. */
async function sink() {
  const [port] = await freePorts(1);
  const child = spawn('/usr/sbin/smtp-sink', [...(process.getuid() === 0 ? ['-u', 'nobody'] : []), `127.0.0.1:${port}`, '1000'], { stdio: 'ignore' });
  atExit(() => child.kill());
  await listening(port, 'smtp-sink');
  return { port, stop: () => child.kill() };
}

/** A way to the server that takes so many milliseconds there and back. */
async function longWay(server, roundTrip) {
  const carry = (from, to) => {
    from.on('data', (data) => setTimeout(() => to.writable && to.write(data), roundTrip / 2));
    from.on('close', () => setTimeout(() => to.destroy(), roundTrip / 2));
    from.on('error', () => { /* closes */ });
  };
  const way = createServer({ noDelay: true }, (socket) => {
    const other = connect({ port: server.port, host: '127.0.0.1', noDelay: true });
    carry(socket, other);
    carry(other, socket);
  });
  await new Promise((resolve) => { way.listen(0, '127.0.0.1', resolve); });
  return { port: way.address().port, stop: () => { way.close(); server.stop(); } };
}

/** Postfix with STARTTLS, before a black hole. */
async function encrypted(hole) {
  const pki = new Pki(), host = await MailHost.start(pki.server('bench'));
  host.passOn(hole.port);
  return { port: host.smtp, starttls: true, ca: pki.root.pem, stop: () => host.stop() };
}

/** Belfry beside one other, in turns. */
async function beside(what, place, count, connections, other, goal) {
  const peer = await other({ ...place, connections });
  if (!peer) return;
  const ours = await belfry({ ...place, connections, contacts: count });
  const [mine, theirs] = [await rate(ours, count), await rate(peer, count)];
  say(`${count} alarms to ${count} mails, ${what}`, `${mine.toFixed(0)} mails/s, all on disk`, `${theirs.toFixed(0)} mails/s`, mine / theirs, goal, peer.name);
  await Promise.all([ours.stop(), peer.stop()]);
}

export async function burst() {
  const hole = await sink();
  for (const connections of [1, 4, 16]) await beside(`${connections} connections`, hole, 1000, connections, smtpSource, 'at least 1');
  await beside('1 connection; bare: one fsync and one SMTP transaction each', hole, 1000, 1, bareMail, 'at least 0.5');
  await beside('4 connections', hole, 1000, 4, nodeMailer);
  await beside('16 connections', hole, 1000, 16, alertmanager, 'at least 5');
  const far = await longWay(await sink(), 20);
  await beside('8 connections, a round trip of 20 ms', far, 400, 8, nodeMailer, 'at least 2');
  const secret = await encrypted(hole);
  await beside('8 connections, STARTTLS, to Postfix', secret, 400, 8, alertmanager, 'at least 10');
  for (const place of [hole, far, secret]) place.stop();
}

export async function alarm() {
  const COUNT = 200, hole = await sink();
  const text = (list) => `p50 ${median(list).toFixed(0)} us, p99 ${quantile(list, 0.99).toFixed(0)} us`;
  const station = await belfry({ port: hole.port, connections: 4, contacts: 1 });
  const ours = await latencies(station, COUNT);
  const bare = await (await bareMail({ port: hole.port })).each(COUNT);
  say(`alarm to mail accepted, ${COUNT} one after the other; bare: one fsync and one SMTP transaction`, text(ours), text(bare), median(ours) / median(bare), 'at most 2');
  await station.stop();
  hole.stop();
  let arrived;
  const server = await SmtpServer.start({ afterMessage: () => { arrived?.(now()); } });
  const peer = await alertmanager({ port: server.port });
  if (peer) {
    const theirs = await latencies(peer, COUNT, () => new Promise((resolve) => { arrived = resolve; }));
    say('the same', text(ours), text(theirs), median(ours) / median(theirs), 'at most 1/3', peer.name);
    peer.stop();
  }
  await server.stop();
}
