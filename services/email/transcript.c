/* SPDX-License-Identifier: Apache-2.0
 * The ring of transcript lines, and how a line is told: see transcript.h. */
#include "services/email/transcript.h"

#include <stdlib.h>

#include "station/must.h"

static json_t *line_to_json(const char *account, const struct transcript_line *line)
{
	static const char *const directions[] = { "sent", "received", "note" };
	char time[ABSTIME_TEXT_MAX];
	return json_pack("{s:s, s:s, s:s, s:s}", "account", account, "time", abstime_print(line->time, time), "direction",
	                 directions[line->direction], "text", line->text);
}

void transcript_add(struct transcript *t, const struct component *account, enum line_direction direction,
                    const char *text)
{
	if (!t->lines)
		t->lines = must_alloc(TRANSCRIPT_LINES * sizeof *t->lines);
	struct transcript_line *line = &t->lines[t->next];
	t->next = (t->next + 1) % TRANSCRIPT_LINES;
	if (t->count < TRANSCRIPT_LINES)
		t->count++;
	free(line->text);
	*line = (struct transcript_line){ station_now(account->station), direction, must_strdup(text) };
	json_t *json = line_to_json(account->name, line);
	station_event(account->station, "transcript", json);
	json_decref(json);
}

json_t *transcript_to_json(const struct transcript *t, const char *account)
{
	json_t *items = json_array();
	for (size_t i = 0; i < t->count; i++) {
		size_t at = (t->next + TRANSCRIPT_LINES - t->count + i) % TRANSCRIPT_LINES;
		json_array_append_new(items, line_to_json(account, &t->lines[at]));
	}
	return items;
}

void transcript_free(struct transcript *t)
{
	for (size_t i = 0; t->lines && i < TRANSCRIPT_LINES; i++)
		free(t->lines[i].text);
	free(t->lines);
	*t = (struct transcript){ .lines = NULL };
}
