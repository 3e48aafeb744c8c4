/* SPDX-License-Identifier: Apache-2.0
 * Records over their slot tables: see record.h. Any thread. */
#include "station/store/record.h"

#include <string.h>

#include "station/base/must.h"

void record_init(const struct record_kind *k, void *record)
{
	memset(record, 0, k->size);
	slots_init(k->slots, record);
}

void record_finish(const struct record_kind *k, void *record)
{
	slots_finish(k->slots, record);
}

void record_copy(const struct record_kind *k, void *to, const void *from)
{
	memset(to, 0, k->size);
	for (const struct slot *slot = k->slots; slot->name; slot++) {
		struct value v;
		slot_read(slot, from, &v);
		slot_write(slot, to, &v);
	}
}

void record_to_value(const struct record_kind *k, const void *record, struct value *out)
{
	struct slot whole = { .name = k->table, .kind = V_STRUCT, .members = k->slots };
	slot_read(&whole, record, out);
}

json_t *record_to_json(const struct record_kind *k, const void *record)
{
	struct slot whole = { .name = k->table, .kind = V_STRUCT, .members = k->slots };
	struct value v;
	slot_read(&whole, record, &v);
	json_t *json = value_to_json(&whole, &v);
	value_clear(&v);
	return json;
}
