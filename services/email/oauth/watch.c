/* SPDX-License-Identifier: Apache-2.0
 * Alarms before mail stops: a grant, a client secret or a certificate that ends soon, and a grant that is over. One place, so
 * that every way to a token warns alike. Engine thread. */
#include "services/email/account/account.h"
#include "services/email/oauth/oauth_inside.h"

static const char condition_end[] = "grantExpires", condition_grant[] = "grant";

static void tell(struct oauth_authenticator *a, const char *condition, bool wrong, const char *text)
{
	struct source_alarm alarm = { &a->c, &a->alarmSourceInfo, condition, text };
	if (wrong)
		alarm_support_offnormal(a->c.station, &alarm);
	else if (alarm_support_in_alarm(a->c.station, &a->c, condition))
		alarm_support_normal(a->c.station, &alarm);
}

static int64_t earlier(int64_t x, int64_t y)
{
	return x == ABSTIME_NULL ? y : y == ABSTIME_NULL || x < y ? x : y;
}

static void watch_end(struct oauth_authenticator *a)
{
	const struct oauth_flow *flow = oauth_flow(a);
	int64_t client = flow->client_ends ? flow->client_ends(a) : ABSTIME_NULL;
	int64_t end = earlier(a->grantExpires.us, client);
	int64_t left = end == ABSTIME_NULL ? 0 : end - station_now(a->c.station);
	char text[300] = "The permission lasts.";
	bool near = end != ABSTIME_NULL && left <= a->expiryWarning.us;
	if (near)
		snprintf(text, sizeof text, "%s %s in %lld days. %s, or this account will stop.",
		         end == client ? "Client secret or certificate" : "The permission to use this mailbox",
		         left > 0 ? "ends" : "has ended", (long long)(left > 0 ? left / (86400 * SECOND_US) : 0),
		         end == client ? "Enter a new one" : "Authorize again");
	tell(a, condition_end, near, text);
}

void oauth_watch(struct oauth_authenticator *a)
{
	if (!account_of(a->c.parent)) /* it serves nobody */
		return;
	watch_end(a);
	bool over = a->grant.stopped || (a->grant.able && a->grant.failures && (a->c.status.bits & STATUS_FAULT));
	if (over || a->access)
		tell(a, condition_grant, over, over ? a->faultCause : "There is a token again.");
}
