// SPDX-License-Identifier: Apache-2.0
// timeout: 240
// An integrator's first day, with real clicks: the setup link, an account, a self-signed server that is refused, looked at,
// approved and used, a key that changes, a private CA imported, an alarm acknowledged.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Browser, newPage, untroubled } from '../support/browser.mjs';
import { Client } from '../support/client.mjs';
import { Pki } from '../support/pki.mjs';
import { addContacts, close } from '../support/plant.mjs';
import { SmtpServer } from '../support/smtp.mjs';
import { Station } from '../support/station.mjs';
import { eventually } from '../support/wait.mjs';

const ACCOUNT = '/station/Services/EmailService/OutgoingAccount';
const pki = new Pki();
let station, browser, context, page, server;

before(async () => {
  [station, browser] = await Promise.all([Station.start({ admin: false }), Browser.start()]);
  context = await browser.context();
  page = await newPage(context);
});
after(async () => {
  await browser?.stop();
  await server?.stop();
  await station?.stop();
});

const save = async () => {
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved on disk.').first().waitFor();
};

/** Sends a test mail by the button of the account's page. */
async function sendTest(address) {
  await page.goto(station.url + ACCOUNT);
  await page.getByRole('button', { name: 'Send Test' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Address').fill(address);
  await dialog.getByRole('button', { name: 'Send Test' }).click();
  await dialog.waitFor({ state: 'detached' });
}

const got = (address) => eventually(`a mail for ${address}`, () => server.messages.some(({ to }) => to.includes(address)), { seconds: 40 });

test('the setup link makes the first administrator, once', async () => {
  const link = station.stdout.match(/https:\/\/\S+\/setup#\S+/)[0];
  await page.goto(link);
  await page.getByLabel('User name').fill('ada');
  await page.getByLabel('Password', { exact: true }).fill('a long password');
  await page.getByLabel('Password again').fill('a long password');
  await page.getByRole('button', { name: 'Make administrator' }).click();
  await page.getByRole('tree').waitFor();
  const other = new Client(station);
  await assert.rejects(other.post('/setup', { token: link.split('#')[1], username: 'eve', password: 'a long password' }));
  other.close();
  station.token = await station.addToken('ada');
  station.api = new Client(station, { token: station.token });
});

test('Use Ssl and Use Start Tls both true: the sentence at both rows, nothing saved', async () => {
  await page.goto(station.url + ACCOUNT);
  await page.getByLabel('Use Start Tls', { exact: true }).selectOption('true');
  await page.getByRole('button', { name: 'Save' }).click();
  for (const slot of ['useSsl', 'useStartTls']) await page.locator(`[data-slot=${slot}] .error`, { hasText: 'exclude each other' }).waitFor();
  assert.equal((await station.api.component('/Services/EmailService/OutgoingAccount')).values.useStartTls, false);
  await page.getByLabel('Use Start Tls', { exact: true }).selectOption('false');
});

test('a self-signed server is refused, shown, approved and used', async () => {
  server = await SmtpServer.start({ tls: 'implicit', certificate: pki.selfSigned('first') });
  await page.goto(station.url + ACCOUNT);
  await page.getByLabel('Hostname', { exact: true }).fill('127.0.0.1');
  await page.getByLabel('Port', { exact: true }).fill(String(server.port));
  await page.getByLabel('Account', { exact: true }).fill('alice');
  await page.getByLabel('Password', { exact: true }).fill('secret1');
  await save();
  await sendTest('first@mail.test');
  await page.locator('.head .status', { hasText: 'down' }).waitFor();
  await page.locator('[data-slot=lastPollFailureCause]', { hasText: /certificate/i }).waitFor();
  assert.equal(server.sessions.some((session) => session.received.length > 0), false, 'something was said before the server was trusted');
  await page.goto(`${station.url}/certificates/hosts`);
  const row = page.locator(`tr[data-host="127.0.0.1:${server.port}"]`);
  await row.getByText('not approved').waitFor();
  await row.getByRole('button', { name: 'Approve' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('SHA-256').waitFor();
  await dialog.getByLabel('Reason').fill('the plant runs its own server');
  await dialog.getByRole('button', { name: 'Approve' }).click();
  await row.getByText('approved', { exact: true }).waitFor();
  await got('first@mail.test');
});

test('the key changes: refused again, old and new side by side', async () => {
  const { port } = server;
  await server.stop();
  server = await SmtpServer.start({ tls: 'implicit', certificate: pki.selfSigned('second'), port });
  await sendTest('second@mail.test');
  await page.locator('.head .status', { hasText: 'down' }).waitFor();
  await page.goto(`${station.url}/certificates/hosts`);
  const row = page.locator(`tr[data-host="127.0.0.1:${port}"]`);
  await row.getByText('key changed').waitFor();
  await row.getByRole('button', { name: 'Approve' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('columnheader', { name: 'Before' }).waitFor();
  assert.ok(await dialog.locator('td.differs').count() > 0, 'what has changed is marked');
  await dialog.getByLabel('Reason').fill('renewed, its administrator says');
  await dialog.getByRole('button', { name: 'Approve' }).click();
  await got('second@mail.test');
});

test('a private CA, imported by pasting, makes its server trusted', async () => {
  const { port } = server;
  await server.stop();
  server = await SmtpServer.start({ tls: 'implicit', certificate: pki.server('served'), port });
  await page.goto(`${station.url}/certificates/user`);
  await page.getByRole('button', { name: 'Import' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('PEM').fill(readFileSync(pki.root.cert, 'utf8'));
  await dialog.getByRole('button', { name: 'Import' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.locator('main td').first().waitFor();
  await sendTest('third@mail.test');
  await got('third@mail.test');
  await page.goto(`${station.url}/mail`);
  await page.locator('tr', { hasText: 'third@mail.test' }).getByText('accepted').first().waitFor();
});

test('an alarm appears by itself and is acknowledged with a click', async () => {
  await page.goto(`${station.url}/alarms`);
  await page.getByText('No open alarms').waitFor();
  const [contact] = await addContacts(station.api, 1);
  await close(station.api, contact);
  await page.getByRole('checkbox', { name: /Choose/ }).check();
  await page.getByRole('button', { name: 'Acknowledge' }).click();
  await page.getByText('acked by ada').waitFor();
  const { items } = await station.api.get('/alarms?state=open');
  assert.deepEqual(items.map(({ ackState, user }) => [ackState, user]), [['acked', 'ada']]);
});

test('no script error, no CSP violation on the whole way', () => untroubled(page));
