/* SPDX-License-Identifier: Apache-2.0
 * IMAP4rev1 responses (RFC 3501 section 9) cut into tokens and read: strict, bounded, in one pass, without memory of its
 * own. Pure functions over bytes that a stranger sent; any thread.
 * A response is its lines joined by CRLF, without the last one; a literal stands in it as it came: "{3}" CRLF "abc". */
#ifndef BELFRY_EMAIL_IMAP_TOKEN_H
#define BELFRY_EMAIL_IMAP_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "services/email/wire/sasl.h"

enum {
	IMAP_DEPTH_MAX = 32,    /* of lists in lists */
	IMAP_PIECES_MAX = 20000 /* of tokens in one value that is skipped */
};

enum imap_kind { IMAP_END, IMAP_OPEN, IMAP_CLOSE, IMAP_ATOM, IMAP_STRING, IMAP_BROKEN };
/* Borrowed from the response. A string is without its quotes or its length; a quoted one may hold backslashes. */
struct imap_token {
	enum imap_kind kind;
	const char *text;
	size_t length;
};
/* What is left to read. After IMAP_BROKEN only IMAP_BROKEN comes. */
struct imap_tokens {
	const char *at, *end;
	bool broken;
};
struct imap_tokens imap_tokens(const char *text, size_t length);
struct imap_token imap_next(struct imap_tokens *t);
/* Reads past one value, a whole list when it is one. False: broken, too deep, or nothing is left. */
bool imap_skip(struct imap_tokens *t);
/* Is it this word, whatever the case? */
bool imap_is(const struct imap_token *t, const char *word);
/* An unsigned 32-bit number (RFC 3501: number). */
bool imap_number(const struct imap_token *t, uint32_t *number);

/* Does a line end in "{n}", so that n bytes follow it? Not within quotes, and not in what is meant for people. first: it
 * begins a response. False and broken: it does, but not as the grammar wants it. */
bool imap_literal(const char *line, size_t length, bool first, uint64_t *bytes, bool *broken);

enum imap_sort { IMAP_UNTAGGED, IMAP_TAGGED, IMAP_CONTINUE };
enum imap_status { IMAP_DATA, IMAP_OK, IMAP_NO, IMAP_BAD, IMAP_BYE, IMAP_PREAUTH };
struct imap_response {
	enum imap_sort sort;
	enum imap_status status;
	struct imap_token tag;  /* TAGGED */
	struct imap_token code; /* of a status: what stands in [ ]; length 0 without */
	struct imap_token text; /* of a status or CONTINUE: for people */
	uint32_t number;        /* of DATA: "* 3 EXISTS" */
	bool numbered;
	struct imap_token name;  /* of DATA: EXISTS, FETCH, SEARCH, CAPABILITY ... */
	struct imap_tokens rest; /* of DATA: behind the name */
};
/* False when it is no IMAP response. */
bool imap_response_read(const char *text, size_t length, struct imap_response *r);
/* "UIDNEXT" of "UIDNEXT 4392": the number behind a word of a response code. */
bool imap_code_number(const struct imap_token *code, const char *word, uint32_t *number);
bool imap_code_is(const struct imap_token *code, const char *word);

/* What a FETCH response tells; what else it holds is skipped. */
struct imap_fetch {
	bool has_uid, has_size, has_flags, has_body;
	uint32_t uid, size;
	bool seen, deleted;
	struct imap_token body; /* of the first BODY[...]; NIL gives length 0 */
};
bool imap_fetch_read(struct imap_tokens rest, struct imap_fetch *f);

struct imap_capabilities {
	bool imap4rev1, starttls, login_disabled, idle, uidplus, sasl_ir;
	struct sasl_offer mechanisms; /* of AUTH= */
};
/* Takes one word of a CAPABILITY response or code. */
void imap_capability(struct imap_capabilities *c, const struct imap_token *word);

#endif
