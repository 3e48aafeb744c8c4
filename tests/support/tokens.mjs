// SPDX-License-Identifier: Apache-2.0
// How Debian's Dovecot takes the access tokens of the tests' authorization server (identity.mjs): it validates the JWTs by
// itself, with the server's public key (PEM); the claim `mailbox` names the user.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What comes behind a configuration whose own mechanisms stay; its files lie in dir. Later settings win. */
export function tokenDovecot(dir, publicKey, mechanisms) {
  mkdirSync(join(dir, 'keys/default/RS256'), { recursive: true });
  writeFileSync(join(dir, 'keys/default/RS256/default'), publicKey);
  writeFileSync(join(dir, 'oauth2.conf.ext'), `introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix=${dir}/keys/\nusername_attribute = mailbox\n`);
  return `
auth_mechanisms = ${mechanisms} xoauth2 oauthbearer
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = ${dir}/oauth2.conf.ext
}
`;
}
