/* SPDX-License-Identifier: Apache-2.0
 * What people do with alarms by other ways than the browser: an answer by mail, a link in it. Who keeps alarms (the
 * AlarmService) offers this as station.alarms->desk, since services never include each other. An order joins the caller's
 * transaction, so that what caused it and what it did are durable together; when the disk refuses, it is taken back.
 * Engine thread. */
#ifndef BELFRY_ALARM_DESK_H
#define BELFRY_ALARM_DESK_H

#include "station/sheet/sheet.h"

/* ISA-18.2's words: acknowledge, shelve for a time (nobody is told of it until then), unshelve; a note; and Niagara's force
 * clear, which ends an alarm whatever its source says. */
enum alarm_verb { ALARM_ACKNOWLEDGE, ALARM_NOTE, ALARM_SHELVE, ALARM_UNSHELVE, ALARM_CLEAR, ALARM_VERBS };

/* All borrowed for the call. */
struct alarm_order {
	enum alarm_verb verb;
	const char *uuid;
	const struct actor *actor; /* who, and with which rights now */
	const char *note;          /* why; may be "" except for ALARM_NOTE */
	int64_t until;             /* ALARM_SHELVE: microseconds since 1970, in the future */
};
struct alarm_desk {
	/* 0: done, as soon as tx is on disk. Else nothing has changed: E_NOT_FOUND (no open alarm of that uuid), E_CONFLICT (it
	 * is so already), E_FORBIDDEN, E_INVALID (until), with a sentence. */
	int (*order)(struct station *s, const struct alarm_order *o, struct store_tx *tx, struct err *e);
	/* The record of an open alarm as a struct value, owned by the caller; false: there is none. */
	bool (*look)(struct station *s, const char *uuid, struct value *record);
	/* Other open alarms of the same source that wait for acknowledgement, newest first; returns how many were filled in. */
	size_t (*unacked_beside)(struct station *s, const char *uuid, char (*uuids)[37], size_t most);
};

#endif
