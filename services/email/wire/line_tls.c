/* SPDX-License-Identifier: Apache-2.0
 * TLS on a line: the handshake with the verification of services/trust inside it, and records. Without a session, the
 * same two calls read and write the bare socket. See line_inside.h. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "services/email/wire/line_inside.h"
#include "station/base/must.h"

enum { INTERRUPTIONS_MAX = 8 /* renegotiations asked for, warnings */ };

void line_end_tls(struct line *l)
{
	if (!l->session)
		return;
	if (l->state == LINE_OPEN || l->state == LINE_DEAD)
		gnutls_bye(l->session, GNUTLS_SHUT_WR); /* as far as it can be sent without waiting */
	gnutls_deinit(l->session);
	l->session = NULL;
}

static int make_session(struct line *l, struct err *e)
{
	if (!l->trust)
		return err_set(e, E_INTERNAL, NULL, "No trust store was given for a secured connection.");
	int rc = gnutls_init(&l->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
	if (rc != 0)
		return err_set(e, E_TLS, NULL, "A TLS session could not be made: %s.", gnutls_strerror(rc));
	l->verdict.key = l->key;
	if (trust_prepare(l->trust, l->session, l->host, l->port, l->least, &l->verdict, e) != 0)
		return e->code;
	gnutls_transport_set_int(l->session, l->socket->fd);
	return 0;
}

static void note_parameters(struct line *l)
{
	const char *version = gnutls_protocol_get_name(gnutls_protocol_get_version(l->session));
	const char *suite = gnutls_ciphersuite_get(l->session);
	snprintf(l->tls_version, sizeof l->tls_version, "%s", version ? version : "");
	snprintf(l->cipher, sizeof l->cipher, "%s", suite ? suite : "");
}

void line_handshake(struct line *l)
{
	struct err e = { 0 };
	l->state = LINE_HANDSHAKE;
	if (!l->session) {
		line_arm(l, l->timeout);
		if (make_session(l, &e) != 0) {
			line_fail(l, &e, false);
			return;
		}
	}
	int rc;
	do
		rc = gnutls_handshake(l->session);
	while (rc < 0 && rc != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(rc) && ++l->interruptions <= INTERRUPTIONS_MAX);
	if (rc == GNUTLS_E_AGAIN) {
		line_poll(l, gnutls_record_get_direction(l->session) ? UV_WRITABLE : UV_READABLE);
		return;
	}
	if (rc < 0) {
		trust_handshake_error(l->session, rc, &l->verdict, l->least, &e);
		gnutls_alert_send_appropriate(l->session, rc);
		line_fail(l, &e, false);
		return;
	}
	note_parameters(l);
	line_opened(l);
}

void line_secure(struct line *l)
{
	must(l->state == LINE_OPEN && !l->session && l->in.head == l->in.tail);
	line_handshake(l);
}

/* --- records, or bare bytes --------------------------------------------------------------------------------------- */

static ssize_t system_error(const struct line *l, struct err *e)
{
	if (errno == EAGAIN || errno == EINTR) {
		errno = EAGAIN;
		return -1;
	}
	int error = errno;
	if (error == ECONNRESET || error == EPIPE)
		err_set(e, E_NETWORK, NULL, "%s cut the connection.", l->peer);
	else
		err_set(e, E_NETWORK, NULL, "The connection to %s failed: %s.", l->peer, strerror(error));
	errno = error;
	return -1;
}

/* What a call of GnuTLS gave, as recv and send would have said it. */
static ssize_t record_result(struct line *l, ssize_t n, struct err *e)
{
	if (n >= 0)
		return n;
	if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED) {
		errno = EAGAIN;
		return -1;
	}
	if (n == GNUTLS_E_FATAL_ALERT_RECEIVED && l->verdict.asked) /* TLS 1.3 says so behind the handshake */
		trust_key_error(&l->verdict, gnutls_alert_get(l->session), e);
	else if (n == GNUTLS_E_PREMATURE_TERMINATION || n == GNUTLS_E_PULL_ERROR || n == GNUTLS_E_PUSH_ERROR)
		err_set(e, E_NETWORK, NULL, "%s cut the connection.", l->peer);
	else
		err_set(e, E_TLS, NULL, "The encrypted connection to %s broke: %s", l->peer, gnutls_strerror((int)n));
	errno = EPROTO;
	return -1;
}

ssize_t line_receive(struct line *l, char *buf, size_t size, struct err *e)
{
	if (!l->session) {
		ssize_t n = recv(l->socket->fd, buf, size, 0);
		return n < 0 ? system_error(l, e) : n;
	}
	ssize_t n = gnutls_record_recv(l->session, buf, size);
	while ((n == GNUTLS_E_REHANDSHAKE || n == GNUTLS_E_WARNING_ALERT_RECEIVED) &&
	       ++l->interruptions <= INTERRUPTIONS_MAX) {
		if (n == GNUTLS_E_REHANDSHAKE)
			gnutls_alert_send(l->session, GNUTLS_AL_WARNING, GNUTLS_A_NO_RENEGOTIATION);
		n = gnutls_record_recv(l->session, buf, size);
	}
	return record_result(l, n, e);
}

ssize_t line_send(struct line *l, const char *data, size_t length, struct err *e)
{
	if (!l->session) {
		ssize_t n = send(l->socket->fd, data, length, MSG_NOSIGNAL);
		return n < 0 ? system_error(l, e) : n;
	}
	/* A record that could only be sent in part must be given again, unchanged; NULL says: the one you have. */
	ssize_t n = l->sending ? gnutls_record_send(l->session, NULL, 0) : gnutls_record_send(l->session, data, length);
	l->sending = n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED;
	return record_result(l, n, e);
}

bool line_is_secure(const struct line *l)
{
	return l->session != NULL;
}

const char *line_tls_version(const struct line *l)
{
	return l->tls_version;
}

const char *line_cipher(const struct line *l)
{
	return l->cipher;
}

const struct trust_verdict *line_verdict(const struct line *l)
{
	return &l->verdict;
}
