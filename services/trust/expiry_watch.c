/* SPDX-License-Identifier: Apache-2.0
 * One round over the stores, a few rows each time: what ends within expiryWarning is an alarm. See expiry_watch.h. */
#include "services/trust/expiry_watch.h"

#include <stdlib.h>
#include <string.h>

#include "services/trust/key_store.h"
#include "services/trust/key_use.h"
#include "station/base/must.h"

#define ROUND_US (3600 * SECOND_US)
#define DAY_US (86400 * SECOND_US)
enum { ROWS_AT_ONCE = 16 /* to parse as many certificates takes a millisecond */ };

/* Something that ends. */
struct ending {
	char *condition;    /* owned; stable: it names the alarm */
	char *what;         /* owned: beginning of a sentence */
	const char *remedy; /* what to do */
	int64_t end;        /* ABSTIME_NULL: never, or nobody counts on it */
};

/* --- what ends ---------------------------------------------------------------------------------------------------------- */

static int64_t end_of_pem(const char *pem)
{
	unsigned count;
	gnutls_x509_crt_t *chain = certificates_parse(pem, strlen(pem), CHAIN_MAX, &count, NULL);
	int64_t end = chain ? certificate_not_after(chain[0]) : ABSTIME_NULL;
	if (chain)
		certificates_free(chain, count);
	return end;
}

static struct ending own_ending(struct trust_service *t)
{
	struct key_use use;
	bool counts = trust_own_certificate(t) && key_use_find(t, DEFAULT_ALIAS, NULL, &use);
	return (struct ending){ must_strdup("https"), must_strdup("The station's own certificate for HTTPS"),
		                    "Remove tls/default.pem and tls/default.key in its data directory, and start it again: it "
		                    "makes new ones. Or choose another as httpsCert of the WebService.",
		                    counts ? end_of_pem(trust_own_certificate(t)) : ABSTIME_NULL };
}

static struct ending key_ending(const struct trust_service *t, const struct key_entry *k)
{
	struct key_use use;
	bool used = key_use_find(t, k->alias, NULL, &use);
	char *who = used ? key_use_print(&use) : NULL;
	struct ending e = { must_format("key:%s", k->alias),
		                must_format("The certificate \"%s\" that %s uses", k->alias, used ? who : "nobody"),
		                "Renew it under Certificates, User Key Store, or choose another.",
		                used ? end_of_pem(k->chain) : ABSTIME_NULL };
	free(who);
	return e;
}

static struct ending recipient_ending(const struct recipient_certificate *r)
{
	return (struct ending){ must_format("recipient:%s", r->address),
		                    must_format("The certificate with which mails to %s are encrypted", r->address),
		                    "Ask for the new one and import it under Certificates, Recipients.", end_of_pem(r->pem) };
}

static struct ending host_ending(const struct allowed_host *h)
{
	return (struct ending){ must_format("host:%s", h->host), must_format("The approval of %s", h->host),
		                    "Approve it again under Certificates, Allowed Hosts, or import the CA of the server.",
		                    h->approved ? h->expires.us : ABSTIME_NULL };
}

/* The i-th of all; false: there are no more. *out is the caller's. */
static bool ending_at(struct trust_service *t, size_t i, struct ending *out)
{
	if (i-- == 0)
		*out = own_ending(t);
	else if (i < t->keys.count)
		*out = key_ending(t, records_at(&t->keys, i));
	else if ((i -= t->keys.count) < t->recipients.count)
		*out = recipient_ending(records_at(&t->recipients, i));
	else if ((i -= t->recipients.count) < t->hosts.count)
		*out = host_ending(records_at(&t->hosts, i));
	else
		return false;
	return true;
}

/* --- the alarms --------------------------------------------------------------------------------------------------------- */

static struct source_alarm alarm_of(struct trust_service *t, const char *condition, const char *text)
{
	return (struct source_alarm){ &t->c, &t->alarmSourceInfo, condition, text };
}

static struct expiry_warning *warning_of(const struct expiry_watch *w, const char *condition)
{
	for (size_t i = 0; i < w->count; i++)
		if (strcmp(w->warnings[i].condition, condition) == 0)
			return &w->warnings[i];
	return NULL;
}

static void warn_of(struct trust_service *t, const struct ending *e, int64_t left)
{
	struct expiry_watch *w = &t->watch;
	struct expiry_warning *known = warning_of(w, e->condition);
	char day[24];
	if (known) {
		known->there = true;
		return;
	}
	char *text = must_format("%s %s on %s. %s", e->what, left > 0 ? "ends" : "has ended", certificate_date(e->end, day),
	                         e->remedy);
	struct source_alarm alarm = alarm_of(t, e->condition, text);
	alarm_support_offnormal(t->c.station, &alarm);
	w->warnings = must_realloc(w->warnings, (w->count + 1) * sizeof *w->warnings);
	w->warnings[w->count++] = (struct expiry_warning){ must_strdup(e->condition), true };
	free(text);
}

static void look_at(struct trust_service *t, const struct ending *e)
{
	int64_t left = e->end == ABSTIME_NULL ? INT64_MAX : e->end - station_now(t->c.station);
	struct source_alarm ended = alarm_of(t, e->condition, "It has been renewed, or is not used any more.");
	if (left <= t->expiryWarning.us)
		warn_of(t, e, left);
	else if (alarm_support_in_alarm(t->c.station, &t->c, e->condition)) /* perhaps of before a restart */
		alarm_support_normal(t->c.station, &ended);
}

/* What was not there in this round has been renewed, or its row is gone. */
static void end_round(struct trust_service *t)
{
	struct expiry_watch *w = &t->watch;
	size_t left = 0;
	for (size_t i = 0; i < w->count; i++) {
		struct expiry_warning *x = &w->warnings[i];
		if (x->there) {
			x->there = false;
			w->warnings[left++] = *x;
			continue;
		}
		struct source_alarm gone = alarm_of(t, x->condition, "It has been renewed or removed.");
		alarm_support_normal(t->c.station, &gone);
		free(x->condition);
	}
	w->count = left;
	w->next = 0;
}

static void look(struct timer *timer)
{
	struct trust_service *t = container_of(timer, struct trust_service, watch.timer);
	struct ending e;
	for (int i = 0; i < ROWS_AT_ONCE; i++) {
		if (!ending_at(t, t->watch.next, &e)) {
			end_round(t);
			timer_start(&t->c.station->clock, timer, ROUND_US);
			return;
		}
		t->watch.next++;
		look_at(t, &e);
		free(e.condition);
		free(e.what);
	}
	timer_start(&t->c.station->clock, timer, 0);
}

void expiry_watch_begin(struct trust_service *t)
{
	t->watch.timer.fire = look;
	t->watch.next = 0;
	for (size_t i = 0; i < t->watch.count; i++)
		t->watch.warnings[i].there = false;
	timer_start(&t->c.station->clock, &t->watch.timer, 0);
}

static void value_changed(struct observer *o, struct component *c, const struct slot *slot)
{
	(void)c;
	if (slot_names_key(slot))
		expiry_watch_begin(container_of(o, struct trust_service, watch.observer));
}

/* Who comes, goes or gets another authenticator among the services may use a key, or have used one. */
static void component_changed(struct observer *o, struct component *c, const char *what)
{
	struct trust_service *t = container_of(o, struct trust_service, watch.observer);
	bool comes_or_goes = strcmp(what, "added") == 0 || strcmp(what, "removed") == 0;
	for (const struct component *above = c; above && comes_or_goes; above = above->parent)
		if (above == t->c.parent) {
			expiry_watch_begin(t);
			return;
		}
}

void expiry_watch_start(struct trust_service *t)
{
	t->watch.observer = (struct observer){ .value = value_changed, .component = component_changed };
	station_observe(t->c.station, &t->watch.observer);
	expiry_watch_begin(t);
}

void expiry_watch_stop(struct trust_service *t)
{
	station_unobserve(t->c.station, &t->watch.observer);
	timer_stop(&t->c.station->clock, &t->watch.timer);
}

void expiry_watch_finish(struct expiry_watch *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->warnings[i].condition);
	free(w->warnings);
	w->warnings = NULL;
	w->count = 0;
}
