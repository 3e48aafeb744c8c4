// SPDX-License-Identifier: Apache-2.0
// Several components at once: chosen in a table and in the search, edited with a dry run before, copied, moved, removed, each
// undone as one; menus with the right button, and their keys, in table and tree.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, accessible, logIn, newPage, untroubled } from '../support/browser.mjs';
import { Station } from '../support/station.mjs';
import { eventually } from '../support/wait.mjs';

let station, browser, api, page;

before(async () => {
  [station, browser] = await Promise.all([Station.start(), Browser.start()]);
  api = station.api;
  for (const name of ['Plant', 'Attic']) await api.add('', name, 'baja:Folder');
  for (const name of ['A', 'B', 'C']) await api.add('/Plant', name, 'control:NumericWritable');
  await api.add('/Plant', 'Switch', 'control:BooleanWritable');
  await api.send('PATCH', '/components/Plant/A', { slots: { serial: { kind: 'string', displayName: 'Serial number', flags: ['summary'] } } });
  await api.patch('/Plant/A', { serial: 'X-17' });
  page = await newPage(await browser.context({ bypassCSP: true }));
  await logIn(page, station);
});
after(async () => {
  await browser?.stop();
  await station?.stop();
});

const table = () => page.getByRole('main').getByRole('table');
const bar = () => page.getByRole('group', { name: 'What is chosen' });
const dialog = () => page.getByRole('dialog');
const names = async (path) => (await api.component(path)).children.map(({ name }) => name).join(' ');
const become = (wanted, path = '/Plant') => eventually(`${path} has ${wanted}`, async () => await names(path) === wanted);
const durations = async () => Promise.all(['A', 'B', 'C'].map((name) => api.value(`/Plant/${name}`, 'maxOverrideDuration')));
const open = async () => {
  await page.goto(`${station.url}/station/Plant?view=components`);
  await table().getByRole('link', { name: 'A', exact: true }).waitFor();
};

test('one property of many is edited after a dry run, refused as a whole, and undone as one', async () => {
  await open();
  await table().getByText('Serial number: X-17').waitFor();
  for (const name of ['A', 'B', 'C']) await table().getByRole('checkbox', { name: `Choose ${name}`, exact: true }).check();
  await bar().getByText('3 chosen').waitFor();
  await bar().getByRole('button', { name: 'Edit a property' }).click();
  assert.equal(await dialog().getByLabel('Property').locator('option', { hasText: 'Serial number' }).count(), 0, 'only one of them has it');
  await dialog().getByLabel('Property').selectOption({ label: 'Max Override Duration' });
  await dialog().getByLabel('Value').fill('-5s');
  await dialog().getByRole('button', { name: 'Show what would change' }).click();
  await dialog().getByText('/Plant/B').waitFor();
  await dialog().getByText('Nothing would be saved.').waitFor();
  await dialog().getByLabel('Value').fill('1h');
  await dialog().getByRole('button', { name: 'Show what would change' }).click();
  await dialog().getByRole('link', { name: '/Plant/C' }).waitFor();
  await accessible(page, 'bulk edit');
  assert.deepEqual(await durations(), [0, 0, 0]);
  await dialog().getByRole('button', { name: 'Save to all 3' }).click();
  await eventually('all have it', async () => (await durations()).every((us) => us === 3600e6));
  await bar().waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: /^Undo: / }).waitFor();
  await page.keyboard.press('Control+z');
  await eventually('none has it', async () => (await durations()).every((us) => us === 0));
});

test('all are chosen with one check box, copied, pasted elsewhere, removed', async () => {
  await open();
  await table().getByRole('checkbox', { name: 'Choose all' }).check();
  await bar().getByText('4 chosen').waitFor();
  await accessible(page, 'table with a choice');
  await bar().getByRole('button', { name: 'Copy', exact: true }).click();
  await page.goto(`${station.url}/station/Attic`);
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Paste 4 components' }).click();
  await become('A B C Switch', '/Attic');
  await page.goto(`${station.url}/search?q=Attic`);
  await table().getByRole('link', { name: 'Switch' }).waitFor();
  await table().getByRole('checkbox', { name: 'Choose A', exact: true }).check();
  await table().getByRole('checkbox', { name: 'Choose Switch' }).check();
  await bar().getByRole('button', { name: 'Remove …' }).click();
  await dialog().getByText('/Attic/Switch').waitFor();
  await dialog().getByRole('button', { name: 'Remove' }).click();
  await become('B C', '/Attic');
  await page.keyboard.press('Control+z');
  await become('A B C Switch', '/Attic');
});

test('the right button opens the menu of a row and of the tree; keys do the same', async () => {
  await open();
  await table().getByRole('link', { name: 'B', exact: true }).click({ button: 'right' });
  await page.getByRole('menu').getByRole('menuitem', { name: 'Duplicate' }).click();
  await become('A B C Switch B1');
  await table().getByRole('link', { name: 'B1', exact: true }).focus();
  await page.keyboard.press('F2');
  await dialog().getByLabel('Name', { exact: true }).fill('D');
  await page.keyboard.press('Enter');
  await become('A B C Switch D');
  const tree = (path) => page.locator(`nav-tree [data-path="${path}"]`);
  await tree('/Plant').locator('.node').first().click({ button: 'right' });
  await page.getByRole('menu', { name: 'Actions of Plant' }).getByRole('menuitem', { name: 'Tags …' }).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('nav-tree [data-path="/Plant"]:focus').waitFor();
  await page.keyboard.press('ArrowRight');
  await tree('/Plant/D').waitFor();
  await tree('/Plant/D').focus();
  await page.keyboard.press('Alt+ArrowUp');
  await become('A B C D Switch');
  await tree('/Plant/D').focus();
  await page.keyboard.press('Control+x');
  await tree('/Attic').focus();
  await page.keyboard.press('Control+v');
  await become('A B C Switch D', '/Attic');
  await page.locator('nav-tree [data-path="/Attic"]').focus();
  await page.keyboard.press('Shift+F10');
  await page.getByRole('menu', { name: 'Actions of Attic' }).waitFor();
  await page.keyboard.press('Escape');
  untroubled(page);
});

test('children are opened in place, with the properties that they alone have', async () => {
  await api.add('/Plant/A', 'Limit', 'alarm:OutOfRangeAlarmExt');
  await page.goto(`${station.url}/station/Plant/A?view=sheet`);
  const nested = page.locator('.nested-sheet', { hasText: 'Limit' });
  await nested.locator('summary').first().focus();
  await page.keyboard.press('Enter');
  await nested.getByLabel('Time Delay', { exact: true }).fill('7s');
  await nested.getByText('was: 0s').waitFor();
  await page.keyboard.press('Control+s');
  await eventually('it is saved', async () => await api.value('/Plant/A/Limit', 'timeDelay') === 7e6);
  await accessible(page, 'sheet with a child opened in place');

  await api.send('PATCH', '/components/Services/PlatformService/load1', { slots: { rack: { kind: 'string', displayName: 'Rack' } } });
  await page.goto(`${station.url}/station/Services/PlatformService?view=sheet`);
  const row = page.locator('[data-slot=load1]');
  await row.locator('summary').click();
  await row.getByLabel('Rack').fill('B2');
  await page.keyboard.press('Control+s');
  await eventually('it is saved', async () => await api.value('/Services/PlatformService/load1', 'rack') === 'B2');
  await accessible(page, 'sheet with a frozen child opened in place');
  untroubled(page);
});
