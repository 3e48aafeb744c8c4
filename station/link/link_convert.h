/* SPDX-License-Identifier: Apache-2.0
 * What a link does to a value on its way: one table, kind by kind. A status travels from status value to status value;
 * a plain source gives status ok, a plain target drops it. Engine thread. */
#ifndef BELFRY_LINK_CONVERT_H
#define BELFRY_LINK_CONVERT_H

#include "station/tree/component.h"

/* One way between two kinds. */
struct crossing {
	const struct component *source, *target; /* whose own facets count; NULL: none */
	const struct slot *from, *to;
	const char *why; /* the sentence when it failed; static */
};
struct conversion;

/* How from becomes to; NULL: there is no way. */
const struct conversion *conversion_find(const struct slot *from, const struct slot *to);
/* What may be lost on the way, a sentence; NULL: nothing. */
const char *conversion_loss(const struct conversion *conversion);

enum converted {
	CONVERTED,    /* *out is to's value, owned by the caller */
	NO_VALUE,     /* the source is null, and the plain target keeps what it has */
	NOT_CONVERTED /* a text that is no number, a value outside of the target's range: why says so */
};
/* Carries one value over. Takes nothing of *v. */
enum converted convert(const struct conversion *conversion, struct crossing *way, const struct value *v,
                       struct value *out);

#endif
