/* SPDX-License-Identifier: Apache-2.0
 * Forms of text: one table of names and checks. See text_form.h. Any thread. */
#include "station/value/text_form.h"

#include <jansson.h>
#include <string.h>

#include "station/value/daytime.h"

bool text_is_utf8(const char *text)
{
	json_t *probe = json_string(text); /* Jansson refuses what is not UTF-8 */
	json_decref(probe);
	return probe != NULL;
}

/* U+0000 to U+001F, U+007F, and U+0080 to U+009F, which UTF-8 writes as two bytes. */
static bool is_control(const unsigned char *p)
{
	return *p < ' ' || *p == 0x7f || (p[0] == 0xc2 && p[1] < 0xa0);
}

bool mail_address_ok(const char *address)
{
	const char *at = strchr(address, '@');
	if (!at || at == address || !at[1] || strlen(address) > 254 || !text_is_utf8(address))
		return false;
	for (const unsigned char *p = (const unsigned char *)address; *p; p++)
		if (is_control(p) || strchr(" <>()[],;:\\\"", *p) || (*p == '@' && (const char *)p != at))
			return false;
	return true;
}

static bool time_of_day(const char *text)
{
	int32_t seconds;
	return daytime_parse(text, &seconds) == 0;
}

static bool date_of_pattern(const char *text)
{
	struct date_pattern date;
	return date_pattern_parse(text, &date) == 0;
}

static bool host_name(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		if (is_control(p) || strchr(" /@<>\"'\\,;()", *p))
			return false;
	return true;
}

static bool web_address(const char *text)
{
	static const char scheme[] = "https://";
	if (*text == '\0')
		return true;
	if (strncmp(text, scheme, sizeof scheme - 1) != 0 || strchr("/:", text[sizeof scheme - 1]))
		return false;
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		if (is_control(p) || strchr(" @<>\"'\\#?", *p))
			return false;
	return true;
}

static bool mail_address(const char *text)
{
	return *text == '\0' || mail_address_ok(text);
}

static const struct {
	const char *name;
	bool (*ok)(const char *text);
	const char *expected; /* ends the sentence that quotes the text */
} forms[FORMS] = {
	[FORM_TIME_OF_DAY] = { "timeOfDay", time_of_day, "no time of day; write 08:30, or 24:00 for the end of the day." },
	[FORM_DATE_PATTERN] = { "datePattern", date_of_pattern,
	                        "no date; write 2026-12-24, or *-12-24 for every year, or *-*-last for the last day of "
	                        "each "
	                        "month." },
	[FORM_HOST_NAME] = { "hostName", host_name,
	                     "no host name or address; write it without spaces, protocol or port: smtp.example.com." },
	[FORM_WEB_ADDRESS] = { "webAddress", web_address,
	                       "no address of a page; write it from https:// on: https://station.example:8443." },
	[FORM_MAIL_ADDRESS] = { "mailAddress", mail_address, "not a mail address such as anna@example.com." },
};

const char *text_form_name(enum text_form form)
{
	return forms[form].name;
}

int text_form_check(enum text_form form, const char *text, struct err *e)
{
	if (form == FORM_ANY || forms[form].ok(text))
		return 0;
	return err_set(e, E_INVALID, NULL, "\"%.60s\" is %s", text, forms[form].expected);
}
