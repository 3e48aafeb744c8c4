/* SPDX-License-Identifier: Apache-2.0
 * Alarms of the TrustService before something ends that somebody counts on: keys of the User Key Store that are in use, the
 * certificate for HTTPS, approvals of Allowed Hosts, certificates of recipients. They end when it is replaced, removed, or
 * not used any more. Engine thread. */
#ifndef BELFRY_TRUST_EXPIRY_WATCH_H
#define BELFRY_TRUST_EXPIRY_WATCH_H

#include "station/station.h"

struct trust_service;
/* A condition whose alarm is open. */
struct expiry_warning {
	char *condition; /* owned */
	bool there;      /* seen in this round */
};
struct expiry_watch {
	struct timer timer;
	struct observer observer;        /* of properties that name keys */
	size_t next;                     /* of the round that runs: a few each time */
	struct expiry_warning *warnings; /* owned */
	size_t count;
};
/* Looks at all, soon, and from then on each hour; and whenever somebody uses another key. */
void expiry_watch_start(struct trust_service *t);
/* Anew: the stores have changed, or how early it warns. While it runs. */
void expiry_watch_begin(struct trust_service *t);
void expiry_watch_stop(struct trust_service *t);
void expiry_watch_finish(struct expiry_watch *w);

#endif
