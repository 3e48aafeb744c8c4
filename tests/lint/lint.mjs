// SPDX-License-Identifier: Apache-2.0
// Our own lint: reads every file of the project and prints what rules.mjs objects to, as PATH:LINE: sentence.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { check } from './rules.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const paths = execFileSync('git', ['-C', ROOT, 'ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
  .split('\n').filter((path) => path && existsSync(join(ROOT, path)) && !/\.(png|ico|woff2|json|svg)$/.test(path));

const objections = paths.flatMap((path) => check(path, readFileSync(join(ROOT, path), 'utf8')));
for (const { path, line, rule, sentence } of objections) console.log(`${path}:${line}: ${sentence} [${rule}]`);
process.exitCode = objections.length ? 1 : 0;
