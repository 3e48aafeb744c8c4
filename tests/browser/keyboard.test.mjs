// SPDX-License-Identifier: Apache-2.0
// timeout: 240
// A working day without a mouse: log in, walk the tree, change a property, save, take it back, wire two components, paint a
// week, look at an alarm, ask for the keys, log out. Nothing here clicks, and nothing is given the focus but by keys.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, newPage, untroubled } from '../support/browser.mjs';
import { ACCOUNT, addContacts, close } from '../support/plant.mjs';
import { PASSWORD, Station } from '../support/station.mjs';
import { eventually } from '../support/wait.mjs';

const SCHEDULE = '/Services/ScheduleService/Office';
/** More stops than any page has. */
const STOPS = 150;
let station, browser, page, api;

before(async () => {
  [station, browser] = await Promise.all([Station.start(), Browser.start()]);
  api = station.api;
  const [contact] = await addContacts(api, 1);
  await close(api, contact);
  await api.add('/Plant', 'Setpoint', 'control:NumericWritable', { wsAnnotation: '2,2' });
  await api.add('/Plant', 'Sum', 'kitControl:Add', { wsAnnotation: '24,2' });
  await api.add('/Services/ScheduleService', 'Office', 'schedule:BooleanSchedule');
  page = await newPage(await browser.context());
});
after(async () => {
  await browser?.stop();
  await station?.stop();
});

const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };
const focused = (selector) => page.evaluate((wanted) => Boolean(document.activeElement?.matches(wanted)), selector);

/** Goes on with Tab (or back) until the focus is on what the selector says; it must be visible there. */
async function tabTo(selector, key = 'Tab') {
  await page.locator(selector).first().waitFor();
  for (let i = 0; i < STOPS; i += 1) {
    if (await focused(selector)) {
      assert.ok(await page.evaluate(() => [document.activeElement, ...document.activeElement.querySelectorAll('*')].some((e) => getComputedStyle(e).outlineStyle !== 'none')), `the focus on ${selector} cannot be seen`);
      return;
    }
    await page.keyboard.press(key);
  }
  assert.fail(`Tab does not come to ${selector}`);
}

/** Goes through the tree to a component, and opens it. */
async function walkTo(path) {
  await tabTo('[role=treeitem]', 'Shift+Tab');
  await press('Home');
  const parts = path.split('/').filter(Boolean);
  for (let i = 1; i <= parts.length; i += 1) {
    const wanted = `[data-path="/${parts.slice(0, i).join('/')}"]`;
    await page.locator(`nav-tree ${wanted}`).waitFor();
    for (let k = 0; k < STOPS && !await focused(wanted); k += 1) await press('ArrowDown');
    if (i < parts.length && await focused('[aria-expanded=false]')) await press('ArrowRight');
  }
  assert.ok(await focused(`[data-path="${path}"]`), `the arrows do not come to ${path}`);
  await press('Enter');
  await page.locator(`main h1:focus`).waitFor();
}

test('log in', async () => {
  await page.goto(`${station.url}/login`);
  await page.locator('input[name=username]:focus').waitFor();
  await page.keyboard.type('admin');
  await press('Tab');
  await page.keyboard.type(PASSWORD);
  await press('Enter');
  await page.locator('nav-tree [data-path="/Plant"]').waitFor();
});

test('the tree, the sheet, Save, an error, undo', async () => {
  await walkTo(ACCOUNT);
  await tabTo('[data-slot=hostname] input');
  await page.keyboard.type('mail.example.com');
  await tabTo('[data-slot=useStartTls] select');
  await press('t', 'Control+s');
  await page.locator('[data-slot=useStartTls] .error').waitFor();
  assert.ok(await focused('[aria-invalid]'), 'the first error has the focus');
  await tabTo('[data-slot=useStartTls] select');
  await press('f', 'Control+s');
  await eventually('it is saved', async () => await api.value(ACCOUNT, 'hostname') === 'mail.example.com');
  await tabTo('[aria-keyshortcuts="Control+Z"][aria-disabled=false]', 'Shift+Tab');
  await press('Enter');
  await eventually('it is taken back', async () => await api.value(ACCOUNT, 'hostname') === '');
});

test('an action and a menu', async () => {
  await walkTo('/Plant/Setpoint');
  await tabTo('main [aria-label="More actions"]');
  await press('Enter');
  await page.locator('.menu [role=menuitem]:focus').waitFor();
  await press('o', 'Enter'); // Override
  await page.locator('dialog input:focus, dialog select:focus').waitFor();
  await tabTo('dialog input[inputmode=decimal]');
  await press('Control+a');
  await page.keyboard.type('23.5');
  await press('Enter');
  await eventually('it is overridden', async () => (await api.value('/Plant/Setpoint', 'out')).value === 23.5);
});

test('the wire sheet', async () => {
  await walkTo('/Plant');
  await tabTo('.tabs a[href$="view=wiresheet"]');
  await press('Enter');
  await tabTo('.wire-box');
  const on = (label) => page.waitForFunction((text) => document.activeElement?.getAttribute('aria-label')?.startsWith(text), label);
  for (const way of ['ArrowUp', 'ArrowLeft']) for (let i = 0; i < 3 && !await focused('[aria-label^="Setpoint,"]'); i += 1) await press(way);
  await on('Setpoint, ');
  await press('Enter');
  await on('Out: ');
  await press('l');
  await page.locator('dialog select:focus').waitFor();
  await page.keyboard.type('Sum');
  await press('Tab');
  await tabTo('dialog button.primary');
  await press('Enter');
  await eventually('they are linked', async () => (await api.get('/components/Plant/Sum/links')).items.length === 1);
});

test('a week', async () => {
  await walkTo(SCHEDULE);
  await tabTo('[role=application]');
  await press('ArrowRight', 'Enter', 'ArrowDown', 'ArrowDown', 'Enter', 'Control+s');
  await eventually('it is painted', async () => (await api.value(SCHEDULE, 'weeklySchedule')).tuesday.length === 1);
});

test('pages of the bar, an alarm, logging out', async () => {
  await tabTo('.bar a[href="/alarms"]', 'Shift+Tab');
  await press('Enter');
  await tabTo('main tbody input[type=checkbox]');
  await press('Space');
  await tabTo('main button.primary:enabled', 'Shift+Tab');
  await press('Enter');
  await eventually('it is acknowledged', async () => (await api.get('/alarms?state=open')).items[0].ackState === 'acked');
  await tabTo('.bar [aria-haspopup=menu]', 'Shift+Tab');
  await press('Enter');
  await page.locator('.menu [role^=menuitem]:focus').waitFor();
  await press('End', 'Enter');
  await page.locator('input[name=username]:focus').waitFor();
  untroubled(page);
});
