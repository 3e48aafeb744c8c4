// SPDX-License-Identifier: Apache-2.0
// modes: release asan
// The transcript of an account outlives a restart, can be taken away as a text that reads like a conversation, goes with its
// account, and holds no password.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ACCOUNT, basic, CLEAR, setUpMail } from '../support/plant.mjs';
import { SmtpServer } from '../support/smtp.mjs';
import { Station } from '../support/station.mjs';
import { eventually } from '../support/wait.mjs';

const SECRET = 'swordfish-7';
const lines = async (api) => (await api.get('/mail/transcript?account=OutgoingAccount')).items;
const files = (station) => readdirSync(join(station.dir, 'transcript')).map((name) => readFileSync(join(station.dir, 'transcript', name), 'utf8')).join('');

test('the transcript is on disk, readable, and without secrets', async () => {
  const server = await SmtpServer.start({ auth: 'PLAIN' });
  const first = await Station.start();
  await setUpMail(first.api, { port: server.port, account: { ...CLEAR, allowClearTextCredentials: true, debug: true, emailAuthenticator: basic('alice', SECRET) } });
  await first.api.post(`/components${ACCOUNT}/actions/sendTest`, '"bob@mail.test"');
  const before = await eventually('the server has taken the mail', async () => { const all = await lines(first.api); return all.some(({ text }) => /^RCPT TO/.test(text)) && all.some(({ direction, text }) => direction === 'received' && /^250/.test(text)) && all; });
  await first.stop();
  assert.ok(files(first).includes('EHLO'), 'nothing is on disk');

  const second = new Station({ dir: first.dir });
  second.token = first.token;
  await second.launch();
  const after = await lines(second.api);
  assert.deepEqual(after.slice(0, before.length), before);
  const { text, headers } = await second.api.send('GET', '/mail/transcript?account=OutgoingAccount&format=text');
  assert.match(headers['content-disposition'], /filename="OutgoingAccount-transcript\.txt"/);
  assert.match(text, /^\S+Z Message Sent: +EHLO .*\n\S+Z Server Response: +250-.*\n\S+Z Server Response: +250/m);
  for (const secret of [SECRET, Buffer.from(SECRET).toString('base64'), Buffer.from(`\0alice\0${SECRET}`).toString('base64')]) assert.ok(!(text + files(second) + JSON.stringify(after)).includes(secret));

  await second.api.delete(`/components${ACCOUNT}`);
  await eventually('its files are gone', () => files(second) === '');
  await second.stop();
  await server.stop();
});
