/* SPDX-License-Identifier: Apache-2.0
 * The inside of the alarm service, shared by its files only: the open alarms in memory, what an extension asks of the
 * service, and what the service asks of a class. Engine thread. */
#ifndef BELFRY_ALARM_INSIDE_H
#define BELFRY_ALARM_INSIDE_H

#include "services/alarm/open_alarms.h"
#include "station/alarm/alarm_support.h"
#include "station/alarm/alarm_tokens.h"

enum transition { TO_OFFNORMAL, TO_FAULT, TO_NORMAL, TO_ALERT, TRANSITIONS };
struct transition_flags {
	bool toOffnormal, toFault, toNormal, toAlert;
};
struct transition_numbers {
	int64_t toOffnormal, toFault, toNormal, toAlert;
};

struct alarm_class {
	struct component c;
	struct transition_flags ackRequired;
	struct transition_numbers priority;
	int64_t totalAlarmCount, openAlarmCount, inAlarmCount, unackedAlarmCount;
	struct abstime timeOfLastAlarm;
	char *mailSubject, *mailBody;
};

struct alarm_service {
	struct component c;
	bool enabled;
	char *faultCause, *defaultAlarmClass;
	int64_t capacity, totalAlarmCount, openAlarmCount, inAlarmCount, unackedAlarmCount;
	struct reltime maxShelvingTime;
	bool loaded;
	struct open_alarms open;
	struct timer retry; /* writes dirty records again */
	struct timer sweep; /* ends alarms whose source has been removed */
	struct timer shelf; /* the next shelved alarm is due */
	struct alarm_support support;
	int64_t since_trim;
};

/* An extension's times of one kind of transition. */
struct transition_times {
	struct abstime alarmTime, ackTime, normalTime;
	int64_t count;
};

struct alarm_ext;
/* What differs between kinds of extensions: the traits of their types. */
struct alarm_algorithm {
	/* The state that the value asks for now; the present one matters for deadbands. */
	enum alarm_state (*evaluate)(const struct alarm_ext *x, const struct value *out, enum alarm_state now);
	/* Adds what explains the alarm (limits) to alarmData. */
	void (*describe)(const struct alarm_ext *x, struct alarm_record *r);
	/* A text for this state that overrides toOffnormalText; NULL or empty: none. */
	const char *(*text)(const struct alarm_ext *x, enum alarm_state state);
};

/* What most extensions leave as it is. */
struct alarm_ext_rare {
	struct rare rare;
	struct reltime inhibitTime, timeDelay, timeDelayToNormal;
	struct transition_times toOffnormalTimes, toFaultTimes;
	char *sourceName, *toOffnormalText, *toFaultText, *toNormalText, *hyperlinkOrd, *soundFile, *alarmIcon,
	    *alarmInstructions, *alarmClass, *mailSubject, *mailBody;
	struct list metaData;
};
struct alarm_ext {
	struct component c;
	int alarmState; /* enum alarm_state */
	struct status_boolean alarmInhibit;
	struct {
		bool toOffnormal, toFault;
	} alarmEnable;
	struct alarm_ext_rare *rare;
	struct alarm_wait *wait; /* owned; a transition that waits, an inhibition that goes on; NULL: none yet */
};

struct alarm_service *alarm_service_of(struct station *s); /* loaded; NULL when the station has none */
struct alarm_class *alarm_class_find(struct alarm_service *service, const char *name); /* NULL: no such class */
/* A new alarm of source (an extension, or who speaks of itself): takes *record's content (state, texts, data), gives it
 * identity, class, priority and times, stores it and tells recipients, in one transaction. */
void alarm_raise(struct alarm_service *service, struct component *source, const char *alarmClass,
                 struct alarm_record *record);
/* The condition of an open alarm has ended. source may be NULL, text empty. replaced: another alarm of the same source
 * takes its place, so recipients are not told that all is well. */
void alarm_end(struct alarm_service *service, struct component *source, struct open_alarm *alarm, const char *text,
               bool replaced);
/* An extension has left the tree or is about to: its alarms are looked at soon. */
void alarm_sweep(struct alarm_service *service);
/* Times, state and counters after a change of the record. */
void alarm_update(struct alarm_service *service, struct open_alarm *alarm, int64_t now);
/* Tells the recipients that the class is linked to; they add their mails to tx. */
void alarm_route(struct alarm_service *service, const struct alarm_record *r, struct store_tx *tx);
/* Writes tx, which carries the alarm, and tells observers when it has ended. done may be NULL. Takes tx. */
void alarm_commit(struct alarm_service *service, struct store_tx *tx, struct open_alarm *alarm, store_done *done,
                  void *context);
/* The same into a transaction that somebody else commits. */
void alarm_join(struct alarm_service *service, struct store_tx *tx, struct open_alarm *alarm, store_done *done,
                void *context);

/* Sets a text field of a record; adds a note to it. */
void alarm_set_text(char **field, const char *text);
void alarm_note(struct alarm_record *r, int64_t now, const char *user, const char *text);
/* Deletes the oldest cleared records while there are more than the service's capacity. */
void alarm_trim(struct alarm_service *service);
/* What an extension shows and keeps: bits of its point, its times in the store. Other sources and NULL are left alone. */
void alarm_ext_show(struct component *source);
void alarm_ext_persist_times(struct store_tx *tx, const struct component *source);
void alarm_ext_acked(struct component *source, const struct alarm_record *r, struct store_tx *tx);
void alarm_source_serve(struct alarm_service *service); /* alarm_source.c: sets station.alarms */
/* For check(): is that a format over the extension? */
void alarm_check_format(const char *slot, const char *format, struct report *report);

#endif
