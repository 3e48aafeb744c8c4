// SPDX-License-Identifier: Apache-2.0
// The configuration as text in the page: out as a file, in after a dry run that shows the diff or everything that is wrong;
// versions with who, when and why, looked at and restored.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Browser, logIn, newPage, untroubled } from '../support/browser.mjs';
import { Station } from '../support/station.mjs';
import { eventually } from '../support/wait.mjs';

let station, browser, api, page, text;

before(async () => {
  [station, browser] = await Promise.all([Station.start(), Browser.start()]);
  api = station.api;
  await api.add('', 'Plant', 'baja:Folder');
  await api.add('/Plant', 'Room', 'control:NumericWritable', { fallback: { value: 21, status: '{ok}' } });
  page = await newPage(await browser.context());
  await logIn(page, station);
  await page.goto(`${station.url}/configuration`);
});
after(async () => {
  await browser?.stop();
  await station?.stop();
});

const fallback = async () => (await api.value('/Plant/Room', 'fallback')).value;
const dialog = () => page.getByRole('dialog');
const give = async (config) => {
  await page.getByLabel('File').setInputFiles({ name: 'config.json', mimeType: 'application/json', buffer: Buffer.from(config) });
};
/** The text with another fallback, wherever it stands in it. */
const changed = (value) => text.replace(/("value": )21(\.0)?\b/, `$1${value}`);

test('out as a file', async () => {
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download' }).click()]);
  text = readFileSync(await file.path(), 'utf8');
  assert.notEqual(changed(24.5), text);
});

test('what is no JSON, and what is wrong, is said with its place; nothing is changed', async () => {
  await give('{ "belfry": ');
  await page.getByText('This is not JSON').waitFor();
  await give(changed('"warm"'));
  await page.getByText('Nothing was changed.').waitFor();
  assert.equal(await fallback(), 21);
  await page.locator('.banner code', { hasText: '/Plant/Room fallback' }).waitFor();
  assert.equal(await fallback(), 21);
});

test('a dry run shows the diff; it is applied with a reason', async () => {
  await give(changed(24.5));
  const diff = page.getByRole('region', { name: 'Changes' });
  await diff.getByRole('link', { name: '/Plant/Room' }).waitFor();
  await diff.locator('tr', { hasText: 'fallback' }).locator('del', { hasText: '21' }).waitFor();
  await diff.locator('tr', { hasText: 'fallback' }).locator('ins', { hasText: '24.5' }).waitFor();
  assert.equal(await fallback(), 21);
  await page.getByRole('button', { name: 'Apply …' }).click();
  await dialog().getByLabel('Reason').fill('a warmer room');
  await dialog().getByRole('button', { name: 'Apply' }).click();
  await eventually('it holds', async () => await fallback() === 24.5);
});

test('a version is looked at and restored', async () => {
  const row = page.getByRole('row', { name: /a warmer room/ });
  await row.getByText('admin').waitFor();
  await row.getByRole('button').click();
  await dialog().locator('ins', { hasText: '24.5' }).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('main tbody tr', { hasText: 'Room' }).last().getByRole('button').click();
  await dialog().getByLabel('Reason for a restore').fill('too warm');
  await dialog().getByRole('button', { name: 'Restore this version' }).click();
  await eventually('it is as it was', async () => await fallback() === 21);
  await page.getByRole('row', { name: /too warm/ }).waitFor();
  await page.getByRole('button', { name: /^Undo: / }).waitFor();
  await page.keyboard.press('Control+z');
  await eventually('the restore is undone', async () => await fallback() === 24.5);
  untroubled(page);
});
