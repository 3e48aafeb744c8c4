/* SPDX-License-Identifier: Apache-2.0
 * What a batch leaves behind in its own transaction: its changes are noted while it is planned and become one audit
 * record; its rows become a version. Engine thread. */
#include <stdlib.h>

#include "station/audit.h"
#include "station/batch_plan.h"
#include "station/version.h"

void batch_note(struct batch *b, const char *operation, const struct component *c, const char *slot, const char *old,
                const char *new)
{
	if (!b->by_user)
		return;
	char *path = component_path(c);
	json_array_append_new(b->audit,
	                      json_pack("{s:s, s:s, s:s, s:s, s:s}", "operation", operation, "target", path, "slot",
	                                slot ? slot : "", "oldValue", old ? old : "", "value", new ? new : ""));
	free(path);
}

void batch_note_value(struct batch *b, const struct component *c, const struct slot *slot, const struct value *old,
                      const struct value *new)
{
	if (slot->kind == V_SECRET) { /* that it changed, never what it was */
		batch_note(b, "changed", c, slot->name, NULL, NULL);
		return;
	}
	char *before = value_print(slot, old), *after = value_print(slot, new);
	batch_note(b, "changed", c, slot->name, before, after);
	free(before);
	free(after);
}

static const char *audit_text(const json_t *entry, const char *member)
{
	return json_string_value(json_object_get(entry, member));
}

void batch_write_audit(struct batch *b)
{
	size_t n = json_array_size(b->audit);
	if (n == 0)
		return;
	const json_t *first = json_array_get(b->audit, 0);
	char *detail = n > 1 ? json_dumps(b->audit, JSON_COMPACT) : NULL;
	audit_write(b->station, b->tx, &b->actor, audit_text(first, "operation"), audit_text(first, "target"),
	            audit_text(first, "slot"), audit_text(first, "oldValue"), audit_text(first, "value"), detail);
	free(detail);
}

void batch_write_version(struct batch *b)
{
	if (!b->by_user || b->no_version || !*b->actor.user)
		return;
	struct delta d = { 0 };
	delta_build(&d, b->station, b->tx);
	if (d.count) {
		char *summary = delta_summary(&d);
		version_write(b->station, b->tx, &b->actor, "change", 0, b->reason, summary, &d);
		free(summary);
	}
	delta_finish(&d);
}
