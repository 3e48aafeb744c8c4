// SPDX-License-Identifier: Apache-2.0
// modes: release asan tsan
// timeout: 240
// S/MIME through Postfix, read from Dovecot, judged by openssl: mails are signed with a key of the store; when that cannot
// be they still go, the ledger says why, and an alarm is raised until they are signed again.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { MailHost, needsRoot } from '../support/mailhost.mjs';
import { Pki } from '../support/pki.mjs';
import { ACCOUNT, STARTTLS, addContacts, basic, close, ledgerRow, open, setUpMail } from '../support/plant.mjs';
import { SLOWNESS, Station } from '../support/station.mjs';
import { PATIENCE, eventually } from '../support/wait.mjs';

const pki = new Pki();
const served = pki.server('served');
const options = { skip: needsRoot };
let host, station, api, contact;

const openssl = (args, input) => execFileSync('openssl', args, { input, stdio: ['pipe', 'pipe', 'pipe'] });

/** A key of the station for mail whose certificate the issuing CA has signed. */
async function makeKey(alias, values) {
  await api.post('/certificates/keys/generate', { alias, commonName: 'Plant Station', usage: 'email', email: 'alice@mail.test', ...values });
  const request = join(pki.dir, `${alias}.csr`), signed = join(pki.dir, `${alias}.pem`);
  writeFileSync(request, (await api.send('GET', `/certificates/keys/${alias}/csr`)).text);
  openssl(['x509', '-req', '-in', request, '-CA', pki.intermediate.cert, '-CAkey', pki.intermediate.key, '-days', '30', '-copy_extensions', 'copyall', '-out', signed]);
  return api.post('/certificates/keys', { alias, pem: readFileSync(signed, 'utf8') + pki.intermediate.pem });
}

before(async () => {
  if (needsRoot) return;
  [host, station] = await Promise.all([MailHost.start(served), Station.start()]);
  api = station.api;
  await api.post('/certificates/user', { alias: 'plant', pem: pki.root.pem });
  [contact] = await addContacts(api, 1);
});
after(async () => {
  host?.stop();
  await station?.stop();
});

/** Raises an alarm that is mailed under this subject; resolves to the ledger's row and what Dovecot has. */
async function mailed(subject, signingKey) {
  await setUpMail(api, { port: host.submission, account: { ...STARTTLS, emailAuthenticator: basic(), from: 'alice@mail.test', signingKey }, recipient: { subject } });
  await close(api, contact);
  const mail = await ledgerRow(api, `accepted, with subject ${subject}`, (row) => row.subject === subject && row.state === 'accepted', 30 * SLOWNESS);
  const raw = await host.waitForMail('bob', (text) => text.includes(`Subject: ${subject}`), 30 * SLOWNESS);
  await open(api, contact);
  return { mail, raw };
}

const verify = (raw) => {
  const file = join(pki.dir, 'mail.eml');
  writeFileSync(file, raw);
  return openssl(['cms', '-verify', '-in', file, '-CAfile', pki.root.cert, '-purpose', 'smimesign', '-signer', join(pki.dir, 'signer.pem')]).toString();
};
const openAlarm = async (words) => (await api.get('/alarms?state=open')).items.find((alarm) => words.test(JSON.stringify(alarm)));

for (const [keyAlgorithm, keySize] of [['RSA', 2048], ['EC', 256]]) {
  test(`signed with ${keyAlgorithm}: openssl verifies what arrived, as it arrived`, options, async () => {
    await makeKey(`mail-${keyAlgorithm}`, { keyAlgorithm, keySize });
    const { mail, raw } = await mailed(`signed with ${keyAlgorithm}`, `mail-${keyAlgorithm}`);
    assert.equal(mail.security, `Signed with mail-${keyAlgorithm}.`);
    const text = raw.toString();
    assert.match(text, /Content-Type: multipart\/signed; protocol="application\/pkcs7-signature";\s+micalg=sha-256/);
    assert.equal(text.match(/^MIME-Version:/gm).length, 1);
    assert.match(verify(raw), /Content-Type: text\/plain/);
    assert.match(openssl(['x509', '-in', join(pki.dir, 'signer.pem'), '-noout', '-subject']).toString(), /Plant Station/);
    assert.throws(() => verify(Buffer.from(text.replace('Content-Type: text/plain', 'Content-Type: text/plaim'))), /digest|verif/i);
  });
}

test('a key that is missing, expired or made for something else holds back nothing', options, async () => {
  const { mail } = await mailed('no key', 'nothing');
  assert.match(mail.security, /^Not signed: .*holds no key "nothing"/);
  const alarm = await eventually('an alarm about the signature', () => openAlarm(/Mails go without a signature/));
  assert.match(String(alarm.source), /OutgoingAccount/);
  await api.post('/certificates/keys/generate', { alias: 'client', commonName: 'x', usage: 'client' });
  assert.match((await mailed('wrong usage', 'client')).mail.security, /not made for mail/);
  await makeKey('other', { email: 'carol@mail.test' });
  assert.match((await mailed('wrong address', 'other')).mail.security, /other addresses than alice@mail\.test/);
  const { body } = await api.send('PATCH', `/components${ACCOUNT}`, { values: { signingKey: 'client' } });
  assert.match(JSON.stringify(body.warnings), /not made for mail\. Mails go without a signature/);
  assert.match((await mailed('signed again', 'mail-EC')).mail.security, /^Signed/);
  await eventually('the alarm ends', async () => !(await openAlarm(/Mails go without a signature/)) || (await openAlarm(/signed again/)));
});

/** A person's certificate of the issuing CA, and its key. */
function person(name, algorithm, usage = 'digitalSignature,keyEncipherment,keyAgreement') {
  const file = (ending) => join(pki.dir, `${name}-${algorithm}.${ending}`);
  openssl(algorithm === 'RSA' ? ['genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', file('key')] : ['ecparam', '-genkey', '-name', 'prime256v1', '-noout', '-out', file('key')]);
  openssl(['req', '-new', '-key', file('key'), '-subj', `/CN=${name}`, '-out', file('csr')]);
  writeFileSync(file('ext'), `keyUsage=${usage}\nextendedKeyUsage=emailProtection\nsubjectAltName=email:${name}@mail.test\n`);
  openssl(['x509', '-req', '-in', file('csr'), '-CA', pki.intermediate.cert, '-CAkey', pki.intermediate.key, '-days', '30', '-extfile', file('ext'), '-out', file('pem')]);
  return { cert: file('pem'), key: file('key'), pem: readFileSync(file('pem'), 'utf8') };
}
const decrypt = (raw, { cert, key }) => {
  const file = join(pki.dir, 'encrypted.eml');
  writeFileSync(file, raw);
  return openssl(['cms', '-decrypt', '-in', file, '-recip', cert, '-inkey', key]);
};
/** Raises an alarm that is mailed to these people under this subject; resolves to the rows of the ledger, when all are over. */
async function mailedTo(people, subject, encryption) {
  await setUpMail(api, { port: host.submission, to: people.map((name) => `${name}@mail.test`), account: { ...STARTTLS, emailAuthenticator: basic(), from: 'alice@mail.test', signingKey: 'mail-EC' }, recipient: { subject, encryption } });
  await close(api, contact);
  const rows = await eventually(`mails with subject ${subject}`, async () => {
    const found = (await api.get('/mail')).items.filter((row) => row.subject === subject);
    return found.flatMap((row) => row.deliveries).length === people.length && found.every((row) => !row.open) && found;
  }, { seconds: PATIENCE * SLOWNESS });
  await open(api, contact);
  return rows;
}

test('certificates of recipients are kept by the address that they are made out to', options, async () => {
  const bob = person('bob', 'RSA');
  const answer = await api.send('POST', '/certificates/recipients', { pem: bob.pem });
  assert.equal(answer.status, 201, answer.text);
  assert.equal(answer.body.alias, 'bob@mail.test');
  for (const [body, pointer] of [[{ pem: pki.root.pem }, '/pem'], [{ pem: readFileSync(bob.key, 'utf8') + bob.pem }, '/pem'], [{ pem: bob.pem, address: 'bob' }, '/address'], [{ pem: person('eve', 'EC', 'digitalSignature').pem }, '/pem'], [{ pem: served.pem }, '/address']]) {
    const refused = await api.send('POST', '/certificates/recipients', body);
    assert.deepEqual([refused.status, refused.body.errors[0].pointer], [422, pointer], refused.text);
  }
  const { warnings } = await api.post('/certificates/recipients', { pem: served.pem, address: 'web@mail.test' });
  assert.match(warnings[0]?.detail ?? '', /not made for mail/);
  await api.delete('/certificates/recipients/web@mail.test');
  await api.post('/certificates/recipients', { pem: bob.pem, address: 'Alice@Mail.test' });
  assert.deepEqual((await api.get('/certificates/recipients')).items.map((row) => row.alias), ["bob@mail.test", "alice@mail.test"]);
  assert.equal((await api.send('DELETE', '/certificates/recipients/alice@mail.test')).status, 204);
  assert.equal((await api.send('GET', '/certificates/recipients/alice@mail.test')).status, 404);
});

for (const algorithm of ['RSA', 'EC']) {
  test(`who has a certificate (${algorithm}) gets the mail encrypted, others signed`, options, async () => {
    const bob = person('bob', algorithm), subject = `preferred ${algorithm}`;
    await api.post('/certificates/recipients', { pem: bob.pem });
    const rows = await mailedTo(['bob', 'carol'], subject, 'prefer');
    assert.deepEqual(rows.map((row) => row.security).sort(), ['Signed with mail-EC. Encrypted.', 'Signed with mail-EC. Not encrypted: There is no certificate of carol@mail.test to encrypt with.']);
    const raw = await host.waitForMail('bob', (text) => text.includes(`Subject: ${subject}`), 30 * SLOWNESS);
    assert.match(raw.toString(), /Content-Type: application\/pkcs7-mime; smime-type=enveloped-data/);
    assert.doesNotMatch(raw.toString(), /multipart|text\/plain/);
    const inner = decrypt(raw, bob);
    assert.match(inner.toString(), /^Content-Type: multipart\/signed/);
    assert.match(verify(inner), /Contact 0/);
    const plain = await host.waitForMail('carol', (text) => text.includes(`Subject: ${subject}`), 30 * SLOWNESS);
    assert.match(verify(plain), /Contact 0/);
  });
}

test('required encryption: nobody without a certificate gets the mail, and the ledger says so', options, async () => {
  const rows = await mailedTo(['bob', 'carol', 'alice'], 'required', 'require');
  const states = Object.fromEntries(rows.flatMap((row) => row.deliveries).map((d) => [d.address, [d.state, d.replyText]]));
  assert.equal(states['bob@mail.test'][0], 'accepted');
  assert.deepEqual(states['carol@mail.test'], ['refused', 'Encryption is required. There is no certificate of carol@mail.test to encrypt with.']);
  assert.deepEqual(states['alice@mail.test'], ['refused', 'Encryption is required. There is no certificate of alice@mail.test to encrypt with.']);
  assert.ok(!(await host.mailbox('carol')).some((raw) => raw.includes('Subject: required')));
  const refused = rows.find((row) => row.deliveries.some((d) => d.address === 'carol@mail.test'));
  for (const who of ['alice', 'carol']) assert.match(refused.security, new RegExp(`no certificate of ${who}@mail.test`));
  await api.post(`/mail/${refused.id}/resend`);
  await eventually('the resent mail is refused too', async () => (await api.get('/mail')).items.filter((row) => row.subject === 'required' && row.state === 'refused').length === 2);
});
