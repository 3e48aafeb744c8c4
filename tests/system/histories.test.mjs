// SPDX-License-Identifier: Apache-2.0
// modes: release asan
//
// Histories as a program meets them over REST: at each change and at an interval, as JSON, as CSV and in buckets, up to their
// capacity, and after kill -9: what was read once is there again, and only the last moment may be missing.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Station } from '../support/station.mjs';
import { eventually } from '../support/wait.mjs';

let station, api;

before(async () => {
  station = await Station.start();
  api = station.api;
});
after(() => station?.stop());

const EXT = { numeric: 'history:NumericCovHistoryExt', boolean: 'history:BooleanCovHistoryExt', enum: 'history:EnumCovHistoryExt' };
async function point(name, type, ext, values = {}, config = {}) {
  await api.add('', name, type, values);
  await api.add(`/${name}`, 'History', ext, { ...(ext.includes('Cov') ? { minimumInterval: 0 } : {}), ...config });
}
const samples = async (name) => (await api.get(`/histories/${name}`)).items;
const settled = (name, accept) => eventually(`the history ${name}`, async () => { const items = await samples(name); return accept(items) && items; });

test('what was read once survives kill -9, and recording goes on', async () => {
  await point('Killed', 'control:NumericWritable', EXT.numeric);
  for (let i = 1; i <= 60; i++) await api.invoke('/Killed', 'set', i);
  const read = await settled('Killed', (items) => items.length >= 30);
  for (let i = 61; i <= 90; i++) await api.invoke('/Killed', 'set', i);
  await station.kill();
  await station.launch();
  api = station.api;
  await api.invoke('/Killed', 'set', 1000);
  const all = await settled('Killed', (items) => items.at(-1)?.value === 1000);
  const [, restart] = all.flatMap(({ trendFlags }, i) => (trendFlags.includes('start') ? [i] : []));
  assert.deepEqual(all.slice(0, read.length), read);
  assert.deepEqual(all.slice(0, restart).map(({ value }) => value), Array.from({ length: restart }, (_, i) => i)); // from the fallback, 0, on; none twice, none left out
  assert.deepEqual(all.slice(restart).map(({ value }) => value), [90, 1000]); // 90 was commanded, so it was on disk
  assert.ok(all.every(({ trendFlags }) => !trendFlags.includes('outOfOrder')));
});

test('JSON, CSV and buckets tell the same', async () => {
  await point('Room', 'control:NumericWritable', EXT.numeric, { facets: { units: '°C' } });
  for (const value of [20, 21.5, 19, 23.25]) await api.invoke('/Room', 'set', value);
  const items = await settled('Room', (all) => all.length === 5);
  const { headers, text } = await api.send('GET', '/histories/Room?format=csv');
  assert.match(headers['content-type'], /^text\/csv/);
  const [head, ...lines] = text.trimEnd().split('\r\n');
  assert.equal(head, 'timestamp,value,status,trendFlags');
  assert.deepEqual(lines.map((line) => line.split(',').slice(0, 3)), items.map(({ timestamp, value, status }) => [timestamp, `${value}`, `"${status}"`]));
  const buckets = (await api.get('/histories/Room?rollup=P1Y&timeZone=UTC')).items;
  assert.equal(buckets.reduce((n, { count }) => n + count, 0), 5);
  assert.deepEqual([buckets[0].min, Math.max(...buckets.map(({ max }) => max)), buckets[0].first, buckets.at(-1).last], [0, 23.25, 0, 23.25]);
  const page = await api.get('/histories/Room?limit=2');
  const rest = await api.get(`/histories/Room?limit=10&cursor=${page.next}`);
  assert.deepEqual([...page.items, ...rest.items], items);
  const span = await api.get(`/histories/Room?start=${items[1].timestamp}&end=${items[3].timestamp}`);
  assert.deepEqual(span.items, items.slice(1, 3));
  const { units, source, valueKind = 'numeric' } = (await api.get('/histories')).items.find(({ id }) => id === 'Room');
  assert.deepEqual([units, source, valueKind], ['°C', 'station:|slot:/Room', 'numeric']);
  for (const query of ['rollup=1x', 'start=yesterday', 'cursor=x', 'format=xml', 'timeZone=Moon', 'limit=0'])
    assert.ok([400, 422].includes((await api.send('GET', `/histories/Room?${query}`)).status), query);
});

test('states and switches keep their names', async () => {
  await point('Mode', 'control:EnumWritable', EXT.enum, { facets: { range: [{ ordinal: 0, tag: 'off' }, { ordinal: 5, tag: 'heat' }] } });
  await point('Fan', 'control:BooleanWritable', EXT.boolean);
  await api.invoke('/Mode', 'set', 'heat');
  await api.invoke('/Fan', 'set', true);
  assert.deepEqual((await settled('Mode', (items) => items.length === 2)).map(({ value }) => value), ['off', 'heat']);
  assert.deepEqual((await settled('Fan', (items) => items.length === 2)).map(({ value }) => value), [false, true]);
  assert.match((await api.send('GET', '/histories/Mode?format=csv')).text, /,"heat",/);
  const [bucket] = (await api.get('/histories/Fan?rollup=P1D')).items.slice(-1);
  assert.ok(bucket.timeOn > 0);
});

test('at an interval, on its whole multiples', async () => {
  await point('Clock', 'control:NumericWritable', 'history:NumericIntervalHistoryExt', {}, { interval: '1s' });
  const items = await settled('Clock', (all) => all.length >= 2);
  for (const { timestamp } of items) assert.match(timestamp, /\.000000Z$/);
});

test('a full history rolls, or stops and says so until there is room', async () => {
  await point('Full', 'control:NumericWritable', EXT.numeric, {}, { historyConfig: { capacity: 5, fullPolicy: 'stop' } });
  const shown = async () => (await api.component('/Full/History')).values;
  for (let i = 1; i <= 8; i++) await api.invoke('/Full', 'set', i);
  await settled('Full', (items) => items.length === 5);
  assert.match((await shown()).faultCause, /full/);
  assert.equal((await shown()).status, '{fault}');
  await api.patch('/Full/History', { historyConfig: { capacity: 7 } });
  assert.equal((await shown()).historyConfig.fullPolicy, 'stop');
  await api.invoke('/Full', 'set', 9);
  assert.deepEqual((await settled('Full', (items) => items.at(-1).value === 9)).map(({ value }) => value), [0, 1, 2, 3, 4, 9]);
  await api.patch('/Full/History', { historyConfig: { fullPolicy: 'roll' } });
  for (let i = 10; i <= 30; i++) await api.invoke('/Full', 'set', i);
  const rolled = await settled('Full', (items) => items.at(-1).value === 30 && items.length <= 7 + 1);
  assert.ok(rolled.length >= 7);
  assert.equal((await shown()).status, '{ok}');
});
