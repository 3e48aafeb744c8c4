/* SPDX-License-Identifier: Apache-2.0
 * The inside of the histories, shared by their files: history_record.c (what is stored), history_service.c (who has which
 * history, writing), history_ext.c (making samples), history_read.c with rollup.c (reading). Engine thread, except where
 * a comment says otherwise. */
#ifndef BELFRY_HISTORY_INSIDE_H
#define BELFRY_HISTORY_INSIDE_H

#include "services/history/history.h"
#include "station/control/point.h"
#include "station/station.h"

enum value_kind { VALUE_NUMERIC, VALUE_BOOLEAN, VALUE_ENUM, VALUE_STRING };
extern const struct tag value_kind_range[];

/* Niagara's trend flags of a record. */
enum trend_flag {
	TREND_START = 1 << 0,        /* the first after a start of the station or of the extension */
	TREND_OUT_OF_ORDER = 1 << 1, /* its time is not after the last one's: the clock was set back */
	TREND_HIDDEN = 1 << 2,
	TREND_MODIFIED = 1 << 3,
	TREND_INTERPOLATED = 1 << 4,
};

/* Table "history". */
struct history_record {
	int64_t id;    /* key */
	char *name;    /* unique; the id of REST */
	char *source;  /* ord of the point */
	int64_t ext;   /* handle of the extension that feeds it: an undone removal finds it again */
	int valueKind; /* enum value_kind */
	char *units;
	struct abstime created, last; /* last: time of the newest sample */
	int64_t count;
};
/* Table "sample". */
struct sample_record {
	int64_t history;
	struct abstime timestamp;
	int64_t sequence; /* the station's: tells apart what has the same time */
	double value;     /* number; of a boolean 0 or 1, of an enum the ordinal */
	char *text;       /* of a string */
	int64_t status, trendFlags;
};
extern const struct record_kind history_kind, sample_kind;

struct history {
	struct history_record record;
	int64_t capacity;
	int64_t trimmed; /* by the flush that is on its way */
	bool stops;      /* fullPolicy */
	bool dirty;      /* the record differs from the disk's */
};

struct history_service;
/* The station's; reads the histories there are when it is first asked. NULL: none. */
struct history_service *history_service_of(struct station *s);
/* Why nothing can be kept at present; NULL: all is well. */
const char *history_service_trouble(const struct history_service *service);
/* The history of that extension: the one it had, or a new one called name (with a number behind it when another has that
 * name). Borrowed; lives as long as the service. */
struct history *history_register(struct history_service *service, uint64_t ext, const char *name, const char *source,
                                 enum value_kind kind, const char *units);
struct history *history_find(struct history_service *service, const char *name);
/* Adds a sample (text is copied); false: the history is full and stops. */
bool history_append(struct history_service *service, struct history *h, struct sample_record sample);
/* Forgets all samples of h, durably soon. */
void history_delete_samples(struct history_service *service, struct history *h);

/* history_query.c: the hidden action of all history extensions. */
extern const struct slot history_query_arg;
int history_query(struct component *c, struct invocation *inv);

#endif
