// SPDX-License-Identifier: Apache-2.0
// What clients may take of a station's connections and of its processor. Numbers of the build that ships.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { test } from 'node:test';
import { Client } from '../support/client.mjs';
import { Events } from '../support/events.mjs';
import { Station } from '../support/station.mjs';
import { PATIENCE, within } from '../support/wait.mjs';

test('streams take at most half of the connections', async () => {
  const small = await Station.start({ command: ['prlimit', '--nofile=336:336'] });
  const streams = [];
  const open = () => Events.open({ base: small.url, token: small.token, agent: new Client(small).agent });
  for (let i = 0; i < 40; i++) streams.push(await open());
  const refused = await small.api.send('GET', '/events');
  assert.equal(refused.status, 503);
  assert.ok(Number(refused.headers['retry-after']) > 0);
  assert.equal((await small.api.send('GET', '/components')).status, 200, 'others still get in');
  streams.pop().close();
  await within(PATIENCE, (async () => {
    while (!streams.some((stream) => stream.again)) {
      const stream = await open().catch(() => undefined);
      if (stream) streams.push(Object.assign(stream, { again: true }));
    }
  })(), () => 'the place of a closed stream is not given away');
  for (const stream of streams) stream.close();
  await small.stop();
});

test('a handshake that never ends costs no processor', async () => {
  const station = await Station.start();
  const ticks = () => readFileSync(`/proc/${station.child.pid}/stat`, 'utf8').split(') ')[1].split(' ').slice(11, 13).reduce((sum, n) => sum + Number(n), 0);
  const [address, port] = station.host.split(':');
  const record = Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]); /* the first six bytes of a ClientHello */
  const sockets = Array.from({ length: 20 }, () => createConnection(Number(port), address).on('error', () => {}));
  for (const socket of sockets) socket.write(record);
  const began = ticks();
  await Promise.all(sockets.map((socket) => within(PATIENCE, new Promise((resolve) => { socket.on('close', resolve); socket.resume(); }), () => 'a handshake is waited for without end')));
  const spent = (ticks() - began) / 100;
  assert.ok(spent < 2, `${spent} s of processor time in the ten seconds of a handshake`);
  await station.stop();
});
