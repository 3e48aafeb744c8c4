/* SPDX-License-Identifier: Apache-2.0
 * Authentication-Results: see authenticity.h. */
#include "services/email/ack/authenticity.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "station/base/must.h"
#include "station/value/value.h"

/* Owned: the field without comments; what stands in quotes loses its quotes and separators. */
static char *plain_field(const char *text)
{
	char *out = must_alloc(strlen(text) + 1), *to = out;
	bool quoted = false;
	int depth = 0;
	for (; *text; text++) {
		if (*text == '\\' && text[1] && (quoted || depth)) {
			text++;
			continue;
		}
		if (*text == '"' && !depth)
			quoted = !quoted;
		else if (!quoted && (*text == '(' || *text == ')'))
			depth += *text == '(' ? 1 : depth > 0 ? -1 : 0;
		else if (!depth)
			*to++ = quoted && strchr(";=", *text) ? ' ' : *text;
	}
	*to = '\0';
	return out;
}

/* The text behind the field's name; NULL when it is another field. */
static const char *field_value(const char *line, const char *name)
{
	size_t n = strlen(name);
	if (strncasecmp(line, name, n) != 0 || line[n] != ':')
		return NULL;
	return line + n + 1 + strspn(line + n + 1, " ");
}

static bool same_word(const char *text, const char *word)
{
	size_t n = strlen(word);
	return strncasecmp(text, word, n) == 0 && (text[n] == '\0' || strchr(" ;", text[n]));
}

/* Does a result have the property with this value? NULL in value: does it have it at all? */
static bool has_property(const char *result, const char *name, const char *value)
{
	size_t n = strlen(name);
	for (const char *p = result; (p = strchr(p, ' '));) {
		p += strspn(p, " ");
		if (strncasecmp(p, name, n) == 0 && p[n] == '=' && (!value || same_word(p + n + 1, value)))
			return true;
	}
	return false;
}

/* The domain itself or one above it, but not a top-level one. */
static bool signed_for(const char *result, const char *domain)
{
	for (const char *d = domain; d && strchr(d, '.'); d = strchr(d, '.') ? strchr(d, '.') + 1 : NULL) {
		char *identity = must_format("@%s", d);
		bool has = has_property(result, "header.d", d) || has_property(result, "header.i", identity);
		free(identity);
		if (has)
			return true;
	}
	return false;
}

static bool passes(const char *result, const char *domain)
{
	result += strspn(result, " ");
	if (strncasecmp(result, "dmarc=", 6) == 0)
		return same_word(result + 6, "pass") &&
		    (!has_property(result, "header.from", NULL) || has_property(result, "header.from", domain));
	return strncasecmp(result, "dkim=", 5) == 0 && same_word(result + 5, "pass") && signed_for(result, domain);
}

static enum authenticity judge_field(char *field, const char *domain)
{
	enum authenticity found = AUTHENTIC_NOT;
	strtok_r(field, ";", &field); /* the id */
	for (char *result; (result = strtok_r(NULL, ";", &field));)
		if (passes(result, domain))
			found = AUTHENTIC;
	return found;
}

/* Was this Received written by the provider itself? Its host bears the id, lies below it or beside it; or the line tells of a
 * hand-over inside, which has no "from". */
static bool by_provider(const char *received, const char *id)
{
	char *plain = plain_field(received);
	const char *by = strncasecmp(plain, "by ", 3) == 0 ? plain : strcasestr(plain, " by ");
	bool inside = strncasecmp(plain, "from ", 5) != 0 && by;
	char host[256] = "";
	if (by)
		snprintf(host, sizeof host, "%.*s", (int)strcspn(by + 3 + (*by == ' '), " ;"), by + 3 + (*by == ' '));
	const char *above = strchr(id, '.');
	size_t h = strlen(host), n = strlen(id), m = above && strchr(above + 1, '.') ? strlen(above) : 0;
	bool same = (h >= n && strcasecmp(host + h - n, id) == 0 && (h == n || host[h - n - 1] == '.')) ||
	    (m && h > m && strcasecmp(host + h - m, above) == 0);
	free(plain);
	return inside || same;
}

/* Does a line of the trace bear the provider's results? */
static bool results_of(const char *line, const char *id)
{
	const char *results = field_value(line, "Authentication-Results");
	char *field = results ? plain_field(results) : NULL;
	bool is = field && same_word(field, id);
	free(field);
	return is;
}

const char *authenticity_field(const struct list *trace, const char *id)
{
	for (uint32_t i = 0; i < trace->count && *id; i++) {
		const char *line = trace->items[i].text, *received = field_value(line, "Received");
		if (received && !by_provider(received, id))
			return NULL;
		if (results_of(line, id))
			return line;
	}
	return NULL;
}

enum authenticity authenticity_judge(const struct list *trace, const char *id, const char *domain)
{
	const char *line = authenticity_field(trace, id);
	if (!line)
		return AUTHENTIC_UNKNOWN;
	char *field = plain_field(strchr(line, ':') + 1);
	enum authenticity found = judge_field(field, domain);
	free(field);
	return found;
}
