// SPDX-License-Identifier: Apache-2.0
// Debian's own Postfix and Dovecot, on free ports of 127.0.0.1, in a temporary directory, without systemd.
// What Postfix takes for alice, bob, carol@mail.test lies in Dovecot's Maildirs and is read by IMAP or POP3.
// Postfix wants root (its daemons change user); Dovecot alone does not.

import { appendFileSync, chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { daemon, dovecotConf, endMaster, id, mailOwner, startDovecot } from './dovecot.mjs';
import { Imap } from './imap.mjs';
import { fingerprint } from './pki.mjs';
import { freePorts, listening, startOnFreePorts } from './ports.mjs';
import { atExit, temporaryDirectory } from './station.mjs';
import { tokenDovecot } from './tokens.mjs';
import { PATIENCE, eventually } from './wait.mjs';

/** For the skip option of a test: false, or why Postfix cannot run. */
export const needsRoot = process.getuid() === 0 ? false : 'Postfix can only be started by root';

export const USERS = { alice: 'secret1', bob: 'secret2', carol: 'pass word "q" \\ \u00e9' };
const RECIPIENTS = 'check_recipient_access inline:{{defer@mail.test=451 4.7.1 greylisted try later},'
  + ' {reject@mail.test=550 5.1.1 no such user here}}, reject_unauth_destination';

export class MailHost {
  /** Starts both with a certificate {cert, key}. Ports afterwards: .submission (STARTTLS, AUTH), .smtps (implicit TLS, AUTH),
   * .smtp (no AUTH), .plain (AUTH, no TLS), .imap and .pop3 (no TLS), .tls11 (implicit, TLS 1.1 only), .submission12 and .smtps12 (TLS 1.2 only).
   * mechanisms: what AUTH offers. With vouches, mail of who has logged in at .submission gets Authentication-Results of
   * "mail.test", as a provider writes them.
   * With clientCa, the file of an authority, also those that want a client certificate of it: .certified (Postfix, implicit),
   * .external (Dovecot's submission, implicit, AUTH EXTERNAL), .imaps (Dovecot, EXTERNAL); the user is its common name.
   * With the publicKey (PEM) of an authorization server also XOAUTH2 and OAUTHBEARER; the claim `mailbox` names the user. */
  static start(certificate, { clientCa, publicKey, mechanisms = 'plain login', vouches = false } = {}) {
    return startOnFreePorts(() => Object.assign(new MailHost(), { certificate, clientCa, publicKey, mechanisms, vouches }));
  }

  async launch() {
    this.dir = temporaryDirectory('mailhost');
    chmodSync(this.dir, 0o755);
    this.mail = join(this.dir, 'mail');
    mkdirSync(this.mail);
    this.owner = mailOwner();
    chownSync(this.mail, this.owner.uid, this.owner.gid);
    this.cert = join(this.dir, 'served.pem');
    this.key = join(this.dir, 'served.key');
    this.copyCertificate(this.certificate);
    [this.submission, this.smtps, this.smtp, this.plain, this.tls11, this.imap, this.certified, this.external, this.imaps,
      this.submission12, this.smtps12, this.pop3] = await freePorts(12);
    atExit(() => this.stop());
    this.startDovecot();
    await this.startPostfix();
    await Promise.all([listening(this.imap, 'Dovecot'), listening(this.submission, 'Postfix')]);
  }

  /** It says what is wrong in its own log. */
  postfix(command) {
    try {
      daemon('/usr/sbin/postfix', ['-c', this.etc, command], join(this.dir, 'postfix/start.log'));
    } catch (error) {
      throw new Error(`${error.message}\n${existsSync(this.log) ? this.logText() : ''}`, { cause: error });
    }
  }

  copyCertificate(certificate) {
    copyFileSync(certificate.cert, this.cert);
    copyFileSync(certificate.key, this.key);
    chmodSync(this.key, 0o600);
  }

  startDovecot() {
    const dir = join(this.dir, 'dovecot');
    mkdirSync(join(dir, 'run'), { recursive: true });
    writeFileSync(join(dir, 'users'), Object.entries(USERS).map(([name, password]) => `${name}:{PLAIN}${password}\n`).join(''));
    const conf = join(dir, 'dovecot.conf'), { mail, owner, mechanisms, imap, pop3 } = this;
    writeFileSync(conf, [
      dovecotConf({ dir, mail, owner, mechanisms, ports: { imap, pop3 }, passdb: `driver = passwd-file\n  args = scheme=PLAIN ${dir}/users` }), SASL_FOR_POSTFIX,
      this.clientCa ? certifiedDovecot(this) : '', this.publicKey ? tokenDovecot(dir, this.publicKey, mechanisms) : '',
    ].join(''));
    startDovecot(dir, conf);
  }

  async startPostfix() {
    this.etc = join(this.dir, 'postfix/etc');
    for (const name of ['etc', 'spool', 'data']) mkdirSync(join(this.dir, 'postfix', name), { recursive: true });
    chownSync(join(this.dir, 'postfix/data'), id('-u', 'postfix'), 0);
    this.log = join(this.dir, 'postfix/maillog');
    writeFileSync(join(this.etc, 'main.cf'), mainCf(this));
    writeFileSync(join(this.etc, 'master.cf'), masterCf(this) + (this.clientCa ? certifiedPostfix(this) : ''));
    this.postfix('start');
  }

  /** Serves another certificate from now on; resolves when it does. */
  async useCertificate(certificate) {
    this.copyCertificate(certificate);
    this.postfix('reload');
    const wanted = fingerprint(certificate.cert);
    await eventually('Postfix serves the new certificate', async () => await this.served() === wanted);
    return wanted;
  }

  /** The fingerprint that the implicit TLS port serves now. */
  served() {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: this.smtps, host: '127.0.0.1', rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().fingerprint256.replaceAll(':', '').toLowerCase());
        socket.destroy();
      });
      socket.on('error', reject);
    });
  }

  /** Postfix's log, or only what came after a mark that logMark() gave. */
  logText(mark = 0) { return readFileSync(this.log, 'utf8').slice(mark); }
  logMark() { return this.logText().length; }

  /** What Postfix logged of the connections that began after a mark, until now. */
  connectionsSince(mark) {
    const open = new Set();
    return this.logText(mark).split('\n').filter((line) => {
      const smtpd = line.match(/smtpd\[(\d+)\]/)?.[1];
      if (/\]: connect from/.test(line)) open.add(smtpd);
      return open.has(smtpd);
    });
  }

  /** Makes Postfix take or refuse other recipients: answers by address, from the next connection on. */
  setRecipientAnswers(answers) {
    const rows = Object.entries(answers).map(([address, answer]) => `{${address}=${answer}}`).join(', ');
    appendFileSync(join(this.etc, 'main.cf'), `\nsmtpd_recipient_restrictions = check_recipient_access inline:{${rows}}, reject_unauth_destination\n`);
    this.postfix('reload');
  }

  /** Has Postfix look at header fields as these lines say (header_checks(5)); from the next mail on. */
  setHeaderChecks(...lines) {
    writeFileSync(join(this.etc, 'header_checks'), lines.map((line) => `${line}\n`).join(''));
    appendFileSync(join(this.etc, 'main.cf'), `\nheader_checks = regexp:${join(this.etc, 'header_checks')}\n`);
    this.postfix('reload');
  }

  /** Has Postfix hand each mail to the server at that port while its client waits, and keep none. */
  passOn(port) {
    appendFileSync(join(this.etc, 'main.cf'), `\nsmtpd_proxy_filter = 127.0.0.1:${port}\n`);
    this.postfix('reload');
  }

  /** All messages in a user's INBOX, as Buffers, by IMAP. */
  async mailbox(user) {
    const imap = await Imap.connect(this.imap);
    try {
      await imap.login(user, USERS[user]);
      return await imap.fetchAll('INBOX');
    } finally {
      imap.close();
    }
  }

  /** The marks of each message in a user's INBOX, as Maildir writes them: 'S' for \Seen. */
  marks(user) {
    return ['new', 'cur'].map((box) => join(this.mail, user, box)).filter(existsSync)
      .flatMap((box) => readdirSync(box).map((name) => name.split(':2,')[1] ?? ''));
  }

  /** Waits for a message in a user's mailbox that the function accepts (given its text); returns its Buffer. */
  waitForMail(user, accept = () => true, seconds = PATIENCE) {
    return eventually(() => `a mail for ${user}; Postfix says:\n${this.logText().slice(-3000)}`,
      async () => (await this.mailbox(user)).find((raw) => accept(raw.toString('utf8'))), { seconds, every: 100 });
  }

  stop() {
    for (const file of ['dovecot/run/master.pid', 'postfix/spool/pid/master.pid']) endMaster(join(this.dir, file));
  }
}

const SASL_FOR_POSTFIX = `
service auth {
  unix_listener auth-client {
    mode = 0666
  }
}
`;

const mainCf = (host) => `
compatibility_level = 3.6
queue_directory = ${host.dir}/postfix/spool
data_directory = ${host.dir}/postfix/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
shlib_directory = /usr/lib/postfix
meta_directory = /etc/postfix
maillog_file = ${host.log}
maillog_file_prefixes = /tmp, /var, ${host.dir}
myhostname = mail.test
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = mail.test
virtual_mailbox_base = ${host.mail}
virtual_mailbox_maps = inline:{alice@mail.test=alice/, bob@mail.test=bob/, carol@mail.test=carol/, defer@mail.test=carol/}
virtual_uid_maps = static:${host.owner.uid}
virtual_gid_maps = static:${host.owner.gid}
virtual_minimum_uid = 1
max_idle = 1h
smtpd_recipient_restrictions = ${RECIPIENTS}
message_size_limit = 20000000
default_transport = error:outbound disabled
relay_transport = error:outbound disabled
smtpd_tls_cert_file = ${host.cert}
smtpd_tls_key_file = ${host.key}
smtpd_tls_security_level = may
smtpd_tls_loglevel = 1
smtpd_tls_mandatory_protocols = >=TLSv1.2
smtpd_sasl_type = dovecot
smtpd_sasl_path = ${host.dir}/dovecot/run/auth-client
smtpd_sasl_security_options = noanonymous
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
anvil_rate_time_unit = 1s
smtpd_error_sleep_time = 0
`;

const VOUCH = '  -o { smtpd_sender_restrictions = check_sender_access static:{PREPEND Authentication-Results: mail.test; dmarc=pass header.from=mail.test} }\n';

const masterCf = (host) => `
127.0.0.1:${host.smtp} inet n - n - - smtpd
127.0.0.1:${host.plain} inet n - n - - smtpd
  -o smtpd_tls_security_level=none
  -o smtpd_sasl_auth_enable=yes
127.0.0.1:${host.submission} inet n - n - - smtpd
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_tls_security_level=encrypt
${host.vouches ? VOUCH : ''}  -o { smtpd_relay_restrictions = permit_sasl_authenticated, reject }
127.0.0.1:${host.smtps} inet n - n - - smtpd
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_tls_wrappermode=yes
  -o { smtpd_relay_restrictions = permit_sasl_authenticated, reject }
127.0.0.1:${host.submission12} inet n - n - - smtpd
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_tls_security_level=encrypt
  -o smtpd_tls_mandatory_protocols=TLSv1.2
  -o { smtpd_relay_restrictions = permit_sasl_authenticated, reject }
127.0.0.1:${host.smtps12} inet n - n - - smtpd
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_tls_wrappermode=yes
  -o smtpd_tls_protocols=TLSv1.2
  -o smtpd_tls_mandatory_protocols=TLSv1.2
  -o { smtpd_relay_restrictions = permit_sasl_authenticated, reject }
127.0.0.1:${host.tls11} inet n - n - - smtpd
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_tls_wrappermode=yes
  -o smtpd_tls_protocols=TLSv1.1
  -o smtpd_tls_mandatory_protocols=TLSv1.1
  -o { tls_medium_cipherlist = ALL:@SECLEVEL=0 }
  -o { smtpd_tls_mandatory_ciphers = medium }
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`;

/** What comes behind the normal configurations when clients are to show a certificate of clientCa; later settings win. */
const certifiedDovecot = (host) => `
protocols = imap pop3 submission
ssl = yes
ssl_cert = <${host.cert}
ssl_key = <${host.key}
ssl_ca = <${host.clientCa}
ssl_require_crl = no
ssl_verify_client_cert = yes
auth_ssl_username_from_cert = yes
auth_mechanisms = plain login external
hostname = mail.test
submission_relay_host = 127.0.0.1
submission_relay_port = ${host.smtp}
passdb {
  driver = static
  mechanisms = external
  args = nopassword=y
}
service imap-login {
  inet_listener imaps {
    port = ${host.imaps}
    ssl = yes
  }
}
service submission-login {
  chroot =
  inet_listener submission {
    port = ${host.external}
    ssl = yes
  }
}
`;

const certifiedPostfix = (host) => `
127.0.0.1:${host.certified} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
  -o smtpd_tls_security_level=encrypt
  -o smtpd_tls_req_ccert=yes
  -o smtpd_tls_received_header=yes
  -o smtpd_tls_CAfile=${host.clientCa}
  -o { smtpd_relay_restrictions = permit_tls_all_clientcerts, reject }
`;
