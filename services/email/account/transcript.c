/* SPDX-License-Identifier: Apache-2.0
 * The ring of transcript lines, and how a line is told: see transcript.h. */
#include "services/email/account/transcript.h"

#include <stdlib.h>
#include <string.h>

#include "services/email/account/transcript_file.h"
#include "station/base/must.h"

static json_t *line_to_json(const char *account, const struct transcript_line *line)
{
	static const char *const directions[] = { "sent", "received", "note" };
	char time[ABSTIME_TEXT_MAX];
	return json_pack("{s:s, s:s, s:s, s:s}", "account", account, "time", abstime_print(line->time, time), "direction",
	                 directions[line->direction], "text", line->text);
}

static struct transcript_line *keep(struct transcript *t, int64_t time, enum line_direction direction, const char *text)
{
	if (!t->lines)
		t->lines = must_alloc(TRANSCRIPT_LINES * sizeof *t->lines);
	struct transcript_line *line = &t->lines[t->next];
	t->next = (t->next + 1) % TRANSCRIPT_LINES;
	if (t->count < TRANSCRIPT_LINES)
		t->count++;
	free(line->text);
	*line = (struct transcript_line){ time, direction, must_strdup(text) };
	return line;
}

/* On disk a line is its time, a sign for who says it, and the text. */
static const char signs[] = { [LINE_SENT] = '>', [LINE_RECEIVED] = '<', [LINE_NOTE] = '-' };

static void read_line(void *context, const char *text)
{
	char *rest;
	long long time = strtoll(text, &rest, 10);
	const char *sign = *rest == ' ' && rest[1] && rest[2] == ' ' ? memchr(signs, rest[1], sizeof signs) : NULL;
	if (sign && time > 0) /* else half a line, of a run that was killed */
		keep(context, time, (enum line_direction)(sign - signs), rest + 3);
}

void transcript_start(struct transcript *t, const struct component *account)
{
	if (t->file)
		return;
	t->file = transcript_file_new(account->station, account->handle);
	if (t->count == 0) /* else it has only stopped for a while */
		transcript_file_read(t->file, read_line, t);
}

void transcript_stop(struct transcript *t, bool removed)
{
	transcript_file_end(&t->file, removed);
}

void transcript_add(struct transcript *t, const struct component *account, enum line_direction direction,
                    const char *text)
{
	struct transcript_line *line = keep(t, station_now(account->station), direction, text);
	if (t->file) {
		char *row = must_format("%lld %c %s", (long long)line->time, signs[direction], text);
		transcript_file_add(t->file, row);
		free(row);
	}
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

char *transcript_to_text(const struct transcript *t)
{
	static const char *const speakers[] = { "Message Sent:    ", "Server Response: ", "                 " };
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	must(out != NULL);
	for (size_t i = 0; i < t->count; i++) {
		const struct transcript_line *line = &t->lines[(t->next + TRANSCRIPT_LINES - t->count + i) % TRANSCRIPT_LINES];
		char time[ABSTIME_TEXT_MAX];
		fprintf(out, "%s %s %s\n", abstime_print(line->time, time), speakers[line->direction], line->text);
	}
	must(fclose(out) == 0);
	return text;
}

void transcript_free(struct transcript *t)
{
	for (size_t i = 0; t->lines && i < TRANSCRIPT_LINES; i++)
		free(t->lines[i].text);
	free(t->lines);
	*t = (struct transcript){ .lines = NULL };
}
