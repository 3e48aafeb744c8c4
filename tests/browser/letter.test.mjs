// SPDX-License-Identifier: Apache-2.0
// The HTML part of an alarm mail, and the page of its link: by eye of axe, light and dark, as wide as a desk and as a phone;
// opening the link does nothing, its button acknowledges, and then the link is dead.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { simpleParser } from 'mailparser';
import { Browser, accessible, newPage } from '../support/browser.mjs';
import { addContacts, close, ledgerRow, setUpMail } from '../support/plant.mjs';
import { PASSWORD, Station, belfry } from '../support/station.mjs';

let station, browser, mail, link;
before(async () => {
  [station, browser] = await Promise.all([Station.start(), Browser.start()]);
  const user = await belfry(['user', 'add', '--data', station.dir, 'bob', '--role', 'operator', '--email', 'bob@mail.test'], { input: `${PASSWORD}\n` });
  assert.equal(user.code, 0, user.stderr);
  await setUpMail(station.api, { port: -1, account: { transport: 'Maildir' } });
  await station.api.patch('/Services/EmailService/EmailAlarmAcknowledger', { linkAddress: station.url, linkWithoutLogin: true });
  const [contact] = await addContacts(station.api, 1);
  await station.api.patch(`${contact}/Alarm`, { alarmInstructions: 'Close the door, then call the caretaker.' });
  await close(station.api, contact);
  await ledgerRow(station.api, 'accepted', ({ state }) => state === 'accepted');
  const file = readdirSync(join(station.dir, 'mail'), { recursive: true, withFileTypes: true }).find((entry) => entry.isFile());
  mail = await simpleParser(readFileSync(join(file.path, file.name)));
  [link] = mail.text.match(/https:\S+\/ack#\S+/);
});
after(async () => {
  await browser?.stop();
  await station?.stop();
});

const LOOKS = { light: [{}, 800], dark: [{ dark: true }, 800], 'light, on a phone': [{}, 390], 'dark, on a phone': [{ dark: true }, 390] };
for (const [look, [options, width]] of Object.entries(LOOKS)) {
  test(`the mail and the page of its link, ${look}`, async () => {
    const context = await browser.context({ ...options, bypassCSP: true });
    const page = await newPage(context);
    await page.setViewportSize({ width, height: 844 });
    for (const [what, open] of [['mail', () => page.setContent(mail.html)], ['page', () => page.goto(link)]]) {
      await open();
      await page.getByText('Acknowledge', { exact: true }).waitFor();
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, `the ${what} is wider than the screen`);
      await accessible(page, `the ${what}, ${look}`, options);
    }
    await context.close();
  });
}

test('its button acknowledges, and then the link is dead', async () => {
  const alarm = async () => (await station.api.get('/alarms')).items[0];
  const context = await browser.context({ bypassCSP: true });
  const page = await newPage(context);
  await page.goto(link);
  assert.equal((await alarm()).ackState, 'unacked', 'whatever opens links in mails does no harm');
  await page.getByRole('button', { name: 'Acknowledge' }).click();
  await page.getByRole('status').getByText('is acknowledged').waitFor();
  await accessible(page, 'acknowledged');
  assert.deepEqual([(await alarm()).ackState, (await alarm()).user], ['acked', 'bob']);
  await page.reload();
  await page.getByRole('alert').getByText('This link does nothing any more').waitFor();
  await accessible(page, 'a dead link');
  assert.deepEqual(page.trouble, []);
  await context.close();
});
