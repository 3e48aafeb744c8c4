// SPDX-License-Identifier: Apache-2.0
// modes: release asan tsan
//
// The REST interface of the tree as a program sees it: changes are whole or nothing and name every mistake, old readers
// are told, batches, links and actions; and who may do what, for every route that the station itself documents.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from '../support/client.mjs';
import { PASSWORD, Station } from '../support/station.mjs';

let station, api;
const clients = {};

before(async () => {
  station = await Station.start();
  api = station.api;
  await api.add('', 'Plant', 'baja:Folder');
  for (const role of ['viewer', 'operator']) {
    await api.add('/Services/UserService', role, 'baja:User', { role, password: PASSWORD });
    clients[role] = new Client(station, { token: await station.addToken(role) });
  }
  clients.admin = api;
  clients.nobody = new Client(station);
});
after(async () => {
  for (const client of Object.values(clients)) client.close();
  await station?.stop();
});

const pointers = (answer) => (answer.body.errors ?? []).map((error) => error.pointer).sort();
const warned = (body) => body.warnings.map((warning) => warning.pointer);

test('a component is added, found, changed, moved and removed', async () => {
  const answer = await api.send('POST', '/components/Plant/children', { name: 'Limit', type: 'control:NumericWritable' });
  assert.equal(answer.status, 201, answer.text);
  assert.equal(answer.headers.location, '/api/v1/components/Plant/Limit');
  assert.equal(answer.headers.etag, `"${answer.body.handle}-${answer.body.revision}"`);
  assert.equal(answer.body.ord, 'station:|slot:/Plant/Limit');
  const folder = await api.component('/Plant');
  assert.deepEqual(folder.children.map(({ name, type }) => [name, type]), [['Limit', 'control:NumericWritable']]);
  const renamed = await api.send('PATCH', '/components/Plant/Limit', { displayName: 'The limit' });
  assert.equal(renamed.status, 200, renamed.text);
  assert.equal(renamed.body.displayName, 'The limit');
  assert.equal(renamed.body.revision, answer.body.revision + 1);
  await api.add('', 'Attic', 'baja:Folder');
  const moved = await api.send('POST', '/components/Plant/Limit/move', { parent: 'station:|slot:/Attic', name: 'Old' });
  assert.equal(moved.status, 200, moved.text);
  assert.equal(moved.body.path, '/Attic/Old');
  assert.equal(moved.body.handle, answer.body.handle);
  assert.equal((await api.send('DELETE', '/components/Attic/Old')).status, 204);
  assert.equal((await api.send('GET', '/components/Attic/Old')).status, 404);
  assert.equal((await api.send('DELETE', '/components/Attic')).status, 204);
  const deep = await api.get('/components?depth=2');
  assert.equal(deep.path, '/');
  assert.ok(deep.children.find(({ name }) => name === 'Services').children.every((child) => child.values));
});

test('a name that a person types is escaped, and shown as it was typed', async () => {
  const add = (name) => api.send('POST', '/components/Plant/children', { name, type: 'baja:Folder' });
  const answer = await add('1st floor, Süd');
  assert.equal(answer.status, 201, answer.text);
  assert.deepEqual([answer.body.name, answer.body.displayName], ['$31st$20floor$2c$20S$c3$bcd', '1st floor, Süd']);
  assert.equal((await api.send('GET', answer.headers.location.slice('/api/v1'.length))).status, 200);
  assert.equal((await add('1st floor, Süd')).status, 409, 'it is there already');
  const moved = await api.send('POST', `/components${answer.body.path}/move`, { name: 'Floor 2' });
  assert.deepEqual([moved.body.path, moved.body.displayName], ['/Plant/Floor$202', 'Floor 2']);
  for (const wrong of ['', ' '.repeat(60)]) assert.equal((await add(wrong)).status, 422, wrong);
  assert.equal((await api.send('DELETE', '/components/Plant/Floor$202')).status, 204);
});

test('an old reader is told so with 412, and nothing is changed', async () => {
  const folder = await api.send('GET', '/components/Plant');
  const first = await api.send('PATCH', '/components/Plant', { displayName: 'One' }, { 'If-Match': folder.headers.etag });
  assert.equal(first.status, 200, first.text);
  const second = await api.send('PATCH', '/components/Plant', { displayName: 'Two' }, { 'If-Match': folder.headers.etag });
  assert.equal(second.status, 412, second.text);
  assert.match(second.body.detail, /read it again/);
  assert.equal((await api.component('/Plant')).displayName, 'One');
  assert.equal((await api.send('DELETE', '/components/Plant', undefined, { 'If-Match': '"nonsense"' })).status, 412);
  assert.equal((await api.send('PATCH', '/components/Plant', { displayName: null }, { 'If-Match': '*' })).body.displayName, 'Plant');
});

test('every mistake of a patch is named at its place, and nothing is saved', async () => {
  const before = await api.component('/Services/UserService');
  const answer = await api.send('PATCH', '/components/Services/UserService', {
    values: { maxBadLogins: 99, lockOutPeriod: 'soon', bogus: 1, lockOutEnabled: 'yes', absoluteLogoff: '13h' },
  });
  assert.equal(answer.status, 422, answer.text);
  assert.match(answer.headers['content-type'], /^application\/problem\+json/);
  assert.deepEqual(pointers(answer), ['/values/bogus', '/values/lockOutEnabled', '/values/lockOutPeriod', '/values/maxBadLogins']);
  for (const error of answer.body.errors) assert.match(error.detail, /\w+ \w+/);
  assert.deepEqual((await api.component('/Services/UserService')).values, before.values);
  const stray = await api.send('PATCH', '/components/Services/UserService', { maxBadLogins: 3 });
  assert.equal(stray.status, 422, stray.text);
  assert.deepEqual(pointers(stray), ['/maxBadLogins']);
  assert.equal((await api.send('PATCH', '/components/Services/UserService', '{"values":')).status, 400);
  assert.equal((await api.send('PATCH', '/components/Services/UserService', '{"values":{"maxBadLogins":3,"maxBadLogins":4}}')).status, 400);
  assert.equal((await api.send('PATCH', '/components/Services/UserService', 'values=1', { 'Content-Type': 'text/plain' })).status, 415);
});

test('a secret is written like any value and never comes back', async () => {
  const secret = 'planted-secret-4711';
  await api.add('/Services/EmailService', 'Mailbox', 'email:OutgoingAccount', {
    hostname: 'mail.example', emailAuthenticator: { type: 'email:BasicEmailClientAuthenticator', account: 'me', password: secret },
  });
  const { values } = await api.component('/Services/EmailService/Mailbox');
  assert.deepEqual(values.emailAuthenticator.password, { set: true });
  await api.patch('/Services/EmailService/Mailbox', { hostname: 'smtp.example', emailAuthenticator: { password: { set: true } } });
  assert.deepEqual((await api.component('/Services/EmailService/Mailbox')).values.emailAuthenticator.password, { set: true });
  for (const path of ['/components?depth=8', '/audit?limit=1000', '/components/Services/EmailService/Mailbox/emailAuthenticator']) {
    const { status, text } = await api.send('GET', path);
    assert.equal(status, 200, text);
    assert.ok(!text.includes(secret), `${path} gives the secret away`);
    assert.ok(!text.includes('v1:'), `${path} gives the sealed secret away`);
    assert.ok(!text.includes('argon2'), `${path} gives a password's hash away`);
  }
  assert.ok(!station.stderr.includes(secret));
  await api.delete('/components/Services/EmailService/Mailbox');
});

test('an unwise value is saved with a warning', async () => {
  const body = await api.add('/Services/UserService', 'shorty', 'baja:User', { password: '12345678' });
  assert.deepEqual(warned(body), ['/values/password']);
  await api.delete('/components/Services/UserService/shorty');
});

test('a batch is all or nothing, and builds on itself', async () => {
  const bad = await api.send('POST', '/batch', [
    { op: 'add', path: '/Plant', name: 'A', type: 'baja:Folder' },
    { op: 'add', path: '/Plant/A', name: 'B', type: 'no:Such' },
    { op: 'patch', path: '/Services/UserService', values: { maxBadLogins: 0 } },
    { op: 'invoke', path: '/Services/UserService/viewer', action: 'setPassword', argument: 5 },
  ]);
  assert.equal(bad.status, 422, bad.text);
  assert.ok(bad.body.errors.length >= 1, bad.text);
  const worse = await api.send('POST', '/batch', [
    { op: 'add', path: '/Plant', name: 'A', type: 'baja:Folder' },
    { op: 'patch', path: '/Services/UserService', values: { maxBadLogins: 0 } },
    { op: 'remove', path: '/Services/AlarmService' },
  ]);
  assert.ok([409, 422].includes(worse.status), worse.text);
  assert.deepEqual(pointers(worse).filter((pointer) => pointer.startsWith('/1')), ['/1/values/maxBadLogins']);
  assert.deepEqual((await api.component('/Plant')).children, []);
  const structure = await api.send('POST', '/batch', [{ op: 'frobnicate', path: '/Plant' }, { op: 'add', path: '/Nowhere' }, { op: 'copy', path: '/Services/UserService' }]);
  assert.deepEqual(pointers(structure), ['/0/op', '/1/path', '/2'], structure.text);

  const { results } = await api.post('/batch', [
    { op: 'add', path: '/Plant', name: 'A', type: 'baja:Folder', displayName: 'First' },
    { op: 'add', path: '/Plant/A', name: 'In', type: 'control:NumericWritable' },
    { op: 'add', path: '/Plant/A', name: 'Out', type: 'control:NumericWritable' },
    { op: 'link', path: '/Plant/A/Out', source: '/Plant/A/In', sourceSlot: 'out', targetSlot: 'in10' },
    { op: 'patch', path: '/Plant', displayName: 'Works' },
    { op: 'invoke', path: '/Services/UserService/viewer', action: 'clearLockOut' },
  ]);
  assert.equal(results.length, 6);
  assert.equal(results[1].handle, (await api.component('/Plant/A/In')).handle);
  const record = (await api.get('/audit?limit=2')).items.find(({ operation }) => operation === 'added'); // one for all of it, with paths that hold; the action has its own
  assert.deepEqual(JSON.parse(record.detail).map(({ operation, target }) => `${operation} ${target}`), ['added /Plant/A', 'added /Plant/A/In', 'added /Plant/A/Out', 'linked /Plant/A/Out', 'changed /Plant']);
  assert.deepEqual(results[5], { result: null });
  assert.equal((await api.component('/Plant/A')).displayName, 'First');
  const { items: links } = await api.get('/components/Plant/A/Out/links');
  assert.deepEqual(links.map((link) => [link.source, link.sourceSlot, link.targetSlot]), [['station:|slot:/Plant/A/In', 'out', 'in10']]);

  await api.invoke('/Plant/A/In', 'set', 21.5);
  assert.equal((await api.value('/Plant/A/Out', 'out')).value, 21.5);
  const again = await api.send('POST', '/components/Plant/A/Out/links', { source: 'station:|slot:/Plant/A/In', sourceSlot: 'out', targetSlot: 'in11' });
  assert.equal(again.status, 201, again.text);
  assert.equal(again.headers.location, `/api/v1/components/Plant/A/Out/links/${again.body.name}`);
  assert.equal((await api.send('DELETE', `/components/Plant/A/Out/links/${again.body.name}`)).status, 204);
  assert.equal((await api.get('/components/Plant/A/Out/links')).items.length, 1);
  await api.patch('/Plant', {}, { displayName: null });
  await api.delete('/components/Plant/A');
});

test('copies, order, undo and versions', async () => {
  const names = async (path) => (await api.component(path)).children.map(({ name }) => name);
  const { version: first, results } = await api.post('/batch', { reason: 'A new floor.', operations: [
    { op: 'add', path: '/Plant', name: 'Floor', type: 'baja:Folder' },
    { op: 'add', path: '/Plant/Floor', name: 'In', type: 'control:NumericWritable' },
    { op: 'add', path: '/Plant/Floor', name: 'Out', type: 'control:NumericWritable' },
    { op: 'link', path: '/Plant/Floor/Out', source: '/Plant/Floor/In', sourceSlot: 'out', targetSlot: 'in10' },
  ] });
  const copied = await api.post('/batch', [
    { op: 'copy', path: '/Plant/Floor', displayName: 'Second' },
    { op: 'copy', path: '/Plant/Floor' },
    { op: 'reorder', path: '/Plant', order: ['Floor2', 'Floor1'] },
    { op: 'move', path: '/Plant/Floor/In', name: 'Entry', before: '' },
  ]);
  assert.deepEqual(await names('/Plant'), ['Floor2', 'Floor1', 'Floor']);
  assert.deepEqual(await names('/Plant/Floor'), ['Out', 'Entry']);
  assert.equal((await api.get('/components/Plant/Floor1/Out/links')).items[0].source, 'station:|slot:/Plant/Floor1/In');

  const dryBatch = await api.post('/batch?dryRun=true', [{ op: 'remove', path: '/Plant/Floor1' }, { op: 'patch', path: '/Plant', displayName: 'Works' }]);
  assert.deepEqual(dryBatch.changes.map(({ what }) => what), ['removed', 'removed', 'removed', 'changed']);
  assert.equal(dryBatch.version, undefined);
  const floors = ['/Plant/Floor', '/Plant/Floor1', '/Plant/Floor2'];
  const bulk = await api.post('/batch', [{ op: 'patch', paths: floors.map((floor) => `${floor}/Out`), values: { facets: { units: 'K' } } }]);
  assert.equal(bulk.summary, 'Changed facets of /Plant/Floor/Out and 2 more (3 properties).');
  assert.deepEqual(pointers(await api.send('POST', '/batch', [{ op: 'patch', paths: ['/Plant', '/No'], values: { x: 1 } }])), ['/0/paths/1', '/0/values/x']);
  const flood = { op: 'patch', paths: Array(9000).fill('/Plant'), values: { x: 'y'.repeat(4000) } };
  assert.deepEqual(pointers(await api.send('POST', '/batch', [flood])), ['/0/paths']);
  await api.post('/undo');
  const ordered = await api.send('POST', '/components/Plant/reorder', { order: ['Floor', 'Floor1'] });
  assert.deepEqual(ordered.body.children.map(({ name }) => name), ['Floor', 'Floor1', 'Floor2']);
  assert.equal((await api.send('POST', '/components/Plant/Floor/move', { before: 'Floor2' })).status, 200);
  await api.post('/undo');
  await api.post('/undo');
  assert.deepEqual(await names('/Plant'), ['Floor2', 'Floor1', 'Floor']);

  const { undo } = await api.get('/undo');
  assert.deepEqual(undo.slice(0, 2).map(({ version }) => version), [copied.version, first]);
  assert.equal(undo[1].reason, 'A new floor.');
  const undone = await api.post('/undo');
  assert.match(undone.summary, /^Undone: Added \/Plant\/Floor1 and 1 more \(6 components\); renamed .* to Entry; reordered the children of \/Plant\/Floor\.$/);
  assert.deepEqual(await names('/Plant'), ['Floor']);
  await api.delete('/components/Plant/Floor');
  await api.post('/undo');
  assert.equal((await api.component('/Plant/Floor/Out')).handle, results[2].handle);
  assert.equal((await api.get('/components/Plant/Floor/Out/links')).items.length, 1);
  await api.post('/redo');
  assert.equal((await api.send('POST', '/redo', {})).status, 409);

  const { items } = await api.get('/versions?limit=3');
  assert.deepEqual(items.map(({ kind }) => kind), ['redo', 'undo', 'change']);
  const one = await api.get(`/versions/${first}`);
  assert.equal(one.reason, 'A new floor.');
  assert.deepEqual(one.changes.map(({ what, path }) => [what, path]),
    [['added', '/Plant/Floor'], ['added', '/Plant/Floor/In'], ['added', '/Plant/Floor/Out']]);
  assert.equal(one.changes[2].links[0].new.source, '/Plant/Floor/In');
  assert.ok(!JSON.stringify(await Promise.all(items.map(({ version }) => api.get(`/versions/${version}`)))).includes('v1:'));
  const dry = await api.post(`/versions/${first}/restore?dryRun=true`);
  assert.deepEqual(dry.changes.map(({ what }) => what), ['added', 'added', 'added']);
  assert.deepEqual(await names('/Plant'), []);
  const restored = await api.post(`/versions/${first}/restore`, { reason: 'It was good.' });
  assert.equal(restored.version, items[0].version + 1);
  assert.equal((await api.component('/Plant/Floor/Out')).handle, results[2].handle);
  assert.equal((await api.send('POST', '/versions/999999/restore', {})).status, 409);
  assert.equal((await api.send('GET', '/versions/999999')).status, 404);
  await api.delete('/components/Plant/Floor');
});

test('actions: result, unknown name, missing and wrong argument', async () => {
  const none = await api.send('POST', '/components/Services/UserService/viewer/actions/dance');
  assert.equal(none.status, 404, none.text);
  const missing = await api.send('POST', '/components/Services/UserService/viewer/actions/setPassword');
  assert.equal(missing.status, 422, missing.text);
  const short = await api.send('POST', '/components/Services/UserService/viewer/actions/setPassword', JSON.stringify('short'));
  assert.equal(short.status, 422, short.text);
  assert.match(short.body.detail, /at least 8 characters/);
  assert.deepEqual(await api.post('/components/Services/UserService/viewer/actions/setPassword', JSON.stringify(PASSWORD)), { result: null });
});

test('types are complete and constant', async () => {
  const list = await api.send('GET', '/types');
  const user = list.body.items.find(({ name }) => name === 'baja:User');
  assert.deepEqual(user.slots.find(({ name }) => name === 'password').flags, ['secret']);
  assert.deepEqual(user.slots.find(({ name }) => name === 'role').facets.range.map(({ name }) => name), ['viewer', 'operator', 'admin']);
  assert.equal((await api.send('GET', '/types', undefined, { 'If-None-Match': list.headers.etag })).status, 304);
  assert.deepEqual(await api.get('/types/baja:User'), user);
  assert.equal((await api.send('GET', '/types/no:Such')).status, 404);
});

test('the audit trail tells who did what, page after page', async () => {
  await api.patch('/Services/UserService', { maxBadLogins: 6 });
  await api.patch('/Services/UserService', { maxBadLogins: 5 });
  const [last, before] = (await api.get('/audit?limit=2')).items;
  assert.deepEqual([last.operation, last.target, last.slot, last.oldValue, last.value, last.user], ['changed', '/Services/UserService', 'maxBadLogins', '6', '5', 'admin']);
  assert.match(last.origin, /^token 127\.0\.0\.1$/);
  const first = await api.get('/audit?limit=1');
  assert.deepEqual((await api.get(`/audit?limit=1&cursor=${first.next}`)).items, [before]);
  const all = await api.list('/audit');
  assert.equal(new Set(all.map(({ id }) => id)).size, all.length);
});

/** What a request of a role must be answered with: 401 for nobody, 403 below the role that the route asks for. */
const rank = { nobody: 0, viewer: 1, operator: 2, admin: 3 };

/** Least role of each call, and an example that does no harm. What is not here fails the test. */
const routes = {
  'POST /session': [0], 'GET /session': [1], 'DELETE /session': [1], 'POST /setup': [0], 'POST /ack/look': [0], 'POST /ack': [0],
  'GET /sessions': [1], 'DELETE /sessions/{id}': [1], 'GET /tokens': [1], 'POST /tokens': [1], 'DELETE /tokens/{id}': [1],
  'GET /components': [1], 'GET /components/{path}': [1], 'PATCH /components': [3], 'PATCH /components/{path}': [3, '/Plant', { displayName: null }],
  'DELETE /components': [3], 'DELETE /components/{path}': [3, '/Nowhere'],
  'GET /components/children': [1], 'GET /components/{path}/children': [1, '/Plant'], 'GET /config': [3], 'POST /config': [3, '', {}], 'GET /histories': [1], 'GET /search': [1], 'GET /tags': [1], 'GET /histories/{id}': [1],
  'POST /components/children': [3], 'POST /components/{path}/children': [3, '/Plant', {}],
  'POST /components/move': [3], 'POST /components/{path}/move': [3, '/Nowhere', {}],
  'POST /components/actions/{name}': [1], 'POST /components/{path}/actions/{name}': [3, '/Services/UserService/viewer', undefined, 'clearLockOut'],
  'GET /components/links': [1], 'GET /components/{path}/links': [1, '/Plant'],
  'POST /components/links': [3], 'POST /components/{path}/links': [3, '/Plant', {}],
  'DELETE /components/links/{name}': [3], 'DELETE /components/{path}/links/{name}': [3, '/Plant'],
  'PATCH /components/{path}/links/{name}': [3, '/Plant', {}], 'GET /components/{path}/wiresheet': [1, '/Plant'], 'GET /components/{path}/wiresheet/ends': [1, '/Plant'],
  'GET /components/{path}/children': [1, '/Plant'],
  'POST /components/reorder': [3], 'POST /components/{path}/reorder': [3, '/Plant', { order: [] }],
  'POST /batch': [2, '', []], 'GET /undo': [1], 'POST /undo': [2], 'POST /redo': [2], 'GET /versions': [1],
  'GET /versions/{number}': [1], 'POST /versions/{number}/restore': [3], 'GET /components/{path}/schedule/preview': [1, '/Plant'], 'GET /components/{path}/schedule/export': [1, '/Plant'],
  'GET /audit': [3], 'GET /types': [1], 'GET /types/{name}': [1],
};

test('every route asks for its role', async () => {
  const document = await api.get('/openapi.json');
  const unknown = [];
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of Object.keys(item)) {
      if (!['get', 'post', 'patch', 'delete', 'put'].includes(method)) continue;
      const short = path.replace(/^\/api\/v1/, '');
      if (/^\/(healthz|readyz|openapi\.json|metrics)$/.test(short)) continue;
      if (short.endsWith('/schedule/import')) continue; /* takes no JSON; schedules have a test of their own */
      const name = `${method.toUpperCase()} ${short}`;
      const mine = /^\/(session|setup|sessions|tokens|components|batch|undo|redo|versions|audit|types|config|histories|search|tags)\b/.test(short);
      const known = routes[name];
      if (!known && mine) unknown.push(name);
      const [least, at = '/Plant', body, action] = known ?? [undefined];
      const url = short.replace(/\/?\{path[.]*\}/, at).replace('{name}', action ?? 'none').replace('{id}', '0123456789abcdef')
        .replace(/\{[^}]+\}/g, 'none');
      for (const [role, client] of Object.entries(clients)) {
        if (least === 0 || (known && !short.includes('{path') && short.startsWith('/components') && method !== 'get')) continue;
        if (short === '/events') { if (role !== 'nobody') continue; }
        if (!known && role !== 'nobody') continue; /* those have tests of their own; nobody is refused everywhere */
        const answer = await client.send(method.toUpperCase(), url, ['GET', 'DELETE'].includes(method.toUpperCase()) ? undefined : body ?? {});
        const what = `${role}: ${name} (${url}): ${answer.status} ${answer.text.slice(0, 200)}`;
        if (role === 'nobody') assert.equal(answer.status, 401, what);
        else if (rank[role] < least) assert.equal(answer.status, 403, what);
        else assert.ok(![401, 403].includes(answer.status) || name === 'POST /tokens', what);
      }
    }
  }
  assert.deepEqual(unknown, [], 'routes without a row in this test');
});

test('an operator may do what is flagged for operators, a viewer nothing', async () => {
  await api.add('/Plant', 'Knob', 'control:NumericWritable');
  assert.equal((await clients.viewer.send('POST', '/components/Plant/Knob/actions/set', '5')).status, 403);
  assert.equal((await clients.operator.send('POST', '/components/Plant/Knob/actions/set', '5')).status, 200);
  assert.equal((await api.value('/Plant/Knob', 'out')).value, 5);
  const refused = await clients.operator.send('PATCH', '/components/Services/UserService/operator', { values: { role: 'admin', email: 'a@b.example' } });
  assert.equal(refused.status, 403, refused.text);
  assert.deepEqual(pointers(refused), ['/values/email', '/values/role']);
  const batch = await clients.operator.send('POST', '/batch', [{ op: 'remove', path: '/Plant/Knob' }]);
  assert.equal(batch.status, 403, batch.text);
  assert.equal((await clients.operator.send('POST', '/batch', [{ op: 'invoke', path: '/Services/UserService/viewer', action: 'clearLockOut' }])).status, 403);
  await api.delete('/components/Plant/Knob');
});
