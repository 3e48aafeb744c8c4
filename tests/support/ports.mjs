// SPDX-License-Identifier: Apache-2.0
// Free ports of 127.0.0.1 for servers that cannot choose one themselves.

import { connect, createServer } from 'node:net';
import { eventually } from './wait.mjs';

/** So many different free ports. They are held until all are known, then given back. */
export async function freePorts(count) {
  const servers = await Promise.all(Array.from({ length: count }, () => new Promise((resolve, reject) => {
    const server = createServer().on('error', reject).listen(0, '127.0.0.1', () => resolve(server));
  })));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => { server.close(resolve); })));
  return ports;
}

/** Waits until somebody listens on a port. */
export function listening(port, what, seconds = 20) {
  return eventually(`${what} listens on port ${port}`, () => new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
    socket.on('error', () => resolve(false));
  }), { seconds });
}
