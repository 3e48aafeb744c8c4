/* SPDX-License-Identifier: Apache-2.0
 * Mailboxes and the net thread: see mailbox.h. */
#include "station/base/mailbox.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "station/base/must.h"

void mailbox_init(struct mailbox *mb, void (*wake)(struct mailbox *))
{
	*mb = (struct mailbox){ .wake = wake };
	mb->tail = &mb->head;
	pthread_mutexattr_t inherit; /* a poster that holds the lock runs as urgently as who waits for it */
	must(pthread_mutexattr_init(&inherit) == 0);
	must(pthread_mutexattr_setprotocol(&inherit, PTHREAD_PRIO_INHERIT) == 0);
	must(pthread_mutex_init(&mb->lock, &inherit) == 0);
	pthread_mutexattr_destroy(&inherit);
}

void mailbox_finish(struct mailbox *mb)
{
	while (atomic_load(&mb->posting) > 0) /* asleep, not spinning: the poster may be less urgent than we are */
		usleep(100);
	pthread_mutex_destroy(&mb->lock);
}

void mailbox_post(struct mailbox *mb, struct message *m)
{
	m->next = NULL;
	mailbox_post_all(mb, m);
}

void mailbox_post_all(struct mailbox *mb, struct message *first)
{
	struct message **tail = &first;
	while (*tail)
		tail = &(*tail)->next;
	if (tail == &first)
		return;
	atomic_fetch_add(&mb->posting, 1);
	pthread_mutex_lock(&mb->lock);
	bool empty = mb->head == NULL;
	*mb->tail = first;
	mb->tail = tail;
	pthread_mutex_unlock(&mb->lock);
	if (empty && mb->wake) /* not under the lock, for which the receiver would have to wait as soon as it is awake */
		mb->wake(mb);
	atomic_fetch_sub(&mb->posting, 1);
}

bool mailbox_waits(struct mailbox *mb)
{
	pthread_mutex_lock(&mb->lock);
	bool waits = mb->head != NULL;
	pthread_mutex_unlock(&mb->lock);
	return waits;
}

struct message *mailbox_take(struct mailbox *mb)
{
	pthread_mutex_lock(&mb->lock);
	struct message *chain = mb->head;
	mb->head = NULL;
	mb->tail = &mb->head;
	pthread_mutex_unlock(&mb->lock);
	return chain;
}

int mailbox_run(struct mailbox *mb)
{
	int count = 0;
	for (struct message *m = mailbox_take(mb), *next; m; m = next, count++) {
		next = m->next;
		m->run(m);
	}
	return count;
}

static void loop_wake(struct mailbox *mb)
{
	const uint64_t one = 1;
	ssize_t n;
	do
		n = write(container_of(mb, struct loop_mailbox, mailbox)->fd, &one, sizeof one);
	while (n < 0 && errno == EINTR);
	must(n == sizeof one);
}

static void loop_awake(uv_poll_t *poll, int status, int events)
{
	(void)status, (void)events;
	struct loop_mailbox *lm = container_of(poll, struct loop_mailbox, poll);
	uint64_t count;
	ssize_t n = read(lm->fd, &count, sizeof count); /* before the messages are taken: a later one wakes again */
	must(n == sizeof count || errno == EAGAIN || errno == EINTR);
	mailbox_run(&lm->mailbox);
}

int loop_mailbox_init(struct loop_mailbox *lm, uv_loop_t *loop)
{
	mailbox_init(&lm->mailbox, loop_wake);
	lm->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (lm->fd < 0)
		return -1;
	int rc = uv_poll_init(loop, &lm->poll, lm->fd);
	return rc != 0 ? rc : uv_poll_start(&lm->poll, UV_READABLE, loop_awake);
}

static void loop_mailbox_finish(struct loop_mailbox *lm)
{
	mailbox_finish(&lm->mailbox);
	close(lm->fd);
}

static void loop_closed(uv_handle_t *handle)
{
	loop_mailbox_finish(container_of((uv_poll_t *)handle, struct loop_mailbox, poll));
}

void loop_mailbox_close(struct loop_mailbox *lm)
{
	mailbox_run(&lm->mailbox);
	uv_close((uv_handle_t *)&lm->poll, loop_closed);
}

static void *net_main(void *context)
{
	struct net *n = context;
	uv_run(&n->loop, UV_RUN_DEFAULT);
	return NULL;
}

int net_start(struct net *n, const char *name)
{
	*n = (struct net){ 0 };
	if (uv_loop_init(&n->loop) != 0)
		return -1;
	if (loop_mailbox_init(&n->inbox, &n->loop) != 0)
		return -1;
	sigset_t all, old; /* signals are the engine's business */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	int rc = pthread_create(&n->thread, NULL, net_main, n);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0)
		return -1;
	pthread_setname_np(n->thread, name);
	return 0;
}

struct net_stop_message {
	struct message message;
	struct net *net;
};

static void net_stopping(struct message *m)
{
	struct net *n = container_of(m, struct net_stop_message, message)->net;
	n->stopping = true;
	uv_close((uv_handle_t *)&n->inbox.poll, NULL);
}

void net_stop(struct net *n)
{
	struct net_stop_message stop = { .message.run = net_stopping, .net = n };
	net_post(n, &stop.message);
	pthread_join(n->thread, NULL);
	mailbox_run(&n->inbox.mailbox); /* nobody's message is left behind */
	loop_mailbox_finish(&n->inbox);
	must(uv_loop_close(&n->loop) == 0);
}
