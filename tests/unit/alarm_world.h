/* SPDX-License-Identifier: Apache-2.0
 * A station with one point and one alarm extension, for the tests of alarms. */
#ifndef BELFRY_TESTS_ALARM_WORLD_H
#define BELFRY_TESTS_ALARM_WORLD_H

#include "tests/unit/world.h"

#include "services/alarm/alarm.h"

static const struct actor admin = { .user = "ada", .role = ROLE_ADMIN, .via = "session" };

struct fixture {
	struct world w;
	struct component *point, *ext;
};

/* types: the station's; NULL for the program's. */
static inline void make_point_of(struct fixture *f, const struct type *const *types, const char *point_type,
                                 const char *ext_type, const char *ext_values)
{
	struct ended end;
	world_make(&f->w, types ? types : station_types);
	struct batch *b = batch_new(&f->w.station, &admin);
	uint64_t point = batch_add(b, station_by_path(&f->w.station, "/Drivers")->handle, "ColdRoom", point_type, NULL, "");
	json_t *values = json_loads(ext_values, 0, NULL);
	assert_non_null(values);
	uint64_t ext = batch_add(b, point, "Alarm", ext_type, values, "/values");
	json_decref(values);
	if (submit(&f->w, b, &end) != 0)
		fail_msg("%s: %s", end.pointers[0], end.details[0]);
	f->point = station_by_handle(&f->w.station, point);
	f->ext = station_by_handle(&f->w.station, ext);
}

static inline void make_point(struct fixture *f, const char *point_type, const char *ext_type, const char *ext_values)
{
	make_point_of(f, NULL, point_type, ext_type, ext_values);
}

static inline const char *state_of(const struct fixture *f)
{
	struct value v;
	component_get(f->ext, "alarmState", &v, NULL);
	return alarm_state_range[v.ordinal].name;
}

static inline void advance(struct fixture *f, int64_t us)
{
	clock_advance(&f->w.station.clock, us);
	station_turn(&f->w.station);
}

struct answer {
	bool done;
	size_t count;
	struct alarm_record rows[8];
	bool more;
	int codes[8];
};

static inline void keep_rows(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct answer *a = context;
	assert_int_equal(code, 0);
	(void)e;
	for (size_t i = 0; i < rows->count && i < 8; i++)
		record_copy(&alarm_kind, &a->rows[i], store_row(rows, i));
	a->count = rows->count;
	a->more = rows->more;
	a->done = true;
}

/* What the disk has, newest first. */
static inline void read_alarms(struct fixture *f, struct answer *a)
{
	*a = (struct answer){ 0 };
	struct store_query q = { .kind = &alarm_kind, .order = "sequence", .descending = true, .limit = 8 };
	store_ask(f->w.station.store, &q, keep_rows, a);
	turn_until(&f->w, &a->done);
}

static inline void free_answer(struct answer *a)
{
	for (size_t i = 0; i < a->count && i < 8; i++)
		record_finish(&alarm_kind, &a->rows[i]);
}

static inline void keep_codes(void *context, const int *codes, size_t count)
{
	struct answer *a = context;
	memcpy(a->codes, codes, count * sizeof *codes);
	a->done = true;
}

#endif
