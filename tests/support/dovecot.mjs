// SPDX-License-Identifier: Apache-2.0
// Debian's Dovecot: what every configuration of the tests has in common, and how it is started and ended, without systemd.
// Whoever wants more writes it behind: later settings win.

import { execFileSync, spawnSync } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ask = (...args) => execFileSync('id', args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString().trim();

/** The number of a user (-u) or of his group (-g). */
export const id = (flag, user) => Number(ask(flag, user));

/** Whose the mailboxes are, and who runs the daemons: {user, group, uid, gid}. */
export function mailOwner() {
  const user = process.getuid() === 0 ? 'nobody' : ask('-un');
  return { user, group: ask('-gn', user), uid: id('-u', user), gid: id('-g', user) };
}

/** Daemons keep what they inherit: a pipe would never end, so what they say goes to a file. */
export function daemon(program, args, log, env = process.env) {
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', openSync(log, 'a'), openSync(log, 'a')], env });
  if (error || status !== 0) throw new Error(`${program} did not start (${error?.message ?? status}): ${readFileSync(log, 'utf8')}`);
}

export const startDovecot = (dir, conf, env) => daemon('/usr/sbin/dovecot', ['-c', conf], join(dir, 'start.log'), env);

/** The master ends its processes when it is asked to; nobody waits for it. The same for Postfix's. */
export function endMaster(pidFile) {
  try { process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGTERM'); } catch { /* it does not run */ }
}

const listener = (name, port, ssl) => `
  inet_listener ${name} {
    port = ${port ?? 0}
    ${ssl ? 'ssl = yes' : ''}
  }`;

/**
 * dir: where it lives; mail: the folder of Maildirs, one a user; owner: of mailOwner(); mechanisms: what AUTH offers;
 * passdb: who may log in, in Dovecot's words; ports: {imap, pop3} in clear, {imaps, pop3s} with TLS or none.
 */
export const dovecotConf = ({ dir, mail, owner, mechanisms, passdb, ports }) => `
base_dir = ${dir}/run
state_dir = ${dir}/run
log_path = ${dir}/dovecot.log
info_log_path = ${dir}/dovecot.log
instance_name = belfry${ports.imap}
protocols = imap pop3
listen = 127.0.0.1
default_internal_user = ${owner.user}
default_internal_group = ${owner.group}
default_login_user = ${owner.user}
ssl = no
disable_plaintext_auth = no
auth_mechanisms = ${mechanisms}
auth_verbose = yes
auth_failure_delay = 0
mail_max_userip_connections = 1000
mail_location = maildir:${mail}/%u
mail_uid = ${owner.user}
mail_gid = ${owner.group}
first_valid_uid = 0
first_valid_gid = 0
passdb {
  ${passdb}
}
userdb {
  driver = static
  args = uid=${owner.user} gid=${owner.group} home=${mail}/%u
}
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service imap-login {
  chroot =${listener('imap', ports.imap)}${listener('imaps', ports.imaps, true)}
}
service pop3-login {
  chroot =${listener('pop3', ports.pop3)}${listener('pop3s', ports.pop3s, true)}
}
service stats {
  chroot =
}
namespace inbox {
  inbox = yes
}
`;
