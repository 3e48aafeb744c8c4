/* SPDX-License-Identifier: Apache-2.0
 * The station's life: setting up, loading the tree, turning the engine's loop, ending. The engine is the thread that
 * calls station_run (or station_start in tests). See station.h. */
#include "station/station.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "station/base/log.h"
#include "station/base/must.h"
#include "station/epoch.h"
#include "station/link/link.h"
#include "station/sheet/version.h"
#include "station/store/persist.h"

/* --- the loop ---------------------------------------------------------------------------------------------------- */

enum { TIMERS_AT_ONCE = 64 }; /* so that a burst of timers lets descriptors and messages through */

static void ticked(uv_timer_t *timer)
{
	struct station *s = container_of(timer, struct station, tick);
	clock_run(&s->clock, TIMERS_AT_ONCE);
}

/* Before the loop sleeps: sets its one timer to the heap's earliest, so that an idle station has no wakeups. */
static void arm(uv_prepare_t *prepare)
{
	struct station *s = container_of(prepare, struct station, prepare);
	int64_t next = clock_next(&s->clock);
	if (next < 0 || s->clock.virtual_) {
		uv_timer_stop(&s->tick);
		return;
	}
	uv_update_time(&s->loop);
	uv_timer_start(&s->tick, ticked, (uint64_t)(next + 999) / 1000, 0);
}

/* The timerfd is set to a time that never comes and is cancelled when the wall clock jumps: no wakeups meanwhile. */
static void watch_wall(int fd)
{
	struct itimerspec never = { .it_value.tv_sec = INT32_MAX };
	if (timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) != 0)
		log_warn("a wall clock that is set will not be noticed: %s", strerror(errno));
}

static void wall_was_set(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	struct station *s = container_of(poll, struct station, wall_poll);
	uint64_t times;
	ssize_t n = read(s->wall_fd, &times, sizeof times);
	bool jumped = n < 0 && errno == ECANCELED;
	watch_wall(s->wall_fd);
	if (!jumped)
		return;
	log_info("the wall clock was set");
	clock_jumped(&s->clock);
}

static int wall_start(struct station *s)
{
	s->wall_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (s->wall_fd < 0 || uv_poll_init(&s->loop, &s->wall_poll, s->wall_fd) != 0)
		return -1;
	watch_wall(s->wall_fd);
	return uv_poll_start(&s->wall_poll, UV_READABLE, wall_was_set);
}

static char *copy_path(const char *directory)
{
	return must_strdup(directory ? directory : "");
}

int station_init(struct station *s, const struct type *const *types, const char *directory, bool virtual_clock,
                 struct err *e)
{
	*s = (struct station){ .types = types, .directory = copy_path(directory) };
	int rc = types_check(types, e);
	if (rc != 0)
		return rc;
	s->thread = pthread_self();
	clock_init(&s->clock, virtual_clock);
	tree_init(&s->tree);
	s->sheet = sheet_queue_new(s);
	uv_timer_t *tick = &s->tick;
	if (uv_loop_init(&s->loop) != 0 || loop_mailbox_init(&s->inbox, &s->loop) != 0 ||
	    uv_timer_init(&s->loop, tick) != 0 || uv_prepare_init(&s->loop, &s->prepare) != 0 ||
	    uv_prepare_start(&s->prepare, arm) != 0 || wall_start(s) != 0)
		return err_set(e, E_INTERNAL, NULL, "The event loop could not be made; is the limit of open files too low?");
	if (net_start(&s->net, "belfry-net") != 0)
		return err_set(e, E_INTERNAL, NULL, "The net thread could not be started.");
	return 0;
}

int station_load(struct station *s, struct err *e)
{
	struct store_tx *tx = store_tx_new();
	int rc = persist_load(s, tx, e);
	if (rc == 0)
		rc = epoch_begin(s, tx, e);
	if (rc == 0)
		rc = versions_open(s, e);
	if (rc != 0) {
		store_tx_free(&tx);
		return rc;
	}
	if (!*s->id) {
		uuid_make(s->id);
		persist_meta(tx, "stationId", s->id);
	}
	if (!s->tree.root) {
		station_ship(s);
		persist_subtree(tx, s->tree.root, NULL);
		persist_next_handle(tx, s);
	}
	rc = s->store->impl->commit_now(s->store, tx, e);
	return rc == 0 ? epoch_witness(s, e) : rc;
}

/* Control before handshakes: works without, when the system does not allow it. */
static void ask_for_priority(void)
{
	struct sched_param param = { .sched_priority = 1 };
	if (pthread_setschedparam(pthread_self(), SCHED_FIFO | SCHED_RESET_ON_FORK, &param) != 0)
		log_debug("the engine runs at normal priority; LimitRTPRIO=1 would let it run ahead of the rest");
}

void station_start(struct station *s)
{
	s->thread = pthread_self();
	s->running = true;
	links_hold(s);
	tree_start(s->tree.root);
	links_settle(s);
	links_release(s);
}

int station_run(struct station *s)
{
	ask_for_priority();
	station_start(s);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	return 0;
}

void station_turn(struct station *s)
{
	do {
		uv_run(&s->loop, UV_RUN_NOWAIT);
		if (s->clock.virtual_)
			clock_run(&s->clock, TIMERS_AT_ONCE);
	} while (mailbox_waits(&s->inbox.mailbox));
}

struct stop_message {
	struct message message;
	struct station *station;
};

static void stopping(struct message *m)
{
	struct stop_message *stop = container_of(m, struct stop_message, message);
	stop->station->stopping = true;
	uv_stop(&stop->station->loop);
	free(stop);
}

void station_stop(struct station *s)
{
	struct stop_message *stop = must_alloc(sizeof *stop);
	stop->message.run = stopping;
	stop->station = s;
	station_post(s, &stop->message);
}

void station_finish(struct station *s)
{
	s->stopping = true; /* components tell this from their removal */
	if (s->running && s->tree.root)
		tree_stop(s->tree.root);
	password_pool_finish(s);
	while (s->loop.active_reqs.count > 0) /* jobs in libuv's pool end while there is still a store to tell */
		uv_run(&s->loop, UV_RUN_ONCE);
	net_stop(&s->net);
	if (s->history) {
		s->history->impl->close(s->history);
		station_turn(s);
	}
	sheet_queue_close(s->sheet);
	if (s->store) {
		s->store->impl->close(s->store); /* its last answers arrive in the inbox */
		station_turn(s);
	}
	sheet_queue_free(&s->sheet);
	versions_close(&s->versions);
	tree_finish(&s->tree);
	clock_finish(&s->clock);
	uv_close((uv_handle_t *)&s->tick, NULL);
	uv_close((uv_handle_t *)&s->prepare, NULL);
	uv_close((uv_handle_t *)&s->wall_poll, NULL);
	loop_mailbox_close(&s->inbox);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	must(uv_loop_close(&s->loop) == 0);
	close(s->wall_fd);
	zones_free(&s->zones);
	keyring_close(&s->keyring);
	free(s->directory);
}

/* --- for everybody ------------------------------------------------------------------------------------------------ */

void station_post(struct station *s, struct message *m)
{
	mailbox_post(&s->inbox.mailbox, m);
}

void station_assert_engine(const struct station *s)
{
#ifndef NDEBUG
	must(pthread_equal(s->thread, pthread_self()));
#else
	(void)s;
#endif
}

int64_t station_now(const struct station *s)
{
	return clock_wall(&s->clock);
}

bool station_observed(const struct station *s)
{
	const struct observer *o = s->observers;
	while (o && !o->event)
		o = o->next;
	return o != NULL;
}

void station_observe(struct station *s, struct observer *o)
{
	o->next = s->observers;
	s->observers = o;
}

void station_unobserve(struct station *s, struct observer *o)
{
	struct observer **p = &s->observers;
	while (*p && *p != o)
		p = &(*p)->next;
	if (*p)
		*p = o->next;
}

void station_event(struct station *s, const char *kind, const json_t *data)
{
	station_assert_engine(s);
	for (struct observer *o = s->observers; o; o = o->next)
		if (o->event)
			o->event(o, kind, data);
}

int64_t station_sequence(struct station *s)
{
	return ++s->sequence_next;
}
