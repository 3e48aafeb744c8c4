// SPDX-License-Identifier: Apache-2.0
// Duplicate, cut and paste, order, removal; each is taken back and done again, by mouse and by keyboard.

import { after, before, test } from 'node:test';
import { Browser, logIn, newPage, untroubled } from '../support/browser.mjs';
import { Station } from '../support/station.mjs';
import { eventually } from '../support/wait.mjs';

let station, browser, api;

before(async () => {
  [station, browser] = await Promise.all([Station.start(), Browser.start()]);
  api = station.api;
  await api.add('', 'Plant', 'baja:Folder');
  for (const name of ['Fan', 'Pump', 'Attic']) await api.add('/Plant', name, name === 'Attic' ? 'baja:Folder' : 'control:NumericWritable');
});
after(async () => {
  await browser?.stop();
  await station?.stop();
});

const names = async (path = '/Plant') => (await api.component(path)).children.map(({ name }) => name).join(' ');
const become = (wanted, path) => eventually(`${path ?? '/Plant'} has ${wanted}`, async () => await names(path) === wanted);

test('what was done is taken back and done again', async () => {
  const page = await newPage(await browser.context());
  await logIn(page, station);
  await page.goto(`${station.url}/station/Plant?view=components`);
  const table = page.getByRole('main').getByRole('table');
  const choose = async (row, entry) => {
    await table.getByRole('button', { name: `Actions of ${row}`, exact: true }).click();
    await page.getByRole('menuitem', { name: entry, exact: true }).click();
  };
  const undo = page.getByRole('button', { name: /^(Undo|Nothing to undo)/ });
  await choose('Fan', 'Duplicate');
  await become('Fan Pump Attic Fan1');
  await page.getByRole('button', { name: 'Undo: Added /Plant/Fan1.' }).click();
  await page.getByText('Undone: Added /Plant/Fan1.').waitFor();
  await become('Fan Pump Attic');
  await table.getByRole('link', { name: 'Fan 1' }).waitFor({ state: 'detached' });
  await page.keyboard.press('Control+y');
  await become('Fan Pump Attic Fan1');
  await table.getByRole('link', { name: 'Fan 1' }).waitFor();

  await choose('Pump', 'Move up');
  await become('Pump Fan Attic Fan1');
  await table.getByRole('row').nth(1).getByRole('link', { name: 'Pump' }).waitFor();
  await choose('Fan', 'Cut');
  await choose('Attic', 'Paste Fan');
  await become('Fan', '/Plant/Attic');
  await page.getByRole('button', { name: 'Undo: Moved /Plant/Fan to /Plant/Attic/Fan.' }).waitFor();
  await page.keyboard.press('Control+z');
  await become('Pump Fan Attic Fan1');
  await page.keyboard.press('Control+z');
  await become('Fan Pump Attic Fan1');

  await page.goto(`${station.url}/station/Plant/Pump`);
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Remove …' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await become('Fan Attic Fan1');
  await page.getByRole('button', { name: 'Undo: Removed /Plant/Pump.' }).waitFor();
  await page.waitForURL(/\/station\/Plant$/); // where the page goes from what is removed: all of it is drawn anew
  await undo.press('Enter');
  await become('Fan Pump Attic Fan1');

  await page.goto(`${station.url}/station/Plant/Fan1`);
  await page.getByRole('heading', { name: 'Fan 1' }).waitFor();
  await undo.waitFor();
  await page.keyboard.press('Control+z'); // the duplicate: its page goes back to its parent
  await page.waitForURL(/\/station\/Plant$/);
  untroubled(page);
  await page.context().close();
});
