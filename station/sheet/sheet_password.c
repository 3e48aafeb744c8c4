/* SPDX-License-Identifier: Apache-2.0
 * Properties of which only a hash is kept (SLOT_HASHED). Hashing takes long, so a batch that brings plain passwords is
 * hashed before it joins the sheet's queue; the plan finds the hashes ready. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/sheet/batch_plan.h"

static const struct slot *hashed_slot(const struct type *type)
{
	const struct slot *slot;
	for (struct slot_walk w = slot_walk(type); (slot = slot_next(&w));)
		if (slot->flags & SLOT_HASHED)
			return slot;
	return NULL;
}

/* The plain password in a change that is worth hashing: allowed, and good enough. */
static const char *plain_password(struct batch *b, const struct change *change, const struct slot **slot)
{
	const struct component *c = change->json && !change->hash ? batch_component(b, change->component) : NULL;
	*slot = c ? hashed_slot(c->type) : NULL;
	const char *text = *slot ? json_string_value(json_object_get(change->json, (*slot)->name)) : NULL;
	bool wanted =
	    text && password_check(text, NULL) == 0 && sheet_may_set(b->by_user ? &b->actor : NULL, c, *slot, NULL) == 0;
	return wanted ? text : NULL;
}

static void hashed(void *context, bool ok, const char *hash)
{
	struct batch *b = context;
	b->hashing->hash = must_strdup(ok ? hash : "");
	if (!batch_hash(b))
		batch_enqueue(b);
}

bool batch_hash(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		struct change *change = &b->changes[i];
		const struct slot *slot;
		const char *text = plain_password(b, change, &slot);
		if (!text)
			continue;
		int rc = password_make(b->station, text, hashed, b);
		change->weak = password_length(text) < PASSWORD_ADVISED;
		explicit_bzero((char *)(uintptr_t)text, strlen(text)); /* our own copy */
		must(json_object_set_new(change->json, slot->name, json_true()) == 0);
		b->hashing = change;
		if (rc == 0)
			return true;
		change->hash = must_strdup("");
	}
	return false;
}

int batch_take_hash(struct batch *b, const struct component *c, const struct slot *slot, const json_t *json,
                    struct value *out)
{
	struct err e = { 0 };
	const struct change *change = NULL;
	for (size_t i = 0; i < b->count; i++)
		if (b->changes[i].component == c->handle && b->changes[i].hash)
			change = &b->changes[i];
	if (change && *change->hash) {
		if (change->weak)
			report_warning(&b->report, slot->name, "The password is short; %d characters or more are advised.",
			               PASSWORD_ADVISED);
		*out = (struct value){ .kind = V_SECRET, .text = must_strdup(change->hash) };
		return 0;
	}
	if (change)
		err_set(&e, E_BUSY, NULL,
		        "The password could not be hashed: the station is too busy or short of memory. Try again.");
	else if (!json_is_string(json))
		err_set(&e, E_INVALID, NULL, "A text is expected here.");
	else if (password_check(json_string_value(json), &e) == 0)
		err_set(&e, E_INVALID, NULL, "The password cannot be set here; set it on the component itself.");
	report_error(&b->report, e.code, slot->name, "%s", e.text);
	return e.code;
}
