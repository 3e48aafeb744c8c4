/* SPDX-License-Identifier: Apache-2.0
 * Records over their tables: defaults, copies that share nothing, values and JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "station/base/must.h"
#include "station/store/record.h"

struct pet {
	char *name, *sound;
	int64_t legs;
	struct abstime born;
	struct list tricks;
};
static const struct slot slots[] = {
	SLOT(struct pet, name, STRING, .flags = SLOT_REQUIRED),
	SLOT(struct pet, sound, STRING, .dflt = "woof"),
	SLOT(struct pet, legs, INTEGER, .dflt = "4"),
	SLOT(struct pet, born, ABSTIME),
	{ .name = "tricks", .offset = offsetof(struct pet, tricks), .kind = V_LIST, .element = V_STRING },
	SLOT_END,
};
static const struct record_kind kind = { "pet", "A pet.", sizeof(struct pet), slots, false };

static void make(struct pet *p)
{
	record_init(&kind, p);
	p->name = must_strdup("Rex");
	p->tricks.items = must_alloc(sizeof(struct value));
	p->tricks.items[0] = value_string("sit");
	p->tricks.count = 1;
}

static void defaults_come_from_the_table(void **state)
{
	(void)state;
	struct pet p;
	memset(&p, 0xff, sizeof p);
	record_init(&kind, &p);
	assert_string_equal(p.name, "");
	assert_string_equal(p.sound, "woof");
	assert_int_equal(p.legs, 4);
	assert_true(p.born.us == ABSTIME_NULL);
	assert_int_equal(p.tricks.count, 0);
	record_finish(&kind, &p);
	memset(&p, 0, sizeof p);
	record_finish(&kind, &p); /* of one that was taken */
}

static void a_copy_shares_nothing(void **state)
{
	(void)state;
	struct pet p, copy;
	make(&p);
	record_copy(&kind, &copy, &p);
	assert_ptr_not_equal(copy.name, p.name);
	assert_ptr_not_equal(copy.tricks.items, p.tricks.items);
	record_finish(&kind, &p);
	assert_string_equal(copy.name, "Rex");
	assert_string_equal(copy.sound, "woof");
	assert_string_equal(copy.tricks.items[0].text, "sit");
	record_finish(&kind, &copy);
}

static void values_and_json_follow_the_table(void **state)
{
	(void)state;
	struct pet p;
	struct value v;
	make(&p);
	record_to_value(&kind, &p, &v);
	assert_int_equal(v.kind, V_STRUCT);
	assert_int_equal(v.list.count, 5);
	assert_ptr_equal(v.list.members, slots);
	assert_string_equal(v.list.items[0].text, "Rex");
	value_clear(&v);
	json_t *json = record_to_json(&kind, &p);
	char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, "{\"born\":null,\"legs\":4,\"name\":\"Rex\",\"sound\":\"woof\",\"tricks\":[\"sit\"]}");
	free(text);
	json_decref(json);
	record_finish(&kind, &p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_come_from_the_table),
		cmocka_unit_test(a_copy_shares_nothing),
		cmocka_unit_test(values_and_json_follow_the_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
