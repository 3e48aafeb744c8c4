// SPDX-License-Identifier: Apache-2.0
// The HTML parts of mails (an alarm with its trend, a digest) and the page of their link: by eye of axe, light and dark, as
// wide as a desk and as a phone, and by the rules of Outlook's Word; opening the link does nothing, its button acknowledges,
// and then the link is dead.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { simpleParser } from 'mailparser';
import { Browser, accessible, newPage } from '../support/browser.mjs';
import { ACCOUNT, addContacts, close, ledgerRow, setUpMail } from '../support/plant.mjs';
import { PASSWORD, Station, belfry } from '../support/station.mjs';
import { eventually } from '../support/wait.mjs';

let station, api, browser, link;
const mails = {};
before(async () => {
  [station, browser] = await Promise.all([Station.start(), Browser.start()]);
  api = station.api;
  const user = await belfry(['user', 'add', '--data', station.dir, 'bob', '--role', 'operator', '--email', 'bob@mail.test'], { input: `${PASSWORD}\n` });
  assert.equal(user.code, 0, user.stderr);
  await setUpMail(api, { port: -1, account: { transport: 'Maildir', maxSendablePerMinute: 1 } });
  await api.patch('/Services/EmailService/EmailAlarmAcknowledger', { linkAddress: station.url, linkWithoutLogin: true });
  await alarmWithTrend();
  mails.alarm = await nextMail();
  [link] = mails.alarm.text.match(/https:\S+\/ack#\S+/);
  const contacts = await addContacts(api, 3, { prefix: 'A_door_with_a_name_that_is_rather_long_for_a_phone_' });
  await close(api, ...contacts);
  await eventually('four mails are held back, one of them about that', async () => (await api.component(ACCOUNT)).values.queueSize === 4);
  await api.patch(ACCOUNT, { maxSendablePerMinute: 100 });
  mails.digest = await nextMail();
});
after(async () => {
  await browser?.stop();
  await station?.stop();
});

/** A boiler that became too hot; a history of it is on disk before. */
async function alarmWithTrend() {
  await api.add('', 'Plant', 'baja:Folder');
  await api.add('/Plant', 'Boiler', 'control:NumericWritable', { facets: { units: '°C', precision: 1 }, fallback: { value: 20, status: '{ok}' } });
  await api.add('/Plant/Boiler', 'History', 'history:NumericCovHistoryExt', { minimumInterval: 0 });
  await api.add('/Plant/Boiler', 'Alarm', 'alarm:OutOfRangeAlarmExt', { highLimit: 30, lowLimit: 5, alarmInstructions: 'Close the valve, then call the caretaker.' });
  for (const value of [22, 24]) await api.patch('/Plant/Boiler', { fallback: { value, status: '{ok}' } });
  await eventually('samples on disk', async () => (await api.get('/histories/Boiler')).items.length >= 2);
  await api.patch('/Plant/Boiler', { fallback: { value: 40, status: '{ok}' } });
}

/** The newest mail that was accepted and not read before. */
let read = 0;
async function nextMail() {
  read++;
  const accepted = async () => (await api.get('/mail')).items.filter(({ state }) => state === 'accepted').length === read;
  await eventually('the next mail', accepted);
  const files = readdirSync(join(station.dir, 'mail', 'OutgoingAccount', 'new')).sort((a, b) => parseInt(a, 10) - parseInt(b, 10));
  return simpleParser(readFileSync(join(station.dir, 'mail', 'OutgoingAccount', 'new', files.at(-1)))); // pictures become data: URLs
}

const SCREENS = [['light', 800], ['dark', 800], ['light', 390], ['dark', 390]];
for (const [colorScheme, width] of SCREENS) {
  test(`the mails and the page of the link, ${colorScheme}, ${width} px`, async () => {
    const context = await browser.context({ bypassCSP: true });
    const page = await newPage(context);
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 844 });
    const openLink = async () => {
      await page.goto(link);
      await page.getByRole('button', { name: 'Acknowledge' }).waitFor();
    };
    for (const [what, open] of [['alarm', () => page.setContent(mails.alarm.html)], ['digest', () => page.setContent(mails.digest.html)], ['page of the link', openLink]]) {
      await open();
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, `the ${what} is wider than the screen`);
      await accessible(page, `the ${what}, ${colorScheme}`);
    }
    await context.close();
  });
}

/** The picture on a page: the least contrast of its lines and letters with that background, and whether it has one of its own. */
const pictureOn = (page, background) => page.evaluate(async (behind) => {
  const light = (rgb) => rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const img = document.querySelector('img');
  await img.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [img.naturalWidth, img.naturalHeight];
  const brush = canvas.getContext('2d');
  brush.drawImage(img, 0, 0);
  const { data } = brush.getImageData(0, 0, canvas.width, canvas.height);
  const counts = new Map();
  for (const pixel of new Uint32Array(data.buffer)) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const opaque = [...counts.keys()].filter((pixel) => pixel >>> 24 === 255).map((pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255]); // AABBGGRR
  return { least: Math.min(...opaque.map((rgb) => contrast(light(rgb), light(behind)))), bare: counts.get(0) / (data.length / 4) };
}, background);

test('the trend has no background, and stands out on white and on dark', async () => {
  const context = await browser.context();
  const page = await newPage(context);
  await page.setContent(mails.alarm.html);
  for (const background of [[255, 255, 255], [0x1e, 0x1e, 0x1e], [0, 0, 0]]) {
    const { least, bare } = await pictureOn(page, background);
    assert.ok(bare > 0.5, `${bare} of the picture is bare`);
    assert.ok(least >= 3, `a contrast of ${least} with ${background}`); // WCAG 2.2, 1.4.3 and 1.4.11: 3 for large text and lines
  }
  await context.close();
});

/** What Word, which draws mails in Outlook, would not do as the browser does. */
const wordObjections = (page) => page.evaluate(() => {
  const found = [], fills = ['TABLE', 'TR', 'TD', 'TH', 'BODY'], say = (e, text) => found.push(`${e.outerHTML.slice(0, 120)}: ${text}`);
  for (const e of document.querySelectorAll('script, style, link, svg, form, iframe, video, div[style], p[style]')) say(e, 'no such element');
  for (const e of document.body.querySelectorAll('*')) {
    const style = e.getAttribute('style') ?? '', cell = ['TD', 'TH'].includes(e.tagName);
    const unknown = style.match(/\b(flex|grid|float|position|background-image|box-shadow|transform|filter|object-fit|gap|calc|var)\b|\b(rem|vw|vh|em)\b|--/);
    if (unknown) say(e, `${unknown[0]} is unknown`);
    if (/padding/.test(style) && !cell) say(e, 'only cells are padded');
    if (/(^|;)\s*margin/.test(style)) say(e, 'margins are unreliable');
    const fill = style.match(/background(?:-color)?:\s*(#\w+)/)?.[1];
    if (fill && (!fills.includes(e.tagName) || e.getAttribute('bgcolor') !== fill)) say(e, 'a fill is the bgcolor of a cell too');
    if (cell && e.textContent.trim() && !e.querySelector('table, img') && !/font-family/.test(style)) say(e, 'a cell inherits no font');
    if (e.tagName === 'IMG' && !(/^\d+$/.test(e.getAttribute('width')) && e.alt)) say(e, 'a width in pixels as attribute, and an alt');
    if (e.tagName === 'TABLE' && !(e.hasAttribute('cellpadding') && e.hasAttribute('cellspacing') && (e.getAttribute('role') === 'presentation' || e.querySelector('th[scope]')))) {
      say(e, 'cellpadding, cellspacing, and a role or heads');
    }
  }
  for (const name of ['color-scheme', 'supported-color-schemes']) if (document.querySelector(`meta[name=${name}]`)?.content !== 'light dark') found.push(`no meta ${name}`);
  return found;
});

test('the mails keep to what Outlook\'s Word can draw', async () => {
  const context = await browser.context();
  const page = await newPage(context);
  for (const mail of Object.values(mails)) {
    await page.setContent(mail.html);
    assert.deepEqual(await wordObjections(page), []);
    const [opened, closed] = [...mail.html.matchAll(/<!--\[if mso\]>(.*?)<!\[endif\]-->/gs)].map(([, part]) => part);
    assert.match(opened, /^<table [^>]*width="640"[^>]*><tr><td>$/);
    assert.equal(closed, '</td></tr></table>');
  }
  await page.setContent('<body><div style="padding:1px"><table><tr><td style="background:#fff;display:flex">x</td></tr></table><img src="x" width="100%"></div>');
  assert.equal((await wordObjections(page)).length, 9, 'the rules find what breaks them');
  await context.close();
});

test('a digest lists time, source, state and priority of each alarm, in both parts', async () => {
  assert.equal(mails.digest.subject, '4 alarms in one mail');
  const context = await browser.context();
  const page = await newPage(context);
  await page.setContent(mails.digest.html);
  const table = page.getByRole('table').filter({ has: page.getByRole('columnheader') });
  assert.deepEqual(await table.getByRole('columnheader').allInnerTexts(), ['Timestamp', 'Source', 'State', 'Priority']);
  const said = await table.innerText();
  assert.equal(said.match(/\d{4}, \d\d:\d\d:\d\d \(UTC[^)]*\)\s+(A door .* phone \d|Outgoing Account)\s+Offnormal\s+255\s+\S/g)?.length, 4, said);
  assert.match(said, /Offnormal: true/);
  assert.equal(mails.digest.text.match(/\[255\] {2}Offnormal {2}.*phone \d/g)?.length, 3, mails.digest.text);
  await context.close();
});

test('another link in the same tab shows its own alarm, not the one before', async () => {
  const page = await newPage(await browser.context());
  await page.goto(link);
  await page.getByText('Boiler').waitFor();
  await page.goto(`${link.slice(0, -1)}${link.endsWith('a') ? 'b' : 'a'}`); /* the address differs behind the # only: nothing is loaded by itself */
  await page.getByRole('alert').getByText(/\S/).waitFor();
  assert.equal(await page.getByText('Boiler').count(), 0);
  assert.equal(await page.getByRole('button', { name: 'Acknowledge' }).count(), 0);
  await page.context().close();
});

test('its button acknowledges, and then the link is dead', async () => {
  const alarm = async () => (await api.get('/alarms')).items.at(-1);
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
