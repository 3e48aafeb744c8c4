/* SPDX-License-Identifier: Apache-2.0
 * Answers to alarm mails, from the mail's bytes to the alarm: a matrix of forged, automatic and forwarded mails of which none
 * may act, and honest ones of twelve programs in five languages, which all must. */
#include <gmime/gmime.h>
#include <strings.h>

#include "services/email/ack/ack_checks.h"
#include "services/email/ack/ack_link.h"
#include "services/email/ack/acknowledger.h"
#include "services/email/ack/authenticity.h"
#include "services/email/reader/parsed_mail.h"
#include "station/alarm_support.h"
#include "station/audit.h"
#include "station/control/point.h"
#include "station/format.h"
#include "tests/unit/alarm_world.h"
#include "tests/unit/mail_programs.h"

#define ANNA "anna@example.com"
#define VOUCHED                                                                                                        \
	"Received: from mail.example.com by mx.station.example with ESMTPS id 1; Fri, 27 Nov 2026 14:00:00 +0000\n"        \
	"Authentication-Results: mx.station.example; dkim=pass header.d=example.com; dmarc=pass header.from=example.com\n"

/* --- tokens and words ------------------------------------------------------------------------------------------------ */

static void a_token_binds_what_it_speaks_for(void **state)
{
	(void)state;
	const unsigned char key[ACK_KEY] = "0123456789abcdef0123456789abcde", other[ACK_KEY] = "x";
	const unsigned char nonce[ACK_NONCE] = "123456789";
	const struct ack_binding right = { "station", "alarm", 7, "mail", 1000 };
	const struct ack_binding wrong[] = { { "statio", "nalarm", 7, "mail", 1000 },
		                                 { "station", "alarn", 7, "mail", 1000 },
		                                 { "station", "alarm", 8, "mail", 1000 },
		                                 { "station", "alarm", 7, "mai", 1000 },
		                                 { "station", "alarm", 7, "mail", 1001 } };
	char text[ACK_TOKEN_LENGTH + 1];
	struct ack_token t;
	ack_token_make(key, 33, &right, nonce, text);
	assert_int_equal(strlen(text), ACK_TOKEN_LENGTH);
	assert_int_equal(text[1], 'b'); /* 33 modulo 32 */
	assert_true(ack_token_read(text, &t));
	assert_int_equal(t.digit, 1);
	assert_memory_equal(t.nonce, nonce, ACK_NONCE);
	assert_true(ack_token_verify(key, &right, &t));
	assert_false(ack_token_verify(other, &right, &t));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_false(ack_token_verify(key, &wrong[i], &t));
	for (int i = 2; i < ACK_TOKEN_LENGTH - 1; i++) {
		char changed[ACK_TOKEN_LENGTH + 1];
		memcpy(changed, text, sizeof changed);
		changed[i] = changed[i] == 'a' ? 'b' : 'a';
		assert_false(ack_token_read(changed, &t) && ack_token_verify(key, &right, &t));
	}
	for (char *p = text; *p; p++) /* some systems change case */
		*p = (char)g_ascii_toupper(*p);
	assert_true(ack_token_read(text, &t) && ack_token_verify(key, &right, &t));
	char *inside = g_strdup_printf("see <alarms+%s@x> and x%s", text, text);
	const char *found = ack_token_find(inside, &t);
	assert_ptr_equal(found, strstr(inside, text));
	assert_null(ack_token_find(found + ACK_TOKEN_LENGTH, &t));
	assert_false(ack_token_read("a", &t));
	g_free(inside);
}

static void words_are_whole_lines(void **state)
{
	struct world *w = *state;
	struct err e = { 0 };
	const struct zone *zone = zone_find(&w->station, "Europe/Berlin", &e);
	const int64_t now = 1795788000 * SECOND_US; /* Friday 27 November 2026, 15:00 there */
	static const struct {
		const char *line;
		int fault, verb;
		int64_t after; /* seconds from now */
	} cases[] = {
		{ "ack", ANSWER_UNDERSTOOD, ANSWER_ACK, 0 },
		{ "ACK!", ANSWER_UNDERSTOOD, ANSWER_ACK, 0 },
		{ "I cannot ack", ANSWER_NO_WORD, 0, 0 },
		{ "ack not", ANSWER_NO_WORD, 0, 0 },
		{ "do not ack", ANSWER_NO_WORD, 0, 0 },
		{ "acknowledgement", ANSWER_NO_WORD, 0, 0 },
		{ "", ANSWER_NO_WORD, 0, 0 },
		{ "snooze 2h", ANSWER_UNDERSTOOD, ANSWER_SNOOZE, 7200 },
		{ "Snooze for 90 minutes.", ANSWER_UNDERSTOOD, ANSWER_SNOOZE, 5400 },
		{ "snooze 1h 30m", ANSWER_UNDERSTOOD, ANSWER_SNOOZE, 5400 },
		{ "snooze", ANSWER_UNDERSTOOD, ANSWER_SNOOZE, 0 },
		{ "snooze a while", ANSWER_NO_TIME, 0, 0 },
		{ "shelve until 18:00", ANSWER_UNDERSTOOD, ANSWER_SHELVE, 3 * 3600 },
		{ "shelve until 6 pm", ANSWER_UNDERSTOOD, ANSWER_SHELVE, 3 * 3600 },
		{ "shelve until 14:00", ANSWER_UNDERSTOOD, ANSWER_SHELVE, 23 * 3600 },
		{ "shelve until tomorrow 8:00", ANSWER_UNDERSTOOD, ANSWER_SHELVE, 17 * 3600 },
		{ "shelve until Monday 7:30", ANSWER_UNDERSTOOD, ANSWER_SHELVE, 64 * 3600 + 1800 },
		{ "shelve until 25:00", ANSWER_NO_TIME, 0, 0 },
		{ "shelve until 18:00 or so", ANSWER_NO_TIME, 0, 0 },
		{ "zur\xC3\xBC"
		  "ckstellen bis 18 Uhr",
		  ANSWER_UNDERSTOOD, ANSWER_SHELVE, 3 * 3600 },
		{ "stumm 2 Stunden", ANSWER_UNDERSTOOD, ANSWER_SNOOZE, 7200 },
		{ "suspendre jusqu'\xC3\xA0 demain 8h00", ANSWER_UNDERSTOOD, ANSWER_SHELVE, 17 * 3600 },
		{ "silenciar 2 horas", ANSWER_UNDERSTOOD, ANSWER_SNOOZE, 7200 },
		{ "\xE9\x9D\x99\xE9\x9F\xB3 2\xE5\xB0\x8F\xE6\x97\xB6", ANSWER_UNDERSTOOD, ANSWER_SNOOZE, 7200 },
		{ "comment: the door was Open", ANSWER_UNDERSTOOD, ANSWER_COMMENT, 0 },
		{ "comment", ANSWER_NO_COMMENT, 0, 0 },
		{ "status?", ANSWER_NO_WORD, 0, 0 },
		{ "Status", ANSWER_UNDERSTOOD, ANSWER_STATUS, 0 },
	};
	assert_non_null(zone);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mail_answer a;
		int fault = answer_read(cases[i].line, zone, now, &a);
		int64_t until = cases[i].after ? now + cases[i].after * SECOND_US : ABSTIME_NULL;
		if (fault != cases[i].fault || (fault == 0 && ((int)a.verb != cases[i].verb || a.until != until)))
			fail_msg("\"%s\": fault %d, verb %d, %lld s", cases[i].line, fault, a.verb,
			         (long long)((a.until - now) / SECOND_US));
		if (fault == 0 && a.verb == ANSWER_COMMENT)
			assert_string_equal(a.comment, "the door was Open");
		free(a.comment);
	}
}

static void the_line_is_what_a_person_wrote(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "ACK\nOn 1 May Ann wrote:\n> x\n", "ACK" },
		{ "\n\n  ack \r\n\n> x\n", "ack" },
		{ "On 1 May\nAnn <a@b>\nwrote:\n> x\n> y\n\nack\n", "ack" },
		{ "On 1 May Ann wrote:\n\n> x\n", NULL },
		{ "> ack\n", NULL },
		{ "-----Original Message-----\nack\n", NULL },
		{ "From: x\nack\n", NULL },
		{ "-- \nack\n", NULL },
		{ "", NULL },
		{ "I am away. Reply ACK\nack\n", "I am away. Reply ACK" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *line = answer_line(cases[i][0]);
		if (cases[i][1])
			assert_string_equal(line, cases[i][1]);
		else
			assert_null(line);
		free(line);
	}
}

static void authentication_results_count_only_from_the_provider(void **state)
{
	(void)state;
#define AR "Authentication-Results: mx.station.example; "
	static const struct {
		const char *lines[4];
		enum authenticity expected;
	} cases[] = {
		{ { AR "dmarc=pass header.from=example.com" }, AUTHENTIC },
		{ { AR "dmarc=pass (p=NONE dis=NONE) header.from=Example.com" }, AUTHENTIC },
		{ { AR "dkim=pass header.d=example.com" }, AUTHENTIC },
		{ { AR "spf=pass smtp.mailfrom=example.com; dkim=pass (2048-bit key) header.i=@example.com" }, AUTHENTIC },
		{ { AR "spf=pass smtp.mailfrom=example.com" }, AUTHENTIC_NOT },
		{ { AR "dkim=pass header.d=evil.example" }, AUTHENTIC_NOT },
		{ { AR "dkim=pass header.d=com" }, AUTHENTIC_NOT },
		{ { AR "dkim=pass header.d=notexample.com" }, AUTHENTIC_NOT },
		{ { AR "dmarc=pass header.from=evil.example" }, AUTHENTIC_NOT },
		{ { AR "dmarc=fail header.from=example.com" }, AUTHENTIC_NOT },
		{ { AR "dmarc=fail (dmarc=pass) header.from=example.com" }, AUTHENTIC_NOT },
		{ { AR "dkim=fail reason=\"; dmarc=pass\"" }, AUTHENTIC_NOT },
		{ { AR "dmarc=passed" }, AUTHENTIC_NOT },
		{ { AR "none" }, AUTHENTIC_NOT },
		{ { AR "dmarc=fail", AR "dmarc=pass" }, AUTHENTIC_NOT }, /* the topmost one */
		{ { "Authentication-Results: other.example; dmarc=pass" }, AUTHENTIC_UNKNOWN },
		{ { "Authentication-Results: mx.station.example.evil.example; dmarc=pass" }, AUTHENTIC_UNKNOWN },
		{ { "Received: from x by mx.station.example with ESMTP", AR "dmarc=pass" }, AUTHENTIC },
		{ { "Received: by 2002:a05:7300 with SMTP id 1", "Received: from x by mx2.station.example", AR "dmarc=pass" },
		  AUTHENTIC },
		{ { "Received: from x by mail.evil.example with ESMTP", AR "dmarc=pass" }, AUTHENTIC_UNKNOWN },
		{ { "Received: from x by mx.station.example", "Received: from y by evil.example", AR "dmarc=pass" },
		  AUTHENTIC_UNKNOWN },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct list trace = { 0 };
		for (size_t j = 0; j < 4 && cases[i].lines[j]; j++)
			parsed_mail_add(&trace, cases[i].lines[j]);
		if (authenticity_judge(&trace, "mx.station.example", "example.com") != cases[i].expected)
			fail_msg("%s", cases[i].lines[0]);
		assert_int_equal(authenticity_judge(&trace, "", "example.com"), AUTHENTIC_UNKNOWN);
		for (uint32_t j = 0; j < trace.count; j++)
			value_clear(&trace.items[j]);
		free(trace.items);
	}
}

/* --- a station that hears ------------------------------------------------------------------------------------------------- */

struct hearing {
	struct fixture f;
	struct component *acknowledger, *recipient, *user;
	int mails;     /* sent to it: makes Message-IDs */
	char uuid[37]; /* of the alarm */
	char token[ACK_TOKEN_LENGTH + 1];
	char *id; /* Message-ID of the alarm mail on the wire */
};

static void give_people(struct hearing *h)
{
	struct station *s = &h->f.w.station;
	struct ended end;
	struct batch *b = batch_new(s, &admin);
	json_t *recipient = json_pack("{s:[{s:s, s:s}, {s:s, s:s}]}", "to", "name", "Anna", "address", ANNA, "name", "Bert",
	                              "address", "bert@example.com");
	json_t *user = json_pack("{s:s, s:s}", "role", "operator", "email", "Anna@Example.com");
	json_t *ack = json_pack("{s:s}", "authServId", "mx.station.example");
	batch_set_json(b, h->recipient->handle, recipient, "");
	batch_set_json(b, h->acknowledger->handle, ack, "");
	uint64_t handle = batch_add(b, station_by_path(s, "/Services/UserService")->handle, "anna", "baja:User", user, "");
	json_decref(recipient);
	json_decref(user);
	json_decref(ack);
	if (submit(&h->f.w, b, &end) != 0)
		fail_msg("%s: %s", end.pointers[0], end.details[0]);
	h->user = station_by_handle(s, handle);
}

static void settle(struct hearing *h)
{
	for (int i = 0; i < 20; i++)
		station_turn(&h->f.w.station);
}

struct rows {
	bool done;
	size_t count;
	struct mail_record mail; /* the newest */
	char audit[400], reason[40];
};

static void keep_mails(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct rows *r = context;
	assert_int_equal(code, 0);
	(void)e;
	r->count = rows->count;
	if (rows->count)
		record_copy(&mail_kind, &r->mail, store_row(rows, 0));
	r->done = true;
}

/* Mails in the ledger, of a kind. The newest is in r->mail when there is one. */
static void read_mails(struct hearing *h, int kind, struct rows *r)
{
	*r = (struct rows){ 0 };
	struct store_query q = { .kind = &mail_kind, .order = "sequence", .descending = true, .limit = 500 };
	store_where_add(&q, "kind", STORE_EQ, (struct value){ .kind = V_ENUM, .ordinal = kind });
	store_ask(h->f.w.station.store, &q, keep_mails, r);
	turn_until(&h->f.w, &r->done);
}

static void keep_audit(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct rows *r = context;
	assert_int_equal(code, 0);
	(void)e;
	r->count = rows->count;
	if (rows->count) {
		const struct audit_record *a = store_row(rows, 0);
		snprintf(r->audit, sizeof r->audit, "%s", a->detail);
		snprintf(r->reason, sizeof r->reason, "%s", a->value);
	}
	r->done = true;
}

static void read_refusals(struct hearing *h, struct rows *r)
{
	*r = (struct rows){ 0 };
	struct store_query q = { .kind = &audit_kind, .order = "id", .descending = true, .limit = 500 };
	store_where_add(&q, "operation", STORE_EQ, value_string("ackRefused"));
	store_ask(h->f.w.station.store, &q, keep_audit, r);
	turn_until(&h->f.w, &r->done);
}

static void set_point(struct hearing *h, double value)
{
	numeric_point_feed(h->f.point, value, 0);
	settle(h);
}

/* A new alarm; its mail's token and Message-ID. */
static void raise_alarm(struct hearing *h)
{
	struct rows r;
	struct station *s = &h->f.w.station;
	set_point(h, 4);
	advance(&h->f, 60 * SECOND_US);
	set_point(h, 50);
	read_mails(h, MAIL_ALARM, &r);
	assert_true(r.count > 0);
	char *token = ack_token_of_mail(s, &r.mail);
	assert_int_equal(strlen(token), ACK_TOKEN_LENGTH);
	snprintf(h->token, sizeof h->token, "%s", token);
	snprintf(h->uuid, sizeof h->uuid, "%s", r.mail.alarm);
	free(h->id);
	h->id = ack_message_id(&r.mail, token);
	free(token);
	assert_null(strstr(r.mail.messageId, h->token)); /* the ledger shows none */
	assert_null(strstr(r.mail.ackToken.sealed, h->token));
	record_finish(&mail_kind, &r.mail);
}

static void open_hearing(struct hearing *h)
{
	*h = (struct hearing){ 0 };
	make_point(&h->f, "control:NumericPoint", "alarm:OutOfRangeAlarmExt",
	           "{\"highLimit\":8,\"lowLimit\":2,\"limitEnable\":{\"low\":true,\"high\":true}}");
	h->recipient = station_by_path(&h->f.w.station, "/Services/EmailService/EmailRecipient");
	h->acknowledger = station_by_path(&h->f.w.station, "/Services/EmailService/EmailAlarmAcknowledger");
	assert_non_null(h->acknowledger);
	give_people(h);
	raise_alarm(h);
}

static void close_hearing(struct hearing *h)
{
	free(h->id);
	world_end(&h->f.w);
}

/* Gives the acknowledger a mail, as an incoming account would. */
static void hear(struct hearing *h, const char *text)
{
	struct parsed_mail m = { 0 };
	struct err e = { 0 };
	struct value v;
	if (mail_parse(text, strlen(text), &m, &e) != 0)
		fail_msg("%s", e.text);
	record_to_value(&parsed_mail_kind, &m, &v);
	struct invocation inv = { .arg = &v };
	assert_int_equal(component_invoke(h->acknowledger, "received", &inv), 0);
	value_clear(&v);
	record_finish(&parsed_mail_kind, &m);
	settle(h);
}

static bool is_acked(struct hearing *h)
{
	struct value record;
	if (!h->f.w.station.alarms->desk->look(&h->f.w.station, h->uuid, &record))
		return true;
	char *ack = format_expand("%ackState%", &record);
	bool acked = strcmp(ack, "acked") == 0;
	free(ack);
	value_clear(&record);
	return acked;
}

/* Owned by GLib. Parts of an answer: NULL gives what an honest one has. */
struct letter {
	const char *from, *vouched, *fields, *reply, *text;
};

static char *write_letter(struct hearing *h, const struct letter *l)
{
	char *honest = g_strdup_printf("<%s>", h->id);
	const char *reply = l->reply ? l->reply : honest;
	char *text = g_strdup_printf("%sFrom: %s\nTo: alarms@station.example\nSubject: Re: Alarm\n%s%s%s"
	                             "Message-ID: <m%d@example.com>\nDate: Fri, 27 Nov 2026 15:00:00 +0100\n%s\n%s\n",
	                             l->vouched ? l->vouched : VOUCHED, l->from ? l->from : "Anna <" ANNA ">",
	                             *reply ? "In-Reply-To: " : "", reply, *reply ? "\n" : "", ++h->mails,
	                             l->fields ? l->fields : "", l->text ? l->text : "ACK\n");
	g_free(honest);
	return text;
}

static void send_letter(struct hearing *h, const struct letter *l)
{
	char *text = write_letter(h, l);
	hear(h, text);
	g_free(text);
}

/* --- honest answers ---------------------------------------------------------------------------------------------------------- */

static char *quoted(const char *old)
{
	char **lines = g_strsplit(old, "\n", -1), *joined = g_strjoinv("\n> ", lines),
	     *text = g_strconcat("> ", joined, NULL);
	g_strfreev(lines);
	g_free(joined);
	return text;
}

/* What the program makes of the word, with the old mail around it. Owned by GLib. */
static char *compose(struct hearing *h, const struct mail_program *p, const struct mail_language *l, const char *word)
{
	char *old = g_strdup_printf("Source: ColdRoom\nState: highLimit / unacked\n\nAnswer with ack\n[%s]", h->token);
	char *quote = quoted(old), **lines = g_strsplit(old, "\n", -1), *html = g_strjoinv("<br>\n", lines);
	char *body = g_strdup(p->body);
	const char *const values[][2] = { { "{WORD}", word },   { "{WROTE}", l->wrote }, { "{FROM}", l->from },
		                              { "{QUOTE}", quote }, { "{OLD}", old },        { "{HTML}", html } };
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		body = mail_fill(body, values[i][0], values[i][1]);
	if (p->base64) {
		char *coded = g_base64_encode((const guchar *)body, strlen(body));
		g_free(body);
		body = coded;
	}
	g_free(old);
	g_free(quote);
	g_strfreev(lines);
	g_free(html);
	return body;
}

static void answer_with(struct hearing *h, const struct mail_program *p, const struct mail_language *l,
                        const char *word, const char *reply)
{
	char *body = compose(h, p, l, word);
	char *fields = g_strdup_printf("%sMIME-Version: 1.0\nContent-Type: %s\nContent-Transfer-Encoding: %s\n",
	                               p->extra ? p->extra : "", p->type, p->base64 ? "base64" : "8bit");
	send_letter(h, &(struct letter){ .fields = fields, .text = body, .reply = reply });
	g_free(body);
	g_free(fields);
}

/* Sixty, each on an alarm of its own; every other one has lost its In-Reply-To on the way. */
static void honest_answers_act(void **state)
{
	(void)state;
	struct hearing h;
	int acted = 0, n = 0;
	open_hearing(&h);
	for (size_t p = 0; p < ARRAY_SIZE(mail_programs); p++)
		for (size_t l = 0; l < ARRAY_SIZE(mail_languages); l++) {
			if (n++)
				raise_alarm(&h);
			const char *word = mail_languages[l].words[p];
			answer_with(&h, &mail_programs[p], &mail_languages[l], word, n % 2 ? NULL : "");
			struct rows r;
			read_refusals(&h, &r);
			if (is_acked(&h))
				acted++;
			else
				print_message("%s, %s, \"%s\": %s: %s\n", mail_programs[p].name, mail_languages[l].code, word, r.reason,
				              r.audit);
		}
	print_message("%d of %d honest answers act\n", acted, n);
	assert_int_equal(n, 60);
	assert_int_equal(acted, 60);
	struct rows r;
	read_mails(&h, MAIL_CONFIRMATION, &r); /* and all are told */
	assert_int_equal(r.count, 60);
	assert_non_null(strstr(r.mail.body, "anna"));
	assert_string_equal(r.mail.ackToken.sealed, "");
	record_finish(&mail_kind, &r.mail);
	close_hearing(&h);
}

/* --- the matrix -------------------------------------------------------------------------------------------------------------------- */

/* What is wrong with a mail; each is enough. */
static const struct flaw {
	const char *name, *reason; /* of the refusal */
	struct letter letter;
	bool told;                          /* a vouched-for sender hears why */
	const char *user_slot, *user_value; /* set before, on anna */
} flaws[] = {
	{ "automatic", "automatic", { .fields = "Auto-Submitted: auto-replied\n" }, false, NULL, NULL },
	{ "no token", "token", { .reply = "<x@station.example>" }, false, NULL, NULL },
	{ "another's token",
	  "token",
	  { .reply = "<u.aaqwertyuiopasdfghjklzxcvbnmqwertyuiopasdfghjk@x>" },
	  false,
	  NULL,
	  NULL },
	{ "a stranger", "sender", { .from = "Eve <eve@evil.example>" }, false, NULL, NULL },
	{ "a colleague", "sender", { .from = "carl@example.com" }, false, NULL, NULL },
	{ "two From fields", "sender", { .from = ANNA "\nFrom: eve@evil.example" }, false, NULL, NULL },
	{ "two mailboxes", "sender", { .from = ANNA ", eve@evil.example" }, false, NULL, NULL },
	{ "a group", "sender", { .from = "all: " ANNA ";" }, false, NULL, NULL },
	{ "the address as a name", "sender", { .from = "\"" ANNA "\" <eve@evil.example>" }, false, NULL, NULL },
	{ "nobody vouches", "authenticity", { .vouched = "Received: from x by mx.station.example\n" }, false, NULL, NULL },
	{ "SPF alone",
	  "authenticity",
	  { .vouched = "Authentication-Results: mx.station.example; spf=pass smtp.mailfrom=example.com\n" },
	  false,
	  NULL,
	  NULL },
	{ "vouched by himself",
	  "authenticity",
	  { .vouched = "Received: from x by mx.station.example\nReceived: from y by evil.example\n"
	               "Authentication-Results: mx.station.example; dmarc=pass\n" },
	  false,
	  NULL,
	  NULL },
	{ "signed by another",
	  "authenticity",
	  { .vouched = "Authentication-Results: mx.station.example; dkim=pass header.d=evil.example; dmarc=fail\n" },
	  false,
	  NULL,
	  NULL },
	{ "a viewer", "rights", { 0 }, true, "role", "viewer" },
	{ "a disabled user", "rights", { 0 }, true, "enabled", "false" },
	{ "no user", "rights", { 0 }, true, "email", "other@example.com" },
	{ "no word", "words", { .text = "I cannot ack\n" }, true, NULL, NULL },
	{ "nothing but a quote", "words", { .text = "> ACK\n" }, true, NULL, NULL },
	{ "a time that is none", "time", { .text = "snooze a bit\n" }, true, NULL, NULL },
};

/* Each flaw changes what it must and leaves the rest to the other. */
static struct letter joined(const struct letter *a, const struct letter *b)
{
	return (struct letter){ .from = a->from ? a->from : b->from,
		                    .vouched = a->vouched ? a->vouched : b->vouched,
		                    .fields = a->fields ? a->fields : b->fields,
		                    .reply = a->reply ? a->reply : b->reply,
		                    .text = a->text ? a->text : b->text };
}

/* Counts that grow with each mail. */
struct tally {
	size_t refusals, confirmations;
};

static struct tally take_tally(struct hearing *h)
{
	struct rows refusals, mails;
	read_refusals(h, &refusals);
	read_mails(h, MAIL_CONFIRMATION, &mails);
	if (mails.count)
		record_finish(&mail_kind, &mails.mail);
	return (struct tally){ refusals.count, mails.count };
}

/* It must do nothing, be noted, with this reason (NULL: any), and be answered only when told says so. */
static void must_fail(struct hearing *h, const char *name, const struct letter *l, const char *reason, bool told)
{
	struct tally before = take_tally(h);
	send_letter(h, l);
	struct tally after = take_tally(h);
	struct rows r;
	read_refusals(h, &r);
	if (is_acked(h))
		fail_msg("%s has acknowledged", name);
	if (after.refusals != before.refusals + 1)
		fail_msg("%s was not noted", name);
	if (reason && strcmp(r.reason, reason) != 0)
		fail_msg("%s: refused as \"%s\", not \"%s\"", name, r.reason, reason);
	if (after.confirmations != before.confirmations + (told ? 1 : 0))
		fail_msg("%s: %zu answers", name, after.confirmations - before.confirmations);
	advance(&h->f, 7 * SECOND_US); /* below the rate */
}

static void apply_user(struct hearing *h, const struct flaw *f, bool back)
{
	static const char *const usual[][2] = { { "role", "operator" }, { "enabled", "true" }, { "email", ANNA } };
	for (size_t i = 0; f->user_slot && i < ARRAY_SIZE(usual); i++)
		if (strcmp(usual[i][0], f->user_slot) == 0)
			set_slot(h->user, f->user_slot, back ? usual[i][1] : f->user_value);
}

static void no_forged_mail_acts(void **state)
{
	(void)state;
	struct hearing h;
	int n = 0;
	open_hearing(&h);
	for (size_t i = 0; i < ARRAY_SIZE(flaws); i++, n++) { /* alone: the reason is this one */
		apply_user(&h, &flaws[i], false);
		must_fail(&h, flaws[i].name, &flaws[i].letter, flaws[i].reason, flaws[i].told);
		apply_user(&h, &flaws[i], true);
	}
	for (size_t i = 0; i < ARRAY_SIZE(flaws); i++) /* in pairs: the earlier check gives the reason */
		for (size_t j = i + 1; j < ARRAY_SIZE(flaws); j += 3, n++) {
			struct letter both = joined(&flaws[i].letter, &flaws[j].letter);
			bool told = flaws[i].told && flaws[j].told && !both.from && !both.vouched && !both.reply && !both.fields;
			char *name = g_strdup_printf("%s and %s", flaws[i].name, flaws[j].name);
			apply_user(&h, &flaws[i], false);
			apply_user(&h, &flaws[j], false);
			must_fail(&h, name, &both, flaws[i].reason, told);
			apply_user(&h, &flaws[i], true);
			apply_user(&h, &flaws[j], true);
			g_free(name);
		}
	print_message("%d forged mails\n", n);
	assert_true(n >= 70);
	send_letter(&h, &(struct letter){ 0 }); /* the honest one still acts: nothing was used up */
	assert_true(is_acked(&h));
	close_hearing(&h);
}

static void no_machine_acts(void **state)
{
	(void)state;
	struct hearing h;
	open_hearing(&h);
	for (size_t i = 0; i < ARRAY_SIZE(automatic_mails); i++)
		must_fail(&h, automatic_mails[i], &(struct letter){ .fields = automatic_mails[i] }, "automatic", false);
	for (int i = 0; i < 2 * (int)ARRAY_SIZE(bouncing); i++) {
		size_t b = (size_t)i / 2;
		struct letter l = { .from = bouncing[b].from, .fields = bouncing[b].fields, .reply = i % 2 ? "" : NULL };
		must_fail(&h, bouncing[b].fields, &l, "automatic", false);
	}
	close_hearing(&h);
}

/* Who has got a copy, or to whom a mail was forwarded, has the token too. */
static void no_copy_acts(void **state)
{
	(void)state;
	static const char *const others[] = { "carl@example.com", "boss@example.com", "Anna <anna@home.example>",
		                                  "anna@example.com.evil.example", "anna@examp1e.com" };
	struct hearing h;
	open_hearing(&h);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(others); i++) {
		char *text = g_strdup_printf("ACK\n\n-------- Forwarded Message --------\nFrom: alarms\n\n[%s]\n", h.token);
		const char *from = others[i / 2], *at = strrchr(from, '@') + 1;
		char *vouched = g_strdup_printf("Authentication-Results: mx.station.example; dmarc=pass header.from=%.*s\n",
		                                (int)strcspn(at, ">"), at);
		struct letter l = { .from = from, .vouched = vouched, .text = text, .reply = i % 2 ? "" : NULL };
		must_fail(&h, from, &l, "sender", false);
		g_free(text);
		g_free(vouched);
	}
	close_hearing(&h);
}

static void used_old_and_ended_ones_do_not_act_again(void **state)
{
	(void)state;
	struct hearing h;
	struct rows r;
	open_hearing(&h);
	send_letter(&h, &(struct letter){ 0 });
	assert_true(is_acked(&h));
	send_letter(&h, &(struct letter){ 0 });
	read_refusals(&h, &r);
	assert_string_equal(r.reason, "used");
	raise_alarm(&h);
	advance(&h.f, 25 * 3600 * SECOND_US);
	send_letter(&h, &(struct letter){ 0 });
	read_refusals(&h, &r);
	assert_true(strcmp(r.reason, "expired") == 0 || strcmp(r.reason, "token") == 0);
	assert_false(is_acked(&h));
	raise_alarm(&h);
	struct answer done = { 0 };
	alarm_order(&h.f.w.station, &(struct alarm_order){ .verb = ALARM_CLEAR, .actor = &admin, .note = "" },
	            (const char *const[]){ h.uuid }, 1, keep_codes, &done);
	turn_until(&h.f.w, &done.done);
	assert_int_equal(done.codes[0], 0);
	send_letter(&h, &(struct letter){ 0 });
	read_refusals(&h, &r);
	assert_string_equal(r.reason, "ended");
	close_hearing(&h);
}

static void verbs_do_what_they_say(void **state)
{
	(void)state;
	struct hearing h;
	struct rows r, again;
	open_hearing(&h);
	send_letter(&h, &(struct letter){ .text = "status\n" });
	read_mails(&h, MAIL_CONFIRMATION, &r);
	assert_non_null(strstr(r.mail.body, "Not acknowledged"));
	record_finish(&mail_kind, &r.mail);
	send_letter(&h, &(struct letter){ .text = "comment: somebody goes there\n" });
	send_letter(&h, &(struct letter){ .text = "snooze 2h\n" });
	struct value record;
	assert_true(h.f.w.station.alarms->desk->look(&h.f.w.station, h.uuid, &record));
	char *until = format_expand("%shelvedUntil%", &record), *notes = format_expand("%notes%", &record);
	assert_string_not_equal(until, "-");
	assert_false(is_acked(&h));
	free(until);
	free(notes);
	value_clear(&record);
	read_mails(&h, MAIL_ALARM, &r);
	advance(&h.f, 7201 * SECOND_US); /* it comes back, and is mailed again */
	settle(&h);
	read_mails(&h, MAIL_ALARM, &again);
	assert_int_equal(again.count, r.count + 1);
	record_finish(&mail_kind, &r.mail);
	record_finish(&mail_kind, &again.mail);
	close_hearing(&h);
}

/* The disk refuses nothing here; a restart keeps tokens and what was used. */
static void tokens_survive_a_restart(void **state)
{
	(void)state;
	struct hearing h;
	open_hearing(&h);
	world_restart(&h.f.w, station_types);
	h.f.point = station_by_path(&h.f.w.station, "/Drivers/ColdRoom");
	h.acknowledger = station_by_path(&h.f.w.station, "/Services/EmailService/EmailAlarmAcknowledger");
	send_letter(&h, &(struct letter){ 0 });
	assert_true(is_acked(&h));
	world_restart(&h.f.w, station_types);
	h.acknowledger = station_by_path(&h.f.w.station, "/Services/EmailService/EmailAlarmAcknowledger");
	send_letter(&h, &(struct letter){ 0 });
	struct rows r;
	read_refusals(&h, &r);
	assert_string_equal(r.reason, "used");
	close_hearing(&h);
}

static void a_flood_is_stopped(void **state)
{
	(void)state;
	struct hearing h;
	struct rows r;
	open_hearing(&h);
	for (int i = 0; i < 11; i++)
		send_letter(&h, &(struct letter){ .text = "status\n" });
	read_refusals(&h, &r);
	assert_int_equal(r.count, 1);
	assert_string_equal(r.reason, "rate");
	close_hearing(&h);
}

/* --- bounces, links, the shelf -------------------------------------------------------------------------------------------- */

struct delivery {
	bool done;
	struct delivery_record row; /* owned */
};

static void keep_delivery(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct delivery *d = context;
	(void)e;
	assert_int_equal(code, 0);
	assert_int_equal(rows->count, 1);
	record_copy(&delivery_kind, &d->row, store_row(rows, 0));
	d->done = true;
}

static void read_delivery(struct hearing *h, const char *mail, const char *address, struct delivery *d)
{
	*d = (struct delivery){ 0 };
	struct store_query q = { .kind = &delivery_kind, .limit = 1 };
	store_where_add(&q, "mail", STORE_EQ, value_string(mail));
	store_where_add(&q, "address", STORE_EQ, value_string(address));
	store_ask(h->f.w.station.store, &q, keep_delivery, d);
	turn_until(&h->f.w, &d->done);
}

static void mark_done(void *context, int code, const struct err *e)
{
	(void)e;
	assert_int_equal(code, 0);
	*(bool *)context = true;
}

static void a_bounce_marks_and_tells_the_next(void **state)
{
	(void)state;
	struct hearing h;
	struct rows before, after;
	struct delivery d;
	open_hearing(&h);
	struct station *s = &h.f.w.station;
	struct component *next =
	    make_component(&h.f.w, station_by_path(s, "/Services/EmailService"), "email:EmailRecipient", "Next");
	set_slot(next, "to", "[{\"name\":\"Carl\",\"address\":\"carl@example.com\"}]");
	set_slot(h.recipient, "bounceRecipient", "Next");
	read_mails(&h, MAIL_ALARM, &before);
	read_delivery(&h, before.mail.id, ANNA, &d);
	d.row.state = MAIL_ACCEPTED;
	bool done = false;
	struct store_tx *tx = store_tx_new();
	store_tx_put(tx, &delivery_kind, &d.row);
	store_commit(s->store, tx, mark_done, &done);
	turn_until(&h.f.w, &done);
	record_finish(&delivery_kind, &d.row);
	char *report = g_strdup_printf("From: MAILER-DAEMON@mx.example\nReturn-Path: <>\nMessage-ID: <b@mx>\n"
	                               "Content-Type: multipart/report; boundary=r\n\n--r\n"
	                               "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\n"
	                               "Final-Recipient: rfc822; " ANNA "\nAction: failed\nStatus: 5.2.2\n"
	                               "Diagnostic-Code: smtp; 552 mailbox full\n\n"
	                               "Final-Recipient: rfc822; bert@example.com\nAction: delayed\nStatus: 4.0.0\n"
	                               "--r\nContent-Type: text/rfc822-headers\n\nMessage-ID: <%s>\n--r--\n",
	                               h.id);
	hear(&h, report);
	settle(&h);
	for (int i = 0; i < 10000; i++) { /* it is looked up first, then written */
		read_delivery(&h, before.mail.id, ANNA, &d);
		if (d.row.state == MAIL_BOUNCED)
			break;
		record_finish(&delivery_kind, &d.row);
	}
	assert_int_equal(d.row.state, MAIL_BOUNCED);
	assert_string_equal(d.row.enhancedStatus, "5.2.2");
	record_finish(&delivery_kind, &d.row);
	read_delivery(&h, before.mail.id, "bert@example.com", &d);
	assert_int_equal(d.row.state, MAIL_QUEUED);
	record_finish(&delivery_kind, &d.row);
	struct value cause;
	assert_int_equal(component_get(h.recipient, "lastBounceCause", &cause, NULL), 0);
	assert_string_equal(cause.text, "552 mailbox full");
	value_clear(&cause);
	read_mails(&h, MAIL_ALARM, &after);
	assert_int_equal(after.count, before.count + 1);
	hear(&h, report); /* again: it moves forward only */
	struct rows third;
	read_mails(&h, MAIL_ALARM, &third);
	assert_int_equal(third.count, after.count);
	assert_false(is_acked(&h));
	record_finish(&mail_kind, &before.mail);
	record_finish(&mail_kind, &after.mail);
	record_finish(&mail_kind, &third.mail);
	g_free(report);
	close_hearing(&h);
}

struct use {
	bool done;
	int code;
};

static void keep_use(void *context, int code, const struct err *e)
{
	(void)e;
	*(struct use *)context = (struct use){ true, code };
}

static int use_link(struct hearing *h, const char *token)
{
	struct use u = { 0 };
	ack_link_use(&h->f.w.station, token, "192.0.2.1", keep_use, &u);
	turn_until(&h->f.w, &u.done);
	advance(&h->f, 60 * SECOND_US);
	return u.code;
}

static void a_link_acts_once_and_where_it_may(void **state)
{
	(void)state;
	struct hearing h;
	struct err e;
	open_hearing(&h);
	struct station *s = &h.f.w.station;
	json_t *seen = ack_link_look(s, h.token, "192.0.2.1", &e);
	assert_string_equal(json_string_value(json_object_get(seen, "sourceState")), "highLimit");
	assert_true(json_is_true(json_object_get(seen, "loginNeeded")));
	json_decref(seen);
	assert_int_equal(use_link(&h, h.token), E_UNAUTHORIZED); /* not allowed, and it went to two */
	set_slot(h.acknowledger, "linkWithoutLogin", "true");
	assert_int_equal(use_link(&h, h.token), E_UNAUTHORIZED);
	set_slot(h.recipient, "to", "[{\"name\":\"Anna\",\"address\":\"" ANNA "\"}]");
	raise_alarm(&h);
	set_slot(h.user, "role", "viewer");
	assert_int_equal(use_link(&h, h.token), E_UNAUTHORIZED);
	set_slot(h.user, "role", "operator");
	assert_int_equal(use_link(&h, "aaqwertyuiopasdfghjklzxcvbnmqwertyuiopasdfgh"), E_NOT_FOUND);
	seen = ack_link_look(s, h.token, "192.0.2.1", &e);
	assert_true(json_is_false(json_object_get(seen, "loginNeeded")));
	json_decref(seen);
	assert_false(is_acked(&h));
	assert_int_equal(use_link(&h, h.token), 0);
	assert_true(is_acked(&h));
	assert_int_equal(use_link(&h, h.token), E_NOT_FOUND);
	for (int i = 0; i < 10; i++)
		assert_null(ack_link_look(s, h.token, "192.0.2.1", &e));
	assert_null(ack_link_look(s, h.token, "192.0.2.1", &e));
	assert_int_equal(e.code, E_TOO_MANY);
	close_hearing(&h);
}

static int order(struct hearing *h, enum alarm_verb verb, int64_t until, const struct actor *actor)
{
	struct answer a = { 0 };
	alarm_order(&h->f.w.station, &(struct alarm_order){ .verb = verb, .actor = actor, .note = "why", .until = until },
	            (const char *const[]){ h->uuid }, 1, keep_codes, &a);
	turn_until(&h->f.w, &a.done);
	settle(h);
	return a.codes[0];
}

static size_t alarm_mails(struct hearing *h)
{
	struct rows r;
	read_mails(h, MAIL_ALARM, &r);
	if (r.count)
		record_finish(&mail_kind, &r.mail);
	return r.count;
}

static void a_shelved_alarm_is_silent_and_comes_back(void **state)
{
	(void)state;
	static const struct actor operator= { .user = "olga", .role = ROLE_OPERATOR, .via = "session" };
	struct hearing h;
	open_hearing(&h);
	int64_t now = station_now(&h.f.w.station);
	assert_int_equal(order(&h, ALARM_SHELVE, now - 1, &operator), E_INVALID);
	assert_int_equal(order(&h, ALARM_SHELVE, now + 8 * 86400 * SECOND_US, &operator), E_INVALID);
	assert_int_equal(order(&h, ALARM_UNSHELVE, 0, &operator), E_CONFLICT);
	assert_int_equal(order(&h, ALARM_ACKNOWLEDGE, 0, &operator), 0);
	assert_int_equal(order(&h, ALARM_SHELVE, now + 3600 * SECOND_US, &operator), 0);
	size_t told = alarm_mails(&h);
	set_point(&h, 4);  /* normal and acknowledged, but it stays on the shelf, */
	set_point(&h, 50); /* and a new one of the source goes there too */
	assert_int_equal(alarm_mails(&h), told);
	advance(&h.f, 3601 * SECOND_US);
	settle(&h);
	assert_int_equal(alarm_mails(&h), told + 1);                     /* only the one that is not normal */
	assert_int_equal(order(&h, ALARM_CLEAR, 0, &admin), E_CONFLICT); /* the first one has ended by itself */
	raise_alarm(&h);
	assert_int_equal(order(&h, ALARM_CLEAR, 0, &operator), E_FORBIDDEN);
	assert_int_equal(order(&h, ALARM_CLEAR, 0, &admin), 0);
	assert_int_equal(order(&h, ALARM_CLEAR, 0, &admin), E_CONFLICT);
	close_hearing(&h);
}

int main(void)
{
	g_mime_init();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_binds_what_it_speaks_for),
		IN_STATION(words_are_whole_lines),
		cmocka_unit_test(the_line_is_what_a_person_wrote),
		cmocka_unit_test(authentication_results_count_only_from_the_provider),
		cmocka_unit_test(honest_answers_act),
		cmocka_unit_test(no_forged_mail_acts),
		cmocka_unit_test(no_machine_acts),
		cmocka_unit_test(no_copy_acts),
		cmocka_unit_test(used_old_and_ended_ones_do_not_act_again),
		cmocka_unit_test(verbs_do_what_they_say),
		cmocka_unit_test(tokens_survive_a_restart),
		cmocka_unit_test(a_flood_is_stopped),
		cmocka_unit_test(a_bounce_marks_and_tells_the_next),
		cmocka_unit_test(a_link_acts_once_and_where_it_may),
		cmocka_unit_test(a_shelved_alarm_is_silent_and_comes_back),
	};
	return cmocka_run_group_tests_name("acknowledger", tests, NULL, NULL);
}
