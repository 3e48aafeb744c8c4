// SPDX-License-Identifier: Apache-2.0
// modes: release asan
//
// A subtree of the demo building with its alarm extensions and links is removed, the station is killed, and undo brings
// everything back: handles, configuration, order, display names, links from inside and outside; its histories go on.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Station } from '../support/station.mjs';
import { eventually } from '../support/wait.mjs';

const TOP = '/Drivers/DemoNetwork';
let station, api;

before(async () => {
  station = await Station.start({ demo: true });
  api = station.api;
});
after(() => station?.stop());

/** What is configuration: no live value, no status, no revision. */
async function configuration() {
  const { items: types } = await api.get('/types');
  const live = new Map(types.map(({ name, slots }) => [name, new Set(slots.filter(({ flags = [] }) => flags.includes('transient') || flags.includes('readonly')).map((slot) => slot.name))]));
  const links = [], carried = new Set();
  const take = (c) => {
    return {
      path: c.path, handle: c.handle, type: c.type, displayName: c.displayName,
      values: Object.fromEntries(Object.entries(c.values ?? {}).filter(([name]) => !live.get(c.type).has(name) && !carried.has(`${c.path}.${name}`))),
      children: c.children.map(take),
    };
  };
  const top = await api.get(`/components${TOP}?depth=16`);
  const visit = async (c) => {
    for (const link of (await api.get(`/components${c.path}/links`)).items) {
      links.push({ path: c.path, ...link });
      carried.add(`${c.path}.${link.targetSlot}`); /* lives */
    }
    for (const child of c.children) await visit(child);
  };
  await visit(top);
  await visit(await api.component('/Watch'));
  return { ...take(top), links };
}

test('a removed subtree comes back with alarm extensions, links and handles', async () => {
  await api.add('', 'Watch', 'control:NumericWritable');
  const { children } = await api.component(TOP);
  const point = (await api.get(`/components${TOP}?depth=16`)).children.flatMap((device) => device.children ?? [])
    .find(({ type }) => type.startsWith('control:Numeric'));
  await api.link(point.path, 'out', '/Watch', 'in5');
  await api.patch(point.path, {}, { displayName: 'Wärme' });
  await api.post('/batch', [{ op: 'reorder', path: TOP, order: children.map(({ name }) => name).reverse() }]);
  const before = await configuration();
  assert.match(JSON.stringify(before), /alarm:OutOfRangeAlarmExt/);
  assert.match(JSON.stringify(before), /history:NumericIntervalHistoryExt/);
  assert.ok(before.links.some(({ path }) => path === '/Watch'));

  const samples = async () => (await api.get('/histories/Boiler_FlowTemperature')).items;
  const [first] = await eventually('a sample is on disk', async () => { // a kill may take the last second
    const items = await samples();
    return items.length > 0 && Date.parse(items[0].timestamp) < Date.now() - 2000 && items;
  });

  await api.delete(`/components${TOP}`);
  assert.equal((await api.get('/components/Watch/links')).items.length, 0);
  await station.kill();
  station.command = station.command.filter((word) => word !== '--demo'); // or it would make a new building
  await station.launch();
  api = station.api;
  const { summary, version } = await api.post('/undo', { reason: 'That was the wrong one.' });
  assert.match(summary, /^Undone: Removed \/Drivers\/DemoNetwork \(\d+ components\); removed a link into \/Watch\.$/);
  assert.deepEqual(await configuration(), before);
  assert.deepEqual((await samples())[0], first);
  assert.equal((await api.get('/histories')).items.find(({ id }) => id === 'Boiler_FlowTemperature').live, true);
  const { items } = await api.get('/audit?limit=1');
  assert.equal(items[0].operation, 'undone');
  assert.equal((await api.get(`/versions/${version}`)).reason, 'That was the wrong one.');
  await api.post('/redo');
  assert.equal((await api.send('GET', `/components${TOP}`)).status, 404);
  await api.post('/undo');
  assert.deepEqual(await configuration(), before);
});
