/* SPDX-License-Identifier: Apache-2.0
 * Reading and writing the C fields behind slot tables: see slot.h. The only place that knows how a kind lies in memory.
 * Texts equal to the row's default share its static text, so that a million components do not hold a million copies. */
#include "station/type/slot.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/tree/component.h"
#include "station/tree/own_slots.h"

static char *shared_default(const struct slot *slot)
{
	return (char *)(uintptr_t)(slot->dflt ? slot->dflt : "");
}

/* The field that holds the text of a text-like kind; NULL for the others. */
static char **text_field(const struct slot *slot, void *at)
{
	switch (slot->kind) {
	case V_STRING:
		return at;
	case V_ORD:
		return &((struct ord *)at)->text;
	case V_SECRET:
		return &((struct secret *)at)->sealed;
	case V_STATUS_STRING:
		return &((struct status_string *)at)->value;
	default:
		return NULL;
	}
}

/* --- rare blocks -------------------------------------------------------------------------------------------------- */

static void *rare_block(const struct slot *slot, const void *base)
{
	void *block;
	memcpy(&block, (const char *)base + slot->rare, sizeof block);
	return block;
}

void *rare_own(void *field)
{
	struct rare *block, *own;
	memcpy(&block, field, sizeof block);
	if (!block->shared)
		return block;
	own = must_alloc(block->size);
	memcpy(own, block, block->size); /* what is shared owns no memory */
	own->shared = false;
	memcpy(field, &own, sizeof own);
	return own;
}

/* The text in component_extra; NULL: there is none. */
static char **extra_text(const struct slot *slot, const void *base)
{
	struct component_extra *extra = ((const struct component *)base)->extra;
	return extra ? (char **)(void *)((char *)extra + slot->offset) : NULL;
}

static void write_extra(const struct slot *slot, struct component *c, struct value *v)
{
	if (!c->extra && *v->text)
		c->extra = must_alloc(sizeof *c->extra);
	char **field = extra_text(slot, c);
	if (field) {
		free(*field);
		*field = *v->text ? must_strdup(v->text) : NULL;
	}
	value_clear(v);
	if (field && slot->offset == offsetof(struct component_extra, slots))
		own_slots_read(c);
}

static char *field_of(const struct slot *slot, const void *base)
{
	const char *in = slot->rare ? rare_block(slot, base) : base;
	return (char *)(uintptr_t)in + slot->offset;
}

/* --- reading and writing ------------------------------------------------------------------------------------------ */

static void read_struct(const struct slot *members, const char *at, struct value *out)
{
	uint32_t count = slots_count(members);
	out->list.items = must_alloc(count * sizeof(struct value));
	out->list.count = count;
	out->list.members = members;
	for (uint32_t i = 0; i < count; i++)
		slot_read(&members[i], at, &out->list.items[i]);
}

void slot_read(const struct slot *slot, const void *base, struct value *out)
{
	if (slot->flags & SLOT_EXTRA) {
		char *const *own = extra_text(slot, base);
		*out = value_string(own && *own ? *own : "");
		return;
	}
	if (slot->flags & SLOT_DYNAMIC) {
		own_slot_get(base, slot, out);
		return;
	}
	const char *at = field_of(slot, base);
	*out = (struct value){ .kind = slot->kind };
	char *const *text = text_field(slot, (void *)(uintptr_t)at);
	switch (slot->kind) {
	case V_BOOLEAN:
		out->boolean = *(const bool *)at;
		return;
	case V_INTEGER:
	case V_ABSTIME:
	case V_RELTIME:
		memcpy(&out->integer, at, sizeof out->integer);
		return;
	case V_REAL:
		memcpy(&out->real, at, sizeof out->real);
		return;
	case V_ENUM:
		memcpy(&out->ordinal, at, sizeof out->ordinal);
		return;
	case V_STATUS:
		out->status = ((const struct status *)(const void *)at)->bits;
		return;
	case V_STATUS_BOOLEAN:
		out->boolean = ((const struct status_boolean *)(const void *)at)->value;
		out->status = ((const struct status_boolean *)(const void *)at)->status;
		return;
	case V_STATUS_NUMERIC:
		out->real = ((const struct status_numeric *)(const void *)at)->value;
		out->status = ((const struct status_numeric *)(const void *)at)->status;
		return;
	case V_STATUS_ENUM:
		out->ordinal = ((const struct status_enum *)(const void *)at)->value;
		out->status = ((const struct status_enum *)(const void *)at)->status;
		return;
	case V_STATUS_STRING:
		out->status = ((const struct status_string *)(const void *)at)->status;
		break;
	case V_STRUCT:
		read_struct(slot->members, at, out);
		return;
	case V_LIST: {
		const struct list *list = (const void *)at;
		value_copy(out, &(struct value){ .kind = V_LIST, .list = { .items = list->items, .count = list->count } });
		return;
	}
	case V_STRING:
	case V_ORD:
	case V_SECRET:
		break;
	default:
		*out = VALUE_NULL;
		return;
	}
	out->text = must_strdup(*text ? *text : "");
}

static void write_text(const struct slot *slot, char **field, struct value *v)
{
	char *old = *field, *dflt = shared_default(slot);
	if (strcmp(v->text, dflt) == 0) {
		free(v->text);
		*field = dflt;
	} else {
		*field = v->text;
	}
	if (old && old != dflt) {
		if (slot->kind == V_SECRET)
			explicit_bzero(old, strlen(old));
		free(old);
	}
}

static void free_list(struct list *list)
{
	struct value old = { .kind = V_LIST, .list = { .items = list->items, .count = list->count } };
	value_clear(&old);
	*list = (struct list){ 0 };
}

void slot_write(const struct slot *slot, void *base, struct value *v)
{
	must(v->kind == slot->kind);
	if (slot->flags & SLOT_EXTRA) {
		write_extra(slot, base, v);
		return;
	}
	if (slot->flags & SLOT_DYNAMIC) {
		own_slot_put(base, slot, v);
		return;
	}
	if (slot->rare && ((struct rare *)rare_block(slot, base))->shared) {
		if (slot_equals(slot, base, v)) {
			value_clear(v);
			return;
		}
		rare_own((char *)base + slot->rare);
	}
	char *at = field_of(slot, base);
	switch (slot->kind) {
	case V_BOOLEAN:
		*(bool *)at = v->boolean;
		break;
	case V_INTEGER:
	case V_ABSTIME:
	case V_RELTIME:
		memcpy(at, &v->integer, sizeof v->integer);
		break;
	case V_REAL:
		memcpy(at, &v->real, sizeof v->real);
		break;
	case V_ENUM:
		memcpy(at, &v->ordinal, sizeof v->ordinal);
		break;
	case V_STATUS:
		((struct status *)(void *)at)->bits = v->status;
		break;
	case V_STATUS_BOOLEAN:
		*(struct status_boolean *)(void *)at = (struct status_boolean){ v->boolean, v->status };
		break;
	case V_STATUS_NUMERIC:
		*(struct status_numeric *)(void *)at = (struct status_numeric){ v->real, v->status };
		break;
	case V_STATUS_ENUM:
		*(struct status_enum *)(void *)at = (struct status_enum){ v->ordinal, v->status };
		break;
	case V_STATUS_STRING:
		((struct status_string *)(void *)at)->status = v->status;
		write_text(slot, text_field(slot, at), v);
		break;
	case V_STRING:
	case V_ORD:
	case V_SECRET:
		write_text(slot, text_field(slot, at), v);
		break;
	case V_STRUCT:
		for (uint32_t i = 0; i < v->list.count; i++)
			slot_write(&slot->members[i], at, &v->list.items[i]);
		free(v->list.items);
		break;
	case V_LIST:
		free_list((struct list *)(void *)at);
		*(struct list *)(void *)at = (struct list){ v->list.items, v->list.count };
		break;
	default:
		must(!"a kind that has no field");
	}
	*v = VALUE_NULL;
}

/* Of each kind that lies in memory as it is; no copy is made, for values that change all the time. */
static bool field_equals(const struct slot *slot, const char *at, const struct value *v)
{
	const struct status_boolean *boolean = (const void *)at;
	const struct status_numeric *numeric = (const void *)at;
	const struct status_enum *state = (const void *)at;
	char *const *text = text_field(slot, (void *)(uintptr_t)at);
	switch (slot->kind) {
	case V_BOOLEAN:
		return *(const bool *)at == v->boolean;
	case V_INTEGER:
	case V_ABSTIME:
	case V_RELTIME:
		return *(const int64_t *)(const void *)at == v->integer;
	case V_REAL:
		return *(const double *)(const void *)at == v->real ||
		    (isnan(*(const double *)(const void *)at) && isnan(v->real));
	case V_ENUM:
		return *(const int *)(const void *)at == v->ordinal;
	case V_STATUS:
		return ((const struct status *)(const void *)at)->bits == v->status;
	case V_STATUS_BOOLEAN:
		return boolean->value == v->boolean && boolean->status == v->status;
	case V_STATUS_NUMERIC:
		return numeric->status == v->status && (numeric->value == v->real || (isnan(numeric->value) && isnan(v->real)));
	case V_STATUS_ENUM:
		return state->value == v->ordinal && state->status == v->status;
	case V_STATUS_STRING:
		return ((const struct status_string *)(const void *)at)->status == v->status &&
		    strcmp(*text ? *text : "", v->text) == 0;
	default: /* V_STRING, V_ORD, V_SECRET */
		return strcmp(*text ? *text : "", v->text) == 0;
	}
}

bool slot_equals(const struct slot *slot, const void *base, const struct value *v)
{
	bool deep = slot->kind == V_STRUCT || slot->kind == V_LIST || slot->kind == V_NULL || slot->kind == V_COMPONENT;
	if (!deep && v->kind == slot->kind && !(slot->flags & (SLOT_EXTRA | SLOT_DYNAMIC)))
		return field_equals(slot, field_of(slot, base), v);
	struct value mine;
	slot_read(slot, base, &mine);
	bool equal = value_equal(&mine, v);
	value_clear(&mine);
	return equal;
}

void slots_init(const struct slot *table, void *base)
{
	for (const struct slot *slot = table; slot && slot->name; slot++) {
		if (slot->kind == V_COMPONENT)
			continue;
		char *at = field_of(slot, base);
		char **text = text_field(slot, at);
		if (text)
			*text = shared_default(slot);
		if (slot->kind == V_STRUCT && !slot->dflt) {
			slots_init(slot->members, at);
		} else if (slot->kind == V_ABSTIME || (slot->dflt && *slot->dflt) || slot->kind == V_ENUM) {
			struct value v = value_default(slot);
			slot_write(slot, base, &v);
		}
	}
}

void slots_finish(const struct slot *table, void *base)
{
	for (const struct slot *slot = table; slot && slot->name; slot++) {
		if (slot->rare && ((struct rare *)rare_block(slot, base))->shared)
			continue;
		char *at = field_of(slot, base);
		char **text = text_field(slot, at);
		if (text && *text && *text != shared_default(slot)) {
			if (slot->kind == V_SECRET)
				explicit_bzero(*text, strlen(*text));
			free(*text);
		}
		if (text)
			*text = NULL;
		if (slot->kind == V_STRUCT)
			slots_finish(slot->members, at);
		if (slot->kind == V_LIST)
			free_list((struct list *)(void *)at);
	}
}

bool slots_own_memory(const struct slot *table, const void *base)
{
	for (const struct slot *slot = table; slot && slot->name; slot++) {
		char *at = field_of(slot, base);
		char **text = text_field(slot, at);
		if ((text && *text != shared_default(slot)) ||
		    (slot->kind == V_LIST && ((const struct list *)(void *)at)->items) ||
		    (slot->kind == V_STRUCT && slots_own_memory(slot->members, at)))
			return true;
	}
	return false;
}

const struct slot *slots_find(const struct slot *table, const char *name)
{
	for (const struct slot *slot = table; slot && slot->name; slot++)
		if (strcmp(slot->name, name) == 0)
			return slot;
	return NULL;
}

uint32_t slots_count(const struct slot *table)
{
	uint32_t n = 0;
	while (table && table[n].name)
		n++;
	return n;
}

/* What the field spells in a way of its own. */
static const char *spelled(const char *name)
{
	static const char *const spellings[][2] = {
		{ "Imap", "IMAP" },        { "Pop3", "POP3" },
		{ "Smtp", "SMTP" },        { "startTls", "STARTTLS" },
		{ "tlsV1_0", "TLS 1.0" },  { "tlsV1_1", "TLS 1.1" },
		{ "tlsV1_2", "TLS 1.2" },  { "tlsV1_3", "TLS 1.3" },
		{ "plain", "PLAIN" },      { "login", "LOGIN" },
		{ "cramMd5", "CRAM-MD5" }, { "scramSha256", "SCRAM-SHA-256" },
		{ "xoauth2", "XOAUTH2" },  { "oauthbearer", "OAUTHBEARER" },
		{ "ssl", "TLS" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++)
		if (strcmp(name, spellings[i][0]) == 0)
			return spellings[i][1];
	return NULL;
}

char *display_name(const char *name, char *buf, size_t size)
{
	size_t n = 0;
	if (spelled(name)) {
		snprintf(buf, size, "%s", spelled(name));
		return buf;
	}
	for (const char *p = name; *p && n + 3 < size; p++) {
		unsigned char c = (unsigned char)*p;
		bool start = p == name;
		bool upper = isupper(c) && !start && (islower((unsigned char)p[-1]) || islower((unsigned char)p[1]));
		bool digit = isdigit(c) && !start && islower((unsigned char)p[-1]);
		if (upper || digit)
			buf[n++] = ' ';
		buf[n++] = start ? (char)toupper(c) : (c == '_' ? ' ' : (char)c);
	}
	buf[n] = '\0';
	return buf;
}
