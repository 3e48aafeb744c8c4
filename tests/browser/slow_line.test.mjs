// SPDX-License-Identifier: Apache-2.0
// What a person does while an answer is still on its way: writes on, clicks again, goes back, looks at something else.
// Nothing that was written is lost, nothing is done twice, and no late answer stands over a newer one.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Browser, holdAnswer, logIn, newPage, untroubled } from '../support/browser.mjs';
import { ACCOUNT, addContacts, close, ledgerRow, open, setUpMail } from '../support/plant.mjs';
import { Station } from '../support/station.mjs';
import { eventually } from '../support/wait.mjs';

const OFFICE = '/Services/ScheduleService/Office';
let station, browser, page, api, contacts;

before(async () => {
  [station, browser] = await Promise.all([Station.start(), Browser.start()]);
  api = station.api;
  await setUpMail(api, { port: -1, account: { transport: 'Maildir' } });
  contacts = await addContacts(api, 3, { ext: { timeDelay: 0 } });
  await api.add('/Services/ScheduleService', 'Office', 'schedule:BooleanSchedule');
});
beforeEach(async () => {
  await page?.context().close();
  page = await newPage(await browser.context());
  await logIn(page, station);
});
after(async () => {
  await browser?.stop();
  await station?.stop();
});

const field = (name) => page.getByLabel(name, { exact: true });
const heading = (name) => page.getByRole('main').getByRole('heading', { level: 1, name });

test('what is written while a sheet is saved stays, and is saved next; a second Save waits for the first', async () => {
  await page.goto(`${station.url}/station${ACCOUNT}?view=sheet`);
  await field('Hostname').fill('a.example.com');
  const answer = await holdAnswer(page, 'PATCH', /OutgoingAccount$/);
  await page.keyboard.press('Control+s');
  await answer.asked;
  await field('Max Sendable Per Day').fill('77');
  await field('Hostname').fill('b.example.com');
  await page.keyboard.press('Control+s');
  answer.letThrough();
  await page.getByText('Saved on disk.').waitFor();
  assert.deepEqual([await field('Hostname').inputValue(), await field('Max Sendable Per Day').inputValue()], ['b.example.com', '77']);
  await page.getByText('was: a.example.com').waitFor();
  await page.keyboard.press('Control+s');
  await eventually('both are saved', async () => {
    const { hostname, maxSendablePerDay } = (await api.component(ACCOUNT)).values;
    return hostname === 'b.example.com' && maxSendablePerDay === 77;
  });
  await page.locator('main .savebar[data-dirty=false]').waitFor();
  assert.equal(await page.getByRole('dialog').count(), 0, 'nobody else has changed it');
  untroubled(page);
});

test('what is painted while a schedule is saved stays, and is saved next', async () => {
  await page.goto(`${station.url}/station${OFFICE}?view=schedule`);
  const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };
  await page.locator('[role=application]').focus();
  await press('Enter', 'ArrowDown', 'ArrowDown', 'Enter');
  const answer = await holdAnswer(page, 'PATCH', /Office$/);
  await press('Control+s');
  await answer.asked;
  await press('ArrowRight', 'Enter', 'ArrowDown', 'ArrowDown', 'Enter');
  answer.letThrough();
  await page.getByText('Saved on disk.').waitFor();
  await page.locator('main .savebar[data-dirty=true]').waitFor();
  await press('Control+s');
  await eventually('two days are saved', async () => Object.values(await api.value(OFFICE, 'weeklySchedule')).filter((day) => day.length > 0).length === 2);
  untroubled(page);
});

test('a second click on a button whose dialog is late opens no second dialog', async () => {
  await page.goto(`${station.url}/station/Plant/Contact0?view=sheet`);
  const button = page.getByRole('main').getByRole('button', { name: 'Override', exact: true });
  await button.waitFor();
  const answer = await holdAnswer(page, 'GET', /Contact0$/);
  await button.click();
  await answer.asked;
  await button.dispatchEvent('click'); // also if the dialog should be there already
  answer.letThrough();
  await page.getByRole('dialog').first().waitFor();
  await page.getByRole('dialog').first().getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  untroubled(page);
});

test('an alarm that comes while the console is read is in it', async () => {
  await page.getByRole('img', { name: 'Live values: on' }).waitFor();
  const answer = await holdAnswer(page, 'GET', /alarms.*limit=100$/);
  await page.locator('.bar a[href="/alarms"]').click();
  await answer.asked;
  await close(api, contacts[0]);
  await page.locator('.bar .count:not([hidden])').waitFor(); // the page has heard of it
  await ledgerRow(api, 'accepted', ({ state }) => state === 'accepted'); // no other event will make it read again
  answer.letThrough();
  await page.locator('main table.alarms').getByRole('link', { name: 'Contact 0' }).waitFor();
  untroubled(page);
});

test('the answer to what is not wanted any more does not stand in the console', async () => {
  await close(api, contacts[1]);
  const alarm = await eventually('an alarm', async () => (await api.get('/alarms?state=open')).items.find((a) => a.source[0].includes('Contact1')));
  await open(api, contacts[1]);
  await api.post('/alarms/ack', { uuids: [alarm.uuid] });
  await eventually('it is over', async () => (await api.get('/alarms?state=open')).items.every((a) => a.uuid !== alarm.uuid));
  await page.goto(`${station.url}/alarms`);
  await page.locator('main table.alarms').getByRole('link', { name: 'Contact 0' }).waitFor();
  const answer = await holdAnswer(page, 'GET', /alarms\?state=open,cleared/);
  const show = (name) => page.getByRole('group', { name: 'Which alarms' }).getByRole('button', { name }).click();
  await show('All');
  await answer.asked;
  const late = page.waitForResponse(/state=open,cleared/);
  await show('Open');
  answer.letThrough();
  await (await late).finished();
  await page.locator('main table.alarms').getByRole('link', { name: 'Contact 1' }).waitFor({ state: 'detached' });
  await page.locator('main table.alarms').getByRole('link', { name: 'Contact 0' }).waitFor();
  untroubled(page);
});

test('a mail is sent again once, however often the button is pressed', async () => {
  await api.patch(ACCOUNT, { enabled: false });
  await close(api, contacts[2]);
  await ledgerRow(api, 'waiting', ({ state }) => state === 'queued');
  await api.invoke(ACCOUNT, 'clearQueue');
  const mail = await ledgerRow(api, 'cancelled', ({ state }) => state === 'cancelled');
  await page.goto(`${station.url}/mail/${mail.id}`);
  const count = async () => (await api.get('/mail')).items.length;
  const before = await count();
  const answer = await holdAnswer(page, 'POST', /resend$/);
  await page.getByRole('button', { name: 'Send again' }).click();
  await answer.asked;
  await page.getByRole('button', { name: 'Send again' }).click();
  answer.letThrough();
  await page.getByText('Queued again.').waitFor();
  await page.waitForURL((url) => url.pathname.startsWith('/mail/') && !url.pathname.endsWith(mail.id));
  assert.equal(await count(), before + 1);
  untroubled(page);
});

test('going back to the page that is still shown ends the way to the other one', async () => {
  await page.goto(`${station.url}/alarms`);
  await heading('Alarms').waitFor();
  const answer = await holdAnswer(page, 'GET', /\/mail\?/);
  await page.locator('.bar a[href="/mail"]').click();
  await answer.asked;
  const late = page.waitForResponse(/\/mail\?/);
  await page.goBack();
  await page.waitForURL(/\/alarms$/);
  answer.letThrough();
  await (await late).finished();
  await page.locator('main:not([aria-busy])').waitFor();
  await heading('Alarms').waitFor();
  untroubled(page);
});
