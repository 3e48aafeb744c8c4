/* SPDX-License-Identifier: Apache-2.0
 * A million components, measured from inside: bytes for each, time to read them at start, changes a second. Beside them
 * the least that could be: an array of bare structs.
 *   scale folders N | points N      bytes for each folder; for each point with an alarm extension
 *   scale write DIR N               makes a data directory with N components, a fifth of them points
 *   scale load DIR                  milliseconds to read that tree, megabytes it takes
 *   scale change N                  changes a second of N points with an alarm extension each; of bare structs */
#include <inttypes.h>
#include <jemalloc/jemalloc.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "db/sqlite/sqlite.h"
#include "station/base/must.h"
#include "station/control/point.h"
#include "station/station.h"
#include "station/store/persist.h"

enum { GROUP = 1000, ROWS_AT_ONCE = 20000 };

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Without what was freed and not yet given back. */
static double resident(void)
{
	must(mallctl("arena.4096.purge" /* all arenas */, NULL, NULL, NULL, 0) == 0);
	long total = 0, pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	must(f && fscanf(f, "%ld %ld", &total, &pages) == 2);
	fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* A station on that directory; NULL: without a store. */
static void open_station(struct station *s, const char *directory)
{
	struct err e = { 0 };
	if (station_init(s, station_types, directory ? directory : "/tmp", true, &e) != 0) {
		fprintf(stderr, "scale: %s\n", e.text);
		exit(EXIT_FAILURE);
	}
	if (!directory) {
		tree_attach(NULL, component_create(s, &baja_folder, "Station", 0));
		return;
	}
	mkdir(directory, 0700);
	if (!(s->keyring = keyring_open(directory, &e)) || sqlite_open(directory, &s->inbox.mailbox, &s->store, &e) != 0 ||
	    station_load(s, &e) != 0) {
		fprintf(stderr, "scale: %s\n", e.text);
		exit(EXIT_FAILURE);
	}
}

static struct component *add(struct station *s, struct component *parent, const char *type, const char *form, long i)
{
	char name[40];
	snprintf(name, sizeof name, form, i); /* NOLINT(clang-diagnostic-format-nonliteral): ours */
	struct component *c = component_create(s, type_find(s->types, type), name, 0);
	tree_attach(parent, c);
	return c;
}

static void set_text(struct component *c, const char *name, const char *text)
{
	const struct slot *slot = component_slot(c, name);
	struct value v;
	struct err e = { 0 };
	must(slot && value_parse(slot, text, &v, &e) == 0);
	slot_write(slot, c, &v);
}

static struct component *add_point(struct station *s, struct component *parent, long i)
{
	struct component *point = add(s, parent, "control:NumericPoint", "Point%ld", i);
	add(s, point, "alarm:OutOfRangeAlarmExt", "OutOfRangeAlarmExt", 0);
	return point;
}

/* Folders of a thousand below the root; what each holds is made by fill. */
static void grow(struct station *s, long count, void (*fill)(struct station *, struct component *, long))
{
	struct component *group = NULL;
	for (long i = 0; i < count; i++) {
		if (i % GROUP == 0)
			group = add(s, s->tree.root, "baja:Folder", "Group%ld", i / GROUP);
		fill(s, group, i);
	}
}

static void fill_folder(struct station *s, struct component *group, long i)
{
	add(s, group, "baja:Folder", "Folder%ld", i);
}

static void fill_point(struct station *s, struct component *group, long i)
{
	add_point(s, group, i);
}

/* One in three is a point, with its extension: of 5 components 1 point, 1 extension, 3 folders. */
static void fill_mixed(struct station *s, struct component *group, long i)
{
	if (i % 4 != 0) {
		fill_folder(s, group, i);
		return;
	}
	struct component *point = add_point(s, group, i);
	set_text(point->first, "highLimit", i % 8 ? "26" : "80");
}

static void memory(long count, void (*fill)(struct station *, struct component *, long))
{
	struct station s;
	open_station(&s, NULL);
	grow(&s, GROUP, fill); /* what the first ones cost once is no component's */
	double before = resident();
	grow(&s, count, fill);
	printf("%.1f\n", (resident() - before) / (double)count);
	fflush(stdout);
	_exit(0);
}

static void write_rows(struct station *s, struct store_tx **tx)
{
	struct err e = { 0 };
	if (s->store->impl->commit_now(s->store, *tx, &e) != 0) {
		fprintf(stderr, "scale: %s\n", e.text);
		exit(EXIT_FAILURE);
	}
	*tx = store_tx_new();
}

static void write_tree(const char *directory, long count)
{
	struct station s;
	open_station(&s, directory);
	struct component *last = s.tree.root->last;
	grow(&s, count * 4 / 5, fill_mixed);
	struct store_tx *tx = store_tx_new();
	for (struct component *group = last->next; group; group = group->next) {
		persist_subtree(tx, group, s.tree.root);
		if (tx->count > ROWS_AT_ONCE)
			write_rows(&s, &tx);
	}
	persist_next_handle(tx, &s);
	write_rows(&s, &tx);
	store_tx_free(&tx);
	station_finish(&s);
}

static void load(const char *directory)
{
	double before = resident(), start = now_ms();
	struct station s;
	open_station(&s, directory);
	double read = now_ms() - start;
	station_start(&s);
	printf("%.1f %.1f %.1f %zu\n", read, now_ms() - start, (resident() - before) / 1048576, s.tree.index.count);
	fflush(stdout);
	_exit(0);
}

/* The least that a point with one subscriber could be. */
struct bare {
	double value;
	unsigned status;
	void (*subscriber)(struct bare *b);
	double high;
	long alarms;
};

static void bare_subscriber(struct bare *b)
{
	if (b->value > b->high)
		b->alarms++;
}

static void change(long count)
{
	enum { ROUNDS = 20 };
	struct station s;
	open_station(&s, NULL);
	grow(&s, count, fill_point);
	tree_start(s.tree.root);
	double start = now_ms();
	for (int round = 0; round < ROUNDS; round++)
		for (struct component *group = s.tree.root->first; group; group = group->next)
			for (struct component *point = group->first; point; point = point->next)
				numeric_point_feed(point, round % 50 + 1, STATUS_OK);
	double ours = (double)count * ROUNDS / (now_ms() - start) * 1e3;
	struct bare *array = must_alloc((size_t)count * sizeof *array);
	for (long i = 0; i < count; i++)
		array[i] = (struct bare){ .subscriber = bare_subscriber, .high = 100 };
	start = now_ms();
	for (int round = 0; round < ROUNDS; round++)
		for (long i = 0; i < count; i++) {
			array[i].value = round % 50 + 1;
			array[i].subscriber(&array[i]);
		}
	double bare = (double)count * ROUNDS / (now_ms() - start) * 1e3;
	printf("%.0f %.0f %ld\n", ours, bare, array[count / 2].alarms);
	fflush(stdout);
	_exit(0);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	if (sodium_init() < 0)
		return EXIT_FAILURE;
	if (strcmp(what, "folders") == 0)
		memory(atol(argv[2]), fill_folder); /* lint: allow atol, a bench of ours */
	else if (strcmp(what, "points") == 0)
		memory(atol(argv[2]), fill_point);
	else if (strcmp(what, "write") == 0 && argc > 3)
		write_tree(argv[2], atol(argv[3]));
	else if (strcmp(what, "load") == 0)
		load(argv[2]);
	else if (strcmp(what, "change") == 0)
		change(atol(argv[2]));
	else
		return 2;
	return EXIT_SUCCESS;
}
