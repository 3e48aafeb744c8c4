// SPDX-License-Identifier: Apache-2.0
// modes: release asan
//
// Properties that a component has beyond its type, and categories, over REST: any definition is either refused at its
// place with nothing changed, or reads back as it was written, and all of it goes out and in as text.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { Client } from '../support/client.mjs';
import { PASSWORD, Station } from '../support/station.mjs';

const PLACE = '/Drivers/Hall';
let station, api;

before(async () => {
  station = await Station.start();
  api = station.api;
  await api.add('/Drivers', 'Hall', 'baja:Folder');
});
after(() => station?.stop());

const slots = async () => Object.fromEntries((await api.component(PLACE)).slots.map((row) => [row.name, row]));
const send = (body) => api.send('PATCH', `/components${PLACE}`, body);

test('a slot is added, set, described, renamed and removed; each is a version', async () => {
  const setpoint = { kind: 'real', value: 21, displayName: 'Set point', facets: { units: '°C', min: 5, max: 30, precision: 1 }, flags: ['summary', 'operator'] };
  const added = await api.call('PATCH', `/components${PLACE}`, { slots: { setpoint, mode: { kind: 'enum', facets: { range: ['off', 'heat'] }, value: 'heat' } }, values: { mode: 'off' } });
  assert.deepEqual([added.values.setpoint, added.values.mode], [21, 'off']);
  const row = (await slots()).setpoint;
  assert.equal(row.dynamic, true);
  for (const name of ['kind', 'displayName', 'flags', 'facets']) assert.deepEqual(row[name], setpoint[name], name);
  const refused = await send({ values: { setpoint: 31, mode: 'cool' } });
  assert.equal(refused.status, 422);
  assert.deepEqual(refused.body.errors.map((e) => e.pointer).sort(), ['/values/mode', '/values/setpoint']);
  const { body: narrowed } = await send({ slots: { setpoint: { facets: { max: 20 } } } });
  assert.deepEqual(narrowed.errors.map((e) => e.pointer), ['/values/setpoint']);
  await api.call('PATCH', `/components${PLACE}`, { slots: { setpoint: { facets: { max: 20 } } }, values: { setpoint: 18 } });
  await api.call('PATCH', `/components${PLACE}`, { slots: { setpoint: { name: 'target' } } });
  assert.equal(await api.value(PLACE, 'target'), 18);
  const [newest] = (await api.get('/versions?limit=1')).items;
  const changes = await api.get(`/versions/${newest.version}`);
  assert.deepEqual(changes.changes[0].properties.map((p) => p.name).sort(), ['setpoint', 'slots', 'target']);
  await api.post('/undo');
  assert.equal(await api.value(PLACE, 'setpoint'), 18);
  await api.call('PATCH', `/components${PLACE}`, { slots: { setpoint: null, mode: null } });
  assert.deepEqual(await slots(), {});
});

test('an operator sets what has the flag operator, and defines nothing', async () => {
  await api.call('PATCH', `/components${PLACE}`, { slots: { his: { kind: 'real', flags: ['operator'] }, not: { kind: 'real' } } });
  await api.add('/Services/UserService', 'olga', 'baja:User', { role: 'operator', password: PASSWORD });
  const operator = new Client(station, { token: await station.addToken('olga') });
  assert.equal((await operator.send('PATCH', `/components${PLACE}`, { values: { his: 4 } })).status, 200);
  assert.equal((await operator.send('PATCH', `/components${PLACE}`, { values: { not: 4 } })).status, 403);
  assert.equal((await operator.send('PATCH', `/components${PLACE}`, { slots: { more: { kind: 'real' } } })).status, 403);
  assert.equal((await operator.send('PATCH', `/components${PLACE}`, { categories: ['x'] })).status, 403);
  operator.close();
  await api.call('PATCH', `/components${PLACE}`, { slots: { his: null, not: null } });
});

test('in a batch: the same property for many at once, with a link to it, and undone at once', async () => {
  const paths = ['/Drivers/B1', '/Drivers/B2'];
  const answer = await api.post('/batch', [
    ...paths.map((path) => ({ op: 'add', path: '/Drivers', name: path.slice(9), type: 'control:NumericWritable', slots: { own: { kind: 'real', value: 1 } }, categories: ['plant'] })),
    { op: 'patch', paths, slots: { note: { kind: 'string', value: 'both' } } },
    { op: 'link', path: paths[1], source: paths[0], sourceSlot: 'own', targetSlot: 'in9' },
  ]);
  assert.ok(answer.version);
  assert.equal((await api.value(paths[1], 'in9')).value, 1);
  assert.equal(await api.value(paths[0], 'note'), 'both');
  assert.deepEqual((await api.component(paths[0])).categories, ['plant']);
  assert.deepEqual((await api.get('/search?q=category:plant%20both')).items.map((i) => i.path), paths);
  await api.post('/undo');
  assert.equal((await api.send('GET', `/components${paths[0]}`)).status, 404);
});

test('categories are inherited until a component names its own', async () => {
  await api.add('/Services/CategoryService', 'Hvac', 'baja:Category', { description: 'Heating, ventilation, air conditioning' });
  await api.add(PLACE, 'Room', 'baja:Folder');
  await api.call('PATCH', `/components${PLACE}`, { categories: ['Hvac'] });
  const { categories, categoriesFrom } = await api.component(`${PLACE}/Room`);
  assert.deepEqual([categories, categoriesFrom], [['Hvac'], PLACE]);
  const { warnings } = await api.call('PATCH', `/components${PLACE}/Room`, { categories: ['Hvac', 'Fire'] });
  assert.match(warnings[0].detail, /There is no category "Fire"/);
  await api.call('PATCH', `/components${PLACE}/Room`, { categories: null });
  assert.equal((await api.component(`${PLACE}/Room`)).categoriesFrom, PLACE);
  assert.equal((await send({ categories: 'Hvac' })).status, 422);
});

test('a struct is described as a type describes one, set member by member, and a secret is told by nobody', async () => {
  const limit = { kind: 'struct', doc: 'Where it is too warm.', members: [{ name: 'low', kind: 'real', facets: { units: '°C', min: 0, max: 50 } }, { name: 'mode', kind: 'enum', facets: { range: ['off', 'heat'] } }], value: { low: 5 } };
  const days = { kind: 'list', element: 'struct', members: [{ name: 'at', kind: 'reltime' }, { name: 'what', kind: 'string' }], value: [{ at: 7, what: 'x' }] };
  await api.call('PATCH', `/components${PLACE}`, { slots: { limit, days, pin: { kind: 'secret', value: 'hunter22-plain' } } });
  const { values, slots: rows } = await api.component(PLACE), row = Object.fromEntries(rows.map((r) => [r.name, r]));
  assert.deepEqual([values.limit, values.days, values.pin], [{ low: 5, mode: 'off' }, days.value, { set: true }]);
  assert.deepEqual(row.limit.members.map(({ name, kind, facets: { units, min, max }, default: dflt }) => [name, kind, units, min, max, dflt]), [['low', 'real', '°C', 0, 50, 0], ['mode', 'enum', undefined, undefined, undefined, 'off']]);
  assert.deepEqual([row.limit.doc, row.limit.default, row.days.element, row.pin.flags], [limit.doc, { low: 0, mode: 'off' }, 'struct', ['secret']]);
  const refused = await send({ values: { limit: { low: 51, high: 1 }, days: [{ what: 3 }] } });
  assert.deepEqual(refused.body.errors.map((e) => e.pointer).sort(), ['/values/days/0/what', '/values/limit/high', '/values/limit/low']);
  await api.patch(PLACE, { limit: { mode: 'heat' }, pin: { set: true } });
  assert.deepEqual(await api.value(PLACE, 'limit'), { low: 5, mode: 'heat' });
  const { version } = await api.call('POST', '/batch', [{ op: 'patch', path: PLACE, values: { limit: { low: 6 }, pin: 'hunter22-other' } }]);
  const { changes } = await api.get(`/versions/${version}`);
  assert.deepEqual(changes[0].properties, [{ name: 'limit', old: { low: 5, mode: 'heat' }, new: { low: 6, mode: 'heat' } }, { name: 'pin', old: { set: true }, new: { set: true } }]);
  const { text } = await api.send('GET', '/config');
  assert.match(text, /"secret": "\/Drivers\/Hall\/pin"/);
  await api.post('/config', JSON.parse(text));
  assert.equal((await api.send('GET', '/config')).text, text);
  const answers = [text, ...await Promise.all(['/audit?limit=20', '/versions?limit=20', `/versions/${version}`, '/search?q=hunter22'].map(async (path) => (await api.send('GET', path)).text))];
  await station.restart();
  api = station.api;
  assert.deepEqual(await api.value(PLACE, 'pin'), { set: true });
  for (const name of readdirSync(station.dir).filter((file) => file.startsWith('station.db'))) answers.push(readFileSync(join(station.dir, name), 'latin1'));
  for (const answer of answers) assert.ok(!answer.includes('hunter22-'));
  await api.call('PATCH', `/components${PLACE}`, { slots: { limit: null, days: null, pin: null } });
});

/* Definitions, good and bad. What is good follows from the same rules as the answer's: see station/type/slot_detail.c. */
const kinds = ['boolean', 'integer', 'real', 'string', 'enum', 'abstime', 'reltime', 'ord', 'statusBoolean', 'statusNumeric', 'statusEnum', 'statusString', 'list', 'secret', 'struct'];
const range = fc.oneof(fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { minLength: 1, maxLength: 4 }), fc.constantFrom([], ['a', 'a'], [1], 'a'));
const facets = fc.record({
  units: fc.oneof(fc.constantFrom('°C', 'kW', ''), fc.integer()), precision: fc.integer({ min: -1, max: 11 }), min: fc.integer({ min: -9, max: 4 }), max: fc.integer({ min: 3, max: 20 }),
  trueText: fc.string({ maxLength: 70 }), multiLine: fc.oneof(fc.boolean(), fc.constant(1)), maxLength: fc.integer({ min: 0, max: 20000 }), range, form: fc.constant('x'),
}, { requiredKeys: [] });
const members = fc.array(fc.record({ name: fc.constantFrom('a', 'b', '1x'), kind: fc.constantFrom('real', 'string', 'enum', 'list', 'struct', 'secret'), facets }, { requiredKeys: ['name', 'kind'] }), { maxLength: 3 });
const definition = fc.record({
  kind: fc.constantFrom(...kinds), element: fc.constantFrom('integer', 'string', 'enum', 'struct'), facets, members, displayName: fc.string({ maxLength: 210 }), doc: fc.string({ maxLength: 510 }),
  flags: fc.uniqueArray(fc.constantFrom('readonly', 'transient', 'hidden', 'summary', 'operator', 'confirmRequired', 'x'), { maxLength: 3 }),
}, { requiredKeys: [] });
const names = fc.constantFrom('a', 'b', 'c', 'in1', 'slots', '1x', 'x y', 'd$20e');
const patch = fc.dictionary(names, fc.oneof({ weight: 6, arbitrary: definition }, { weight: 1, arbitrary: fc.constantFrom(null, 3, [], 'x') }), { minKeys: 1, maxKeys: 3 });

test('any patch of slots is refused whole at its places, or reads back, goes out and comes in', async () => {
  await fc.assert(fc.asyncProperty(patch, async (wanted) => {
    const old = await slots();
    const { status, body } = await send({ slots: wanted });
    const now = await slots();
    if (status === 422) {
      assert.deepEqual(now, old);
      for (const { pointer } of body.errors) assert.match(pointer, /^\/(slots|values)\//);
      return;
    }
    assert.equal(status, 200, JSON.stringify(body));
    for (const [name, entry] of Object.entries(wanted)) {
      if (entry === null) assert.equal(now[name], undefined);
      else for (const [member, value] of Object.entries(entry)) {
        if (member === 'facets') for (const [facet, given] of Object.entries(value)) assert.ok(facet === 'range' || given === '' || given === 0 || given === false || JSON.stringify(now[name].facets[facet]) === JSON.stringify(given), facet);
        else if (member === 'flags') assert.deepEqual([...now[name].flags].sort(), [...value].sort());
        else if (member === 'members') assert.deepEqual(now[name].members.map((row) => [row.name, row.kind]), value.map((row) => [row.name, row.kind]));
        else if (!['displayName', 'doc'].includes(member) || value) assert.deepEqual(now[name][member], value, member);
      }
    }
  }), { numRuns: 150 });
  const { text } = await api.send('GET', '/config');
  const without = JSON.parse(text);
  delete without.root.children.find((c) => c.name === 'Drivers').children.find((c) => c.name === 'Hall').values;
  await api.post('/config', without);
  assert.deepEqual(await slots(), {});
  await api.post('/config', JSON.parse(text));
  assert.equal((await api.send('GET', '/config')).text, text);
});
