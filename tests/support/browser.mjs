// SPDX-License-Identifier: Apache-2.0
// Debian's Chromium for tests: pages that fail the test on a script error or a violation of the CSP, the log-in, axe.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { PASSWORD } from './station.mjs';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--ignore-certificate-errors']; // the shared worker, too, must accept the station's own certificate
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export class Browser {
  static async start() {
    const browser = new Browser();
    browser.chromium = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });
    return browser;
  }

  /** A context of its own: cookies, workers. bypassCSP: for axe only. */
  async context({ bypassCSP = false } = {}) {
    return this.chromium.newContext({ ignoreHTTPSErrors: true, bypassCSP, colorScheme: 'light', viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' });
  }

  async stop() {
    await this.chromium.close();
  }
}

/** A page whose script errors and CSP violations are kept in page.trouble. What the station refuses (4xx) is no trouble. */
export async function newPage(context) {
  const page = await context.newPage();
  page.trouble = [];
  page.on('pageerror', (error) => page.trouble.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) page.trouble.push(message.text());
  });
  page.setDefaultTimeout(60000); // a busy machine may need that
  return page;
}

export async function logIn(page, station, username = 'admin', password = PASSWORD) {
  await page.goto(`${station.url}/login`);
  await page.getByLabel('User name').fill(username);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('tree').waitFor();
}

/**
 * A slow line: the answer to the next request of this kind waits until it is let through; the station has done what it was
 * asked to. asked: resolves when the answer is there.
 */
export async function holdAnswer(page, method, path) {
  const matches = (url) => path.test(url.pathname + url.search);
  const held = {};
  held.asked = new Promise((resolve) => { held.arrived = resolve; });
  const through = new Promise((resolve) => { held.letThrough = resolve; });
  await page.route(matches, async (route) => {
    if (held.taken || route.request().method() !== method) {
      await route.fallback();
      return;
    }
    held.taken = true; // the route stays: to take it away would let this one through
    const response = await route.fetch();
    held.arrived();
    await through;
    await route.fulfill({ response });
  });
  return held;
}

export function untroubled(page) {
  assert.deepEqual(page.trouble, [], 'script errors or CSP violations');
}

/** Another address in the page's own router, as a link would: the page is not loaded anew. */
export async function visit(page, path) {
  await page.evaluate((to) => {
    history.pushState(null, '', to);
    dispatchEvent(new PopStateEvent('popstate'));
  }, path);
  await page.locator('main:not([aria-busy]) h1').first().waitFor();
}

const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const CONTRAST = 'color-contrast';

/** What axe objects to below an element, or on the whole page. Its context must bypass the CSP: axe is injected. */
async function objections(page, what, within, options) {
  if (!await page.evaluate(() => Boolean(globalThis.axe))) await page.evaluate(AXE);
  const { violations } = await page.evaluate(([place, more]) => globalThis.axe.run(place || document, { resultTypes: ['violations'], ...more }), [within, options]);
  return violations.map(({ id, nodes }) => `${what}: ${id}: ${nodes.slice(0, 3).map((n) => `${n.html.slice(0, 160)} ${n.any[0]?.message ?? ''}`).join(' | ')}`);
}

/** WCAG 2.2 AA, as far as axe can see it, in the look that the page has. */
export async function accessible(page, what) {
  assert.deepEqual(await objections(page, what, null, { runOnly: WCAG }), []);
}

/**
 * The same in light, in dark and with forced colours, of the whole page or of what a selector finds. The elements are the
 * same ones in all looks: in dark, the contrast is measured again; with forced colours the system chooses them, and axe would
 * measure the page's own, which nobody sees, so all the other rules are run again.
 */
export async function accessibleInEveryLook(page, what, within = null) {
  const looks = [
    ['light', { colorScheme: 'light', forcedColors: 'none' }, { runOnly: WCAG }],
    ['dark', { colorScheme: 'dark', forcedColors: 'none' }, { runOnly: { type: 'rule', values: [CONTRAST] } }],
    ['forced colours', { colorScheme: 'light', forcedColors: 'active' }, { runOnly: WCAG, rules: { [CONTRAST]: { enabled: false } } }],
  ];
  const found = [];
  for (const [look, media, options] of looks) {
    await page.emulateMedia(media);
    found.push(...await objections(page, `${what}, ${look}`, within, options));
  }
  await page.emulateMedia({ colorScheme: 'light', forcedColors: 'none' });
  assert.deepEqual(found, []);
}
