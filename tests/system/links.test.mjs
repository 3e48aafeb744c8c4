// SPDX-License-Identifier: Apache-2.0
// modes: release asan
//
// Links and wire sheets over REST: making, refusing, switching off, both directions, places of boxes, loops.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Station } from '../support/station.mjs';

const ord = (path) => `station:|slot:${path}`;
let station, api;

before(async () => {
  station = await Station.start();
  api = station.api;
  await api.add('/', 'Wires', 'baja:Folder');
  await api.add('/Wires', 'Setpoint', 'control:NumericWritable', { fallback: { value: 21, status: '{ok}' } });
  await api.add('/Wires', 'Sum', 'kitControl:Add');
  await api.add('/Wires', 'Hot', 'kitControl:GreaterThan');
});
after(() => station?.stop());

test('a link carries at once, shows at both ends, and is switched off', async () => {
  const made = await api.send('POST', '/components/Wires/Sum/links', { source: ord('/Wires/Setpoint'), sourceSlot: 'out', targetSlot: 'inA' });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  assert.equal(made.headers.location, '/api/v1/components/Wires/Sum/links/link');
  assert.deepEqual([made.body.enabled, made.body.valid, made.body.conversion, made.body.target], [true, true, null, ord('/Wires/Sum')]);
  assert.equal((await api.value('/Wires/Sum', 'out')).value, 21);
  assert.deepEqual((await api.get('/components/Wires/Sum')).linked, ['inA']);
  assert.equal((await api.get('/components/Wires/Setpoint/links')).items.length, 0);
  const out = await api.get('/components/Wires/Setpoint/links?direction=out');
  assert.deepEqual(out.items.map(({ sourceSlot, target, targetSlot }) => [sourceSlot, target, targetSlot]), [['out', ord('/Wires/Sum'), 'inA']]);
  const warned = await api.send('PATCH', '/components/Wires/Sum', { values: { inA: { value: 3, status: '{ok}' } } });
  assert.deepEqual(warned.body.warnings.map(({ pointer }) => pointer), ['/values/inA']);
  const off = await api.send('PATCH', '/components/Wires/Sum/links/link', { enabled: false });
  assert.deepEqual([off.status, off.body.enabled], [200, false]);
  assert.equal((await api.send('PATCH', '/components/Wires/Sum/links/link', { enabled: 1 })).status, 400);
  assert.equal((await api.send('PATCH', '/components/Wires/Sum/links/other', { enabled: true })).status, 404);
  const back = await api.post('/undo');
  assert.match(JSON.stringify(back), /a link of \/Wires\/Sum/);
  assert.equal((await api.get('/components/Wires/Sum/links')).items[0].enabled, true);
});

test('what cannot be linked is refused with a place and a sentence', async () => {
  const refused = async (body, pointer, text) => {
    const answer = await api.send('POST', '/components/Wires/Sum/links', { source: ord('/Wires/Setpoint'), sourceSlot: 'out', targetSlot: 'inB', ...body });
    assert.equal(answer.status, 422, JSON.stringify(answer.body));
    assert.equal(answer.body.errors[0].pointer, pointer);
    assert.match(answer.body.errors[0].detail, text);
  };
  await refused({ sourceSlot: 'nothing' }, '/sourceSlot', /no property, action or topic "nothing"/);
  await refused({ targetSlot: 'out' }, '/targetSlot', /read-only/);
  await refused({ source: ord('/Wires/Nobody') }, '/source', /Nobody/);
  await refused({ sourceSlot: 'facets' }, '/targetSlot', /cannot be converted/);
  const ends = await api.get(`/components/Wires/wiresheet/ends?source=${encodeURIComponent(ord('/Wires/Setpoint'))}&slot=out`);
  const { handle } = await api.get('/components/Wires/Hot');
  assert.equal(ends.items.find((e) => e.handle === handle && e.slot === 'inA').legal, true);
  assert.match(ends.items.find((e) => e.handle === handle && e.slot === 'out').reason, /read-only/);
  assert.equal((await api.send('GET', '/components/Wires/wiresheet/ends?slot=out')).status, 400);
  assert.equal((await api.send('GET', '/components/Wires/Sum/links?direction=up')).status, 400);
});

test('the wire sheet has boxes with their places, values, and links to outside', async () => {
  const patch = (path, at) => ({ op: 'patch', path, values: { wsAnnotation: at } });
  await api.post('/batch', [patch('/Wires/Setpoint', '2,3'), patch('/Wires/Sum', '20,3')]);
  await api.send('POST', '/components/Wires/Hot/links', { source: ord('/Services/WebService'), sourceSlot: 'status', targetSlot: 'inA' });
  let sheet = await api.get('/components/Wires/wiresheet');
  assert.deepEqual(sheet.items.map(({ name, position }) => [name, position]), [['Setpoint', { x: 2, y: 3 }], ['Sum', { x: 20, y: 3 }], ['Hot', undefined]]);
  assert.equal(sheet.items[0].values.out.value, 21);
  assert.ok(sheet.links.some(({ targetSlot, sourceHandle }) => targetSlot === 'inA' && sourceHandle === sheet.items[0].handle));
  await api.post('/undo');
  sheet = await api.get('/components/Wires/wiresheet');
  assert.equal(sheet.items[0].position, undefined);
});

test('a loop through sums is cut, says its path, and runs again when a link goes', async () => {
  for (const name of ['A', 'B']) await api.add('/Wires', name, 'kitControl:Add');
  await api.send('POST', '/components/Wires/B/links', { source: ord('/Wires/A'), sourceSlot: 'out', targetSlot: 'inA' });
  await api.send('POST', '/components/Wires/A/links', { source: ord('/Wires/B'), sourceSlot: 'out', targetSlot: 'inA' });
  await api.patch('/Wires/A', { inB: { value: 1, status: '{ok}' } });
  const all = [...(await api.get('/components/Wires/A/links')).items, ...(await api.get('/components/Wires/B/links')).items];
  const bad = all.filter(({ valid }) => !valid);
  assert.equal(bad.length, 1);
  assert.match(bad[0].reason, /Values run in a loop: \/Wires\/(A -> \/Wires\/B -> \/Wires\/A|B -> \/Wires\/A -> \/Wires\/B)\./);
  assert.equal((await api.send('DELETE', '/components/Wires/A/links/link')).status, 204);
  assert.equal((await api.get('/components/Wires/B/links')).items[0].valid, true);
});
