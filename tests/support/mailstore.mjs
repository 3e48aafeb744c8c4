// SPDX-License-Identifier: Apache-2.0
// Debian's Dovecot as a store of mail: IMAP and POP3 in clear, with STARTTLS and with TLS, on free ports of 127.0.0.1, in
// a temporary directory. Any user may log in with the password 'secret1', and has a mailbox of his own. Mails are put into
// its Maildirs as files, and its marks are read from their names.

import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts, listening } from './ports.mjs';
import { atExit, temporaryDirectory } from './station.mjs';
import { tokenDovecot } from './tokens.mjs';
import { eventually } from './wait.mjs';

const id = (flag, user) => Number(execFileSync('id', [flag, user]).toString());

export class MailStore {
  /**
   * Options: mechanisms (default 'plain login'), maxTls ('TLSv1.2': no newer one is offered), publicKey (PEM) of an
   * authorization server: its tokens are taken as well.
   * Ports afterwards: .imap, .pop3 (clear and STARTTLS), .imaps, .pop3s (TLS from the first byte).
   */
  static async start(certificate, options = {}) {
    const store = new MailStore();
    await store.launch(certificate, options);
    return store;
  }

  async launch(certificate, { mechanisms = 'plain login', maxTls, publicKey } = {}) {
    this.dir = temporaryDirectory('mailstore');
    chmodSync(this.dir, 0o755);
    this.mail = join(this.dir, 'mail');
    mkdirSync(this.mail);
    const root = process.getuid() === 0;
    this.owner = root ? 'nobody' : execFileSync('id', ['-un']).toString().trim();
    this.group = execFileSync('id', ['-gn', this.owner]).toString().trim();
    [this.uid, this.gid] = [id('-u', this.owner), id('-g', this.owner)];
    chownSync(this.mail, this.uid, this.gid);
    [this.imap, this.imaps, this.pop3, this.pop3s] = await freePorts(4);
    this.conf = join(this.dir, 'dovecot.conf');
    const openssl = join(this.dir, 'openssl.cnf');
    writeFileSync(openssl, `openssl_conf = top\n[top]\nssl_conf = ssl\n[ssl]\nsystem_default = limits\n[limits]\n${maxTls ? `MaxProtocol = ${maxTls}\n` : ''}`);
    writeFileSync(this.conf, dovecotConf(this, certificate, mechanisms, openssl) + (publicKey ? tokenDovecot(this.dir, publicKey, mechanisms) : ''));
    atExit(() => this.stop());
    const log = openSync(join(this.dir, 'start.log'), 'a');
    execFileSync('/usr/sbin/dovecot', ['-c', this.conf], { stdio: ['ignore', log, log], env: { ...process.env, OPENSSL_CONF: openssl } });
    await Promise.all([listening(this.imap, 'Dovecot'), listening(this.pop3s, 'Dovecot')]);
  }

  folder(user, name) {
    const path = join(this.mail, user, name);
    for (const part of [join(this.mail, user), ...['new', 'cur', 'tmp'].map((box) => join(this.mail, user, box))]) {
      if (!existsSync(part)) {
        mkdirSync(part, { recursive: true });
        chownSync(part, this.uid, this.gid);
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
    chownSync(file, this.uid, this.gid);
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
    try { process.kill(Number(readFileSync(join(this.dir, 'run/master.pid'), 'utf8')), 'SIGTERM'); } catch { /* it does not run */ }
  }
}

const dovecotConf = (store, certificate, mechanisms, openssl) => `
base_dir = ${store.dir}/run
state_dir = ${store.dir}/run
log_path = ${store.dir}/dovecot.log
info_log_path = ${store.dir}/dovecot.log
instance_name = belfry${store.imap}
import_environment = OPENSSL_CONF=${openssl}
protocols = imap pop3
listen = 127.0.0.1
default_internal_user = ${store.owner}
default_internal_group = ${store.group}
default_login_user = ${store.owner}
ssl = yes
ssl_cert = <${certificate.cert}
ssl_key = <${certificate.key}
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = no
auth_mechanisms = ${mechanisms}
auth_verbose = yes
auth_failure_delay = 0
mail_max_userip_connections = 1000
mail_location = maildir:${store.mail}/%u
mail_uid = ${store.owner}
mail_gid = ${store.group}
first_valid_uid = 0
first_valid_gid = 0
pop3_lock_session = no
passdb {
  driver = static
  args = password=secret1
}
userdb {
  driver = static
  args = uid=${store.owner} gid=${store.group} home=${store.mail}/%u
}
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service imap-login {
  chroot =
  inet_listener imap {
    port = ${store.imap}
  }
  inet_listener imaps {
    port = ${store.imaps}
    ssl = yes
  }
}
service pop3-login {
  chroot =
  inet_listener pop3 {
    port = ${store.pop3}
  }
  inet_listener pop3s {
    port = ${store.pop3s}
    ssl = yes
  }
}
service stats {
  chroot =
}
namespace inbox {
  inbox = yes
}
`;
