/* SPDX-License-Identifier: Apache-2.0
 * The transport Maildir: a mail is a file in DIR/mail/ACCOUNT/new, written under tmp first, fsynced, then renamed, so
 * that a reader never sees half a mail. The writing happens on libuv's pool. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/email/email_inside.h"
#include "station/base/must.h"

struct delivery {
	uv_work_t work;
	struct station *station;
	uint64_t account;
	struct smtp_message *mail; /* owned */
	char *directory;           /* owned */
	int error;
};

static int write_file(const char *path, const char *data, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	int error = 0;
	for (size_t sent = 0; sent < length && !error;) {
		ssize_t n = write(fd, data + sent, length - sent);
		if (n < 0)
			error = errno;
		else
			sent += (size_t)n;
	}
	if (!error && fsync(fd) != 0)
		error = errno;
	if (close(fd) != 0 && !error)
		error = errno;
	return error;
}

static int sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = fd < 0 || fsync(fd) != 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	return error;
}

static int make_folders(const char *directory)
{
	static const char *const folders[] = { "", "/tmp", "/new", "/cur" };
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		char *path = must_format("%s%s", directory, folders[i]);
		int error = mkdir(path, 0700) != 0 && errno != EEXIST ? errno : 0;
		free(path);
		if (error)
			return error;
	}
	return 0;
}

/* libuv's pool. The same mail again overwrites itself: its name is its number. */
static void deliver(uv_work_t *work)
{
	struct delivery *d = container_of(work, struct delivery, work);
	char *tmp = must_format("%s/tmp/%lld", d->directory, (long long)d->mail->id);
	char *new = must_format("%s/new/%lld.belfry", d->directory, (long long)d->mail->id),
	     *folder = must_format("%s/new", d->directory);
	d->error = make_folders(d->directory);
	unlink(tmp);
	if (!d->error)
		d->error = write_file(tmp, d->mail->content, d->mail->length);
	if (!d->error && rename(tmp, new) != 0)
		d->error = errno;
	if (!d->error)
		d->error = sync_directory(folder);
	free(tmp);
	free(new);
	free(folder);
}

static void decide(struct smtp_message *m, int error)
{
	for (size_t i = 0; i < m->count; i++) {
		struct smtp_recipient *r = &m->recipients[i];
		r->outcome = error ? SMTP_DEFERRED : SMTP_ACCEPTED;
		r->stage = STAGE_CONTENT;
		r->code = error ? 0 : 250;
		snprintf(r->text, sizeof r->text, error ? "The file could not be written: %s" : "Written into the folder new",
		         strerror(error));
	}
	if (!error)
		snprintf(m->queue_id, sizeof m->queue_id, "%lld.belfry", (long long)m->id);
}

static void delivered(uv_work_t *work, int status)
{
	struct delivery *d = container_of(work, struct delivery, work);
	struct component *c = station_by_handle(d->station, d->account);
	decide(d->mail, status != 0 ? ECANCELED : d->error);
	if (component_is(c, &email_outgoing_account)) {
		struct outgoing_account *a = COMPONENT_AS(c, &email_outgoing_account, struct outgoing_account);
		outbox_done(a, d->mail);
		if (d->error)
			account_failed(&a->account, d->mail->recipients[0].text);
	}
	smtp_message_free(&d->mail);
	free(d->directory);
	free(d);
}

void maildir_deliver(struct outgoing_account *a, struct smtp_message *m)
{
	struct station *s = a->account.c.station;
	struct delivery *d = must_alloc(sizeof *d);
	char *mail = must_format("%s/mail", s->directory);
	mkdir(mail, 0700); /* if that fails, the folder below fails and says so */
	*d = (struct delivery){ .station = s,
		                    .account = a->account.c.handle,
		                    .mail = m,
		                    .directory = must_format("%s/%s", mail, a->account.c.name) };
	free(mail);
	must(uv_queue_work(&s->loop, &d->work, deliver, delivered) == 0);
}
