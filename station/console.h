/* SPDX-License-Identifier: Apache-2.0
 * The control socket: DIR/control, a Unix socket that only the station's own user (and root) may use. The command line
 * speaks to a running station through it: one line of JSON there, one line of JSON back. Engine thread. */
#ifndef BELFRY_CONSOLE_H
#define BELFRY_CONSOLE_H

#include "station/station.h"

/* One command on its way. The handler answers exactly once, now or later, with console_reply. */
struct console_call {
	struct station *station;
	json_t *request;                                          /* owned by the call: {"command": "user add", ...} */
	void (*reply)(struct console_call *call, json_t *answer); /* takes answer */
};
typedef void console_handler(struct console_call *call);

struct console;
/* Listens; 0 or a code. */
int console_start(struct station *s, console_handler *handler, struct console **out, struct err *e);
void console_stop(struct console **c);

/* Answers: {"ok": true, ...} (json may be NULL) or {"ok": false, "error": sentence}. Frees the call. */
void console_reply(struct console_call *call, json_t *json);
void console_reply_error(struct console_call *call, const struct err *e);

/* The client's side: sends request to the station that runs on directory; *answer is the reply (owned).
 * E_NOT_FOUND when no station runs there. Blocking; not for the station itself. */
int console_ask(const char *directory, const json_t *request, json_t **answer, struct err *e);

#endif
