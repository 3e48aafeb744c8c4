// SPDX-License-Identifier: Apache-2.0
// timeout: 240
// Every page under the strict CSP; nine tabs with one stream; two people who edit one component.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, accessible, logIn, newPage, untroubled } from '../support/browser.mjs';
import { addContacts, close, setUpMail, ledgerRow } from '../support/plant.mjs';
import { Station } from '../support/station.mjs';

const PAGES = {
  station: ['/station', 'Services'],
  folder: ['/station/Services', 'Email Service'],
  account: ['/station/Services/EmailService/OutgoingAccount', 'Hostname'],
  recipient: ['/station/Services/EmailService/EmailRecipient', 'Days Of Week'],
  extension: ['/station/Plant/Contact0/Alarm', 'Alarm Value'],
  alarms: ['/alarms', 'unacked'],
  mail: ['/mail', 'for the page'],
  histories: ['/histories', 'Histories'],
  configuration: ['/configuration', 'Versions'],
  slots: ['/station/Services/EmailService/OutgoingAccount?view=slots', 'connectionTimeout'],
  search: ['/search?q=email', 'Email Service'],
  hosts: ['/certificates/hosts', 'No server has been refused'],
  user: ['/certificates/user', 'Import'],
  system: ['/certificates/system', 'valid'],
  recipients: ['/certificates/recipients', 'certificate is here yet'],
  keys: ['/certificates/keys', 'User Key Store'],
};
let station, browser;

before(async () => {
  [station, browser] = await Promise.all([Station.start(), Browser.start()]);
  await setUpMail(station.api, { port: -1, account: { transport: 'Maildir' }, recipient: { subject: 'for the page' } });
  const [contact] = await addContacts(station.api, 1);
  await close(station.api, contact);
  await ledgerRow(station.api, 'accepted', ({ state }) => state === 'accepted');
});
after(async () => {
  await browser?.stop();
  await station?.stop();
});

test('no page breaks the CSP or throws', async () => {
  const context = await browser.context();
  const page = await newPage(context);
  await logIn(page, station);
  for (const [path, text] of Object.values(PAGES)) {
    const response = await page.goto(station.url + path);
    assert.match(response.headers()['content-security-policy'], /default-src 'none'.*require-trusted-types-for 'script'/);
    await page.locator('main').getByText(text, { exact: false }).first().waitFor();
  }
  untroubled(page);
  await context.close();
});

test('nine tabs are live over one event stream', async () => {
  const context = await browser.context();
  const first = await newPage(context);
  await logIn(first, station);
  const tabs = [first];
  for (let i = 1; i < 9; i += 1) {
    const tab = await newPage(context);
    await tab.goto(`${station.url}/station/Services/EmailService/OutgoingAccount`);
    await tab.getByLabel('Hostname', { exact: true }).waitFor();
    tabs.push(tab);
  }
  await first.goto(`${station.url}/station/Services/EmailService/OutgoingAccount`);
  await Promise.all(tabs.map((tab) => tab.getByRole('img', { name: 'Live values: on' }).waitFor()));
  await station.api.patch('/Services/EmailService/OutgoingAccount', { hostname: 'nine.example.com' });
  await Promise.all(tabs.map((tab) => tab.waitForFunction(() => [...document.querySelectorAll('input')].some((i) => i.value === 'nine.example.com'))));
  tabs.forEach(untroubled);
  await context.close();
});

test('what is not saved is asked for before the page is left', async () => {
  const context = await browser.context();
  const page = await newPage(context);
  await logIn(page, station);
  await page.goto(`${station.url}/station/Services/EmailService/OutgoingAccount`);
  await page.getByLabel('Hostname', { exact: true }).fill('unsaved.example.com');
  await page.locator('.bar').getByRole('link', { name: 'Mail' }).click();
  const dialog = page.getByRole('dialog', { name: 'Leave without saving?' });
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  assert.equal(await page.getByLabel('Hostname', { exact: true }).inputValue(), 'unsaved.example.com');
  await page.locator('.bar').getByRole('link', { name: 'Mail' }).click();
  await dialog.getByRole('button', { name: 'Leave' }).click();
  await page.getByRole('heading', { name: 'Mail' }).waitFor();
  untroubled(page);
  await context.close();
});

test('an input that is being edited is not overwritten; a second Save gets the choice', async () => {
  const context = await browser.context();
  const page = await newPage(context);
  await logIn(page, station);
  await page.goto(`${station.url}/station/Services/EmailService/OutgoingAccount`);
  const host = page.getByLabel('Hostname', { exact: true });
  await host.fill('mine.example.com');
  await station.api.patch('/Services/EmailService/OutgoingAccount', { hostname: 'theirs.example.com' });
  await page.getByRole('button', { name: 'Save' }).click();
  const dialog = page.getByRole('dialog', { name: 'Somebody else has changed this component' });
  await dialog.getByText('theirs.example.com').waitFor();
  assert.equal(await host.inputValue(), 'mine.example.com');
  await dialog.getByRole('button', { name: 'Keep mine' }).click();
  await page.getByText('Saved on disk.').waitFor();
  assert.equal((await station.api.component('/Services/EmailService/OutgoingAccount')).values.hostname, 'mine.example.com');
  untroubled(page);
  await context.close();
});

test('two people edit one component: each property may be theirs or mine, and nothing is lost', async () => {
  const contexts = await Promise.all([browser.context(), browser.context()]);
  const [mine, theirs] = await Promise.all(contexts.map(async (context) => {
    const page = await newPage(context);
    await logIn(page, station);
    await page.goto(`${station.url}/station/Services/EmailService/OutgoingAccount`);
    await page.getByLabel('Hostname', { exact: true }).waitFor();
    return page;
  }));
  const field = (page, name) => page.getByLabel(name, { exact: true });
  await field(mine, 'Hostname').fill('a.example.com');
  await field(mine, 'Port').fill('2525');
  await field(theirs, 'Hostname').fill('b.example.com');
  await field(theirs, 'Port').fill('4650');
  await field(theirs, 'Max Sendable Per Day').fill('77');
  await theirs.getByRole('button', { name: 'Save' }).click();
  await theirs.getByText('Saved on disk.').waitFor();
  await mine.getByRole('button', { name: 'Save' }).click();
  const dialog = mine.getByRole('dialog', { name: 'Somebody else has changed this component' });
  await dialog.getByRole('radio', { name: 'b.example.com' }).check();
  await accessible(mine, 'conflict');
  await dialog.getByRole('button', { name: 'Save as chosen' }).click();
  await mine.getByText('Saved on disk.').waitFor();
  const { hostname, port, maxSendablePerDay } = (await station.api.component('/Services/EmailService/OutgoingAccount')).values;
  assert.deepEqual([hostname, port, maxSendablePerDay], ['b.example.com', 2525, 77]);
  assert.equal(await field(mine, 'Max Sendable Per Day').inputValue(), '77');
  await Promise.all(contexts.map((context) => context.close()));
});
