// SPDX-License-Identifier: Apache-2.0
// The User Key Store in the browser: a key is made, its request signed, the signed certificate imported, the key exported
// and deleted, all in the page, with axe looking at every dialog; and one of them becomes the certificate for HTTPS.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Browser, accessible, logIn, newPage, untroubled } from '../support/browser.mjs';
import { Pki } from '../support/pki.mjs';
import { PASSWORD, Station } from '../support/station.mjs';

let station, browser, pki;

before(async () => {
  pki = new Pki();
  [station, browser] = await Promise.all([Station.start(), Browser.start()]);
});
after(async () => {
  await browser?.stop();
  await station?.stop();
});

const saved = async (page, act, name) => {
  const [file] = await Promise.all([page.waitForEvent('download'), act()]);
  assert.equal(file.suggestedFilename(), name);
  const path = join(pki.dir, name);
  await file.saveAs(path);
  return path;
};

test('a key is made, signed, exported and deleted in the page', async () => {
  const context = await browser.context({ bypassCSP: true, acceptDownloads: true });
  const page = await newPage(context);
  await logIn(page, station);
  await page.goto(`${station.url}/certificates/keys`);
  await page.getByRole('button', { name: 'New' }).click();
  const dialog = page.getByRole('dialog');
  await accessible(page, 'new key');
  await dialog.getByLabel('Alias').fill('mail');
  await dialog.getByRole('button', { name: 'Make' }).click();
  await dialog.getByRole('alert').getByText('common name is needed').waitFor();
  await dialog.getByLabel('Common name').fill('Plant Station');
  await dialog.getByLabel('Usage').selectOption('email');
  await dialog.getByLabel('Mail address').fill('station@plant.test');
  await dialog.getByLabel('Further names').fill('a.test b.test');
  await dialog.getByRole('button', { name: 'Make' }).click();
  const row = page.locator('[data-alias=mail]');
  await row.getByText('valid, self-signed').waitFor();
  assert.deepEqual((await station.api.get('/certificates/keys/mail')).sans, ['a.test', 'b.test', 'station@plant.test']);

  const request = await saved(page, () => row.getByRole('link', { name: 'Certificate request of mail' }).click(), 'mail.csr');
  const signed = join(pki.dir, 'signed.pem');
  execFileSync('openssl', ['x509', '-req', '-in', request, '-CA', pki.intermediate.cert, '-CAkey', pki.intermediate.key, '-days', '90', '-copy_extensions', 'copyall', '-out', signed], { stdio: 'pipe' });
  await page.getByRole('button', { name: 'Import' }).click();
  await accessible(page, 'import key');
  await dialog.getByLabel('PEM').fill(readFileSync(signed, 'utf8') + pki.intermediate.pem);
  await dialog.getByRole('button', { name: 'Import' }).click();
  await row.getByText('Plant Issuing CA').first().waitFor();

  await row.getByRole('button', { name: 'Export mail' }).click();
  await accessible(page, 'export key');
  await dialog.getByLabel('Format').selectOption('pem');
  await dialog.getByLabel('Password of the file').fill('correct horse');
  await dialog.getByLabel('The same again').fill('correct house');
  await dialog.getByLabel('Your own password').fill(PASSWORD);
  await dialog.getByRole('button', { name: 'Export' }).click();
  await dialog.getByText('not the same').waitFor();
  await dialog.getByLabel('The same again').fill('correct horse');
  const file = await saved(page, () => dialog.getByRole('button', { name: 'Export' }).click(), 'mail.pem');
  execFileSync('openssl', ['pkey', '-in', file, '-passin', 'pass:correct horse', '-noout'], { stdio: 'pipe' });
  await row.getByRole('button', { name: 'Export mail' }).click();
  for (const label of ['Password of the file', 'The same again']) await dialog.getByLabel(label).fill('p12 secret');
  await dialog.getByLabel('Your own password').fill(PASSWORD);
  if (process.env.SHOTS) await page.screenshot({ path: join(process.env.SHOTS, 'export.png') });
  const p12 = await saved(page, () => dialog.getByRole('button', { name: 'Export' }).click(), 'mail.p12');

  await row.getByRole('button', { name: 'Delete mail' }).click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await row.waitFor({ state: 'detached' });

  await page.getByRole('button', { name: 'Import' }).click();
  await dialog.getByLabel('File').setInputFiles(p12);
  await dialog.getByLabel('Password').fill('p12 secret');
  await dialog.getByLabel('Alias').fill('again');
  await page.keyboard.press('Enter');
  await page.locator('[data-alias=again]').waitFor();
  if (process.env.SHOTS) await page.screenshot({ path: join(process.env.SHOTS, 'keys.png') });
  if (process.env.SHOTS) { await page.getByRole('button', { name: 'New' }).click(); await page.screenshot({ path: join(process.env.SHOTS, 'new.png') }); }
  untroubled(page);
  await context.close();
});

test('the certificate for HTTPS is chosen on the sheet, and the page goes on under it', async () => {
  const make = (alias, usage, sans) => station.api.post('/certificates/keys/generate', { alias, commonName: 'plant.test', usage, sans });
  await Promise.all([make('web', 'server', ['127.0.0.1']), make('elsewhere', 'server', ['elsewhere.test']), make('plc', 'client', [])]);
  const { fingerprints } = await station.api.get('/certificates/keys/web');
  const context = await browser.context({ bypassCSP: true });
  const page = await newPage(context);
  await logIn(page, station);
  await page.goto(`${station.url}/station/Services/WebService`);
  const chosen = page.getByLabel('Https Cert', { exact: true });
  await chosen.focus();
  await page.locator('datalist option[value=web]').waitFor({ state: 'attached' });
  const offered = await page.locator('datalist option').evaluateAll((options) => options.map((option) => option.value));
  assert.deepEqual(offered.sort(), ['default', 'elsewhere', 'web']);
  const save = async (alias) => {
    await chosen.fill(alias);
    await page.getByRole('button', { name: 'Save' }).click();
  };
  await save('plc');
  await page.getByText('not made for servers').waitFor();
  await save('elsewhere');
  await page.getByText('You have come here as 127.0.0.1').waitFor();
  await accessible(page, 'warned of another name');
  if (process.env.SHOTS) await page.screenshot({ path: join(process.env.SHOTS, 'https.png') });
  await save('web');
  await page.getByText(fingerprints.sha256).waitFor(); // it came with the event stream
  await page.reload();
  await chosen.waitFor();
  assert.equal(await chosen.inputValue(), 'web');

  await page.goto(`${station.url}/certificates/keys`);
  const row = page.locator('[data-alias=web]');
  await row.getByText('used by /Services/WebService (httpsCert)').waitFor();
  if (process.env.SHOTS) await page.screenshot({ path: join(process.env.SHOTS, 'used.png') });
  await row.getByRole('button', { name: 'Delete web' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('Choose another there first').waitFor();
  await accessible(page, 'a key in use');
  untroubled(page);
  await context.close();
});
