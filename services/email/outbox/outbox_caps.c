/* SPDX-License-Identifier: Apache-2.0
 * maxSendablePerDay and maxSendablePerMinute: how many mails a provider takes. Caps hold back and discard nothing: when
 * one frees, what was held back is summed up (outbox_digest.c). Mails of life-safety alarms pass. Reaching a cap is an
 * alarm of the account. What counts is kept over restarts. See outbox.h. */
#include <stdlib.h>
#include <string.h>

#include "services/email/email_inside.h"
#include "services/email/outbox/outbox.h"
#include "station/alarm/alarm_support.h"
#include "station/base/must.h"
#include "station/store/persist.h"

#define MINUTE_US (60 * SECOND_US)
#define NEVER (INT64_MIN / 2)

static int64_t now_of(const struct outgoing_account *a)
{
	return clock_mono(&a->account.c.station->clock);
}

static const char *const conditions[] = { "maxSendablePerDay", "maxSendablePerMinute" };

static bool in_alarm(const struct outgoing_account *a)
{
	return account_in_alarm(&a->account, conditions[0]) || account_in_alarm(&a->account, conditions[1]);
}

/* --- the day -------------------------------------------------------------------------------------------------------- */

/* The local day of an instant, and how many microseconds of it are left. */
static int64_t local_day(const struct outgoing_account *a, int64_t us, int64_t *left)
{
	struct err e = { 0 };
	const struct zone *zone = zone_find(a->account.c.station, "", &e);
	int64_t seconds = us / SECOND_US, day = day_containing(zone ? zone_local(zone, seconds) : seconds);
	int64_t midnight = (day + 1) * DAY_SECONDS;
	*left = (zone ? zone_instant(zone, midnight) : midnight) * SECOND_US - us;
	return day;
}

/* When the day's cap lets a mail go: monotonic; 0: now. */
static int64_t day_frees(struct outgoing_account *a)
{
	int64_t left, day = local_day(a, station_now(a->account.c.station), &left);
	if (day != a->outbox.caps.day) {
		a->outbox.caps.day = day;
		a->sent.today = 0;
	}
	bool reached = a->maxSendablePerDay > 0 && a->sent.today >= a->maxSendablePerDay;
	return reached ? now_of(a) + left : 0;
}

/* --- the minute ------------------------------------------------------------------------------------------------------ */

/* A ring of the times of the last maxSendablePerMinute mails, the oldest one next. */
static void fit_ring(struct send_caps *caps, size_t size)
{
	if (caps->size == size)
		return;
	int64_t *times = must_alloc((size + 1) * sizeof *times);
	for (size_t i = 0; i < size; i++) /* the newest last */
		times[size - 1 - i] = i < caps->size ? caps->times[(caps->next + caps->size - 1 - i) % caps->size] : NEVER;
	free(caps->times);
	caps->times = times;
	caps->size = size;
	caps->next = 0;
}

static int64_t minute_frees(struct outgoing_account *a)
{
	struct send_caps *caps = &a->outbox.caps;
	fit_ring(caps, (size_t)a->maxSendablePerMinute);
	int64_t oldest = caps->size ? caps->times[caps->next] : NEVER;
	return oldest + MINUTE_US > now_of(a) ? oldest + MINUTE_US : 0;
}

static int64_t sent_in_last_minute(const struct outgoing_account *a)
{
	const struct send_caps *caps = &a->outbox.caps;
	int64_t n = 0;
	for (size_t i = 0; i < caps->size; i++)
		n += caps->times[i] + MINUTE_US > now_of(a);
	return n;
}

/* --- counting -------------------------------------------------------------------------------------------------------- */

void caps_count(struct outgoing_account *a)
{
	struct send_caps *caps = &a->outbox.caps;
	a->sent.today++;
	if (caps->size) {
		caps->times[caps->next] = now_of(a);
		caps->next = (caps->next + 1) % caps->size;
	}
}

void caps_uncount(struct outgoing_account *a)
{
	struct send_caps *caps = &a->outbox.caps;
	a->sent.today -= a->sent.today > 0;
	if (caps->size) {
		caps->next = (caps->next + caps->size - 1) % caps->size;
		caps->times[caps->next] = NEVER;
	}
}

void caps_persist(struct outgoing_account *a, struct store_tx *tx)
{
	const struct slot *slot = type_slot(a->account.c.type, "sent");
	a->sent.last.us = station_now(a->account.c.station);
	a->sent.lastMinute = sent_in_last_minute(a);
	persist_slot(tx, a->account.c.handle, slot, a);
	component_touched(&a->account.c, slot);
}

/* After a restart: the counts of today, and the last minute's as if all had been sent at its end. */
void caps_load(struct outgoing_account *a)
{
	struct send_caps *caps = &a->outbox.caps;
	int64_t left, now = station_now(a->account.c.station), last = a->sent.last.us;
	caps->day = local_day(a, now, &left);
	caps->held_at = in_alarm(a) ? now_of(a) : NEVER;
	if (last == ABSTIME_NULL || local_day(a, last, &left) != caps->day)
		a->sent.today = 0;
	fit_ring(caps, (size_t)a->maxSendablePerMinute);
	bool recent = last != ABSTIME_NULL && last <= now && now - last < MINUTE_US;
	for (int64_t i = 0; recent && i < a->sent.lastMinute && i < (int64_t)caps->size; i++) {
		caps->times[caps->next] = now_of(a) - (now - last);
		caps->next = (caps->next + 1) % caps->size;
	}
}

/* --- holding back ---------------------------------------------------------------------------------------------------- */

static void raise_alarm(struct outgoing_account *a, const char *condition, int64_t cap)
{
	char *text = must_format("%s (%lld) is reached: mails are held back and will be summed up in a digest; mails of "
	                         "priority %lld and more urgent go on.",
	                         condition, (long long)cap, (long long)a->lifeSafetyPriority);
	account_offnormal(&a->account, condition, text);
	free(text);
}

/* A storm reaches a cap again and again: the alarm ends when none has held anything back for a minute. */
void caps_settle(struct outgoing_account *a)
{
	struct send_caps *caps = &a->outbox.caps;
	if (caps->held_at == NEVER || caps->holding || caps->digesting)
		return;
	if (now_of(a) < caps->held_at + MINUTE_US) {
		outbox_pump_at(a, caps->held_at + MINUTE_US);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(conditions); i++)
		account_normal(&a->account, conditions[i], "Mails are no longer held back.");
	caps->held_at = NEVER;
}

static void hold(struct outgoing_account *a, int64_t day, int64_t minute)
{
	struct send_caps *caps = &a->outbox.caps;
	bool first = !caps->holding;
	caps->holding = true;
	caps->held_at = now_of(a);
	caps->frees_at = day > minute ? day : minute;
	outbox_pump_at(a, caps->frees_at);
	if (first && day)
		raise_alarm(a, conditions[0], a->maxSendablePerDay);
	if (first && minute)
		raise_alarm(a, conditions[1], a->maxSendablePerMinute);
}

bool caps_let(struct outgoing_account *a, const struct outgoing *o)
{
	struct send_caps *caps = &a->outbox.caps;
	if (o->mail.priority <= a->lifeSafetyPriority)
		return true;
	if (caps->digesting)
		return false;
	int64_t day = day_frees(a), minute = minute_frees(a);
	if (day || minute) {
		hold(a, day, minute);
		return false;
	}
	if (!caps->holding)
		return true;
	caps->held_at = now_of(a);
	caps->holding = digest_held(a);
	return !caps->holding; /* else the digest comes as a mail of its own */
}
