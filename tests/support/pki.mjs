// SPDX-License-Identifier: Apache-2.0
// Certificates for tests, made with openssl: a private root, an issuing CA below it, servers of it, self-signed ones.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from './station.mjs';

const NAMES = 'DNS:localhost,DNS:mail.test,IP:127.0.0.1';

const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });

/** Where the files of one certificate are, and the certificate's text. */
const files = (dir, name) => ({
  name, cert: join(dir, `${name}.pem`), key: join(dir, `${name}.key`), get pem() { return readFileSync(this.cert, 'utf8'); },
});

export class Pki {
  /** Makes the root "Plant Root CA" and the issuing CA "Plant Issuing CA" in a temporary directory. */
  constructor() {
    this.dir = temporaryDirectory('pki');
    this.root = files(this.dir, 'root');
    this.intermediate = files(this.dir, 'intermediate');
    this.makeKey(this.root);
    openssl('req', '-x509', '-new', '-key', this.root.key, '-sha256', '-days', '3650', '-subj', '/O=Plant/CN=Plant Root CA',
      '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign', '-out', this.root.cert);
    this.makeKey(this.intermediate);
    this.sign(this.intermediate, this.root, '/O=Plant/CN=Plant Issuing CA', 3000,
      'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n');
  }

  makeKey(file) {
    openssl('ecparam', '-genkey', '-name', 'prime256v1', '-noout', '-out', file.key);
  }

  /** from: days from now when it begins to be valid. */
  sign(file, issuer, subject, days, extensions, from = 0) {
    const request = join(this.dir, `${file.name}.csr`);
    const ext = join(this.dir, `${file.name}.ext`);
    writeFileSync(ext, extensions);
    openssl('req', '-new', '-key', file.key, '-subj', subject, '-out', request);
    if (from) {
      this.signLater(file, issuer, request, ext, from, days);
      return;
    }
    openssl('x509', '-req', '-in', request, '-CA', issuer.cert, '-CAkey', issuer.key, '-CAcreateserial', '-days', String(days),
      '-sha256', '-extfile', ext, '-out', file.cert);
  }

  /** With a beginning of its own: only `openssl ca` can do that, which wants files of its own. */
  signLater(file, issuer, request, ext, from, days) {
    const config = join(this.dir, `${file.name}.cnf`);
    const index = join(this.dir, `${file.name}.index`);
    const day = (n) => new Date(Date.now() + n * 86400e3).toISOString().replace(/[-:T]|\.\d+/g, '');
    writeFileSync(index, '');
    writeFileSync(config, `[ca]\ndefault_ca=x\n[x]\ndatabase=${index}\nnew_certs_dir=${this.dir}\nrand_serial=yes\npolicy=any\nunique_subject=no\n[any]\ncommonName=supplied\n`);
    openssl('ca', '-batch', '-notext', '-config', config, '-cert', issuer.cert, '-keyfile', issuer.key, '-md', 'sha256', '-in', request,
      '-extfile', ext, '-startdate', day(from), '-enddate', day(from + days), '-out', file.cert);
  }

  /** A server's certificate of the issuing CA; its file holds the chain without the root. from: days from now when it begins;
   * padding: bytes of an extension that nobody knows. */
  server(name, { names = NAMES, days = 800, subject = '/CN=localhost', from = 0, padding = 0 } = {}) {
    const file = files(this.dir, name);
    this.makeKey(file);
    const more = padding ? `1.3.6.1.4.1.55555.1=ASN1:UTF8String:${'x'.repeat(padding)}\n` : '';
    this.sign(file, this.intermediate, subject, days, `basicConstraints=CA:FALSE\nsubjectAltName=${names}\nextendedKeyUsage=serverAuth\n${more}`, from);
    writeFileSync(file.cert, file.pem + this.intermediate.pem);
    return file;
  }

  /** The same below so many authorities, each below the one before it; its file holds them all. */
  below(name, count, { names = NAMES } = {}) {
    const key = files(this.dir, `${name}-above`);
    this.makeKey(key);
    let issuer = this.root, above = '';
    for (let i = 0; i < count; i++) {
      const next = { key: key.key, cert: join(this.dir, `${name}-${i}.pem`) };
      openssl('req', '-x509', '-new', '-key', key.key, '-CA', issuer.cert, '-CAkey', issuer.key, '-sha256', '-days', '3000', '-subj', `/O=Plant/CN=Below ${i}`,
        '-addext', 'keyUsage=critical,keyCertSign', '-out', next.cert);
      above = readFileSync(next.cert, 'utf8') + above;
      issuer = next;
    }
    const file = files(this.dir, name);
    this.makeKey(file);
    this.sign(file, issuer, '/CN=localhost', 800, `basicConstraints=CA:FALSE\nsubjectAltName=${names}\nextendedKeyUsage=serverAuth\n`);
    writeFileSync(file.cert, file.pem + above);
    return file;
  }

  /** A self-signed server's certificate, with a key of its own. */
  selfSigned(name, { names = NAMES, days = 800, subject = '/CN=localhost' } = {}) {
    const file = files(this.dir, name);
    this.makeKey(file);
    openssl('req', '-x509', '-new', '-key', file.key, '-sha256', '-days', String(days), '-subj', subject,
      '-addext', `subjectAltName=${names}`, '-out', file.cert);
    return file;
  }
}

/** SHA-256 fingerprint of a certificate file's first certificate, as lower-case hex without colons. */
export function fingerprint(cert) {
  const text = openssl('x509', '-in', cert, '-noout', '-fingerprint', '-sha256').toString();
  return text.split('=')[1].trim().replaceAll(':', '').toLowerCase();
}
