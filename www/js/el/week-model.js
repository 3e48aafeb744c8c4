// SPDX-License-Identifier: Apache-2.0
// A week of blocks, and what painting does to it. Pure: no element, no request. Times are texts as the station writes them
// ("08:30", "24:00"); seconds after midnight where there is something to count.
/** @typedef {{start: string, finish: string, value: any}} Block value: {value, status} */
/** @typedef {Record<string, Block[]>} Week by day */

export const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
export const DAY = 86400;

/** @param {string} text "08:30", "8:30", "24:00" @returns {number} seconds; NaN when it is no time */
export function seconds(text) {
  const found = text.match(/^(\d{1,2}):(\d\d)(?::(\d\d))?$/);
  if (!found) return NaN;
  const at = Number(found[1]) * 3600 + Number(found[2]) * 60 + Number(found[3] || 0);
  return Number(found[2]) < 60 && Number(found[3] || 0) < 60 && at <= DAY ? at : NaN;
}

/** @param {number} at seconds @returns {string} */
export function clock(at) {
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  return `${two(Math.floor(at / 3600))}:${two(Math.floor(at / 60) % 60)}${at % 60 ? `:${two(at % 60)}` : ''}`;
}

/** What a person typed, as the station writes it. @param {string} text @returns {string} */
export function tidy(text) {
  const typed = text.trim().replace('.', ':');
  const full = /^\d{1,2}$/.test(typed) ? `${typed}:00` : typed;
  return Number.isNaN(seconds(full)) ? text.trim() : clock(seconds(full));
}

/** @param {any} a @param {any} b @returns {boolean} two values that look the same */
export function same(a, b) {
  const isNull = (/** @type {any} */ v) => v.status === '{null}';
  return isNull(a) || isNull(b) ? isNull(a) && isNull(b) : JSON.stringify(a.value) === JSON.stringify(b.value);
}

/** @param {Week} week @returns {Week} */
export function copyWeek(week) {
  return Object.fromEntries(DAYS.map((day) => [day, (week[day] || []).map((block) => ({ ...block }))]));
}

/** The blocks in order; neighbours with one value become one. @param {Block[]} blocks @returns {Block[]} */
function joined(blocks) {
  /** @type {Block[]} */
  const list = [];
  for (const block of [...blocks].sort((a, b) => seconds(a.start) - seconds(b.start))) {
    const last = list[list.length - 1];
    if (last && last.finish === block.start && same(last.value, block.value)) last.finish = block.finish;
    else list.push({ ...block });
  }
  return list;
}

/**
 * Frees a stretch of a day; blocks that reach into it are cut.
 * @param {Block[]} blocks @param {number} from @param {number} to seconds
 * @returns {Block[]}
 */
export function cleared(blocks, from, to) {
  return blocks.flatMap((block) => {
    const a = seconds(block.start), b = seconds(block.finish);
    if (!(a < to && b > from)) return [{ ...block }];
    return [...(a < from ? [{ ...block, finish: clock(from) }] : []), ...(b > to ? [{ ...block, start: clock(to) }] : [])];
  });
}

/**
 * Paints a stretch over whatever is there.
 * @param {Block[]} blocks @param {number} from @param {number} to seconds @param {any} value
 * @returns {Block[]}
 */
export function painted(blocks, from, to, value) {
  return joined([...cleared(blocks, from, to), { start: clock(from), finish: clock(to), value: { ...value } }]);
}

/** The block at a time; -1 without. @param {Block[]} blocks @param {number} at seconds @returns {number} */
export function blockAt(blocks, at) {
  return blocks.findIndex((block) => seconds(block.start) <= at && at < seconds(block.finish));
}
