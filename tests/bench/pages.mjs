// SPDX-License-Identifier: Apache-2.0
// The browser's page where there is much to show: how long a person waits for the first rows.

import { median, say } from './report.mjs';
import { Browser, logIn, newPage } from '../support/browser.mjs';
import { Station } from '../support/station.mjs';

const GOAL = 300; // ms
const CHUNK = 5000;

async function fill(api, folder, letter, count) {
  await api.add('', folder, 'baja:Folder');
  for (let made = 0; made < count; made += CHUNK) {
    await api.post('/batch', Array.from({ length: CHUNK }, (_, i) => ({ op: 'add', path: `/${folder}`, name: `${letter}${made + i}`, type: 'baja:Folder' })));
  }
}

/** Milliseconds from now on until a link of that name has been drawn in the page's main part; act: what a person does. */
const until = (page, name, act) => page.evaluate(async ([wanted, what]) => {
  const there = () => [...document.querySelectorAll('main a')].some((link) => link.textContent.trim() === wanted);
  const begun = performance.now();
  if (what.click) document.querySelector(`nav-tree [data-path="${what.click}"] .label`).click();
  if (what.type) {
    const field = document.querySelector('main input[type=search]');
    field.value = what.type;
    field.dispatchEvent(new Event('input', { bubbles: true }));
    field.form?.requestSubmit();
  }
  while (!there()) await new Promise((resolve) => { requestAnimationFrame(resolve); });
  await new Promise((resolve) => { requestAnimationFrame(resolve); });
  return performance.now() - begun;
}, [name, act]);

export async function pages() {
  const [station, browser] = await Promise.all([Station.start({ args: ['--log-level', 'warn'] }), Browser.start()]);
  await fill(station.api, 'Big', 'P', 10000);
  await fill(station.api, 'Many', 'Q', 100000);
  const page = await newPage(await browser.context());
  await logIn(page, station);
  const opening = [], finding = [];
  for (let round = 0; round < 7; round++) {
    await page.goto(`${station.url}/overview`);
    await page.locator('nav-tree').getByText('Big', { exact: true }).waitFor();
    opening.push(await until(page, 'P0', { click: '/Big' }));
  }
  for (let round = 0; round < 7; round++) {
    await page.goto(`${station.url}/search`);
    await page.locator('main input[type=search]').waitFor();
    finding.push(await until(page, 'Q0', { type: 'Q' }));
  }
  const text = (list) => `first ${list[0].toFixed(0)} ms, p50 ${median(list).toFixed(0)} ms`;
  say('from a click to the first rows of a folder with 10,000 children', text(opening), `goal ${GOAL} ms`, median(opening) / GOAL, 'at most 1', 'a person');
  say('from typing to the first of 100,000 components found', text(finding), `goal ${GOAL} ms`, median(finding) / GOAL, 'at most 1', 'a person');
  await browser.stop();
  await station.stop();
}
