/* SPDX-License-Identifier: Apache-2.0
 * The digest: alarm mails that a cap has held back become one mail to the same people, a list of what happened, written
 * like every mail when it goes (content/letter_digest.c). The single mails are closed as `digested` in the same
 * transaction; each names the digest that it went into. See outbox.h. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/email/content/render.h"
#include "station/base/log.h"
#include "station/base/must.h"

/* --- what belongs together -------------------------------------------------------------------------------------------- */

struct candidate {
	uint64_t people; /* hash of who gets it */
	struct outgoing *mail;
};

static uint64_t hash_text(uint64_t h, const char *text)
{
	do
		h = (h ^ (unsigned char)*text) * 1099511628211u; /* FNV-1a */
	while (*text++);
	return h;
}

static uint64_t hash_people(const struct outgoing *o)
{
	uint64_t h = (14695981039346656037u + (uint64_t)o->mail.encryption) ^ (uint64_t)o->mail.recipient;
	for (size_t i = 0; i < o->count; i++)
		h = hash_text(h + (uint64_t)o->deliveries[i].field, o->deliveries[i].address);
	return h;
}

static bool same_people(const struct outgoing *a, const struct outgoing *b)
{
	bool same = a->count == b->count && a->mail.recipient == b->mail.recipient && /* in one's words */
	    a->mail.encryption == b->mail.encryption;                                 /* one protects them all */
	for (size_t i = 0; same && i < a->count; i++)
		same = a->deliveries[i].field == b->deliveries[i].field &&
		    strcmp(a->deliveries[i].address, b->deliveries[i].address) == 0;
	return same;
}

/* Only alarm mails that nobody has been tried with: a digest must not bring anything twice. */
static bool may_be_summed_up(const struct outgoing_account *a, const struct outgoing *o)
{
	bool may = o->mail.kind == MAIL_ALARM && o->mail.priority > a->lifeSafetyPriority;
	for (size_t i = 0; i < o->count; i++)
		may &= o->deliveries[i].open && o->deliveries[i].attempts == 0;
	return may;
}

static int by_people(const void *pa, const void *pb)
{
	const struct candidate *a = pa, *b = pb;
	if (a->people != b->people)
		return a->people < b->people ? -1 : 1;
	return mail_more_urgent(a->mail, b->mail) ? -1 : 1;
}

/* The first group of two or more among the sorted candidates; how many, *from where. */
static size_t find_group(const struct candidate *c, size_t count, size_t *from)
{
	for (size_t i = 0; i + 1 < count; i++) {
		size_t n = 1;
		while (i + n < count && n < DIGEST_MAX && c[i + n].people == c[i].people &&
		       same_people(c[i].mail, c[i + n].mail))
			n++;
		if (n > 1) {
			*from = i;
			return n;
		}
	}
	return 0;
}

/* --- the digest ------------------------------------------------------------------------------------------------------- */

struct digest {
	struct station *station;
	uint64_t account;
	char id[37];
	size_t count;
	struct outgoing *mails[DIGEST_MAX]; /* owned */
};

static void add_mail(struct digest *d, struct outgoing_account *a, struct store_tx *tx)
{
	const struct outgoing *first = d->mails[0];
	struct preferences p;
	recipient_preferences(d->station, (uint64_t)first->mail.recipient, &p);
	struct draft_recipient people[SMTP_RECIPIENTS_MAX];
	must(first->count <= SMTP_RECIPIENTS_MAX);
	for (size_t i = 0; i < first->count; i++)
		people[i] = (struct draft_recipient){ first->deliveries[i].name, first->deliveries[i].address,
			                                  (enum mail_field)first->deliveries[i].field };
	struct letter letter = { .language = NULL };
	char *data = digest_keep(d->mails, d->count);
	must(letter_digest(d->station, &p, data, &letter) == 0);
	struct draft draft = { .kind = MAIL_DIGEST,
		                   .subject = letter.subject,
		                   .body = letter.text,
		                   .alarm = "",
		                   .recipient = first->deliveries[0].recipient,
		                   .data = data,
		                   .recipient_handle = (uint64_t)first->mail.recipient,
		                   .priority = first->mail.priority,
		                   .encryption = (enum mail_encryption)first->mail.encryption,
		                   .to = people,
		                   .count = first->count };
	outbox_add(d->station, a, NULL, tx, &draft, d->id);
	letter_finish(&letter);
	free(data);
}

/* The single mails are done with: memory knows the digest, even when the disk does not. */
static void written(void *context, int code, const struct err *e)
{
	struct digest *d = context;
	struct component *c = station_by_handle(d->station, d->account);
	struct outgoing_account *a = component_is(c, &email_outgoing_account) ? (struct outgoing_account *)c : NULL;
	if (code != 0)
		log_error("a digest of %zu mails could not be written and is sent from memory: %s", d->count, e->text);
	for (size_t i = 0; i < d->count; i++) {
		ledger_tell(d->station, d->mails[i]);
		outgoing_free(d->mails[i]);
	}
	if (a) {
		a->outbox.writing--;
		a->outbox.caps.digesting = false;
		account_show_queue(a, -(int64_t)d->count);
		outbox_pump(a);
	}
	free(d);
}

static void write_digest(struct outgoing_account *a, struct digest *d)
{
	struct store_tx *tx = store_tx_new();
	add_mail(d, a, tx);
	char *text = must_format("Held back, and summed up in mail %s.", d->id);
	for (size_t i = 0; i < d->count; i++) {
		ledger_set_text(&d->mails[i]->mail.digest, d->id);
		ledger_close(d->station, tx, d->mails[i], MAIL_DIGESTED, text);
	}
	free(text);
	a->outbox.caps.digesting = true;
	a->outbox.writing++;
	store_commit(d->station->store, tx, written, d);
}

/* Takes those mails out of the queue. */
static void take_out(struct mail_heap *ready, const struct digest *d)
{
	struct mail_heap rest = { .before = ready->before };
	for (size_t i = 0; i < d->count; i++)
		d->mails[i]->leaving = true;
	for (size_t i = 0; i < ready->count; i++)
		if (!ready->items[i]->leaving)
			mail_heap_push(&rest, ready->items[i]);
	free(ready->items);
	*ready = rest;
}

bool digest_held(struct outgoing_account *a)
{
	struct mail_heap *ready = &a->outbox.ready;
	struct candidate *all = must_alloc((ready->count + 1) * sizeof *all);
	size_t count = 0, from = 0;
	for (size_t i = 0; i < ready->count; i++)
		if (may_be_summed_up(a, ready->items[i]))
			all[count++] = (struct candidate){ hash_people(ready->items[i]), ready->items[i] };
	qsort(all, count, sizeof *all, by_people);
	size_t n = find_group(all, count, &from);
	if (n > 0) {
		struct digest *d = must_alloc(sizeof *d);
		*d = (struct digest){ .station = a->account.c.station, .account = a->account.c.handle, .count = n };
		for (size_t i = 0; i < n; i++)
			d->mails[i] = all[from + i].mail;
		take_out(ready, d);
		write_digest(a, d);
	}
	free(all);
	return n > 0;
}
