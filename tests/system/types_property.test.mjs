// SPDX-License-Identifier: Apache-2.0
// modes: release asan
//
// An independent description: for every type in GET /types, values made at random from its table, right and wrong ones mixed,
// go through REST. What is right reads back as it was sent; what is wrong is named, each at its place, and then nothing of
// the request was applied; and whatever is sent, no answer is 5xx. The values are the same in each run; SEED=n takes others, and
// SEED=random ever new ones.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { PASSWORD, Station } from '../support/station.mjs';

const SEED = process.env.SEED === 'random' ? Date.now() % 2 ** 31 : Number(process.env.SEED ?? 1), RUNS = Number(process.env.RUNS ?? 8);

/** Runs a property; a failure tells what went wrong first, then how to see it again. */
async function property(arbitrary, run, runs = RUNS) {
  const outcome = await fc.check(fc.asyncProperty(arbitrary, run), { seed: SEED, numRuns: runs, endOnFailure: true });
  if (outcome.failed) throw new Error(`${outcome.errorInstance?.message ?? outcome.error}\nSEED=${SEED} shows it again`, { cause: outcome.errorInstance });
}

let station, api, types;
/** A component of each type that can be made. @type {Map<string, string>} */
const subjects = new Map();

before(async () => {
  station = await Station.start();
  api = station.api;
  types = (await api.get('/types')).items;
  await makeSubjects();
});
after(() => station?.stop());

/** One of each type, wherever one may stand; what was made may hold the next. */
async function makeSubjects() {
  await api.add('', 'Plant', 'baja:Folder');
  const places = ['/Plant', '/Drivers', '/Services/AlarmService', '/Services/EmailService', '/Services/UserService', '/Services/ScheduleService', '/Services/CategoryService'];
  const open = new Set(types.filter((type) => !type.abstract).map((type) => type.name));
  const walk = (component) => {
    if (open.has(component.type) && component.type !== 'baja:User') { subjects.set(component.type, component.path); open.delete(component.type); }
    (component.children ?? []).forEach(walk);
  };
  walk(await api.get('/components?depth=6'));
  for (let progress = true; progress;) {
    progress = false;
    for (const name of [...open]) {
      for (const place of places) {
        const child = `T${name.replace(/\W/g, '')}`;
        const values = name === 'baja:User' ? { password: PASSWORD } : {};
        const answer = await api.send('POST', `/components${place}/children`, { name: child, type: name, values });
        assert.ok(answer.status < 500, `${name} below ${place}: ${answer.text}`);
        if (answer.status !== 201) continue;
        subjects.set(name, `${place}/${child}`);
        places.push(`${place}/${child}`);
        open.delete(name);
        progress = true;
        break;
      }
    }
  }
}

/** Types of which REST makes none in a station without their hardware. */
const NOT_MADE = [];

const words = fc.oneof(fc.string({ maxLength: 20 }), fc.string({ unit: 'grapheme', maxLength: 12 }), fc.constantFrom('', ' ', 'Größe ✓', '{ok}', '%', '../..', '\\u0000', '${x}', "'; DROP TABLE slot; --"));
const PLAIN = { statusBoolean: 'boolean', statusNumeric: 'real', statusEnum: 'enum', statusString: 'string' };
const bounded = ({ min, max }) => ({ min: Math.max(min ?? -1e9, -1e15), max: Math.min(max ?? 1e9, 1e15) });

/** Strings that have a form. */
const FORMS = {
  timeOfDay: fc.tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 })).map((parts) => parts.map((n) => String(n).padStart(2, '0')).join(':')),
  datePattern: fc.constantFrom('', '2026-12-24', '*-12-24', '*-*-last', '2028-02-29'),
  hostName: fc.oneof(fc.stringMatching(/^[a-z][a-z0-9-]{0,30}[a-z0-9]$/).map((label) => `${label}.invalid`), fc.constantFrom('', '127.0.0.1', '::1', 'münchen.invalid')), /* accounts go there */
  webAddress: fc.constantFrom('', 'https://station.invalid:8443', 'https://127.0.0.1/behind/'),
  mailAddress: fc.oneof(fc.stringMatching(/^[a-z][a-z0-9.+_-]{0,20}$/).map((local) => `${local}@mail.invalid`), fc.constant('')),
};
/** Strings of which no form is. */
const NO_FORM = {
  timeOfDay: fc.constantFrom('noon', '24:01', '8:30'),
  datePattern: fc.constantFrom('2026-02-30', '24.12.'),
  hostName: fc.constantFrom('https://mail.example', 'two words', 'a@b', 'mail\r\nQUIT'),
  webAddress: fc.constantFrom('station.invalid', 'http://station.invalid', 'https://', 'https://station.invalid/#x', 'https://a b'),
  mailAddress: fc.constantFrom('anna', '@example.com', 'a b@example.com', 'a@b\r\nRCPT TO:<x@y>'),
};
/** Strings whose type checks them by a rule that no facet tells. */
const ENDPOINT = fc.constantFrom('', 'https://login.invalid/tenant');
const RULES = { authServerMetadataEndpoint: ENDPOINT, timeZone: fc.constantFrom('', 'Europe/Berlin', 'America/New_York'), httpsCert: fc.constant('default') };
const FORMATS = fc.constantFrom('', 'plain', '100 %%', 'Größe ✓'); // which names there are differs from type to type

/** Values that the table allows. */
function right(slot) {
  const { facets } = slot, { min, max } = bounded(facets);
  switch (slot.kind) {
    case 'boolean': return fc.boolean();
    case 'integer': return fc.integer({ min: Math.ceil(Math.max(min, -(2 ** 31))), max: Math.floor(Math.min(max, 2 ** 31 - 1)) });
    case 'real': return fc.double({ min, max, noNaN: true, noDefaultInfinity: true }).map((x) => (Object.is(x, -0) ? 0 : x));
    case 'enum': return facets.range ? fc.constantFrom(...facets.range.map((tag) => tag.name)) : null;
    case 'string': return facets.format ? FORMATS : RULES[slot.name] && slot.kind === 'string' ? RULES[slot.name] : facets.form ? FORMS[facets.form] : fc.string({ unit: 'grapheme', maxLength: Math.min(facets.maxLength ?? 40, 40) }).filter((text) => !text.includes('\0') && [...text].length <= (facets.maxLength ?? 40) && Buffer.byteLength(text) <= (facets.maxLength ?? 16384));
    case 'reltime': return fc.integer({ min: Math.max(0, facets.min ?? 0), max: Math.min(facets.max ?? 1e15, 1e15) });
    case 'abstime': return fc.oneof(fc.constant(null), fc.integer({ min: 0, max: 4e9 }).map((s) => `${new Date(s * 1000).toISOString().slice(0, 19)}.000000Z`));
    case 'struct': {
      const members = Object.fromEntries(slot.members.map((member) => [member.name, right(member)]).filter(([, arbitrary]) => arbitrary));
      return fc.record(members, { requiredKeys: slot.members.filter((m) => m.flags.includes('required')).map((m) => m.name).filter((n) => members[n]) });
    }
    case 'status': return fc.constantFrom('{ok}', '{disabled,fault,down,stale}', '{alarm}', '{fault,overridden}');
    case 'list': {
      if (slot.element !== 'struct') return null;
      const item = right({ ...slot, kind: 'struct' });
      return fc.array(item, { maxLength: Math.min(facets.maxLength ?? 4, 4) });
    }
    default: {
      const plain = PLAIN[slot.kind] && right({ ...slot, kind: PLAIN[slot.kind] });
      return plain ? fc.record({ value: plain, status: fc.constantFrom('{ok}', '{null}', '{fault}', '{down,stale}') }) : null;
    }
  }
}

/** Values of which the table allows none. */
function wrong(slot) {
  const { facets } = slot, beyond = [];
  if (facets.max !== undefined) beyond.push(fc.constant(facets.max + 1e6));
  if (facets.min !== undefined) beyond.push(fc.constant(facets.min - 1e6));
  const junk = [fc.constant([]), fc.constant({ no: 'such' })];
  switch (slot.kind) {
    case 'boolean': return fc.oneof(fc.integer(), words, ...junk);
    case 'integer': return fc.oneof(fc.constantFrom(1.5, '7', true, 1e300), ...beyond, ...junk);
    case 'real': return fc.oneof(fc.constantFrom('x', true, '1e5'), ...(facets.min !== undefined || facets.max !== undefined ? beyond : []), ...junk);
    case 'enum': return fc.oneof(fc.constantFrom('no such tag', 1e6, true, null), ...junk);
    case 'string': case 'ord': return fc.oneof(fc.integer(), fc.boolean(), ...(facets.maxLength ? [fc.constant('x'.repeat(facets.maxLength + 1))] : []), ...(facets.form ? [NO_FORM[facets.form]] : []), ...junk);
    case 'reltime': return fc.oneof(fc.constantFrom('three parsecs', true, 1.5), ...junk);
    case 'abstime': return fc.oneof(fc.constantFrom('yesterday', true, '2026-13-77'), ...junk);
    case 'struct': return fc.oneof(fc.constant({ noSuchMember: 1 }), fc.constant([]), fc.integer(), words);
    case 'list': return fc.oneof(fc.integer(), words, fc.constant({}), fc.constant([7]), fc.constant([{ noSuchMember: 1 }]),
      ...(facets.maxLength ? [fc.constant(new Array(facets.maxLength + 1).fill({}))] : []));
    default: return PLAIN[slot.kind] ? fc.oneof(fc.constant({ value: [], status: '{ok}' }), fc.constant({ value: null, status: 'well' }), fc.constant([])) : null;
  }
}

/** Does what was read say what was sent? */
function same(slot, sent, read) {
  if (slot.kind === 'struct') return Object.entries(sent).every(([name, value]) => same(slot.members.find((m) => m.name === name), value, read[name]));
  if (slot.kind === 'list') return read.length === sent.length && sent.every((item, i) => same({ ...slot, kind: 'struct' }, item, read[i]));
  if (PLAIN[slot.kind]) return read.status === sent.status && same({ ...slot, kind: PLAIN[slot.kind] }, sent.value, read.value);
  return slot.kind === 'real' ? Number(read) === sent : read === sent;
}

const settable = (type) => type.slots.filter((slot) => !slot.flags.includes('readonly') && !['component', 'secret'].includes(slot.kind));

/** A patch: values for a few properties, right ones only or some wrong ones among them. */
function patches(type) {
  const slots = settable(type).map((slot) => ({ slot, good: right(slot), bad: wrong(slot) })).filter(({ good, bad }) => good || bad);
  const entry = ({ slot, good, bad }, honest) => {
    const choices = [];
    if (good) choices.push({ weight: 3, arbitrary: good.map((value) => ({ slot, value, bad: false })) });
    if (bad && !honest) choices.push({ weight: 2, arbitrary: bad.map((value) => ({ slot, value, bad: true })) });
    return fc.oneof(...choices);
  };
  const of = (list, honest, maxLength) => (list.length ? fc.subarray(list, { minLength: 1, maxLength: Math.min(maxLength, list.length) }).chain((some) => fc.tuple(...some.map((each) => entry(each, honest)))) : fc.constant([]));
  return fc.oneof(of(slots.filter(({ good }) => good), true, 4), of(slots, false, 6), of(slots, false, slots.length));
}

async function check(type, path, list) {
  const values = Object.fromEntries(list.map(({ slot, value }) => [slot.name, value]));
  const earlier = (await api.component(path)).values;
  const answer = await api.send('PATCH', `/components${path}`, { values });
  const what = `${type.name} ${JSON.stringify(values)}: ${answer.status} ${answer.text.slice(0, 600)}`;
  assert.ok([200, 409, 422].includes(answer.status), what);
  const later = (await api.component(path)).values;
  const bad = list.filter((entry) => entry.bad).map(({ slot }) => slot.name);
  if (answer.status === 200) {
    assert.deepEqual(bad, [], what);
    for (const { slot, value } of list) assert.ok(same(slot, value, later[slot.name]), `${slot.name} reads ${JSON.stringify(later[slot.name])}; ${what}`);
    return;
  }
  const named = new Set((answer.body.errors ?? []).map(({ pointer }) => pointer.split('/')[2]));
  for (const name of bad) assert.ok(named.has(name), `${name} is not named; ${what}`);
  for (const { name } of settable(type)) assert.deepEqual(later[name], earlier[name], `${name} was applied; ${what}`);
  const accused = [...named].filter((name) => name in values && !bad.includes(name));
  if (!bad.length || !accused.length) return;
  const rest = Object.fromEntries(list.filter((entry) => !entry.bad).map(({ slot, value }) => [slot.name, value]));
  const again = await api.send('PATCH', `/components${path}`, { values: rest });
  assert.notEqual(again.status, 200, `${accused} are right when alone; ${what}`);
}

/** Properties that a rule over several of them may refuse although the table allows the value. */
const RULED = new Set(['facets', 'deadband', 'highLimit', 'lowLimit', 'faultAlgorithm', 'minimumOutput', 'maximumOutput', 'useSsl', 'useStartTls',
  'to', 'cc', 'bcc', 'replyTo', 'effective', 'weeklySchedule', 'specialEvents', 'events', 'times', 'days', 'interval', 'patience', 'authentication']);

test('each property takes what its table allows, when it is set alone', async () => {
  const refused = [];
  for (const type of types.filter(({ name }) => subjects.has(name))) {
    const path = subjects.get(type.name), before = (await api.component(path)).values;
    for (const slot of settable(type).filter(({ name }) => !RULED.has(name))) {
      const numbers = fc.integer({ min: 0, max: 9 }).map((value) => (slot.kind === 'enum' ? value : { value, status: '{ok}' }));
      const [value] = fc.sample(right(slot) ?? numbers, { seed: SEED, numRuns: 1 });
      const answer = await api.send('PATCH', `/components${path}`, { values: { [slot.name]: value } });
      const later = (await api.component(path)).values[slot.name];
      const kept = slot.kind.endsWith('num') && typeof later === 'object' ? later.value === value.value : same(slot, value, later);
      if (answer.status !== 200 || !kept) refused.push(`${type.name}.${slot.name} = ${JSON.stringify(value)} reads ${JSON.stringify(later)}: ${answer.status} ${answer.text.slice(0, 300)}`);
      const back = await api.send('PATCH', `/components${path}`, { values: { [slot.name]: before[slot.name] } });
      if (back.status !== 200) refused.push(`${type.name}.${slot.name} back to ${JSON.stringify(before[slot.name])}: ${back.status} ${back.text.slice(0, 300)}`);
    }
  }
  assert.deepEqual(refused, [], `SEED=${SEED} shows it again`);
});

test('bounds belong to the range; what lies beyond and each wrong value alone is refused at its own place', async () => {
  const wrongly = [];
  for (const type of types.filter(({ name }) => subjects.has(name))) {
    const path = subjects.get(type.name);
    for (const slot of settable(type)) {
      const { min, max } = slot.facets, bounds = ['integer', 'real', 'reltime'].includes(slot.kind);
      const beyond = bounds ? [...(max === undefined ? [] : [max + 1]), ...(min === undefined ? [] : [min - 1])] : [];
      const inside = bounds && !RULED.has(slot.name) ? [max, min].filter((x) => x !== undefined) : [];
      const bad = wrong(slot) ? fc.sample(wrong(slot), { seed: SEED, numRuns: 2 }) : [];
      const before = (await api.component(path)).values;
      for (const value of [...beyond, ...bad]) {
        const answer = await api.send('PATCH', `/components${path}`, { values: { [slot.name]: value } });
        const pointers = (answer.body?.errors ?? []).map(({ pointer }) => pointer.split('/')[2]);
        if (answer.status !== 422 || pointers.some((name) => name !== slot.name)) wrongly.push(`${type.name}.${slot.name} = ${JSON.stringify(value)?.slice(0, 80)}: ${answer.status} ${answer.text.slice(0, 300)}`);
      }
      if (beyond.length || bad.length) assert.deepEqual((await api.component(path)).values[slot.name], before[slot.name], `${type.name}.${slot.name}`);
      for (const value of inside) {
        const answer = await api.send('PATCH', `/components${path}`, { values: { [slot.name]: value } });
        if (answer.status !== 200) wrongly.push(`${type.name}.${slot.name} = ${value}: ${answer.status} ${answer.text.slice(0, 300)}`);
      }
      if (inside.length) await api.patch(path, { [slot.name]: before[slot.name] });
    }
  }
  assert.deepEqual(wrongly, [], `SEED=${SEED} shows it again`);
});

test('what is set reads back, what is wrong is named, nothing is half applied', async (t) => {
  const missing = types.filter((type) => !type.abstract && !subjects.has(type.name)).map((type) => type.name);
  assert.deepEqual(missing, NOT_MADE, 'types that are not tested');
  for (const type of types.filter(({ name }) => subjects.has(name))) {
    await t.test(type.name, () => property(patches(type), (list) => check(type, subjects.get(type.name), list)));
  }
});

test('tags are merged; what is wrong is named and nothing is half applied', async () => {
  const path = subjects.get('baja:Folder'), read = async () => (await api.component(path)).tags;
  const value = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(true, null, 7, 1.5, 'Größe') }, fc.jsonValue({ maxDepth: 1 }));
  const name = fc.oneof({ weight: 3, arbitrary: fc.constantFrom('site', 'hs:area', 'dis', 'my:own', 'ä'.repeat(100), '€'.repeat(50), 'a/b', '') }, fc.string({ unit: 'grapheme', maxLength: 90 }));
  await property(fc.dictionary(name, value, { maxKeys: 4 }), async (tags) => {
    const earlier = await read(), answer = await api.send('PATCH', `/components${path}`, { tags });
    const later = await read(), what = `${JSON.stringify(tags)}: ${answer.status} ${answer.text.slice(0, 300)}`;
    assert.ok([200, 422].includes(answer.status) || (answer.status === 400 && /too big (negative )?integer/.test(answer.text)), what);
    const expected = { ...earlier };
    for (const [key, to] of Object.entries(tags)) expected[key.includes(':') ? key : `hs:${key}`] = to;
    for (const key of Object.keys(expected)) if (expected[key] === null) delete expected[key];
    assert.deepEqual(later, answer.status === 200 ? expected : earlier, what);
    if (answer.status === 422) assert.ok(answer.body.errors.length > 0, `nothing is named; ${what}`);
  }, 10 * RUNS);
});

test('tags that are patched at the same time are all kept', async () => {
  const path = subjects.get('baja:Folder'), names = Array.from({ length: 20 }, (_, i) => `many:t${i}`);
  await Promise.all(names.map((name, i) => api.call('PATCH', `/components${path}`, { tags: { [name]: i } })));
  const { tags } = await api.component(path);
  assert.deepEqual(names.filter((name) => !(name in tags)), []);
});

test('whatever is sent, no answer is 5xx', async () => {
  const paths = [...subjects.values()];
  const bodies = fc.oneof(fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.stringify(value)), fc.string({ maxLength: 200 }), fc.constantFrom('{"values":{"x":"\\ud800"}}', '{"values":', `${'['.repeat(5000)}`, '{"values":{"fallback":1e999}}', '\0', '{"values":{"a":1,"a":2}}'));
  await property(fc.tuple(fc.constantFrom(...paths), fc.constantFrom('PATCH /components$', 'POST /components$/children', 'POST /components$/links', 'POST /components$/move', 'POST /batch', 'POST /config?dryRun=true', 'POST /components$/reorder'), bodies), async ([path, call, body]) => {
    const [method, url] = call.replace('$', path).split(' ');
    const answer = await api.send(method, url, body);
    assert.ok(answer.status < 500, `${method} ${url} ${body.slice(0, 200)}: ${answer.status} ${answer.text.slice(0, 300)}`);
  }, 40 * RUNS);
});

/** Actions that speak to servers on the network, or name some that are not ours. */
const REACHES_OUT = new Set(['usePreset', 'authorize', 'diagnose', 'checkNow']);

test('actions take arguments of their table and survive all others', async () => {
  const calls = types.filter(({ name }) => subjects.has(name)).flatMap((type) => type.actions.filter(({ name }) => !REACHES_OUT.has(name)).map((action) => ({ type, action })));
  await property(fc.tuple(fc.constantFrom(...calls), fc.jsonValue({ maxDepth: 2 }), fc.integer()), async ([{ type, action }, junk, seed]) => {
    const good = action.arg && right(action.arg);
    const argument = good && seed % 2 ? fc.sample(good, { numRuns: 1, seed })[0] : junk;
    const answer = await api.send('POST', `/components${subjects.get(type.name)}/actions/${action.name}`, JSON.stringify(argument));
    assert.ok(answer.status < 500, `${type.name}.${action.name}(${JSON.stringify(argument)}): ${answer.status} ${answer.text.slice(0, 300)}`);
  }, 25 * RUNS);
});
