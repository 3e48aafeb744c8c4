/* SPDX-License-Identifier: Apache-2.0
 * UTF-8 from strangers: see peer_text.h. */
#include "services/email/wire/peer_text.h"

#include <ctype.h>
#include <string.h>

/* Length of the UTF-8 character at p, 0 when it is none. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
	size_t n = p[0] < 0x80            ? 1
	    : p[0] >= 0xC2 && p[0] < 0xE0 ? 2
	    : p[0] >= 0xE0 && p[0] < 0xF0 ? 3
	    : p[0] >= 0xF0 && p[0] < 0xF5 ? 4
	                                  : 0;
	if (n == 0 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) || (p[0] == 0xF0 && p[1] < 0x90) ||
	    (p[0] == 0xF4 && p[1] > 0x8F))
		return 0;
	return n;
}

void peer_text(char *to, size_t size, const char *from, size_t length)
{
	size_t at = 0;
	for (size_t i = 0; i < length;) {
		const unsigned char *p = (const unsigned char *)from + i;
		size_t n = utf8_length(p, length - i);
		if (at + (n ? n : 1) >= size)
			break;
		if (n > 1 && !(p[0] == 0xC2 && p[1] < 0xA0)) { /* U+0080 to U+009F are control characters too */
			memcpy(to + at, p, n);
			at += n;
		} else {
			to[at++] = n == 0 ? '?' : n > 1 || iscntrl(p[0]) ? ' ' : (char)p[0];
		}
		i += n ? n : 1;
	}
	to[at] = '\0';
}
