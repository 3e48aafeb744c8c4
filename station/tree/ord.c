/* SPDX-License-Identifier: Apache-2.0
 * Resolving ords: see ord.h. Engine thread. */
#include "station/tree/ord.h"

#include <stdlib.h>
#include <string.h>

#include "station/station.h"

static const char *skip_prefix(const char *text, const char *prefix)
{
	size_t n = strlen(prefix);
	return strncmp(text, prefix, n) == 0 ? text + n : NULL;
}

/* What stands behind "local:|station:|", which both may be left out. */
static const char *query(const char *text)
{
	const char *rest;
	if ((rest = skip_prefix(text, "local:|")))
		text = rest;
	if ((rest = skip_prefix(text, "station:|")))
		text = rest;
	return text;
}

static struct component *walk(struct component *from, const char *path)
{
	while (from && *path) {
		size_t n = strcspn(path, "/");
		char name[NAME_MAX_LENGTH + 1];
		if (n > NAME_MAX_LENGTH)
			return NULL;
		memcpy(name, path, n);
		name[n] = '\0';
		if (strcmp(name, "..") == 0)
			from = from->parent;
		else if (n > 0 && strcmp(name, ".") != 0)
			from = component_child(from, name);
		path += n + (path[n] == '/');
	}
	return from;
}

struct component *ord_resolve(struct station *s, struct component *base, const char *text, struct err *e)
{
	const char *body, *q = query(text);
	struct component *c = NULL;
	if ((body = skip_prefix(q, "h:")))
		c = station_by_handle(s, strtoull(body, NULL, 16));
	else if ((body = skip_prefix(q, "slot:")))
		c = *body == '/' || !base ? walk(s->tree.root, body + (*body == '/')) : walk(base, body);
	else if (*q == '/')
		c = walk(s->tree.root, q + 1);
	if (!c)
		err_set(e, E_NOT_FOUND, NULL, "The ord \"%.200s\" leads to no component.", text);
	return c;
}

int ord_check(const char *text, struct err *e)
{
	const char *q = query(text);
	if (*text == '\0' || *q == '/' || skip_prefix(q, "slot:") || skip_prefix(q, "h:"))
		return 0;
	return err_set(e, E_INVALID, NULL,
	               "\"%.100s\" is not an ord; write for example station:|slot:/Services/EmailService.", text);
}
