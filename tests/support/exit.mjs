// SPDX-License-Identifier: Apache-2.0
// Loaded before each test file: a test that failed may have left a station or a server running, which would keep the
// process alive until its time limit. Whoever is still here a while after the last test is ended.

import { after } from 'node:test';
import { PATIENCE } from './wait.mjs';

after(() => {
  setTimeout(() => process.exit(process.exitCode || 1), PATIENCE * 1000).unref(); // the file's own farewells come after this one
});
