// SPDX-License-Identifier: Apache-2.0
// modes: release
// timeout: 300
//
// The main job with nothing simulated but the wires: in a virtual machine with a real GPIO chip the station sees a
// contact close, and the mail lies in a Dovecot mailbox, sent through a Postfix whose certificate a private CA has
// issued. Then what else a chip does: outputs, resistors, bounces, lines in use, removal, a killed station.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { Guest, needsRig } from '../rig/guest.mjs';
import { MailHost, needsRoot } from '../support/mailhost.mjs';
import { Pki } from '../support/pki.mjs';
import { PASSWORD } from '../support/station.mjs';
import { eventually } from '../support/wait.mjs';

const skip = needsRoot || needsRig();
const CHIP = '/Drivers/GpioNetwork/Plant';
const ACCOUNT = '/Services/EmailService/OutgoingAccount';
const RECIPIENT = '/Services/EmailService/EmailRecipient';

let guest, mail, pki, api;

/** A boolean point on a line, with a change-of-state alarm if wanted. */
async function addPoint(name, values, { alarm, type = 'control:BooleanPoint' } = {}) {
  await api.add(CHIP, name, type);
  await api.add(`${CHIP}/${name}`, 'proxyExt', 'gpio:GpioPoint', values);
  if (alarm) {
    await api.add(`${CHIP}/${name}`, 'alarm', 'alarm:BooleanChangeOfStateAlarmExt',
      { alarmValue: true, alarmEnable: { toOffnormal: true, toFault: false }, toOffnormalText: alarm });
  }
}

const alarmsOf = async (name) => (await api.get('/alarms')).items.filter((item) => JSON.stringify(item.source).includes(`/${name}`));
const out = async (name) => (await api.component(`${CHIP}/${name}`)).values.out;
const cause = async (path) => (await api.component(path)).values.faultCause;
const becomes = (name, value, status = '{ok}') => eventually(
  async () => `${name} is ${value} ${status}; it is ${JSON.stringify(await out(name))}; log:\n${await guest.log()}`,
  async () => { const now = await out(name); return now.value === value && now.status === status; });

before(async () => {
  if (skip) return;
  pki = new Pki();
  [mail, guest] = await Promise.all([MailHost.start(pki.server('mail')), Guest.start()]);
  await guest.nameTheHost('mail.test');
  api = await guest.startStation();
  if (!(await api.component('/Drivers')).children.some((child) => child.name === 'GpioNetwork')) {
    await api.add('/Drivers', 'GpioNetwork', 'gpio:GpioNetwork');
  }
  await api.patch('/Drivers/GpioNetwork', { retryInterval: '500ms' });
  await api.add('/Drivers/GpioNetwork', 'Plant', 'gpio:GpioChip', { label: 'plant' });
}, { timeout: 600000 });

/** Imports the private CA as an integrator does: in the browser, from a file. */
async function importInBrowser() {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage({ ignoreHTTPSErrors: true }); // the station's own certificate is self-signed
    page.setDefaultTimeout(180000);
    await page.goto(`${guest.url}/`);
    await page.getByLabel('User name').fill('admin');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('link', { name: 'Certificates' }).click();
    await page.getByRole('link', { name: 'User Trust Store' }).click();
    await page.getByRole('button', { name: 'Import' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('File').setInputFiles(pki.root.cert);
    await dialog.getByLabel('Alias').fill('plant');
    await dialog.getByRole('button', { name: 'Import' }).click();
    await page.getByRole('row', { name: /plant.*Plant Root CA/ }).waitFor();
  } finally {
    await browser.close();
  }
}

test('the private CA is imported in the browser', { skip }, async () => {
  await importInBrowser();
  const { items } = await api.get('/certificates/user');
  assert.deepEqual(items.map((row) => row.alias), ['plant']);
});

after(async () => {
  await guest?.stop();
  mail?.stop();
}, { timeout: 300000 });

async function useAccount(values, recipient) {
  await api.patch(ACCOUNT, {
    hostname: 'mail.test', tlsMinProtocol: 'tlsV1_2', replyTo: { name: 'Plant', address: 'plant@mail.test' },
    emailAuthenticator: { type: 'email:BasicEmailClientAuthenticator', account: 'alice', password: 'secret1' }, ...values,
  });
  await api.patch(RECIPIENT, { emailAccount: 'OutgoingAccount', to: [{ name: 'Watch', address: `${recipient}@mail.test` }] });
}

async function alarmArrives(name, line, recipient) {
  await guest.pull(line, false);
  await addPoint(name, { line: `DI${line}` }, { alarm: `${name} was opened.` });
  await becomes(name, false);
  await guest.pull(line, true);
  await becomes(name, true, '{alarm,unackedAlarm}');
  const raw = await mail.waitForMail(recipient, (text) => text.includes(`${name} was opened.`));
  assert.deepEqual((await alarmsOf(name)).map((item) => item.sourceState), ['offnormal']);
  const delivery = await eventually('the ledger knows of the delivery', async () => (await api.get('/mail')).items
    .flatMap((item) => item.deliveries).find((row) => row.address === `${recipient}@mail.test` && row.state === 'accepted'));
  assert.equal(delivery.replyCode, 250);
  assert.match(delivery.tlsVersion, /TLS1\.[23]/);
  return raw.toString('utf8');
}

test('a contact closes and the mail arrives, by STARTTLS on the submission port', { skip }, async () => {
  await useAccount({ useSsl: false, useStartTls: true, port: mail.submission }, 'alice');
  const text = await alarmArrives('MainDoor', 0, 'alice');
  assert.match(text, /with ESMTPSA/); // TLS and AUTH, says Postfix
});

test('a contact closes and the mail arrives, by implicit TLS', { skip }, async () => {
  await useAccount({ useSsl: true, useStartTls: false, port: mail.smtps }, 'bob');
  const text = await alarmArrives('BackDoor', 1, 'bob');
  assert.match(text, /with ESMTPSA/);
});

test('an output line follows its point, active low too', { skip }, async () => {
  await addPoint('Fan', { line: 'DO0', direction: 'output' }, { type: 'control:BooleanWritable' });
  await becomes('Fan', false);
  assert.equal(await guest.line(8), '0');
  await api.invoke(`${CHIP}/Fan`, 'set', true);
  assert.equal(await guest.line(8), '1');
  await api.invoke(`${CHIP}/Fan`, 'override', { value: false, duration: '1h' });
  assert.equal(await guest.line(8), '0');
  await api.invoke(`${CHIP}/Fan`, 'auto');
  assert.equal(await guest.line(8), '1');
  await api.patch(`${CHIP}/Fan/proxyExt`, { activeLow: true });
  await eventually('the line turns', async () => await guest.line(8) === '0');
});

test('the resistor of an input is set', { skip }, async () => {
  await guest.pull(2, false);
  await addPoint('Bias', { line: 'DI2', bias: 'pullUp' });
  await becomes('Bias', true);
  assert.equal(await guest.line(2, 'pull'), 'pull-up');
});

test('a bouncing contact counts once, and the last level is the one that stays', { skip }, async () => {
  await addPoint('Bouncy', { line: 'DI3', debounce: '300ms' }, { alarm: 'Bounced.' });
  await guest.pull(3, false);
  await becomes('Bouncy', false);
  await guest.run('cd /sys/devices/platform/gpio-sim.0/gpiochip*/sim_gpio3; '
    + 'for i in $(seq 40); do echo pull-up >pull; echo pull-down >pull; done; echo pull-up >pull; cd - >/dev/null');
  await becomes('Bouncy', true, '{alarm,unackedAlarm}');
  assert.equal((await alarmsOf('Bouncy')).length, 1);
});

test('a line that another program uses is a fault with its reason, until it is free', { skip }, async () => {
  await guest.run('gpiomon plant 4 >/dev/null 2>&1 & echo $! >/run/gpiomon; until gpioinfo plant | grep -q \'"DI4" *"gpiomon"\'; do sleep 0.1; done');
  await addPoint('Shared', { line: 'DI4' });
  await eventually('the fault', async () => (await out('Shared')).status.includes('fault'));
  assert.match(await cause(`${CHIP}/Shared/proxyExt`), /used by another program \(gpiomon\)/);
  await guest.run('kill $(cat /run/gpiomon)');
  await becomes('Shared', false);
});

test('a chip that is pulled is {down} with its cause, and works again when it is back', { skip }, async () => {
  await guest.run('echo 0 >$PLANT/live');
  await becomes('Bias', true, '{down}');
  await eventually('the cause', async () => /no GPIO chip with the label "plant"/.test(await cause(CHIP)));
  assert.equal((await api.component(CHIP)).status, '{down}');
  await guest.run('echo 1 >$PLANT/live');
  await becomes('Bias', true);
  assert.equal((await api.component(CHIP)).status, '{ok}');
  await eventually('the output is driven again', async () => await guest.line(8) === '0');
  await guest.pull(3, false);
  await eventually('edges of the new chip', async () => (await out('Bouncy')).value === false);
});

test('after kill -9 the outputs come back as they were commanded', { skip }, async () => {
  await api.patch(`${CHIP}/Fan/proxyExt`, { activeLow: false });
  await eventually('the line is high', async () => await guest.line(8) === '1');
  await guest.endStation('KILL');
  assert.equal(await guest.line(8), '0');
  api = await guest.startStation();
  await eventually('the line is high again', async () => await guest.line(8) === '1');
  await becomes('Fan', true);
});
