/* SPDX-License-Identifier: Apache-2.0
 * The HTTP face of the station: starting and ending it. Everything else is in the route tables (request.h). */
#ifndef BELFRY_WEB_H
#define BELFRY_WEB_H

#include "station/station.h"

extern const struct type web_service;

struct web;
/* Serves https on listen ("ADDR:PORT", "[::1]:8443"; port 0 takes a free one), with the page files of the directory www.
 * Engine thread, before the loop runs. 0 or a code with a sentence. */
int web_start(struct station *s, const char *listen, const char *www, struct web **out, struct err *e);
/* "127.0.0.1:8443": what a browser on this machine can open; for 0.0.0.0 and [::] that is localhost. Borrowed. */
const char *web_address(const struct web *w);
/* Answers what still waits with 503, closes all connections, frees. NULL is fine. Engine thread, after the loop. */
void web_stop(struct web **w);

#endif
