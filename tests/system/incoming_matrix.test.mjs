// SPDX-License-Identifier: Apache-2.0
// timeout: 240
// Every way into Debian's Dovecot: IMAP and POP3, without encryption, by STARTTLS and TLS, TLS 1.2 and 1.3, every login:
// passwords, tokens of a real authorization server, none. What the server offers works, and by no other mechanism than was
// asked for; what it does not offer has its sentence. An account a case, at once.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Identity } from '../support/identity.mjs';
import { MailStore } from '../support/mailstore.mjs';
import { Pki } from '../support/pki.mjs';
import { CLEAR, IMPLICIT, STARTTLS, basic, noAuth } from '../support/plant.mjs';
import { SLOWNESS, Station } from '../support/station.mjs';
import { PATIENCE, eventually } from '../support/wait.mjs';

const SERVICE = '/Services/EmailService';
const MODES = { none: { ...CLEAR, allowClearTextCredentials: true }, STARTTLS, TLS: IMPLICIT };
const PASSWORDS = { plain: 'PLAIN', login: 'LOGIN', cramMd5: 'CRAM-MD5', scramSha256: 'SCRAM-SHA-256', auto: 'SCRAM-SHA-256' };
const TOKENS = { xoauth2: 'XOAUTH2', oauthbearer: 'OAUTHBEARER' };
const METHODS = { ...PASSWORDS, ...TOKENS };

const ways = ['imap', 'pop3'].flatMap((protocol) => Object.keys(MODES).flatMap((mode) => (mode === 'none' ? [''] : ['1.2', '1.3'])
  .map((version) => ({ protocol, mode, version, server: version === '1.2' ? 'older' : 'newer' }))));
const works = ways.flatMap((way) => Object.keys(METHODS).map((mechanism) => ({ ...way, mechanism })));
/* The poor server offers DIGEST-MD5, which the station does not know; by POP3 it then tries USER and PASS, which the server
 * has in its list and refuses. */
const anything = { imap: /offers the login mechanisms DIGEST-MD5, but not SCRAM-SHA-256, PLAIN, LOGIN or CRAM-MD5/, pop3: /refused the login of/ };
const fails = ways.filter(({ version }) => version !== '1.2').flatMap((way) => Object.keys(METHODS).map((mechanism) => ({
  ...way, server: 'poor', mechanism, words: mechanism === 'auto' ? anything[way.protocol] : new RegExp(`offers the login mechanisms DIGEST-MD5, but not ${METHODS[mechanism]}`),
})));

const pki = new Pki();
const servers = {};
let identity, station, api, shown;

const login = ({ name, mechanism }) => (mechanism in TOKENS ? identity.login(mechanism) : { ...basic(name.toLowerCase()), mechanism });
const settings = ({ server, protocol, mode }, emailAuthenticator) => ({
  hostname: '127.0.0.1', port: servers[server][`${protocol}${mode === 'TLS' ? 's' : ''}`], store: protocol === 'imap' ? 'Imap' : 'Pop3',
  ...MODES[mode], pollrate: '1h', idle: false, debug: true, connectionTimeout: '60s', emailAuthenticator,
});

before(async () => {
  const certificate = pki.server('served');
  identity = await Identity.start(pki.server('identity'));
  const options = { mechanisms: 'plain login cram-md5 scram-sha-256', publicKey: identity.publicKey };
  [servers.newer, servers.older, servers.poor, station] = await Promise.all([
    MailStore.start(certificate, options), MailStore.start(certificate, { ...options, maxTls: 'TLSv1.2' }),
    MailStore.start(certificate, { mechanisms: 'digest-md5' }), Station.start(),
  ]);
  api = station.api;
  await api.post('/certificates/user', { pem: pki.root.pem });
  const all = [...works, ...fails];
  all.forEach((c, i) => { c.name = `Account${i}`; });
  for (const store of [servers.newer, servers.older]) store.deliver('alice');
  for (const { server, name, mechanism } of works) if (mechanism in PASSWORDS) servers[server].deliver(name.toLowerCase());
  await api.post('/batch', all.map((c) => ({ op: 'add', path: SERVICE, name: c.name, type: 'email:IncomingAccount', values: settings(c, login(c)) })));
});
after(async () => {
  for (const server of Object.values(servers)) server?.stop();
  identity?.stop();
  await station?.stop();
});

/** What all accounts show, asked for once by all who wait. */
const overview = () => (shown ??= api.get(`/components${SERVICE}?depth=1`).finally(() => setTimeout(() => { shown = undefined; }, 200)));
const values = async ({ name }) => (await overview()).children.find((child) => child.name === name).values;
const until = (c, what, accept) => eventually(async () => `${what}: ${JSON.stringify(await values(c))}`, async () => accept(await values(c)), { seconds: 3 * PATIENCE * SLOWNESS, every: 200 });

test('every login, over every kind of connection', { concurrency: 200 }, async (t) => {
  await Promise.all(works.map((c) => t.test(`${c.protocol} ${c.mode} ${c.version} ${c.mechanism}`, async () => {
    await until(c, 'the mail is read', ({ numberReceived, status }) => numberReceived === 1 && status === '{ok}');
    const { items } = await api.get(`/mail/transcript?account=${c.name}`);
    const said = items.map(({ text }) => text);
    assert.ok(said.some((text) => (c.version ? text.startsWith(`TLS${c.version}`) : text.startsWith('connected to'))), said.join('\n'));
    if (!c.version) assert.ok(!said.some((text) => text.startsWith('TLS')), said.join('\n'));
    assert.ok(said.some((text) => new RegExp(`\\bAUTH(ENTICATE)? ${METHODS[c.mechanism]}\\b`).test(text)), said.join('\n'));
  })));
});

test('what cannot work says why', { concurrency: 200 }, async (t) => {
  await Promise.all(fails.map((c) => t.test(`${c.protocol} ${c.mode} ${c.version} ${c.mechanism}${c.server === 'poor' ? ', not offered' : ''}`, async () => {
    await until(c, `words like ${c.words}`, ({ status, lastPollFailureCause }) => /down/.test(status) && c.words.test(lastPollFailureCause));
  })));
});

test('without a login a mailbox is not even saved', async () => {
  for (const way of ways) {
    const answer = await api.send('POST', `/components${SERVICE}/children`, { name: 'Open', type: 'email:IncomingAccount', values: settings(way, noAuth()) });
    assert.equal(answer.status, 422, answer.text);
    assert.deepEqual(answer.body.errors.map(({ pointer }) => pointer), ['/values/emailAuthenticator']);
    assert.match(answer.body.detail, /A mailbox is read with a login/);
  }
});

test('no token and no password can be read anywhere', async () => {
  const texts = [(await api.send('GET', `/components${SERVICE}?depth=3`)).text, station.stderr, station.stdout];
  for (const { name } of works) texts.push((await api.send('GET', `/mail/transcript?account=${name}`)).text);
  const secrets = [...identity.tokens, 'secret1', Buffer.from('secret1').toString('base64'), ...works.map(({ name }) => Buffer.from(`\0${name.toLowerCase()}\0secret1`).toString('base64'))];
  for (const secret of secrets) assert.ok(!texts.some((text) => text.includes(secret)), `${secret} can be read`);
  assert.ok(identity.tokens.length >= works.length * 2 / 7);
});
