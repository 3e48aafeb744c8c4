/* SPDX-License-Identifier: Apache-2.0
 * What examinations mean, in plain words: what was found step by step, and what would mend it, as property changes that
 * one click applies. Pure: from reports to JSON. Any thread. */
#ifndef BELFRY_EMAIL_ADVICE_H
#define BELFRY_EMAIL_ADVICE_H

#include <jansson.h>

#include "services/email/doctor/examination.h"

/* The account as it was examined. */
struct advice_case {
	const struct exam_report *own;    /* with the settings that were asked for */
	const struct exam_report *others; /* the other ways to reach the same server, without a login */
	size_t count;
	enum sasl_kind login; /* of the account */
	bool fixed_mechanism; /* the authenticator insists on one */
	/* The certificate that the station shows (clientCertificate), "": none is chosen; why it cannot, NULL: it can; aliases of
	 * those that this server would take (trust_client_keys), NULL: not known. */
	const char *client_certificate, *key_problem;
	const json_t *keys;
};

/* [{step, ok, text}] of the own examination: a sentence for each step that was taken. New reference. */
json_t *advice_findings(const struct advice_case *c);
/* [{text, changes}]: the best first; changes (may be missing) is what a PATCH of the account takes as its values. New
 * reference; empty when nothing is wrong or nothing is known that would help. */
json_t *advice_give(const struct advice_case *c);

#endif
