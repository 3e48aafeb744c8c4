/* SPDX-License-Identifier: Apache-2.0
 * The order of mails: a binary heap. The more urgent alarm overtakes; among equals the older mail goes first. */
#include <stdlib.h>

#include "services/email/outbox/outbox.h"
#include "station/base/must.h"

bool mail_more_urgent(const struct outgoing *a, const struct outgoing *b)
{
	return a->mail.priority != b->mail.priority ? a->mail.priority < b->mail.priority
	                                            : a->mail.sequence < b->mail.sequence;
}

bool mail_due_earlier(const struct outgoing *a, const struct outgoing *b)
{
	return a->due < b->due;
}

void mail_heap_push(struct mail_heap *h, struct outgoing *o)
{
	if (h->count == h->capacity) {
		h->capacity = h->capacity ? 2 * h->capacity : 16;
		h->items = must_realloc(h->items, h->capacity * sizeof *h->items);
	}
	size_t at = h->count++;
	while (at > 0 && h->before(o, h->items[(at - 1) / 2])) {
		h->items[at] = h->items[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	h->items[at] = o;
}

struct outgoing *mail_heap_first(const struct mail_heap *h)
{
	return h->count ? h->items[0] : NULL;
}

struct outgoing *mail_heap_pop(struct mail_heap *h)
{
	if (h->count == 0)
		return NULL;
	struct outgoing *first = h->items[0], *last = h->items[--h->count];
	size_t at = 0, child;
	while ((child = 2 * at + 1) < h->count) {
		if (child + 1 < h->count && h->before(h->items[child + 1], h->items[child]))
			child++;
		if (!h->before(h->items[child], last))
			break;
		h->items[at] = h->items[child];
		at = child;
	}
	h->items[at] = last; /* of an empty heap: never looked at */
	return first;
}

void mail_heap_free(struct mail_heap *h)
{
	for (size_t i = 0; i < h->count; i++)
		outgoing_free(h->items[i]);
	free(h->items);
	h->items = NULL;
	h->count = h->capacity = 0;
}
