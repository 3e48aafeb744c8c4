/* SPDX-License-Identifier: Apache-2.0
 * Answers to alarm mails, from the mail's bytes to the alarm: honest ones of twelve programs in five languages, which all
 * must act; what is used, old or ended; the verbs, links and the shelf. Forged ones: forgery_test.c; mails that
 * come back: bounce_test.c. */
#include "services/email/ack/ack_link.h"
#include "station/base/file.h"
#include "tests/unit/hearing.h"
#include "tests/unit/mail_programs.h"

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

/* --- what is over --------------------------------------------------------------------------------------------------- */

/* The newest answer of the station speaks of the alarm by a name that a person knows. */
static void must_be_told_of(struct hearing *h, const char *subject, const char *name)
{
	struct rows r;
	read_mails(h, MAIL_CONFIRMATION, &r);
	assert_string_equal(r.mail.subject, subject);
	assert_non_null(strstr(r.mail.body, name));
	assert_null(strstr(r.mail.body, r.mail.alarm));
	record_finish(&mail_kind, &r.mail);
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
	must_be_told_of(&h, "Re: Alarm From Cold Room", "of Cold Room has been acknowledged already, by anna at");
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
	must_be_told_of(&h, "Re: Alarm", "of Re: Alarm");
	close_hearing(&h);
}

static int64_t tokens_on_disk(struct hearing *h)
{
	return count_rows(&h->f.w, (struct store_query){ .kind = &ack_token_kind });
}

static void expired_tokens_leave_the_disk(void **state)
{
	(void)state;
	struct hearing h;
	open_hearing(&h);
	assert_true(tokens_on_disk(&h) > 0);
	advance(&h.f, 25 * 3600 * SECOND_US);
	ack_book_prune(email_ack_book(&h.f.w.station));
	assert_int_equal(tokens_on_disk(&h), 0);
	raise_alarm(&h);
	ack_book_prune(email_ack_book(&h.f.w.station));
	assert_true(tokens_on_disk(&h) > 0);
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
	prove(&h);
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

/* As if the database of an earlier start had been put back: it does not know what was used since. */
static void an_older_database_voids_the_tokens(void **state)
{
	(void)state;
	struct hearing h;
	struct rows r;
	struct err e = { 0 };
	open_hearing(&h);
	int64_t epoch = h.f.w.station.epoch;
	char *witness = g_strdup_printf("%s/epoch", h.f.w.directory);
	assert_int_equal(file_write(witness, "1000\n", 5, 0600, FILE_REPLACE, &e), 0);
	world_restart(&h.f.w, station_types);
	assert_true(h.f.w.station.restored && epoch < 1000 && h.f.w.station.epoch == 1001);
	h.acknowledger = station_by_path(&h.f.w.station, "/Services/EmailService/EmailAlarmAcknowledger");
	send_letter(&h, &(struct letter){ 0 });
	read_refusals(&h, &r);
	assert_string_equal(r.reason, "token");
	assert_false(is_acked(&h));
	world_restart(&h.f.w, station_types); /* and they stay void */
	assert_false(h.f.w.station.restored);
	h.acknowledger = station_by_path(&h.f.w.station, "/Services/EmailService/EmailAlarmAcknowledger");
	send_letter(&h, &(struct letter){ 0 });
	assert_false(is_acked(&h));
	g_free(witness);
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

/* It may be commented on; the link wants a login. */
static void life_safety_is_not_silenced_by_mail(void **state)
{
	(void)state;
	static const char *const words[] = { "ACK\n", "snooze 2h\n", "shelve until 18:00\n" };
	struct hearing h;
	struct rows r;
	struct err e;
	open_hearing(&h);
	struct component *class = station_by_path(&h.f.w.station, "/Services/AlarmService/defaultAlarmClass");
	set_slot(class, "priority", "{\"toOffnormal\":31}");
	set_slot(h.acknowledger, "linkWithoutLogin", "true");
	set_slot(h.recipient, "to", "[{\"name\":\"Anna\",\"address\":\"" ANNA "\"}]");
	raise_alarm(&h);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		send_letter(&h, &(struct letter){ .text = words[i] });
		read_refusals(&h, &r);
		assert_int_equal(r.count, i + 1);
		assert_string_equal(r.reason, "lifeSafety");
	}
	read_mails(&h, MAIL_CONFIRMATION, &r);
	assert_int_equal(r.count, ARRAY_SIZE(words)); /* he is told, */
	assert_non_null(strstr(r.mail.body, "life safety"));
	record_finish(&mail_kind, &r.mail);
	assert_int_equal(use_link(&h, h.token), E_UNAUTHORIZED);
	json_t *seen = ack_link_look(&h.f.w.station, h.token, "192.0.2.1", &e);
	assert_true(json_is_true(json_object_get(seen, "loginNeeded")));
	json_decref(seen);
	send_letter(&h, &(struct letter){ .text = "comment: I go there\n" });
	read_refusals(&h, &r);
	assert_int_equal(r.count, ARRAY_SIZE(words));
	assert_false(is_acked(&h));
	set_slot(h.acknowledger, "lifeSafetyPriority", "-1"); /* unless somebody wants it so */
	send_letter(&h, &(struct letter){ 0 });
	assert_true(is_acked(&h));
	close_hearing(&h);
}

/* As long as a forged Authentication-Results could come through, an honest one is worth nothing. */
static void what_could_be_forged_is_not_believed(void **state)
{
	(void)state;
	static const char *const results[] = { "unknown", "believed" };
	struct hearing h;
	struct rows r;
	open_hearing(&h);
	for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
		set_slot(h.acknowledger, "probeResult", results[i]);
		send_letter(&h, &(struct letter){ 0 });
		read_refusals(&h, &r);
		assert_string_equal(r.reason, "unproven");
		assert_false(is_acked(&h));
	}
	read_mails(&h, MAIL_CONFIRMATION, &r); /* and nobody is told */
	assert_int_equal(r.count, 0);
	set_slot(h.acknowledger, "authentication", "prefer"); /* unless it is enough that it does not say no */
	send_letter(&h, &(struct letter){ 0 });
	assert_true(is_acked(&h));
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

/* Anna has routeAcks, and answered: she gets the confirmation, Bert a blind copy, and neither a mail of the class. */
static void who_is_confirmed_is_not_told_twice(void **state)
{
	(void)state;
	struct hearing h;
	struct rows before, after;
	open_hearing(&h);
	read_mails(&h, MAIL_ALARM, &before);
	send_letter(&h, &(struct letter){ 0 });
	assert_true(is_acked(&h));
	read_mails(&h, MAIL_ALARM, &after);
	assert_int_equal(after.count, before.count);
	record_finish(&mail_kind, &before.mail);
	record_finish(&mail_kind, &after.mail);
	read_mails(&h, MAIL_CONFIRMATION, &after);
	assert_int_equal(after.count, 1);
	record_finish(&mail_kind, &after.mail);
	close_hearing(&h);
}

/* --- links, the shelf ---------------------------------------------------------------------------------------------------- */

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
		cmocka_unit_test(honest_answers_act),
		cmocka_unit_test(used_old_and_ended_ones_do_not_act_again),
		cmocka_unit_test(expired_tokens_leave_the_disk),
		cmocka_unit_test(verbs_do_what_they_say),
		cmocka_unit_test(tokens_survive_a_restart),
		cmocka_unit_test(an_older_database_voids_the_tokens),
		cmocka_unit_test(life_safety_is_not_silenced_by_mail),
		cmocka_unit_test(what_could_be_forged_is_not_believed),
		cmocka_unit_test(a_flood_is_stopped),
		cmocka_unit_test(who_is_confirmed_is_not_told_twice),
		cmocka_unit_test(a_link_acts_once_and_where_it_may),
		cmocka_unit_test(a_shelved_alarm_is_silent_and_comes_back),
	};
	return cmocka_run_group_tests_name("acknowledger", tests, NULL, NULL);
}
