/* SPDX-License-Identifier: Apache-2.0
 * The HTTP face of the station: HTTPS, REST under /api/v1, the pages of the user interface, the event stream.
 * It has a thread of its own; the functions here are called on the engine thread, before and after station_run. */
#ifndef BELFRY_WEB_H
#define BELFRY_WEB_H

#include "station/station.h"

extern const struct type web_service;

struct web;
/* Listens on "ADDRESS:PORT" ("[::1]:8443", "0.0.0.0:443"; port 0: a free one) and serves the pages in directory www.
 * The tree must be loaded; requests are answered once the engine's loop runs. 0 or a code. */
int web_start(struct station *s, const char *listen, const char *www, struct web **out, struct err *e);
/* "127.0.0.1:8443": what a browser of this machine can be given; a wildcard becomes localhost. Borrowed. */
const char *web_address(const struct web *w);
int web_port(const struct web *w);
/* Ends all connections, waits for the thread, frees. *w may be NULL, and is NULL afterwards. */
void web_stop(struct web **w);

#endif
