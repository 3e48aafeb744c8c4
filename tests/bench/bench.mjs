// SPDX-License-Identifier: Apache-2.0
// Measures the station against the least that the same work costs, and against its peers, side by side on this machine, and
// prints the ratios.
//   make bench            all                 node tests/bench/bench.mjs alarm burst get scale wires bombs browsers pages

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { median, program, quantile, rows, run, say } from './report.mjs';
import { alarm, burst } from './mail.mjs';
import { pages } from './pages.mjs';
import { addContacts } from '../support/plant.mjs';
import { ROOT, Station, temporaryDirectory } from '../support/station.mjs';
import { eventually } from '../support/wait.mjs';

async function wrk(url, token) {
  const { stdout } = await run('wrk', ['-t1', '-c32', '-d3s', '-H', `Authorization: Bearer ${token}`, url]);
  if (/Non-2xx/.test(stdout)) throw new Error(`${url}: ${stdout}`);
  return Number(stdout.match(/Requests\/sec:\s+([\d.]+)/)[1]);
}

async function get() {
  const station = await Station.start({ args: ['--log-level', 'warn'] });
  await addContacts(station.api, 1);
  for (const [what, path] of [['small GET', '/session'], ['property sheet', process.env.SHEET ?? '/components/Services/EmailService/OutgoingAccount']]) {
    const { text } = await station.api.send('GET', path);
    const file = join(temporaryDirectory('bench'), 'body.json');
    writeFileSync(file, text);
    const child = spawn(program('bare_mhd'), [join(station.dir, 'tls/default.pem'), join(station.dir, 'tls/default.key'), file], { stdio: ['pipe', 'pipe', 'inherit'] });
    const port = await new Promise((resolve) => { child.stdout.once('data', (data) => resolve(String(data).trim())); });
    const ours = [], theirs = [];
    for (let round = 0; round < 3; round++) {
      theirs.push(await wrk(`https://127.0.0.1:${port}/`, station.token));
      ours.push(await wrk(`${station.url}/api/v1${path}`, station.token));
    }
    child.stdin.end();
    say(`${what} (${Buffer.byteLength(text)} bytes) over TLS, 32 connections; bare: libmicrohttpd with the same bytes`,
      `${median(ours).toFixed(0)} req/s`, `${median(theirs).toFixed(0)} req/s`, median(ours) / median(theirs), 'at least 0.6');
  }
  await station.stop();
}

/** A million components, measured from inside (tests/bench/scale.c), beside bare structs and a bare scan. */
async function scale() {
  const number = async (...args) => (await run(program('scale'), args)).stdout.split(' ').map(Number);
  const COUNT = 1000000, POINTS = 200000;
  const [folder] = await number('folders', String(COUNT));
  say('bytes for each of a million folders', `${folder} bytes`, 'goal 120 bytes', folder / 120, 'at most 1');
  const [point] = await number('points', String(POINTS));
  say(`bytes for each of ${POINTS} numeric points with an alarm extension`, `${point} bytes`, 'goal 320 bytes', point / 320, 'at most 1');
  const directory = join(await temporaryDirectory(), 'data');
  await run(program('scale'), ['write', directory, String(COUNT)]);
  const ours = [], theirs = [];
  let megabytes;
  for (let round = 0; round < 3; round++) {
    const [read, , taken] = await number('load', directory);
    ours.push(read);
    megabytes = taken;
    theirs.push(Number((await run(program('bare_scan'), [join(directory, 'station.db')])).stdout.split(' ')[0]));
  }
  say(`reading ${COUNT} components (${POINTS} points with alarm extension) at start; bare: SQLite reads the same rows`,
    `${median(ours).toFixed(0)} ms`, `${median(theirs).toFixed(0)} ms`, median(ours) / median(theirs), 'at most 3');
  say('memory of that tree', `${megabytes.toFixed(0)} MB`, 'goal 350 MB', megabytes / 350, 'at most 1');
  const [changes, structs] = await number('change', String(POINTS));
  say(`changes of ${POINTS} points, each watched by its alarm extension; bare: an array of structs`,
    `${(changes / 1e6).toFixed(1)} million/s`, `${(structs / 1e6).toFixed(0)} million/s`, changes / 5e6, 'at least 1, of 5 million/s');
}

/** Values along links, measured from inside (tests/bench/wires.c). */
async function wires() {
  const number = async (...args) => (await run(program('wires'), args)).stdout.split(' ').map(Number);
  const [fan] = await number('fan', '1000');
  say('a value to 1000 links, and to an observer at each end', `${(fan / 1e6).toFixed(1)} million/s`, 'goal 5 million/s', fan / 5e6, 'at least 1');
  const [chain, us] = await number('chain', '10000');
  say('a chain of 10000 links settles in one pass', `${(us / 1000).toFixed(1)} ms`, `${(chain / 1e6).toFixed(1)} million links/s`, chain / 5e6, 'for comparison');
}

/** A thousand browsers that look at the same values, 1,000 events a second. */
async function browsers() {
  const COUNT = 1000, SECONDS = 10, POINTS = 50, PERIOD = 100;
  const station = await Station.start({ args: ['--log-level', 'warn'] });
  const names = Array.from({ length: POINTS }, (_, i) => `P${i}`);
  await station.api.post('/batch', names.map((name) => ({ op: 'add', path: '/', name, type: 'control:NumericWritable' })));
  const child = spawn(program('browsers'), [new URL(station.api.base).port, station.api.token,
    names.map((name) => `slot:/${name}`).join(','), String(COUNT), String(SECONDS)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (piece) => { text += piece; });
  await eventually('all streams open', () => text.startsWith('ready'), { seconds: 120 });
  const timer = setInterval(() => {
    const value = Number(process.hrtime.bigint()) / 1e9;
    station.api.post('/batch', names.map((name) => ({ op: 'patch', path: `/${name}`, values: { fallback: { value, status: '{ok}' } } }))).catch(() => {});
  }, PERIOD);
  await new Promise((resolve) => child.on('exit', resolve));
  clearInterval(timer);
  const [events, p50, p99, broken] = text.split('\n')[1].split(' ').map(Number);
  say(`${COUNT} browsers over TLS, ${POINTS * 2 * 1000 / PERIOD} events/s each: from the request that changes a value until all have it`,
    `p50 ${p50} ms, p99 ${p99} ms, ${(events / SECONDS / 1000).toFixed(0)} thousand events/s, ${broken} broken`, 'goal p99 50 ms', p99 / 50, 'at most 1');
  await station.stop();
}

/** What the reader takes for complexity bombs (tests/bench/bombs.c), beside a plain mail of the same size. */
async function bombs() {
  const lines = (await run(program('bombs'), [])).stdout.trim().split('\n').map((line) => [Number(line.split(' ', 1)[0]), line.slice(line.indexOf(' ') + 1)]);
  const [[plain], ...all] = lines, [worst, name] = all.reduce((a, b) => (b[0] > a[0] ? b : a));
  for (const [ms, bomb] of all) console.log(`    ${bomb.padEnd(36)} ${ms.toFixed(2)} ms`);
  say(`${all.length} complexity bombs of 256 KiB, read; the worst: ${name}`, `${worst.toFixed(1)} ms, median ${median(all.map(([ms]) => ms)).toFixed(1)} ms`,
    `${plain.toFixed(1)} ms`, worst / 50, 'at most 1, of 50 ms', 'a plain mail');
}

const ALL = { alarm, burst, get, scale, wires, bombs, browsers, pages };
const chosen = process.argv.slice(2).length ? process.argv.slice(2) : Object.keys(ALL);
console.log(`Load before: ${loadavg().map((n) => n.toFixed(2)).join(' ')}. Ratios on a busy machine say little.`);
for (const name of chosen) await ALL[name]();
writeFileSync(join(ROOT, 'build/bench.json'), JSON.stringify({ rows, load: loadavg() }, null, 2));
