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

  /** A context of its own: cookies, workers. Options: dark, forced (colours), bypassCSP (for axe only). */
  async context({ dark = false, forced = false, bypassCSP = false } = {}) {
    return this.chromium.newContext({
      ignoreHTTPSErrors: true, bypassCSP, colorScheme: dark ? 'dark' : 'light', forcedColors: forced ? 'active' : 'none',
      viewport: { width: 1280, height: 900 },
    });
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

export function untroubled(page) {
  assert.deepEqual(page.trouble, [], 'script errors or CSP violations');
}

/**
 * WCAG 2.2 AA, as far as axe can see it. The page's context must bypass the CSP: axe is injected. With forced colours the
 * system chooses them, and axe would measure the page's own, which nobody sees.
 */
export async function accessible(page, what, { forced = false } = {}) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate((contrast) => globalThis.axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], rules: { 'color-contrast': { enabled: contrast } },
  }), !forced);
  assert.deepEqual(violations.map(({ id, nodes }) => `${what}: ${id}: ${nodes.slice(0, 3).map((n) => `${n.html.slice(0, 160)} ${n.any[0]?.message ?? ''}`).join(' | ')}`), []);
}
