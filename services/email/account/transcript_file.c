/* SPDX-License-Identifier: Apache-2.0
 * The two files of a transcript: gathered here, written on the thread pool, one writer at a time. See transcript_file.h. */
#include "services/email/account/transcript_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "station/base/file.h"
#include "station/base/log.h"
#include "station/base/must.h"

enum { PATH_SIZE = 4096 };
#define GATHER_US SECOND_US

struct transcript_file {
	struct station *station;
	char *path, *older; /* owned */
	struct timer timer;
	char *gathered; /* owned; NULL: nothing */
	size_t length, size;
	bool writing, ended, removed;
	uv_work_t work;
	char *written; /* owned; what the pool is writing */
	size_t written_length;
	bool failed; /* the pool's last word; and whether that was said */
	bool said;
};

/* --- on the pool ------------------------------------------------------------------------------------------------------ */

static bool write_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, bytes, length);
		if (n <= 0)
			return false;
		bytes += n;
		length -= (size_t)n;
	}
	return true;
}

static void write_out(uv_work_t *work)
{
	struct transcript_file *f = container_of(work, struct transcript_file, work);
	struct stat st;
	int fd = open(f->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	f->failed = fd < 0 || !write_all(fd, f->written, f->written_length);
	bool full = fd >= 0 && fstat(fd, &st) == 0 && st.st_size > TRANSCRIPT_FILE_BYTES;
	if (fd >= 0)
		close(fd);
	if (full)
		f->failed |= rename(f->path, f->older) != 0;
}

/* --- on the engine ---------------------------------------------------------------------------------------------------- */

static void file_free(struct transcript_file *f)
{
	if (f->removed) {
		unlink(f->path);
		unlink(f->older);
	}
	free(f->gathered);
	free(f->path);
	free(f->older);
	free(f);
}

static void flush(struct transcript_file *f);

static void written(uv_work_t *work, int status)
{
	struct transcript_file *f = container_of(work, struct transcript_file, work);
	(void)status;
	free(f->written);
	f->written = NULL;
	f->writing = false;
	if (f->failed && !f->said)
		log_warn("the transcript %s cannot be written; its lines are kept in memory only", f->path);
	f->said = f->failed;
	if (f->length > 0)
		flush(f);
	else if (f->ended)
		file_free(f);
}

static void flush(struct transcript_file *f)
{
	if (f->writing || f->length == 0)
		return;
	f->written = f->gathered;
	f->written_length = f->length;
	f->gathered = NULL;
	f->length = f->size = 0;
	f->writing = true;
	must(uv_queue_work(&f->station->loop, &f->work, write_out, written) == 0);
}

static void timer_fired(struct timer *t)
{
	flush(container_of(t, struct transcript_file, timer));
}

struct transcript_file *transcript_file_new(struct station *s, uint64_t handle)
{
	char directory[PATH_SIZE];
	struct transcript_file *f = must_alloc(sizeof *f);
	*f = (struct transcript_file){ .station = s, .timer.fire = timer_fired };
	snprintf(directory, sizeof directory, "%s/transcript", s->directory);
	mkdir(directory, 0700); /* when it cannot be made, the first write says so */
	f->path = must_format("%s/%llx.log", directory, (unsigned long long)handle);
	f->older = must_format("%s/%llx.log.1", directory, (unsigned long long)handle);
	return f;
}

static void read_one(const char *path, void (*line)(void *context, const char *text), void *context)
{
	struct err e = { 0 };
	char *text = file_read(path, 2 * TRANSCRIPT_FILE_BYTES, NULL, &e), *rest = NULL;
	for (char *p = text ? strtok_r(text, "\n", &rest) : NULL; p; p = strtok_r(NULL, "\n", &rest))
		line(context, p);
	free(text);
}

void transcript_file_read(const struct transcript_file *f, void (*line)(void *context, const char *text), void *context)
{
	read_one(f->older, line, context);
	read_one(f->path, line, context);
}

void transcript_file_add(struct transcript_file *f, const char *text)
{
	size_t n = strlen(text);
	if (f->length + n + 1 > TRANSCRIPT_FILE_BYTES) /* the disk does not keep up */
		return;
	if (f->length + n + 1 > f->size)
		f->gathered = must_realloc(f->gathered, f->size = 2 * (f->length + n + 1));
	memcpy(f->gathered + f->length, text, n);
	f->gathered[f->length + n] = '\n';
	f->length += n + 1;
	if (!f->timer.index)
		timer_start(&f->station->clock, &f->timer, GATHER_US);
}

void transcript_file_end(struct transcript_file **fp, bool removed)
{
	struct transcript_file *f = *fp;
	*fp = NULL;
	if (!f)
		return;
	timer_stop(&f->station->clock, &f->timer);
	f->removed = removed;
	f->ended = true;
	flush(f);
	if (!f->writing)
		file_free(f);
}
