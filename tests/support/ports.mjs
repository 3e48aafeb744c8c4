// SPDX-License-Identifier: Apache-2.0
// Free ports of 127.0.0.1 for servers that cannot choose one themselves.

import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { atExit } from './station.mjs';
import { eventually } from './wait.mjs';

/* Below the ports that Linux gives out by itself (ip_local_port_range): no connection takes one before its server does. */
const [LOWEST, HIGHEST] = [10000, 32767];

/** Holds a port nobody has; resolves to the server that listens on it. */
function hold() {
  return new Promise((resolve) => {
    const server = createServer();
    const attempt = () => server.listen(LOWEST + randomInt(HIGHEST - LOWEST + 1), '127.0.0.1');
    server.on('error', attempt).on('listening', () => resolve(server));
    attempt();
  });
}

/** So many different free ports. They are held until all are known, then given back. */
export async function freePorts(count) {
  const servers = await Promise.all(Array.from({ length: count }, hold));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => { server.close(resolve); })));
  return ports;
}

/**
 * Starts servers on free ports. Meanwhile somebody else may have taken one, and Postfix gives up when it has not begun within
 * ten seconds, as on a busy machine: so it is tried three times. make: gives the host; its launch() starts, its stop() ends.
 */
export async function startOnFreePorts(make) {
  for (let left = 2; ; left -= 1) {
    const host = make();
    try {
      await host.launch();
      return host;
    } catch (error) {
      host.stop();
      if (left === 0) throw error;
    }
  }
}

/** A port that answers no SYN: whoever listens on it sleeps, and others have filled his queue. fill() ends that. */
export async function blackHole() {
  const sleeper = spawn(process.execPath, ['-e', "const s = require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(s.address().port))"]);
  atExit(() => sleeper.kill('SIGKILL'));
  const [text] = await once(sleeper.stdout, 'data');
  const port = Number(text);
  sleeper.kill('SIGSTOP');
  const queue = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => { /* it was ended */ }));
  const fill = async () => {
    for (const socket of queue) socket.destroy();
    sleeper.kill('SIGKILL');
    await once(sleeper, 'exit');
  };
  return { port, fill };
}

/** Waits until somebody listens on a port. */
export function listening(port, what) {
  return eventually(`${what} listens on port ${port}`, () => new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
    socket.on('error', () => resolve(false));
  }));
}
