// SPDX-License-Identifier: Apache-2.0
// The words of the page. Each text is written in English where it is used and looked up here, so that another language is
// one table; {name} in a text is filled in.

/** @type {Map<string, string>} English text -> text of the chosen language; empty for English */
const translations = new Map();

/**
 * A text of the page.
 * @param {string} english
 * @param {Record<string, string|number>} [values] for {name} in the text
 * @returns {string}
 */
export function t(english, values = {}) {
  const text = translations.get(english) ?? english;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/**
 * A text that counts: "1 alarm", "3 alarms".
 * @param {number} count @param {string} one @param {string} many with {n}
 * @returns {string}
 */
export function plural(count, one, many) {
  return t(count === 1 ? one : many, { n: count });
}
