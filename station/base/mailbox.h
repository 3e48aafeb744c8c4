/* SPDX-License-Identifier: Apache-2.0
 * Mailboxes between threads, and workers: a thread with a mailbox. Messages are plain bytes with a function to run
 * at the receiver; a completion always arrives by mailbox, never inline, so that it can fail in one way only. */
#ifndef BELFRY_MAILBOX_H
#define BELFRY_MAILBOX_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

/* Embedded in what is sent. run is called on the receiver's thread and owns the message from then on. */
struct message {
	struct message *next;
	void (*run)(struct message *m);
};
struct mailbox {
	pthread_mutex_t lock;
	struct message *head, **tail;     /* under lock */
	atomic_int posting;               /* who still has to wake: the mailbox stays until they have */
	void (*wake)(struct mailbox *mb); /* any thread, not under lock; once for what lies there */
};
void mailbox_init(struct mailbox *mb, void (*wake)(struct mailbox *));
void mailbox_finish(struct mailbox *mb);
/* Any thread. Takes m. */
void mailbox_post(struct mailbox *mb, struct message *m);
/* The same for a chain, whose receiver is woken once. */
void mailbox_post_all(struct mailbox *mb, struct message *first);
/* The receiver: runs all that waits, in order; returns how many. */
int mailbox_run(struct mailbox *mb);
/* Does a message wait? Any thread; only the receiver may build on "no". */
bool mailbox_waits(struct mailbox *mb);
/* The receiver: takes the whole chain instead of running it (the store groups by it). */
struct message *mailbox_take(struct mailbox *mb);

/* A mailbox on a libuv loop: the engine's and the net thread's. Woken by a descriptor of ours: uv_async_send() has its
 * receiver spin until the sender has run on, which a receiver of real-time priority may prevent for a long time. */
struct loop_mailbox {
	struct mailbox mailbox;
	uv_poll_t poll;
	int fd; /* owned; an eventfd */
};
int loop_mailbox_init(struct loop_mailbox *lm, uv_loop_t *loop);
/* Closes the uv handle; the loop must run once more afterwards. */
void loop_mailbox_close(struct loop_mailbox *lm);

/* The net thread: a libuv loop on which all dialogues with mail servers and other peers run. */
struct net {
	pthread_t thread;
	uv_loop_t loop;
	struct loop_mailbox inbox;
	bool stopping; /* net thread only */
};
int net_start(struct net *n, const char *name);
/* Asks the loop to end, waits for it, frees. The users have closed their handles before. */
void net_stop(struct net *n);
static inline void net_post(struct net *n, struct message *m)
{
	mailbox_post(&n->inbox.mailbox, m);
}

#endif
