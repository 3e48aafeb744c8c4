// SPDX-License-Identifier: Apache-2.0
// Proves that each rule of the lint finds what it is for, and leaves good code alone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RULES, check } from './rules.mjs';

const HEAD = '/* SPDX-License-Identifier: Apache-2.0 */\n';

/** rule, path, text that it must object to */
const BAD = [
  ['includes', 'station/tree/tree.c', `${HEAD}#include "services/alarm/alarm.h"\n`],
  ['includes', 'db/sqlite/sqlite.c', `${HEAD}#include "web/request.h"\n`],
  ['includes', 'services/email/mail.c', `${HEAD}#include "services/alarm/alarm.h"\n`],
  ['includes', 'drivers/gpio/gpio.c', `${HEAD}#include "drivers/demo/demo.h"\n`],
  ['includes', 'services/alarm/alarm.c', `${HEAD}#include "web/request.h"\n`],
  ['includes', 'web/router.c', `${HEAD}#include "request.h"\n`],
  ['banned', 'station/value/value.c', `${HEAD}\tstrcpy(to, from);\n`],
  ['banned', 'station/value/value.c', `${HEAD}\tint n = atoi("1");\n`],
  ['fileLength', 'station/tree/tree.h', HEAD + '\n'.repeat(150)],
  ['fileLength', 'station/tree/tree.c', HEAD + '\n'.repeat(600)],
  ['fileLength', 'Makefile', 'all:\n' + '\n'.repeat(150)],
  ['functionLength', 'station/tree/tree.c', `${HEAD}void f(void)\n{\n${'\tg();\n'.repeat(121)}}\n`],
  ['docStrings', 'station/tree/tree.h', `${HEAD}\nint tree_add(struct tree *t);\n`],
  ['docStrings', 'station/tree/tree.h', `${HEAD}\n/* Adds. */\nint tree_add(struct tree *t);\n\nint tree_remove(struct tree *t);\n`],
  ['docStrings', 'station/tree/tree.h', `${HEAD}\nstruct tree *tree_copy(int first,\n                      int second);\n`],
  ['rowDocs', 'services/email/mail.c', `${HEAD}\tSLOT(struct mail, port, INTEGER, .dflt = "-1"),\n`],
  ['sql', 'services/alarm/alarm.c', `${HEAD}\tquery("SELECT * FROM alarm");\n`],
  ['spdx', 'station/tree/tree.c', '#include <stdio.h>\n'],
  ['spdx', 'packaging/install.sh', '#!/bin/sh\necho\n'],
  ['typedefs', 'station/tree/tree.h', `${HEAD}typedef struct tree tree_t;\n`],
  ['globals', 'station/tree/tree.c', `${HEAD}static int count;\n`],
  ['globals', 'station/tree/tree.c', `${HEAD}static struct station *station = NULL;\n`],
  ['leftovers', 'station/tree/tree.c', `${HEAD}/* ${'TO'}DO: later */\n`],
  ['names', 'station/util.c', HEAD],
  ['www', 'www/page.js', `${HEAD}node.innerHTML = text;\n`],
  ['www', 'www/index.html', '<p style="color: red">\n'],
  ['www', 'www/index.html', '<script>run()</script>\n'],
  ['www', 'www/index.html', '<button onclick="run()">\n'],
  ['www', 'www/page.js', `${HEAD}import x from 'https://cdn.example/x.js';\n`],
];

for (const [rule, path, text] of BAD) {
  test(`${rule} objects to ${JSON.stringify(text.slice(0, 90).replace(HEAD, ''))} in ${path}`, () => {
    assert.ok(check(path, text).some((objection) => objection.rule === rule), 'no objection');
  });
}

test('every rule has a bad sample', () => {
  assert.deepEqual(Object.keys(RULES).filter((rule) => !BAD.some(([name]) => name === rule)), []);
});

/** What must pass: the shapes that the project really uses. */
const GOOD = [
  ['station/tree/tree.h', `${HEAD}#ifndef T\n#define T\n\n/* Adds and removes. */\nint tree_add(struct tree *t);\nint tree_remove(struct tree *t);\n\n/* A pair. */\nstruct pair {\n\tint a, b;\n};\n\n#endif\n`],
  ['station/main.c', `${HEAD}#include "services/alarm/alarm.h"\n`],
  ['services/email/client.c', `${HEAD}#include "services/trust/trust.h"\n#include "station/value/value.h"\n`],
  ['drivers/gpio/gpio.c', `${HEAD}#include "drivers/driver.h"\n/* not atoi(text) */\nstatic const int limit = 3;\nconst struct type gpio = { 0 };\n\treturn x;\n`],
  ['db/sqlite/sqlite.c', `${HEAD}\trun("SELECT 1");\n\tsnprintf(a, 1, "system(");\n\tgnutls_rand(1);\n`],
  ['www/page.js', `${HEAD}node.textContent = text; // never innerHTML\n`.replace(' // never innerHTML', '')],
  ['www/index.html', '<script type="module" src="/app.js"></script>\n'],
];
for (const [path, text] of GOOD) {
  test(`nothing to object to in ${path}`, () => assert.deepEqual(check(path, text), []));
}
