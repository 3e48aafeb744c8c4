/* SPDX-License-Identifier: Apache-2.0
 * The tokens of an alarm and how they are said: see alarm_view.h. */
#include "services/email/content/alarm_view.h"

#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"

static const struct slot view_row = {
	.name = "alarm", .kind = V_STRUCT, .members = alarm_tokens, .doc = "An alarm as mails know it."
};

/* --- keeping ---------------------------------------------------------------------------------------------------------- */

static struct value text_of(const struct slot *slot, const struct value *v)
{
	struct slot item = { .name = slot->name, .kind = slot->element };
	if (v->kind == V_LIST)
		return v->list.count ? text_of(&item, &v->list.items[0]) : value_string("");
	if (v->kind == V_STRING || v->kind == V_ORD)
		return value_string(v->text);
	char *text = value_print(slot, v);
	struct value out = value_string(text);
	free(text);
	return out;
}

static struct value entries_of(const struct slot *slot, const struct value *list)
{
	struct value out = { .kind = V_LIST };
	out.list.count = list->list.count;
	out.list.items = must_alloc((list->list.count + 1) * sizeof(struct value));
	for (uint32_t i = 0; i < list->list.count; i++) {
		const struct value *from = &list->list.items[i];
		struct value *pair = must_alloc(2 * sizeof *pair);
		value_copy(&pair[0], &from->list.items[0]);
		value_copy(&pair[1], &from->list.items[1]);
		out.list.items[i] = (struct value){ .kind = V_STRUCT, .list = { pair, 2, slot->members } };
	}
	return out;
}

void alarm_view_take(const struct value *alarm, struct value *view)
{
	uint32_t count = slots_count(alarm_tokens);
	*view =
	    (struct value){ .kind = V_STRUCT, .list = { must_alloc(count * sizeof(struct value)), count, alarm_tokens } };
	for (uint32_t i = 0; i < count; i++) {
		const struct slot *want = &alarm_tokens[i], *have = slots_find(alarm->list.members, want->name);
		const struct value *v = have ? &alarm->list.items[have - alarm->list.members] : NULL;
		struct value *to = &view->list.items[i];
		if (v && want->kind == V_LIST && v->kind == V_LIST)
			*to = entries_of(want, v);
		else if (v && want->kind == V_STRING)
			*to = text_of(have, v);
		else if (v && v->kind == want->kind)
			value_copy(to, v);
		else
			*to = value_default(want);
	}
}

char *alarm_view_print(const struct value *view)
{
	return value_print(&view_row, view);
}

int alarm_view_parse(const char *json, struct value *view, struct err *e)
{
	return value_parse(&view_row, json, view, e);
}

char *alarm_member(const struct value *view, const char *path)
{
	char *format = must_format("%%%s%%", path), *text = format_expand(format, view);
	free(format);
	if (strcmp(text, "-") == 0)
		*text = '\0';
	return text;
}

bool alarm_member_is(const struct value *view, const char *path, const char *text)
{
	char *mine = alarm_member(view, path);
	bool same = strcmp(mine, text) == 0;
	free(mine);
	return same;
}

int64_t alarm_moment(const struct value *view, const char *name)
{
	const struct slot *slot = slots_find(alarm_tokens, name);
	return view->list.items[slot - alarm_tokens].integer;
}

bool alarm_is_new(const struct value *view)
{
	return alarm_moment(view, "timestamp") == alarm_moment(view, "lastUpdate");
}

/* --- saying ------------------------------------------------------------------------------------------------------------ */

static const struct alarm_speech *speech_of(const struct format_voice *voice)
{
	return container_of(voice, const struct alarm_speech, voice);
}

static bool is_one_of(const char *path, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(path, *names) == 0)
			return true;
	return false;
}

/* What names a state. */
static bool is_state(const char *path)
{
	static const char *const names[] = { "sourceState",         "ackState", "alarmTransition", "alarmData.toState",
		                                 "alarmData.fromState", NULL };
	return is_one_of(path, names);
}

/* What was measured, or set as a limit. */
static bool is_measure(const char *path)
{
	static const char *const names[] = { "alarmData.alarmValue",
		                                 "alarmData.presentValue",
		                                 "alarmData.offnormalValue",
		                                 "alarmData.highLimit",
		                                 "alarmData.lowLimit",
		                                 "alarmData.deadband",
		                                 "alarmData.setpoint",
		                                 "alarmData.feedbackValue",
		                                 "alarmData.highDiffLimit",
		                                 "alarmData.lowDiffLimit",
		                                 NULL };
	return is_one_of(path, names);
}

/* What is a span and not a place on the scale: it has no zero that moves. */
static bool is_difference(const char *path)
{
	static const char *const names[] = { "alarmData.deadband", "alarmData.highDiffLimit", "alarmData.lowDiffLimit",
		                                 NULL };
	return is_one_of(path, names);
}

static char *say_measure(const struct alarm_speech *s, const char *path, const char *text)
{
	struct measure m;
	const char *word =
	    strcmp(text, "true") == 0 || strcmp(text, "false") == 0 ? language_phrase(s->language, text) : NULL;
	if (word)
		return must_strdup(word);
	if (!measure_read(text, &m))
		return must_strdup(text);
	measure_convert(&m, s->units, is_difference(path));
	return measure_write(&m, s->language);
}

/* The extension's own words "highLimit: 31.0 °C" are ours to say otherwise; a text of the author is his, but for units. */
static char *say_message(const struct alarm_speech *s, const char *text)
{
	char *value = alarm_member(s->view, "alarmData.alarmValue"), *state = must_strndup(text, strcspn(text, ":")), *out;
	const char *word = language_phrase(s->language, state), *rest = text + strlen(state);
	if (word && strncmp(rest, ": ", 2) == 0 && strcmp(rest + 2, value) == 0) {
		char *said = say_measure(s, "alarmData.alarmValue", value);
		out = language_say(s->language, PHRASE_ROW, (const char *const[]){ word, said }, 2);
		free(said);
	} else {
		out = units_in_text(text, s->units, s->language);
	}
	free(state);
	free(value);
	return out;
}

static char *print(const struct format_voice *voice, const char *path, const struct slot *slot, const struct value *v)
{
	const struct alarm_speech *s = speech_of(voice);
	(void)slot;
	if (v->kind == V_ABSTIME && v->integer != ABSTIME_NULL)
		return language_instant(s->language, s->zone, v->integer);
	if (v->kind == V_BOOLEAN)
		return must_strdup(s->language->phrases[v->boolean ? PHRASE_TRUE : PHRASE_FALSE]);
	if (v->kind != V_STRING)
		return NULL;
	if (strcmp(path, "user") == 0 && !*v->text)
		return must_strdup("-"); /* nobody yet; as user() says it */
	if (strcmp(path, "msgText") == 0 || strcmp(path, "alarmData.msgText") == 0)
		return say_message(s, v->text);
	if (is_measure(path))
		return say_measure(s, path, v->text);
	const char *word = is_state(path) ? language_phrase(s->language, v->text) : NULL;
	return word ? must_strdup(word) : NULL;
}

static const char *lexicon(const struct format_voice *voice, const char *key)
{
	return language_phrase(speech_of(voice)->language, key);
}

/* A member that is a string; borrowed. */
static const char *member_text(const struct value *view, const char *name)
{
	return view->list.items[slots_find(alarm_tokens, name) - alarm_tokens].text;
}

struct alarm_speech alarm_speech_init(const struct value *view, const struct language *l, const struct zone *zone,
                                      enum unit_system units, int64_t now)
{
	return (struct alarm_speech){
		.voice = { .print = print, .lexicon = lexicon, .now = now, .user = member_text(view, "user") },
		.language = l,
		.zone = zone,
		.units = units,
		.view = view,
	};
}

char *alarm_say(const struct alarm_speech *s, const char *format)
{
	return format_expand_by(format, s->view, &s->voice);
}
