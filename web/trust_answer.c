/* SPDX-License-Identifier: Apache-2.0
 * See trust_answer.h. */
#include "web/trust_answer.h"

struct trust_service *trust_or_answer(struct request *r)
{
	struct trust_service *t = trust_service_of(request_station(r));
	if (!t)
		request_reply_code(r, E_UNSUPPORTED, "This station has no TrustService.");
	return t;
}

void answer_row(void *context, int code, const struct err *e, const json_t *answer)
{
	if (code == 0)
		request_reply_json(context, 200, json_deep_copy(answer));
	else
		request_reply_error(context, e);
}

void answer_items(void *context, int code, const struct err *e, const json_t *answer)
{
	if (code == 0)
		request_reply_page(context, json_deep_copy(answer), NULL);
	else
		request_reply_error(context, e);
}

void answer_empty(void *context, int code, const struct err *e, const json_t *answer)
{
	(void)answer;
	if (code == 0)
		request_reply_empty(context, 204);
	else
		request_reply_error(context, e);
}
