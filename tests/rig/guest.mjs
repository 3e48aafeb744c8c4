// SPDX-License-Identifier: Apache-2.0
// The rig's virtual machine as a test sees it: a root shell in the guest, ports that lead there, and a station inside
// that is spoken to from outside.

import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Client } from '../support/client.mjs';
import { freePorts } from '../support/ports.mjs';
import { BELFRY, PASSWORD, SLOWNESS, temporaryDirectory } from '../support/station.mjs';
import { PATIENCE, eventually, within } from '../support/wait.mjs';

const RIG = fileURLToPath(new URL('rig.sh', import.meta.url));
const LIFE = 1200; /* seconds; the test's own end comes first */
const quote = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;

/** Makes the rig ready; returns false, or why this machine cannot have it (for a test's skip option). */
export function needsRig() {
  const { status, stdout, stderr } = spawnSync(RIG, ['prepare'], { encoding: 'utf8' });
  if (status === 77) return stdout.trim().replace(/^SKIP: /, '');
  if (status !== 0) throw new Error(`rig.sh prepare: ${status}\n${stdout}${stderr}`);
  return false;
}

export class Guest {
  /** Boots the guest; it is emulated, and takes its time on a busy machine. host.port leads to port 8443 in it. */
  static async start() {
    const guest = new Guest();
    [guest.port] = await freePorts(1);
    guest.serial = `${temporaryDirectory('rig')}/serial`;
    guest.output = '';
    guest.commands = 0;
    guest.child = spawn(RIG, ['shell'], {
      env: { ...process.env, RIG_FORWARD: `${guest.port}:8443`, RIG_SERIAL: guest.serial, RIG_TIMEOUT: String(LIFE) },
      stdio: ['pipe', 'pipe', 'pipe'], detached: true,
    });
    guest.onExit = () => { try { process.kill(-guest.child.pid, 'SIGKILL'); } catch { /* it has ended */ } };
    process.on('exit', guest.onExit);
    guest.exited = new Promise((resolve) => { guest.child.on('close', resolve); });
    for (const stream of [guest.child.stdout, guest.child.stderr]) stream.on('data', (data) => { guest.output += data; });
    await eventually(() => `the guest's shell:\n${guest.output}`, () => guest.output.includes('RIG shell\n'), { seconds: 5 * PATIENCE });
    return guest;
  }

  /** Runs commands in the guest's shell and returns what they print; throws when they fail. */
  async run(command, { seconds = 2 * PATIENCE, input } = {}) {
    const mark = `RIG done ${++this.commands}`;
    const from = this.output.length;
    const redirected = input === undefined ? '</dev/null' : `< <(printf %s ${quote(input)})`;
    this.child.stdin.write(`{ ${command}\n} ${redirected} 2>&1; printf '\\n%s %s\\n' "${mark}" $?\n`);
    const end = new RegExp(`\\n${mark} (\\d+)\\n`);
    const found = await eventually(() => `the end of "${command}":\n${this.output.slice(from)}`,
      () => this.output.slice(from).match(end), { seconds: seconds * SLOWNESS });
    const text = this.output.slice(from, from + found.index);
    if (found[1] !== '0') throw new Error(`in the guest, "${command}" ended with ${found[1]}:\n${text}`);
    return text;
  }

  /** Lets a name lead to the host's 127.0.0.1. */
  async nameTheHost(name) {
    await this.run(`printf '127.0.0.1 localhost\\n10.0.2.2 ${name}\\n' >/run/hosts; mount --bind /run/hosts /etc/hosts`);
  }

  /** Drives an input of the chip. */
  pull(line, up) { return this.run(`echo pull-${up ? 'up' : 'down'} >$(echo /sys/devices/platform/gpio-sim.0/gpiochip*)/sim_gpio${line}/pull`); }
  /** Reads an attribute of a line: "value" or "pull". */
  async line(line, attribute = 'value') {
    return (await this.run(`cat $(echo /sys/devices/platform/gpio-sim.0/gpiochip*)/sim_gpio${line}/${attribute}`)).trim();
  }

  /** Starts a station in the guest; the Client returned speaks to it from the host. */
  async startStation() {
    await this.run(`(${quote(BELFRY)} run --data /run/belfry --listen 0.0.0.0:8443 >/run/out 2>/run/log; echo "ended $?" >>/run/log) & true`);
    await this.run('until grep -q "^belfry: ready" /run/out; do if grep ^ended /run/log; then cat /run/log; exit 1; fi; sleep 0.1; done');
    if (!this.token) {
      await this.run(`${quote(BELFRY)} user add --data /run/belfry admin --role admin`, { input: `${PASSWORD}\n` });
      const answer = await this.run(`${quote(BELFRY)} token add --data /run/belfry --user admin --name tests`);
      this.token = answer.trim().split(/\s+/).at(-1);
    }
    const certificate = (await this.run('cat /run/belfry/tls/default.pem')).trim() + '\n';
    this.url = `https://127.0.0.1:${this.port}`;
    this.api?.close();
    this.api = new Client({ url: this.url, certificate }, { token: this.token });
    return this.api;
  }

  /** Sends a signal to the station and waits for its end. */
  endStation(signal) {
    return this.run(`kill -${signal} $(cat /proc/[0-9]*/stat | sed -n "s/^\\([0-9]*\\) (belfry) .*/\\1/p"); until grep -q ^ended /run/log; do sleep 0.1; done`);
  }
  /** The log of the station, for a failure's message. */
  log() { return this.run('cat /run/log'); }

  /** Ends the station, which must go well, and the guest. */
  async stop() {
    this.api?.close();
    let log = '';
    if (this.api) {
      await this.endStation('TERM');
      log = await this.log();
    }
    this.child.stdin.write('exit 0\n');
    await within(2 * PATIENCE, this.exited, () => `the guest does not power off:\n${this.output.slice(-2000)}`).finally(() => {
      process.off('exit', this.onExit);
      if (this.child.exitCode === null) this.onExit();
    });
    if (this.api && (!/^ended 0$/m.test(log) || /Sanitizer|runtime error:/.test(log))) throw new Error(`the station ended badly:\n${log}`);
  }
}
