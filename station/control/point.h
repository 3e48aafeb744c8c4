/* SPDX-License-Identifier: Apache-2.0
 * Control points: the values of a building: numbers, booleans, enums (with a range of their own) and texts. A read-only
 * point is fed by its proxy (a driver); a writable one has a 16-level priority array, which links may feed. Extensions
 * (alarm, history) are children and see `out` by parent_changed. Engine thread. */
#ifndef BELFRY_POINT_H
#define BELFRY_POINT_H

#include "station/tree/component.h"

/* Base of all points: "control:ControlPoint". */
extern const struct type control_point;
extern const struct type control_numeric_point, control_numeric_writable, control_boolean_point,
    control_boolean_writable, control_enum_point, control_enum_writable, control_string_point, control_string_writable;
/* Base of extensions: "control:PointExtension"; parent must be a control point. */
extern const struct type control_extension;
/* Base of proxy extensions of drivers: "control:ProxyExt"; at most one a point. */
extern const struct type control_proxy_ext;

struct point {
	struct component c;
};
struct proxy_ext {
	struct component c;
	char *faultCause;
	bool enabled;
};
struct numeric_facets {
	char *units;
	int64_t precision;
	double min, max;
};
struct boolean_facets {
	char *trueText, *falseText;
};
/* range: a list of {ordinal, tag}. */
struct enum_facets {
	struct list range;
};
/* Points of the same make wear the same facets until one is given its own. */
struct numeric_rare {
	struct rare rare;
	struct numeric_facets facets;
};
struct numeric_point {
	struct point p;
	struct numeric_rare *rare;
	struct status_numeric out;
};
struct boolean_point {
	struct point p;
	struct boolean_facets facets;
	struct status_boolean out;
};
struct enum_point {
	struct point p;
	struct enum_facets facets;
	struct status_enum out;
};
struct string_point {
	struct point p;
	struct status_string out;
};

/* A driver's reading comes in: sets out (value and status), keeping the alarm bits, and tells everybody. */
void numeric_point_feed(struct component *point, double value, uint16_t status);
void boolean_point_feed(struct component *point, bool value, uint16_t status);
void enum_point_feed(struct component *point, int ordinal, uint16_t status);
void string_point_feed(struct component *point, const char *text, uint16_t status);
/* The reading is no good any more: the last value stays, with this status. */
void point_feed_status(struct component *point, uint16_t status);
/* Sets or clears bits of out's status (alarm extensions: STATUS_ALARM, STATUS_UNACKED_ALARM). */
void point_set_status_bits(struct component *point, uint16_t mask, uint16_t bits);
/* The row of out, for extensions that look at parent_changed. */
const struct slot *point_out_slot(const struct component *point);
/* out of any point, as a value; owned. */
void point_out(const struct component *point, struct value *out);
/* "21.50 °C", "Open", "auto": with the point's own facets. Owned. */
char *point_text(const struct component *point, const struct value *v);

#endif
