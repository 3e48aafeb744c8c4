/* SPDX-License-Identifier: Apache-2.0
 * BFormat: see format.h. A format is walked token by token; both the check and the expansion use the same walk, so that
 * what passes the check is what expands. Engine thread for components, any for structs. */
#include "station/format.h"

#include <stdlib.h>
#include <string.h>

#include "station/must.h"

/* Text that grows. */
struct text {
	char *bytes;
	size_t length;
};

static void text_add(struct text *t, const char *bytes, size_t length)
{
	t->bytes = must_realloc(t->bytes, t->length + length + 1);
	memcpy(t->bytes + t->length, bytes, length);
	t->length += length;
	t->bytes[t->length] = '\0';
}

/* A format cut into literal pieces and tokens. kind: 0 end, 'l' literal, 't' token, 'e' a % that is never closed. */
struct piece {
	char kind;
	const char *at;
	size_t length;
};

static struct piece next_piece(const char **p)
{
	const char *start = *p;
	if (*start == '\0')
		return (struct piece){ 0 };
	if (*start != '%') {
		size_t n = strcspn(start, "%");
		*p = start + n;
		return (struct piece){ 'l', start, n };
	}
	if (start[1] == '%') {
		*p = start + 2;
		return (struct piece){ 'l', start, 1 };
	}
	const char *end = strchr(start + 1, '%');
	if (!end) {
		*p = start + strlen(start);
		return (struct piece){ 'e', start, strlen(start) };
	}
	*p = end + 1;
	return (struct piece){ 't', start + 1, (size_t)(end - start - 1) };
}

/* Resolves one token: appends its text to out (NULL: only checks). 0, or a code with a sentence. */
typedef int resolve_fn(const void *context, const char *token, struct text *out, struct err *e);

static int walk(const char *format, resolve_fn *resolve, const void *context, struct text *out, struct err *e)
{
	struct piece piece;
	const char *p = format;
	while ((piece = next_piece(&p)).kind) {
		if (piece.kind == 'l') {
			if (out)
				text_add(out, piece.at, piece.length);
			continue;
		}
		if (piece.kind == 'e')
			return err_set(
			    e, E_INVALID, NULL,
			    "A percent sign opens a token that is never closed: \"%.40s\". Write %%%% for a percent sign.",
			    piece.at);
		char token[160];
		if (piece.length == 0 || piece.length >= sizeof token)
			return err_set(e, E_INVALID, NULL, "The token \"%%%.40s\" is too long.", piece.at);
		memcpy(token, piece.at, piece.length);
		token[piece.length] = '\0';
		int rc = resolve(context, token, out, e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* --- over a struct ---------------------------------------------------------------------------------------------- */

/* A list of {name, value} is a dictionary: it takes any key. */
static bool is_dictionary(const struct slot *slot)
{
	return slot->kind == V_LIST && slot->members && slots_find(slot->members, "name") &&
	    slots_find(slot->members, "value");
}

static void names_of(const struct slot *members, char *buf, size_t size)
{
	*buf = '\0';
	for (const struct slot *m = members; m->name; m++) {
		size_t n = strlen(buf);
		snprintf(buf + n, size - n, "%s%s%s", n ? ", " : "", m->name, is_dictionary(m) ? ".name" : "");
	}
}

static int check_token(const void *context, const char *token, struct text *out, struct err *e)
{
	(void)out;
	const struct slot *members = context;
	char head[160];
	snprintf(head, sizeof head, "%s", token);
	char *dot = strchr(head, '.');
	if (dot)
		*dot = '\0';
	const struct slot *m = slots_find(members, head);
	if (!m) {
		char known[300];
		names_of(members, known, sizeof known);
		return err_set(e, E_INVALID, NULL, "There is no \"%%%.60s%%\" here. Known are: %s.", token, known);
	}
	if (!dot)
		return 0;
	if (is_dictionary(m) && dot[1])
		return 0;
	if (m->kind == V_STRUCT)
		return check_token(m->members, token + (dot - head) + 1, NULL, e);
	return err_set(e, E_INVALID, NULL, "\"%s\" has no parts, so \"%%%.60s%%\" means nothing.", head, token);
}

int format_check(const char *format, const struct slot *members, struct err *e)
{
	return walk(format, check_token, members, NULL, e);
}

static const struct value *dictionary_find(const struct slot *slot, const struct value *list, const char *key)
{
	size_t name = (size_t)(slots_find(slot->members, "name") - slot->members);
	size_t value = (size_t)(slots_find(slot->members, "value") - slot->members);
	for (uint32_t i = 0; i < list->list.count; i++)
		if (strcmp(list->list.items[i].list.items[name].text, key) == 0)
			return &list->list.items[i].list.items[value];
	return NULL;
}

static void add_value(struct text *out, const struct slot *slot, const struct value *v)
{
	if (v->kind == V_STRING || v->kind == V_ORD) {
		text_add(out, v->text, strlen(v->text));
		return;
	}
	if (v->kind == V_ABSTIME && v->integer == ABSTIME_NULL) {
		text_add(out, "-", 1);
		return;
	}
	if (v->kind == V_LIST && v->list.count == 1 && v->list.items[0].kind != V_STRUCT) {
		struct slot item = { .name = slot->name, .kind = slot->element };
		add_value(out, &item, &v->list.items[0]);
		return;
	}
	char *text = value_print(slot, v);
	text_add(out, text, strlen(text));
	free(text);
}

static int expand_token(const void *context, const char *token, struct text *out, struct err *e)
{
	const struct value *data = context;
	char head[160];
	snprintf(head, sizeof head, "%s", token);
	char *dot = strchr(head, '.');
	if (dot)
		*dot = '\0';
	const struct slot *m = slots_find(data->list.members, head);
	const struct value *v = m ? &data->list.items[m - data->list.members] : NULL;
	const char *rest = dot ? dot + 1 : NULL;
	if (v && rest && m->kind == V_STRUCT)
		return expand_token(v, rest, out, e);
	if (v && rest) {
		static const struct slot text_slot = { .name = "value", .kind = V_STRING };
		v = is_dictionary(m) ? dictionary_find(m, v, rest) : NULL;
		m = &text_slot;
	}
	if (v)
		add_value(out, m, v);
	else
		text_add(out, "-", 1);
	return 0;
}

/* An unchecked format must still give something to read. */
static char *finish(struct text *out, int rc, const char *format)
{
	if (rc != 0 || !out->bytes) {
		free(out->bytes);
		return must_strdup(rc != 0 ? format : "");
	}
	return out->bytes;
}

char *format_expand(const char *format, const struct value *data)
{
	must(data->kind == V_STRUCT && data->list.members);
	struct text out = { 0 };
	int rc = walk(format, expand_token, data, &out, NULL);
	return finish(&out, rc, format);
}

/* --- over a component ------------------------------------------------------------------------------------------- */

static int check_component_token(const void *context, const char *token, struct text *out, struct err *e)
{
	(void)context, (void)out;
	for (const char *p = token; *p;) {
		size_t n = strcspn(p, ".");
		char part[160];
		memcpy(part, p, n);
		part[n] = '\0';
		if (name_check(part, NULL) != 0)
			return err_set(e, E_INVALID, NULL, "\"%%%.60s%%\" is not a path of names such as %%parent.displayName%%.",
			               token);
		p += n + (p[n] == '.');
	}
	return 0;
}

int format_check_component(const char *format, struct err *e)
{
	return walk(format, check_component_token, NULL, NULL, e);
}

static int expand_component_token(const void *context, const char *token, struct text *out, struct err *e)
{
	const struct component *c = context;
	const char *p = token;
	char part[160], buf[256];
	for (; c; p += strlen(part) + 1) {
		snprintf(part, sizeof part, "%.*s", (int)strcspn(p, "."), p);
		if (p[strlen(part)] != '.')
			break;
		c = strcmp(part, "parent") == 0 ? c->parent : component_child(c, part);
	}
	if (!c) {
		text_add(out, "-", 1);
		return 0;
	}
	if (strcmp(part, "name") == 0 || strcmp(part, "displayName") == 0 || strcmp(part, "parent") == 0) {
		const char *text = strcmp(part, "name") == 0
		    ? c->name
		    : component_display_name(strcmp(part, "parent") == 0 && c->parent ? c->parent : c, buf, sizeof buf);
		text_add(out, text, strlen(text));
		return 0;
	}
	const struct slot *slot = type_slot(c->type, part);
	struct value v = VALUE_NULL;
	if (!slot || slot->kind == V_SECRET || component_get(c, part, &v, e) != 0) /* a secret is never rendered */
		text_add(out, "-", 1);
	else
		add_value(out, slot, &v);
	value_clear(&v);
	return 0;
}

char *format_expand_component(const char *format, const struct component *c)
{
	struct text out = { 0 };
	int rc = walk(format, expand_component_token, c, &out, NULL);
	return finish(&out, rc, format);
}
