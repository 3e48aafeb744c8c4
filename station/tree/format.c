/* SPDX-License-Identifier: Apache-2.0
 * BFormat: see format.h. A format is walked token by token; both the check and the expansion use the same walk, so that
 * what passes the check is what expands. Engine thread for components, any for structs. */
#include "station/tree/format.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/station.h"

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

/* --- .substring(from,to) ------------------------------------------------------------------------------------------ */

/* Characters of what a token gives; a negative number counts from the end. */
struct cut {
	bool there;
	long from, to;
};

/* Takes ".substring(2,5)" or ".substring(2)" off the end of a token. 0, or a sentence. */
static int take_cut(char *token, struct cut *cut, struct err *e)
{
	char *at = strstr(token, ".substring("), *end;
	*cut = (struct cut){ .to = LONG_MAX };
	if (!at)
		return 0;
	cut->there = true;
	cut->from = strtol(at + strlen(".substring("), &end, 10);
	bool number = end != at + strlen(".substring(");
	if (number && *end == ',') {
		const char *second = end + 1;
		cut->to = strtol(second, &end, 10);
		number = end != second;
	}
	if (!number || strcmp(end, ")") != 0)
		return err_set(e, E_INVALID, NULL, "\"%.60s\": write .substring(2,5), or .substring(-3) for the last three.",
		               token);
	*at = '\0';
	return 0;
}

static long counted(long n, long length)
{
	n = n < 0 ? length + n : n;
	return n < 0 ? 0 : n > length ? length : n;
}

static bool begins_character(char c)
{
	return ((unsigned char)c & 0xC0) != 0x80;
}

static void add_cut(struct text *out, const char *text, const struct cut *cut)
{
	long length = 0, i = -1;
	for (const char *p = text; *p; p++)
		length += begins_character(*p);
	long from = counted(cut->from, length), to = counted(cut->to, length);
	for (const char *p = text; *p; p++) {
		i += begins_character(*p);
		if (i >= from && i < to)
			text_add(out, p, 1);
	}
}

/* --- the walk ------------------------------------------------------------------------------------------------------- */

/* Resolves one token: appends its text to out (NULL: only checks). 0, or a code with a sentence. */
typedef int resolve_fn(const void *context, const char *token, struct text *out, struct err *e);

static int resolve_cut(resolve_fn *resolve, const void *context, char *token, struct text *out, struct err *e)
{
	struct cut cut;
	struct text whole = { 0 };
	int rc = take_cut(token, &cut, e);
	if (rc == 0)
		rc = resolve(context, token, out && cut.there ? &whole : out, e);
	if (rc == 0 && whole.bytes)
		add_cut(out, whole.bytes, &cut);
	free(whole.bytes);
	return rc;
}

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
		int rc = resolve_cut(resolve, context, token, out, e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* --- functions ------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *type;
	enum kind kind;
} encodings[] = {
	{ "baja:AbsTime", V_ABSTIME }, { "baja:RelTime", V_RELTIME }, { "baja:Double", V_REAL },
	{ "baja:Float", V_REAL },      { "baja:Integer", V_INTEGER }, { "baja:Long", V_INTEGER },
	{ "baja:Boolean", V_BOOLEAN }, { "baja:String", V_STRING },
};

/* "NAME(ARGUMENT)", cut apart in place; NULL: it is no call. */
static char *argument_of(char *token)
{
	char *open = strchr(token, '(');
	size_t length = strlen(token);
	if (!open || token[length - 1] != ')')
		return NULL;
	token[length - 1] = '\0';
	*open = '\0';
	return open + 1;
}

/* "$20" is a space: how Niagara writes what could be mistaken. */
static void unescape(char *text)
{
	char *to = text;
	for (const char *p = text; *p; p++) {
		const char hex[3] = { p[0] == '$' ? p[1] : '\0', p[0] == '$' && p[1] ? p[2] : '\0', '\0' };
		char *end;
		long code = strtol(hex, &end, 16);
		if (hex[0] && end == hex + 2 && code > 0) {
			*to++ = (char)code;
			p += 2;
		} else {
			*to++ = *p;
		}
	}
	*to = '\0';
}

/* "baja:Double.3$2e5": the value, its kind in *slot. */
static int decode(char *argument, struct slot *slot, struct value *v, struct err *e)
{
	char *dot = strchr(argument, '.');
	for (size_t i = 0; dot && i < ARRAY_SIZE(encodings); i++) {
		if (strlen(encodings[i].type) != (size_t)(dot - argument) ||
		    strncmp(encodings[i].type, argument, (size_t)(dot - argument)) != 0)
			continue;
		*slot = (struct slot){ .name = "decodeFromString", .kind = encodings[i].kind };
		unescape(dot + 1);
		return value_parse(slot, dot + 1, v, e);
	}
	return err_set(e, E_INVALID, NULL, "decodeFromString(%.40s): write a type and a value, as in baja:Double.3$2e5.",
	               argument);
}

static void add_value(struct text *out, const struct format_voice *voice, const char *path, const struct slot *slot,
                      const struct value *v);

/* time(), user(), lexicon(module:key), decodeFromString(type.value). token is changed. */
static int call(char *token, const struct format_voice *voice, struct text *out, struct err *e)
{
	char *argument = argument_of(token);
	struct slot slot = { .name = "time", .kind = V_ABSTIME };
	struct value v = VALUE_NULL;
	int rc = 0;
	if (argument && strcmp(token, "time") == 0 && !*argument) {
		v = value_abstime(voice ? voice->now : 0);
	} else if (argument && strcmp(token, "user") == 0 && !*argument) {
		v = value_string(voice && voice->user && *voice->user ? voice->user : "-");
	} else if (argument && strcmp(token, "lexicon") == 0 && strchr(argument, ':')) {
		const char *key = strrchr(argument, ':') + 1;
		const char *text = voice && voice->lexicon ? voice->lexicon(voice, key) : NULL;
		v = value_string(text ? text : key);
	} else if (argument && strcmp(token, "decodeFromString") == 0) {
		rc = decode(argument, &slot, &v, e);
	} else {
		return err_set(e, E_INVALID, NULL,
		               "There is no function \"%.60s\". Known are: time(), user(), lexicon(module:key), "
		               "decodeFromString(type.value), and .substring(from,to) behind a name.",
		               token);
	}
	if (v.kind == V_STRING)
		slot = (struct slot){ .name = "text", .kind = V_STRING };
	if (rc == 0 && out)
		add_value(out, voice, token, &slot, &v);
	value_clear(&v);
	return rc;
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
	if (strchr(head, '('))
		return call(head, NULL, NULL, e);
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

static void add_value(struct text *out, const struct format_voice *voice, const char *path, const struct slot *slot,
                      const struct value *v)
{
	char *text = voice && voice->print ? voice->print(voice, path, slot, v) : NULL;
	struct slot item = { .name = slot->name, .kind = slot->element };
	if (text)
		text_add(out, text, strlen(text));
	else if (v->kind == V_STRING || v->kind == V_ORD)
		text_add(out, v->text, strlen(v->text));
	else if (v->kind == V_ABSTIME && v->integer == ABSTIME_NULL)
		text_add(out, "-", 1);
	else if (v->kind == V_LIST && v->list.count == 1 && v->list.items[0].kind != V_STRUCT)
		add_value(out, voice, path, &item, &v->list.items[0]);
	else if ((text = value_print(slot, v)) != NULL)
		text_add(out, text, strlen(text));
	free(text);
}

/* What a token is looked up in, and the whole of it. */
struct lookup {
	const struct value *data;
	const struct format_voice *voice;
	const char *path;
};

static int expand_token(const void *context, const char *token, struct text *out, struct err *e)
{
	const struct lookup *in = context;
	const struct value *data = in->data;
	char head[160];
	snprintf(head, sizeof head, "%s", token);
	if (strchr(head, '('))
		return call(head, in->voice, out, e);
	char *dot = strchr(head, '.');
	if (dot)
		*dot = '\0';
	const struct slot *m = slots_find(data->list.members, head);
	const struct value *v = m ? &data->list.items[m - data->list.members] : NULL;
	const char *rest = dot ? dot + 1 : NULL, *path = in->path ? in->path : token;
	if (v && rest && m->kind == V_STRUCT)
		return expand_token(&(struct lookup){ v, in->voice, path }, rest, out, e);
	if (v && rest) {
		static const struct slot text_slot = { .name = "value", .kind = V_STRING };
		v = is_dictionary(m) ? dictionary_find(m, v, rest) : NULL;
		m = &text_slot;
	}
	if (v)
		add_value(out, in->voice, path, m, v);
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

char *format_expand_by(const char *format, const struct value *data, const struct format_voice *voice)
{
	must(data->kind == V_STRUCT && data->list.members);
	struct text out = { 0 };
	int rc = walk(format, expand_token, &(struct lookup){ data, voice, NULL }, &out, NULL);
	return finish(&out, rc, format);
}

char *format_expand(const char *format, const struct value *data)
{
	return format_expand_by(format, data, NULL);
}

/* --- over a component ------------------------------------------------------------------------------------------- */

static int check_component_token(const void *context, const char *token, struct text *out, struct err *e)
{
	(void)context, (void)out;
	char copy[160];
	snprintf(copy, sizeof copy, "%s", token);
	if (strchr(copy, '('))
		return call(copy, NULL, NULL, e);
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
	snprintf(part, sizeof part, "%s", token);
	if (strchr(part, '('))
		return call(part, &(struct format_voice){ .now = station_now(c->station) }, out, e);
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
	const struct slot *slot = component_slot(c, part);
	struct value v = VALUE_NULL;
	if (!slot || slot->kind == V_SECRET || component_get(c, part, &v, e) != 0) /* a secret is never rendered */
		text_add(out, "-", 1);
	else
		add_value(out, NULL, part, slot, &v);
	value_clear(&v);
	return 0;
}

char *format_expand_component(const char *format, const struct component *c)
{
	struct text out = { 0 };
	int rc = walk(format, expand_component_token, c, &out, NULL);
	return finish(&out, rc, format);
}
