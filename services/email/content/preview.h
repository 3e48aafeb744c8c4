/* SPDX-License-Identifier: Apache-2.0
 * What an EmailRecipient's letter looks like, without sending it. Engine thread. */
#ifndef BELFRY_PREVIEW_H
#define BELFRY_PREVIEW_H

#include "station/tree/component.h"

/* The run of an action of EmailRecipients: inv->arg is the uuid of an open alarm, or empty for a sample. Answers the parts of the
 * letter as a struct; E_NOT_FOUND: that alarm is not open. */
int preview_letter(struct component *c, struct invocation *inv);
/* An alarm that nobody has raised, as alarm_view.h has it; owned. */
void preview_sample(struct station *s, struct value *view);

#endif
