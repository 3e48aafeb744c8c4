// SPDX-License-Identifier: Apache-2.0
// A property is added to a component, set on its sheet, changed and removed on the slot sheet, with the keyboard too; a
// slot of the type gets another name; categories are chosen and inherited.
// timeout: 300

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, accessible, logIn, newPage, untroubled } from '../support/browser.mjs';
import { Station } from '../support/station.mjs';
import { eventually } from '../support/wait.mjs';

let station, browser, api, page;

before(async () => {
  [station, browser] = await Promise.all([Station.start(), Browser.start()]);
  api = station.api;
  await api.add('/Drivers', 'Hall', 'control:NumericWritable');
  await api.add('/Services/CategoryService', 'Hvac', 'baja:Category');
  page = await newPage(await browser.context({ bypassCSP: true }));
  await logIn(page, station);
});
after(async () => {
  await browser?.stop();
  await station?.stop();
});

const hall = () => api.component('/Drivers/Hall');
const dialog = () => page.getByRole('dialog');

test('a property comes, is set, changes and goes', async () => {
  await page.goto(`${station.url}/station/Drivers/Hall?view=slots`);
  await page.getByRole('button', { name: 'Add a property' }).focus();
  await page.keyboard.press('Enter');
  await dialog().getByLabel('Name', { exact: true }).fill('setpoint');
  await dialog().getByLabel('Kind', { exact: true }).selectOption('real');
  await dialog().getByLabel('Display name').fill('Comfort');
  await dialog().getByLabel('Unit').fill('°C');
  await dialog().getByLabel('Greatest value').fill('30');
  await dialog().getByLabel('summary').check();
  await accessible(page, 'dialog of a slot');
  await page.keyboard.press('Enter');
  await page.getByRole('rowheader', { name: 'setpoint' }).waitFor();
  await accessible(page, 'slot sheet');

  await page.goto(`${station.url}/station/Drivers/Hall?view=sheet`);
  const field = page.getByLabel('Comfort');
  await field.fill('31');
  await page.keyboard.press('Control+s');
  await page.getByText('The value must be at most 30 °C.').waitFor();
  await field.fill('21');
  await page.keyboard.press('Control+s');
  await eventually('it is saved', async () => (await hall()).values.setpoint === 21);

  await page.goto(`${station.url}/station/Drivers/Hall?view=slots`);
  await page.getByRole('button', { name: 'Edit the slot setpoint' }).click();
  await dialog().getByLabel('Name', { exact: true }).fill('target');
  await dialog().getByRole('button', { name: 'Save' }).click();
  await page.getByRole('rowheader', { name: 'target' }).waitFor();
  assert.equal((await hall()).values.target, 21);
  await page.getByRole('button', { name: 'Edit the slot fallback' }).click();
  await dialog().getByLabel('Display name').fill('When nobody says');
  await dialog().getByRole('button', { name: 'Save' }).click();
  await page.getByText('When nobody says').waitFor();
  await page.getByRole('button', { name: 'Remove the slot target' }).click();
  await dialog().getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('rowheader', { name: 'target' }).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: /^Undo: / }).waitFor();
  await page.keyboard.press('Control+z');
  await page.getByRole('rowheader', { name: 'target' }).waitFor();
  untroubled(page);
});

test('a struct and a list of structs are defined, set on the sheet, and changed', async () => {
  await page.goto(`${station.url}/station/Drivers/Hall?view=slots`);
  const define = async (name, kind, element) => {
    await page.getByRole('button', { name: 'Add a property' }).click();
    await dialog().getByLabel('Name', { exact: true }).fill(name);
    await dialog().getByLabel('Kind', { exact: true }).selectOption(kind);
    if (element) await dialog().getByLabel('Kind of the items').selectOption(element);
    await dialog().getByRole('button', { name: 'Add a member' }).click();
    await dialog().getByLabel('Name of the member').fill('low');
    await dialog().getByLabel('Unit of the member').fill('°C');
    await dialog().getByRole('button', { name: 'Add a member' }).click();
    await dialog().getByLabel('Name of the member').last().fill('mode');
    await dialog().getByLabel('Kind of the member').last().selectOption('enum');
    await dialog().getByLabel('Range of the member').last().fill('off, heat');
    if (name === 'limit') await accessible(page, 'members of a struct');
    await dialog().getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByRole('rowheader', { name }).waitFor();
  };
  await define('limit', 'struct');
  await define('steps', 'list', 'struct');
  await page.goto(`${station.url}/station/Drivers/Hall?view=sheet`);
  await page.getByRole('group', { name: 'Limit' }).getByLabel('Low').fill('5');
  await page.getByRole('group', { name: 'Limit' }).getByLabel('Mode').selectOption('heat');
  await page.getByRole('button', { name: 'Add to Steps' }).click();
  await page.getByLabel('Steps 1: Low').fill('7');
  await page.keyboard.press('Control+s');
  await eventually('it is saved', async () => (await hall()).values.limit.low === 5);
  assert.deepEqual([(await hall()).values.limit, (await hall()).values.steps], [{ low: 5, mode: 'heat' }, [{ low: 7, mode: 'off' }]]);

  await page.goto(`${station.url}/station/Drivers/Hall?view=slots`);
  await page.getByRole('button', { name: 'Edit the slot limit' }).click();
  assert.equal(await dialog().getByLabel('Kind', { exact: true }).inputValue(), 'struct');
  await dialog().getByLabel('Help').fill('Where it is too cold.');
  await dialog().getByRole('button', { name: 'Save' }).click();
  await page.getByText('Where it is too cold.').waitFor();
  const row = (await hall()).slots.find(({ name }) => name === 'limit');
  assert.deepEqual(row.members.map(({ name, kind, facets }) => [name, kind, facets.units]), [['low', 'real', '°C'], ['mode', 'enum', undefined]]);
  assert.deepEqual((await hall()).values.limit, { low: 5, mode: 'heat' });
  untroubled(page);
});

test('categories are chosen, and what stands below has them too', async () => {
  await page.goto(`${station.url}/station/Drivers`);
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Categories …' }).click();
  await dialog().getByLabel('Inherited').uncheck();
  await dialog().getByLabel('Hvac').check();
  await accessible(page, 'dialog of categories');
  await dialog().getByRole('button', { name: 'Save' }).click();
  await eventually('it is saved', async () => (await api.component('/Drivers')).categories.includes('Hvac'));
  await page.goto(`${station.url}/station/Drivers/Hall`);
  await page.getByRole('list', { name: 'Categories' }).getByRole('link', { name: 'Hvac' }).click();
  await page.getByRole('link', { name: 'Hall' }).first().waitFor();
  untroubled(page);
});
