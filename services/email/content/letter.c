/* SPDX-License-Identifier: Apache-2.0
 * A letter as text and as HTML: see letter.h. The HTML is one fixed frame for phones as for Outlook, which draws by Word:
 * tables, inline styles, a fill as bgcolor of a cell too, widths as attributes, padding of cells only. Text takes the
 * reader's own colours, so that it can be read on a dark screen as well, and a state is told by a word in a colour with
 * white letters on it. */
#include "services/email/content/letter.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"

static void alarm_finish(const struct letter_alarm *a)
{
	char *const texts[] = { a->time, a->source, a->state, a->priority, a->text };
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(texts[i]);
}

void letter_finish(struct letter *l)
{
	for (size_t i = 0; i < l->row_count; i++) {
		free(l->rows[i].label);
		free(l->rows[i].value);
	}
	for (size_t i = 0; i < l->alarm_count; i++)
		alarm_finish(&l->alarms[i]);
	free(l->alarms);
	char *const texts[] = { l->subject, l->text,     l->state,           l->source,        l->sent_by,
		                    l->csv,     l->csv_name, l->answer.reply_to, l->answer.footer, l->answer.url };
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(texts[i]);
	trend_finish(&l->trend);
	*l = (struct letter){ 0 };
}

static char *taken(GString *s)
{
	char *text = must_strdup(s->str);
	g_string_free(s, TRUE);
	return text;
}

char *letter_text(const struct letter *l)
{
	GString *out = g_string_new(l->text);
	char *line = trend_sparkline(&l->trend);
	if (out->len && out->str[out->len - 1] != '\n')
		g_string_append_c(out, '\n');
	if (line) {
		char *row =
		    language_say(l->language, PHRASE_ROW, (const char *const[]){ l->language->phrases[PHRASE_TREND], line }, 2);
		g_string_append_printf(out, "%s\n", row);
		free(row);
	}
	if (l->answer.url || l->answer.footer || l->sent_by)
		g_string_append(out, "\n-- \n");
	if (l->answer.url)
		g_string_append_printf(out, "%s: %s\n", l->language->phrases[PHRASE_ACKNOWLEDGE], l->answer.url);
	if (l->answer.footer)
		g_string_append_printf(out, "%s\n", l->answer.footer);
	if (l->sent_by)
		g_string_append_printf(out, "%s\n", l->sent_by);
	free(line);
	return taken(out);
}

/* --- HTML --------------------------------------------------------------------------------------------------------------- */

/* Text as HTML: nothing in it is markup, and its own direction stays its own. */
static void add_text(GString *out, const char *text)
{
	char *valid = g_utf8_make_valid(text, -1), *safe = g_markup_escape_text(valid, -1);
	g_string_append_printf(out, "<bdi>%s</bdi>", safe);
	g_free(safe);
	g_free(valid);
}

/* The same for an attribute's value, between double quotes. */
static void add_value(GString *out, const char *text)
{
	char *valid = g_utf8_make_valid(text, -1), *safe = g_markup_escape_text(valid, -1);
	g_string_append(out, safe);
	g_free(safe);
	g_free(valid);
}

/* Text of several lines. */
static void add_lines(GString *out, const char *text)
{
	char **lines = g_strsplit(text, "\n", -1);
	for (size_t i = 0; lines[i]; i++) {
		if (i)
			g_string_append(out, "<br>\r\n");
		add_text(out, lines[i]);
	}
	g_strfreev(lines);
}

static const char *const tone_colours[] = {
	[TONE_ALARM] = "#b3261e", [TONE_FAULT] = "#9a3f00", [TONE_ALERT] = "#1a56a8", [TONE_NORMAL] = "#1b6e2d"
};

/* The reader's colour, fainter: there is no grey that can be read both on white and on a dark screen. */
#define FAINT "opacity:0.7;"
/* Word knows no max-width. */
#define WORD_BEGIN                                                                                                     \
	"<!--[if mso]><table role=\"presentation\" width=\"640\" cellpadding=\"0\" "                                       \
	"cellspacing=\"0\"><tr><td><![endif]-->\r\n"
#define WORD_END "<!--[if mso]></td></tr></table><![endif]-->\r\n"
#define FONT "font-family:'Segoe UI',Roboto,Helvetica,Arial,sans-serif;"
static void add_head(GString *out, const struct letter *l)
{
	g_string_append_printf(out, "<!DOCTYPE html>\r\n<html lang=\"%s\"><head><meta charset=\"utf-8\">\r\n",
	                       l->language->code);
	g_string_append(out,
	                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\r\n"
	                "<meta name=\"color-scheme\" content=\"light dark\">\r\n"
	                "<meta name=\"supported-color-schemes\" content=\"light dark\">\r\n<title>");
	add_value(out, l->subject);
	g_string_append(out,
	                "</title></head>\r\n<body style=\"margin:0;padding:12px;" FONT
	                "font-size:16px;line-height:1.4\">\r\n" WORD_BEGIN
	                "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" "
	                "style=\"max-width:640px;border-collapse:collapse\">\r\n");
}

static void add_banner(GString *out, const struct letter *l)
{
	g_string_append_printf(out,
	                       "<tr><td bgcolor=\"%s\" style=\"background-color:%s;color:#ffffff;padding:8px 16px;" FONT
	                       "font-weight:bold\">",
	                       tone_colours[l->tone], tone_colours[l->tone]);
	add_text(out, l->state);
	g_string_append(out, "</td></tr>\r\n");
}

static void add_headline(GString *out, const char *text)
{
	g_string_append(
	    out, "<tr><td style=\"padding:12px 0 4px 0;" FONT "font-size:20px;font-weight:bold;word-break:break-word\">");
	add_text(out, text);
	g_string_append(out, "</td></tr>\r\n");
}

static void add_rows(GString *out, const struct letter *l)
{
	g_string_append(out, "<tr><td><table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\">\r\n");
	for (size_t i = 0; i < l->row_count; i++) {
		if (l->source && strcmp(l->rows[i].value, l->source) == 0) /* the headline says it */
			continue;
		g_string_append(
		    out, "<tr><td style=\"padding:3px 16px 3px 0;vertical-align:top;" FONT "font-size:14px;" FAINT "\">");
		add_text(out, l->rows[i].label);
		g_string_append(
		    out, "</td><td style=\"padding:3px 0;vertical-align:top;" FONT "font-size:16px;word-break:break-word\">");
		add_lines(out, l->rows[i].value);
		g_string_append(out, "</td></tr>\r\n");
	}
	g_string_append(out, "</table></td></tr>\r\n");
}

static void add_paragraph(GString *out, const char *text)
{
	g_string_append(out, "<tr><td style=\"padding:8px 0;" FONT "font-size:16px;word-break:break-word\">");
	add_lines(out, text);
	g_string_append(out, "</td></tr>\r\n");
}

/* --- a digest's table ---------------------------------------------------------------------------------------------------- */

#define CELL_FONT "vertical-align:top;text-align:left;" FONT
#define CELL "border-top:1px solid #8a8a8a;padding:6px 8px 6px 0;" CELL_FONT

static void add_cell(GString *out, const char *style, const char *text)
{
	g_string_append_printf(out, "<td style=\"" CELL "%s\">", style);
	add_text(out, text);
	g_string_append(out, "</td>");
}

/* Word fills cells only: the colour behind a word is a table of its own. */
static void add_state(GString *out, const struct letter_alarm *a)
{
	g_string_append(out, "<td style=\"" CELL "\">");
	if (*a->state) {
		g_string_append_printf(
		    out,
		    "<table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\"><tr><td bgcolor=\"%s\" "
		    "style=\"background-color:%s;color:#ffffff;padding:1px 8px;" FONT "font-size:14px;font-weight:bold\">",
		    tone_colours[a->tone], tone_colours[a->tone]);
		add_text(out, a->state);
		g_string_append(out, "</td></tr></table>");
	}
	g_string_append(out, "</td>");
}

/* As wide as the table: phones have no room for it beside the rest. */
static void add_message(GString *out, const char *text)
{
	g_string_append(
	    out, "<tr><td colspan=\"4\" style=\"padding:0 0 8px 0;" CELL_FONT "font-size:16px;word-break:break-word\">");
	add_text(out, text);
	g_string_append(out, "</td></tr>\r\n");
}

static void add_alarms(GString *out, const struct letter *l)
{
	static const enum phrase heads[] = { PHRASE_TIMESTAMP, PHRASE_SOURCE, PHRASE_STATE, PHRASE_PRIORITY };
	g_string_append(out, "<tr><td><table width=\"100%\" cellpadding=\"0\" cellspacing=\"0\">\r\n<tr>");
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		g_string_append_printf(out, "<th scope=\"col\"%s style=\"padding:6px 8px 6px 0;" CELL_FONT "font-size:14px\">",
		                       heads[i] == PHRASE_SOURCE ? " width=\"40%\"" : "");
		add_text(out, l->language->phrases[heads[i]]);
		g_string_append(out, "</th>");
	}
	g_string_append(out, "</tr>\r\n");
	for (size_t i = 0; i < l->alarm_count; i++) {
		g_string_append(out, "<tr>");
		add_cell(out, "font-size:14px", l->alarms[i].time);
		add_cell(out, "font-size:14px;font-weight:bold;word-break:break-word", l->alarms[i].source);
		add_state(out, &l->alarms[i]);
		add_cell(out, "font-size:14px", l->alarms[i].priority);
		g_string_append(out, "</tr>\r\n");
		if (*l->alarms[i].text)
			add_message(out, l->alarms[i].text);
	}
	g_string_append(out, "</table></td></tr>\r\n");
}

static void add_digest(GString *out, const struct letter *l)
{
	add_headline(out, l->subject);
	add_paragraph(out, l->language->phrases[PHRASE_DIGEST_INTRO]);
	add_alarms(out, l);
}

/* --- the other parts ------------------------------------------------------------------------------------------------------ */

static void add_picture(GString *out, const struct letter *l, const char *id)
{
	char *line = trend_sparkline(&l->trend);
	g_string_append_printf(out, "<tr><td style=\"padding:12px 0\"><img src=\"cid:%s\" width=\"%d\" alt=\"", id,
	                       TREND_WIDTH);
	add_value(out, l->language->phrases[PHRASE_TREND]);
	g_string_append_printf(
	    out, " %s\" style=\"display:block;width:100%%;max-width:%dpx;height:auto;border:0\"></td></tr>\r\n",
	    line ? line : "", TREND_WIDTH);
	free(line);
}

/* Outlook pads a cell, and not a link. */
static void add_button(GString *out, const struct letter *l)
{
	g_string_append(
	    out,
	    "<tr><td style=\"padding:12px 0\"><table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\">"
	    "<tr><td bgcolor=\"#0b57d0\" style=\"background-color:#0b57d0;border-radius:6px;padding:12px 24px;" FONT "\">"
	    "<a href=\"");
	add_value(out, l->answer.url);
	g_string_append(out, "\" style=\"color:#ffffff;text-decoration:none;" FONT "font-size:16px;font-weight:bold\">");
	add_text(out, l->language->phrases[PHRASE_ACKNOWLEDGE]);
	g_string_append(out, "</a></td></tr></table></td></tr>\r\n");
}

static void add_small(GString *out, const char *text)
{
	g_string_append(out, "<tr><td style=\"padding:4px 0;" FONT "font-size:13px;" FAINT "word-break:break-word\">");
	add_lines(out, text);
	g_string_append(out, "</td></tr>\r\n");
}

char *letter_html(const struct letter *l, const char *picture_id)
{
	GString *out = g_string_new(NULL);
	add_head(out, l);
	if (l->state) {
		add_banner(out, l);
		add_headline(out, l->source);
	}
	if (l->alarm_count)
		add_digest(out, l);
	else if (l->row_count)
		add_rows(out, l);
	else
		add_paragraph(out, l->text);
	if (picture_id)
		add_picture(out, l, picture_id);
	if (l->answer.url)
		add_button(out, l);
	if (l->answer.footer)
		add_small(out, l->answer.footer);
	if (l->sent_by)
		add_small(out, l->sent_by);
	g_string_append(out, "</table>\r\n" WORD_END "</body></html>\r\n");
	return taken(out);
}
