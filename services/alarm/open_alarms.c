/* SPDX-License-Identifier: Apache-2.0
 * The open alarms in memory: found by uuid and by source in constant time, since a burst raises thousands; and how many
 * there are, in all and in each class. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/alarm/alarm_inside.h"
#include "station/base/must.h"

static size_t by_uuid(const struct open_alarms *all, const char *uuid)
{
	uint64_t h = 14695981039346656037u; /* FNV-1a */
	for (; *uuid; uuid++)
		h = (h ^ (unsigned char)*uuid) * 1099511628211u;
	return (size_t)(h & (all->buckets - 1));
}

static size_t by_source(const struct open_alarms *all, uint64_t source)
{
	return (size_t)((source * 0x9E3779B97F4A7C15u) >> 32 & (all->buckets - 1));
}

/* Within a bucket of sources the newest is first. */
static void link_in(struct open_alarms *all, struct open_alarm *a)
{
	struct open_alarm **p = &all->uuids[by_uuid(all, a->record.uuid)];
	a->next_uuid = *p;
	*p = a;
	p = &all->sources[by_source(all, a->source)];
	while (*p && (*p)->record.sequence > a->record.sequence)
		p = &(*p)->next_source;
	a->next_source = *p;
	*p = a;
}

static void grow(struct open_alarms *all)
{
	struct open_alarms old = *all;
	all->buckets = old.buckets ? 2 * old.buckets : 64;
	all->uuids = must_alloc(all->buckets * sizeof(struct open_alarm *));
	all->sources = must_alloc(all->buckets * sizeof(struct open_alarm *));
	for (size_t i = 0; i < old.buckets; i++)
		for (struct open_alarm *a = old.uuids[i], *next; a; a = next) {
			next = a->next_uuid;
			link_in(all, a);
		}
	free(old.uuids);
	free(old.sources);
}

struct open_alarm *open_alarms_add(struct open_alarms *all, const struct alarm_record *record, uint64_t source)
{
	if (all->count >= all->buckets)
		grow(all);
	struct open_alarm *a = must_alloc(sizeof *a);
	a->record = *record;
	a->source = source;
	link_in(all, a);
	all->count++;
	return a;
}

void open_alarms_remove(struct open_alarms *all, struct open_alarm *a)
{
	struct open_alarm **p = &all->uuids[by_uuid(all, a->record.uuid)];
	while (*p != a)
		p = &(*p)->next_uuid;
	*p = a->next_uuid;
	p = &all->sources[by_source(all, a->source)];
	while (*p != a)
		p = &(*p)->next_source;
	*p = a->next_source;
	all->count--;
	record_finish(&alarm_kind, &a->record);
	free(a);
}

void open_alarms_finish(struct open_alarms *all)
{
	for (size_t i = 0; i < all->buckets; i++)
		for (struct open_alarm *a = all->uuids[i], *next; a; a = next) {
			next = a->next_uuid;
			record_finish(&alarm_kind, &a->record);
			free(a);
		}
	for (struct class_counts *k = all->classes, *next; k; k = next) {
		next = k->next;
		free(k);
	}
	free(all->uuids);
	free(all->sources);
	*all = (struct open_alarms){ 0 };
}

struct open_alarm *open_alarms_find(const struct open_alarms *all, const char *uuid)
{
	struct open_alarm *a = all->buckets ? all->uuids[by_uuid(all, uuid)] : NULL;
	while (a && strcmp(a->record.uuid, uuid) != 0)
		a = a->next_uuid;
	return a;
}

struct open_alarm *open_alarms_same(const struct open_alarms *all, uint64_t source, const struct open_alarm *after)
{
	struct open_alarm *a = after ? after->next_source : all->buckets ? all->sources[by_source(all, source)] : NULL;
	while (a && a->source != source)
		a = a->next_source;
	return a;
}

/* The first one after `after` that is not normal. */
static struct open_alarm *next_active(const struct open_alarms *all, uint64_t source, const struct open_alarm *after)
{
	struct open_alarm *a = open_alarms_same(all, source, after);
	while (a && a->record.sourceState == ALARM_NORMAL)
		a = open_alarms_same(all, source, a);
	return a;
}

struct open_alarm *open_alarms_of(const struct open_alarms *all, uint64_t source)
{
	return next_active(all, source, NULL);
}

struct open_alarm *open_alarms_older(const struct open_alarm *a)
{
	return next_active(NULL, a->source, a);
}

bool open_alarms_unacked(const struct open_alarms *all, uint64_t source)
{
	const struct open_alarm *a = open_alarms_same(all, source, NULL);
	while (a && a->record.ackState == ALARM_ACKED)
		a = open_alarms_same(all, source, a);
	return a != NULL;
}

struct open_alarm *open_alarms_next(const struct open_alarms *all, const struct open_alarm *a)
{
	if (a && a->next_uuid)
		return a->next_uuid;
	for (size_t i = a ? by_uuid(all, a->record.uuid) + 1 : 0; i < all->buckets; i++)
		if (all->uuids[i])
			return all->uuids[i];
	return NULL;
}

/* --- counting ----------------------------------------------------------------------------------------------------- */

struct alarm_counts *open_alarms_counts(struct open_alarms *all, const char *alarmClass)
{
	struct class_counts *k = all->classes;
	while (k && strcmp(k->name, alarmClass) != 0)
		k = k->next;
	if (!k) {
		k = must_alloc(sizeof *k);
		snprintf(k->name, sizeof k->name, "%s", alarmClass);
		k->next = all->classes;
		all->classes = k;
	}
	return &k->counts;
}

static void add(struct alarm_counts *to, const struct alarm_counts *what, int sign)
{
	to->open += sign * what->open;
	to->in_alarm += sign * what->in_alarm;
	to->unacked += sign * what->unacked;
}

void open_alarms_count(struct open_alarms *all, struct open_alarm *a)
{
	const struct alarm_record *r = &a->record;
	const struct alarm_counts now = { !r->cleared, !r->cleared && r->sourceState != ALARM_NORMAL,
		                              r->ackState == ALARM_UNACKED };
	struct alarm_counts *class_counts = open_alarms_counts(all, r->alarmClass);
	add(&all->counts, &a->counted, -1);
	add(class_counts, &a->counted, -1);
	add(&all->counts, &now, 1);
	add(class_counts, &now, 1);
	a->counted = now;
}
