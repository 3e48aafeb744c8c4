/* SPDX-License-Identifier: Apache-2.0
 * What a batch leaves behind in its own transaction: its changes are noted while it is planned and become one audit
 * record; its rows become a version. Engine thread. */
#include <stdlib.h>

#include "station/base/must.h"
#include "station/sheet/audit.h"
#include "station/sheet/batch_plan.h"
#include "station/sheet/version.h"

void batch_note(struct batch *b, const char *operation, const struct component *c, const char *slot, const char *old,
                const char *new)
{
	if (!b->by_user)
		return;
	char *path = place_path(b, c);
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

static const struct {
	const char *kind, *operation;
} reverts[] = { [REVERT_NONE] = { "change", NULL },
	            [REVERT_UNDO] = { "undo", "undone" },
	            [REVERT_REDO] = { "redo", "redone" },
	            [REVERT_RESTORE] = { "restore", "restored" } };

void batch_write_audit(struct batch *b)
{
	size_t n = json_array_size(b->audit);
	if (n == 0 && !b->revert)
		return;
	const json_t *first = json_array_get(b->audit, 0);
	char *detail = n > 1 || b->revert ? json_dumps(b->audit, JSON_COMPACT) : NULL;
	char *version = b->revert ? must_format("version %lld", (long long)b->of) : NULL;
	if (version)
		audit_write(b->station, b->tx, &b->actor, reverts[b->revert].operation, version, NULL, NULL, b->summary,
		            detail);
	else
		audit_write(b->station, b->tx, &b->actor, audit_text(first, "operation"), audit_text(first, "target"),
		            audit_text(first, "slot"), audit_text(first, "oldValue"), audit_text(first, "value"), detail);
	free(version);
	free(detail);
}

void batch_write_version(struct batch *b)
{
	bool kept = b->by_user && !b->no_version && *b->actor.user && !b->dry_run;
	if (!kept && !b->diff && !b->brief)
		return;
	struct delta d = { 0 };
	bool large = b->tx->count > 2 * (size_t)DELTA_ROWS_MAX; /* not even to be built */
	if (!large)
		delta_build(&d, b->station, b->tx);
	if (!b->summary)
		b->summary = large ? must_format("Changed %zu rows, too many to be kept.", b->tx->count) : delta_summary(&d);
	int64_t number = 0;
	if (kept && (large || d.count || b->revert))
		number = version_write(b->station, b->tx, &b->actor, b->kind ? b->kind : reverts[b->revert].kind, b->of,
		                       b->reason, b->summary, large ? NULL : &d);
	if (b->brief) {
		b->brief->number = number;
		snprintf(b->brief->summary, sizeof b->brief->summary, "%s", b->summary);
	}
	if (b->diff && d.count)
		*b->diff = delta_to_json(b->station, &d, DIFF_ITEMS_MAX);
	delta_finish(&d);
}
