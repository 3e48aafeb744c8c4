/* SPDX-License-Identifier: Apache-2.0
 * The checks between a mail and an alarm, in their order; the first that fails is why nothing is done. Everything fails
 * closed. Engine thread. */
#ifndef BELFRY_EMAIL_ACK_CHECKS_H
#define BELFRY_EMAIL_ACK_CHECKS_H

#include "services/email/ack/ack_book.h"
#include "services/email/ack/answer.h"

/* Why an answer does nothing. */
enum ack_refusal {
	ACK_DONE,
	ACK_AUTOMATIC, /* no person wrote it */
	ACK_NO_TOKEN,  /* or none of ours */
	ACK_EXPIRED,
	ACK_USED,
	ACK_ENDED,    /* the alarm is not open any more */
	ACK_SENDER,   /* not the one whom the mail went to */
	ACK_FORGED,   /* the provider does not vouch for the sender */
	ACK_UNPROVEN, /* the provider does, but nobody knows whether it could be forged */
	ACK_RIGHTS,
	ACK_WORDS,
	ACK_TIME,
	ACK_LIFE_SAFETY, /* such an alarm is not silenced by mail */
	ACK_RATE,
	ACK_REFUSALS
};
struct ack_reason {
	const char *name; /* of the counter: "automatic" */
	const char *sentence;
	bool polite; /* a sender whom the provider vouches for gets an answer */
};
extern const struct ack_reason ack_reasons[ACK_REFUSALS];

enum ack_policy { ACK_REQUIRE, ACK_PREFER, ACK_OFF };
/* How this acknowledger is set. Borrowed. */
struct ack_settings {
	struct station *station;
	enum ack_policy policy;
	const char *authserv_id;
	bool proven;         /* forged fields of that id do not come through */
	int64_t life_safety; /* alarms up to this priority are not silenced; -1: all are */
	const struct zone *zone;
	int64_t now, snooze; /* microseconds: the time of the station; how long a snooze without a time is */
	bool (*may_act)(void *context, const char *address); /* rate: counts the attempt */
	void *context;
};
/* A case: the mail, and what the checks have found out. */
struct ack_case {
	const struct ack_settings *settings;
	const struct parsed_mail *mail;
	struct ack_book *book;
	struct ack_row *row; /* borrowed; NULL: there is no token of ours */
	struct value alarm;  /* owned; the record, a struct value; V_NULL: it is not open */
	const char *sender;  /* borrowed of mail; the address, when it is one that the mail went to */
	struct actor actor;  /* the user with that address */
	struct mail_answer answer;
	char *line; /* owned; what the person wrote; NULL: nothing */
	enum ack_refusal refusal;
	bool vouched; /* sender and authenticity hold: it may be told why */
};
/* Runs the checks. The case is to be finished either way. */
void ack_case_judge(struct ack_case *c, const struct ack_settings *settings, struct ack_book *book,
                    const struct parsed_mail *mail);
void ack_case_finish(struct ack_case *c);
/* A member of an alarm's record; 0 when it has none. */
int64_t ack_alarm_number(const struct value *record, const char *member);

#endif
