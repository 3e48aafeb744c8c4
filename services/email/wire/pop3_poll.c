/* SPDX-License-Identifier: Apache-2.0
 * A poll by POP3: UIDL first in every session, for numbers mean nothing beyond it; then sizes, then one mail after the
 * other. What is to be deleted is deleted by QUIT, and counts as deleted only after its +OK. See pop3_inside.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/email/wire/pop3_inside.h"
#include "station/base/must.h"

enum {
	MAILS_MAX = 100000, /* in a mailbox that we read */
	LINES_OF_BEGINNING = 1000,
	DROPPED_MAX = 1 << 20, /* what a mail may be longer than LIST said */
};

static const char *peer(const struct retrieval *r)
{
	return line_peer(r->line);
}

/* --- the mailbox ---------------------------------------------------------------------------------------------------- */

void pop3_open(struct retrieval *r)
{
	retrieval_begin_poll(r);
	pop3_send(r, POP3_STAT, "STAT", NULL);
}

static void answer_stat(struct retrieval *r, bool ok, const char *text, size_t length)
{
	struct pop3 *p = pop3_of(r);
	uint64_t octets;
	if (!ok || !pop3_pair(text, length, &p->count, &octets)) {
		p->count = 0;
		retrieval_fail(r, E_PROTOCOL, "%s does not tell how many mails there are (STAT).", peer(r));
	} else if (p->count > MAILS_MAX) {
		p->count = 0;
		retrieval_fail(r, E_PROTOCOL, "The mailbox holds more than %d mails. Clean it up, or read it by IMAP.",
		               MAILS_MAX);
	} else {
		p->mails = must_alloc((p->count + 1) * sizeof *p->mails);
		pop3_send(r, POP3_UIDL, "UIDL", NULL);
	}
}

static void take_uidl(struct retrieval *r, const char *text, size_t length)
{
	struct pop3 *p = pop3_of(r);
	char uidl[POP3_UIDL_SIZE];
	uint32_t n;
	if (!pop3_uidl(text, length, &n, uidl)) {
		retrieval_trouble(r, "%s gives a mail no name that can be used (UIDL); it is not read.", peer(r));
		return;
	}
	if (n > p->count || p->mails[n - 1].uidl)
		return;
	p->mails[n - 1].uidl = must_strdup(uidl);
}

static void take_size(struct retrieval *r, const char *text, size_t length)
{
	struct pop3 *p = pop3_of(r);
	uint64_t octets;
	uint32_t n;
	if (pop3_pair(text, length, &n, &octets) && n > 0 && n <= p->count)
		p->mails[n - 1].size = octets;
}

/* --- names ---------------------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_mail_name(const void *a, const void *b)
{
	const struct pop3_mail *const *x = a, *const *y = b;
	int order = strcmp((*x)->uidl, (*y)->uidl);
	return order ? order : (*x > *y) - (*x < *y);
}

/* The mails that have a name, in the order of names; owned array. */
static struct pop3_mail **sorted(struct pop3 *p, size_t *count)
{
	struct pop3_mail **list = must_alloc((p->count + 1) * sizeof *list);
	*count = 0;
	for (uint32_t i = 0; i < p->count; i++)
		if (p->mails[i].uidl)
			list[(*count)++] = &p->mails[i];
	qsort(list, *count, sizeof *list, by_mail_name);
	return list;
}

/* Two mails may have one name, when they are copies: the second becomes NAME#2. */
static void name_copies(struct pop3 *p)
{
	size_t count;
	struct pop3_mail **list = sorted(p, &count);
	for (size_t i = 0, first = 0; i < count; i++) {
		if (i == 0 || strcmp(list[first]->uidl, list[i]->uidl) != 0) {
			first = i;
			continue;
		}
		char *name = must_format("%.60s#%zu", list[i]->uidl, i - first + 1);
		free(list[i]->uidl);
		list[i]->uidl = name;
	}
	free(list);
}

/* What was remembered and is not listed any more. */
static void find_gone(struct retrieval *r)
{
	struct pop3 *p = pop3_of(r);
	const struct retrieval_memory *m = r->memory;
	size_t count, at = 0;
	struct pop3_mail **list = sorted(p, &count);
	p->gone = must_alloc((m->uidl_count + 1) * sizeof *p->gone);
	for (size_t i = 0; i < m->uidl_count; i++) {
		while (at < count && strcmp(list[at]->uidl, m->uidls[i]) < 0)
			at++;
		if (at == count || strcmp(list[at]->uidl, m->uidls[i]) != 0)
			p->gone[r->summary.gone_count++] = m->uidls[i];
	}
	r->summary.gone = p->gone;
	free(list);
}

static bool known(const struct retrieval *r, const char *uidl)
{
	const struct retrieval_memory *m = r->memory;
	return m->uidl_count > 0 && bsearch(&uidl, m->uidls, m->uidl_count, sizeof *m->uidls, by_name);
}

static uint32_t number_of(const struct pop3 *p, const char *uidl)
{
	for (uint32_t i = 0; i < p->count; i++)
		if (p->mails[i].uidl && strcmp(p->mails[i].uidl, uidl) == 0)
			return i + 1;
	return 0;
}

/* --- deleting ------------------------------------------------------------------------------------------------------- */

static void will_be_deleted(struct retrieval *r, const char *uidl)
{
	struct pop3 *p = pop3_of(r);
	p->deleted = must_realloc(p->deleted, (p->deleted_count + 1) * sizeof *p->deleted);
	p->deleted[p->deleted_count++] = must_strdup(uidl);
}

static void delete (struct retrieval *r, enum pop3_command command, uint32_t number)
{
	char text[24];
	snprintf(text, sizeof text, "DELE %u", number);
	pop3_send(r, command, text, NULL);
}

static void gather_candidates(struct retrieval *r);

/* Deletes what was handled in an earlier session and not confirmed. */
static void next_due(struct retrieval *r)
{
	struct pop3 *p = pop3_of(r);
	for (; p->due < r->memory->due_count; p->due++) {
		const struct retrieval_due *due = &r->memory->due[p->due];
		uint32_t number = due->disposition == DELETE ? number_of(p, due->uid) : 0;
		if (number > 0) {
			delete (r, POP3_DUE, number);
			return;
		}
		r->events->confirmed(r->context, due->uid);
	}
	gather_candidates(r);
}

static void answer_dele(struct retrieval *r, bool ok, const char *text, size_t length, const char *uidl)
{
	char words[300];
	if (ok)
		will_be_deleted(r, uidl);
	else
		retrieval_trouble(r, "%s did not delete a mail that was handled; it is tried again: %s", peer(r),
		                  retrieval_quote(r, text, length, words));
}

/* --- fetching ------------------------------------------------------------------------------------------------------- */

static void gather_candidates(struct retrieval *r)
{
	const struct pop3 *p = pop3_of(r);
	for (uint32_t n = p->count; n > 0; n--) {
		const struct pop3_mail *mail = &p->mails[n - 1];
		if (mail->uidl && !known(r, mail->uidl) &&
		    !retrieval_candidate(r, (struct candidate){ .number = n, .size = mail->size, .sized = true }))
			break;
	}
	retrieval_next(r);
}

void pop3_fetch(struct retrieval *r, const struct candidate *c, int64_t most)
{
	struct pop3 *p = pop3_of(r);
	char text[40];
	int64_t limit = r->config->size_limit > BEGINNING_SIZE ? r->config->size_limit : BEGINNING_SIZE;
	gathered_free(&p->mail);
	p->most = (size_t)(most > 0 ? most : limit);
	p->dropped = 0;
	int64_t lines = most > 0 ? LINES_OF_BEGINNING
	    : c->sized           ? (int64_t)c->size
	                         : limit; /* no mail has more lines than bytes */
	if (p->can.top)         /* servers take a mail for read after RETR, and here lie other people's */
		snprintf(text, sizeof text, "TOP %u %lld", c->number, (long long)lines);
	else
		snprintf(text, sizeof text, "RETR %u", c->number);
	pop3_send(r, POP3_RETR, text, NULL);
}

void pop3_poll_bytes(struct retrieval *r, const char *data, size_t length)
{
	struct pop3 *p = pop3_of(r);
	size_t room = p->most - p->mail.length, n = length < room ? length : room;
	if (p->command != POP3_RETR)
		return;
	gathered_add(&p->mail, data, n);
	p->dropped += length - n;
	if (p->dropped > r->current->size + DROPPED_MAX)
		retrieval_fail(r, E_PROTOCOL, "%s sends a mail without end; it was given up.", peer(r));
}

static void answer_retr(struct retrieval *r, bool ok, const char *text, size_t length)
{
	char words[300];
	if (ok) {
		pop3_of(r)->listing = true;
		line_split(r->line, true);
		return;
	}
	retrieval_trouble(r, "%s has not given a mail that it lists; it is asked for again: %s", peer(r),
	                  retrieval_quote(r, text, length, words));
	retrieval_next(r);
}

static void fetched(struct retrieval *r)
{
	struct pop3 *p = pop3_of(r);
	line_split(r->line, false);
	bool partial = p->dropped > 0 || p->most < r->current->size;
	retrieval_deliver(r, must_strdup(p->mails[r->current->number - 1].uidl), &p->mail, partial);
}

void pop3_settle(struct retrieval *r, enum disposition d)
{
	if (d == DELETE) {
		delete (r, POP3_DELE, r->current->number);
		return;
	}
	if (d != LEAVE_ALONE) /* POP3 has no marks: there is nothing to do */
		r->events->confirmed(r->context, r->waited);
	retrieval_next(r);
}

/* --- the end -------------------------------------------------------------------------------------------------------- */

void pop3_finish(struct retrieval *r)
{
	pop3_send(r, POP3_QUIT, "QUIT", NULL);
}

static void answer_quit(struct retrieval *r, bool ok, const char *text, size_t length)
{
	struct pop3 *p = pop3_of(r);
	char words[300];
	for (size_t i = 0; ok && i < p->deleted_count; i++)
		r->events->confirmed(r->context, p->deleted[i]);
	if (!ok)
		retrieval_trouble(r, "%s has not deleted what was handled; it is tried again: %s", peer(r),
		                  retrieval_quote(r, text, length, words));
	retrieval_done(r, false);
}

/* --- answers -------------------------------------------------------------------------------------------------------- */

void pop3_poll_reply(struct retrieval *r, bool ok, const char *text, size_t length)
{
	struct pop3 *p = pop3_of(r);
	switch (p->command) {
	case POP3_STAT:
		answer_stat(r, ok, text, length);
		break;
	case POP3_UIDL:
		if (ok)
			p->listing = true;
		else
			retrieval_fail(r, E_PROTOCOL,
			               "%s gives its mails no names (UIDL), so new ones cannot be told from old ones; nothing was "
			               "read.",
			               peer(r));
		break;
	case POP3_LIST:
		if (ok)
			p->listing = true;
		else
			retrieval_fail(r, E_PROTOCOL, "%s does not list its mails (LIST).", peer(r));
		break;
	case POP3_DUE:
		answer_dele(r, ok, text, length, r->memory->due[p->due++].uid);
		next_due(r);
		break;
	case POP3_RETR:
		answer_retr(r, ok, text, length);
		break;
	case POP3_DELE:
		answer_dele(r, ok, text, length, r->waited);
		retrieval_next(r);
		break;
	default:
		answer_quit(r, ok, text, length);
	}
}

void pop3_poll_line(struct retrieval *r, const char *text, size_t length)
{
	if (pop3_of(r)->command == POP3_UIDL) {
		take_uidl(r, text, length);
	} else if (pop3_of(r)->command == POP3_LIST) {
		take_size(r, text, length);
	} else {
		pop3_poll_bytes(r, text, length);
		if (r->line)
			pop3_poll_bytes(r, "\r\n", 2);
	}
}

void pop3_poll_end(struct retrieval *r)
{
	switch (pop3_of(r)->command) {
	case POP3_UIDL:
		name_copies(pop3_of(r));
		find_gone(r);
		pop3_send(r, POP3_LIST, "LIST", NULL);
		break;
	case POP3_LIST:
		next_due(r);
		break;
	default:
		fetched(r);
	}
}

void pop3_poll_reset(struct pop3 *p)
{
	for (uint32_t i = 0; p->mails && i < p->count; i++)
		free(p->mails[i].uidl);
	for (size_t i = 0; i < p->deleted_count; i++)
		free(p->deleted[i]);
	free(p->mails);
	free(p->deleted);
	free(p->gone);
	gathered_free(&p->mail);
}
