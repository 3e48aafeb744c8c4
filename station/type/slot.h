/* SPDX-License-Identifier: Apache-2.0
 * The slot table: one row per property, action and topic of a type. Everything the outside sees
 * (property sheet, REST, validation, what is stored, permissions, OpenAPI, help) is made from these rows.
 * Frozen slots are real C fields; the row points at the field and _Generic refuses a row of the wrong kind. */
#ifndef BELFRY_SLOT_H
#define BELFRY_SLOT_H

#include <stddef.h>

#include "station/type/field.h"
#include "station/value/text_form.h"
#include "station/value/value.h"

struct component;
struct invocation;
struct type;

struct tag {
	int ordinal;
	const char *name, *doc;
};

struct facets {
	const char *units;       /* "°C", "KB"; NULL for none */
	double min, max;         /* bounded only when min < max; INFINITY for open ends. Reltime: in microseconds */
	int precision;           /* decimals shown */
	const struct tag *range; /* of an enum; ends with name NULL */
	const char *(*called)(int ordinal); /* of a range: a tag's display name where its name does not say it, or NULL */
	const char *trueText, *falseText;
	bool multiLine;
	bool format; /* a BFormat: checked when it is saved */
	enum text_form
	    form; /* of a string: a date, a host name, a mail address; FORM_TIME_OF_DAY of a reltime: since midnight */
	const char *names;  /* of a string: what it names, for who offers a choice: a type, or one of NAMES_... */
	uint32_t maxLength; /* characters of a string, items of a list; 0: STRING_MAX_DEFAULT */
};
#define NAMES_KEY "key"              /* an alias of the User Key Store */
#define NAMES_SERVER_KEY "serverKey" /* the same, of a key that a server shows */
#define NAMES_TIME_ZONE "timeZone"   /* "Europe/Berlin" */
#define FACETS(...) (&(const struct facets){ __VA_ARGS__ })
#define STRING_MAX_DEFAULT 16384

enum slot_flags {
	SLOT_READONLY = 1 << 0,  /* nobody outside may set it */
	SLOT_TRANSIENT = 1 << 1, /* not stored */
	SLOT_HIDDEN = 1 << 2,
	SLOT_SUMMARY = 1 << 3,  /* shown in tables */
	SLOT_OPERATOR = 1 << 4, /* an operator may set or invoke it; otherwise an admin */
	SLOT_CONFIRM = 1 << 5,  /* confirmRequired */
	SLOT_SECRET = 1 << 6,   /* set by kind V_SECRET */
	SLOT_REQUIRED = 1 << 7, /* of a record: the key; of an action's argument and its members: must be given */
	SLOT_INDEX = 1 << 8,    /* of a record: searched by */
	SLOT_HASHED = 1 << 9,   /* V_SECRET: a person's password, kept only as a sealed hash; at most one in a type */
	SLOT_EXTRA = 1 << 10,   /* a text in struct component_extra: what few components have */
	SLOT_JSON = 1 << 11,    /* of such a text: it is JSON, and stands so in the configuration's text */
	SLOT_DYNAMIC = 1 << 12, /* of one component alone: see own_slots.h */
};

struct slot {
	const char *name; /* camelCase, Niagara's name */
	const char *doc;  /* one sentence for the user; mandatory */
	const char *dflt; /* text, passes the same parser as input; NULL: the kind's zero */
	enum kind kind;
	enum kind element; /* V_LIST: kind of the items */
	unsigned flags;
	uint32_t offset; /* of the C field in the component (in the struct, for a member row) */
	uint32_t rare;   /* of the pointer to the rare block that offset counts in; 0: in the component itself */
	const struct facets *facets; /* NULL: none */
	const struct slot *members;  /* V_STRUCT, and V_LIST of V_STRUCT: rows end with name NULL */
	const struct type *type;     /* V_COMPONENT: what the child must be; dflt names the type made at first */
};

/* Fails to compile when the field is not of the row's kind: an array of negative size. */
#define KIND_CHECKED(T, f, K) (V_##K + 0 * sizeof(char[KIND_OF(((T *)0)->f) == V_##K ? 1 : -1]))

/* A row for field f of struct T, and one whose C path differs from its name. */
#define SLOT(T, f, K, ...) SLOT_AT(T, f, #f, K, __VA_ARGS__)
#define SLOT_AT(T, f, n, K, ...)                                                                                       \
	{                                                                                                                  \
		.name = n, .offset = offsetof(T, f), .kind = (enum kind)KIND_CHECKED(T, f, K), __VA_ARGS__                     \
	}
/* A struct field whose members are described by the table m, which has MEMBER rows over the struct's own type. */
#define SLOT_STRUCT(T, f, m, ...)                                                                                      \
	{                                                                                                                  \
		.name = #f, .offset = offsetof(T, f), .kind = V_STRUCT, .members = m, __VA_ARGS__                              \
	}
/* A list whose items are structs, described by m (members of an item have no C field). */
#define SLOT_LIST(T, f, m, ...)                                                                                        \
	{                                                                                                                  \
		.name = #f, .offset = offsetof(T, f), .kind = (enum kind)KIND_CHECKED(T, f, LIST), .element = V_STRUCT,        \
		.members = m, __VA_ARGS__                                                                                      \
	}
/* Rows whose field f stands in struct R, the rare block that the member `rare` of T points to. */
#define SLOT_RARE(T, R, f, K, ...) SLOT(R, f, K, .rare = offsetof(T, rare), __VA_ARGS__)
/* A member that lives only in a value, not in a C field. */
#define MEMBER(n, K, ...)                                                                                              \
	{                                                                                                                  \
		.name = n, .kind = V_##K, __VA_ARGS__                                                                          \
	}
/* A frozen child component: *f is kept pointing at it by the tree. */
#define SLOT_COMPONENT(T, f, t, ...)                                                                                   \
	{                                                                                                                  \
		.name = #f, .offset = offsetof(T, f), .kind = (enum kind)KIND_CHECKED(T, f, COMPONENT), .type = t, __VA_ARGS__ \
	}
#define SLOT_END                                                                                                       \
	{                                                                                                                  \
		.name = NULL                                                                                                   \
	}

/* An action. Engine thread. Returns 0 when done (invocation->result may be set), a negative code with
 * invocation->err filled, or 1 when it will call invocation_done() later. */
struct action {
	const char *name, *doc;
	unsigned flags;         /* SLOT_OPERATOR, SLOT_CONFIRM, SLOT_HIDDEN */
	const struct slot *arg; /* what it takes; NULL: nothing */
	int (*run)(struct component *c, struct invocation *inv);
};
struct topic {
	const char *name, *doc;
};

/* Reads and writes the C field behind a row (base: the component or record). Engine thread for components.
 * slot_read gives an owned value. slot_write takes *v's content and clears *v; it frees what was there,
 * unless that is the default's own text (shared). */
void slot_read(const struct slot *slot, const void *base, struct value *out);
void slot_write(const struct slot *slot, void *base, struct value *v);
bool slot_equals(const struct slot *slot, const void *base, const struct value *v);
/* Before C code writes to a rare block: gives the component its own. field: address of the pointer. Returns the block. */
void *rare_own(void *field);
/* Sets every field of a table to its default in zeroed memory, and frees every field. For records and structs. */
void slots_init(const struct slot *table, void *base);
void slots_finish(const struct slot *table, void *base);
/* Does a field hold memory of its own, so that a copy of the bytes would share it? */
bool slots_own_memory(const struct slot *table, const void *base);
const struct slot *slots_find(const struct slot *table, const char *name);
uint32_t slots_count(const struct slot *table);
/* "useStartTls" -> "Use Start Tls", "tlsV1_2" -> "TLS 1.2"; buf is at least 128 bytes. */
char *display_name(const char *name, char *buf, size_t size);

#endif
