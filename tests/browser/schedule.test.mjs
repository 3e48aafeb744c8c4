// SPDX-License-Identifier: Apache-2.0
// timeout: 120
// A week painted with the mouse, with the keyboard and as a table; events; a calendar from a file.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, logIn, newPage, untroubled } from '../support/browser.mjs';
import { Station } from '../support/station.mjs';

const PLACE = '/Services/ScheduleService';
const block = (start, finish, value = true) => ({ start, finish, value: { value, status: '{ok}' } });
let station, browser, api;

before(async () => {
  [station, browser] = await Promise.all([Station.start(), Browser.start()]);
  api = station.api;
  await api.add(PLACE, 'Holidays', 'schedule:CalendarSchedule', { events: [{ name: 'Christmas', type: 'dateRange', start: '*-12-25', end: '*-12-26' }] });
  await api.add(PLACE, 'Mode', 'schedule:EnumSchedule', { facets: { range: [{ ordinal: 0, tag: 'off' }, { ordinal: 1, tag: 'eco' }, { ordinal: 2, tag: 'comfort' }] },
    weeklySchedule: { monday: [{ start: '06:00', finish: '09:00', value: 'eco' }, { start: '09:00', finish: '18:00', value: 'comfort' }] },
    specialEvents: [{ name: 'Closed', type: 'reference', reference: `station:|slot:${PLACE}/Holidays`, entries: [{ value: 'off' }] }] });
});
after(async () => {
  await browser?.stop();
  await station?.stop();
});

/** A fresh schedule, opened by a person who may change it. */
async function open(name, options) {
  await api.add(PLACE, name, 'schedule:BooleanSchedule', { facets: { trueText: 'Occupied', falseText: 'Empty' } });
  const context = await browser.context(options);
  const page = await newPage(context);
  await logIn(page, station);
  await page.goto(`${station.url}/station${PLACE}/${name}`);
  await page.locator('table.month td').first().waitFor();
  const grid = page.getByRole('application', { name: 'Week' });
  await grid.scrollIntoViewIfNeeded();
  const week = () => api.value(`${PLACE}/${name}`, 'weeklySchedule');
  const save = async () => {
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved on disk.').last().waitFor();
    await page.locator('.savebar[data-dirty="false"]').waitFor();
  };
  return { context, page, grid, week, save };
}

/** Where a time of a day is on the screen. */
async function spot(page, day, hour) {
  await page.locator(`.day[data-day="${day}"]`).evaluate((e) => e.scrollIntoView({ block: 'start' }));
  const box = await page.locator(`.day[data-day="${day}"]`).boundingBox();
  return [box.x + box.width / 2, box.y + (box.height * hour) / 24];
}

async function drag(page, [x1, y1], [x2, y2]) {
  await page.mouse.move(x1, y1);
  await page.mouse.down();
  await page.mouse.move((x1 + x2) / 2, (y1 + y2) / 2);
  await page.mouse.move(x2, y2);
  await page.mouse.up();
}

test('with the mouse: paint, stretch, move to another day, copy a day', async () => {
  const { context, page, week, save } = await open('Mouse');
  await page.setViewportSize({ width: 1280, height: 1100 });
  await drag(page, await spot(page, 'monday', 8.2), await spot(page, 'monday', 11.8));
  await save();
  assert.deepEqual((await week()).monday, [block('08:00', '12:00')]);
  const edge = await spot(page, 'monday', 12);
  await drag(page, [edge[0], edge[1] - 3], await spot(page, 'monday', 17.5));
  await drag(page, await spot(page, 'monday', 10), await spot(page, 'wednesday', 11));
  await save();
  assert.deepEqual((await week()).monday, []);
  assert.deepEqual((await week()).wednesday, [block('09:00', '18:30')]);
  await page.getByRole('button', { name: 'Copy or clear Wednesday' }).click();
  await page.getByRole('menuitem', { name: 'Copy to Monday – Friday' }).click();
  await page.getByLabel('Paint').selectOption('Empty');
  await page.keyboard.down('Shift');
  await drag(page, await spot(page, 'friday', 12.1), await spot(page, 'friday', 12.9));
  await page.keyboard.up('Shift');
  await save();
  const now = await week();
  assert.deepEqual(now.tuesday, now.monday);
  assert.deepEqual(now.friday, [block('09:00', '12:00'), block('12:00', '13:00', false), block('13:00', '18:30')]);
  assert.deepEqual(now.sunday, []);
  await page.locator('.next-event', { hasText: /Next: .*(Occupied|Empty|no command)/ }).waitFor();
  untroubled(page);
  await context.close();
});

test('with the keyboard alone: paint, open, remove, copy and paste, save', async () => {
  const { context, page, grid, week } = await open('Keys');
  await grid.focus();
  for (const key of ['ArrowRight', 'Enter', ...Array(3).fill('ArrowDown'), 'Enter', 'c', 'ArrowRight', 'v', 'End', 'Enter', 'Enter']) await page.keyboard.press(key);
  await page.keyboard.press('Control+s');
  await page.getByText('Saved on disk.').waitFor();
  let now = await week();
  assert.deepEqual(now.tuesday, [block('08:00', '10:00')]);
  assert.deepEqual(now.wednesday, [block('08:00', '10:00'), block('23:30', '24:00')]);
  await page.keyboard.press('Delete');
  for (const key of ['PageUp', 'PageUp', 'PageUp', 'ArrowUp', 'ArrowUp', 'ArrowUp', 'ArrowUp', 'ArrowUp']) await page.keyboard.press(key); // 09:00
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Block on Wednesday' });
  await dialog.getByLabel('Finish').fill('9:45');
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  await page.keyboard.press('Control+s');
  await page.locator('.savebar[data-dirty="false"]').waitFor();
  now = await week();
  assert.deepEqual(now.wednesday, [block('08:00', '09:45')]);
  untroubled(page);
  await context.close();
});

test('as a table; what is wrong is said; another person saved meanwhile', async () => {
  const { context, page, week, save } = await open('Table');
  await page.getByText('Exact times, as a table').click();
  await page.getByRole('button', { name: 'Add a block on Thursday' }).click();
  await page.getByLabel('Thursday, block 1: Start').fill('7');
  await page.getByLabel('Thursday, block 1: Finish').fill('06:00');
  await page.getByLabel('Thursday, block 1: Finish').press('Tab');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('before it starts').waitFor();
  assert.equal(await page.getByLabel('Thursday, block 1: Finish').getAttribute('aria-invalid'), 'true');
  await page.getByLabel('Thursday, block 1: Finish').fill('07:10:30');
  await page.getByLabel('Thursday, block 1: Finish').press('Tab');
  await save();
  assert.deepEqual((await week()).thursday, [block('07:00', '07:10:30')]);
  await page.getByLabel('Thursday, block 1: Start').fill('06:50');
  await page.getByLabel('Thursday, block 1: Start').press('Tab');
  await api.patch(`${PLACE}/Table`, { weeklySchedule: { friday: [{ start: '01:00', finish: '02:00' }] } });
  await page.getByText('Somebody else has changed this schedule').waitFor();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Take theirs' }).click();
  assert.equal(await page.getByLabel('Friday, block 1: Start').inputValue(), '01:00');
  untroubled(page);
  await context.close();
});

test('an event that refers to a calendar; a calendar from a file', async () => {
  const { context, page, save } = await open('Events');
  await page.getByRole('button', { name: 'Add event' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('Closed');
  await dialog.getByLabel('Type').selectOption('reference');
  await dialog.getByLabel('Calendar').fill(`station:|slot:${PLACE}/Holidays`);
  await dialog.getByRole('button', { name: 'Done' }).click();
  await save();
  assert.equal((await api.value(`${PLACE}/Events`, 'specialEvents'))[0].entries[0].finish, '24:00');
  await page.goto(`${station.url}/station${PLACE}/Holidays`);
  await page.getByLabel('Read holidays from an iCalendar file').setInputFiles({ name: 'h.ics', mimeType: 'text/calendar', buffer: Buffer.from('BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20001003\nSUMMARY:Unity Day\nRRULE:FREQ=YEARLY\nEND:VEVENT\nBEGIN:VEVENT\nSUMMARY:Odd\nEND:VEVENT\nEND:VCALENDAR\n') });
  await page.getByRole('dialog').getByText('Line 7: "Odd" has no date').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Read in' }).click();
  await page.locator('table.events').getByText('3 October every year').waitFor();
  assert.equal((await api.value(`${PLACE}/Holidays`, 'events')).length, 2);
  untroubled(page);
  await context.close();
});
