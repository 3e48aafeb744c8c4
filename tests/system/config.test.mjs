// SPDX-License-Identifier: Apache-2.0
// The configuration as text, as an administrator has it: over REST and on the command line, with the station running and
// at rest; a version for each import; a restore.

import assert from 'node:assert/strict';
import { chmodSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Station, belfry, temporaryDirectory } from '../support/station.mjs';

const REFERENCE = '/Services/EmailService/OutgoingAccount/emailAuthenticator/password';

test('the configuration goes out and comes back, running and at rest', async (t) => {
  const station = await Station.start({ demo: true });
  const { api, dir } = station;
  const files = temporaryDirectory();
  const file = (name) => join(files, name);
  const cli = (...args) => belfry([args[0], '--data', dir, ...args.slice(1)]);
  await api.patch('/Services/EmailService/OutgoingAccount', { hostname: 'mail.example', emailAuthenticator: { type: 'email:BasicEmailClientAuthenticator', account: 'a', password: 'hunter22' } });

  await t.test('REST and the command line give the same bytes, without secrets', async () => {
    const { text } = await api.send('GET', '/config');
    assert.equal((await cli('export', file('a.json'))).code, 0);
    assert.equal(readFileSync(file('a.json'), 'utf8'), text);
    assert.equal(statSync(file('a.json')).mode & 0o777, 0o600);
    assert.ok(!text.includes('hunter22') && text.includes(REFERENCE));
  });

  await t.test('a dry run tells what changes; the import makes a version, which can be taken back', async () => {
    const config = JSON.parse(readFileSync(file('a.json'), 'utf8').replace('mail.example', 'other.example'));
    const dry = await api.post('/config?dryRun=true', config);
    assert.deepEqual(dry.changes.map(({ path, properties }) => [path, properties[0].name, properties[0].new]), [['/Services/EmailService/OutgoingAccount', 'hostname', 'other.example']]);
    assert.equal((await api.get('/components/Services/EmailService/OutgoingAccount')).values.hostname, 'mail.example');
    const { version } = await api.post('/config', { config, reason: 'a new server' });
    assert.equal((await api.get(`/versions/${version}`)).reason, 'a new server');
    await api.post(`/versions/${version - 1}/restore`, { reason: 'not yet' });
    assert.equal((await api.send('GET', '/config')).text, readFileSync(file('a.json'), 'utf8'));
  });

  await t.test('all errors at once, each where it stands', async () => {
    const config = JSON.parse(readFileSync(file('a.json'), 'utf8'));
    const drivers = config.root.children.find(({ name }) => name === 'Drivers');
    drivers.children.push({ name: 'Bad', type: 'no:Such' }, { name: 'Worse', type: 'control:NumericWritable', values: { fallback: 'x' } });
    writeFileSync(file('bad.json'), JSON.stringify(config));
    const { code, stderr } = await cli('import', file('bad.json'));
    assert.equal(code, 1);
    assert.match(stderr, /no:Such/);
    assert.match(stderr, /\/values\/fallback: A number/);
    assert.equal((await api.send('GET', '/config')).text, readFileSync(file('a.json'), 'utf8'));
  });

  await t.test('a station at rest takes it too, and is sound', async () => {
    await station.stop();
    const before = readFileSync(file('a.json'), 'utf8');
    assert.equal((await cli('export', file('rest.json'))).code, 0);
    assert.equal(readFileSync(file('rest.json'), 'utf8'), before);
    writeFileSync(file('b.json'), before.replace('mail.example', 'third.example'));
    assert.match((await cli('import', file('b.json'), '--reason', 'at rest')).stdout, /version \d+/);
    assert.match((await cli('check')).stdout, /sound/);
    assert.equal((await cli('export', file('c.json'))).code, 0);
    assert.equal(readFileSync(file('c.json'), 'utf8'), readFileSync(file('b.json'), 'utf8'));
  });

  await t.test('who only looks makes no station; a file that was open to others is closed; errors end with 1', async () => {
    const nowhere = temporaryDirectory();
    for (const command of ['export', 'check']) {
      const { code, stderr } = await belfry([command, '--data', nowhere]);
      assert.equal(code, 1);
      assert.match(stderr, /There is no station in/);
    }
    assert.deepEqual(readdirSync(nowhere), []);
    chmodSync(file('c.json'), 0o644);
    assert.equal((await cli('export', file('c.json'))).code, 0);
    assert.equal(statSync(file('c.json')).mode & 0o777, 0o600);
    const { code, stderr } = await cli('check', file('bad.json'));
    assert.equal(code, 1);
    assert.match(stderr, /no:Such/);
    const help = await belfry(['help']);
    assert.equal(help.code, 0);
    assert.match(help.stdout, /belfry export --data DIR/);
  });
});
