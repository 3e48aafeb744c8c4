/* SPDX-License-Identifier: Apache-2.0
 * What api_components.c, api_batch.c and api_links.c share: how a request's JSON becomes changes of a batch, and values become
 * answers. Engine thread. */
#ifndef BELFRY_API_INSIDE_H
#define BELFRY_API_INSIDE_H

#include "web/request.h"

/* A path ("/A/B") or an ord ("station:|slot:/A/B", "station:|h:2f"), among what is there and what the batch adds; 0: none. */
uint64_t batch_place(struct batch *b, struct station *s, const char *text);
/* values and displayName of a patch or an add; prefix is the pointer to values. */
void batch_patch(struct batch *b, uint64_t handle, const json_t *body, const char *prefix);
/* What stands beside the values in a patch or an add: tags, slots, categories. */
void batch_beside(struct batch *b, uint64_t handle, const json_t *body);
/* The component that {path...} names; NULL: it has answered 404. */
struct component *request_component(struct request *r);
/* The address of something new: inside is what stands behind the component's own address ("/links/"), or "". */
void reply_location(struct request *r, const struct component *c, const char *inside, const char *name);
/* Submits; the answer is the component as it is then, or no content when http is 204. Takes b. */
void batch_answer(struct request *r, struct batch *b, uint64_t component, int http);
/* The warnings of a report: [{pointer, detail}]. New reference. */
json_t *warnings_json(const struct report *report);
/* An action's result, whatever its kind. New reference. */
json_t *result_json(const struct value *v);

#endif
