// SPDX-License-Identifier: Apache-2.0
// timeout: 120
// The wire sheet: two boxes wired by mouse, others by keyboard alone, what cannot be linked says why, undo, places.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, logIn, newPage, untroubled } from '../support/browser.mjs';
import { Station } from '../support/station.mjs';
import { eventually } from '../support/wait.mjs';

let station, browser, api;

before(async () => {
  [station, browser] = await Promise.all([Station.start(), Browser.start()]);
  ({ api } = station);
  await api.add('/', 'Wires', 'baja:Folder');
  await api.add('/Wires', 'Setpoint', 'control:NumericWritable', { fallback: { value: 21, status: '{ok}' }, wsAnnotation: '2,2' });
  await api.add('/Wires', 'Sum', 'kitControl:Add', { wsAnnotation: '24,2' });
  await api.add('/Wires', 'Hot', 'kitControl:GreaterThan', { wsAnnotation: '46,2' });
});
after(async () => {
  await browser?.stop();
  await station?.stop();
});

const open = async (page) => {
  await page.goto(`${station.url}/station/Wires?view=wiresheet`);
  await page.locator('.wire-box').nth(2).waitFor();
};
const row = (page, box, slot) => page.locator('.wire-box', { has: page.locator('.wire-title', { hasText: box }) }).locator(`[data-slot="${slot}"]`);
const centre = async (locator) => {
  const { x, y, width, height } = await eventually('a place', () => locator.boundingBox()); // none while the sheet is drawn anew
  return [x + width / 2, y + height / 2];
};
const position = async (item) => (await api.get('/components/Wires/wiresheet')).items[item].position;
const links = async (path) => (await api.get(`/components${path}/links`)).items.map(({ sourceSlot, targetSlot }) => `${sourceSlot}>${targetSlot}`);

test('by mouse: a link is dragged, refused with a sentence, undone; a box is moved', async () => {
  const page = await newPage(await browser.context());
  await logIn(page, station);
  await open(page);
  const [portX, portY] = await centre(row(page, 'Setpoint', 'out').locator('.wire-port.out'));
  await page.mouse.move(portX + 4, portY); // the half of the port that stands out
  await page.mouse.down();
  await page.mouse.move(...await centre(row(page, 'Sum', 'out')), { steps: 4 });
  await page.locator('.wire-row.legal').first().waitFor();
  await page.mouse.move(...await centre(row(page, 'Sum', 'inB')), { steps: 2 });
  await page.mouse.move(...await centre(row(page, 'Sum', 'out')), { steps: 2 });
  await page.getByText('The property "out" is read-only.').waitFor();
  await page.mouse.move(...await centre(row(page, 'Sum', 'inA')), { steps: 2 });
  await page.mouse.up();
  await page.getByRole('button', { name: /^Link from Setpoint out to Sum inA, carries 21/ }).waitFor();
  assert.deepEqual(await links('/Wires/Sum'), ['out>inA']);
  await row(page, 'Sum', 'out').getByText('21').waitFor();
  await api.patch('/Wires/Setpoint', { fallback: { value: 23, status: '{ok}' } });
  await row(page, 'Sum', 'out').getByText('23').waitFor(); // live
  const [x, y] = await centre(page.locator('.wire-title', { hasText: 'Hot' }));
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x - 60, y + 150, { steps: 5 });
  await page.mouse.up();
  await eventually('it stands elsewhere', async () => (await position(2)).y > 2);
  await page.locator('.wire-box', { hasText: 'Hot' }).focus();
  await page.keyboard.press('Control+z');
  await page.getByText('Undone:').waitFor();
  assert.deepEqual(await position(2), { x: 46, y: 2 });
  untroubled(page);
});

test('by keyboard alone: link, follow, remove, move, undo', async () => {
  const page = await newPage(await browser.context());
  await logIn(page, station);
  await open(page);
  const on = (text) => page.waitForFunction((label) => document.activeElement?.getAttribute('aria-label')?.startsWith(label), text);
  await page.getByRole('button', { name: 'Keys' }).focus();
  await page.keyboard.press('Tab');
  await on('Setpoint, ');
  await page.keyboard.press('ArrowRight');
  await on('Sum, ');
  await page.keyboard.press('Enter');
  await on('Out: 23');
  await page.keyboard.press('l');
  const dialog = page.getByRole('dialog', { name: 'Link from Sum · Out' });
  await dialog.waitFor();
  await dialog.getByLabel('To').selectOption({ label: 'Hot · In B' });
  await page.keyboard.press('Tab');
  await dialog.getByRole('button', { name: 'Link', exact: true }).press('Enter');
  await page.getByRole('button', { name: /^Link from Sum out to Hot inB/ }).waitFor();
  assert.deepEqual(await links('/Wires/Hot'), ['out>inB']);
  await on('Out: 23');
  await page.keyboard.press('ArrowRight');
  await on('Link from Sum out to Hot inB');
  await page.keyboard.press('Delete');
  await page.getByText('Link removed.').waitFor();
  assert.deepEqual(await links('/Wires/Hot'), []);
  await on('Out: 23');
  await page.keyboard.press('Control+z');
  await page.getByRole('button', { name: /^Link from Sum out to Hot inB/ }).waitFor();
  await on('Out: 23');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Shift+ArrowDown');
  await eventually('it stands lower', async () => (await position(1)).y === 3);
  untroubled(page);
});

test('the table of links: one is added, refused, switched off, removed', async () => {
  await api.add('/Wires', 'Other', 'kitControl:Add');
  const page = await newPage(await browser.context());
  await logIn(page, station);
  await page.goto(`${station.url}/station/Wires/Other?view=links`);
  const dialog = page.getByRole('dialog'), table = page.locator('main tbody').first();
  await page.getByRole('button', { name: 'Add link' }).click();
  const source = dialog.getByLabel('Source', { exact: true });
  await source.fill('/Wires/Nobody');
  await source.press('Tab');
  await dialog.getByText('There is no component at /Wires/Nobody.').waitFor();
  await source.fill('/Wires/Setpoint');
  await source.press('Tab');
  await dialog.getByLabel('Source slot').locator('option[value=out]').waitFor({ state: 'attached' });
  await dialog.getByLabel('Source slot').selectOption('out');
  await dialog.getByLabel('Target slot').selectOption('inA');
  await dialog.getByRole('button', { name: 'Add link' }).click();
  await table.locator('tr', { hasText: '/Wires/Setpoint' }).getByText('enabled').waitFor();
  await table.getByRole('button', { name: 'Disable link' }).first().click();
  await table.getByText('disabled').waitFor();
  await table.getByRole('button', { name: 'Remove link' }).first().click();
  await dialog.getByRole('button', { name: 'Remove' }).click();
  await page.getByText('No links lead here').waitFor();
  assert.deepEqual(await links('/Wires/Other'), []);
  untroubled(page);
});
