// SPDX-License-Identifier: Apache-2.0
// Waiting for something to become true, with a deadline and no fixed sleeps. A deadline is for what never comes: it costs
// nothing where all is well, and a machine that others keep busy needs it.

/** Seconds that a release build on a busy machine may need for anything. */
export const PATIENCE = 60;

/** Resolves as the promise does, or rejects after so many seconds with the text that explain() gives. While a program that
 * is waited for blocks this process, what has come cannot be read: such a pause counts as one tick. */
export function within(seconds, promise, explain) {
  const TICKS = 20;
  let timer, ticks = 0;
  const deadline = new Promise((_, reject) => {
    timer = setInterval(() => {
      ticks += 1;
      if (ticks === TICKS) reject(new Error(`after ${seconds} s: ${typeof explain === 'function' ? explain() : explain}`));
    }, seconds * 1000 / TICKS);
  });
  return Promise.race([promise, deadline]).finally(() => clearInterval(timer));
}

/** Waits for a line of a daemon's log that matches, and returns it: daemons log after the fact. `read` gives the log's text. */
export const logged = (read, pattern) => eventually(() => `a line like ${pattern} in the log:\n${read().slice(-3000)}`,
  () => read().split('\n').find((line) => pattern.test(line)));

/**
 * Asks until the answer is neither false nor null nor undefined, and returns it. `what` says what was waited for:
 * a text, or a function that is given the last error.
 */
export async function eventually(what, ask, { seconds = PATIENCE, every = 25 } = {}) {
  const end = Date.now() + seconds * 1000;
  let problem;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== false && answer !== null && answer !== undefined) return answer;
      problem = undefined;
    } catch (error) {
      problem = error;
    }
    if (Date.now() > end) {
      const text = typeof what === 'function' ? await what(problem) : what;
      throw new Error(`not within ${seconds} s: ${text}`, { cause: problem });
    }
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}
