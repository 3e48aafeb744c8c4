/* SPDX-License-Identifier: Apache-2.0
 * What the reader's child hands out of a mail: the headers that matter, the first text, what a bounce reports. Everything
 * in it was written by a stranger: texts are valid UTF-8 without control characters and bounded, and nothing more is
 * promised. One slot table: it travels from the child as JSON, and through the topic `received` as a struct value. */
#ifndef BELFRY_EMAIL_PARSED_MAIL_H
#define BELFRY_EMAIL_PARSED_MAIL_H

#include "station/store/record.h"

/* Limits; a mail beyond one of them is refused as a whole (facts: R4). Bytes, except where said. */
enum {
	MAIL_KB_MAX = 25000,
	MAIL_BYTES_MAX = MAIL_KB_MAX * 1024, /* what an account may ask for: incomingEmailSizeLimit */
	MAIL_HEADER_BYTES_MAX = 64 * 1024,   /* of one header block */
	MAIL_HEADERS_MAX = 256,              /* fields of one header block */
	MAIL_ADDRESSES_MAX = 64,             /* of one address field */
	MAIL_PARAMETERS_MAX = 64,            /* of one field */
	MAIL_LEVELS_MAX = 16,                /* parts within parts */
	MAIL_PARTS_MAX = 64,
	MAIL_TEXT_MAX = 64 * 1024, /* of the first text that is handed out; what is longer is cut */
	MAIL_FIELD_MAX = 2048,     /* of a header that is handed out; what is longer is cut */
	MAIL_LIST_MAX = 64         /* items of each list; further ones are left out */
};

struct parsed_mail {
	struct list from;            /* addresses of all From fields, domain in lower case */
	int64_t fromFields;          /* how many From fields there are; an honest mail has one */
	bool fromPlain;              /* every From is one mailbox without groups, routes, NULs or encoded tricks */
	struct list to;              /* addresses of To, Cc, Delivered-To, X-Original-To, Envelope-To */
	char *subject;               /* decoded */
	char *messageId, *inReplyTo; /* without <> */
	struct list references;      /* without <>, oldest first */
	struct abstime date;         /* what the sender claims; ABSTIME_NULL when it is none */
	char *automatic;             /* why no person wrote it ("Auto-Submitted: auto-replied"); empty: nothing says so */
	char *returnPath;            /* "<>" for a bounce; empty: the server has added none */
	struct list trace;           /* Received and Authentication-Results as they stand, "Name: value", topmost first */
	char *text;                  /* the first text part, quotes included; lines end with \n */
	bool report;                 /* a multipart/report about delivery (RFC 3464) */
	char *reportedId;            /* Message-ID of the mail that the report is about, without <> */
	struct list reports;         /* {finalRecipient, action, status, diagnostic} for each address of the report */
};
extern const struct slot parsed_mail_slots[];
extern const struct record_kind parsed_mail_kind; /* no table of the store: only its slots are used */

/* Members of an item of reports, by index. */
enum {
	REPORT_FINAL_RECIPIENT,
	REPORT_ACTION,
	REPORT_STATUS,
	REPORT_DIAGNOSTIC,
	REPORT_ORIGINAL_RECIPIENT,
	REPORT_MEMBERS
};

/* Fills a zeroed or initialised *m from the child's JSON, which is checked against the table. 0, or E_PROTOCOL; m is to be
 * finished with record_finish either way. */
int parsed_mail_from_json(const json_t *json, struct parsed_mail *m, struct err *e);
/* The same from the argument of the topic `received`; *m must hold nothing. False: it is no such struct. */
bool parsed_mail_from_value(const struct value *v, struct parsed_mail *m);
/* Adds a text to a list of texts, up to MAIL_LIST_MAX; copies. */
void parsed_mail_add(struct list *list, const char *text);
/* Adds a recipient to reports. */
void parsed_mail_add_report(struct parsed_mail *m, const char *const members[REPORT_MEMBERS]);
/* Sets a text field; copies. */
void parsed_mail_set(char **field, const char *text);

/* Parses a whole message (RFC 5322). Only in the child, in tests and in the fuzzer: it reads hostile bytes. 0 or E_INVALID
 * with the limit that it breaks; m (zeroed) is to be finished either way. g_mime_init was called. */
int mail_parse(const char *bytes, size_t length, struct parsed_mail *m, struct err *e);

#endif
