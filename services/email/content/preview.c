/* SPDX-License-Identifier: Apache-2.0
 * The letter of an EmailRecipient before anybody gets it: about an open alarm, or about a sample. It is written as a mail is, and
 * nothing of it is kept. See preview.h. */
#include "services/email/content/preview.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "services/email/ack/acknowledger.h"
#include "services/email/content/alarm_view.h"
#include "services/email/content/render.h"
#include "services/email/content/trend_ask.h"
#include "station/base/must.h"

struct preview {
	struct invocation *inv;
	struct letter letter;
	bool asking, known; /* asking: trend_ask has not returned yet */
};

/* --- what it is about --------------------------------------------------------------------------------------------------- */

void preview_sample(struct station *s, struct value *view)
{
	static const char form[] =
	    "{\"timestamp\":\"%s\",\"lastUpdate\":\"%s\",\"sourceState\":\"highLimit\",\"ackState\":\"unacked\","
	    "\"ackRequired\":true,\"alarmClass\":\"defaultAlarmClass\",\"priority\":180,\"alarmTransition\":\"highLimit\","
	    "\"msgText\":\"highLimit: 31.0 °C\",\"alarmData\":[{\"name\":\"sourceName\",\"value\":\"Sample\"},"
	    "{\"name\":\"msgText\",\"value\":\"highLimit: 31.0 °C\"},{\"name\":\"alarmValue\",\"value\":\"31.0 °C\"},"
	    "{\"name\":\"highLimit\",\"value\":\"30.0 °C\"},{\"name\":\"instructions\",\"value\":\"This is a sample. "
	    "Nothing is to be done.\"}]}";
	char now[ABSTIME_TEXT_MAX];
	struct err e = { 0 };
	abstime_print(station_now(s), now);
	char *json = must_format(form, now, now);
	must(alarm_view_parse(json, view, &e) == 0);
	free(json);
}

/* False: that alarm is not open. */
static bool find(struct station *s, const char *uuid, struct value *view)
{
	struct value record = VALUE_NULL;
	if (*uuid == '\0') {
		preview_sample(s, view);
		return true;
	}
	if (!s->alarms || !s->alarms->desk->look(s, uuid, &record))
		return false;
	alarm_view_take(&record, view);
	value_clear(&record);
	return true;
}

/* --- the answer ----------------------------------------------------------------------------------------------------------- */

static const struct tag tones[] = { { TONE_ALARM, "alarm", "Red." },
	                                { TONE_FAULT, "fault", "Orange." },
	                                { TONE_ALERT, "alert", "Blue." },
	                                { TONE_NORMAL, "normal", "Green." },
	                                { 0, NULL, NULL } };
static const struct slot row_members[] = { MEMBER("label", STRING, .doc = "What it is."),
	                                       MEMBER("value", STRING, .doc = "Its value."), SLOT_END };
enum { SUBJECT, TEXT, HTML, STATE, TONE, SOURCE, ROWS, PICTURE, SENT_BY, MEMBERS };
static const struct slot members[MEMBERS + 1] = {
	[SUBJECT] = MEMBER("subject", STRING, .doc = "Subject of the mail."),
	[TEXT] = MEMBER("text", STRING, .doc = "The text part, as it goes."),
	[HTML] = MEMBER("html", STRING, .doc = "The HTML part, as it goes; empty: there is none."),
	[STATE] = MEMBER("state", STRING, .doc = "State of the alarm, in the reader's language."),
	[TONE] = MEMBER("tone", ENUM, .facets = FACETS(.range = tones), .doc = "The colour of the state."),
	[SOURCE] = MEMBER("source", STRING, .doc = "Name of the source."),
	[ROWS] = MEMBER("rows", LIST, .element = V_STRUCT, .members = row_members,
	                .doc = "The lines of the HTML part; none: it shows the text."),
	[PICTURE] = MEMBER("picture", STRING, .doc = "The trend, a PNG image in base64; empty: there is none."),
	[SENT_BY] = MEMBER("sentBy", STRING, .doc = "The last line."),
	[MEMBERS] = SLOT_END,
};

static struct value taken(char *text)
{
	struct value v = value_string(text ? text : "");
	free(text);
	return v;
}

static struct value rows_of(const struct letter *l)
{
	struct value rows = { .kind = V_LIST };
	rows.list.count = (uint32_t)l->row_count;
	rows.list.items = must_alloc((l->row_count + 1) * sizeof(struct value));
	for (size_t i = 0; i < l->row_count; i++) {
		struct value *pair = must_alloc(2 * sizeof *pair);
		pair[0] = value_string(l->rows[i].label);
		pair[1] = value_string(l->rows[i].value);
		rows.list.items[i] = (struct value){ .kind = V_STRUCT, .list = { pair, 2, row_members } };
	}
	return rows;
}

/* Owned: the trend as a picture, for the part that has one; NULL: there is none. A person waits, so it is drawn at once. */
static char *picture_of(const struct letter *l)
{
	size_t size = 0;
	unsigned char *png = l->html ? trend_picture(&l->trend, &size) : NULL;
	char *text = png ? g_base64_encode(png, size) : NULL, *out = text ? must_strdup(text) : NULL;
	g_free(text);
	free(png);
	return out;
}

static void answer(struct preview *p)
{
	struct letter *l = &p->letter;
	char *picture = picture_of(l);
	struct value *v = must_alloc(MEMBERS * sizeof *v);
	v[SUBJECT] = value_string(l->subject);
	v[TEXT] = taken(letter_text(l));
	v[HTML] = taken(l->html ? letter_html(l, NULL) : NULL);
	v[STATE] = value_string(l->state);
	v[TONE] = (struct value){ .kind = V_ENUM, .ordinal = (int)l->tone };
	v[SOURCE] = value_string(l->source);
	v[ROWS] = rows_of(l);
	v[PICTURE] = taken(picture);
	v[SENT_BY] = value_string(l->sent_by);
	p->inv->result = (struct value){ .kind = V_STRUCT, .list = { v, MEMBERS, members } };
	letter_finish(l);
	free(p);
}

static void trend_known(void *context, struct trend *trend, char *csv)
{
	struct preview *p = context;
	struct invocation *inv = p->inv;
	p->letter.trend = *trend;
	*trend = (struct trend){ 0 };
	free(csv);
	p->known = true;
	if (p->asking)
		return;
	answer(p);
	invocation_done(inv, 0);
}

int preview_letter(struct component *c, struct invocation *inv)
{
	struct station *s = c->station;
	struct value view = VALUE_NULL;
	struct preferences preferences;
	if (!find(s, inv->arg->kind == V_STRING ? inv->arg->text : "", &view))
		return err_set(&inv->err, E_NOT_FOUND, "alarm", "There is no open alarm %.40s.", inv->arg->text);
	struct preview *p = must_alloc(sizeof *p);
	*p = (struct preview){ .inv = inv, .asking = true };
	recipient_preferences(s, c->handle, &preferences);
	letter_write(s, &preferences, &view, &p->letter);
	if (ack_listens(s)) /* the token is each mail's own */
		p->letter.answer.footer = must_format("%s\n[…]", preferences.language->phrases[PHRASE_HOW_TO_ANSWER]);
	bool asked = trend_ask(s, &preferences, &view, trend_known, p);
	value_clear(&view);
	p->asking = false;
	if (asked && !p->known)
		return 1;
	answer(p);
	return 0;
}
