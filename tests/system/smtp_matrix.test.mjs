// SPDX-License-Identifier: Apache-2.0
// modes: release asan
// timeout: 300
// The ways in which a mail server misbehaves, each without encryption, with STARTTLS and with TLS. The expected end stands
// in the row; then the server is good again, and the next mail must arrive. One station, an account a case, all at the
// same time. The numbers are those of the catalogue of sixty. Two are said where the clock is the test's, or where only a
// server of ours in C can misbehave so, to the same client in the same three modes: 55 (nine minutes behind the dot) and 60
// (5 MB, more than a station ever mails), and 35 (floods inside TLS): tests/unit/smtp_session_test.c.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttps } from 'node:https';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { Pki } from '../support/pki.mjs';
import { CLEAR, IMPLICIT, STARTTLS, addresses, basic, noAuth } from '../support/plant.mjs';
import { blackHole } from '../support/ports.mjs';
import { SmtpServer } from '../support/smtp.mjs';
import { SLOWNESS, Station } from '../support/station.mjs';
import { PATIENCE, eventually } from '../support/wait.mjs';

const SECRET = 'Sesam-7391', TOKEN = 'token-5d1e9b';
const MANY = SLOWNESS > 1 ? 200 : 10000; // GnuTLS enlarges its list of names one by one, which AddressSanitizer makes slow
const MODES = { none: CLEAR, starttls: STARTTLS, tls: IMPLICIT };
const SERVER_TLS = { none: 'none', starttls: 'starttls', tls: 'implicit' };
const raw = (text) => Buffer.from(text, 'latin1');
const lines = (code, count) => Array.from({ length: count }, (_, i) => `${code}${i === count - 1 ? ' ' : '-'}X${i}`).join('\r\n');

/** Answers by verb; a function gets (line, session). */
const answers = (table) => (line, session) => {
  const verb = session.inData || session.saslStep ? undefined : line.split(/[ :]/, 1)[0].toUpperCase();
  const answer = table[verb];
  return typeof answer === 'function' ? answer(line, session) : answer;
};
const drip = (socket) => {
  const timer = setInterval(() => socket.destroyed || socket.write('2'), 200);
  socket.on('close', () => clearInterval(timer));
  return raw('');
};
const silence = (line, session) => { session.busy = true; return raw(''); };
const flood = (text) => (line, { stream }) => {
  const more = () => { while (!stream.destroyed && stream.write(text)); };
  stream.on('drain', more);
  setImmediate(more);
  return raw('');
};

const five = ['a', 'b', 'c', 'd', 'e'].map((name) => `${name}@mail.test`);
const late = 12000 * SLOWNESS; // later than the connectionTimeout of those rows
/** Answers late, and hears nothing meanwhile. */
const lateOk = (line, session) => {
  session.busy = true;
  session.message.to.push('bob@mail.test');
  setTimeout(() => { session.busy = false; session.write('250 2.1.5 Ok'); session.work(); }, late);
  return raw('');
};

/* reconnect: the connection still stands, with what the server offered then, and has to be made anew.
 * n: number in the matrix. to: one address, or a list. hole: nobody answers the SYN. token: logs in with one. good: options
 * of the server when it is good. taken: how many addresses the first mail had. say: answers by verb ('CONNECT': the greeting); server: options of the server.
 * end: down (the account, nothing decided for the mail), accepted, deferred, refused. stage and words: of the attempt.
 * modes: where it can happen. hidden: no byte of the login may have been sent, not even inside TLS. exempt: its key is
 * approved, which lets the mail go, and then changes. */
const ROWS = [
  { n: 1, what: 'refused connection', closed: true, end: 'down', stage: 'connect', words: /refused/, hidden: true },
  { n: 2, what: 'a SYN that nobody answers', hole: true, silent: true, end: 'down', stage: 'connect', words: /within \d+ s/, hidden: true },
  { n: 3, what: 'accepted, then silence', silent: true, server: { connection: () => {} }, end: 'down', stage: /connect|greeting/, words: /no greeting|handshake/, hidden: true },
  { n: 4, what: 'accepted, then reset', server: { connection: (socket) => socket.resetAndDestroy() }, end: 'down', stage: /connect|greeting/, words: /reset|closed|cut the connection/, hidden: true },
  { n: 5, what: 'a greeting that drips', silent: true, say: { CONNECT: (_, { stream }) => drip(stream) }, end: 'down', stage: 'greeting', words: /no greeting in time/, hidden: true },
  { n: 6, what: '554 as a greeting', say: { CONNECT: '554 5.3.2 go away' }, end: 'down', stage: 'greeting', words: /will not serve this station: 554 5\.3\.2 go away/, hidden: true },
  { n: 7, what: '421 as a greeting', say: { CONNECT: '421 4.3.2 later' }, end: 'down', stage: 'greeting', words: /takes no mail now: 421 4\.3\.2 later/, hidden: true },
  { n: 8, what: 'a greeting of a hundred lines', say: { CONNECT: lines(220, 100) }, end: 'accepted' },
  { n: 9, what: 'lines that end with LF alone', say: { CONNECT: raw('220 mail.test\n') }, end: 'accepted' },
  { n: 10, what: 'an endless line', say: { CONNECT: flood('x'.repeat(1000)) }, end: 'down', stage: 'greeting', words: /line of more than \d+ bytes/, hidden: true },
  { n: 11, what: 'NUL in a reply', say: { CONNECT: raw('220 mail\0test\r\n') }, end: 'down', stage: 'greeting', words: /no SMTP/, hidden: true },
  { n: 12, what: 'an answer of HTTP', say: { CONNECT: raw('HTTP/1.1 400 Bad Request\r\n\r\n') }, end: 'down', stage: 'greeting', words: /"HTTP\/1\.1 400 Bad Request", which is no SMTP/, hidden: true },
  { n: 13, what: 'TLS on the plain port', modes: 'none starttls', server: { connection: (socket) => socket.write(raw('\x15\x03\x01\x00\x02\x02\x0a\r\n')) }, end: 'down', stage: 'greeting', words: /answered with TLS where plain text/, hidden: true },
  { n: 14, what: 'plain text on the TLS port', modes: 'tls', server: { connection: (socket) => socket.write('220 mail.test ESMTP\r\n') }, end: 'down', stage: 'connect', words: /STARTTLS|TLS/, hidden: true },

  { n: 15, what: 'EHLO is unknown', say: { EHLO: '500 what?' }, end: 'down', stage: 'ehlo', words: /does not know EHLO/, hidden: true },
  { n: 15, what: 'EHLO is unknown, and neither TLS nor a login is wanted', modes: 'none', account: { emailAuthenticator: noAuth() }, say: { EHLO: '500 what?' }, end: 'accepted' },
  { n: 16, what: 'a thousand capabilities', say: { EHLO: (_, s) => `250-mail.test\r\n${lines(250, 1000).replaceAll('250 ', '250-')}\r\n${s.tls || s.server.options.tls === 'none' ? '' : '250-STARTTLS\r\n'}250 AUTH PLAIN` }, end: 'accepted' },
  { n: 17, what: 'a code of two digits', say: { EHLO: '25 mail.test' }, end: 'down', stage: 'ehlo', words: /"25 mail\.test", which is no SMTP/, hidden: true },
  { n: 17, what: 'a code of four digits', say: { EHLO: '2500 mail.test' }, end: 'down', stage: 'ehlo', words: /no SMTP/, hidden: true },
  { n: 17, what: 'a code of letters', say: { EHLO: 'abc mail.test' }, end: 'down', stage: 'ehlo', words: /no SMTP/, hidden: true },
  { n: 18, what: 'the code changes inside a reply', say: { EHLO: '250-mail.test\r\n550 no' }, end: 'down', stage: 'ehlo', words: /code 250 and then with 550/, hidden: true },
  { n: 19, what: 'a reply without end', say: { EHLO: flood('250-more\r\n') }, end: 'down', stage: 'ehlo', words: /more than 1100 lines/, hidden: true },
  { n: 20, what: 'another offer inside TLS', modes: 'starttls', say: { EHLO: (_, s) => (s.tls ? '250 mail.test' : undefined) }, end: 'down', stage: 'ehlo', words: /offers no login/, hidden: true },

  { n: 21, what: 'STARTTLS is not offered', modes: 'starttls', say: { EHLO: '250-mail.test\r\n250 AUTH PLAIN LOGIN' }, end: 'down', stage: 'ehlo', words: /does not offer STARTTLS/, hidden: true },
  { n: 22, what: 'STARTTLS is refused for now', modes: 'starttls', say: { STARTTLS: '454 4.7.0 no TLS now' }, end: 'down', stage: 'starttls', words: /refused STARTTLS.*454 4\.7\.0/, hidden: true },
  { n: 23, what: 'clear text behind 220', modes: 'starttls', server: { inject: '250 AUTH PLAIN LOGIN\r\n235 2.7.0 ok\r\n' }, end: 'down', stage: 'starttls', words: /injected/, hidden: true },
  { n: 24, what: '220, then rubbish', modes: 'starttls', say: { STARTTLS: (_, s) => { s.feed = () => { s.stream.write('no TLS at all, but rubbish\r\n'); }; return '220 go'; } }, end: 'down', stage: 'starttls', words: /TLS/, hidden: true },
  { n: 25, what: '220, then silence', silent: true, modes: 'starttls', say: { STARTTLS: (_, s) => { s.feed = () => {}; return '220 go'; } }, end: 'down', stage: 'starttls', words: /handshake .* not done within/, hidden: true },
  { n: 26, what: 'TLS 1.1 at most', modes: 'starttls tls', server: { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }, end: 'down', stage: /connect|starttls/, words: /TLS 1\.2/, hidden: true },
  { n: 27, what: 'a certificate of another name', modes: 'starttls tls', certificate: 'other', end: 'down', stage: /connect|starttls/, words: /made out to other\.example/, hidden: true },
  { n: 28, what: 'an expired certificate', modes: 'starttls tls', certificate: 'expired', end: 'down', stage: /connect|starttls/, words: /expired on/, hidden: true },
  { n: 29, what: 'a certificate that is not valid yet', modes: 'starttls tls', certificate: 'future', end: 'down', stage: /connect|starttls/, words: /valid only from/, hidden: true },
  { n: 30, what: 'a certificate of an unknown CA', modes: 'starttls tls', certificate: 'self', end: 'down', stage: /connect|starttls/, words: /self-signed/, hidden: true },
  { n: 31, what: 'an exempted key, then (32) another one', modes: 'starttls tls', certificate: 'self', end: 'down', stage: /connect|starttls/, words: /self-signed/, exempt: true },
  { n: 33, what: 'a certificate of 1 MB', modes: 'starttls tls', certificate: 'huge', end: 'down', stage: /connect|starttls/, words: /larger than what is taken/, hidden: true },
  { n: 33, what: 'a chain of a hundred', modes: 'starttls tls', certificate: 'deep', end: 'down', stage: /connect|starttls/, words: /came with 101 certificates/, hidden: true },
  { n: 33, what: 'a certificate of ten thousand names', modes: 'starttls tls', certificate: 'many', end: 'down', stage: /connect|starttls/, words: /made out to h0\.t, h1\.t, h2\.t and many more/, hidden: true },
  { n: 34, what: 'cut without a goodbye', say: { MAIL: (_, s) => { s.raw.destroy(); return raw(''); } }, end: 'down', stage: 'mail', words: /closed|reset|cut|end of the connection|without close_notify|prematurely/ },

  { n: 36, what: 'AUTH is not offered', server: { auth: '' }, end: 'down', stage: 'ehlo', words: /offers no login \(AUTH\), so no mail was sent/, hidden: true },
  { n: 37, what: 'CRAM-MD5 alone', server: { auth: 'CRAM-MD5' }, end: 'accepted' },
  { n: 38, what: 'endless 334', say: { AUTH: (_, s) => { s.saslStep = () => s.write('334 bW9yZQ=='); return '334 bW9yZQ=='; } }, end: 'down', stage: 'auth', words: /asks for more during the login/ },
  { n: 39, what: '535', say: { AUTH: '535 5.7.8 wrong' }, end: 'down', stage: 'auth', words: /refused the login of "alice": 535 5\.7\.8 wrong/ },
  { n: 40, what: '454 to AUTH', say: { AUTH: '454 4.7.0 later' }, end: 'down', stage: 'auth', words: /cannot check the login now of "alice": 454/ },
  { n: 41, what: '235 before the login was sent', server: { auth: 'LOGIN' }, say: { AUTH: '235 2.7.0 come in' }, end: 'down', stage: 'auth', words: /accepted the login before it was sent/, hidden: true },
  { n: 42, what: '421 to AUTH', say: { AUTH: '421 4.7.0 bye' }, end: 'down', stage: 'auth', words: /421 4\.7\.0 bye/ },

  { n: 43, what: "the JSON of XOAUTH2's refusal", token: true, server: { auth: 'XOAUTH2' }, good: { auth: 'XOAUTH2' }, say: { AUTH: (_, s) => { s.saslStep = () => s.write('535 5.7.8 not accepted'); return '334 eyJzdGF0dXMiOiI0MDEifQ=='; } }, end: 'down', stage: 'auth', words: /refused .*535 5\.7\.8 not accepted/ },

  { n: 44, what: '452 to MAIL', say: { MAIL: '452 4.3.1 full' }, end: 'deferred', stage: 'mail', words: /full/ },
  { n: 45, what: '552 to MAIL', say: { MAIL: '552 5.3.4 too big' }, end: 'refused', stage: 'mail', words: /too big/ },
  { n: 45, what: 'larger than SIZE', server: { capabilities: ['SIZE 50'] }, end: 'refused', stage: 'mail', words: /takes at most 50/, reconnect: true },
  { n: 46, what: '550 to one of five', to: five, server: { recipients: { 'c@mail.test': '550 5.1.1 nobody' } }, end: 'partial', stage: 'rcpt', words: /nobody/, taken: 4 },
  { n: 47, what: '550 to RCPT', say: { RCPT: '550 5.1.1 nobody' }, end: 'refused', stage: 'rcpt', words: /nobody/ },
  { n: 48, what: '450 to RCPT: a greylist', say: { RCPT: '450 4.2.0 greylisted' }, end: 'deferred', stage: 'rcpt', words: /greylisted/ },
  { n: 49, what: '452 to all after three', to: five, say: { RCPT: (_, s) => (s.message.to.length >= 3 ? '452 4.5.3 too many' : undefined) }, end: 'deferred', stage: 'rcpt', words: /too many/, taken: 3 },
  { n: 50, what: 'SMTPUTF8 is not offered', to: '\u03b1\u03b2@mail.test', end: 'refused', stage: 'mail', words: /does not offer SMTPUTF8/ },
  { n: 51, what: '251 to RCPT', say: { RCPT: (_, s) => { s.message.to.push('x'); return '251 2.1.5 will forward'; } }, end: 'accepted' },
  { n: 51, what: '551 to RCPT', say: { RCPT: '551 5.1.6 try x@y.test' }, end: 'refused', stage: 'rcpt', words: /try x@y\.test/ },

  { n: 52, what: '250 to DATA', say: { DATA: '250 fine' }, end: 'down', stage: 'data', words: /answered DATA with 250 .* instead of 354/ },
  { n: 53, what: 'cut in the body', say: { DATA: (_, s) => { s.feed = () => s.raw.resetAndDestroy(); return '354 go'; } }, end: 'unknown' },
  { n: 54, what: 'cut behind the dot', server: { afterMessage: () => false }, end: 'unknown', words: /cut before the server answered; it may have the mail/ },
  { n: 55, what: 'a late answer to RCPT', slow: true, say: { RCPT: lateOk }, end: 'accepted' },
  { n: 55, what: 'a late answer behind the dot', slow: true, server: { afterMessage: () => new Promise((resolve) => { setTimeout(resolve, late); }) }, end: 'accepted' },
  { n: 56, what: '451 behind the dot', server: { afterMessage: () => '451 4.3.0 queue' }, end: 'deferred', stage: 'content', words: /queue/ },
  { n: 57, what: '554 behind the dot', server: { afterMessage: () => '554 5.7.1 spam' }, end: 'refused', stage: 'content', words: /spam/ },
  { n: 58, what: '250 behind the dot, then reset', server: { afterMessage: (_, s) => { setImmediate(() => s.raw.resetAndDestroy()); return '250 2.0.0 Ok: queued as 1'; } }, end: 'accepted' },
  { n: 59, what: 'replies ahead of commands', say: { MAIL: '250 ok\r\n250 ok\r\n354 go\r\n250 2.0.0 queued' }, server: { capabilities: [] }, end: 'down', stage: /mail|rcpt|data/, words: /before it was asked/ },
];

const pki = new Pki();
const certificates = {
  good: pki.server('good'), self: pki.selfSigned('self'), expired: pki.server('expired', { days: -1 }),
  changed: pki.selfSigned('changed'), future: pki.server('future', { from: 2 }), huge: pki.server('huge', { padding: 1000000 }),
  other: pki.server('other', { names: 'DNS:other.example', subject: '/CN=other.example' }),
  deep: pki.below('deep', 100), many: pki.server('many', { names: Array.from({ length: MANY }, (_, i) => `DNS:h${i}.t`).join() }),
};
const cases = ROWS.flatMap((row, i) => Object.keys(MODES).filter((mode) => !row.modes || row.modes.split(' ').includes(mode))
  .map((mode) => ({ ...row, mode, name: `R${row.n}_${i}_${mode}`, title: `${row.n} ${row.what}, ${mode}` })));
let station, api, accounts, tokens;

before(async () => {
  station = await Station.start();
  api = station.api;
  api.agent.maxSockets = 8; // for all rows together: a hundred handshakes at once are more than a busy machine does in their time
  await api.post('/certificates/user', { pem: pki.root.pem });
  tokens = await startTokens();
  await Promise.all(cases.map(startServer));
  await api.post('/batch', cases.map((c) => ({
    op: 'add', path: '/Services/EmailService', name: c.name, type: 'email:OutgoingAccount',
    values: { hostname: '127.0.0.1', port: c.port, ...MODES[c.mode], emailAuthenticator: c.token ? tokens.login : basic('alice', SECRET), allowClearTextCredentials: c.mode === 'none', connectionTimeout: `${c.silent ? 2 * SLOWNESS : c.slow ? 10 * SLOWNESS : 120}s`, retryInterval: '1s', replyTo: { name: 'Belfry', address: 'belfry@mail.test' }, ...c.account },
  })));
});
after(async () => {
  await Promise.all(cases.map(({ server }) => server?.stop()));
  tokens?.server.close();
  assert.equal(station.child.exitCode, null, `the station has ended:\n${station.stderr.slice(-8000)}`);
  await station.stop();
});

/** An authorization server that gives everybody the same token; and an authenticator that asks it. */
async function startTokens() {
  const { cert, key } = certificates.good;
  const server = createHttps({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
    const metadata = { issuer, token_endpoint: `${issuer}/token`, authorization_endpoint: `${issuer}/authorize` };
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(request.url.includes('well-known') ? metadata : { access_token: TOKEN, token_type: 'Bearer', expires_in: 3600 }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `https://127.0.0.1:${server.address().port}`;
  return { server, login: { type: 'email:OAuthEmailClientSecretAuthenticator', authServerMetadataEndpoint: issuer, account: 'alice', clientId: 'belfry', clientSecret: SECRET, scope: 'mail' } };
}

/** The server as it misbehaves; and on the same port, later, as it should be. */
async function startServer(c) {
  const { say, server = {}, closed, certificate = 'good' } = c;
  if (c.hole) {
    ({ port: c.port, fill: c.fill } = await blackHole());
    return;
  }
  if (closed) {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    c.port = probe.address().port;
    probe.close();
    return;
  }
  c.server = await SmtpServer.start({ tls: SERVER_TLS[c.mode], certificate: certificates[certificate], ...server, ...(say && { reply: answers(say) }) });
  c.port = c.server.port;
}

async function mend(c) {
  c.heard = c.server?.sessions.slice() ?? [];
  await c.fill?.();
  if (!c.server) {
    c.server = await SmtpServer.start({ tls: SERVER_TLS[c.mode], certificate: certificates.good, port: c.port });
    return;
  }
  const fresh = new SmtpServer({ tls: SERVER_TLS[c.mode], certificate: certificates.good, ...c.good });
  c.server.options = fresh.options;
  c.server.context = fresh.context;
  if (c.reconnect) await api.patch(`/Services/EmailService/${c.name}`, { connectionTimeout: '110s' });
}

/** What all accounts show, asked for once by all who wait. */
const overview = () => (accounts ??= api.get('/components/Services/EmailService?depth=1').finally(() => setTimeout(() => { accounts = undefined; }, 200)));
const shown = async (c) => (await overview()).children.find(({ name }) => name === c.name).values;
const patience = { seconds: 3 * PATIENCE * SLOWNESS, every: 1000 };
const mailOf = (id) => api.get(`/mail/${id}`);

const like = (text, pattern) => (pattern instanceof RegExp ? pattern.test(text) : text === pattern);

/** The attempt that the row speaks of: with its stage and its sentence. */
const attemptOf = (c, mail) => mail.attempts.find(({ stage, replyText }) => like(stage, c.stage ?? stage) && like(replyText, c.words ?? replyText));

const isOver = {
  down: async (c) => { const mail = await mailOf(c.mail); return attemptOf(c, mail) && /down/.test((await shown(c)).status) && mail; },
  accepted: async (c) => { const mail = await mailOf(c.mail); return mail.state === 'accepted' && mail; },
  refused: async (c) => { const mail = await mailOf(c.mail); return mail.state === 'refused' && mail; },
  partial: async (c) => { const mail = await mailOf(c.mail); return mail.state === 'partial' && mail; },
  deferred: async (c) => { const mail = await mailOf(c.mail); return mail.attempts.some(({ outcome }) => outcome === 'deferred') && mail; },
  unknown: async (c) => { const mail = await mailOf(c.mail); return mail.attempts.some(({ outcome }) => outcome === 'unknown') && mail; },
};

/** What came over the wire before the server was good: the login in no form where it must not be, never in clear with TLS. */
function secretsKept(c) {
  const forms = [SECRET, ...[`user=alice\x01auth=Bearer ${TOKEN}\x01\x01`, SECRET, `\0alice\0${SECRET}`, 'alice'].map((text) => Buffer.from(text).toString('base64').replace(/=+$/, '').slice(0, -1))];
  for (const session of c.heard) {
    const text = c.hidden ? session.received : c.mode === 'none' ? '' : session.receivedInClear;
    for (const form of forms) assert.ok(!text.includes(form), `${form} was sent:\n${text}`);
    if (c.hidden || c.mode !== 'none') assert.doesNotMatch(session.receivedInClear, /^(MAIL|RCPT|DATA)/im);
  }
}

/** Row 31: what was approved is trusted. Row 32: another key at the same place is not, and gets nothing. */
async function exemption(c) {
  await api.post(`/allowed-hosts/127.0.0.1:${c.port}/approve`, { reason: 'a test' });
  await eventually(async () => `the mail goes: ${JSON.stringify([await shown(c), await mailOf(c.mail)])}`, async () => (await mailOf(c.mail)).state === 'accepted', patience);
  c.server.useCertificate(certificates.changed);
  const before = c.server.sessions.length;
  await api.patch(`/Services/EmailService/${c.name}`, { connectionTimeout: '115s' }); // a new connection
  const mail = await api.invoke(`/Services/EmailService/${c.name}`, 'sendTest', 'bob@mail.test');
  await eventually(async () => `refused: ${JSON.stringify([await shown(c), await mailOf(mail)])}`,
    async () => attemptOf({ stage: c.stage, words: /another key than the one that admin approved/ }, await mailOf(mail)), patience);
  for (const session of c.server.sessions.slice(before)) assert.doesNotMatch(session.received, /AUTH|MAIL|RCPT/);
}

const send = (c) => (Array.isArray(c.to)
  ? api.invoke(`/Services/EmailService/${c.name}`, 'send', { to: addresses(...c.to), cc: [], bcc: [], subject: 'to several', body: 'x' })
  : api.invoke(`/Services/EmailService/${c.name}`, 'sendTest', c.to ?? 'bob@mail.test'));

async function run(c) {
  c.mail = await send(c);
  const mail = await eventually(async () => `${c.end}: ${JSON.stringify([await shown(c), await mailOf(c.mail)])}`, () => isOver[c.end](c), patience);
  if (c.end !== 'accepted') assert.ok(attemptOf(c, mail), `no attempt at ${c.stage} like ${c.words}: ${JSON.stringify(mail.attempts)}`);
  else assert.ok(mail.attempts.some(({ outcome, stage }) => outcome === 'accepted' && stage === 'content'), JSON.stringify(mail.attempts));
  assert.ok(mail.attempts.every(({ stage, account, outcome, time }) => stage && account && outcome && time), JSON.stringify(mail.attempts));
  if (c.taken) assert.equal(c.server.messages[0].to.length, c.taken);
  if (c.exempt) await exemption(c);
  await mend(c);
  secretsKept(c);
  const next = await api.invoke(`/Services/EmailService/${c.name}`, 'sendTest', 'carol@mail.test');
  const state = ['refused', 'partial'].includes(c.end) ? c.end : 'accepted';
  await eventually(async () => `the next mail: ${JSON.stringify([await shown(c), await mailOf(next), await mailOf(c.mail)])}`,
    async () => (await mailOf(next)).state === 'accepted' && (await mailOf(c.mail)).state === state, patience);
}

test('every behaviour ends as its row says', { concurrency: 200 }, async (t) => {
  await Promise.all(cases.map((c) => t.test(c.title, () => run(c))));
});
