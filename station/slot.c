/* SPDX-License-Identifier: Apache-2.0
 * Reading and writing the C fields behind slot tables: see slot.h. The only place that knows how a kind lies in memory.
 * Texts equal to the row's default share its static text, so that a million components do not hold a million copies. */
#include "station/slot.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "station/must.h"

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

bool slot_equals(const struct slot *slot, const void *base, const struct value *v)
{
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

char *display_name(const char *name, char *buf, size_t size)
{
	size_t n = 0;
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
