/* SPDX-License-Identifier: Apache-2.0
 * Whatever an IMAP server says: literals, responses, FETCH data, capabilities, sets of UIDs. What is read of it lies within
 * what was sent. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "services/email/wire/imap_token.h"
#include "services/email/wire/uid_set.h"
#include "station/base/must.h"

static void within(const struct imap_token *t, const char *text, size_t length)
{
	must(t->length == 0 || (t->text >= text && t->text + t->length <= text + length));
}

static void read_response(const char *text, size_t length)
{
	struct imap_response r;
	struct imap_fetch f;
	struct imap_capabilities can = { .idle = false };
	uint32_t n;
	if (!imap_response_read(text, length, &r))
		return;
	within(&r.tag, text, length);
	within(&r.code, text, length);
	within(&r.text, text, length);
	imap_code_number(&r.code, "UIDNEXT", &n);
	if (r.status != IMAP_DATA || r.sort != IMAP_UNTAGGED)
		return;
	within(&r.name, text, length);
	if (imap_fetch_read(r.rest, &f) && f.has_body)
		within(&f.body, text, length);
	struct imap_tokens skipped = r.rest;
	while (imap_skip(&skipped))
		;
	for (struct imap_token t; (t = imap_next(&r.rest)).kind != IMAP_END && t.kind != IMAP_BROKEN;) {
		within(&t, text, length);
		imap_capability(&can, &t);
	}
	must(strlen(can.mechanisms.names) < sizeof can.mechanisms.names);
}

static void read_set(const char *text)
{
	struct uid_set set, again;
	if (!uid_set_parse(&set, text))
		return;
	char *printed = uid_set_print(&set);
	must(uid_set_parse(&again, printed) && again.count == set.count && strlen(printed) < 1500);
	for (size_t i = 1; i < set.count; i++)
		must(set.ranges[i].low > set.ranges[i - 1].high + 1);
	free(printed);
}

int imap_fuzz(const uint8_t *data, size_t size);
int imap_fuzz(const uint8_t *data, size_t size)
{
	char *copy = must_alloc(size + 1); /* of its very size, so that a byte too far is seen */
	uint64_t bytes;
	bool broken;
	memcpy(copy, data, size);
	imap_literal(copy, size, true, &bytes, &broken);
	imap_literal(copy, size, false, &bytes, &broken);
	read_response(copy, size);
	read_set(copy);
	free(copy);
	return 0;
}
