/* SPDX-License-Identifier: Apache-2.0
 * Export, import and check for the command line: see config_command.h. */
#include "station/config/config_command.h"

#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/config/config.h"
#include "station/link/link.h"

static const struct actor cli = { .role = ROLE_ADMIN, .from = "unix", .via = "cli", .user = "cli" };

void config_command_export(struct console_call *call)
{
	json_t *config = config_export(call->station, call->station->tree.root);
	char *text = config_print(config);
	text[strlen(text) - 1] = '\0'; /* the command line ends the line */
	console_reply(call, json_pack("{s:s}", "print", text));
	free(text);
	json_decref(config);
}

/* --- import ----------------------------------------------------------------------------------------------------- */

struct importing {
	struct console_call *call;
	json_t *diff; /* owned */
	struct version_brief brief;
	bool dry;
};

static void tell_report(struct console_call *call, int code, const struct report *report)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	must(f != NULL);
	for (size_t i = 0; i < report->count; i++)
		fprintf(f, "%s%s: %s", i ? "\n" : "", *report->items[i].pointer ? report->items[i].pointer : "/",
		        report->items[i].detail);
	fclose(f);
	struct err e = { 0 };
	err_set(&e, code, NULL, "%s", "The configuration has errors; nothing was changed.");
	json_t *answer = json_pack("{s:b, s:s, s:s}", "ok", 0, "error", e.text, "print", text);
	call->reply(call, answer);
	free(text);
}

static void tell_changes(FILE *f, const json_t *diff)
{
	size_t i, k;
	json_t *item, *property;
	json_array_foreach((json_t *)(uintptr_t)diff, i, item)
	{
		fprintf(f, "%s %s\n", json_string_value(json_object_get(item, "what")),
		        json_string_value(json_object_get(item, "path")));
		json_array_foreach(json_object_get(item, "properties"), k, property)
		{
			const char *name = json_string_value(json_object_get(property, "name"));
			char *old = json_dumps(json_object_get(property, "old"), JSON_ENCODE_ANY | JSON_COMPACT);
			char *new = json_dumps(json_object_get(property, "new"), JSON_ENCODE_ANY | JSON_COMPACT);
			fprintf(f, "    %s: %s -> %s\n", name, old ? old : "default", new ? new : "default");
			free(old);
			free(new);
		}
	}
}

static void imported(void *context, int code, const struct report *report, uint64_t added)
{
	(void)added;
	struct importing *im = context;
	if (code != 0) {
		tell_report(im->call, code, report);
	} else {
		char *text = NULL;
		size_t size;
		FILE *f = open_memstream(&text, &size);
		must(f != NULL);
		tell_changes(f, im->diff);
		if (im->brief.number && !im->dry)
			fprintf(f, "version %lld", (long long)im->brief.number);
		else
			fputs(im->diff ? "nothing was changed: dry run" : "nothing changes", f);
		fclose(f);
		console_reply(im->call, json_pack("{s:s}", "print", text));
		free(text);
	}
	json_decref(im->diff);
	free(im);
}

void config_command_import(struct console_call *call)
{
	const json_t *request = call->request;
	struct importing *im = must_alloc(sizeof *im);
	*im = (struct importing){ .call = call, .dry = json_is_true(json_object_get(request, "dryRun")) };
	struct batch *b = batch_new(call->station, &cli);
	struct err e = { 0 };
	const char *reason = json_string_value(json_object_get(request, "reason"));
	if (config_import(b, call->station, json_object_get(request, "config"), json_object_get(request, "secrets"), &e) !=
	    0) {
		batch_free(&b);
		free(im);
		console_reply_error(call, &e);
		return;
	}
	batch_kind(b, "import");
	batch_reason(b, reason ? reason : "");
	batch_tell_diff(b, &im->diff);
	batch_tell_version(b, &im->brief);
	if (im->dry)
		batch_dry_run(b);
	batch_submit(b, imported, im);
}

/* --- check ------------------------------------------------------------------------------------------------------ */

static void check_values(struct component *c, struct report *report)
{
	const struct slot *slot;
	for (struct slot_walk w = component_walk(c); (slot = slot_next(&w));) {
		struct value v;
		struct row_room room;
		if (slot->kind == V_COMPONENT)
			continue;
		slot_read(slot, c, &v);
		value_check(component_row(c, slot, &room), &v, slot->name, report);
		row_room_finish(&room);
		value_clear(&v);
	}
	for (const struct type *t = c->type; t; t = t->base)
		if (t->check)
			t->check(c, c, report);
}

static void check_links(struct component *c, struct report *report)
{
	for (struct link *l = c->extra ? c->extra->links : NULL; l; l = l->next) {
		struct component *source = station_by_handle(c->station, l->source);
		if (!source)
			report_error(report, E_INVALID, l->name, "This link leads from a component that is gone.");
		else if (!component_slot(source, l->sourceSlot) && !type_topic(source->type, l->sourceSlot))
			report_error(report, E_INVALID, l->name, "This link leads from %s, which has no \"%.60s\".", source->name,
			             l->sourceSlot);
		else if (!component_slot(c, l->targetSlot) && !type_action(c->type, l->targetSlot))
			report_error(report, E_INVALID, l->name, "This link leads to \"%.60s\", which is not here.", l->targetSlot);
	}
}

void config_command_check(struct console_call *call)
{
	struct report report;
	report_init(&report, "");
	size_t components = 0;
	for (struct component *c = call->station->tree.root; c; c = tree_next(c, call->station->tree.root), components++) {
		char *path = component_path(c);
		snprintf(report.prefix, sizeof report.prefix, "%s", path);
		check_values(c, &report);
		check_links(c, &report);
		free(path);
	}
	if (report.errors) {
		tell_report(call, E_INVALID, &report);
	} else {
		char *text = must_format("%zu components are sound.", components);
		console_reply(call, json_pack("{s:s}", "print", text));
		free(text);
	}
	report_finish(&report);
}
