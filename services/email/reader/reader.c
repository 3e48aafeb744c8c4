/* SPDX-License-Identifier: Apache-2.0
 * The station's side of reading: one child for each mail, so that what takes over one can lie about that mail only. The
 * child is started, fed and waited for on libuv's pool, with an absolute deadline; the engine only queues. Engine thread,
 * except where said. */
#include "services/email/reader/reader.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "station/base/log.h"
#include "station/base/must.h"
#include "station/sheet/audit.h"

/* What loops is ended by its processor time (sandbox.c); the deadline is for what waits, and a busy machine must have it. */
enum { TRIES = 2, DEADLINE_MS = 60000, LOOK_MS = 100, ANSWER_MAX = 2 * 1024 * 1024 };

struct reading {
	struct reading *next;
	struct reader *reader;
	uv_work_t work;
	char *bytes; /* owned */
	size_t length;
	int tries;
	reader_done *done;
	void *context;
	/* Of the pool's thread while the work runs: */
	enum { OUTCOME_NO_CHILD, OUTCOME_CRASH, OUTCOME_REFUSED, OUTCOME_READ } outcome;
	struct parsed_mail mail; /* OUTCOME_READ */
	struct err err;          /* OUTCOME_REFUSED */
};
struct reader {
	struct station *station;
	struct reading *running, *first, **last; /* owned */
	atomic_bool closing;                     /* the pool looks at it: a child is not waited for at the end */
};

/* --- on the pool's thread ------------------------------------------------------------------------------------------------ */

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The program itself, anew, with one end of a socket as its input and output and nothing else of ours. */
static pid_t start_child(int fd)
{
	char *const argv[] = { "belfry", READER_ARGUMENT, NULL }, *const environment[] = { NULL };
	posix_spawn_file_actions_t files;
	pid_t pid = -1;
	if (posix_spawn_file_actions_init(&files) != 0)
		return -1;
	bool ready = posix_spawn_file_actions_adddup2(&files, fd, STDIN_FILENO) == 0 &&
	    posix_spawn_file_actions_adddup2(&files, fd, STDOUT_FILENO) == 0;
	if (!ready || posix_spawn(&pid, "/proc/self/exe", &files, NULL, argv, environment) != 0)
		pid = -1;
	posix_spawn_file_actions_destroy(&files);
	return pid;
}

/* A conversation with the child. */
struct talk {
	const struct reading *reading;
	int fd;
	size_t sent, have;
	char *answer; /* owned; ANSWER_MAX + 1 bytes */
};

static void send_some(struct talk *t)
{
	size_t length = t->reading->length;
	ssize_t n = send(t->fd, t->reading->bytes + t->sent, length - t->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0)
		t->sent += (size_t)n;
	else if (errno != EAGAIN && errno != EINTR)
		t->sent = length; /* it does not listen any more; what it says is still heard */
	if (t->sent == length)
		shutdown(t->fd, SHUT_WR);
}

/* False: the answer has ended. */
static bool hear_some(struct talk *t)
{
	ssize_t n = recv(t->fd, t->answer + t->have, ANSWER_MAX - t->have, MSG_DONTWAIT);
	if (n > 0)
		t->have += (size_t)n;
	return n > 0 ? t->have < ANSWER_MAX : n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Until the child has closed its end, the deadline, or the end of the reader. */
static void converse(struct talk *t)
{
	int64_t end = now_ms() + DEADLINE_MS;
	if (t->reading->length == 0)
		shutdown(t->fd, SHUT_WR);
	for (int64_t left; (left = end - now_ms()) > 0 && !t->reading->reader->closing;) {
		bool sending = t->sent < t->reading->length;
		struct pollfd p = { .fd = t->fd, .events = (short)(POLLIN | (sending ? POLLOUT : 0)) };
		int n = poll(&p, 1, left < LOOK_MS ? (int)left : LOOK_MS);
		if (n < 0 && errno != EINTR)
			return;
		if (n > 0 && (p.revents & POLLOUT) && sending)
			send_some(t);
		if (n > 0 && (p.revents & (POLLIN | POLLHUP | POLLERR)) && !hear_some(t))
			return;
	}
}

/* True: it has ended in order, so its answer counts. */
static bool child_ended_well(pid_t pid)
{
	int status = 0;
	kill(pid, SIGKILL); /* harmless when it has ended: it is not waited for yet */
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* What the child says is checked like anything a stranger says. */
static void decode(struct reading *r, const char *answer, size_t length)
{
	json_t *json = json_loadb(answer, length, JSON_REJECT_DUPLICATES, NULL);
	const json_t *mail = json_object_get(json, "mail"), *sentence = json_object_get(json, "error");
	if (mail && parsed_mail_from_json(mail, &r->mail, &r->err) == 0) {
		r->outcome = OUTCOME_READ;
	} else if (json_is_string(sentence)) {
		bool large = json_integer_value(json_object_get(json, "code")) == E_TOO_LARGE;
		err_set(&r->err, large ? E_TOO_LARGE : E_INVALID, NULL, "%.300s", json_string_value(sentence));
		r->outcome = OUTCOME_REFUSED;
	}
	if (mail && r->outcome != OUTCOME_READ)
		record_finish(&parsed_mail_kind, &r->mail);
	json_decref(json);
}

/* Takes both ends of the socket. */
static void ask_child(struct reading *r, const int fds[2])
{
	pid_t pid = start_child(fds[1]);
	close(fds[1]);
	if (pid > 0) {
		struct talk t = { .reading = r, .fd = fds[0], .answer = must_alloc(ANSWER_MAX) };
		r->outcome = OUTCOME_CRASH;
		converse(&t);
		if (child_ended_well(pid))
			decode(r, t.answer, t.have);
		free(t.answer);
	}
	close(fds[0]);
}

static void work(uv_work_t *w)
{
	struct reading *r = container_of(w, struct reading, work);
	int fds[2];
	r->outcome = r->length > MAIL_BYTES_MAX ? OUTCOME_REFUSED : OUTCOME_NO_CHILD;
	if (r->outcome == OUTCOME_REFUSED)
		err_set(&r->err, E_TOO_LARGE, NULL, "The mail is larger than the %d KB that are read.", MAIL_KB_MAX);
	else if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0)
		ask_child(r, fds);
}

/* --- on the engine's ------------------------------------------------------------------------------------------------------ */

static void start_next(struct reader *reader);

static void end_reading(struct reading *r)
{
	r->done(r->context, r->outcome == OUTCOME_READ ? &r->mail : NULL, &r->err);
	if (r->outcome == OUTCOME_READ)
		record_finish(&parsed_mail_kind, &r->mail);
	free(r->bytes);
	free(r);
}

/* Twice is no accident. */
static void quarantine(struct reading *r)
{
	struct station *s = r->reader->station;
	struct store_tx *tx = store_tx_new();
	err_set(&r->err, E_REFUSED, NULL,
	        "A mail of %zu bytes has twice ended the process that reads mails; it is left alone from now on.",
	        r->length);
	log_error("%s", r->err.text);
	audit_write(s, tx, NULL, "quarantined", "mail", NULL, NULL, NULL, r->err.text);
	store_commit(s->store, tx, NULL, NULL);
}

static void worked(uv_work_t *w, int status)
{
	struct reading *r = container_of(w, struct reading, work);
	struct reader *reader = r->reader;
	must(status == 0);
	reader->running = NULL;
	if (r->outcome == OUTCOME_CRASH && reader->closing) {
		err_set(&r->err, E_BUSY, NULL, "The station ends.");
		end_reading(r);
	} else if (r->outcome == OUTCOME_CRASH && ++r->tries < TRIES) {
		log_warn("the process that reads mails has ended badly; the mail is tried once more");
		r->next = reader->first;
		reader->first = r;
		reader->last = r->next ? reader->last : &r->next;
	} else {
		if (r->outcome == OUTCOME_CRASH)
			quarantine(r);
		if (r->outcome == OUTCOME_NO_CHILD)
			err_set(&r->err, E_BUSY, NULL, "The process that reads mails could not be started.");
		end_reading(r);
	}
	start_next(reader);
}

static void start_next(struct reader *reader)
{
	struct reading *r = reader->first;
	if (!r || reader->running || reader->closing)
		return;
	reader->first = r->next;
	if (!reader->first)
		reader->last = &reader->first;
	reader->running = r;
	must(uv_queue_work(&reader->station->loop, &r->work, work, worked) == 0);
}

void reader_parse(struct reader *reader, char *bytes, size_t length, reader_done *done, void *context)
{
	struct reading *r = must_alloc(sizeof *r);
	*r = (struct reading){ .reader = reader, .bytes = bytes, .length = length, .done = done, .context = context };
	*reader->last = r;
	reader->last = &r->next;
	start_next(reader);
}

struct reader *reader_new(struct station *s)
{
	struct reader *reader = must_alloc(sizeof *reader);
	reader->station = s;
	reader->last = &reader->first;
	return reader;
}

void reader_free(struct reader **readerp)
{
	struct reader *reader = *readerp;
	if (!reader)
		return;
	reader->closing = true;
	while (reader->running)
		uv_run(&reader->station->loop, UV_RUN_ONCE);
	for (struct reading *r = reader->first, *next; r; r = next) {
		next = r->next;
		err_set(&r->err, E_BUSY, NULL, "The station ends.");
		end_reading(r);
	}
	free(reader);
	*readerp = NULL;
}
