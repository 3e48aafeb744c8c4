/* SPDX-License-Identifier: Apache-2.0
 * What the history of an alarmed point says about the day before: asked through the tree, by the hidden action `query` of
 * history extensions. Engine thread. */
#ifndef BELFRY_TREND_ASK_H
#define BELFRY_TREND_ASK_H

#include "services/email/content/render.h"

/* The trend (points may be none) and the CSV (NULL: none) are the callee's. */
typedef void trend_asked(void *context, struct trend *trend, char *csv);
/* Asks for what the preferences want; view: of alarm_view.h. false: the point has no history, and nobody calls;
 * true: done is called once, later or at once. */
bool trend_ask(struct station *s, const struct preferences *p, const struct value *view, trend_asked *done,
               void *context);

#endif
