/* SPDX-License-Identifier: Apache-2.0
 * What a POP3 server says (RFC 1939, 2449), read line by line. Pure functions over bytes that a stranger sent; any
 * thread. */
#ifndef BELFRY_EMAIL_POP3_REPLY_H
#define BELFRY_EMAIL_POP3_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "services/email/wire/sasl.h"

enum pop3_status { POP3_OK, POP3_ERR, POP3_CONTINUE, POP3_WRONG };
/* text: behind the status, borrowed, up to the end of the line. */
enum pop3_status pop3_status(const char *line, size_t length, const char **text);
/* "[IN-USE] Mailbox is locked": is this the response code, or one below it ("SYS/TEMP" is below "SYS")? */
bool pop3_code_is(const char *text, size_t length, const char *code);
/* A line that is a lone dot ends a listing or a mail; "..x" stands for ".x". */
bool pop3_is_end(const char *line, size_t length);

enum { POP3_UIDL_SIZE = 71, POP3_NUMBER_MAX = 1000000 /* mails in a mailbox that we read */ };
/* "3 4096" of STAT and LIST: a count or number up to POP3_NUMBER_MAX, and octets. */
bool pop3_pair(const char *text, size_t length, uint32_t *number, uint64_t *octets);
/* "3 whqtswO00WBw418f9t5JxYwZ" of UIDL: 1 to 70 visible ASCII characters (RFC 1939). */
bool pop3_uidl(const char *line, size_t length, uint32_t *number, char uidl[POP3_UIDL_SIZE]);
/* "<1896.697170952@dbc.mtview.ca.us>" of the greeting, for APOP; false when there is none that is a message id. */
bool pop3_stamp(const char *greeting, size_t length, char *stamp, size_t size);

struct pop3_capabilities {
	bool stls, user, uidl, top, sasl;
	struct sasl_offer mechanisms; /* of SASL */
};
/* Takes one line of the answer to CAPA. */
void pop3_capability(struct pop3_capabilities *c, const char *line, size_t length);

#endif
