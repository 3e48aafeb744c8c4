/* SPDX-License-Identifier: Apache-2.0
 * A poll by IMAP: the mailbox is opened, new mail is searched for by ranges, headers are looked at, mails are fetched
 * with BODY.PEEK one after the other, and marked once the caller has answered. UIDs name mails throughout; a mail that
 * is not the caller's is left as it was. See imap_inside.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "services/email/wire/imap_inside.h"
#include "station/base/must.h"

enum {
	WINDOW = 500,      /* mails looked through by one SEARCH: its answer fits a line */
	WINDOWS_MAX = 400, /* in one poll */
	HEADERS_AT_ONCE = 50,
};

static const char *peer(const struct retrieval *r)
{
	return line_peer(r->line);
}

static struct uid_set *seen(struct retrieval *r)
{
	return &r->memory->seen;
}

static const char *words(const struct retrieval *r, const struct imap_response *p, char buf[300])
{
	return retrieval_quote(r, p->text.text, p->text.length, buf);
}

/* --- the mailbox ---------------------------------------------------------------------------------------------------- */

void imap_select(struct retrieval *r)
{
	struct imap *i = imap_of(r);
	i->exists = i->uid_next = i->uid_validity = 0;
	imap_send(r, IMAP_SELECT, "SELECT INBOX", NULL);
}

static void selected(struct retrieval *r, const struct imap_response *p)
{
	struct imap *i = imap_of(r);
	struct retrieval_memory *m = r->memory;
	char text[300];
	if (p->status != IMAP_OK) {
		retrieval_fail(r, E_REFUSED, "%s does not open the mailbox INBOX: %s", peer(r), words(r, p, text));
		return;
	}
	if (i->uid_validity == 0) {
		retrieval_fail(r, E_PROTOCOL,
		               "%s gives its mails no lasting numbers (UIDVALIDITY), so they cannot be told apart.", peer(r));
		return;
	}
	i->read_only = imap_code_is(&p->code, "READ-ONLY");
	bool renumbered = m->uid_validity != 0 && m->uid_validity != i->uid_validity;
	bool restored = !renumbered && i->uid_next != 0 && uid_set_highest(seen(r)) >= i->uid_next;
	if (renumbered || restored || m->uid_validity == 0)
		m->seen = (struct uid_set){ .count = 0 };
	if (renumbered || restored)
		retrieval_said(r, LINE_NOTE, "the mailbox has been numbered anew: what was looked at is known by its content");
	m->uid_validity = i->uid_validity;
	i->opened = true;
	imap_search(r);
}

/* --- what is still to be done on the server ------------------------------------------------------------------------- */

/* The UID in "UIDVALIDITY:UID", 0 when it is of another time. */
static uint32_t current_uid(const struct retrieval *r, const char *name)
{
	char *end;
	unsigned long validity = strtoul(name, &end, 10);
	return validity == imap_of(r)->uid_validity && *end == ':' ? (uint32_t)strtoul(end + 1, NULL, 10) : 0;
}

static void store(struct retrieval *r, enum imap_command command, uint32_t uid, enum disposition d)
{
	static const char *const changes[] = {
		[MARK_SEEN] = "+FLAGS.SILENT (\\Seen)",
		[MARK_UNSEEN] = "-FLAGS.SILENT (\\Seen)",
		[DELETE] = "+FLAGS.SILENT (\\Deleted)",
	};
	char text[80];
	snprintf(text, sizeof text, "UID STORE %u %s", uid, changes[d]);
	imap_send(r, command, text, NULL);
}

/* Marks what was handled in an earlier poll and not confirmed; then searches. */
static void next_due(struct retrieval *r);

static void begin_scan(struct retrieval *r);

static void due_confirmed(struct retrieval *r)
{
	r->events->confirmed(r->context, r->memory->due[imap_of(r)->due++].uid);
	next_due(r);
}

static void next_due(struct retrieval *r)
{
	struct imap *i = imap_of(r);
	while (i->due < r->memory->due_count) {
		const struct retrieval_due *due = &r->memory->due[i->due];
		uint32_t uid = current_uid(r, due->uid);
		if (uid != 0 && due->disposition != LEAVE_ALONE && !i->read_only) {
			store(r, IMAP_DUE, uid, due->disposition);
			return;
		}
		if (uid == 0 || due->disposition == LEAVE_ALONE) /* it is not to be found under this name any more */
			r->events->confirmed(r->context, due->uid);
		i->due++;
	}
	begin_scan(r);
}

/* Deletes for good what carries \Deleted. Without UIDPLUS that would take other people's deleted mails along. */
static bool expunge(struct retrieval *r, enum imap_command command, uint32_t uid)
{
	char text[40];
	if (!imap_of(r)->can.uidplus) {
		retrieval_said(r, LINE_NOTE,
		               "mail %u stays marked as deleted: without UIDPLUS only the whole mailbox could be "
		               "cleaned up, with mails of others",
		               uid);
		return false;
	}
	snprintf(text, sizeof text, "UID EXPUNGE %u", uid);
	imap_send(r, command, text, NULL);
	return true;
}

static void due_done(struct retrieval *r, const struct imap_response *p)
{
	const struct retrieval_due *due = &r->memory->due[imap_of(r)->due];
	char text[300];
	if (p->status != IMAP_OK) {
		retrieval_trouble(r, "%s did not mark a mail that was handled: %s", peer(r), words(r, p, text));
		imap_of(r)->due++;
		next_due(r);
	} else if (imap_of(r)->command == IMAP_DUE_EXPUNGE || due->disposition != DELETE ||
	           !expunge(r, IMAP_DUE_EXPUNGE, current_uid(r, due->uid))) {
		due_confirmed(r);
	}
}

/* --- searching ------------------------------------------------------------------------------------------------------ */

void imap_search(struct retrieval *r)
{
	retrieval_begin_poll(r);
	r->summary.uid_validity = imap_of(r)->uid_validity;
	imap_of(r)->due = 0;
	imap_of(r)->missed = false;
	next_due(r);
}

static void search(struct retrieval *r, enum imap_command command, uint32_t low, uint32_t high, bool unread)
{
	char *set = uid_set_print(seen(r));
	char *text =
	    must_format("UID SEARCH %u:%u%s%s%s", low, high, unread ? " UNSEEN" : "", *set ? " NOT UID " : "", set);
	imap_of(r)->found_count = 0;
	imap_send(r, command, text, NULL);
	free(text);
	free(set);
}

static void search_window(struct retrieval *r, uint32_t high)
{
	struct imap *i = imap_of(r);
	i->high = high;
	i->low = high > WINDOW ? high - WINDOW + 1 : 1;
	i->windows++;
	search(r, IMAP_SEARCH, i->low, i->high, r->config->unread_only);
}

static void begin_scan(struct retrieval *r)
{
	struct imap *i = imap_of(r);
	i->windows = 0;
	i->news = false;
	i->low = 1;
	i->asked = 0;
	bool nothing_new = i->opened && i->uid_next != 0 && uid_set_covers(seen(r), i->uid_next - 1);
	i->opened = false; /* UIDNEXT was true then */
	if (i->exists == 0 || nothing_new)
		retrieval_next(r);
	else
		search_window(r, i->exists);
}

static void take_hits(struct retrieval *r, struct imap_tokens hits)
{
	struct imap *i = imap_of(r);
	struct imap_token t;
	uint32_t uid;
	if (!i->found)
		i->found = must_alloc(WINDOW * sizeof *i->found);
	while ((t = imap_next(&hits)).kind != IMAP_END) {
		if (!imap_number(&t, &uid) || uid == 0 || i->found_count == WINDOW) {
			retrieval_fail(r, E_PROTOCOL,
			               "%s answered a search with more mails than it was asked for, or with no UIDs.", peer(r));
			return;
		}
		i->found[i->found_count++] = uid;
	}
}

static int newest_first(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x < y) - (x > y);
}

static void ask_headers(struct retrieval *r);

/* A window was searched: its hits are candidates; below it there may be more. */
static void searched(struct retrieval *r)
{
	struct imap *i = imap_of(r);
	qsort(i->found, i->found_count, sizeof *i->found, newest_first);
	for (size_t k = 0; k < i->found_count; k++) {
		bool again = k > 0 && i->found[k] == i->found[k - 1];
		if (!again && !uid_set_has(seen(r), i->found[k]) &&
		    !retrieval_candidate(r, (struct candidate){ .number = i->found[k] }))
			break;
	}
	if (!r->summary.left && i->low > 1 && i->windows >= WINDOWS_MAX)
		r->summary.left = true;
	if (r->summary.left || i->low == 1)
		ask_headers(r);
	else if (seen(r)->count == 1 && seen(r)->ranges[0].low == 1) /* is the oldest of the window still a new one? */
		search(r, IMAP_PROBE, i->low, i->low, false);
	else
		search_window(r, i->low - 1);
}

static void probed(struct retrieval *r)
{
	if (imap_of(r)->found_count > 0)
		search_window(r, imap_of(r)->low - 1);
	else
		ask_headers(r);
}

/* --- headers -------------------------------------------------------------------------------------------------------- */

static struct candidate *candidate_of(struct retrieval *r, uint32_t uid)
{
	for (size_t k = 0; k < r->candidate_count; k++)
		if (r->candidates[k].number == uid)
			return &r->candidates[k];
	return NULL;
}

static int promising_first(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	if (x->promising != y->promising)
		return x->promising ? -1 : 1;
	return (x->number < y->number) - (x->number > y->number);
}

/* All headers are here. What has none is not there any more. */
static void order_candidates(struct retrieval *r)
{
	size_t kept = 0;
	for (size_t k = 0; k < r->candidate_count; k++) {
		if (r->candidates[k].sized)
			r->candidates[kept++] = r->candidates[k];
		else
			imap_of(r)->missed = true;
	}
	r->candidate_count = kept;
	qsort(r->candidates, kept, sizeof *r->candidates, promising_first);
	retrieval_next(r);
}

static void ask_headers(struct retrieval *r)
{
	static const char what[] =
	    " (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (IN-REPLY-TO REFERENCES CONTENT-TYPE)]<0.8192>)";
	struct imap *i = imap_of(r);
	char text[HEADERS_AT_ONCE * 11 + sizeof what + 16] = "UID FETCH ";
	size_t at = strlen(text), until = i->asked + HEADERS_AT_ONCE;
	if (i->asked >= r->candidate_count) {
		order_candidates(r);
		return;
	}
	for (const char *comma = ""; i->asked < r->candidate_count && i->asked < until; i->asked++, comma = ",")
		at += (size_t)snprintf(text + at, sizeof text - at, "%s%u", comma, r->candidates[i->asked].number);
	snprintf(text + at, sizeof text - at, "%s", what);
	imap_send(r, IMAP_HEADERS, text, NULL);
}

static void take_header(struct retrieval *r, const struct imap_fetch *f)
{
	struct candidate *c = f->has_uid ? candidate_of(r, f->uid) : NULL;
	if (!c || !f->has_size)
		return;
	c->size = f->size;
	c->sized = true;
	c->promising = f->has_body && retrieval_promises(f->body.text, f->body.length);
}

/* --- one mail ------------------------------------------------------------------------------------------------------- */

void imap_fetch(struct retrieval *r, const struct candidate *c, int64_t most)
{
	struct imap *i = imap_of(r);
	char text[80];
	int64_t limit = most > 0 ? most : r->config->size_limit > BEGINNING_SIZE ? r->config->size_limit : BEGINNING_SIZE;
	gathered_free(&i->body);
	i->has_body = false;
	i->limit = (uint64_t)limit;
	snprintf(text, sizeof text, "UID FETCH %u (UID BODY.PEEK[]<0.%lld>)", c->number, (long long)limit);
	imap_send(r, IMAP_FETCH, text, NULL);
}

/* A quoted string may stand for a mail, too: its backslashes go. */
static void take_body(struct retrieval *r, const struct imap_fetch *f)
{
	struct imap *i = imap_of(r);
	if (!f->has_uid || !f->has_body || f->uid != r->current->number || i->has_body)
		return;
	bool quoted = f->body.kind == IMAP_STRING && f->body.text[-1] == '"';
	i->has_body = f->body.length > 0;
	if (!quoted)
		gathered_add(&i->body, f->body.text, f->body.length);
	for (size_t k = 0; quoted && k < f->body.length; k++) {
		k += f->body.text[k] == '\\' && k + 1 < f->body.length;
		gathered_add(&i->body, f->body.text + k, 1);
	}
}

static void fetched(struct retrieval *r, const struct imap_response *p)
{
	struct imap *i = imap_of(r);
	char text[300];
	if (p->status != IMAP_OK || !i->has_body) {
		retrieval_trouble(r, "%s has not given mail %u, which it lists: %s", peer(r), r->current->number,
		                  words(r, p, text));
		i->missed = true;
		retrieval_next(r);
		return;
	}
	bool partial = i->body.length >= i->limit && r->current->size > i->limit;
	retrieval_deliver(r, must_format("%u:%u", i->uid_validity, r->current->number), &i->body, partial);
}

void imap_settle(struct retrieval *r, enum disposition d)
{
	struct imap *i = imap_of(r);
	uint32_t uid = r->current->number;
	uid_set_add(seen(r), uid, uid);
	i->disposition = d;
	if (d == LEAVE_ALONE) {
		retrieval_next(r);
	} else if (i->read_only) {
		retrieval_trouble(
		    r,
		    "%s opens this mailbox for reading only, so what was handled stays as it was. Give the account "
		    "the right to mark and delete, or set deliveryPolicy so that it need not.",
		    peer(r));
		retrieval_next(r);
	} else {
		store(r, IMAP_STORE, uid, d);
	}
}

static void stored(struct retrieval *r, const struct imap_response *p)
{
	struct imap *i = imap_of(r);
	char text[300];
	if (p->status != IMAP_OK) {
		retrieval_trouble(r, "%s did not %s a mail that was handled; it is tried again: %s", peer(r),
		                  i->disposition == DELETE ? "delete" : "mark", words(r, p, text));
	} else if (i->command == IMAP_STORE && i->disposition == DELETE && expunge(r, IMAP_EXPUNGE, r->current->number)) {
		return;
	} else {
		r->events->confirmed(r->context, r->waited);
	}
	retrieval_next(r);
}

/* --- the end -------------------------------------------------------------------------------------------------------- */

void imap_finish(struct retrieval *r)
{
	struct imap *i = imap_of(r);
	uint32_t highest = uid_set_highest(seen(r));
	if (i->uid_next > highest + 1)
		highest = i->uid_next - 1;
	if (!r->summary.left && !i->missed && highest > 0)
		uid_set_add(seen(r), 1, highest); /* all up to here was looked at, or was read by somebody else before */
	r->summary.seen = seen(r);
	if (r->config->idle && i->can.idle && !r->no_idle) {
		imap_rest(r);
		return;
	}
	imap_send(r, IMAP_AT_REST, "LOGOUT", NULL);
	retrieval_done(r, false);
}

/* --- answers -------------------------------------------------------------------------------------------------------- */

static void take_numbers(struct retrieval *r, const struct imap_response *p)
{
	uint32_t n;
	if (imap_code_number(&p->code, "UIDVALIDITY", &n))
		imap_of(r)->uid_validity = n;
	if (imap_code_number(&p->code, "UIDNEXT", &n))
		imap_of(r)->uid_next = n;
}

static void take_fetch(struct retrieval *r, const struct imap_response *p)
{
	struct imap_fetch f;
	if (!imap_fetch_read(p->rest, &f))
		retrieval_fail(r, E_PROTOCOL, "%s describes a mail in a way that IMAP does not know; nothing of it was taken.",
		               peer(r));
	else if (imap_of(r)->command == IMAP_HEADERS)
		take_header(r, &f);
	else if (imap_of(r)->command == IMAP_FETCH)
		take_body(r, &f);
}

void imap_poll_data(struct retrieval *r, struct imap_response *p)
{
	struct imap *i = imap_of(r);
	bool searching = i->command == IMAP_SEARCH || i->command == IMAP_PROBE;
	if (p->status == IMAP_OK && i->command == IMAP_SELECT) {
		take_numbers(r, p);
	} else if (p->status != IMAP_DATA) {
		return;
	} else if (p->numbered && imap_is(&p->name, "EXISTS")) {
		i->news = i->news || p->number > i->exists;
		i->exists = p->number;
		if (i->command == IMAP_IDLE)
			imap_idle_data(r);
	} else if (p->numbered && imap_is(&p->name, "EXPUNGE")) {
		i->exists -= i->exists > 0;
	} else if (p->numbered && imap_is(&p->name, "FETCH")) {
		take_fetch(r, p);
	} else if (!p->numbered && imap_is(&p->name, "SEARCH") && searching) {
		take_hits(r, p->rest);
	}
}

void imap_poll_done(struct retrieval *r, const struct imap_response *p)
{
	char text[300];
	bool searching = imap_of(r)->command == IMAP_SEARCH || imap_of(r)->command == IMAP_PROBE;
	if (p->status != IMAP_OK && (searching || imap_of(r)->command == IMAP_HEADERS)) {
		retrieval_fail(r, E_PROTOCOL, "%s does not search the mailbox: %s", peer(r), words(r, p, text));
		return;
	}
	switch (imap_of(r)->command) {
	case IMAP_SELECT:
		selected(r, p);
		break;
	case IMAP_DUE:
	case IMAP_DUE_EXPUNGE:
		due_done(r, p);
		break;
	case IMAP_SEARCH:
		searched(r);
		break;
	case IMAP_PROBE:
		probed(r);
		break;
	case IMAP_HEADERS:
		ask_headers(r);
		break;
	case IMAP_FETCH:
		fetched(r, p);
		break;
	case IMAP_STORE:
	case IMAP_EXPUNGE:
		stored(r, p);
		break;
	default:
		imap_idle_done(r, p);
	}
}
