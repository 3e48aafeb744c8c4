/* SPDX-License-Identifier: Apache-2.0
 * email:OAuthDeviceCodeAuthenticator: a person enters a short code on any machine with a browser (RFC 8628). The action
 * authorize answers code and address, which stand in properties meanwhile; the station polls until it is decided. Engine
 * thread. */
#include <stdlib.h>
#include <string.h>

#include "services/email/oauth/person.h"
#include "station/base/must.h"

struct device_code {
	struct oauth_person person;
	char *userCode, *verificationUri;
	struct abstime codeExpires;
	/* Not slots. */
	struct invocation *asked; /* authorize, until the code is there */
	struct device_answer device;
	struct device_poll poll;
	struct timer turn;
};

static struct device_code *of(const struct oauth_authenticator *a)
{
	return (struct device_code *)(uintptr_t)a;
}

static int64_t now_of(const struct device_code *x)
{
	return clock_mono(&x->person.base.c.station->clock);
}

/* --- what it shows ------------------------------------------------------------------------------------------------ */

static void show(struct device_code *x, const char *code, const char *where, int64_t until)
{
	struct component *c = &x->person.base.c;
	struct value v[] = { value_string(code), value_string(where), value_abstime(until) };
	component_set(c, type_slot(c->type, "userCode"), &v[0]);
	component_set(c, type_slot(c->type, "verificationUri"), &v[1]);
	component_set(c, type_slot(c->type, "codeExpires"), &v[2]);
}

/* Nobody is expected to enter a code any more. */
static void forget(struct device_code *x)
{
	timer_stop(&x->person.base.c.station->clock, &x->turn);
	device_finish(&x->device);
	x->poll = (struct device_poll){ .interval = 0 };
}

static const struct slot answer_members[] = {
	MEMBER("userCode", STRING, .doc = "What to enter."),
	MEMBER("verificationUri", STRING, .doc = "Where to enter it."),
	MEMBER("verificationUriComplete", STRING, .doc = "The same address with the code in it, or empty."),
	MEMBER("codeExpires", ABSTIME, .doc = "Until when."),
	SLOT_END,
};

static void end_asking(struct device_code *x, const struct err *e)
{
	struct invocation *inv = x->asked;
	x->asked = NULL;
	if (!inv)
		return;
	inv->err = *e;
	if (e->code == 0) {
		struct value *v = must_alloc(4 * sizeof *v);
		v[0] = value_string(x->device.user_code);
		v[1] = value_string(x->device.verification);
		v[2] = value_string(x->device.verification_whole);
		v[3] = value_abstime(x->codeExpires.us);
		inv->result = (struct value){ .kind = V_STRUCT, .list = { .items = v, .count = 4, .members = answer_members } };
	}
	invocation_done(inv, e->code);
}

/* --- polling ------------------------------------------------------------------------------------------------------ */

static void decided(struct device_code *x, struct token_answer *t)
{
	struct oauth_authenticator *a = &x->person.base;
	show(x, "", "", ABSTIME_NULL);
	forget(x);
	if (t->outcome == TOKEN_GRANTED)
		oauth_authorized(a, t, x->person.user);
	else if (!a->access) /* the grant that there was goes on */
		oauth_show(a, t->err.text, STATUS_FAULT);
}

static void polled(struct oauth_authenticator *a, const struct https_answer *answer, const char *asked)
{
	struct device_code *x = of(a);
	struct token_answer t;
	token_judge(answer, asked, &t);
	int64_t now = now_of(x);
	if (device_poll_again(&x->poll, now, t.outcome))
		timer_start(&a->c.station->clock, &x->turn, x->poll.next - now);
	else
		decided(x, &t);
	token_finish(&t);
}

static void poll_now(struct timer *timer)
{
	struct device_code *x = container_of(timer, struct device_code, turn);
	struct oauth_authenticator *a = &x->person.base;
	struct oauth_form f = { .count = 0 };
	struct token_answer t = { .outcome = TOKEN_REFUSED };
	form_add(&f, "grant_type", "urn:ietf:params:oauth:grant-type:device_code");
	form_add(&f, "device_code", x->device.device_code);
	if (form_add_client(&f, a, &x->person.clientSecret, &t.err) == 0) {
		errand_post(&a->authorization, a->metadata.token_endpoint, &f, polled);
		return;
	}
	form_finish(&f);
	decided(x, &t);
}

/* --- asking for a code -------------------------------------------------------------------------------------------- */

static void code_came(struct oauth_authenticator *a, const struct https_answer *answer, const char *asked)
{
	struct device_code *x = of(a);
	struct err e = { 0 };
	(void)asked;
	forget(x);
	if (device_judge(answer, &x->device, &e) == 0) {
		device_poll_begin(&x->poll, now_of(x), x->device.interval, x->device.lifetime);
		timer_start(&a->c.station->clock, &x->turn, x->device.interval);
		show(x, x->device.user_code, x->device.verification, station_now(a->c.station) + x->device.lifetime);
	}
	end_asking(x, &e);
}

static void ready(struct oauth_authenticator *a, const struct err *e)
{
	struct device_code *x = of(a);
	struct oauth_form f = { .count = 0 };
	struct err why = *e;
	if (why.code == 0 && !a->metadata.device_authorization_endpoint)
		err_set(&why, E_UNSUPPORTED, NULL,
		        "This authorization server gives no device codes. Use the authorization code authenticator.");
	if (why.code == 0)
		form_add_client(&f, a, &x->person.clientSecret, &why);
	if (why.code != 0) {
		form_finish(&f);
		end_asking(x, &why);
		return;
	}
	form_add(&f, "scope", a->scope);
	errand_post(&a->authorization, a->metadata.device_authorization_endpoint, &f, code_came);
}

static int authorize(struct component *c, struct invocation *inv)
{
	struct oauth_authenticator *a = oauth_of(c);
	struct device_code *x = of(a);
	const struct err replaced = { .code = E_CONFLICT, .text = "Another authorization has been begun." };
	if (!a->running || oauth_flow(a)->missing(a, &inv->err) != 0)
		return inv->err.code ? inv->err.code : err_set(&inv->err, E_BUSY, NULL, "The authenticator does not run.");
	end_asking(x, &replaced);
	forget(x);
	snprintf(x->person.user, sizeof x->person.user, "%s", inv->actor ? inv->actor->user : "");
	x->asked = inv;
	errand_discover(&a->authorization, ready);
	return 1;
}

/* --- the type ----------------------------------------------------------------------------------------------------- */

static void give_up(struct oauth_authenticator *a, const char *why)
{
	struct device_code *x = of(a);
	struct err e;
	err_set(&e, E_CONFLICT, NULL, "%s", why);
	end_asking(x, &e);
	forget(x);
	if (a->running)
		show(x, "", "", ABSTIME_NULL);
}

static void init(struct component *c)
{
	of(oauth_of(c))->turn.fire = poll_now;
}

static const struct oauth_flow flow = { OAUTH_PERSON, .give_up = give_up };

static const struct slot slots[] = {
	OAUTH_PERSON_SLOTS,
	SLOT(struct device_code, userCode, STRING, .flags = SLOT_READONLY | SLOT_TRANSIENT,
	     .doc = "What to enter at the authorization server; empty when nothing is waited for."),
	SLOT(struct device_code, verificationUri, STRING, .flags = SLOT_READONLY | SLOT_TRANSIENT,
	     .doc = "Where to enter it."),
	SLOT(struct device_code, codeExpires, ABSTIME, .dflt = "null", .flags = SLOT_READONLY | SLOT_TRANSIENT,
	     .doc = "Until when."),
	SLOT_END,
};
static const struct action actions[] = {
	{ "authorize", "Answers a code, and where a person enters it to permit the use of the mailbox.", 0, NULL,
	  authorize },
	{ NULL, NULL, 0, NULL, NULL },
};
const struct type email_oauth_device_code = {
	.name = "email:OAuthDeviceCodeAuthenticator",
	.doc = "OAuth 2 for a station without a browser: a person enters a code elsewhere once, then it renews its tokens.",
	.size = sizeof(struct device_code),
	.base = &email_oauth_authenticator,
	.traits = &flow,
	.slots = slots,
	.actions = actions,
	.init = init,
};
