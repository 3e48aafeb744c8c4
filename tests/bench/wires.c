/* SPDX-License-Identifier: Apache-2.0
 * Values along links, measured from inside: one source with many targets, and a long chain.
 *   wires fan N      links carried a second from one source to N targets, each change with an observer that counts
 *   wires chain N    microseconds until a chain of N links has settled in one pass; links a second */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "station/base/must.h"
#include "station/link/link.h"
#include "station/station.h"

struct stage {
	struct component c;
	double in, out;
};
static const struct slot slots[] = {
	SLOT(struct stage, in, REAL, .doc = "What comes."),
	SLOT(struct stage, out, REAL, .doc = "What goes."),
	SLOT_END,
};
static void changed(struct component *c, const struct slot *slot)
{
	struct stage *s = (struct stage *)(void *)c;
	if (slot != &slots[0])
		return;
	struct value v = value_real(s->in + 1);
	component_set(c, &slots[1], &v);
}
static const struct type follower = {
	.name = "bench:Follower",
	.doc = "Has a value.",
	.size = sizeof(struct stage),
	.base = &baja_component,
	.slots = slots,
};
static const struct type stage = {
	.name = "bench:Stage",
	.doc = "Passes a value on.",
	.size = sizeof(struct stage),
	.base = &baja_component,
	.slots = slots,
	.changed = changed,
};
static const struct type *const types[] = { &baja_component, &baja_folder, &follower, &stage, NULL };

struct counter {
	struct observer observer;
	long seen;
};

static void saw(struct observer *o, struct component *c, const struct slot *slot)
{
	(void)c;
	(void)slot;
	container_of(o, struct counter, observer)->seen++;
}

static double now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static struct component *add(struct station *s, const struct type *type, long number)
{
	char name[24];
	snprintf(name, sizeof name, "C%ld", number);
	struct component *c = component_create(s, type, name, 0);
	tree_attach(s->tree.root, c);
	c->flags |= COMPONENT_RUNNING;
	return c;
}

int main(int argc, char **argv)
{
	static struct station s;
	struct err e = { 0 };
	long count = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
	if (count < 1 || (strcmp(argv[1], "fan") != 0 && strcmp(argv[1], "chain") != 0))
		return 2;
	bool fan = strcmp(argv[1], "fan") == 0;
	if (station_init(&s, types, "/tmp", true, &e) != 0)
		return EXIT_FAILURE;
	tree_attach(NULL, component_create(&s, &baja_folder, "Station", 0));
	struct component *source = add(&s, fan ? &follower : &stage, 0), *last = source;
	for (long i = 1; i <= count; i++) {
		struct component *c = add(&s, fan ? &follower : &stage, i);
		link_add(c, "in", (fan ? source : last)->handle, "out", "in");
		last = c;
	}
	struct counter counter = { .observer = { .value = saw } };
	s.observers = &counter.observer;
	long rounds = fan ? 20000000 / count : 200;
	double start = now_us();
	for (long i = 1; i <= rounds; i++) {
		struct value v = value_real((double)i);
		component_set(source, &slots[fan ? 1 : 0], &v);
	}
	double took = now_us() - start;
	must(((struct stage *)(void *)last)->in != 0 && counter.seen >= rounds * count);
	printf("%.0f %.0f\n", (double)rounds * (double)count / took * 1e6, took / (double)rounds);
	fflush(stdout);
	_Exit(0);
}
