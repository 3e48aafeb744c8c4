/* SPDX-License-Identifier: Apache-2.0
 * Reads the kernel's figures (/proc, statvfs, uname) every five seconds and feeds them to points, below which alarm
 * extensions may stand as below any other. One row of the table makes a point. Engine thread; the files are in
 * memory, only the data directory's file system is asked for its free space. */
#include "services/platform/platform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "station/base/must.h"
#include "station/control/point.h"
#include "station/station.h"
#include "station/store/persist.h"

struct platform {
	struct component c;
	char *hostname, *kernel, *architecture;
	struct reltime updateInterval;
	struct component *load1, *load5, *load15, *cpuUsage, *memoryTotal, *memoryAvailable, *diskTotal, *diskFree, *uptime;
	struct timer tick;
	unsigned long long busy, total; /* processor time at the last look */
};

/* What one look finds. */
struct figures {
	double load[3], memory_total, memory_available, disk_total, disk_free, uptime, cpu;
	bool load_ok, memory_ok, disk_ok, uptime_ok, cpu_ok;
};

static const struct {
	size_t point;     /* where the platform keeps it */
	size_t value, ok; /* in the figures */
	const char *units;
	int precision;
} rows[] = {
#define ROW(p, v, k, u, n)                                                                                             \
	{                                                                                                                  \
		offsetof(struct platform, p), offsetof(struct figures, v), offsetof(struct figures, k), u, n                   \
	}
	ROW(load1, load[0], load_ok, "", 2),
	ROW(load5, load[1], load_ok, "", 2),
	ROW(load15, load[2], load_ok, "", 2),
	ROW(cpuUsage, cpu, cpu_ok, "%", 1),
	ROW(memoryTotal, memory_total, memory_ok, "MB", 0),
	ROW(memoryAvailable, memory_available, memory_ok, "MB", 0),
	ROW(diskTotal, disk_total, disk_ok, "MB", 0),
	ROW(diskFree, disk_free, disk_ok, "MB", 0),
	ROW(uptime, uptime, uptime_ok, "h", 1),
};

/* --- looking ---------------------------------------------------------------------------------------------------- */

/* The first bytes of a file of the kernel, with a NUL; false when it cannot be read. */
static bool read_text(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	if (!f)
		return false;
	size_t n = fread(buf, 1, size - 1, f);
	buf[n] = '\0';
	fclose(f);
	return n > 0;
}

static bool memory_line(const char *text, const char *name, double *megabytes)
{
	const char *line = strstr(text, name);
	if (!line)
		return false;
	*megabytes = strtod(line + strlen(name), NULL) / 1024;
	return true;
}

/* Share of the processors that was busy since the last look. */
static void look_at_cpu(struct platform *p, const char *text, struct figures *f)
{
	unsigned long long user, nice, system_, idle, wait, irq, soft, steal;
	if (sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system_, &idle, &wait, &irq, &soft,
	           &steal) != 8)
		return;
	unsigned long long busy = user + nice + system_ + irq + soft + steal, total = busy + idle + wait;
	if (p->total && total > p->total) {
		f->cpu = 100.0 * (double)(busy - p->busy) / (double)(total - p->total);
		f->cpu_ok = true;
	}
	p->busy = busy;
	p->total = total;
}

static void look(struct platform *p, struct figures *f)
{
	char text[4096];
	struct statvfs fs;
	*f = (struct figures){ 0 };
	if (read_text("/proc/loadavg", text, sizeof text))
		f->load_ok = sscanf(text, "%lf %lf %lf", &f->load[0], &f->load[1], &f->load[2]) == 3;
	if (read_text("/proc/meminfo", text, sizeof text))
		f->memory_ok = memory_line(text, "MemTotal:", &f->memory_total) &&
		    memory_line(text, "MemAvailable:", &f->memory_available);
	if (read_text("/proc/uptime", text, sizeof text)) {
		f->uptime_ok = sscanf(text, "%lf", &f->uptime) == 1;
		f->uptime /= 3600;
	}
	if (read_text("/proc/stat", text, sizeof text))
		look_at_cpu(p, text, f);
	if (statvfs(p->c.station->directory, &fs) == 0) {
		const double megabyte = 1024.0 * 1024;
		f->disk_total = (double)fs.f_blocks * (double)fs.f_frsize / megabyte;
		f->disk_free = (double)fs.f_bavail * (double)fs.f_frsize / megabyte;
		f->disk_ok = true;
	}
}

/* --- showing ---------------------------------------------------------------------------------------------------- */

static struct component *point_of(struct platform *p, size_t offset)
{
	return *(struct component **)(void *)((char *)p + offset);
}

static void tick(struct timer *t)
{
	struct platform *p = container_of(t, struct platform, tick);
	struct figures f;
	look(p, &f);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct component *point = point_of(p, rows[i].point);
		if (*((bool *)&f + rows[i].ok))
			numeric_point_feed(point, *(double *)(void *)((char *)&f + rows[i].value), STATUS_OK);
		else
			point_feed_status(point, STATUS_STALE);
	}
	timer_start(&p->c.station->clock, t, p->updateInterval.us);
}

/* Units are part of what the point is; a user who changed them keeps the change. */
static void give_facets(struct component *point, const char *units, int precision)
{
	const struct numeric_point *np = COMPONENT_AS(point, &control_numeric_point, struct numeric_point);
	if (*np->rare->facets.units || !*units)
		return;
	const struct slot *slot = type_slot(point->type, "facets");
	struct value v;
	slot_read(slot, point, &v);
	for (uint32_t i = 0; i < v.list.count; i++) {
		if (strcmp(slot->members[i].name, "units") == 0) {
			value_clear(&v.list.items[i]);
			v.list.items[i] = value_string(units);
		} else if (strcmp(slot->members[i].name, "precision") == 0) {
			v.list.items[i].integer = precision;
		}
	}
	component_set(point, slot, &v);
	struct store_tx *tx = store_tx_new(); /* kept: a station at rest has the same configuration */
	persist_slot(tx, point->handle, slot, point);
	store_commit(point->station->store, tx, NULL, NULL);
}

static void set_text(struct component *c, const char *name, const char *text)
{
	struct value v = value_string(text);
	component_set(c, type_slot(c->type, name), &v);
}

static void init(struct component *c)
{
	((struct platform *)(void *)c)->tick.fire = tick;
}

static void started(struct component *c)
{
	struct platform *p = COMPONENT_AS(c, &platform_service, struct platform);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		give_facets(point_of(p, rows[i].point), rows[i].units, rows[i].precision);
	struct utsname u;
	if (uname(&u) == 0) {
		set_text(c, "hostname", u.nodename);
		set_text(c, "kernel", u.release);
		set_text(c, "architecture", u.machine);
	}
	timer_start(&c->station->clock, &p->tick, 0);
}

static void stopped(struct component *c)
{
	timer_stop(&c->station->clock, &COMPONENT_AS(c, &platform_service, struct platform)->tick);
}

#define POINT(f, text)                                                                                                 \
	SLOT_COMPONENT(struct platform, f, &control_numeric_point, .dflt = "control:NumericPoint", .doc = text)
#define FACT(f, text) SLOT(struct platform, f, STRING, .flags = SLOT_READONLY | SLOT_TRANSIENT, .doc = text)
static const struct slot slots[] = {
	FACT(hostname, "Name of the machine."),
	FACT(kernel, "Release of its Linux kernel."),
	FACT(architecture, "Kind of its processor."),
	SLOT(struct platform, updateInterval, RELTIME, .dflt = "5s",
	     .facets = FACETS(.min = SECOND_US, .max = 3600.0 * SECOND_US),
	     .doc = "Time between two looks at the machine."),
	POINT(load1, "Mean number of tasks that ran or waited, over one minute."),
	POINT(load5, "The same over five minutes."),
	POINT(load15, "The same over fifteen minutes."),
	POINT(cpuUsage, "Share of the processors' time that was used."),
	POINT(memoryTotal, "Memory of the machine."),
	POINT(memoryAvailable, "Memory that programs could still get."),
	POINT(diskTotal, "Size of the file system that holds the data directory."),
	POINT(diskFree, "What is free on it."),
	POINT(uptime, "Time since the machine started."),
	SLOT_END,
};
const struct type platform_service = {
	.name = "platform:PlatformService",
	.doc = "The machine that the station runs on: load, memory, disk, uptime.",
	.size = sizeof(struct platform),
	.base = &baja_component,
	.flags = TYPE_SINGLETON,
	.slots = slots,
	.init = init,
	.started = started,
	.stopped = stopped,
};
