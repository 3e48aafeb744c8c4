/* SPDX-License-Identifier: Apache-2.0
 * What every mail account has, outgoing or incoming: where its server is, how the connection is secured, how it logs in,
 * how it fares. The abstract type email:EmailAccount; struct email_account is the first member of those built on it, and
 * account_traits says what differs. Engine thread. */
#ifndef BELFRY_EMAIL_ACCOUNT_H
#define BELFRY_EMAIL_ACCOUNT_H

#include "services/email/account/transcript.h"
#include "services/email/email.h"
#include "services/email/wire/mail_server.h"
#include "station/alarm/alarm_support.h"

struct email_account {
	struct component c;
	char *hostname;
	int64_t port, effectivePort;
	struct component *emailAuthenticator;
	struct reltime pollrate, connectionTimeout;
	bool enabled, debug, useSsl, useStartTls, allowClearTextCredentials;
	struct abstime lastPollSuccess, lastPollFailure;
	char *faultCause, *lastPollFailureCause;
	int tlsMinProtocol;
	char *clientCertificate; /* alias in the User Key Store; "": none */
	struct alarm_source_info alarmSourceInfo;
	/* Not slots. */
	bool failing;        /* shown as {down} */
	uint16_t fault_bits; /* of the status, as long as there is a faultCause */
	struct transcript transcript;
	json_t *diagnosis;        /* the last one, as email_diagnosis gives it; owned; NULL: none */
	struct diagnosis *doctor; /* the one that runs */
};

/* How a connection is secured; indexes account_protocol.ports. */
struct account_protocol {
	const char *name; /* "SMTP", for sentences */
	int ports[3];     /* the usual one of each security */
};
extern const struct account_protocol account_smtp, account_imap, account_pop3;

/* The traits of a type that is built on email:EmailAccount. */
struct account_traits {
	/* What is spoken with the server; NULL: none at all. a may be a proposed copy. */
	const struct account_protocol *(*protocol)(const struct email_account *a);
	/* The sheet, the login or what is trusted has changed: an open connection is not to go on under the old settings, and
	 * what has failed may work now. */
	void (*reconfigure)(struct email_account *a);
};

/* c as an account; NULL when it is none. */
struct email_account *account_of(struct component *c);
/* The account of that name below the EmailService, outgoing or incoming; NULL when there is none. */
struct email_account *account_find(struct station *s, const char *name);
void account_reconfigure(struct email_account *a);
/* What keeps it from connecting may be another thing now: shows it. */
void account_show_fault(struct email_account *a);
/* What is spoken with its server; NULL: nothing. */
const struct account_protocol *account_protocol_of(const struct email_account *a);

/* What the switches useSsl and useStartTls say; TLS when both are set, which the rules forbid. */
enum mail_security account_security(const struct email_account *a);
/* port, or for -1 the usual one of protocol and security; 0 when nothing is spoken. */
int account_effective_port(const struct email_account *a);

/* This machine's name, if it is one that EHLO may carry (RFC 5321 4.1.2) and that others could look up; else "": the
 * address of our end is used. */
void account_own_name(char *name, size_t size);

/* Could one connect and log in now? 0, AUTHENTICATOR_WAIT, or a code (E_NETWORK: it may pass by itself) and a sentence.
 * Cheap. */
int account_ready(const struct email_account *a, struct err *e);
/* Fills in the server of the sheet, with references of its own: mail_server_clear. What the authenticator says of the
 * login: 0, AUTHENTICATOR_WAIT, or a code and a sentence; then the login is SASL_NOBODY. */
int account_server(const struct email_account *a, struct mail_server *out, struct err *e);

/* What the last dialogue came to: lastPollSuccess and {ok}, or lastPollFailure, its cause (a sentence; copied) and
 * {down}. */
void account_succeeded(struct email_account *a);
void account_failed(struct email_account *a, const char *cause);
/* Alarms of the account about itself, shown as {alarm} as long as they last: see station/alarm/alarm_support.h. condition is the
 * name of the slot that tells of it. */
void account_offnormal(struct email_account *a, const char *condition, const char *text);
void account_normal(struct email_account *a, const char *condition, const char *text);
bool account_in_alarm(const struct email_account *a, const char *condition);
void account_transcribe(struct email_account *a, enum line_direction direction, const char *text);
/* Sets a slot of the account by name, at run time. Takes v. */
void account_set(struct email_account *a, const char *slot, struct value v);

#endif
