// SPDX-License-Identifier: Apache-2.0
// Runs all tests: the unit programs of every mode, the lints and the node:test files, some at a time.
// Prints a line for each task with its time and that of the processor, the output of those that failed, and last exactly
// "N passed, N failed, N skipped".
//
//   node tests/support/run.mjs [PATTERN...]    only tasks whose name contains one of the patterns
//   ALL_MODES=1                                 the release build, too, where the one with ASan runs the same
//
// A node:test file says in its first lines what it wants:
//   // modes: release asan tsan   the builds it runs against (default: release, the one that ships)
//   // exclusive                  alone: it measures, or needs both processors
//   // timeout: 300               seconds on an idle machine (default: 180); a busy one gets PATIENCE times as long

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const OUT = join(ROOT, 'build/test');
const PATIENCE = 3;
const PROCESSORS = availableParallelism?.() ?? cpus().length;
const MODES = ['release', 'asan', 'tsan'];
/** What a sanitizer's build has run needs no release build as well, unless somebody has the time. */
const needed = (modes) => (process.env.ALL_MODES ? modes : modes.filter((mode) => mode !== 'release' || !modes.includes('asan')));

/** What a sanitizer needs to know; also used by the stations that the tests start. */
export const SANITIZER = {
  ASAN_OPTIONS: 'detect_leaks=1:abort_on_error=0:exitcode=99:detect_stack_use_after_return=1',
  UBSAN_OPTIONS: 'print_stacktrace=1',
  TSAN_OPTIONS: `halt_on_error=0:exitcode=99:second_deadlock_stack=1:suppressions=${join(ROOT, 'tests/support/tsan.supp')}`,
  LSAN_OPTIONS: `suppressions=${join(ROOT, 'tests/support/lsan.supp')}:print_suppressions=0`,
};

const list = (directory, ending) => {
  const path = join(ROOT, directory);
  return existsSync(path) ? readdirSync(path).filter((name) => name.endsWith(ending)).sort().map((name) => join(path, name)) : [];
};

const unitTask = (program, mode) => ({
  name: `unit/${basename(program)} [${mode}]`, command: [program], timeout: PATIENCE * 120, count: countTap,
  env: { ...SANITIZER, CMOCKA_MESSAGE_OUTPUT: 'TAP' },
});

const nodeTasks = (file) => {
  const head = readFileSync(file, 'utf8').split('\n', 12).join('\n');
  const modes = head.match(/^\/\/ modes: (.+)$/m)?.[1].trim().split(/\s+/) ?? ['release'];
  const folder = basename(join(file, '..'));
  return needed(modes).map((mode) => {
    const name = `${folder}/${basename(file, '.test.mjs')} [${mode}]`;
    const report = join(OUT, `${name.replaceAll('/', '-')}.jsonl`);
    return {
      name, report, count: countReport, exclusive: /^\/\/ exclusive/m.test(head),
      timeout: PATIENCE * Number(head.match(/^\/\/ timeout: (\d+)/m)?.[1] ?? 180),
      command: [process.execPath, '--no-warnings', '--import', join(ROOT, 'tests/support/exit.mjs'), `--test-reporter=${join(ROOT, 'tests/support/reporter.mjs')}`,
        `--test-reporter-destination=${report}`, file],
      env: { BELFRY_MODE: mode },
    };
  });
};

const plainTask = (name, command, timeout = 900) => ({ name, command, timeout, count: () => [], env: {} });

/** Every task, the long ones first so that no processor waits at the end. */
function allTasks() {
  const system = ['system', 'browser', 'rig', 'lint'].flatMap((folder) => list(`tests/${folder}`, '.test.mjs')).flatMap(nodeTasks);
  const unit = needed(MODES).flatMap((mode) => list(`build/${mode}/unit`, '_test').map((program) => unitTask(program, mode)));
  const lint = [
    plainTask('lint/clang-tidy', ['make', '-s', '-C', ROOT, 'tidy', 'JOBS=1', 'TIDY_FLAGS=--checks=-clang-analyzer-*']),
    plainTask('lint/clang-format', ['make', '-s', '-C', ROOT, 'format-check']),
    plainTask('lint/design', [process.execPath, join(ROOT, 'tests/lint/lint.mjs')]),
  ];
  return [...lint, ...unit, ...system].sort((a, b) => b.timeout - a.timeout);
}

/** Results of a cmocka program, from its TAP output. */
function countTap(task) {
  const rows = [];
  for (const line of task.output.split('\n')) {
    const match = line.match(/^(not )?ok \d+ (?:- )?(.*)$/);
    if (!match) continue;
    const skipped = /# SKIP/.test(line);
    rows.push({ name: match[2], result: skipped ? 'skipped' : match[1] ? 'failed' : 'passed', ms: 0 });
  }
  return rows;
}

function countReport(task) {
  if (!existsSync(task.report)) return [];
  return readFileSync(task.report, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

/** Leaves on descriptor 3 what the task and its children took of the processor, which a busy machine does not change. */
const METER = ['/bin/sh', '-c', '"$@" 3>&-; code=$?; times >&3; exit $code', 'meter'];

/** Seconds in what the shell's `times` says of its children: "1m2.345s 0m0.678s" in the second line. */
const processorSeconds = (text) => [...(text.split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, minutes, seconds]) => sum + 60 * minutes + Number(seconds), 0);

/** Runs one task; resolves to its rows. A task that ends badly without a failed row gets one. */
function run(task) {
  return new Promise((resolve) => {
    const started = Date.now();
    const [shell, ...words] = METER;
    const child = spawn(shell, [...words, ...task.command], {
      cwd: ROOT, env: { ...process.env, ...task.env }, stdio: ['ignore', 'pipe', 'pipe', 'pipe'], detached: true,
    });
    const chunks = [];
    let times = '';
    child.stdio[3].on('data', (data) => { times += data; });
    child.stdout.on('data', (data) => chunks.push(data));
    child.stderr.on('data', (data) => chunks.push(data));
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      try { process.kill(-child.pid, 'SIGKILL'); } catch { /* it has just ended */ }
    }, task.timeout * 1000);
    child.on('error', (error) => chunks.push(Buffer.from(String(error))));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      task.output = Buffer.concat(chunks).toString('utf8');
      task.seconds = (Date.now() - started) / 1000;
      task.processor = processorSeconds(times);
      const rows = task.count(task);
      const failed = rows.some((row) => row.result === 'failed');
      if (late) rows.push({ name: `ended within ${task.timeout} s`, result: 'failed', ms: 0 });
      else if (code !== 0 && !failed) rows.push({ name: `exit status ${code ?? signal}`, result: 'failed', ms: 0 });
      else if (rows.length === 0) rows.push({ name: task.name, result: 'passed', ms: task.seconds * 1000 });
      resolve(rows);
    });
  });
}

const total = { passed: 0, failed: 0, skipped: 0 };
const timings = [];

function report(task, rows) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const row of rows) counts[row.result]++;
  for (const key of Object.keys(total)) total[key] += counts[key];
  const verdict = counts.failed ? 'FAIL' : 'ok';
  const detail = Object.entries(counts).filter(([, n]) => n).map(([key, n]) => `${n} ${key}`).join(', ');
  console.log(`${verdict.padEnd(4)} ${task.seconds.toFixed(1).padStart(6)} s ${task.processor.toFixed(1).padStart(6)} s  ${task.name}: ${detail}`);
  for (const row of rows) {
    timings.push(`${row.ms}\t${row.result}\t${task.name}\t${row.name}`);
    if (row.result === 'skipped') console.log(`     SKIP ${row.name}${row.reason ? `: ${row.reason}` : ''}`);
    if (row.result === 'failed') console.log(`     FAILED ${row.name}\n${(row.error ?? '').replace(/^/gm, '       ')}`);
  }
  writeFileSync(join(OUT, `${task.name.replaceAll('/', '-')}.log`), task.output);
  if (counts.failed) console.log(task.output.split('\n').slice(-80).join('\n').replace(/^/gm, '     | '));
}

/** Runs the tasks with so many at once; an exclusive one waits until it is alone. */
async function runAll(tasks, parallel) {
  const shared = tasks.filter((task) => !task.exclusive);
  const worker = async () => {
    for (let task; (task = shared.shift());) report(task, await run(task));
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  for (const task of tasks.filter((task) => task.exclusive)) report(task, await run(task));
}

async function main() {
  const patterns = process.argv.slice(2);
  const tasks = allTasks().filter((task) => patterns.length === 0 || patterns.some((pattern) => task.name.includes(pattern)));
  rmSync(OUT, { recursive: true, force: true });
  mkdirSync(OUT, { recursive: true });
  const started = Date.now();
  await runAll(tasks, Number(process.env.TEST_PARALLEL ?? PROCESSORS + 2)); // most wait for a server, a timer or a browser now and then
  timings.sort((a, b) => parseInt(b, 10) - parseInt(a, 10));
  writeFileSync(join(OUT, 'timings.tsv'), timings.join('\n') + '\n');
  const processor = tasks.reduce((sum, task) => sum + (task.processor ?? 0), 0);
  console.log(`${tasks.length} tasks in ${((Date.now() - started) / 1000).toFixed(0)} s, ${processor.toFixed(0)} s of the processor; times of every test: build/test/timings.tsv`);
  if (tasks.length === 0) total.failed++;
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.exitCode = total.failed ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
