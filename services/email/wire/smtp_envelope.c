/* SPDX-License-Identifier: Apache-2.0
 * MAIL and RCPT, and their parameters: see smtp_envelope.h. */
#include "services/email/wire/smtp_envelope.h"

#include <stdio.h>
#include <string.h>

static bool beyond_ascii(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] >= 0x80)
			return true;
	return false;
}

static bool international(const char *address)
{
	return beyond_ascii(address, strlen(address));
}

/* --- what cannot be ------------------------------------------------------------------------------------------------ */

static void refuse(struct smtp_message *m, bool only_international, const char *enhanced, const char *text)
{
	for (size_t i = 0; i < m->count; i++) {
		struct smtp_recipient *r = &m->recipients[i];
		if (r->outcome != SMTP_PENDING || (only_international && !international(r->address)))
			continue;
		r->outcome = SMTP_REFUSED;
		r->stage = STAGE_MAIL;
		snprintf(r->enhanced, sizeof r->enhanced, "%s", enhanced);
		snprintf(r->text, sizeof r->text, "%s", text);
	}
}

void smtp_refuse_impossible(struct smtp_message *m, const struct smtp_capabilities *can)
{
	char text[160];
	if (!can->smtp_utf8)
		refuse(m, !international(m->sender), "5.6.7",
		       international(m->sender)
		           ? "The sender's address has characters beyond ASCII, and the server does not offer SMTPUTF8."
		           : "The address has characters beyond ASCII, and the server does not offer SMTPUTF8.");
	if (can->size > 0 && m->length > (size_t)can->size) {
		snprintf(text, sizeof text, "The mail has %zu bytes; the server takes at most %lld.", m->length,
		         (long long)can->size);
		refuse(m, false, "5.3.4", text);
	}
	if (!can->eight_bit_mime && beyond_ascii(m->content, m->length))
		refuse(m, false, "5.6.3", "The mail has 8-bit text, and the server does not offer 8BITMIME.");
}

/* --- commands ------------------------------------------------------------------------------------------------------ */

/* What is added to a line; it cuts nothing: a parameter that does not fit is left out. */
static void add(char buf[SMTP_ENVELOPE_MAX], const char *name, const char *value)
{
	size_t at = strlen(buf);
	if (at + strlen(name) + strlen(value) + 2 < SMTP_ENVELOPE_MAX)
		snprintf(buf + at, SMTP_ENVELOPE_MAX - at, " %s%s", name, value);
}

/* xtext of RFC 3461 4: what is not printable, '+' and '=' as +XX. And for international addresses, that are sent to a
 * server of SMTPUTF8 only, utf-8-addr-unitext of RFC 6533 3: '\', '+' and '=' as \x{XX}, UTF-8 as it is. */
static void escape(const char *text, bool utf8, char *out, size_t size)
{
	size_t at = 0;
	for (const unsigned char *p = (const unsigned char *)text; *p && at + 8 < size; p++) {
		bool plain = *p > ' ' && *p != 0x7f && *p != '+' && *p != '=' && (*p < 0x80 || utf8) && !(utf8 && *p == '\\');
		at += (size_t)snprintf(out + at, size - at, plain ? "%c" : utf8 ? "\\x{%02X}" : "+%02X", *p);
	}
	out[at] = '\0';
}

static bool needs_utf8(const struct smtp_message *m)
{
	bool needs = international(m->sender);
	for (size_t i = 0; i < m->count; i++)
		needs |= m->recipients[i].outcome == SMTP_PENDING && international(m->recipients[i].address);
	return needs;
}

const char *smtp_mail_line(char buf[SMTP_ENVELOPE_MAX], const struct smtp_message *m,
                           const struct smtp_capabilities *can)
{
	char text[120];
	bool utf8 = needs_utf8(m);
	snprintf(buf, SMTP_ENVELOPE_MAX, "MAIL FROM:<%s>", m->sender);
	snprintf(text, sizeof text, "%zu", m->length);
	if (can->has_size)
		add(buf, "SIZE=", text);
	if (can->eight_bit_mime && (utf8 || beyond_ascii(m->content, m->length)))
		add(buf, "BODY=8BITMIME", "");
	if (utf8)
		add(buf, "SMTPUTF8", "");
	escape(m->envelope_id, false, text, sizeof text);
	if (can->dsn)
		add(buf, "RET=HDRS", "");
	if (can->dsn && *text)
		add(buf, "ENVID=", text);
	return buf;
}

const char *smtp_rcpt_line(char buf[SMTP_ENVELOPE_MAX], const char *address, const struct smtp_capabilities *can)
{
	char text[1600];
	bool utf8 = international(address);
	snprintf(buf, SMTP_ENVELOPE_MAX, "RCPT TO:<%s>", address);
	if (!can->dsn)
		return buf;
	escape(address, utf8, text, sizeof text);
	add(buf, "NOTIFY=FAILURE,DELAY", ""); /* whoever gets no alarm is to be known of */
	add(buf, utf8 ? "ORCPT=utf-8;" : "ORCPT=rfc822;", text);
	return buf;
}
