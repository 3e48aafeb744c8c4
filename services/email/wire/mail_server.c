/* SPDX-License-Identifier: Apache-2.0
 * See mail_server.h. */
#include "services/email/wire/mail_server.h"

void mail_server_clear(struct mail_server *s)
{
	trust_release(&s->trust);
	trust_key_release(&s->key);
	sasl_login_clear(&s->login);
}

struct mail_server mail_server_without_login(const struct mail_server *s)
{
	struct mail_server copy = *s;
	copy.trust = trust_retain(s->trust);
	copy.key = s->key ? trust_key_retain(s->key) : NULL;
	copy.login = (struct sasl_login){ .kind = SASL_NOBODY };
	return copy;
}

struct line *mail_server_connect(const struct mail_server *s, uv_loop_t *loop, const struct line_events *events,
                                 void *context)
{
	struct line_target target = { .host = s->host,
		                          .port = s->port,
		                          .tls = s->security == SECURITY_TLS,
		                          .least = s->least,
		                          .trust = s->trust,
		                          .key = s->key,
		                          .timeout = s->timeout };
	return line_open(loop, &target, events, context);
}
