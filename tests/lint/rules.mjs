// SPDX-License-Identifier: Apache-2.0
// What a reader of Belfry would object to, as rules over one file each. A rule gets {path, lines} and yields
// [line number, sentence]. tests/lint/lint.test.mjs proves each rule with a bad sample.

const within = (...prefixes) => (path) => prefixes.some((prefix) => path.startsWith(prefix));
const ends = (...endings) => (path) => endings.some((ending) => path.endsWith(ending));
const isC = (path) => ends('.c', '.h')(path) && !path.startsWith('tests/');
const isSource = (path) => ends('.c', '.h', '.mjs', '.js', '.css', '.sql', '.sh')(path) || path === '.ci/run';

/** The room a path belongs to: station, db, services/alarm, drivers/gpio, web. */
function room(path) {
  const [top, second, third] = path.split('/');
  return ['services', 'drivers'].includes(top) && third ? `${top}/${second}` : top;
}

/** May a file of one room include this header? */
function mayInclude(path, header) {
  if (path === 'station/types.c' || path === 'station/main.c') return true;
  const from = room(path), to = room(header);
  if (from === to || to === 'station') return true;
  if (from === 'station' || from === 'db') return false;
  if (header === 'services/trust/trust.h') return true;
  if (from === 'web') return to !== 'tests';
  return from.startsWith('drivers/') && header === 'drivers/driver.h';
}

function* includes({ path, lines }) {
  for (const [i, line] of lines.entries()) {
    const header = line.match(/^#include "([^"]+)"/)?.[1];
    if (header && !header.includes('/') && !header.endsWith('.def')) yield [i + 1, `include from the root: #include "folder/${header}"`];
    else if (header?.includes('/') && !mayInclude(path, header)) yield [i + 1, `${room(path)} may not know ${room(header)} (${header})`];
  }
}

const BANNED = /(?<![\w.>])(sprintf|vsprintf|strcpy|strcat|strncpy|strncat|strtok|atoi|atol|atof|gets|system|popen|alloca|rand|random|localtime|gmtime|ctime|asctime|tmpnam|mktemp|scanf)\s*\(/;

/** The code of a line, without its comments and the insides of its strings. */
const code = (line) => line.replace(/"(?:[^"\\]|\\.)*"/g, '""').replace(/\/\*.*?\*\//g, '').replace(/\/[/*].*$|^\s*\*(\s.*|)$/g, '');

function* banned({ lines }) {
  for (const [i, line] of lines.entries()) {
    const call = code(line).match(BANNED)?.[1];
    if (call) yield [i + 1, `${call}() is banned: it has no bound, no error or shared state`];
  }
}

function* fileLength({ path, lines }) {
  const limit = path === 'Makefile' || path.endsWith('.h') ? 150 : 600;
  if (lines.length > limit) yield [limit, `${lines.length} lines; at most ${limit}: it is about more than one thing`];
}

function* functionLength({ lines }) {
  let start = -1;
  for (const [i, line] of lines.entries()) {
    if (line === '{') start = i;
    if (line.startsWith('}') && start >= 0) {
      if (i - start - 1 > 120) yield [start + 1, `a function of ${i - start - 1} lines; at most 120`];
      start = -1;
    }
  }
}

/** Every function declared in a header stands below a comment; one comment may speak for the declarations up to the next
 * blank line. Only _new, _free, _init and _finish say all by their names. */
function* docStrings({ lines }) {
  let documented = false;
  let comment = false;
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') documented = false;
    if (/^\s*\/\*/.test(line)) comment = true;
    if (comment) {
      documented = true;
      if (line.includes('*/')) comment = false;
      continue;
    }
    if (/^(?!static|typedef|extern|#|\s|\}|\/)[a-z][\w\s*]*?\b(\w+)\s*\([^;]*$|^(?!static|typedef|#|\s|\}|\/)[a-z][\w\s*]*?\b(\w+)\s*\(.*;/.test(line)
      && !/^(return|if|for|while|switch)\b/.test(line) && !documented && !line.includes('/*') && !/_(new|free|init|finish)\(/.test(line)) {
      yield [i + 1, `no comment says what this does: ${line.trim()}`];
    }
  }
}

/** Every slot carries its help text. */
function* rowDocs({ lines }) {
  for (const [i, line] of lines.entries()) {
    if (lines[i - 1]?.endsWith('\\') || !/^\t(SLOT|SLOT_AT|SLOT_STRUCT|SLOT_LIST|SLOT_COMPONENT)\(/.test(line)) continue;
    let row = '';
    for (let j = i, open = 1; j < lines.length && open > 0; j++) {
      row += `${lines[j]}\n`;
      const bare = code(row.replace(/\n/g, ' '));
      open = bare.split('(').length - bare.split(')').length;
    }
    if (!/\.doc\s*=/.test(row)) yield [i + 1, 'a slot without .doc'];
  }
}

function* sql({ lines }) {
  for (const [i, line] of lines.entries()) {
    if (/"\s*(SELECT\s(?!INBOX)|INSERT INTO|INSERT OR|UPDATE \w+ SET|DELETE FROM|CREATE TABLE|CREATE INDEX|PRAGMA )/.test(line)) {
      yield [i + 1, 'SQL text outside db/'];
    }
  }
}

function* spdx({ lines }) {
  const first = lines[0]?.startsWith('#!') ? lines[1] : lines[0];
  if (!first?.includes('SPDX-License-Identifier: Apache-2.0')) yield [1, 'the first line names the licence: SPDX-License-Identifier: Apache-2.0'];
}

function* typedefs({ lines }) {
  for (const [i, line] of lines.entries()) {
    if (/^\s*typedef\s+(struct|union|enum)\b/.test(line)) yield [i + 1, 'no typedef for structs: write struct'];
  }
}

/** No state of its own in a file: what a module knows stands in a struct that somebody owns. */
function* globals({ lines }) {
  for (const [i, line] of lines.entries()) {
    if (/^(static\s+)?(?!const|extern|typedef|struct \w+;|return|_Atomic|_Thread_local)(unsigned |struct |enum )?\w+ [*\w]+(\[\w*\])?\s*(=[^(]*)?;$/.test(line) && !/\bconst\b/.test(line)) {
      yield [i + 1, 'mutable state of the whole program'];
    }
  }
}

function* leftovers({ lines }) {
  for (const [i, line] of lines.entries()) {
    const word = line.match(/\b(TO)DO\b|\b(FIX)ME\b|\bX{3}\b/)?.[0];
    if (word) yield [i + 1, `"${word}": do it, or write an issue`];
  }
}

function* names({ path }) {
  const base = path.split('/').at(-1).replace(/\.[a-z.]+$/, '');
  if (/^(utils?|misc|common|helpers?)$/.test(base)) yield [1, `"${base}" says nothing about what lives here`];
}

const WWW = [
  [/\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|srcdoc)\b/, 'text becomes markup: make nodes instead'],
  [/\beval\s*\(|new Function\s*\(|setTimeout\s*\(\s*['"`]/, 'text becomes code'],
  [/<[^>]*\sstyle\s*=|setAttribute\(\s*['"]style['"]/, 'inline style: the policy forbids it'],
  [/<[^>]*\son[a-z]+\s*=\s*["']/, 'inline handler: the policy forbids it'],
  [/<script(?![^>]*\bsrc=)[^>]*>/, 'inline script: the policy forbids it'],
  [/<style\b/, 'inline style sheet: the policy forbids it'],
  [/["'`(]https?:\/\/(?!www\.w3\.org)/, 'the browser may load nothing from elsewhere'],
];
function* www({ lines }) {
  for (const [i, line] of lines.entries()) {
    const bare = line.replace(/^\s*(\/\/|\*|\/\*).*$/, '');
    for (const [pattern, sentence] of WWW) if (pattern.test(bare)) yield [i + 1, sentence];
  }
}

/** name: [which files, the rule] */
export const RULES = {
  includes: [isC, includes],
  banned: [isC, banned],
  fileLength: [(path) => isC(path) || path === 'Makefile' || ends('.js', '.mjs')(path), fileLength],
  functionLength: [isC, functionLength],
  docStrings: [(path) => isC(path) && path.endsWith('.h'), docStrings],
  rowDocs: [isC, rowDocs],
  sql: [(path) => isC(path) && !path.startsWith('db/'), sql],
  spdx: [isSource, spdx],
  typedefs: [isC, typedefs],
  globals: [isC, globals],
  leftovers: [isSource, leftovers],
  names: [() => true, names],
  www: [within('www/'), www],
};

/** All objections to one file: [{path, line, rule, sentence}]. */
export function check(path, text) {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return Object.entries(RULES).flatMap(([rule, [applies, look]]) =>
    applies(path) ? [...look({ path, lines })].map(([line, sentence]) => ({ path, line, rule, sentence })) : []);
}
