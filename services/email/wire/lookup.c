/* SPDX-License-Identifier: Apache-2.0
 * The lookup is shared by the loop and the detached thread: the one who lets go last frees it. See lookup.h. */
#include "services/email/wire/lookup.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "station/base/must.h"

struct lookup {
	uv_async_t async;  /* the thread is done */
	lookup_done *done; /* loop's thread; NULL: cancelled */
	void *context;
	char host[256], service[8];

	pthread_mutex_t lock;
	int holders; /* under lock: the loop, the thread */
	bool open;   /* under lock: async may be sent to */
	int code;    /* written by the thread before it sends */
	struct addrinfo *addresses;
};

static void let_go(struct lookup *l)
{
	pthread_mutex_lock(&l->lock);
	bool last = --l->holders == 0;
	pthread_mutex_unlock(&l->lock);
	if (!last)
		return;
	if (l->addresses)
		freeaddrinfo(l->addresses);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static int resolve(struct lookup *l, int flags)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV };
	return getaddrinfo(l->host, l->service, &hints, &l->addresses);
}

static void *resolver(void *argument)
{
	struct lookup *l = argument;
	l->code = resolve(l, AI_ADDRCONFIG);
	if (l->code == EAI_NONAME || l->code == EAI_ADDRFAMILY)
		l->code = resolve(l, 0); /* a host without any network still knows itself */
	pthread_mutex_lock(&l->lock);
	if (l->open)
		uv_async_send(&l->async);
	pthread_mutex_unlock(&l->lock);
	let_go(l);
	return NULL;
}

static void closed(uv_handle_t *handle)
{
	let_go(container_of((uv_async_t *)handle, struct lookup, async));
}

/* The loop's end of it: no send can follow. */
static void leave(struct lookup *l)
{
	pthread_mutex_lock(&l->lock);
	l->open = false;
	pthread_mutex_unlock(&l->lock);
	l->done = NULL;
	uv_close((uv_handle_t *)&l->async, closed);
}

static void resolved(uv_async_t *async)
{
	struct lookup *l = container_of(async, struct lookup, async);
	lookup_done *done = l->done;
	struct addrinfo *addresses = l->addresses;
	l->addresses = NULL;
	leave(l);
	done(l->context, l->code, addresses);
}

struct lookup *lookup_start(uv_loop_t *loop, const char *host, int port, lookup_done *done, void *context)
{
	struct lookup *l = must_alloc(sizeof *l);
	*l = (struct lookup){ .done = done, .context = context, .holders = 1, .open = true };
	snprintf(l->host, sizeof l->host, "%s", host);
	snprintf(l->service, sizeof l->service, "%d", port);
	must(pthread_mutex_init(&l->lock, NULL) == 0 && uv_async_init(loop, &l->async, resolved) == 0);
	l->code = resolve(l, AI_NUMERICHOST);
	pthread_t thread;
	pthread_attr_t attributes;
	if (l->code == 0) {
		uv_async_send(&l->async);
		return l;
	}
	l->holders = 2;
	must(pthread_attr_init(&attributes) == 0);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attributes, resolver, l) != 0) {
		l->holders = 1;
		l->code = EAI_AGAIN;
		uv_async_send(&l->async);
	}
	pthread_attr_destroy(&attributes);
	return l;
}

void lookup_cancel(struct lookup **lp)
{
	struct lookup *l = *lp;
	*lp = NULL;
	if (l)
		leave(l);
}
