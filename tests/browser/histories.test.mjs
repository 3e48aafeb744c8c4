// SPDX-License-Identifier: Apache-2.0
// timeout: 240
// The chart of histories: several series, zoom by mouse and by keys, the newest values coming by themselves, the same as a
// table and as a file.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, logIn, newPage, untroubled } from '../support/browser.mjs';
import { Station } from '../support/station.mjs';
import { eventually } from '../support/wait.mjs';

let station, browser, api, page;

before(async () => {
  [station, browser] = await Promise.all([Station.start(), Browser.start()]);
  api = station.api;
  const add = (path, name, type, values = {}) => ({ op: 'add', path, name, type, values });
  await api.post('/batch', [
    add('', 'Plant', 'baja:Folder'), add('/Plant', 'Room', 'control:NumericWritable', { facets: { units: '°C' }, fallback: { value: 21, status: '{ok}' } }), add('/Plant', 'Fan', 'control:BooleanWritable'),
    add('/Plant/Room', 'History', 'history:NumericIntervalHistoryExt', { interval: '1s', enabled: true }), add('/Plant/Fan', 'History', 'history:BooleanIntervalHistoryExt', { interval: '1s', enabled: true }),
  ]);
  await eventually('both are recorded', async () => (await api.get('/histories')).items.filter(({ count }) => count > 2).length === 2);
  page = await newPage(await browser.context());
  await logIn(page, station);
});
after(async () => {
  await browser?.stop();
  await station?.stop();
});

const chart = () => page.locator('.chart');
const label = () => chart().getAttribute('aria-label');
/** How many values of a history are drawn, as the chart says to those who cannot see it. */
const drawn = async (name) => Number((await label()).match(new RegExp(`${name}: (\\d+) values`))?.[1] ?? 0);
/** From when to when, in ms. */
const range = async () => (await label()).match(/^Chart from (.*) to (.*)\. /).slice(1).map((text) => new Date(text).getTime());
const span = async () => { const [from, to] = await range(); return (to - from) / 1000; };

test('several series, each unit on an axis of its own', async () => {
  await page.goto(`${station.url}/histories?id=Room`);
  await chart().locator('.u-legend').getByText('Room').waitFor();
  await page.getByRole('checkbox', { name: 'Draw Fan' }).check();
  await chart().locator('.u-legend').getByText('Fan').waitFor();
  assert.equal(new URL(page.url()).search, '?id=Room&id=Fan');
  assert.equal(await chart().locator('.u-axis').count(), 3, 'the time and two units');
  await page.getByText('As a table').click();
  await page.getByRole('region', { name: 'Values' }).getByRole('cell', { name: '°C' }).first().waitFor();
});

test('the newest values come by themselves', async () => {
  const before = await drawn('Room');
  await eventually('there are more', async () => await drawn('Room') > before, { seconds: 60 });
});

test('zoom by mouse and by keys, and back to the present', async () => {
  const over = chart().locator('.u-over');
  const box = await eventually('a place', () => over.boundingBox()); // none while it is drawn anew
  await page.mouse.move(box.x + box.width * 0.25, box.y + 50);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 60, { steps: 3 });
  await page.mouse.up();
  await eventually('a quarter of the hour', async () => Math.abs(await span() - 900) < 30);
  const [, end] = await range();
  assert.ok(end < Date.now() - 600e3, 'the chosen part lies in the past');
  await chart().focus();
  await page.keyboard.press('+');
  await eventually('half of it', async () => Math.abs(await span() - 450) < 20);
  await page.keyboard.press('ArrowLeft');
  await eventually('earlier', async () => (await range())[1] < end);
  await page.keyboard.press('End');
  await eventually('it follows the present', async () => (await range())[1] > Date.now() - 60e3);
  await page.getByRole('group', { name: 'Range' }).getByRole('button', { name: '1 d' }).click();
  await eventually('a day', async () => await span() === 86400);
});

test('one of them as a file; the view of a point', async () => {
  await page.getByRole('checkbox', { name: 'Draw Fan' }).uncheck();
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'CSV' }).click()]);
  assert.equal(file.suggestedFilename(), 'Room.csv');
  await page.goto(`${station.url}/station/Plant/Fan?view=history`);
  await chart().locator('.u-legend').getByText('Fan').waitFor();
  untroubled(page);
});
