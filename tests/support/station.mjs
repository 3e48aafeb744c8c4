// SPDX-License-Identifier: Apache-2.0
// Starts and stops a station for a test: in a fresh directory, on a free port, of the build that BELFRY_MODE names.
// A station that a sanitizer complains about, or that ends badly when asked to stop, fails the test.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from './client.mjs';
import { SANITIZER } from './run.mjs';
import { PATIENCE, within } from './wait.mjs';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const MODE = process.env.BELFRY_MODE ?? 'debug';
export const BELFRY = process.env.BELFRY ?? join(ROOT, 'build', MODE, 'belfry');
/** How much slower than a release build this one may be: for deadlines. */
export const SLOWNESS = { release: 1, debug: 1.5, asan: 3, tsan: 6 }[MODE] ?? 1;
export const PASSWORD = 'correct horse battery 9';

const cleanups = [];
process.on('exit', () => { while (cleanups.length) cleanups.pop()(); });

/** Has a function called when the test process ends, however it ends; the last one registered goes first. */
export function atExit(cleanup) {
  cleanups.push(cleanup);
}

/** A directory that is removed when the test process ends. */
export function temporaryDirectory(name = 'belfry') {
  const path = mkdtempSync(join(tmpdir(), `${name}-`));
  atExit(() => remove(path));
  return path;
}

/** Daemons may still be ending in it, and write a last file; rmSync's own retries do not look for new ones. */
function remove(path) {
  for (let left = 200; ; left--) {
    try {
      rmSync(path, { recursive: true, force: true });
      return;
    } catch (error) {
      if (left === 0) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    }
  }
}

/** Runs the program with arguments; resolves to {code, stdout, stderr}. */
export function belfry(args, { input = '', env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(BELFRY, args, { env: { ...process.env, ...SANITIZER, ...env } });
    let stdout = '', stderr = '';
    child.stdout.on('data', (data) => { stdout += data; });
    child.stderr.on('data', (data) => { stderr += data; });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: code ?? signal, stdout, stderr }));
    child.stdin.on('error', () => { /* a program that refuses its arguments does not read */ });
    child.stdin.end(input);
  });
}

export class Station {
  /**
   * Starts a station and waits until it is ready. Options: dir (kept from an earlier one), args (more of the command
   * line), demo, env, command (words in front of the program, as `unshare -n`), admin: false for a station without users.
   */
  static async start(options = {}) {
    const station = new Station(options);
    await station.launch();
    if (options.admin !== false) await station.addAdmin();
    return station;
  }

  constructor({ dir, args = [], demo = false, env = {}, command = [], listen = '127.0.0.1:0' } = {}) {
    this.dir = dir ?? temporaryDirectory();
    this.command = [...command, BELFRY, 'run', '--data', this.dir, '--listen', listen, ...(demo ? ['--demo'] : []), ...args];
    this.env = env;
    this.stdout = '';
    this.stderr = '';
  }

  async launch() {
    const [program, ...args] = this.command;
    this.child = spawn(program, args, { env: { ...process.env, ...SANITIZER, ...this.env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const child = this.child;
    this.exited = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal })));
    atExit(() => child.kill('SIGKILL'));
    const ready = new Promise((resolve, reject) => {
      let line = '';
      child.stdout.on('data', (data) => {
        this.stdout += data;
        line += data;
        const match = line.match(/^belfry: ready (https:\/\/\S+)$/m);
        if (match) resolve(match[1]);
      });
      child.on('error', reject);
      this.exited.then(({ code, signal }) => reject(new Error(`the station ended (${code ?? signal}) before it was ready:\n${this.stderr}`)));
    });
    child.stderr.on('data', (data) => { this.stderr += data; });
    this.url = await within(PATIENCE * SLOWNESS, ready, () => `the station is not ready:\n${this.stdout}${this.stderr}`);
    this.host = new URL(this.url).host;
    this.certificate = readFileSync(join(this.dir, 'tls/default.pem'), 'utf8');
    if (this.token) this.api = new Client(this, { token: this.token });
    return this;
  }

  /** Makes user "admin" and a token by the command line; this.api then speaks with it. */
  async addAdmin() {
    const user = await belfry(['user', 'add', '--data', this.dir, 'admin', '--role', 'admin'], { input: `${PASSWORD}\n` });
    if (user.code !== 0) throw new Error(`belfry user add: ${user.code}: ${user.stderr}${user.stdout}`);
    this.token = await this.addToken('admin');
    this.api = new Client(this, { token: this.token });
  }

  async addToken(user) {
    const { code, stdout, stderr } = await belfry(['token', 'add', '--data', this.dir, '--user', user, '--name', 'tests']);
    if (code !== 0) throw new Error(`belfry token add: ${code}: ${stderr}${stdout}`);
    return stdout.trim().split(/\s+/).at(-1);
  }

  /** A client with a session cookie, as a browser has. */
  async login(username = 'admin', password = PASSWORD) {
    const client = new Client(this);
    await client.login(username, password);
    return client;
  }

  /** Stops it as a service manager does; throws when it ends badly or a sanitizer found something. */
  async stop() {
    if (!this.child || this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.api?.close();
    this.child.kill('SIGTERM');
    const { code, signal } = await within(PATIENCE * SLOWNESS, this.exited, () => `the station does not stop:\n${this.stderr}`);
    this.checkSanitizers();
    if (code !== 0) throw new Error(`the station ended with ${code ?? signal}:\n${this.stderr}`);
  }

  /** The power cut of the poor: no chance to tidy up. */
  async kill() {
    this.api?.close();
    this.child.kill('SIGKILL');
    await this.exited;
    this.checkSanitizers();
  }

  async restart() {
    await this.stop();
    this.stderr = '';
    return this.launch();
  }

  checkSanitizers() {
    const found = this.stderr.match(/.*(?:AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:)[\s\S]*/);
    if (found) throw new Error(`a sanitizer complains about the station:\n${found[0].slice(0, 20000)}`);
  }
}
