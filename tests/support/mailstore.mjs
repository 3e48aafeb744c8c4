// SPDX-License-Identifier: Apache-2.0
// Debian's Dovecot as a store of mail: IMAP and POP3 in clear, with STARTTLS and with TLS, on free ports of 127.0.0.1, in
// a temporary directory. Any user may log in with the password 'secret1', and has a mailbox of his own. Mails are put into
// its Maildirs as files, and its marks are read from their names.

import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dovecotConf, endMaster, mailOwner, startDovecot } from './dovecot.mjs';
import { freePorts, listening, startOnFreePorts } from './ports.mjs';
import { atExit, temporaryDirectory } from './station.mjs';
import { tokenDovecot } from './tokens.mjs';
import { eventually } from './wait.mjs';

export class MailStore {
  /**
   * Options: mechanisms (default 'plain login'), maxTls ('TLSv1.2': no newer one is offered), publicKey (PEM) of an
   * authorization server: its tokens are taken as well.
   * Ports afterwards: .imap, .pop3 (clear and STARTTLS), .imaps, .pop3s (TLS from the first byte).
   */
  static start(certificate, { mechanisms = 'plain login', maxTls, publicKey } = {}) {
    return startOnFreePorts(() => Object.assign(new MailStore(), { certificate, mechanisms, maxTls, publicKey }));
  }

  async launch() {
    const { certificate, mechanisms, maxTls, publicKey } = this;
    this.dir = temporaryDirectory('mailstore');
    chmodSync(this.dir, 0o755);
    this.mail = join(this.dir, 'mail');
    mkdirSync(this.mail);
    this.owner = mailOwner();
    chownSync(this.mail, this.owner.uid, this.owner.gid);
    [this.imap, this.imaps, this.pop3, this.pop3s] = await freePorts(4);
    const conf = join(this.dir, 'dovecot.conf'), openssl = join(this.dir, 'openssl.cnf');
    writeFileSync(openssl, limits(maxTls));
    writeFileSync(conf, dovecotConf({ ...this, mechanisms, ports: this, passdb: 'driver = static\n  args = password=secret1' })
      + withTls(certificate, openssl) + (publicKey ? tokenDovecot(this.dir, publicKey, mechanisms) : ''));
    atExit(() => this.stop());
    startDovecot(this.dir, conf, { ...process.env, OPENSSL_CONF: openssl });
    await Promise.all([listening(this.imap, 'Dovecot'), listening(this.pop3s, 'Dovecot')]);
  }

  folder(user, name) {
    const path = join(this.mail, user, name);
    for (const part of [join(this.mail, user), ...['new', 'cur', 'tmp'].map((box) => join(this.mail, user, box))]) {
      if (!existsSync(part)) {
        mkdirSync(part, { recursive: true });
        chownSync(part, this.owner.uid, this.owner.gid);
      }
    }
    return path;
  }

  /** Puts a mail into a user's INBOX as a delivery agent does, or (flags) as one that was marked; returns its Message-ID. */
  deliver(user, { subject = 'hello', body = 'Text\r\n', headers = '', flags, messageId = `${Math.random().toString(36).slice(2)}@mail.test`, raw } = {}) {
    const name = `${Date.now()}.${Math.random().toString(36).slice(2)}.mail.test`;
    const text = raw ?? `From: Bob <bob@mail.test>\r\nTo: ${user}@mail.test\r\nSubject: ${subject}\r\nMessage-ID: <${messageId}>\r\n${headers}\r\n${body}`;
    const file = join(this.folder(user, 'tmp'), name);
    writeFileSync(file, text);
    chownSync(file, this.owner.uid, this.owner.gid);
    renameSync(file, flags ? join(this.folder(user, 'cur'), `${name}:2,${flags}`) : join(this.folder(user, 'new'), name));
    return messageId;
  }

  /** Every mail of a user's INBOX: {text, flags}; flags as Maildir writes them, 'S' for \Seen. */
  mails(user) {
    return ['new', 'cur'].flatMap((box) => readdirSync(this.folder(user, box)).map((name) => ({
      text: readFileSync(join(this.folder(user, box), name), 'utf8'), flags: name.split(':2,')[1] ?? '',
    })));
  }

  /** Forgets all mails, and the numbers they had: in another second, for Dovecot makes UIDVALIDITY of the time. */
  async wipe(user) {
    const second = Math.floor(Date.now() / 1000);
    await eventually('the next second', () => Math.floor(Date.now() / 1000) > second);
    rmSync(join(this.mail, user), { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }

  log() { return readFileSync(join(this.dir, 'dovecot.log'), 'utf8'); }

  stop() {
    endMaster(join(this.dir, 'run/master.pid'));
  }
}

const limits = (maxTls) => `openssl_conf = top
[top]
ssl_conf = ssl
[ssl]
system_default = limits
[limits]
${maxTls ? `MaxProtocol = ${maxTls}` : ''}
`;

const withTls = (certificate, openssl) => `
import_environment = OPENSSL_CONF=${openssl}
ssl = yes
ssl_cert = <${certificate.cert}
ssl_key = <${certificate.key}
ssl_min_protocol = TLSv1.2
pop3_lock_session = no
`;
