/* SPDX-License-Identifier: Apache-2.0
 * The probe with a forged Authentication-Results: see authenticity_probe.h. What it shows holds for one authserv-id and one
 * mailbox; with another of either nothing is known. It is repeated each week, and daily as long as there is no good news. */
#include "services/email/ack/authenticity_probe.h"

#include <stdlib.h>
#include <string.h>

#include "services/email/ack/authenticity.h"
#include "services/email/watch/probe.h"
#include "station/base/must.h"
#include "station/base/secret.h"
#include "station/store/persist.h"

#define DAY_US (86400 * SECOND_US)
#define WEEK_US (7 * DAY_US)
static const char title[] = "Belfry authentication probe";

static int64_t now_of(const struct authenticity_probe *p)
{
	return clock_mono(&p->acknowledger->station->clock);
}

static void set(struct authenticity_probe *p, const char *name, struct value v, struct store_tx *tx)
{
	const struct slot *slot = type_slot(p->acknowledger->type, name);
	component_set(p->acknowledger, slot, &v);
	if (tx)
		persist_slot(tx, p->acknowledger->handle, slot, p->acknowledger);
}

/* --- what it is about --------------------------------------------------------------------------------------------------- */

/* Who would send it; NULL when nobody can. Answers come to the address that his mails name. */
static struct outgoing_account *sender_of(const struct authenticity_probe *p, struct err *e)
{
	struct station *s = p->acknowledger->station;
	struct outgoing_account *a = *p->emailAccount ? account_by_name(s, p->emailAccount) : account_first(s);
	if (!a || !a->account.enabled)
		err_set(e, E_CONFLICT, "emailAccount", "There is no enabled outgoing account%s%.80s to send it.",
		        *p->emailAccount ? " " : "", p->emailAccount);
	else if (account_ready(&a->account, e) == 0)
		return a;
	return NULL;
}

static void mailbox_of(const struct outgoing_account *a, char out[ADDRESS_SIZE])
{
	if (*a->replyTo.address)
		snprintf(out, ADDRESS_SIZE, "%s", a->replyTo.address);
	else
		account_sender_address(a, out, ADDRESS_SIZE);
}

/* What a probe would be about now. */
static void subject_of(const struct authenticity_probe *p, char *out, size_t size)
{
	struct station *s = p->acknowledger->station;
	const struct outgoing_account *a = *p->emailAccount ? account_by_name(s, p->emailAccount) : account_first(s);
	char mailbox[ADDRESS_SIZE] = "";
	if (a)
		mailbox_of(a, mailbox);
	snprintf(out, size, "%s at %s", p->id, mailbox);
}

/* Is what is known about this? */
static bool known(const struct authenticity_probe *p)
{
	char subject[sizeof p->sent_for];
	subject_of(p, subject, sizeof subject);
	return p->probeResult != PROBE_UNKNOWN && strcmp(subject, p->probed) == 0;
}

bool authenticity_proven(const struct authenticity_probe *p)
{
	return *p->id && known(p) && p->probeResult == PROBE_REMOVED;
}

/* --- what is wrong -------------------------------------------------------------------------------------------------------- */

static char *fault_of(const struct authenticity_probe *p)
{
	struct err e = { 0 };
	if (!*p->id || authenticity_proven(p))
		return must_strdup("");
	if (known(p))
		return must_format(
		    "A forged Authentication-Results came through (%s), so no answer is believed. The mail provider "
		    "must remove fields in its own name from mails that come in (RFC 8601, section 5); when it "
		    "does, invoke probe. Or say in offReason why senders need not be verified.",
		    p->probed);
	if (!sender_of(p, &e))
		return must_format("No answer is believed before a probe has shown that the mail provider removes forged "
		                   "Authentication-Results, and none can be sent: %s",
		                   e.text);
	return must_strdup("No answer is believed before a probe has shown that the mail provider removes forged "
	                   "Authentication-Results. It is sent to the mailbox that answers come to, and must be read by an "
	                   "incoming account whose topic received is linked here.");
}

static void say(struct authenticity_probe *p)
{
	char *fault = fault_of(p);
	if (strcmp(fault, p->faultCause) != 0)
		set(p, "faultCause", value_string(fault), NULL);
	free(fault);
}

/* --- it goes -------------------------------------------------------------------------------------------------------------- */

/* What a forger would write. The domain shows which probe it was, and is nobody's (RFC 2606). */
static void send_one(struct authenticity_probe *p, const struct outgoing_account *a)
{
	char mailbox[ADDRESS_SIZE];
	uuid_make(p->out);
	p->came_through = false;
	mailbox_of(a, mailbox);
	subject_of(p, p->sent_for, sizeof p->sent_for);
	char *results =
	    must_format("%s; dmarc=pass header.from=%s.invalid; dkim=pass header.d=%s.invalid", p->id, p->out, p->out);
	probe_send(
	    p->acknowledger->station,
	    &(struct probe){ .title = title,
	                     .id = p->out,
	                     .body = "The station sends this mail to itself, with a forged Authentication-Results in its "
	                             "header, to see whether\nthe mail provider removes it. Leave it to the station.\n",
	                     .account = a->account.c.name,
	                     .address = mailbox,
	                     .results = results });
	free(results);
}

static int64_t next_of(const struct authenticity_probe *p)
{
	return now_of(p) + (authenticity_proven(p) ? WEEK_US : DAY_US);
}

static void turn(struct authenticity_probe *p)
{
	struct clock *clock = &p->acknowledger->station->clock;
	struct err e;
	timer_stop(clock, &p->timer);
	if (!*p->id)
		return;
	const struct outgoing_account *a = p->due <= now_of(p) ? sender_of(p, &e) : NULL;
	if (a)
		send_one(p, a);
	if (p->due <= now_of(p))
		p->due = next_of(p);
	timer_start(clock, &p->timer, p->due - now_of(p));
	say(p);
}

static void timer_fired(struct timer *t)
{
	turn(container_of(t, struct authenticity_probe, timer));
}

void authenticity_probe_look(struct authenticity_probe *p, const char *id)
{
	char subject[sizeof p->sent_for];
	struct err e;
	snprintf(p->id, sizeof p->id, "%s", id);
	subject_of(p, subject, sizeof subject);
	if (*id && !known(p) && strcmp(subject, p->sent_for) != 0 && sender_of(p, &e))
		p->due = now_of(p);
	turn(p);
	say(p);
}

int authenticity_probe_now(struct authenticity_probe *p, struct err *e)
{
	if (!*p->id)
		return err_set(
		    e, E_CONFLICT, "authServId",
		    "There is nothing to prove: Authentication-Results count only with authentication require, and an "
		    "authServId.");
	if (!sender_of(p, e))
		return e->code;
	p->due = now_of(p);
	turn(p);
	return 0;
}

/* --- it comes back -------------------------------------------------------------------------------------------------------- */

/* Another copy of it can only make things worse. */
bool authenticity_probe_received(struct authenticity_probe *p, const struct parsed_mail *m, struct store_tx *tx)
{
	const char *id = probe_claim(p->acknowledger->station, m, title);
	if (!id || !*p->out || strcmp(id, p->out) != 0 || !*p->id)
		return id;
	const char *field = authenticity_field(&m->trace, p->id);
	p->came_through = p->came_through || (field && strstr(field, p->out));
	enum probe_result result = p->came_through ? PROBE_BELIEVED : PROBE_REMOVED;
	set(p, "probeResult", (struct value){ .kind = V_ENUM, .ordinal = (int)result }, tx);
	set(p, "probed", value_string(p->sent_for), tx);
	set(p, "lastProbe", value_abstime(station_now(p->acknowledger->station)), tx);
	p->due = next_of(p);
	turn(p);
	return true;
}

/* --- life ------------------------------------------------------------------------------------------------------------------ */

void authenticity_probe_init(struct authenticity_probe *p, struct component *acknowledger)
{
	p->acknowledger = acknowledger;
	p->timer.fire = timer_fired;
}

/* A minute after the start accounts have found their servers. */
void authenticity_probe_start(struct authenticity_probe *p, const char *id)
{
	int64_t now = station_now(p->acknowledger->station), wait = 60 * SECOND_US;
	snprintf(p->id, sizeof p->id, "%s", id);
	if (authenticity_proven(p) && p->lastProbe.us <= now && p->lastProbe.us > now - WEEK_US)
		wait = p->lastProbe.us + WEEK_US - now;
	p->due = now_of(p) + wait;
	turn(p);
}

void authenticity_probe_stop(struct authenticity_probe *p)
{
	timer_stop(&p->acknowledger->station->clock, &p->timer);
}
