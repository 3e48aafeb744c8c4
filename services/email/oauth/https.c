/* SPDX-License-Identifier: Apache-2.0
 * A call is made by the engine, lives on the net thread, and comes back to the engine, which frees it. Each has a multi
 * handle of its own, turned by libuv: calls are rare (one an hour and account), and so nothing is shared or left over.
 * See https.h. */
#include "services/email/oauth/https.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "services/email/wire/lookup.h"
#include "services/trust/trust.h"
#include "station/base/must.h"

#define ADDRESSES_MAX 16

struct https_call {
	struct message begin, cancel, arrived, cancelled;
	struct station *station;

	/* Engine. */
	https_done *done; /* NULL: not wanted any more */
	void *context;
	int expected; /* messages still to come back */

	/* Net thread. */
	char *url, *form, *authorization; /* owned; the last two locked */
	char host[256];
	int port;
	int64_t deadline;
	struct trust_snapshot *trust; /* one reference */
	struct trust_verdict verdict;
	struct lookup *lookup;
	CURLM *multi;
	CURL *easy;
	struct curl_slist *headers, *resolve;
	char curl_error[CURL_ERROR_SIZE];
	uv_timer_t end, turn; /* the deadline; when curl wants to be called */
	int timers;           /* that are not closed yet */
	bool over;
	char *body; /* locked */
	bool too_long;
	struct https_answer answer;
};
struct https_socket {
	uv_poll_t poll;
	struct https_call *call;
	curl_socket_t fd;
};

/* --- back on the engine ------------------------------------------------------------------------------------------- */

static void let_go(struct https_call *c)
{
	if (--c->expected > 0)
		return;
	trust_verdict_clear(&c->verdict);
	trust_release(&c->trust);
	secret_wipe(&c->form);
	secret_wipe(&c->authorization);
	secret_wipe(&c->body);
	free(c->url);
	free(c);
}

static void arrived(struct message *m)
{
	struct https_call *c = container_of(m, struct https_call, arrived);
	if (c->verdict.seen && !c->verdict.trusted && !c->station->stopping)
		trust_refused(c->station, &c->verdict);
	if (c->done)
		c->done(c->context, &c->answer);
	let_go(c);
}

static void cancel_noted(struct message *m)
{
	let_go(container_of(m, struct https_call, cancelled));
}

/* --- the end, on the net thread ----------------------------------------------------------------------------------- */

static void timer_closed(uv_handle_t *handle)
{
	struct https_call *c = handle->data;
	if (--c->timers == 0)
		station_post(c->station, &c->arrived);
}

static void wipe_list(struct curl_slist *list)
{
	for (struct curl_slist *item = list; item; item = item->next)
		explicit_bzero(item->data, strlen(item->data));
	curl_slist_free_all(list);
}

/* Nothing of curl is left afterwards; the call goes back to the engine. Never inside of a callback of curl. */
static void finish(struct https_call *c)
{
	c->over = true;
	lookup_cancel(&c->lookup);
	if (c->easy) {
		curl_multi_remove_handle(c->multi, c->easy);
		curl_easy_cleanup(c->easy);
	}
	if (c->multi)
		curl_multi_cleanup(c->multi);
	wipe_list(c->headers);
	curl_slist_free_all(c->resolve);
	uv_close((uv_handle_t *)&c->end, timer_closed);
	uv_close((uv_handle_t *)&c->turn, timer_closed);
}

static void fail(struct https_call *c, int code, const char *text)
{
	err_set(&c->answer.err, code, NULL, "%s:%d %s", c->host, c->port, text);
	finish(c);
}

/* --- what became of it -------------------------------------------------------------------------------------------- */

static const struct {
	CURLcode curl;
	int code;
	const char *text;
} failures[] = {
	{ CURLE_COULDNT_CONNECT, E_NETWORK,
	  "cannot be reached. Check the address of the authorization server, the network, and firewalls in between." },
	{ CURLE_SSL_CONNECT_ERROR, E_TLS, "does not offer TLS 1.2 or newer on this port." },
	{ CURLE_GOT_NOTHING, E_PROTOCOL, "closed the connection without an answer." },
	{ CURLE_RECV_ERROR, E_NETWORK, "broke the connection off." },
	{ CURLE_SEND_ERROR, E_NETWORK, "broke the connection off." },
	{ CURLE_PARTIAL_FILE, E_NETWORK, "broke its answer off." },
};

static void explain(struct https_call *c, CURLcode rc)
{
	if (c->answer.err.code != 0) /* the certificate was refused */
		return;
	if (c->too_long) {
		err_set(&c->answer.err, E_PROTOCOL, NULL,
		        "%s:%d sent more than %d KiB, which is no answer of an authorization "
		        "server. Check the address.",
		        c->host, c->port, HTTPS_ANSWER_MAX / 1024);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++)
		if (failures[i].curl == rc) {
			err_set(&c->answer.err, failures[i].code, NULL, "%s:%d %s", c->host, c->port, failures[i].text);
			return;
		}
	err_set(&c->answer.err, E_PROTOCOL, NULL, "The request to %s:%d failed: %s.", c->host, c->port,
	        *c->curl_error ? c->curl_error : curl_easy_strerror(rc));
}

static void read_head(struct https_call *c)
{
	long status = 0;
	const char *type = NULL;
	struct curl_header *date = NULL;
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(c->easy, CURLINFO_CONTENT_TYPE, &type);
	c->answer.status = (int)status;
	for (size_t i = 0; type && type[i] && !strchr("; ", type[i]) && i + 1 < sizeof c->answer.type; i++)
		c->answer.type[i] = (char)tolower((unsigned char)type[i]);
	if (curl_easy_header(c->easy, "Date", 0, CURLH_HEADER, -1, &date) == CURLHE_OK) {
		time_t seconds = curl_getdate(date->value, NULL);
		c->answer.date = seconds > 0 ? (int64_t)seconds * SECOND_US : ABSTIME_NULL;
	}
}

static void look(struct https_call *c)
{
	int left;
	CURLMsg *message = curl_multi_info_read(c->multi, &left);
	if (!message || message->msg != CURLMSG_DONE)
		return;
	if (message->data.result == CURLE_OK)
		read_head(c);
	else
		explain(c, message->data.result);
	finish(c);
}

/* --- curl on the loop --------------------------------------------------------------------------------------------- */

static void act(struct https_call *c, curl_socket_t fd, int events)
{
	int running;
	curl_multi_socket_action(c->multi, fd, events, &running);
	look(c);
}

static void turned(uv_timer_t *timer)
{
	act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long ms, void *context)
{
	struct https_call *c = context;
	(void)multi;
	if (c->over)
		return 0;
	if (ms < 0)
		uv_timer_stop(&c->turn);
	else
		uv_timer_start(&c->turn, turned, (uint64_t)ms, 0);
	return 0;
}

static void socket_ready(uv_poll_t *poll, int status, int events)
{
	struct https_socket *s = poll->data;
	int flags = (events & UV_READABLE ? CURL_CSELECT_IN : 0) | (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
	act(s->call, s->fd, status < 0 ? CURL_CSELECT_ERR : flags);
}

static void socket_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
	struct https_call *c = context;
	struct https_socket *s = known;
	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s) {
			uv_poll_stop(&s->poll);
			uv_close((uv_handle_t *)&s->poll, socket_closed);
		}
		return 0;
	}
	if (!s) {
		s = must_alloc(sizeof *s);
		*s = (struct https_socket){ .call = c, .fd = fd };
		must(uv_poll_init(&c->station->net.loop, &s->poll, fd) == 0);
		s->poll.data = s;
		curl_multi_assign(c->multi, fd, s);
	}
	uv_poll_start(&s->poll, (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0),
	              socket_ready);
	return 0;
}

/* --- the request -------------------------------------------------------------------------------------------------- */

/* The handshake is over, nothing of the request has left. */
static int judge(void *context, char *peer, char *own, int peer_port, int own_port)
{
	struct https_call *c = context;
	struct curl_tlssessioninfo *info = NULL;
	(void)peer, (void)own, (void)peer_port, (void)own_port;
	curl_easy_getinfo(c->easy, CURLINFO_TLS_SSL_PTR, &info);
	if (!info || info->backend != CURLSSLBACKEND_GNUTLS || !info->internals) {
		err_set(&c->answer.err, E_TLS, NULL,
		        "The certificate of %s:%d cannot be looked at: libcurl is not the GnuTLS build.", c->host, c->port);
		return CURL_PREREQFUNC_ABORT;
	}
	int rc = trust_judge(c->trust, info->internals, c->host, c->port, &c->verdict, &c->answer.err);
	return rc == 0 ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

static size_t take(char *data, size_t size, size_t count, void *context)
{
	struct https_call *c = context;
	size_t length = size * count;
	c->too_long = length > HTTPS_ANSWER_MAX - c->answer.length;
	if (c->too_long)
		return 0;
	memcpy(c->body + c->answer.length, data, length);
	c->answer.length += length;
	c->body[c->answer.length] = '\0';
	return length;
}

static void add_header(struct https_call *c, const char *name, const char *value)
{
	char *line = must_format("%s: %s", name, value);
	c->headers = curl_slist_append(c->headers, line);
	must(c->headers);
	explicit_bzero(line, strlen(line));
	free(line);
}

static void set_up(struct https_call *c)
{
	add_header(c, "Accept", "application/json");
	if (c->authorization)
		add_header(c, "Authorization", c->authorization);
	curl_easy_setopt(c->easy, CURLOPT_URL, c->url);
	curl_easy_setopt(c->easy, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(c->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c->easy, CURLOPT_SSL_VERIFYPEER, 0L); /* judge() does it, by the rules of trust.h */
	curl_easy_setopt(c->easy, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(c->easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(c->easy, CURLOPT_PREREQFUNCTION, judge);
	curl_easy_setopt(c->easy, CURLOPT_PREREQDATA, c);
	curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->curl_error);
	curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
	curl_easy_setopt(c->easy, CURLOPT_RESOLVE, c->resolve);
	curl_easy_setopt(c->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(c->easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->easy, CURLOPT_USERAGENT, "Belfry/" BELFRY_VERSION);
	if (c->form)
		curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, c->form);
}

static void request(struct https_call *c)
{
	c->multi = curl_multi_init();
	c->easy = curl_easy_init();
	must(c->multi && c->easy);
	set_up(c);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	curl_multi_add_handle(c->multi, c->easy);
}

/* --- the name, looked up by ourselves: curl's lookup cannot be turned away from, and asks nobody where it may go ---- */

static bool forbidden(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET) {
		uint32_t ip = ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr);
		return ip >> 16 == 0xa9fe || ip >> 28 >= 0xe || ip == 0; /* 169.254/16; multicast and above; any */
	}
	const struct in6_addr *ip = &((const struct sockaddr_in6 *)a)->sin6_addr;
	if (IN6_IS_ADDR_V4MAPPED(ip)) {
		struct sockaddr_in v4 = { .sin_family = AF_INET };
		memcpy(&v4.sin_addr, ip->s6_addr + 12, sizeof v4.sin_addr);
		return forbidden((const struct sockaddr *)&v4);
	}
	return a->sa_family != AF_INET6 || IN6_IS_ADDR_LINKLOCAL(ip) || IN6_IS_ADDR_MULTICAST(ip) ||
	    IN6_IS_ADDR_UNSPECIFIED(ip);
}

/* "host:port:address,address" for CURLOPT_RESOLVE; NULL when there is no address that may be spoken to. Owned. */
static char *resolution(const struct https_call *c, const struct addrinfo *list)
{
	char text[INET6_ADDRSTRLEN];
	char *all = NULL;
	int count = 0;
	for (const struct addrinfo *a = list; a && count < ADDRESSES_MAX; a = a->ai_next) {
		if (forbidden(a->ai_addr) ||
		    getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) != 0)
			continue;
		bool six = a->ai_family == AF_INET6;
		char *longer = all ? must_format("%s,%s%s%s", all, six ? "[" : "", text, six ? "]" : "")
		                   : must_format("%s:%d:%s%s%s", c->host, c->port, six ? "[" : "", text, six ? "]" : "");
		free(all);
		all = longer;
		count++;
	}
	return all;
}

static void looked_up(void *context, int code, struct addrinfo *addresses)
{
	struct https_call *c = context;
	c->lookup = NULL;
	char *text = code == 0 ? resolution(c, addresses) : NULL;
	if (addresses)
		freeaddrinfo(addresses);
	if (code != 0) {
		err_set(&c->answer.err, E_NETWORK, NULL,
		        "There is no address for the name %s (%s). Check the address of the "
		        "authorization server, and the name servers of this machine.",
		        c->host, gai_strerror(code));
		finish(c);
		return;
	}
	if (!text) {
		fail(c, E_NETWORK, "has only link-local addresses, which a station does not ask for tokens.");
		return;
	}
	if (!strchr(c->host, ':')) { /* an IPv6 address needs no name */
		c->resolve = curl_slist_append(NULL, text);
		must(c->resolve);
	}
	free(text);
	request(c);
}

/* --- orders from the engine --------------------------------------------------------------------------------------- */

static void late(uv_timer_t *timer)
{
	struct https_call *c = timer->data;
	char text[80];
	snprintf(text, sizeof text, "did not answer within %d s.", (int)(c->deadline / SECOND_US));
	fail(c, E_TIMEOUT, text);
}

static void begin(struct message *m)
{
	struct https_call *c = container_of(m, struct https_call, begin);
	uv_loop_t *loop = &c->station->net.loop;
	must(uv_timer_init(loop, &c->end) == 0 && uv_timer_init(loop, &c->turn) == 0);
	c->end.data = c->turn.data = c;
	c->timers = 2;
	if (c->answer.err.code != 0) { /* the address is wrong */
		finish(c);
		return;
	}
	c->answer.body = c->body = secret_room(HTTPS_ANSWER_MAX);
	uv_timer_start(&c->end, late, (uint64_t)(c->deadline / 1000), 0);
	c->lookup = lookup_start(loop, c->host, c->port, looked_up, c);
}

static void cancel(struct message *m)
{
	struct https_call *c = container_of(m, struct https_call, cancel);
	if (!c->over)
		fail(c, E_NETWORK, "is not asked any more.");
	station_post(c->station, &c->cancelled);
}

struct https_call *https_start(struct station *s, struct https_request *r, https_done *done, void *context)
{
	struct https_call *c = must_alloc(sizeof *c);
	*c = (struct https_call){ .begin.run = begin,
		                      .cancel.run = cancel,
		                      .arrived.run = arrived,
		                      .cancelled.run = cancel_noted,
		                      .station = s,
		                      .done = done,
		                      .context = context,
		                      .expected = 1,
		                      .url = must_strdup(r->url),
		                      .form = r->form,
		                      .authorization = r->authorization,
		                      .deadline = r->deadline ? r->deadline : HTTPS_DEADLINE,
		                      .trust = trust_snapshot(s),
		                      .answer = { .body = "", .date = ABSTIME_NULL } };
	https_url_check(r->url, c->host, &c->port, &c->answer.err);
	net_post(&s->net, &c->begin);
	return c;
}

void https_cancel(struct https_call **cp)
{
	struct https_call *c = *cp;
	*cp = NULL;
	if (!c)
		return;
	c->done = NULL;
	c->expected++;
	net_post(&c->station->net, &c->cancel);
}
