// SPDX-License-Identifier: Apache-2.0
// A mail server of our own: behaves, or misbehaves exactly as a test asks, and keeps every byte that a client sent.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { TLSSocket, createSecureContext } from 'node:tls';

const DOT = Buffer.from('\r\n.\r\n');

/**
 * Options, all optional:
 *   tls           'none' (default), 'starttls', 'implicit'
 *   certificate   {cert, key}: files
 *   minVersion, maxVersion   of TLS, as 'TLSv1.1'
 *   capabilities  what EHLO answers beside STARTTLS and AUTH
 *   auth          mechanisms, default 'PLAIN LOGIN'; '' offers none
 *   inject        text sent in the same packet as the answer to STARTTLS
 *   recipients    {address: answer or function(times asked) to answer}
 *   reply         function(command line, session) to an answer that replaces the normal one; '' closes the connection, a
 *                 Buffer is sent as it is; 'CONNECT' asks for the greeting
 *   connection    function(socket) called instead of everything else: a server that knows nothing of mail
 *   afterMessage  function(message, session): false cuts the line after the final dot, before any answer;
 *                 a text is the answer instead of 250; may return a promise
 *   delay         milliseconds before every answer
 */
export class SmtpServer {
  static async start(options = {}) {
    const server = new SmtpServer(options);
    await server.listen(options.port ?? 0);
    return server;
  }

  constructor(options) {
    this.options = { tls: 'none', auth: 'PLAIN LOGIN', capabilities: ['PIPELINING', 'SIZE 20000000', 'ENHANCEDSTATUSCODES', '8BITMIME'], ...options };
    this.sessions = [];
    this.messages = [];
    this.asked = new Map();
    this.useCertificate(options.certificate);
  }

  /** Changes the certificate for the connections to come. */
  useCertificate(certificate) {
    if (!certificate) return;
    const { minVersion, maxVersion } = this.options;
    this.context = createSecureContext({
      cert: readFileSync(certificate.cert), key: readFileSync(certificate.key), minVersion, maxVersion,
      ...(maxVersion && maxVersion < 'TLSv1.2' ? { ciphers: 'ALL:@SECLEVEL=0' } : {}),
    });
  }

  listen(port) {
    this.server = createServer({ noDelay: true }, (socket) => { this.sessions.push(new Session(this, socket)); });
    return new Promise((resolve, reject) => {
      this.server.on('error', reject);
      this.server.listen(port, '127.0.0.1', () => { this.port = this.server.address().port; resolve(); });
    });
  }

  async stop() {
    for (const session of this.sessions) session.end();
    await new Promise((resolve) => { this.server.close(resolve); });
  }

  /** All that clients sent, in clear and inside TLS, as one text. */
  get received() {
    return this.sessions.map((session) => session.received).join('');
  }

  /** How often each Message-ID was accepted. */
  tally() {
    const count = new Map();
    for (const { messageId } of this.messages) count.set(messageId, (count.get(messageId) ?? 0) + 1);
    return count;
  }
}

class Session {
  constructor(server, socket) {
    this.server = server;
    this.raw = socket;
    this.chunks = [];      // what the client sent, decrypted
    this.encrypted = [];   // for each chunk: came it inside TLS?
    this.commands = [];
    this.errors = [];
    this.pending = Buffer.alloc(0);
    this.greeted = Promise.resolve();
    socket.on('error', (error) => this.errors.push(error.message));
    if (server.options.connection) this.leaveTo(server.options.connection);
    else if (server.options.tls === 'implicit') this.startTls();
    else this.use(socket);
    if (!this.tls && !server.options.connection) this.greet();
  }

  get received() { return Buffer.concat(this.chunks).toString('latin1'); }
  get receivedInClear() { return Buffer.concat(this.chunks.filter((_, i) => !this.encrypted[i])).toString('latin1'); }

  use(stream) {
    this.stream = stream;
    this.reset();
    stream.on('data', (data) => this.feed(data));
    stream.on('error', (error) => this.errors.push(error.message));
  }

  leaveTo(connection) {
    this.stream = this.raw;
    this.raw.on('data', (data) => { this.chunks.push(data); this.encrypted.push(false); });
    connection(this.raw);
  }

  startTls() {
    this.raw.removeAllListeners('data');
    this.pending = Buffer.alloc(0);
    this.tls = new TLSSocket(this.raw, { isServer: true, secureContext: this.server.context });
    const implicit = this.server.options.tls === 'implicit';
    this.tls.on('secure', () => {
      this.protocol = this.tls.getProtocol();
      if (implicit) this.greet();
    });
    this.use(this.tls);
  }

  greet() { this.write(this.server.options.reply?.('CONNECT', this) ?? '220 mail.test ESMTP'); }
  reset() { this.message = { to: [] }; this.inData = false; }
  end() { this.stream.destroy(); this.raw.destroy(); }

  write(answer) {
    if (answer === '') { this.end(); return; }
    const send = () => { if (!this.stream.destroyed) this.stream.write(Buffer.isBuffer(answer) ? answer : `${answer}\r\n`); };
    const { delay } = this.server.options;
    if (delay) this.greeted = this.greeted.then(() => new Promise((resolve) => { setTimeout(() => { send(); resolve(); }, delay); }));
    else send();
  }

  feed(data) {
    this.chunks.push(data);
    this.encrypted.push(Boolean(this.tls));
    this.pending = this.pending.length ? Buffer.concat([this.pending, data]) : data;
    this.work();
  }

  /** Takes one command, or one whole message, after the other from what has come. */
  work() {
    for (;;) {
      if (this.busy) return;
      if (this.inData) {
        const empty = this.pending.subarray(0, 3).equals(DOT.subarray(2));
        const end = empty ? -2 : this.pending.indexOf(DOT);
        if (!empty && end < 0) return;
        const raw = empty ? Buffer.alloc(0) : this.pending.subarray(0, end + 2);
        this.pending = this.pending.subarray(end + 5);
        this.accept(raw);
        continue;
      }
      const end = this.pending.indexOf('\n');
      if (end < 0) return;
      const line = this.pending.toString('latin1', 0, end).replace(/\r$/, '');
      this.pending = this.pending.subarray(end + 1);
      this.commands.push(line);
      this.command(line);
    }
  }

  command(line) {
    const custom = this.server.options.reply?.(line, this);
    if (custom !== undefined) { this.write(custom); return; }
    if (this.saslStep) { this.saslStep(line); return; }
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === 'EHLO') this.ehlo();
    else if (verb === 'HELO') this.write('250 mail.test');
    else if (line.toUpperCase() === 'STARTTLS') this.starttls();
    else if (verb === 'AUTH') this.authenticate(line);
    else if (verb === 'MAIL') { this.reset(); this.message.from = address(line); this.write('250 2.1.0 Ok'); }
    else if (verb === 'RCPT') this.recipient(address(line));
    else if (verb === 'DATA') this.data();
    else if (verb === 'RSET') { this.reset(); this.write('250 2.0.0 Ok'); }
    else if (verb === 'NOOP') this.write('250 2.0.0 Ok');
    else if (verb === 'QUIT') { this.write('221 2.0.0 Bye'); this.stream.end(); }
    else this.write('502 5.5.2 Command not recognized');
  }

  ehlo() {
    const { capabilities, auth, tls } = this.server.options;
    const words = ['mail.test', ...capabilities];
    if (tls === 'starttls' && !this.tls) words.push('STARTTLS');
    if (auth) words.push(`AUTH ${auth}`);
    this.write(words.map((word, i) => `250${i === words.length - 1 ? ' ' : '-'}${word}`).join('\r\n'));
  }

  starttls() {
    if (this.server.options.tls !== 'starttls') { this.write('502 5.5.1 Error: command not implemented'); return; }
    const { inject } = this.server.options;
    this.stream.write(`220 2.0.0 Ready to start TLS\r\n${inject ?? ''}`);
    this.startTls();
  }

  authenticate(line) {
    const [, mechanism, initial] = line.split(' ');
    this.mechanism = mechanism.toUpperCase();
    const decode = (text) => Buffer.from(text, 'base64').toString('utf8');
    const done = () => { this.saslStep = undefined; this.write('235 2.7.0 Authentication successful'); };
    const plain = (text) => { [, this.user, this.password] = decode(text).split('\0'); done(); };
    const password = (text) => { this.password = decode(text); done(); };
    const user = (text) => { this.user = decode(text); this.saslStep = password; this.write('334 UGFzc3dvcmQ6'); };
    if (this.mechanism === 'CRAM-MD5') { this.cram(done); return; }
    if (this.mechanism === 'XOAUTH2') { this.token = decode(initial); done(); return; }
    const first = this.mechanism === 'PLAIN' ? plain : user;
    if (initial) { first(initial); return; }
    this.saslStep = first;
    this.write(this.mechanism === 'PLAIN' ? '334 ' : '334 VXNlcm5hbWU6');
  }

  cram(done) {
    this.saslStep = (text) => { [this.user] = Buffer.from(text, 'base64').toString('utf8').split(' '); done(); };
    this.write(`334 ${Buffer.from('<1896.697170952@mail.test>').toString('base64')}`);
  }

  recipient(to) {
    const { recipients = {} } = this.server.options;
    const times = (this.server.asked.get(to) ?? 0) + 1;
    this.server.asked.set(to, times);
    const rule = recipients[to];
    const answer = (typeof rule === 'function' ? rule(times) : rule) ?? '250 2.1.5 Ok';
    if (answer.startsWith('25')) this.message.to.push(to);
    this.write(answer);
  }

  data() {
    if (this.message.to.length === 0) { this.write('554 5.5.1 Error: no valid recipients'); return; }
    this.inData = true;
    this.write('354 End data with <CR><LF>.<CR><LF>');
  }

  /** A whole message is here: dots taken away, kept, answered. */
  accept(raw) {
    const text = Buffer.from(raw.toString('latin1').replace(/^\.\./gm, '.'), 'latin1');
    const message = {
      ...this.message, raw: text, user: this.user, protocol: this.protocol, time: Date.now(),
      messageId: text.toString('latin1').match(/^Message-ID:\s*<?([^>\s]+)/im)?.[1],
    };
    this.reset();
    const answer = this.server.options.afterMessage?.(message, this);
    const finish = (verdict) => {
      if (verdict === false) { this.end(); return; }
      if (typeof verdict !== 'string' || verdict.startsWith('2')) this.server.messages.push(message);
      this.write(typeof verdict === 'string' ? verdict : `250 2.0.0 Ok: queued as ${this.server.messages.length.toString(16).toUpperCase()}`);
    };
    if (!answer?.then) { finish(answer); return; }
    this.busy = true;
    answer.then((verdict) => { this.busy = false; finish(verdict); this.work(); });
  }
}

function address(line) {
  return line.match(/<([^>]*)>/)?.[1] ?? '';
}
