// SPDX-License-Identifier: Apache-2.0
// modes: release asan
//
// People and programs: first start, sessions, their end by logout, password, role and removal, across a kill -9; CSRF;
// tokens; guessing slowed down without locking others out; who is unknown is not told apart.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from '../support/client.mjs';
import { PASSWORD, Station, belfry } from '../support/station.mjs';

let station, api;
const open = [];

before(async () => {
  station = await Station.start();
  api = station.api;
});
after(async () => {
  for (const client of open) client.close();
  await station?.stop();
});

async function browser(name, password = PASSWORD) {
  const client = await station.login(name, password);
  open.push(client);
  return client;
}

function stranger() {
  const client = new Client(station);
  open.push(client);
  return client;
}

const addUser = (name, role = 'viewer') => api.add('/Services/UserService', name, 'baja:User', { role, password: PASSWORD });
const status = async (client, method, path, body, headers) => (await client.send(method, path, body, headers)).status;
const logIn = (client, username, password) => client.send('POST', '/session', { username, password });

test('first start: the link makes the first administrator, once', async () => {
  const fresh = await Station.start({ admin: false });
  const link = fresh.stdout.match(/https:\/\/\S+\/setup#(\S+)/);
  assert.ok(link, fresh.stdout);
  assert.ok(link[1].length >= 32);
  const client = new Client(fresh);
  const before = await client.send('GET', '/session');
  assert.deepEqual([before.status, before.body.setup], [401, true]);
  const setup = (token, username, password) => client.send('POST', '/setup', { token, username, password, email: 'a@b.example' });
  assert.equal((await setup('0'.repeat(40), 'ada', PASSWORD)).status, 403);
  const short = await setup(link[1], 'ada', 'short');
  assert.deepEqual([short.status, short.body.errors[0].pointer], [422, '/password']);
  const name = await setup(link[1], 'no good', PASSWORD);
  assert.deepEqual([name.status, name.body.errors[0].pointer], [422, '/username']);
  const both = await Promise.all([setup(link[1], 'ada', PASSWORD), setup(link[1], 'eve', PASSWORD)]);
  assert.deepEqual(both.map((answer) => answer.status).sort(), [200, 409]);
  const made = both.find((answer) => answer.status === 200);
  assert.deepEqual([made.body.user.role, made.body.user.email, made.body.permissions.configure], ['admin', 'a@b.example', true]);
  assert.ok(made.body.csrf && made.body.station.id && made.body.station.version);
  assert.equal((await setup(link[1], 'eve', PASSWORD)).status, 409);
  assert.equal((await client.send('GET', '/session')).body.setup, undefined);
  client.close();
  await fresh.restart();
  assert.doesNotMatch(fresh.stdout.split('belfry: ready').at(-2), /#.*#/);
  await fresh.stop();
});

test('the cookie is what a browser must be told', async () => {
  const answer = await logIn(stranger(), 'admin', PASSWORD);
  assert.equal(answer.status, 200, answer.text);
  const [cookie, ...flags] = answer.headers['set-cookie'][0].split('; ');
  assert.match(cookie, /^__Host-belfry=[0-9a-f]{64}$/);
  assert.deepEqual(flags.sort(), ['HttpOnly', 'Path=/', 'SameSite=Strict', 'Secure']);
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.ok(!answer.text.includes(cookie.split('=')[1]));
});

test('changes need the CSRF value, and come from our own pages', async () => {
  const client = await browser('admin');
  const change = (headers) => status({ send: (...args) => client.send(...args) }, 'PATCH', '/components/Services/UserService', { values: { maxBadLogins: 5 } }, headers);
  assert.equal(await change({}), 200);
  assert.equal(await change({ 'Sec-Fetch-Site': 'cross-site' }), 403);
  assert.equal(await change({ Origin: 'https://evil.example' }), 403);
  const csrf = client.csrf;
  client.csrf = undefined;
  assert.equal(await change({}), 403);
  client.csrf = `${csrf.slice(1)}0`;
  assert.equal(await change({}), 403);
  client.csrf = (await browser('admin')).csrf;
  assert.equal(await change({}), 403);
  client.csrf = csrf;
  assert.equal(await change({}), 200);
});

test('a new login ends the session of before, a logout ends its own', async () => {
  const client = await browser('admin');
  const old = client.cookie;
  await client.login('admin', PASSWORD);
  assert.notEqual(client.cookie, old);
  assert.equal(await status(client, 'GET', '/session'), 200);
  const before = stranger();
  before.cookie = old;
  assert.equal(await status(before, 'GET', '/session'), 401);
  const other = await browser('admin');
  assert.equal(await status(client, 'DELETE', '/session'), 204);
  assert.equal(await status(client, 'GET', '/session'), 401);
  assert.equal(await status(other, 'GET', '/session'), 200);
});

test('a session dies with the password, the role, the permission and the user, and lives through a restart', async () => {
  await addUser('vera');
  const ends = [
    (path) => api.patch(path, { password: 'another password' }),
    (path) => api.invoke(path, 'setPassword', PASSWORD),
    (path) => api.patch(path, { role: 'operator' }),
    (path) => api.patch(path, { enabled: false }),
  ];
  for (const end of ends) {
    const client = await browser('vera');
    assert.equal(await status(client, 'GET', '/session'), 200);
    await end('/Services/UserService/vera');
    assert.equal(await status(client, 'GET', '/session'), 401, String(end));
    if (end === ends[0]) await api.patch('/Services/UserService/vera', { password: PASSWORD });
  }
  assert.equal((await logIn(stranger(), 'vera', PASSWORD)).status, 401);
  await api.patch('/Services/UserService/vera', { enabled: true });
  let client = await browser('vera');
  const { cookie } = client;
  await api.post('/components/Services/UserService/vera/move', { name: 'veronica' });
  assert.equal((await client.get('/session')).user.name, 'veronica');
  await station.kill();
  await station.launch();
  api = station.api;
  client = stranger();
  client.cookie = cookie;
  assert.equal((await client.get('/session')).user.name, 'veronica');
  await addUser('vera');
  await api.delete('/components/Services/UserService/veronica');
  assert.equal(await status(client, 'GET', '/session'), 401);
  await api.delete('/components/Services/UserService/vera');
});

test('sessions are listed and ended', async () => {
  await addUser('sally');
  const [mine, other] = [await browser('sally'), await browser('sally')];
  const { items } = await mine.get('/sessions');
  assert.equal(items.length, 2);
  assert.ok(items.every((item) => item.user === 'sally' && item.address === '127.0.0.1'));
  assert.equal(items.filter((item) => item.current).length, 1);
  assert.equal(await status(mine, 'DELETE', `/sessions/${items.find((item) => !item.current).id}`), 204);
  assert.equal(await status(other, 'GET', '/session'), 401);
  const foreign = (await api.get('/sessions')).items.find((item) => item.user === 'admin');
  if (foreign) assert.equal(await status(mine, 'DELETE', `/sessions/${foreign.id}`), 404);
  await api.delete('/components/Services/UserService/sally');
});

test('tokens: shown once, as good as their user, ended by name', async () => {
  await addUser('robot', 'operator');
  const client = await browser('robot');
  const made = await client.send('POST', '/tokens', { name: 'meter', days: 7 });
  assert.equal(made.status, 201, made.text);
  assert.match(made.body.token, /^belfry_[0-9a-f]{64}$/);
  const program = new Client(station, { token: made.body.token });
  open.push(program);
  const session = await program.get('/session');
  assert.deepEqual([session.user.name, session.csrf], ['robot', '']);
  assert.equal(await status(program, 'POST', '/tokens', { name: 'more' }), 403);
  const list = await client.send('GET', '/tokens');
  assert.ok(!list.text.includes(made.body.token));
  const [row] = list.body.items;
  assert.deepEqual([row.name, row.user, row.id], ['meter', 'robot', made.body.id]);
  assert.ok(Math.abs(Date.parse(row.expires) - Date.now() - 7 * 864e5) < 36e5 && row.lastUsed);
  assert.equal(await status(client, 'POST', '/tokens', { name: '' }), 422);
  assert.equal(await status(client, 'POST', '/tokens', { name: 'x', days: -1 }), 422);

  await api.patch('/Services/UserService/robot', { role: 'viewer' });
  assert.equal((await program.get('/session')).user.role, 'viewer');
  await api.patch('/Services/UserService/robot', { enabled: false });
  assert.equal(await status(program, 'GET', '/session'), 401);
  await api.patch('/Services/UserService/robot', { enabled: true });
  await station.kill();
  await station.launch();
  api = station.api;
  const later = new Client(station, { token: made.body.token });
  open.push(later);
  assert.equal(await status(later, 'GET', '/session'), 200);
  const again = await browser('robot');
  assert.equal(await status(again, 'DELETE', `/tokens/${row.id}`), 204);
  assert.equal(await status(later, 'GET', '/session'), 401);
  for (const token of ['', 'belfry_', `belfry_${'0'.repeat(64)}`, 'x'.repeat(3000)]) {
    const guess = new Client(station, { token });
    assert.equal(await status(guess, 'GET', '/session'), 401);
    guess.close();
  }
  await api.delete('/components/Services/UserService/robot');
});

test('the command line works beside the station: users, passwords, tokens', async () => {
  const run = (args, input = '') => belfry([...args, '--data', station.dir], { input });
  assert.equal((await run(['user', 'add', 'carl', '--role', 'operator', '--email', 'c@d.example'], `${PASSWORD}\n`)).code, 0);
  assert.equal((await (await browser('carl')).get('/session')).user.email, 'c@d.example');
  const twice = await run(['user', 'add', 'carl'], `${PASSWORD}\n`);
  assert.equal(twice.code, 1);
  assert.match(twice.stderr, /already/);
  assert.match((await run(['user', 'add', 'bad name'], `${PASSWORD}\n`)).stderr, /not legal/);
  assert.match((await run(['user', 'add', 'dora', '--role', 'king'], `${PASSWORD}\n`)).stderr, /viewer, operator, admin/);
  assert.match((await run(['user', 'passwd', 'carl'], 'short\n')).stderr, /at least 8 characters/);
  const client = await browser('carl');
  assert.equal((await run(['user', 'passwd', 'carl'], 'a new password\n')).code, 0);
  assert.equal(await status(client, 'GET', '/session'), 401);
  await browser('carl', 'a new password');
  await station.stop();
  assert.equal((await run(['user', 'passwd', 'carl'], `${PASSWORD}\n`)).code, 0);
  const token = (await run(['token', 'add', '--user', 'carl', '--name', 'offline', '--expires', '1'])).stdout.trim();
  assert.match(token, /^belfry_/);
  await station.launch();
  api = station.api;
  const program = new Client(station, { token });
  open.push(program);
  assert.equal((await program.get('/session')).user.name, 'carl');
  await browser('carl');
  await api.delete('/components/Services/UserService/carl');
});

test('somebody stays able to administer', async () => {
  const answer = await api.send('PATCH', '/components/Services/UserService/admin', { values: { enabled: false } });
  assert.deepEqual([answer.status, answer.body.errors?.[0].pointer], [409, '/values/enabled'], answer.text);
});

test('unknown, disabled and known users are refused in the same words', async () => {
  await addUser('asleep');
  await api.patch('/Services/UserService/asleep', { enabled: false });
  const details = new Set();
  for (const [name, password] of [['nobody', PASSWORD], ['asleep', PASSWORD], ['admin', 'wrong password'], ['admin', ''], ['x'.repeat(500), 'y'],
    ['admin', 'ä'.repeat(200)], ['', '']]) {
    const answer = await logIn(stranger(), name, password);
    assert.equal(answer.status, 401, answer.text);
    details.add(answer.body.detail);
  }
  assert.equal(details.size, 1);
  assert.equal(await status(stranger(), 'POST', '/session', '{"username":"admin","password":"a\\u0000b"}'), 400);
  assert.equal(await status(stranger(), 'POST', '/session', { username: 'admin', password: 'x'.repeat(5000) }), 413);
  assert.equal(await status(stranger(), 'POST', '/session', { username: 'admin' }), 400);
});

test('guessing is slowed down, in parallel too, and audited; others log in as before', async () => {
  await addUser('target');
  const answers = await Promise.all(Array.from({ length: 20 }, () => logIn(stranger(), 'target', 'wrong password')));
  assert.equal(answers.filter((answer) => answer.status === 401).length, 5);
  const throttled = answers.filter((answer) => answer.status === 429);
  assert.equal(throttled.length, 15);
  assert.match(throttled[0].body.detail, /Wait \d+ seconds/);
  assert.equal((await logIn(stranger(), 'target', PASSWORD)).status, 429);
  await browser('admin');
  await api.invoke('/Services/UserService/target', 'clearLockOut');
  await browser('target');
  const failures = (await api.get('/audit?limit=50')).items.filter((item) => item.operation === 'loginFailed' && item.target === 'target');
  assert.equal(failures.length, 5);
  assert.ok(failures.some((item) => /lockedOutForSeconds/.test(item.detail)));
});
