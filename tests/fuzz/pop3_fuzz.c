/* SPDX-License-Identifier: Apache-2.0
 * Whatever a POP3 server says, line by line: every reader looks at each line. */
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "services/email/wire/peer_text.h"
#include "services/email/wire/pop3_reply.h"
#include "station/base/must.h"

static void read_line(const char *line, size_t length, struct pop3_capabilities *can)
{
	char uidl[POP3_UIDL_SIZE], stamp[64], shown[64];
	const char *text;
	uint32_t n;
	uint64_t octets;
	if (pop3_status(line, length, &text) != POP3_WRONG) {
		must(text >= line && text <= line + length);
		pop3_code_is(text, length - (size_t)(text - line), "SYS");
	}
	if (pop3_pair(line, length, &n, &octets))
		must(n <= POP3_NUMBER_MAX);
	if (pop3_uidl(line, length, &n, uidl))
		must(n > 0 && strlen(uidl) > 0 && strlen(uidl) < sizeof uidl);
	if (pop3_stamp(line, length, stamp, sizeof stamp))
		must(strlen(stamp) < sizeof stamp);
	pop3_is_end(line, length);
	pop3_capability(can, line, length);
	must(strlen(can->mechanisms.names) < sizeof can->mechanisms.names);
	peer_text(shown, sizeof shown, line, length);
	must(g_utf8_validate(shown, -1, NULL));
}

int pop3_fuzz(const uint8_t *data, size_t size);
int pop3_fuzz(const uint8_t *data, size_t size)
{
	struct pop3_capabilities can = { .stls = false };
	const char *at = (const char *)data, *end = at + size;
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((stop ? stop : end) - at);
		char *line = must_alloc(length + 1); /* of its very size, so that a byte too far is seen */
		memcpy(line, at, length);
		read_line(line, length, &can);
		free(line);
		at += length + 1;
	}
	return 0;
}
