/* SPDX-License-Identifier: Apache-2.0
 * Are a provider's Authentication-Results to be believed? Only when it removes those that others write in its name
 * (RFC 8601 5). The station finds out: it mails a forged one to the mailbox that answers come to, and looks whether that is
 * the field that would count. Until one has come back without it, no answer is believed. A part of the acknowledger; engine
 * thread. */
#ifndef BELFRY_EMAIL_AUTHENTICITY_PROBE_H
#define BELFRY_EMAIL_AUTHENTICITY_PROBE_H

#include "services/email/email_inside.h"
#include "services/email/reader/parsed_mail.h"

enum probe_result { PROBE_UNKNOWN, PROBE_REMOVED, PROBE_BELIEVED };
struct authenticity_probe {
	/* Slots of the acknowledger. */
	char *emailAccount, *probed, *faultCause;
	int probeResult;
	struct abstime lastProbe;
	/* Not slots. */
	struct component *acknowledger;
	char id[256]; /* the authserv-id; "": nothing is to be proven */
	struct timer timer;
	int64_t due;                 /* monotonic: when the next one goes */
	char out[37], sent_for[600]; /* the one that was sent last, "": none; what it was about */
	bool came_through;           /* a copy of it has */
};

void authenticity_probe_init(struct authenticity_probe *p, struct component *acknowledger);
/* id: the authserv-id that counts; "": none does. */
void authenticity_probe_start(struct authenticity_probe *p, const char *id);
void authenticity_probe_stop(struct authenticity_probe *p);
/* The sheet or an account has changed: sends a probe when what is known is of something else, and says what is wrong in
 * faultCause. */
void authenticity_probe_look(struct authenticity_probe *p, const char *id);
/* Sends one now; what is known stays until it is back. 0, or a code and what keeps it from going. */
int authenticity_probe_now(struct authenticity_probe *p, struct err *e);
/* Is the mail a probe? Then what it shows is known from now on, and written in tx. */
bool authenticity_probe_received(struct authenticity_probe *p, const struct parsed_mail *m, struct store_tx *tx);
/* Has it been seen that the provider removes forged fields? */
bool authenticity_proven(const struct authenticity_probe *p);

#endif
