/* SPDX-License-Identifier: Apache-2.0
 * What a user may do, and actions invoked for a user: checked, audited, run. See sheet.h. Engine thread. */
#include <stdlib.h>

#include "station/base/must.h"
#include "station/sheet/audit.h"
#include "station/station.h"

int sheet_may_set(const struct actor *actor, const struct component *c, const struct slot *slot, struct err *e)
{
	bool operators = component_flags_of(c, slot->name, slot->flags) & SLOT_OPERATOR;
	if (!actor || actor->role == ROLE_ADMIN || (actor->role == ROLE_OPERATOR && operators))
		return 0;
	return err_set(e, E_FORBIDDEN, slot->name,
	               "Your role does not allow you to change \"%s\" of %s; ask an administrator.", slot->name, c->name);
}

int sheet_may_invoke(const struct actor *actor, const struct component *c, const struct action *action, struct err *e)
{
	bool operators = component_flags_of(c, action->name, action->flags) & SLOT_OPERATOR;
	if (!actor || actor->role == ROLE_ADMIN || (actor->role == ROLE_OPERATOR && operators))
		return 0;
	return err_set(e, E_FORBIDDEN, action->name,
	               "Your role does not allow you to invoke \"%s\" of %s; ask an administrator.", action->name, c->name);
}

int sheet_may_configure(const struct actor *actor, struct err *e)
{
	if (!actor || actor->role == ROLE_ADMIN)
		return 0;
	return err_set(e, E_FORBIDDEN, NULL, "Only an administrator may add, remove, move or link components.");
}

static void audit_invocation(struct component *c, const struct action *action, const struct value *arg,
                             const struct actor *actor)
{
	struct store_tx *tx = store_tx_new();
	char *path = component_path(c);
	struct row_room room = { .tags = NULL };
	char *text =
	    action->arg && action->arg->kind != V_SECRET ? value_print(component_row(c, action->arg, &room), arg) : NULL;
	row_room_finish(&room);
	audit_write(c->station, tx, actor, "invoked", path, action->name, NULL, text, NULL);
	store_commit(c->station->store, tx, NULL, NULL);
	free(text);
	free(path);
}

int sheet_check_action(const struct component *c, const char *name, const json_t *arg, const struct actor *actor,
                       struct value *out, struct err *e, struct report *report)
{
	const struct action *action = type_action(c->type, name);
	*out = VALUE_NULL;
	if (!action)
		return err_set(e, E_NOT_FOUND, NULL, "%s has no action \"%.60s\".", c->type->name, name);
	int rc = sheet_may_invoke(actor, c, action, e);
	if (rc != 0 || !action->arg)
		return rc;
	if (arg && !json_is_null(arg)) {
		struct row_room room;
		rc = value_from_json(component_row(c, action->arg, &room), arg, NULL, "", out, report);
		if (out->kind == V_STRUCT)
			out->list.members = action->arg->members; /* not those in the room */
		row_room_finish(&room);
		return rc;
	}
	if (!(action->arg->flags & SLOT_REQUIRED)) {
		*out = value_default(action->arg);
		return 0;
	}
	rc = err_set(e, E_INVALID, action->arg->name, "The action \"%s\" needs an argument: %s", name, action->arg->doc);
	report_error(report, rc, "", "%s", e->text);
	return rc;
}

int sheet_invoke(struct component *c, const char *name, const json_t *arg, const struct actor *actor,
                 struct invocation *inv, struct report *report)
{
	struct value v;
	int rc = sheet_check_action(c, name, arg, actor, &v, &inv->err, report);
	if (rc != 0)
		return rc;
	inv->actor = actor;
	inv->arg = &v;
	if (actor)
		audit_invocation(c, type_action(c->type, name), &v, actor);
	rc = component_invoke(c, name, inv);
	inv->arg = NULL; /* an action that finishes later has copied what it needs */
	value_clear(&v);
	return rc;
}
