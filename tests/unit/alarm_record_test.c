/* SPDX-License-Identifier: Apache-2.0
 * What becomes of an alarm: recipients and their transaction, acknowledgement and notes, disks that refuse, restarts,
 * sources that are renamed or removed, counters, lists, capacity. */
#include "station/tree/format.h"
#include "tests/unit/alarm_world.h"
#include "tests/unit/faulty_disk.h"

/* A recipient that notes what it is told and what became of the transaction: "highLimit/unacked/raised+". */
struct recipient {
	struct component c;
	char told[512];
};

static void ended(void *context, int code, const struct err *e)
{
	(void)e;
	struct recipient *r = context;
	strncat(r->told, code == 0 ? "+" : "-", sizeof r->told - strlen(r->told) - 1);
}

static int route(struct component *c, struct invocation *inv)
{
	struct recipient *r = (struct recipient *)c;
	char *state = format_expand("%sourceState%/%ackState% ", inv->arg);
	strncat(r->told, state, sizeof r->told - strlen(r->told) - 1);
	free(state);
	must(inv->tx != NULL);
	store_tx_hook(inv->tx, ended, r);
	return 0;
}

static const struct slot route_members[] = { MEMBER("uuid", STRING, .doc = "Identity."), SLOT_END };
static const struct slot route_arg = {
	.name = "alarm", .kind = V_STRUCT, .members = route_members, .doc = "The alarm."
};
static const struct action actions[] = {
	{ "routeAlarm", "Notes the alarm.", 0, &route_arg, route },
	{ 0 },
};
static const struct slot no_slots[] = { SLOT_END };
static const struct type recipient_type = {
	.name = "test:Recipient",
	.doc = "Notes alarms.",
	.size = sizeof(struct recipient),
	.base = &baja_component,
	.slots = no_slots,
	.actions = actions,
};

static const struct type *types[64];

static const struct type *const *all_types(void)
{
	size_t n = 0;
	while (station_types[n] && n < ARRAY_SIZE(types) - 2)
		n++;
	memcpy(types, station_types, n * sizeof *types);
	types[n] = &recipient_type;
	types[n + 1] = NULL;
	return types;
}

static const char *const limits = "{\"highLimit\":100,\"toNormalText\":\"fine\",\"faultAlgorithm\":{\"highLimit\":150,"
                                  "\"limitEnable\":{\"high\":true}}}";
static const char *const class_path = "/Services/AlarmService/defaultAlarmClass";

static void begin(struct fixture *f)
{
	make_point_of(f, all_types(), "control:NumericPoint", "alarm:OutOfRangeAlarmExt", limits);
}

static struct recipient *add_recipient(struct fixture *f)
{
	struct ended end;
	struct batch *b = batch_new(&f->w.station, &admin);
	uint64_t handle =
	    batch_add(b, station_by_path(&f->w.station, "/Services")->handle, "Recipient", "test:Recipient", NULL, "");
	assert_int_equal(submit(&f->w, b, &end), 0);
	b = batch_new(&f->w.station, &admin);
	batch_link(b, handle, NULL, "station:|slot:/Services/AlarmService/defaultAlarmClass", "alarm", "routeAlarm");
	if (submit(&f->w, b, &end) != 0)
		fail_msg("%s", end.details[0]);
	return (struct recipient *)station_by_handle(&f->w.station, handle);
}

/* Waits until all that was committed is answered. */
static void settle(struct fixture *f)
{
	struct answer a;
	read_alarms(f, &a);
	free_answer(&a);
}

static int64_t number(struct fixture *f, const char *path, const char *slot)
{
	struct value v;
	struct err e = { 0 };
	if (component_get(station_by_path(&f->w.station, path), slot, &v, &e) != 0)
		fail_msg("%s", e.text);
	return v.integer;
}

static int acknowledge(struct fixture *f, const struct actor *actor, const char *uuid, const char *note)
{
	struct answer a = { 0 };
	alarm_order(&f->w.station, &(struct alarm_order){ .verb = ALARM_ACKNOWLEDGE, .actor = actor, .note = note }, &uuid,
	            1, keep_codes, &a);
	turn_until(&f->w, &a.done);
	return a.codes[0];
}

static uint16_t point_status(struct fixture *f)
{
	struct value out;
	point_out(f->point, &out);
	return out.status;
}

/* --- recipients ------------------------------------------------------------------------------------------------------- */

static void recipients_hear_in_the_alarms_transaction(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f);
	struct recipient *r = add_recipient(&f);
	numeric_point_feed(f.point, 120, 0);
	settle(&f);
	assert_string_equal(r->told, "highLimit/unacked +");
	*r->told = '\0';
	numeric_point_feed(f.point, 200, 0); /* a new alarm takes its place: nobody hears "normal" */
	settle(&f);
	assert_string_equal(r->told, "fault/unacked +");
	*r->told = '\0';
	struct answer a;
	read_alarms(&f, &a);
	assert_int_equal(a.count, 2);
	assert_int_equal(a.rows[1].sourceState, ALARM_NORMAL);
	assert_string_not_equal(a.rows[1].msgText, "fine");
	assert_int_equal(acknowledge(&f, &admin, a.rows[0].uuid, ""), 0);
	assert_string_equal(r->told, "fault/acked +");
	*r->told = '\0';
	numeric_point_feed(f.point, 50, 0);
	settle(&f);
	assert_string_equal(r->told, "normal/acked +");
	free_answer(&a);
	world_end(&f.w);
}

/* --- acknowledging ---------------------------------------------------------------------------------------------------- */

static void acknowledgements_are_answered_one_by_one(void **state)
{
	(void)state;
	static const struct actor viewer = { .user = "vic", .role = ROLE_VIEWER },
	                          operator= { .user = "olga", .role = ROLE_OPERATOR };
	struct fixture f;
	struct answer a, after;
	begin(&f);
	numeric_point_feed(f.point, 120, 0);
	read_alarms(&f, &a);
	const char *uuid = a.rows[0].uuid;
	assert_int_equal(acknowledge(&f, &viewer, uuid, ""), E_FORBIDDEN);
	assert_int_equal(acknowledge(&f, &operator, uuid, "on my way"), 0);
	assert_int_equal(acknowledge(&f, &operator, uuid, ""), E_CONFLICT);
	assert_int_equal(acknowledge(&f, &operator, "00000000-0000-4000-8000-000000000000", ""), E_NOT_FOUND);
	assert_int_equal(acknowledge(&f, &operator, "x", ""), E_NOT_FOUND);
	numeric_point_feed(f.point, 50, 0);
	settle(&f); /* cleared: it leaves the memory */
	assert_int_equal(acknowledge(&f, &operator, uuid, ""), E_CONFLICT);
	struct answer noted = { 0 };
	alarm_order(&f.w.station, &(struct alarm_order){ .verb = ALARM_NOTE, .actor = &operator, .note = "door was open" }, (const char *const[]){ uuid, uuid }, 2, keep_codes, &noted);
	turn_until(&f.w, &noted.done);
	assert_int_equal(noted.codes[0], 0);
	assert_int_equal(noted.codes[1], 0);
	read_alarms(&f, &after);
	assert_true(after.rows[0].cleared);
	assert_int_equal(after.rows[0].notes.count, 3);
	assert_string_equal(after.rows[0].notes.items[2].list.items[2].text, "door was open");
	assert_string_equal(after.rows[0].user, "olga");
	free_answer(&a);
	free_answer(&after);
	world_end(&f.w);
}

/* --- disks that refuse ------------------------------------------------------------------------------------------------- */

static void keep_list(void *context, int code, const struct err *e, struct store_rows *rows)
{
	keep_rows(context, code, e, rows);
}

static void list(struct fixture *f, const struct alarm_filter *filter, struct answer *a)
{
	*a = (struct answer){ 0 };
	alarm_list(&f->w.station, filter, keep_list, a);
	turn_until(&f->w, &a->done);
}

static void a_full_disk_loses_and_hides_nothing(void **state)
{
	(void)state;
	struct faulty_disk disk;
	struct fixture f;
	struct answer a;
	const struct alarm_filter open = { .open = true, .since = ABSTIME_NULL, .limit = 8 };
	faulty_disk_begin(&disk);
	begin(&f);
	struct recipient *r = add_recipient(&f);
	numeric_point_feed(f.point, 50, 0);
	atomic_store(&disk.write_code, SQLITE_FULL);
	numeric_point_feed(f.point, 120, 0);
	settle(&f);
	assert_string_equal(r->told, "highLimit/unacked -"); /* told that its rows are not on disk */
	read_alarms(&f, &a);
	assert_int_equal(a.count, 0);
	list(&f, &open, &a);
	assert_int_equal(a.count, 1);
	assert_int_equal(station_by_path(&f.w.station, "/Services/AlarmService")->status.bits, STATUS_FAULT);
	assert_int_equal(acknowledge(&f, &admin, a.rows[0].uuid, "seen"), E_STORAGE);
	free_answer(&a);
	advance(&f, 3 * SECOND_US); /* tries in vain */
	settle(&f);
	list(&f, &open, &a);
	assert_int_equal(a.rows[0].ackState, ALARM_UNACKED); /* nobody was told otherwise */
	assert_int_equal(a.rows[0].notes.count, 0);
	free_answer(&a);
	atomic_store(&disk.write_code, 0);
	advance(&f, 3 * SECOND_US);
	settle(&f);
	read_alarms(&f, &a);
	assert_int_equal(a.count, 1);
	assert_int_equal(a.rows[0].ackState, ALARM_UNACKED);
	assert_int_equal(acknowledge(&f, &admin, a.rows[0].uuid, "seen"), 0);
	assert_int_equal(station_by_path(&f.w.station, "/Services/AlarmService")->status.bits, STATUS_OK);
	free_answer(&a);
	world_end(&f.w);
	faulty_disk_end(&disk);
}

/* The acknowledgement is refused while a transition of the same alarm is under way: only the first is taken back. */
static void a_refused_acknowledgement_takes_back_only_itself(void **state)
{
	(void)state;
	struct faulty_disk disk;
	struct fixture f;
	struct answer a, ack = { 0 };
	faulty_disk_begin(&disk);
	begin(&f);
	numeric_point_feed(f.point, 120, 0);
	read_alarms(&f, &a);
	const char *uuid = a.rows[0].uuid;
	atomic_store(&disk.write_code, SQLITE_FULL);
	alarm_order(&f.w.station, &(struct alarm_order){ .verb = ALARM_ACKNOWLEDGE, .actor = &admin, .note = "" }, &uuid, 1,
	            keep_codes, &ack);
	numeric_point_feed(f.point, 50, 0);
	turn_until(&f.w, &ack.done);
	assert_int_equal(ack.codes[0], E_STORAGE);
	atomic_store(&disk.write_code, 0);
	settle(&f);
	free_answer(&a);
	advance(&f, 3 * SECOND_US);
	read_alarms(&f, &a);
	assert_int_equal(a.count, 1);
	assert_int_equal(a.rows[0].sourceState, ALARM_NORMAL);
	assert_int_equal(a.rows[0].ackState, ALARM_UNACKED);
	assert_false(a.rows[0].cleared);
	assert_int_equal(point_status(&f), STATUS_UNACKED_ALARM);
	free_answer(&a);
	world_end(&f.w);
	faulty_disk_end(&disk);
}

/* --- restarts, renames, removals ---------------------------------------------------------------------------------------- */

static void find_again(struct fixture *f, const char *point, const char *ext)
{
	f->point = station_by_path(&f->w.station, point);
	f->ext = station_by_path(&f->w.station, ext);
	assert_non_null(f->point);
	assert_non_null(f->ext);
}

static void a_renamed_source_keeps_its_alarm_over_a_restart(void **state)
{
	(void)state;
	struct fixture f;
	struct ended end;
	struct answer a;
	begin(&f);
	numeric_point_feed(f.point, 120, 0);
	struct batch *b = batch_new(&f.w.station, &admin);
	batch_move(b, f.point->handle, 0, "Renamed");
	assert_int_equal(submit(&f.w, b, &end), 0);
	world_restart(&f.w, types);
	find_again(&f, "/Drivers/Renamed", "/Drivers/Renamed/Alarm");
	numeric_point_feed(f.point, 121, 0);
	read_alarms(&f, &a);
	assert_int_equal(a.count, 1);
	free_answer(&a);
	numeric_point_feed(f.point, 200, 0); /* what happened while it was down is raised at once */
	read_alarms(&f, &a);
	assert_int_equal(a.count, 2);
	assert_int_equal(a.rows[0].sourceState, ALARM_FAULT);
	free_answer(&a);
	world_end(&f.w);
}

static void a_removed_source_ends_its_alarm(void **state)
{
	(void)state;
	struct fixture f;
	struct ended end;
	struct answer a;
	begin(&f);
	numeric_point_feed(f.point, 120, 0);
	assert_int_equal(point_status(&f), STATUS_ALARM | STATUS_UNACKED_ALARM);
	struct batch *b = batch_new(&f.w.station, &admin);
	batch_remove(b, f.ext->handle);
	assert_int_equal(submit(&f.w, b, &end), 0);
	assert_int_equal(point_status(&f), STATUS_OK);
	advance(&f, SECOND_US);
	read_alarms(&f, &a);
	assert_int_equal(a.rows[0].sourceState, ALARM_NORMAL);
	assert_int_equal(a.rows[0].ackState, ALARM_UNACKED);
	assert_int_equal(a.rows[0].notes.count, 1);
	assert_int_equal(acknowledge(&f, &admin, a.rows[0].uuid, ""), 0);
	assert_int_equal(number(&f, class_path, "openAlarmCount"), 0);
	free_answer(&a);
	world_end(&f.w);
}

/* --- counters, lists, capacity -------------------------------------------------------------------------------------------- */

static void expect_counts(struct fixture *f, int64_t total, int64_t open, int64_t in_alarm, int64_t unacked)
{
	static const char *const paths[] = { "/Services/AlarmService", "/Services/AlarmService/defaultAlarmClass" };
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		assert_int_equal(number(f, paths[i], "totalAlarmCount"), total);
		assert_int_equal(number(f, paths[i], "openAlarmCount"), open);
		assert_int_equal(number(f, paths[i], "inAlarmCount"), in_alarm);
		assert_int_equal(number(f, paths[i], "unackedAlarmCount"), unacked);
	}
}

static void counters_follow(void **state)
{
	(void)state;
	struct fixture f;
	struct answer a;
	begin(&f);
	expect_counts(&f, 0, 0, 0, 0);
	numeric_point_feed(f.point, 120, 0);
	expect_counts(&f, 1, 1, 1, 1);
	numeric_point_feed(f.point, 50, 0);
	expect_counts(&f, 1, 1, 0, 1);
	numeric_point_feed(f.point, 120, 0);
	expect_counts(&f, 2, 2, 1, 2);
	read_alarms(&f, &a);
	assert_int_equal(acknowledge(&f, &admin, a.rows[1].uuid, ""), 0);
	expect_counts(&f, 2, 1, 1, 1);
	assert_int_equal(acknowledge(&f, &admin, a.rows[0].uuid, ""), 0);
	expect_counts(&f, 2, 1, 1, 0);
	world_restart(&f.w, types);
	expect_counts(&f, 0, 1, 1, 0);
	find_again(&f, "/Drivers/ColdRoom", "/Drivers/ColdRoom/Alarm");
	numeric_point_feed(f.point, 50, 0);
	expect_counts(&f, 0, 0, 0, 0);
	free_answer(&a);
	world_end(&f.w);
}

static void lists_are_filtered_and_paged(void **state)
{
	(void)state;
	struct fixture f;
	struct answer a;
	begin(&f);
	for (int i = 0; i < 6; i++) {
		numeric_point_feed(f.point, 120, 0);
		advance(&f, SECOND_US);
		numeric_point_feed(f.point, 50, 0);
	}
	list(&f, &(struct alarm_filter){ .since = ABSTIME_NULL, .limit = 4 }, &a);
	assert_int_equal(a.count, 4);
	assert_true(a.more);
	int64_t before = a.rows[3].sequence, since = a.rows[1].timestamp.us;
	assert_true(a.rows[0].sequence > a.rows[3].sequence);
	assert_int_equal(acknowledge(&f, &admin, a.rows[0].uuid, ""), 0);
	free_answer(&a);
	static const struct {
		struct alarm_filter filter;
		size_t count;
	} rows[] = {
		{ { .open = true, .since = ABSTIME_NULL, .limit = 8 }, 5 },
		{ { .cleared = true, .since = ABSTIME_NULL, .limit = 8 }, 1 },
		{ { .open = true, .cleared = true, .since = ABSTIME_NULL, .limit = 8 }, 6 },
		{ { .alarmClass = "defaultAlarmClass", .since = ABSTIME_NULL, .limit = 8 }, 6 },
		{ { .alarmClass = "other", .since = ABSTIME_NULL, .limit = 8 }, 0 },
		{ { .source = "coldroom", .since = ABSTIME_NULL, .limit = 8 }, 6 },
		{ { .source = "boiler", .since = ABSTIME_NULL, .limit = 8 }, 0 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		list(&f, &rows[i].filter, &a);
		if (a.count != rows[i].count)
			fail_msg("list %zu has %zu rows", i, a.count);
		free_answer(&a);
	}
	list(&f, &(struct alarm_filter){ .since = ABSTIME_NULL, .before = before, .limit = 4 }, &a);
	assert_int_equal(a.count, 2);
	assert_false(a.more);
	free_answer(&a);
	list(&f, &(struct alarm_filter){ .since = since, .limit = 8 }, &a);
	assert_int_equal(a.count, 2);
	free_answer(&a);
	world_end(&f.w);
}

static int64_t count_alarms(struct fixture *f)
{
	return count_rows(&f->w, (struct store_query){ .kind = &alarm_kind });
}

static void old_cleared_records_make_room(void **state)
{
	(void)state;
	struct fixture f;
	struct ended end;
	begin(&f);
	struct batch *b = batch_new(&f.w.station, &admin); /* nothing to acknowledge: cleared as soon as normal */
	json_t *values = json_loads("{\"ackRequired\":{\"toOffnormal\":false,\"toNormal\":false}}", 0, NULL);
	batch_set_json(b, station_by_path(&f.w.station, class_path)->handle, values, "/values");
	json_decref(values);
	assert_int_equal(submit(&f.w, b, &end), 0);
	for (int i = 0; i < 300; i++) {
		numeric_point_feed(f.point, 120, 0);
		numeric_point_feed(f.point, 50, 0);
	}
	numeric_point_feed(f.point, 120, 0); /* stays open */
	TURN_UNTIL(&f.w, count_alarms(&f) == 301);
	b = batch_new(&f.w.station, &admin);
	values = json_loads("{\"capacity\":100}", 0, NULL);
	batch_set_json(b, station_by_path(&f.w.station, "/Services/AlarmService")->handle, values, "/values");
	json_decref(values);
	assert_int_equal(submit(&f.w, b, &end), 0);
	TURN_UNTIL(&f.w, count_alarms(&f) == 100);
	struct answer a;
	list(&f, &(struct alarm_filter){ .open = true, .since = ABSTIME_NULL, .limit = 8 }, &a);
	assert_int_equal(a.count, 1);
	free_answer(&a);
	world_end(&f.w);
}

/* --- events -------------------------------------------------------------------------------------------------------------- */

struct listener {
	struct observer o;
	struct fixture *f;
	int events;
};

static void heard(struct observer *o, const char *kind, const json_t *data)
{
	struct listener *l = (struct listener *)o;
	if (strcmp(kind, "alarm") != 0)
		return;
	assert_true(json_is_object(json_object_get(data, "alarmData")));
	assert_null(json_object_get(data, "sourceHandle"));
	struct store_figures figures;
	l->f->w.station.store->impl->figures(l->f->w.station.store, &figures);
	assert_true(figures.transactions > l->events); /* on disk before anybody hears of it */
	l->events++;
}

static void observers_hear_after_the_disk(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f);
	struct listener l = { .o.event = heard, .f = &f };
	f.w.station.observers = &l.o;
	numeric_point_feed(f.point, 120, 0);
	assert_int_equal(l.events, 0);
	settle(&f);
	assert_int_equal(l.events, 1);
	numeric_point_feed(f.point, 50, 0);
	settle(&f);
	assert_int_equal(l.events, 2);
	f.w.station.observers = NULL;
	world_end(&f.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recipients_hear_in_the_alarms_transaction),
		cmocka_unit_test(acknowledgements_are_answered_one_by_one),
		cmocka_unit_test(a_full_disk_loses_and_hides_nothing),
		cmocka_unit_test(a_refused_acknowledgement_takes_back_only_itself),
		cmocka_unit_test(a_renamed_source_keeps_its_alarm_over_a_restart),
		cmocka_unit_test(a_removed_source_ends_its_alarm),
		cmocka_unit_test(counters_follow),
		cmocka_unit_test(lists_are_filtered_and_paged),
		cmocka_unit_test(old_cleared_records_make_room),
		cmocka_unit_test(observers_hear_after_the_disk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
