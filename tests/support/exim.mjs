// SPDX-License-Identifier: Apache-2.0
// Debian's Exim on free ports of 127.0.0.1: another mail server than Postfix, to which its package will not stand beside. So
// its program is only unpacked, into build/exim, and a wrapper tells it of the user that the package would have made.
// Mail stays in its queue.

import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts, listening } from './ports.mjs';
import { atExit, temporaryDirectory } from './station.mjs';

const ROOT = fileURLToPath(new URL('../../build/exim', import.meta.url));
const PROGRAM = join(ROOT, 'usr/sbin/exim4');
const LIBRARIES = join(ROOT, 'usr/lib/x86_64-linux-gnu');
const PACKAGES = ['exim4-daemon-light', 'libidn12', 'libnss-wrapper'];
const SERVER = 65533;

/** Fetches and unpacks it once. */
function unpack() {
  if (existsSync(PROGRAM)) return;
  const debs = temporaryDirectory('exim-debs');
  const apt = (...args) => execFileSync('apt-get', args, { cwd: debs, stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    apt('download', '-q', ...PACKAGES);
  } catch { // the package lists are missing, or older than the packages
    apt('update', '-q');
    apt('download', '-q', ...PACKAGES);
  }
  mkdirSync(ROOT, { recursive: true });
  for (const deb of readdirSync(debs)) execFileSync('dpkg', ['-x', join(debs, deb), ROOT]);
}

export class Exim {
  /** Ports afterwards: .smtp (STARTTLS offered, AUTH) and .smtps (implicit TLS). */
  static async start(certificate, users) {
    const exim = new Exim();
    unpack();
    exim.dir = temporaryDirectory('exim');
    chmodSync(exim.dir, 0o755);
    [exim.smtp, exim.smtps] = await freePorts(2);
    for (const name of ['cert', 'key']) {
      copyFileSync(certificate[name], join(exim.dir, name));
      chownSync(join(exim.dir, name), SERVER, SERVER);
    }
    mkdirSync(join(exim.dir, 'spool'));
    chownSync(join(exim.dir, 'spool'), SERVER, SERVER);
    const user = `Debian-exim:x:${SERVER}:`;
    writeFileSync(join(exim.dir, 'passwd'), `${readFileSync('/etc/passwd', 'utf8').replace(/^Debian-exim:.*\n/m, '')}${user}${SERVER}::/nonexistent:/bin/false\n`);
    writeFileSync(join(exim.dir, 'group'), `${readFileSync('/etc/group', 'utf8').replace(/^Debian-exim:.*\n/m, '')}${user}\n`);
    writeFileSync(join(exim.dir, 'exim.conf'), configuration(exim, users));
    const child = spawn(PROGRAM, ['-C', join(exim.dir, 'exim.conf'), '-bdf', '-oX', `127.0.0.1.${exim.smtp} : 127.0.0.1.${exim.smtps}`, '-oP', join(exim.dir, 'pid')], {
      stdio: 'ignore',
      env: { PATH: process.env.PATH, LD_LIBRARY_PATH: LIBRARIES, LD_PRELOAD: join(LIBRARIES, 'libnss_wrapper.so'), NSS_WRAPPER_PASSWD: join(exim.dir, 'passwd'), NSS_WRAPPER_GROUP: join(exim.dir, 'group') },
    });
    exim.child = child;
    exim.exited = new Promise((resolve) => { child.on('close', resolve); });
    atExit(() => child.kill('SIGKILL'));
    await Promise.all([listening(exim.smtp, 'Exim'), listening(exim.smtps, 'Exim')]);
    return exim;
  }

  logText() {
    const path = join(this.dir, 'spool/mainlog');
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  async stop() {
    this.child.kill('SIGTERM');
    await this.exited;
  }
}

const configuration = (exim, users) => `
exim_user = Debian-exim
exim_group = Debian-exim
spool_directory = ${exim.dir}/spool
log_file_path = ${exim.dir}/spool/%slog
primary_hostname = mail.test
local_interfaces = 127.0.0.1
tls_advertise_hosts = *
tls_certificate = ${exim.dir}/cert
tls_privatekey = ${exim.dir}/key
tls_on_connect_ports = ${exim.smtps}
smtp_accept_max = 0
smtp_accept_queue = 0
smtp_accept_max_per_connection = 100
queue_only = true
host_lookup =
rfc1413_hosts =
acl_smtp_rcpt = accept
acl_smtp_data = accept
begin routers
nowhere:
  driver = redirect
  data = :defer: kept
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = \${if and{{eq{$auth2}{${users.name}}}{eq{$auth3}{${users.password}}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = User Name : Password
  server_condition = \${if and{{eq{$auth1}{${users.name}}}{eq{$auth2}{${users.password}}}}}
  server_set_id = $auth1
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = \${if eq{$auth1}{${users.name}}{${users.password}}fail}
  server_set_id = $auth1
`;
