// SPDX-License-Identifier: Apache-2.0
// What the measurements share: figures, and the lines in which they are told.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

process.env.BELFRY_MODE ??= 'release';
const { ROOT } = await import('../support/station.mjs');

/** Runs a program to its end; resolves to {stdout, stderr}. */
export const run = promisify(execFile);
/** A program of this folder, compiled. */
export const program = (name) => `${ROOT}/build/release/${name}`;

export const quantile = (numbers, q) => [...numbers].sort((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(numbers.length * q))];
export const median = (numbers) => quantile(numbers, 0.5);

/** Every line told so far. */
export const rows = [];

/** Tells one measurement: what Belfry did, what the other did, and the ratio with the goal that it has. */
export function say(what, ours, theirs, ratio, goal, other = 'bare') {
  rows.push({ what, ours, other, theirs, ratio, goal });
  console.log(`${what}\n    ${'Belfry'.padEnd(12)}  ${ours}\n    ${other.padEnd(12)}  ${theirs}\n    ${'ratio'.padEnd(12)}  ${ratio.toFixed(2)}${goal ? `   (goal: ${goal})` : ''}`);
}
