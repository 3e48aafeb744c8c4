/* SPDX-License-Identifier: Apache-2.0
 * Probe mails: what the station sends to a mailbox of its own, to see what becomes of it on the way. Who sends one hears of
 * it through the topic `received` of the incoming account that reads that mailbox. Engine thread. */
#ifndef BELFRY_EMAIL_PROBE_H
#define BELFRY_EMAIL_PROBE_H

#include "services/email/email_inside.h"
#include "services/email/reader/parsed_mail.h"

/* Texts are borrowed. */
struct probe {
	const char *title;   /* its subject is this and the id */
	const char *id;      /* which one it is: a UUID */
	const char *body;    /* for a person who finds it in the mailbox */
	const char *account; /* name of the outgoing account; "": the first one */
	const char *address; /* of the mailbox */
	const char *results; /* a field Authentication-Results that it bears; NULL: none */
};
/* Puts it into the outbox; what becomes of it stands in the ledger. Without an account it waits for one of that name. */
void probe_send(struct station *s, const struct probe *p);
/* Called while the topic `received` is fired: is it a probe with that title? Then the mail is claimed, also when it comes
 * late. Its id, borrowed of m; NULL: it is none. */
const char *probe_claim(struct station *s, const struct parsed_mail *m, const char *title);

#endif
