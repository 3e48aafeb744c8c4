// SPDX-License-Identifier: Apache-2.0
// Ten thousand children in one folder: the table and the tree show what is in sight and stay quick; the page never freezes.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, logIn, newPage } from '../support/browser.mjs';
import { Station } from '../support/station.mjs';

const COUNT = 10000, CHUNK = 2000;
let station, browser;

before(async () => {
  [station, browser] = await Promise.all([Station.start(), Browser.start()]);
  await station.api.add('', 'Big', 'baja:Folder');
  for (let made = 0; made < COUNT; made += CHUNK) {
    await station.api.post('/batch', Array.from({ length: CHUNK }, (_, i) => ({ op: 'add', path: '/Big', name: `P${made + i}`, type: 'control:NumericWritable' })));
  }
});
after(async () => {
  await browser?.stop();
  await station?.stop();
});

/** The longest time that the page's thread did not answer, in ms, while something is done. */
async function longestPause(page, act) {
  await page.evaluate(() => {
    globalThis.pause = 0;
    let last = performance.now();
    const tick = () => { const now = performance.now(); globalThis.pause = Math.max(globalThis.pause, now - last); last = now; globalThis.ticking = setTimeout(tick, 0); };
    tick();
  });
  await act();
  return page.evaluate(() => { clearTimeout(globalThis.ticking); return globalThis.pause; });
}

test('a folder with ten thousand children', async (t) => {
  const page = await newPage(await browser.context());
  await logIn(page, station);

  await t.test('the table opens with few rows in the document, the count in its head', async () => {
    await page.goto(`${station.url}/station/Big`);
    await page.locator('main').getByRole('link', { name: 'P0', exact: true }).waitFor();
    assert.ok(await page.locator('main tbody tr').count() < 80);
    assert.equal(await page.locator('main table').getAttribute('aria-rowcount'), String(COUNT + 1));
    assert.ok(await page.locator('nav-tree [role=treeitem]').count() < 400);
  });

  await t.test('scrolling to the end shows the end, without a freeze', async () => {
    const pause = await longestPause(page, async () => {
      await page.locator('main .rows').evaluate((element) => { element.scrollTop = element.scrollHeight; });
      await page.locator('main').getByRole('link', { name: `P${COUNT - 1}`, exact: true }).waitFor();
    });
    assert.ok(pause < 1000, `the page stood still for ${pause} ms`);
    assert.ok(await page.locator('main tbody tr').count() < 80);
  });

  await t.test('a search finds one of them', async () => {
    await page.locator('main').getByLabel('Search by name').fill('P7654');
    await page.locator('main').getByRole('link', { name: 'P7654', exact: true }).waitFor();
    await page.locator('main').getByRole('link', { name: 'P0', exact: true }).waitFor({ state: 'detached' });
  });

  await t.test('a search over all of them shows what is in sight, and more on the way down', async () => {
    await page.goto(`${station.url}/search?q=NumericWritable`);
    await page.locator('main').getByRole('link', { name: 'P0', exact: true }).waitFor();
    assert.ok(await page.locator('main tbody tr').count() < 80);
    await page.locator('main .rows').evaluate((element) => { element.scrollTop = element.scrollHeight; });
    await page.locator('main').getByRole('link', { name: 'P199', exact: true }).waitFor();
    assert.ok(await page.locator('main tbody tr').count() < 80);
  });

  await t.test('the tree shows the component that the address names', async () => {
    await page.goto(`${station.url}/station/Big/P9876`);
    await page.locator('nav-tree [aria-selected=true]').getByText('P9876').waitFor();
    assert.ok(await page.locator('nav-tree [role=treeitem]').count() < 400);
  });
});
