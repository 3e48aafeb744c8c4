// SPDX-License-Identifier: Apache-2.0
// A small plant for tests: contacts that raise an alarm when they close, and the account and recipient that mail it.

import { PATIENCE, eventually } from './wait.mjs';

export const ACCOUNT = '/Services/EmailService/OutgoingAccount';
export const RECIPIENT = '/Services/EmailService/EmailRecipient';
export const CLASS = '/Services/AlarmService/defaultAlarmClass';

/** The authenticators, as values of the account. */
export const basic = (account = 'alice', password = 'secret1') => ({ type: 'email:BasicEmailClientAuthenticator', account, password });
export const noAuth = () => ({ type: 'email:NoAuthEmailClientAuthenticator' });

/** Transport security, as values of the account. */
export const IMPLICIT = { useSsl: true, useStartTls: false };
export const STARTTLS = { useSsl: false, useStartTls: true };
export const CLEAR = { useSsl: false, useStartTls: false };

export const addresses = (...list) => list.map((address) => ({ name: '', address }));

/** Configures the account and the recipient that a new station ships, and lets both mail as much as a test wants; that a
 * source is normal again is not mailed. */
export async function setUpMail(api, { port, to = ['bob@mail.test'], hostname = '127.0.0.1', account = {}, recipient = {} }) {
  await api.patch(ACCOUNT, {
    hostname, port, replyTo: { name: 'Belfry', address: 'alice@mail.test' }, emailAuthenticator: noAuth(),
    maxQueueSize: 1000000, maxSendablePerDay: 1000000, connectionTimeout: '10s', retryInterval: '1s', ...account,
  });
  await api.patch(RECIPIENT, { to: addresses(...to), emailAccount: 'OutgoingAccount', transitions: { toNormal: false }, ...recipient });
}

/** Adds contacts Plant/PREFIX0... that are an alarm when closed; returns their paths. One transaction. */
export async function addContacts(api, count, { prefix = 'Contact', folder = 'Plant', ext = {} } = {}) {
  const paths = Array.from({ length: count }, (_, i) => `/${folder}/${prefix}${i}`);
  const add = (path, type, values = {}) => {
    const cut = path.lastIndexOf('/');
    return { op: 'add', path: path.slice(0, cut) || '/', name: path.slice(cut + 1), type, values };
  };
  const root = await api.component('');
  const operations = root.children.some(({ name }) => name === folder) ? [] : [add(`/${folder}`, 'baja:Folder')];
  for (const path of paths) {
    operations.push(add(path, 'control:BooleanWritable'), add(`${path}/Alarm`, 'alarm:BooleanChangeOfStateAlarmExt', ext));
  }
  await api.post('/batch', operations);
  return paths;
}

/** Closes or opens contacts, all in one transaction: resolves when it is on disk. */
export const move = (api, paths, closed) => api.post('/batch',
  paths.map((path) => ({ op: 'patch', path, values: { fallback: { value: closed, status: '{ok}' } } })));
export const close = (api, ...paths) => move(api, paths, true);
export const open = (api, ...paths) => move(api, paths, false);

/** Waits for a ledger row that the function accepts. */
export const ledgerRow = (api, what, accept, seconds = PATIENCE) => eventually(
  async () => `a mail that is ${what}; the ledger: ${JSON.stringify(await api.get('/mail').catch(String)).slice(0, 3000)}`,
  async () => (await api.get('/mail')).items.find(accept), { seconds });

/** The delivery of a mail to one address. */
export const delivery = (mail, address) => mail.deliveries.find((row) => row.address === address);

/** Waits until an account has failed, not at the time `before`, and returns its values: status, lastPollFailureCause... */
export const accountFailure = (api, pattern, seconds = PATIENCE, before = undefined) => eventually(
  async () => `a failure like ${pattern}: ${JSON.stringify((await api.component(ACCOUNT)).values)}`,
  async () => {
    const { values } = await api.component(ACCOUNT);
    return /down/.test(values.status) && values.lastPollFailure !== before && pattern.test(values.lastPollFailureCause) && values;
  }, { seconds });
