/* SPDX-License-Identifier: Apache-2.0
 * Whatever a server says: replies, capabilities, queue ids. What is kept of it must be text that can be shown. */
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "services/email/wire/smtp_reply.h"
#include "station/base/must.h"

static void judge(const struct smtp_reply *r)
{
	char shown[SMTP_PRINT_MAX], id[64];
	must(memchr(r->text, '\0', sizeof r->text) && g_utf8_validate(r->text, -1, NULL));
	for (const char *p = r->text; *p; p++)
		must((unsigned char)*p >= ' ' && *p != 0x7f);
	must(memchr(r->enhanced, '\0', sizeof r->enhanced) && r->code >= 200 && r->code < 600);
	must(strlen(smtp_reply_print(r, shown)) < sizeof shown);
	smtp_queue_id(r->text, id, sizeof id);
	must(strlen(id) < sizeof id);
}

int smtp_reply_fuzz(const uint8_t *data, size_t size);
int smtp_reply_fuzz(const uint8_t *data, size_t size)
{
	struct smtp_reply reply = { .code = 0 };
	struct smtp_capabilities can = { .auth = false };
	const char *at = (const char *)data, *end = at + size;
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((stop ? stop : end) - at);
		char *line = must_alloc(length + 1); /* of its very size, so that a byte too far is seen */
		struct err e;
		memcpy(line, at, length);
		if (smtp_reply_take(&reply, line, length, &e) == 0)
			judge(&reply);
		smtp_capability(&can, line);
		must(strlen(can.mechanisms.names) < sizeof can.mechanisms.names);
		free(line);
		at += length + 1;
	}
	return 0;
}
