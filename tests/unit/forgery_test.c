/* SPDX-License-Identifier: Apache-2.0
 * The forgery matrix: mails with each flaw alone, in all pairs, with their header fields in other orders and doubled; what
 * machines answer, what bounces, what was copied or forwarded. None acts, each is noted with its reason, and only whom the
 * alarm mail went to and whom his provider vouches for is told why. */
#include "tests/unit/hearing.h"
#include "tests/unit/mail_programs.h"

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
	{ "vouched by another's name",
	  "authenticity",
	  { .vouched = "Authentication-Results: mx.evil.example; dmarc=pass header.from=example.com\n" },
	  false,
	  NULL,
	  NULL },
	{ "vouched in fields that are none",
	  "authenticity",
	  { .vouched = "ARC-Authentication-Results: i=1; mx.station.example; dmarc=pass header.from=example.com\n"
	               "X-Authentication-Results: mx.station.example; dmarc=pass header.from=example.com\n" },
	  false,
	  NULL,
	  NULL },
	{ "vouched in a comment",
	  "authenticity",
	  { .vouched = "Authentication-Results: mx.station.example; dmarc=fail (dmarc=pass) header.from=example.com;\n"
	               " dkim=fail reason=\"dkim=pass header.d=example.com\"\n" },
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

/* One mail with what is wrong with it; it leaves nothing behind. */
static void forge(struct hearing *h, const struct flaw *a, const struct flaw *b, int order)
{
	static const struct flaw none = { .told = true };
	struct letter l = joined(&a->letter, b ? &b->letter : &none.letter);
	l.order = order;
	bool known = !l.from && !l.vouched && !l.reply && !l.fields && order != LETTER_TWICE;
	char *name = g_strdup_printf("%s%s%s, order %d", a->name, b ? " and " : "", b ? b->name : "", order);
	apply_user(h, a, false);
	apply_user(h, b ? b : &none, false);
	/* The earlier check gives the reason; a header that says all twice has another one. */
	must_fail(h, name, &l, order == LETTER_TWICE ? NULL : a->reason, known && a->told && (!b || b->told));
	apply_user(h, a, true);
	apply_user(h, b ? b : &none, true);
	g_free(name);
}

static void no_forged_mail_acts(void **state)
{
	(void)state;
	static const int orders[] = { 3, 10, 23, 31, LETTER_TWICE };
	struct hearing h;
	int n = 0;
	open_hearing(&h);
	for (size_t i = 0; i < ARRAY_SIZE(flaws); i++) {
		forge(&h, &flaws[i], NULL, 0);
		for (size_t j = i + 1; j < ARRAY_SIZE(flaws); j++, n++)
			forge(&h, &flaws[i], &flaws[j], 0);
		for (size_t j = 0; j < ARRAY_SIZE(orders); j++, n++)
			forge(&h, &flaws[i], NULL, orders[j]);
		n++;
	}
	must_fail(&h, "an honest one that says all twice", &(struct letter){ .order = LETTER_TWICE }, "sender", false);
	print_message("%d forged mails\n", n);
	assert_true(n >= 120);
	send_letter(&h, &(struct letter){ 0 }); /* the honest one still acts: nothing was used up */
	assert_true(is_acked(&h));
	close_hearing(&h);
}

/* Header fields have no order of their own (RFC 5322 3.6), but for those of the trace. */
static void an_honest_mail_acts_in_any_order(void **state)
{
	(void)state;
	struct hearing h;
	open_hearing(&h);
	for (int order = 0; order < 4 * LETTER_PARTS; order += 5) {
		if (order)
			raise_alarm(&h);
		send_letter(&h, &(struct letter){ .order = order });
		assert_true(is_acked(&h));
	}
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

int main(void)
{
	g_mime_init();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_forged_mail_acts),
		cmocka_unit_test(an_honest_mail_acts_in_any_order),
		cmocka_unit_test(no_machine_acts),
		cmocka_unit_test(no_copy_acts),
	};
	return cmocka_run_group_tests_name("forgery", tests, NULL, NULL);
}
