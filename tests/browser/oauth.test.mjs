// SPDX-License-Identifier: Apache-2.0
// timeout: 240
// A person connects an account to an authorization server (oidc-provider): in the browser, and with a device code.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, accessible, logIn, newPage, untroubled } from '../support/browser.mjs';
import { CLIENT, Identity, SCOPE, SECRET } from '../support/identity.mjs';
import { Pki } from '../support/pki.mjs';
import { ACCOUNT } from '../support/plant.mjs';
import { Station } from '../support/station.mjs';

const pki = new Pki();
let station, browser, identity, page, context;

before(async () => {
  [station, browser] = await Promise.all([Station.start(), Browser.start()]);
  identity = await Identity.start(pki.server('identity'), { clients: [{ client_id: 'browser', client_secret: SECRET, redirect_uris: [`${station.url}/oauth/callback`], grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] }] });
  await station.api.send('POST', '/certificates/user', pki.root.pem, { 'Content-Type': 'application/x-pem-file' });
  context = await browser.context({ bypassCSP: true });
  page = await newPage(context);
  await logIn(page, station);
});
after(async () => {
  await browser?.stop();
  identity?.stop();
  await station?.stop();
});

/** The account's view Authorization, with an authenticator of that type. */
async function view(type, values = {}) {
  await station.api.patch(ACCOUNT, { emailAuthenticator: { type: `email:OAuth${type}Authenticator`, authServerMetadataEndpoint: identity.issuer, account: 'alice', clientId: CLIENT, clientSecret: SECRET, scope: SCOPE, ...values } });
  await page.goto(`${station.url}/station${ACCOUNT}?view=authorization`);
  await page.getByRole('heading', { name: 'Authorization server' }).waitFor();
  page.trouble.length = 0; // what the page before was reading when it was left
}
const connected = () => page.getByText('Connected. The station renews its access by itself.').waitFor();

test('all kinds of authenticators stand in the selector of the account\'s sheet', async () => {
  await page.goto(`${station.url}/station${ACCOUNT}?view=sheet`);
  const select = page.getByLabel('Email Authenticator: type');
  await select.locator('option').first().waitFor({ state: 'attached' });
  const types = await select.locator('option').evaluateAll((options) => options.map((option) => option.value));
  for (const type of ['EmailClientSecret', 'EmailClientCertificate', 'AuthorizationCode', 'DeviceCode']) assert.ok(types.includes(`email:OAuth${type}Authenticator`), types.join());
});

test('in the browser: the page of the authorization server, back, and both pages say connected', async () => {
  await view('AuthorizationCode', { clientId: 'browser' });
  await page.getByText(`${station.url}/oauth/callback`).waitFor();
  await page.getByRole('button', { name: 'Authorize' }).click();
  await accessible(page, 'authorization');
  const [other] = await Promise.all([context.waitForEvent('page'), page.getByRole('link', { name: 'Open the authorization server' }).click()]);
  await other.getByRole('link', { name: 'Back to the account' }).waitFor();
  assert.equal(new URL(other.url()).search, '', 'the code stands in the address');
  await accessible(other, 'callback');
  await other.close();
  await connected();
  untroubled(page);
});

test('an answer that nobody waits for is said to be one', async () => {
  await page.goto(`${station.url}/oauth/callback?code=x&state=y`);
  await page.getByText('Nobody here waits for this answer').waitFor();
});

test('with a device code: code and address are shown, and the page turns to connected by itself', async () => {
  await view('DeviceCode');
  await page.getByRole('button', { name: 'Authorize' }).click();
  const code = await page.locator('.device-code .code').textContent();
  assert.match(code, /^\w{4}-\w{4}$/);
  await accessible(page, 'device code');
  await identity.walk(`${identity.issuer}/device?user_code=${code}`);
  await connected();
  assert.equal(await page.locator('.device-code').count(), 0);
  untroubled(page);
});
