-- SPDX-License-Identifier: Apache-2.0
-- Schema 1: the first release. Columns are the slots of the record tables in the code; the store compares them.
-- Text kinds and enums are TEXT, structs and lists TEXT with JSON, times microseconds (NULL: never).

-- station/store/persist.c
CREATE TABLE component (handle INTEGER PRIMARY KEY, parent INTEGER, position INTEGER, name TEXT, type TEXT, displayName TEXT, revision INTEGER) STRICT;
CREATE TABLE slot (handle INTEGER, slot TEXT, value TEXT, PRIMARY KEY (handle, slot)) STRICT, WITHOUT ROWID;
CREATE TABLE link (target INTEGER, name TEXT, source INTEGER, sourceSlot TEXT, targetSlot TEXT, enabled INTEGER, PRIMARY KEY (target, name)) STRICT, WITHOUT ROWID;
CREATE INDEX link_source ON link (source);
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT) STRICT, WITHOUT ROWID;

-- station/sheet/version.c
CREATE TABLE version (number INTEGER PRIMARY KEY, timestamp INTEGER, user TEXT, via TEXT, kind TEXT, "of" INTEGER, reason TEXT, summary TEXT, "rows" INTEGER, size INTEGER) STRICT;
CREATE INDEX version_user ON version (user);
CREATE TABLE delta (version INTEGER, part INTEGER, "rows" TEXT, PRIMARY KEY (version, part)) STRICT;

-- station/sheet/audit.c
CREATE TABLE audit (id INTEGER PRIMARY KEY, timestamp INTEGER, operation TEXT, target TEXT, slot TEXT, oldValue TEXT, value TEXT, user TEXT, origin TEXT, detail TEXT) STRICT;
CREATE INDEX audit_timestamp ON audit (timestamp);
CREATE INDEX audit_target ON audit (target);

-- services/alarm/alarm_record.c
CREATE TABLE alarm (uuid TEXT PRIMARY KEY, sequence INTEGER, timestamp INTEGER, sourceState TEXT, ackState TEXT, ackRequired INTEGER, cleared INTEGER, source TEXT, sourceHandle INTEGER, alarmClass TEXT, priority INTEGER, normalTime INTEGER, ackTime INTEGER, user TEXT, alarmData TEXT, alarmTransition TEXT, lastUpdate INTEGER, msgText TEXT, notes TEXT, shelvedUntil INTEGER) STRICT, WITHOUT ROWID;
CREATE INDEX alarm_sequence ON alarm (sequence);
CREATE INDEX alarm_open ON alarm (sequence) WHERE cleared = 0;

-- services/email/ack_book.c
CREATE TABLE ack_token (hash TEXT PRIMARY KEY, keyNumber INTEGER, alarm TEXT, sequence INTEGER, mail TEXT, recipient TEXT, addresses TEXT, issued INTEGER, expires INTEGER, used INTEGER, result TEXT, answers TEXT) STRICT, WITHOUT ROWID;

-- services/trust
CREATE TABLE key_entry (alias TEXT PRIMARY KEY, chain TEXT, privateKey TEXT, password TEXT, fingerprint TEXT, spki TEXT, creator TEXT, created INTEGER) STRICT, WITHOUT ROWID;
CREATE TABLE certificate (alias TEXT PRIMARY KEY, pem TEXT, fingerprint TEXT, importer TEXT, created INTEGER) STRICT, WITHOUT ROWID;
CREATE TABLE recipient_certificate (address TEXT PRIMARY KEY, pem TEXT, fingerprint TEXT, importer TEXT, created INTEGER) STRICT, WITHOUT ROWID;
CREATE TABLE allowed_host (host TEXT PRIMARY KEY, approved INTEGER, subject TEXT, issuer TEXT, notBefore INTEGER, notAfter INTEGER, keyAlgorithm TEXT, keySize INTEGER, fingerprint TEXT, spki TEXT, created INTEGER, approver TEXT, approvedAt INTEGER, reason TEXT, expires INTEGER, cause TEXT, previous TEXT, pem TEXT) STRICT, WITHOUT ROWID;

-- services/user: session.c, token.c
CREATE TABLE session (hash TEXT PRIMARY KEY, user INTEGER, stamp TEXT, csrf TEXT, address TEXT, agent TEXT, created INTEGER, lastUsed INTEGER) STRICT, WITHOUT ROWID;
CREATE TABLE token (hash TEXT PRIMARY KEY, user INTEGER, name TEXT, created INTEGER, expires INTEGER, lastUsed INTEGER) STRICT, WITHOUT ROWID;

-- services/email/outbox/records.c
CREATE TABLE mail (id TEXT PRIMARY KEY, sequence INTEGER, account TEXT, firstAccount TEXT, kind TEXT, state TEXT, open INTEGER, created INTEGER, subject TEXT, body TEXT, "from" TEXT, replyTo TEXT, messageId TEXT, alarm TEXT, priority INTEGER, digest TEXT, security TEXT, encryption TEXT, ackToken TEXT, recipient INTEGER, data TEXT) STRICT, WITHOUT ROWID;
CREATE INDEX mail_sequence ON mail (sequence);
CREATE INDEX mail_open ON mail (sequence) WHERE open = 1;
CREATE INDEX mail_digest ON mail (digest) WHERE digest <> '';
CREATE TABLE delivery (mail TEXT, address TEXT, name TEXT, recipient TEXT, alarm TEXT, account TEXT, field TEXT, state TEXT, open INTEGER, attempts INTEGER, nextAttempt INTEGER, time INTEGER, replyCode INTEGER, enhancedStatus TEXT, replyText TEXT, queueId TEXT, tlsVersion TEXT, cipher TEXT, fingerprint TEXT, PRIMARY KEY (mail, address)) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_alarm ON delivery (alarm);
CREATE INDEX delivery_open ON delivery (mail) WHERE open = 1;
CREATE TABLE attempt (sequence INTEGER PRIMARY KEY, mail TEXT, address TEXT, account TEXT, time INTEGER, stage TEXT, outcome TEXT, replyCode INTEGER, enhancedStatus TEXT, replyText TEXT, queueId TEXT, tlsVersion TEXT, cipher TEXT, fingerprint TEXT) STRICT;
CREATE INDEX attempt_mail ON attempt (mail);

-- services/email/incoming/incoming_book.c, incoming_row.c
CREATE TABLE mailbox (account INTEGER PRIMARY KEY, mailbox TEXT, uidValidity INTEGER, seen TEXT) STRICT;
CREATE TABLE incoming (account INTEGER, uid TEXT, sequence INTEGER, messageId TEXT, hash TEXT, time INTEGER, "from" TEXT, subject TEXT, outcome TEXT, reason TEXT, alarm TEXT, mail TEXT, disposition TEXT, ours INTEGER, open INTEGER, settled INTEGER, PRIMARY KEY (account, uid)) STRICT, WITHOUT ROWID;
CREATE INDEX incoming_hash ON incoming (hash);
CREATE INDEX incoming_sequence ON incoming (sequence);

-- services/email/oauth/grant_record.c
CREATE TABLE oauth_grant (authenticator INTEGER PRIMARY KEY, endpoint TEXT, clientId TEXT, refreshToken TEXT, granted INTEGER, refreshed INTEGER, expires INTEGER, user TEXT) STRICT;
