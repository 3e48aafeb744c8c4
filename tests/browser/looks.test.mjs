// SPDX-License-Identifier: Apache-2.0
// timeout: 300
// Every screen by eye of axe: all pages, all views of components, the dialogs, the menus; each in light, dark and forced
// colours, without a script error or a violation of the CSP. A page or view that is not looked at here fails the last test.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, accessibleInEveryLook, newPage, untroubled, visit } from '../support/browser.mjs';
import { MailStore } from '../support/mailstore.mjs';
import { Pki } from '../support/pki.mjs';
import { ACCOUNT, CLEAR, addContacts, basic, close, ledgerRow, setUpMail } from '../support/plant.mjs';
import { Client } from '../support/client.mjs';
import { PASSWORD, Station } from '../support/station.mjs';
import { eventually } from '../support/wait.mjs';

const MAIL = '/station/Services/EmailService', SCHEDULES = '/station/Services/ScheduleService', ROOM = '/station/Plant/Room';

/** Where it is, a text that says that it is there, and what to do before it is looked at. */
const SCREENS = {
  overview: ['/overview', 'The station at a glance'],
  'an empty folder': ['/station/Attic', 'Nothing is in here yet'],
  services: ['/station/Services', 'Email Service'],
  'components of a folder': ['/station/Plant?view=components', 'Room'],
  'account manager': [`${MAIL}?view=accounts`, 'Maildir'],
  account: [`${MAIL}/OutgoingAccount?view=sheet`, 'Hostname'],
  queue: [`${MAIL}/OutgoingAccount?view=queue`, 'Outgoing Account'],
  transcript: [`${MAIL}/OutgoingAccount?view=transcript`, 'Outgoing Account'],
  doctor: [`${MAIL}/Other?view=doctor`, 'Examine'],
  authorization: [`${MAIL}/Other?view=authorization`, 'Authorization server'],
  received: [`${MAIL}/IncomingAccount?view=received`, 'of a stranger'],
  'incoming account': [`${MAIL}/IncomingAccount?view=sheet`, 'Hostname'],
  recipient: [`${MAIL}/EmailRecipient?view=sheet`, 'Days Of Week'],
  preview: [`${MAIL}/EmailRecipient?view=preview`, 'This is a sample'],
  acknowledger: [`${MAIL}/EmailAlarmAcknowledger?view=sheet`, 'Enabled'],
  reachability: [`${MAIL}?view=reachability`, 'Recipient'],
  point: [`${ROOM}?view=sheet`, 'Fallback'],
  'alarm extension': ['/station/Plant/Contact0/Alarm?view=sheet', 'Alarm Value'],
  history: [`${ROOM}?view=history`, 'As a table'],
  'wire sheet': ['/station/Plant?view=wiresheet', 'Arrange'],
  links: ['/station/Plant/Sum?view=links', 'Links into this component'],
  slots: [`${ROOM}?view=slots`, 'maxOverrideDuration'],
  schedule: [`${SCHEDULES}/Office?view=schedule`, 'Special events'],
  calendar: [`${SCHEDULES}/Days?view=schedule`, 'Christmas'],
  user: ['/station/Services/UserService/admin?view=sheet', 'Full Name'],
  alarms: ['/alarms', 'unacked'],
  mail: ['/mail', 'for the page'],
  'incoming mail': ['/mail/incoming', 'of a stranger'],
  histories: ['/histories', 'Room'],
  configuration: ['/configuration', 'Versions'],
  search: ['/search?q=room', 'Room'],
  hosts: ['/certificates/hosts', 'No server has been refused'],
  'user trust store': ['/certificates/user', 'Import'],
  'system trust store': ['/certificates/system', 'valid', (p) => p.getByRole('searchbox').fill('GlobalSign')], // some of its hundreds of rows say the same as all
  'certificates of recipients': ['/certificates/recipients', 'certificate is here yet'],
  keys: ['/certificates/keys', 'default'],
  'back from an authorization server': ['/oauth/callback?code=x&state=y', 'Nobody here waits'],
  'nothing there': ['/station/Nowhere', 'Nothing is here'],
};

const button = (page, name) => page.locator('main').getByRole('button', { name }).first();
const more = async (page, entry) => {
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: entry }).click();
};
const firstRow = (page, ...path) => page.locator('main tbody tr').first().locator(...path);

/** Dialogs: where, and how they are opened. */
const DIALOGS = {
  'add a component': ['/station/Plant?view=components', (page) => button(page, 'Add').click()],
  'edit a property of many': ['/station/Plant?view=components', async (page) => {
    await firstRow(page, 'input[type=checkbox]').check();
    await button(page, 'Edit a property').click();
  }],
  'remove many': ['/station/Plant?view=components', async (page) => {
    await firstRow(page, 'input[type=checkbox]').check();
    await button(page, 'Remove …').click();
  }],
  rename: [ROOM, (page) => more(page, 'Rename …')],
  remove: [ROOM, (page) => more(page, 'Remove …')],
  tags: [ROOM, (page) => more(page, 'Tags …')],
  categories: [ROOM, (page) => more(page, 'Categories …')],
  'add a property': [ROOM, (page) => more(page, 'Add a property …')],
  override: [ROOM, (page) => button(page, 'Override').click()],
  'edit a slot': [`${ROOM}?view=slots`, (page) => page.getByRole('button', { name: 'Edit the slot fallback' }).click()],
  'add a link': ['/station/Plant/Sum?view=links', (page) => button(page, 'Add link').click()],
  'slot of a wire sheet': ['/station/Plant?view=wiresheet', (page) => page.locator('.wire-row').first().press('Enter')],
  'line of a wire sheet': ['/station/Plant?view=wiresheet', (page) => page.locator('.wire-line').first().press('Enter')],
  'keys of a wire sheet': ['/station/Plant?view=wiresheet', (page) => button(page, 'Keys').click()],
  'event of a schedule': [`${SCHEDULES}/Office`, (page) => button(page, /^Change /).click()],
  'day of a calendar': [`${SCHEDULES}/Days`, (page) => button(page, /^Change /).click()],
  'send a test': [`${MAIL}/OutgoingAccount`, (page) => button(page, 'Send Test').click()],
  'note to an alarm': ['/alarms', async (page) => {
    await firstRow(page, 'input[type=checkbox]').check();
    await button(page, 'Add note').click();
  }],
  shelve: ['/alarms', async (page) => {
    await firstRow(page, 'input[type=checkbox]').check();
    await button(page, 'Shelve').click();
  }],
  'clear by force': ['/alarms', async (page) => {
    await firstRow(page, 'input[type=checkbox]').check();
    await button(page, 'Force clear').click();
  }],
  version: ['/configuration', (page) => firstRow(page, 'button').click()],
  'import of a certificate': ['/certificates/user', (page) => button(page, 'Import').click()],
  'new key': ['/certificates/keys', (page) => button(page, 'New').click()],
};

let station, store, browser, page, ready = false;
const seen = { views: new Set(), pages: new Set() };

async function show(path) {
  assert.ok(ready, 'nobody is logged in');
  await visit(page, path);
}

/** Notes what is there by now. */
async function note(path) {
  seen.pages.add(`/${path.split(/[/?]/)[1]}`);
  const [view] = await page.locator('.tabs a[aria-current]').evaluateAll((links) => links.map(({ href }) => href));
  if (view) seen.views.add(new URL(view).searchParams.get('view'));
}

/** One look of many. After one that failed the page begins anew, so that what it left open fails no other. */
const look = (t, name, run) => t.test(name, async () => {
  try {
    await run();
  } catch (error) {
    await page.goto(`${station.url}/overview`);
    throw error;
  }
});

before(async () => {
  [station, store, browser] = await Promise.all([Station.start({ admin: false }), MailStore.start(new Pki().server('served')), Browser.start()]);
  page = await newPage(await browser.context({ bypassCSP: true }));
});
after(async () => {
  await browser?.stop();
  store?.stop();
  await station?.stop();
});

/** A mail of a stranger has come in. */
async function receive(api) {
  store.deliver('alice', { subject: 'of a stranger' });
  await api.patch('/Services/EmailService/IncomingAccount', { hostname: '127.0.0.1', port: store.imap, ...CLEAR, allowClearTextCredentials: true, emailAuthenticator: basic() });
  await eventually('the mail is read', async () => (await api.get('/mail/incoming')).items.length > 0);
}

/** A station with something on every screen. */
async function furnish(api) {
  await setUpMail(api, { port: -1, account: { transport: 'Maildir' }, recipient: { subject: 'for the page' } });
  const [contact] = await addContacts(api, 1);
  const add = (path, name, type, values = {}) => ({ op: 'add', path, name, type, values });
  const day = [{ start: '07:00', finish: '18:00', value: true }];
  const reference = [{ name: 'Closed', type: 'reference', reference: 'station:|slot:/Services/ScheduleService/Days', entries: [{ value: false }] }];
  await api.post('/batch', [
    add('', 'Attic', 'baja:Folder'), add('/Plant', 'Room', 'control:NumericWritable', { facets: { units: '°C' }, fallback: { value: 21, status: '{ok}' } }),
    add('/Plant/Room', 'History', 'history:NumericIntervalHistoryExt', { interval: '1s', enabled: true }), add('/Plant', 'Sum', 'kitControl:Add'),
    add('/Services/EmailService', 'Other', 'email:OutgoingAccount', { emailAuthenticator: { type: 'email:OAuthAuthorizationCodeAuthenticator' } }),
    add('/Services/ScheduleService', 'Days', 'schedule:CalendarSchedule', { events: [{ name: 'Christmas', type: 'dateRange', start: '*-12-25', end: '*-12-26' }] }),
    add('/Services/ScheduleService', 'Office', 'schedule:BooleanSchedule', { weeklySchedule: { monday: day }, specialEvents: reference }),
    { op: 'patch', path: '/Plant', tags: { 'hs:site': true } },
  ]);
  await api.link('/Plant/Room', 'out', '/Plant/Sum', 'inA');
  await close(api, contact);
  await ledgerRow(api, 'accepted', ({ state }) => state === 'accepted');
  await receive(api);
  await eventually('a history', async () => (await api.get('/histories')).items.some(({ count }) => count > 0));
}

test('setting up, logging in', async () => {
  await page.goto(station.stdout.match(/https:\/\/\S+\/setup#\S+/)[0]);
  await page.getByLabel('Password again').waitFor();
  await accessibleInEveryLook(page, 'set up');
  await page.getByLabel('User name').fill('admin');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByLabel('Password again').fill(PASSWORD);
  await page.getByRole('button', { name: 'Make administrator' }).click();
  await page.getByRole('tree').waitFor();
  station.token = await station.addToken('admin');
  station.api = new Client(station, { token: station.token });
  await furnish(station.api);
  const context = page.context();
  await page.close(); // else it would go to the login by itself, at the same time
  await context.clearCookies();
  page = await newPage(context);
  await page.goto(`${station.url}/login`);
  await page.getByLabel('User name').fill('admin');
  await accessibleInEveryLook(page, 'log in');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('tree').waitFor();
  ready = true;
});

test('bar and tree', async () => {
  assert.ok(ready, 'nobody is logged in');
  await page.locator('nav-tree [data-path="/Services/EmailService"]').waitFor();
  await accessibleInEveryLook(page, 'the whole page');
  await page.getByRole('button', { name: /account and appearance/ }).click();
  await accessibleInEveryLook(page, 'menu of the user', '.menu');
  await page.keyboard.press('Escape');
  await page.locator('nav-tree [data-path="/Plant"] .node').first().click({ button: 'right' });
  await accessibleInEveryLook(page, 'menu of a component', '.menu');
  await page.keyboard.press('Escape');
});

test('every page and view', async (t) => {
  for (const [name, [path, text, prepare]] of Object.entries(SCREENS)) {
    await look(t, name, async () => {
      await show(path);
      await page.locator('main').getByText(text, { exact: false }).first().waitFor();
      await note(path);
      await prepare?.(page);
      await accessibleInEveryLook(page, name, 'main');
    });
  }
  for (const path of ['/alarms', '/mail']) {
    await look(t, `one of ${path}`, async () => {
      await show(path);
      await page.locator('main td a').first().click();
      await page.locator('main dl').first().waitFor();
      await accessibleInEveryLook(page, `${path} detail`, 'main');
    });
  }
});

test('on a phone, mail needs no scrolling sideways', async (t) => {
  await page.setViewportSize({ width: 390, height: 844 });
  for (const path of [`${MAIL}?view=accounts`, `${MAIL}/OutgoingAccount?view=queue`, '/mail', '/mail/incoming']) {
    await look(t, path, async () => {
      await show(path);
      await page.locator('main table').waitFor();
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
      for (const cell of await page.locator('main .cards td:visible').all()) {
        const { x, width } = await cell.boundingBox();
        assert.ok(x + width <= 390, await cell.textContent());
      }
    });
  }
  await page.setViewportSize({ width: 1280, height: 900 });
});

test('what is changed, wrong, or opened', async (t) => {
  await look(t, 'a sheet with changes and errors', async () => {
    await show(`/station${ACCOUNT}?view=sheet`);
    await page.getByLabel('Use Ssl', { exact: true }).selectOption('true');
    await page.getByLabel('Use Start Tls', { exact: true }).selectOption('true');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('main .row .error').first().waitFor();
    await accessibleInEveryLook(page, 'errors', 'main');
    await page.getByRole('button', { name: 'Refresh' }).click();
    await accessibleInEveryLook(page, 'discard?', 'dialog');
    await page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click();
    await page.locator('main .savebar[data-dirty=false]').waitFor(); // until the station's values are here, leaving asks
  });
  await look(t, 'exact times, and children in place', async () => {
    await show(`${SCHEDULES}/Office`);
    await page.getByText('Exact times, as a table').click();
    await accessibleInEveryLook(page, 'exact times', 'main');
    await show(`${ROOM}?view=sheet`);
    await page.locator('.nested-sheet summary').first().click();
    await page.getByLabel('Interval', { exact: true }).waitFor();
    await page.getByText('In 1 – In 16').click();
    await accessibleInEveryLook(page, 'children in place', 'main');
  });
  for (const [name, [path, open]] of Object.entries(DIALOGS)) {
    await look(t, `dialog: ${name}`, async () => {
      await show(path);
      await open(page);
      await page.getByRole('dialog').waitFor();
      await accessibleInEveryLook(page, name, 'dialog');
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    });
  }
});

test('nothing was left out, and nothing broke', async () => {
  const there = await page.evaluate(async () => ({
    views: (await import('/js/views/table.js')).VIEWS.map(({ id }) => id), pages: (await import('/js/pages.js')).PAGES.map(({ base }) => `/${base.split('/')[1]}`),
  }));
  assert.deepEqual(there.views.filter((id) => !seen.views.has(id)), []);
  assert.deepEqual(there.pages.filter((base) => !seen.pages.has(base)), []);
  untroubled(page);
});
