// SPDX-License-Identifier: Apache-2.0
// timeout: 180
// A newcomer connects a mail account of a server with a private CA, from an empty station to "the test mail has arrived",
// following only what the page says: the doctor finds the wrong TLS mode, then the unknown CA, then nothing.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, newPage, untroubled } from '../support/browser.mjs';
import { MailHost, needsRoot } from '../support/mailhost.mjs';
import { Pki } from '../support/pki.mjs';
import { Station } from '../support/station.mjs';

const options = { skip: needsRoot };
const pki = new Pki();
let station, browser, page, host;

before(async () => {
  if (needsRoot) return;
  [station, browser, host] = await Promise.all([Station.start({ admin: false }), Browser.start(), MailHost.start(pki.server('served'))]);
  page = await newPage(await browser.context());
  page.setDefaultTimeout(60000);
});
after(async () => {
  await browser?.stop();
  host?.stop();
  await station?.stop();
});

const examine = () => page.getByRole('button', { name: 'Examine' }).click();

test('from the setup link to the account', options, async () => {
  await page.goto(station.stdout.match(/https:\/\/\S+\/setup#\S+/)[0]);
  await page.getByLabel('User name').fill('ada');
  await page.getByLabel('Password', { exact: true }).fill('a long password');
  await page.getByLabel('Password again').fill('a long password');
  await page.getByRole('button', { name: 'Make administrator' }).click();
  await page.getByRole('tree').waitFor();
  await page.goto(`${station.url}/station/Services/EmailService`);
  await page.getByRole('link', { name: 'Outgoing Account' }).first().click();
  await page.getByRole('heading', { name: 'Outgoing Account', level: 1 }).waitFor();
});

test('the doctor tries what is not saved, and offers the TLS mode that the port has; one click saves both', options, async () => {
  await page.getByRole('link', { name: 'Doctor' }).or(page.getByRole('tab', { name: 'Doctor' })).first().click();
  await page.getByRole('heading', { name: 'Mail doctor' }).waitFor(); /* the sheet has such fields as well */
  await page.getByRole('textbox', { name: 'Hostname' }).fill('localhost');
  await page.getByRole('textbox', { name: 'Port' }).fill(String(host.submission)); /* its operator's sheet says so; TLS is left as it was */
  await page.getByRole('textbox', { name: 'Account' }).fill('alice');
  await page.getByLabel('Password').fill('secret1');
  await examine();
  await page.getByText('What would help').waitFor();
  await page.getByText(/answers on port \d+ with STARTTLS/).waitFor();
  await page.route('**/actions/diagnose', (route) => setTimeout(() => route.continue(), 500)); /* a slow line: what the page reads meanwhile is old */
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText(/User Trust Store/).first().waitFor(); /* it has examined anew: now the certificate is unknown */
  const { values } = (await (await page.request.get(`${station.url}/api/v1/components/Services/EmailService/OutgoingAccount`)).json());
  assert.deepEqual([values.hostname, values.useStartTls, values.emailAuthenticator.account, values.emailAuthenticator.password], ['localhost', true, 'alice', { set: true }]);
});

test('the CA is imported where the advice says; then the test mail arrives', options, async () => {
  await page.goto(`${station.url}/certificates/user`);
  await page.getByRole('button', { name: 'Import' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('PEM').fill(pki.root.pem);
  await dialog.getByRole('button', { name: 'Import' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.goto(`${station.url}/station/Services/EmailService/OutgoingAccount?view=doctor`);
  await page.getByLabel('Test Address').fill('bob@mail.test');
  await examine();
  await page.getByText('Everything works.').waitFor();
  await page.getByText('The test mail was taken').waitFor();
  const mail = await host.waitForMail('bob', (text) => text.includes('mail doctor'), 60);
  assert.ok(mail);
  untroubled(page);
});
