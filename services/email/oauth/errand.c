/* SPDX-License-Identifier: Apache-2.0
 * Errands of an authenticator: reading the metadata document, posting a form. An authenticator has two, so that a person can
 * authorize anew while the grant there is goes on to be renewed. See oauth_inside.h. */
#include <stdlib.h>
#include <string.h>

#include "services/email/oauth/oauth_inside.h"
#include "station/base/must.h"

/* What the server's clock says, for assertions that carry a time: a station's own clock may be wrong. */
static void note_clock(struct oauth_authenticator *a, const struct https_answer *answer)
{
	if (answer->err.code == 0 && answer->date != ABSTIME_NULL)
		a->clock_offset = answer->date - station_now(a->c.station);
}

/* --- discovery ---------------------------------------------------------------------------------------------------- */

static void ask_place(struct errand *r);

static void end_discovery(struct errand *r, const struct err *e)
{
	errand_ended *ended = r->ended;
	r->ended = NULL;
	ended(r->owner, e);
}

static void document(void *context, const struct https_answer *answer)
{
	struct errand *r = context;
	struct oauth_authenticator *a = r->owner;
	struct err e = answer->err;
	r->call = NULL;
	note_clock(a, answer);
	if (e.code == 0 && answer->status == 404 && ++r->place < METADATA_PLACES) {
		ask_place(r);
		return;
	}
	if (e.code == 0 && answer->status != 200)
		err_set(&e, E_PROTOCOL, "authServerMetadataEndpoint",
		        "There is no metadata document at %.200s (answer %d). Check the address.",
		        a->authServerMetadataEndpoint, answer->status);
	if (e.code == 0) {
		metadata_finish(&a->metadata);
		metadata_parse(answer->body, answer->length, a->authServerMetadataEndpoint, &a->metadata, &e);
	}
	end_discovery(r, &e);
}

static void ask_place(struct errand *r)
{
	char *place = metadata_place(r->owner->authServerMetadataEndpoint, r->place);
	struct https_request request = { .url = place };
	r->call = https_start(r->owner->c.station, &request, document, r);
	free(place);
}

static void known(struct timer *t)
{
	static const struct err none = { .code = 0 };
	end_discovery(container_of(t, struct errand, soon), &none);
}

void errand_discover(struct errand *r, errand_ended *ended)
{
	errand_cancel(r);
	r->ended = ended;
	r->place = 0;
	if (r->owner->metadata.issuer)
		timer_start(&r->owner->c.station->clock, &r->soon, 0);
	else
		ask_place(r);
}

/* --- forms -------------------------------------------------------------------------------------------------------- */

static void answered(void *context, const struct https_answer *answer)
{
	struct errand *r = context;
	char *asked = r->asked;
	r->call = NULL;
	r->asked = NULL;
	note_clock(r->owner, answer);
	r->answered(r->owner, answer, asked);
	secret_wipe(&asked);
}

void errand_post(struct errand *r, const char *url, struct oauth_form *f, errand_answered *then)
{
	errand_cancel(r);
	f->pairs[f->count] = (struct form_pair){ NULL, NULL };
	struct https_request request = { .url = url, .form = https_form(f->pairs), .authorization = f->authorization };
	r->asked = secret_lock(request.form, strlen(request.form));
	r->answered = then;
	f->authorization = NULL; /* taken */
	form_finish(f);
	r->call = https_start(r->owner->c.station, &request, answered, r);
}

void errand_init(struct errand *r, struct oauth_authenticator *owner)
{
	*r = (struct errand){ .owner = owner, .soon.fire = known };
}

void errand_cancel(struct errand *r)
{
	timer_stop(&r->owner->c.station->clock, &r->soon);
	https_cancel(&r->call);
	secret_wipe(&r->asked);
	r->ended = NULL;
}
