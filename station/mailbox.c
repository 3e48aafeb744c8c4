/* SPDX-License-Identifier: Apache-2.0
 * Mailboxes and the net thread: see mailbox.h. */
#include "station/mailbox.h"

#include <signal.h>

#include "station/must.h"

void mailbox_init(struct mailbox *mb, void (*wake)(struct mailbox *))
{
	*mb = (struct mailbox){ .wake = wake };
	mb->tail = &mb->head;
	must(pthread_mutex_init(&mb->lock, NULL) == 0);
}

void mailbox_finish(struct mailbox *mb)
{
	pthread_mutex_destroy(&mb->lock);
}

void mailbox_post(struct mailbox *mb, struct message *m)
{
	m->next = NULL;
	pthread_mutex_lock(&mb->lock);
	bool first = mb->head == NULL;
	*mb->tail = m;
	mb->tail = &m->next;
	if (first && mb->wake) /* under the lock: the receiver cannot vanish between post and wake */
		mb->wake(mb);
	pthread_mutex_unlock(&mb->lock);
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
	uv_async_send(&container_of(mb, struct loop_mailbox, mailbox)->async);
}

static void loop_awake(uv_async_t *async)
{
	mailbox_run(&container_of(async, struct loop_mailbox, async)->mailbox);
}

int loop_mailbox_init(struct loop_mailbox *lm, uv_loop_t *loop)
{
	mailbox_init(&lm->mailbox, loop_wake);
	return uv_async_init(loop, &lm->async, loop_awake);
}

static void loop_closed(uv_handle_t *handle)
{
	mailbox_finish(&container_of((uv_async_t *)handle, struct loop_mailbox, async)->mailbox);
}

void loop_mailbox_close(struct loop_mailbox *lm)
{
	mailbox_run(&lm->mailbox);
	uv_close((uv_handle_t *)&lm->async, loop_closed);
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
	uv_close((uv_handle_t *)&n->inbox.async, NULL);
}

void net_stop(struct net *n)
{
	struct net_stop_message stop = { .message.run = net_stopping, .net = n };
	net_post(n, &stop.message);
	pthread_join(n->thread, NULL);
	mailbox_run(&n->inbox.mailbox); /* nobody's message is left behind */
	mailbox_finish(&n->inbox.mailbox);
	must(uv_loop_close(&n->loop) == 0);
}
