/* SPDX-License-Identifier: Apache-2.0
 * A digest as a letter: what it keeps of the mails that it sums up, and its words, a row for each alarm, in the reader's
 * language, time zone and units. See render.h. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/email/content/alarm_view.h"
#include "services/email/content/render.h"
#include "station/base/must.h"

enum { TEXT_MAX = 400 /* bytes of a text in a row; the ledger has the mails in full */ };

static const struct slot data_row = {
	.name = "alarms",
	.kind = V_LIST,
	.element = V_STRUCT,
	.members = alarm_tokens,
	.facets = FACETS(.maxLength = DIGEST_MAX),
	.doc = "Alarms of a digest, the most urgent first.",
};

/* --- keeping ---------------------------------------------------------------------------------------------------------- */

/* What a row says of an alarm. The rest of alarmData is as long as its author likes. */
#define TIMESTAMP "timestamp"
#define STATE "sourceState"
#define PRIORITY "priority"
#define ALARM_DATA "alarmData"
#define SOURCE "alarmData.sourceName"
#define TEXT "alarmData.msgText"
static const char *const kept_data[] = { "sourceName", "msgText", "alarmValue" };

static struct value cut(const char *text)
{
	size_t length = strnlen(text, TEXT_MAX);
	while (text[length] && ((unsigned char)text[length] & 0xc0) == 0x80) /* not in the middle of a character */
		length--;
	char *copy = must_strndup(text, length);
	struct value v = value_string(copy);
	free(copy);
	return v;
}

static const struct slot *token(const char *name)
{
	return slots_find(alarm_tokens, name);
}

static struct value *member(const struct value *view, const char *name)
{
	return &view->list.items[token(name) - alarm_tokens];
}

static struct value entry(const char *name, const char *value)
{
	struct value *pair = must_alloc(2 * sizeof *pair);
	pair[0] = value_string(name);
	pair[1] = cut(value);
	return (struct value){ .kind = V_STRUCT, .list = { pair, 2, token(ALARM_DATA)->members } };
}

static struct value nothing_known(void)
{
	uint32_t count = slots_count(alarm_tokens);
	struct value v = { .kind = V_STRUCT, .list = { must_alloc(count * sizeof(struct value)), count, alarm_tokens } };
	for (uint32_t i = 0; i < count; i++)
		v.list.items[i] = value_default(&alarm_tokens[i]);
	return v;
}

/* The row's alarmData, empty, with room for what is kept of it. */
static struct value *make_data(struct value *row)
{
	struct value *data = member(row, ALARM_DATA);
	value_clear(data);
	*data = (struct value){ .kind = V_LIST, .list = { .items = must_alloc(ARRAY_SIZE(kept_data) * sizeof *data) } };
	return data;
}

static void keep_data(struct value *to, const struct value *from)
{
	for (uint32_t i = 0; i < from->list.count; i++) {
		const struct value *pair = from->list.items[i].list.items;
		for (size_t k = 0; k < ARRAY_SIZE(kept_data) && to->list.count < ARRAY_SIZE(kept_data); k++)
			if (strcmp(pair[0].text, kept_data[k]) == 0)
				to->list.items[to->list.count++] = entry(kept_data[k], pair[1].text);
	}
}

/* A mail without an alarm has a subject at least. */
static void keep_subject(struct value *row, const struct mail_record *m)
{
	struct value *data = make_data(row);
	member(row, TIMESTAMP)->integer = m->created.us;
	data->list.items[data->list.count++] = entry(kept_data[0], m->subject);
}

static struct value keep(const struct mail_record *m)
{
	struct value row = nothing_known(), view = VALUE_NULL;
	struct err e = { 0 };
	if (*m->data && alarm_view_parse(m->data, &view, &e) == 0) {
		value_copy(member(&row, TIMESTAMP), member(&view, TIMESTAMP));
		value_clear(member(&row, STATE));
		value_copy(member(&row, STATE), member(&view, STATE));
		keep_data(make_data(&row), member(&view, ALARM_DATA));
	} else {
		keep_subject(&row, m);
	}
	member(&row, PRIORITY)->integer = m->priority;
	value_clear(&view);
	return row;
}

char *digest_keep(struct outgoing *const *mails, size_t count)
{
	struct value list = { .kind = V_LIST, .list = { .items = must_alloc((count + 1) * sizeof(struct value)) } };
	for (size_t i = 0; i < count; i++)
		list.list.items[list.list.count++] = keep(&mails[i]->mail);
	char *text = value_print(&data_row, &list);
	value_clear(&list);
	return text;
}

/* --- saying ------------------------------------------------------------------------------------------------------------ */

/* A member in the reader's words; "" when there is none. Owned. */
static char *say(const struct alarm_speech *s, const char *path)
{
	char *plain = alarm_member(s->view, path), *format = must_format("%%%s%%", path);
	char *said = *plain ? alarm_say(s, format) : must_strdup("");
	free(plain);
	free(format);
	return said;
}

static struct letter_alarm write_row(const struct alarm_speech *s)
{
	char *state = alarm_member(s->view, STATE);
	struct letter_alarm row = { .time = say(s, TIMESTAMP),
		                        .source = say(s, SOURCE),
		                        .state = say(s, STATE),
		                        .priority = say(s, PRIORITY),
		                        .text = say(s, TEXT),
		                        .tone = letter_tone_of(state) };
	free(state);
	return row;
}

static void add(char **text, size_t *length, char *more)
{
	size_t n = strlen(more);
	*text = must_realloc(*text, *length + n + 1);
	memcpy(*text + *length, more, n + 1);
	*length += n;
	free(more);
}

/* "27 November 2026, 18:05:03 (UTC+1)  [10]  High limit  Boiler" and what it says, indented below. */
static void write_text(struct letter *l)
{
	char *text = NULL;
	size_t length = 0;
	add(&text, &length, must_format("%s\n\n", l->language->phrases[PHRASE_DIGEST_INTRO]));
	for (size_t i = 0; i < l->alarm_count; i++) {
		const struct letter_alarm *a = &l->alarms[i];
		add(&text, &length,
		    must_format("%s  [%s]  %s%s%s\n", a->time, a->priority, a->state, *a->state ? "  " : "", a->source));
		if (*a->text)
			add(&text, &length, must_format("    %s\n", a->text));
	}
	l->text = text;
}

int letter_digest(struct station *s, const struct preferences *p, const char *data, struct letter *l)
{
	struct value list = VALUE_NULL;
	struct err e = { 0 };
	char count[24];
	if (value_parse(&data_row, data, &list, &e) != 0)
		return e.code;
	letter_begin(s, p, l);
	l->alarms = must_alloc((list.list.count + 1) * sizeof *l->alarms);
	for (uint32_t i = 0; i < list.list.count; i++) {
		struct alarm_speech speech =
		    alarm_speech_init(&list.list.items[i], p->language, p->zone, p->units, station_now(s));
		l->alarms[l->alarm_count++] = write_row(&speech);
	}
	snprintf(count, sizeof count, "%zu", l->alarm_count);
	l->subject = language_say(p->language, PHRASE_DIGEST_SUBJECT, (const char *const[]){ count }, 1);
	write_text(l);
	value_clear(&list);
	return 0;
}
