/* SPDX-License-Identifier: Apache-2.0
 * Building a message as it goes over the wire (RFC 5322, MIME by GMime). No text of ours, wherever it came from, can add
 * a header: control characters become spaces before GMime sees them. Any
 * thread, after message_init. */
#ifndef BELFRY_EMAIL_MESSAGE_H
#define BELFRY_EMAIL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct message_address {
	const char *name, *address;
};
struct message_parts {
	struct message_address from, reply_to; /* reply_to.address may be empty */
	const struct message_address *to, *cc;
	size_t to_count, cc_count;
	const char *subject, *body, *message_id; /* message_id without <> */
	int64_t date;                            /* microseconds since 1970 */
	bool answers;                            /* it is the answer to somebody's mail (RFC 3834: auto-replied) */
	/* May be NULL: */
	const char *html;             /* the same in HTML: multipart/alternative */
	const char *in_reply_to;      /* Message-ID of the mail that began this conversation, without <> */
	const unsigned char *picture; /* a PNG image that the HTML refers to by MESSAGE_PICTURE */
	size_t picture_size;
	const char *csv, *csv_name; /* an attachment, and what its file is called */
	const char *results;        /* a field Authentication-Results, which only a probe bears (probe.h) */
	bool urgent;                /* Importance: high */
};
#define MESSAGE_PICTURE "trend@belfry" /* Content-ID of the picture, without <> */
/* Once, before anything else here. */
void message_init(void);
/* Owned text with CR LF lines of at most 998 bytes, not dot-stuffed. */
char *message_build(const struct message_parts *p, size_t *length);

/* Owned: the address as an envelope and a header carry it: a domain beyond ASCII as A-labels (RFC 5891); what stands
 * before the @ stays. */
char *message_envelope_address(const char *address);

#endif
