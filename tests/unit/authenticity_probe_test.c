/* SPDX-License-Identifier: Apache-2.0
 * The probe for forged Authentication-Results: when it goes, what its way back shows, and for what that holds. The mail
 * itself, through real servers: tests/system/forged_results.test.mjs. */
#include "tests/unit/mail_world.h"

#include "services/email/reader/parsed_mail.h"

#define PROVIDER "mx.station.example"
#define RECEIVED "Received: from station by mx.station.example with ESMTPSA id 1"

struct probing {
	struct mail_world m;
	struct sink sink;
	struct component *acknowledger;
};

static struct component *acknowledger_of(struct probing *x)
{
	struct component *c = station_by_path(&x->m.w.station, "/Services/EmailService/EmailAlarmAcknowledger");
	assert_non_null(c);
	return c;
}

static int setup(void **state)
{
	struct probing *x = must_alloc(sizeof *x);
	sink_start(&x->sink);
	mail_world_make(&x->m, &x->sink);
	x->acknowledger = acknowledger_of(x);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct probing *x = *state;
	world_end(&x->m.w);
	sink_stop(&x->sink);
	sink_end(&x->sink);
	free(x);
	return 0;
}

static void must_be(struct probing *x, const char *slot, const char *expected)
{
	struct value v;
	component_get(x->acknowledger, slot, &v, NULL);
	char *text = value_print(component_slot(x->acknowledger, slot), &v);
	assert_string_equal(text, expected);
	free(text);
	value_clear(&v);
}

static void must_say(struct probing *x, const char *words)
{
	struct value v;
	component_get(x->acknowledger, "faultCause", &v, NULL);
	if (!strstr(v.text, words))
		fail_msg("\"%s\" does not say %s", v.text, words);
	value_clear(&v);
	assert_true(x->acknowledger->status.bits & STATUS_FAULT);
}

static void must_be_well(struct probing *x)
{
	must_be(x, "faultCause", "");
	assert_int_equal(x->acknowledger->status.bits, STATUS_OK);
}

/* The newest probe, when the server has taken so many mails; the test frees it. */
static struct mail_record probe_number(struct probing *x, size_t count)
{
	TURN_UNTIL(&x->m.w, sink_count(&x->sink) == count);
	TURN_UNTIL(&x->m.w, x->m.account->queueSize == 0);
	return read_newest_mail(&x->m, MAIL_PROBE);
}

/* It comes back with this in its header, topmost first; "%s" is the field that it went out with. */
static void comes_back(struct probing *x, const struct mail_record *probe, const char *const *lines)
{
	struct parsed_mail m = { 0 };
	struct value v;
	record_init(&parsed_mail_kind, &m);
	parsed_mail_set(&m.subject, probe->subject);
	for (; *lines; lines++) {
		char *line =
		    strcmp(*lines, "%s") ? must_strdup(*lines) : must_format("Authentication-Results: %s", probe->data);
		parsed_mail_add(&m.trace, line);
		free(line);
	}
	record_to_value(&parsed_mail_kind, &m, &v);
	struct invocation inv = { .arg = &v };
	assert_int_equal(component_invoke(x->acknowledger, "received", &inv), 0);
	value_clear(&v);
	record_finish(&parsed_mail_kind, &m);
	for (int i = 0; i < 20; i++)
		station_turn(&x->m.w.station);
}

static const char *const removed[] = { RECEIVED, NULL };
static const char *const through[] = { RECEIVED, "%s", NULL };
static const char *const stamped[] = { "Authentication-Results: " PROVIDER "; dmarc=pass header.from=x.test", RECEIVED,
	                                   "%s", NULL };
static const char *const outside[] = { RECEIVED, "Received: from forger by evil.example", "%s", NULL };

/* Mails the first probe. */
static struct mail_record begin(struct probing *x)
{
	assert_int_equal(x->acknowledger->status.bits, STATUS_OK);
	configure(&x->m, x->acknowledger, "{\"authServId\":\"" PROVIDER "\"}");
	must_say(x, "No answer is believed before a probe");
	struct mail_record probe = probe_number(x, 1);
	must_be(x, "probeResult", "unknown");
	return probe;
}

static void what_comes_back_is_judged_as_an_answer_would_be(void **state)
{
	static const struct {
		const char *const *lines;
		const char *result;
	} ways[] = { { through, "believed" }, { removed, "removed" }, { stamped, "removed" }, { outside, "removed" } };
	struct probing *x = *state;
	struct mail_record probe = begin(x);
	assert_non_null(strstr(probe.data, PROVIDER "; dmarc=pass header.from="));
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		comes_back(x, &probe, ways[i].lines);
		must_be(x, "probeResult", ways[i].result);
		must_be(x, "probed", PROVIDER " at s@x.test");
		if (strcmp(ways[i].result, "believed") == 0)
			must_say(x, "A forged Authentication-Results came through");
		else
			must_be_well(x);
		record_finish(&mail_kind, &probe);
		invoke(&x->m, x->acknowledger, "probe");
		probe = probe_number(x, i + 2);
	}
	record_finish(&mail_kind, &probe);
}

static void a_second_copy_makes_nothing_better(void **state)
{
	struct probing *x = *state;
	struct mail_record probe = begin(x);
	comes_back(x, &probe, removed);
	must_be_well(x);
	comes_back(x, &probe, through);
	must_say(x, "came through");
	comes_back(x, &probe, removed);
	must_say(x, "came through");
	invoke(&x->m, x->acknowledger, "probe");
	struct mail_record next = probe_number(x, 2);
	comes_back(x, &probe, removed); /* the old one shows nothing now */
	must_say(x, "came through");
	comes_back(x, &next, removed);
	must_be_well(x);
	record_finish(&mail_kind, &probe);
	record_finish(&mail_kind, &next);
}

/* Another provider or mailbox is another question; what has nothing to do with it asks none. */
static void it_holds_for_one_provider_and_one_mailbox(void **state)
{
	struct probing *x = *state;
	struct mail_record probe = begin(x);
	comes_back(x, &probe, removed);
	record_finish(&mail_kind, &probe);
	configure(&x->m, x->acknowledger, "{\"snoozeTime\":7200000000}");
	configure(&x->m, &x->m.account->account.c, "{\"connectionTimeout\":20000000}");
	must_be_well(x);
	configure(&x->m, &x->m.account->account.c, "{\"replyTo\":{\"name\":\"\",\"address\":\"alarms@x.test\"}}");
	must_say(x, "No answer is believed before a probe");
	probe = probe_number(x, 2);
	comes_back(x, &probe, removed);
	must_be(x, "probed", PROVIDER " at alarms@x.test");
	must_be_well(x);
	record_finish(&mail_kind, &probe);
	configure(&x->m, x->acknowledger, "{\"authServId\":\"mx.other.example\"}");
	must_say(x, "No answer is believed before a probe");
	probe = probe_number(x, 3);
	record_finish(&mail_kind, &probe);
	configure(&x->m, x->acknowledger, "{\"authentication\":\"prefer\"}"); /* nothing depends on it */
	must_be_well(x);
}

static void it_is_remembered_and_asked_anew_each_week(void **state)
{
	struct probing *x = *state;
	struct mail_record probe = begin(x);
	comes_back(x, &probe, removed);
	record_finish(&mail_kind, &probe);
	mail_world_restart(&x->m);
	x->acknowledger = acknowledger_of(x);
	must_be_well(x);
	must_be(x, "probeResult", "removed");
	go_on(&x->m, 6 * 86400);
	go_on(&x->m, 3600);
	assert_int_equal(sink_count(&x->sink), 1);
	go_on(&x->m, 86400);
	probe = probe_number(x, 2);
	must_be_well(x);
	comes_back(x, &probe, through);
	record_finish(&mail_kind, &probe);
	must_say(x, "came through");
	go_on(&x->m, 86400 + 1); /* daily, as long as there is no good news */
	probe = probe_number(x, 3);
	record_finish(&mail_kind, &probe);
}

static void it_says_when_nobody_can_send_it(void **state)
{
	struct probing *x = *state;
	configure(&x->m, &x->m.account->account.c, "{\"enabled\":false}");
	configure(&x->m, x->acknowledger, "{\"authServId\":\"" PROVIDER "\"}");
	must_say(x, "none can be sent: There is no enabled outgoing account");
	configure(&x->m, &x->m.account->account.c, "{\"enabled\":true}");
	must_say(x, "It is sent to the mailbox");
	struct mail_record probe = probe_number(x, 1);
	comes_back(x, &probe, removed);
	must_be_well(x);
	record_finish(&mail_kind, &probe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_comes_back_is_judged_as_an_answer_would_be, setup, teardown),
		cmocka_unit_test_setup_teardown(a_second_copy_makes_nothing_better, setup, teardown),
		cmocka_unit_test_setup_teardown(it_holds_for_one_provider_and_one_mailbox, setup, teardown),
		cmocka_unit_test_setup_teardown(it_is_remembered_and_asked_anew_each_week, setup, teardown),
		cmocka_unit_test_setup_teardown(it_says_when_nobody_can_send_it, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
