/* SPDX-License-Identifier: Apache-2.0
 * How what the TrustService says becomes an answer: completions whose context is the request. Engine thread. */
#ifndef BELFRY_TRUST_ANSWER_H
#define BELFRY_TRUST_ANSWER_H

#include "services/trust/trust_service.h"
#include "web/request.h"
#include "web/schema.h"

/* The service (borrowed); NULL: there is none, which has been answered. */
struct trust_service *trust_or_answer(struct request *r);

/* trust_done: 200 with the row, 200 with {items}, 204; an error as it is. */
void answer_row(void *context, int code, const struct err *e, const json_t *answer);
void answer_items(void *context, int code, const struct err *e, const json_t *answer);
void answer_empty(void *context, int code, const struct err *e, const json_t *answer);

#endif
