/* SPDX-License-Identifier: Apache-2.0
 * Reading mails: what is handed out, the limits, and the child: what it cannot do, and what becomes of a mail that kills it. */
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "services/email/email_inside.h"
#include "services/email/reader/reader_inside.h"
#include "station/base/must.h"
#include "tests/unit/bombs.h"
#include "tests/unit/world.h"

#define IDLE "Date: Fri, 27 Nov 2026 15:00:00 +0100\r\n"

static int parse(const char *text, struct parsed_mail *m, struct err *e)
{
	return mail_parse(text, strlen(text), m, e);
}

static struct parsed_mail parsed(const char *text)
{
	struct parsed_mail m;
	struct err e = { 0 };
	if (parse(text, &m, &e) != 0)
		fail_msg("%s", e.text);
	return m;
}

static const char *item(const struct list *list, uint32_t i)
{
	assert_true(i < list->count);
	return list->items[i].text;
}

static const char honest[] =
    "Return-Path: <anna@example.com>\r\n"
    "Delivered-To: alarms@station.example\r\n"
    "Received: from mail.example.com by mx.station.example with ESMTPS id 1; Fri, 27 Nov 2026 14:00:00 +0000\r\n"
    "Authentication-Results: mx.station.example; dkim=pass header.d=example.com;\r\n"
    "\tdmarc=pass header.from=example.com\r\n"
    "From: \"Anna (duty)\" <Anna@Example.COM>\r\n"
    "To: \"Station\" <alarms+a1abc@station.example>\r\n"
    "Subject: =?UTF-8?B?UmU6IEFsYXJtIMOkw7bDvA==?=\r\n"
    "Message-ID: <x1@example.com>\r\n"
    "In-Reply-To: <u1.a1tok@station.example>\r\n"
    "References: <root@station.example>\r\n <u1.a1tok@station.example>\r\n"
    "Date: Fri, 27 Nov 2026 15:00:00 +0100\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: multipart/alternative; boundary=\"b1\"\r\n"
    "\r\n"
    "--b1\r\n"
    "Content-Type: text/html; charset=utf-8\r\n\r\n"
    "<html><head><style>x</style></head><body><div>ACK</div><blockquote>old</blockquote></body></html>\r\n"
    "--b1\r\n"
    "Content-Type: text/plain; charset=iso-8859-1\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    "ACK gr=FC=DFe\r\n\r\n> quoted\r\n"
    "--b1--\r\n";

static void check_honest(const struct parsed_mail *m)
{
	assert_string_equal(item(&m->from, 0), "Anna@example.com");
	assert_int_equal(m->fromFields, 1);
	assert_true(m->fromPlain);
	assert_string_equal(item(&m->to, 0), "alarms@station.example");
	assert_string_equal(item(&m->to, 1), "alarms+a1abc@station.example");
	assert_string_equal(m->subject, "Re: Alarm \xC3\xA4\xC3\xB6\xC3\xBC");
	assert_string_equal(m->messageId, "x1@example.com");
	assert_string_equal(m->inReplyTo, "u1.a1tok@station.example");
	assert_int_equal(m->references.count, 2);
	assert_string_equal(m->automatic, "");
	assert_string_equal(m->returnPath, "<anna@example.com>");
	assert_int_equal(m->trace.count, 2);
	assert_non_null(strstr(item(&m->trace, 1), "dmarc=pass"));
	assert_true(m->date.us == 1795788000 * SECOND_US);
	assert_string_equal(m->text,
	                    "ACK gr\xC3\xBC\xC3\x9F"
	                    "e\n\n> quoted");
}

static void test_fields(void **state)
{
	(void)state;
	struct parsed_mail m = parsed(honest);
	check_honest(&m);
	record_finish(&parsed_mail_kind, &m);
}

/* --- From ---------------------------------------------------------------------------------------------------------- */

static void test_from(void **state)
{
	(void)state;
	static const struct {
		const char *field;
		bool plain;
	} cases[] = {
		{ "From: anna@example.com", true },
		{ "From: Anna <anna@example.com>", true },
		{ "From: \"Anna, duty <x@y>\" <anna@example.com>", true },
		{ "From: anna@example.com (at work; @ home)", true },
		{ "From: =?UTF-8?Q?J=C3=B6rg?= <joerg@example.com>", true },
		{ "From: a@example.com, b@example.com", false },
		{ "From: Group: a@example.com;", false },
		{ "From: <a@example.com> <b@example.com>", false },
		{ "From: =?utf-8?q?=61=40example.com?= <=?utf-8?q?=61?=@example.com>", false },
		{ "From: a@example.com@evil.example", false },
		{ "From: <@relay.example:a@example.com>", false },
		{ "From: \"a@example.com", false },
		{ "From: Anna", false },
		{ "From: a@example.com\r\nFrom: b@example.com", true /* each is; but there are two */ },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text = must_format("%s\r\n" IDLE "\r\nACK\r\n", cases[i].field);
		struct parsed_mail m = parsed(text);
		if (m.fromPlain != cases[i].plain)
			fail_msg("%s: plain %d", cases[i].field, m.fromPlain);
		assert_int_equal(m.fromFields, i == ARRAY_SIZE(cases) - 1 ? 2 : 1);
		record_finish(&parsed_mail_kind, &m);
		free(text);
	}
}

/* --- automatic ------------------------------------------------------------------------------------------------------- */

static void test_automatic(void **state)
{
	(void)state;
	static const char *const yes[] = {
		"Auto-Submitted: auto-replied",
		"Auto-Submitted: auto-generated (vacation)",
		"Precedence: bulk",
		"Precedence: LIST",
		"List-Id: <x.example>",
		"List-Unsubscribe: <https://x.example>",
		"X-Auto-Response-Suppress: All",
		"X-Autoreply: yes",
		"X-Autorespond: vacation",
		"Return-Path: <>",
		"X-Failed-Recipients: a@b.example",
		"Content-Type: multipart/report; report-type=delivery-status; boundary=x",
		"X-POST-MessageClass: 9; Autoresponder",
		"Sender: MAILER-DAEMON@example.com",
	};
	static const char *const no[] = { "Auto-Submitted: no", "Precedence: normal", "Return-Path: <anna@example.com>",
		                              "X-Mailer: Bulk 3", "Subject: list" };
	for (size_t i = 0; i < ARRAY_SIZE(yes) + ARRAY_SIZE(no); i++) {
		bool expected = i < ARRAY_SIZE(yes);
		const char *field = expected ? yes[i] : no[i - ARRAY_SIZE(yes)];
		char *text = must_format("From: anna@example.com\r\n%s\r\n" IDLE "\r\nACK\r\n", field);
		struct parsed_mail m = parsed(text);
		if ((*m.automatic != '\0') != expected)
			fail_msg("%s: \"%s\"", field, m.automatic);
		record_finish(&parsed_mail_kind, &m);
		free(text);
	}
}

/* --- bounces ----------------------------------------------------------------------------------------------------------- */

static void test_report(void **state)
{
	(void)state;
	struct parsed_mail m = parsed("From: MAILER-DAEMON@mx.example\r\nReturn-Path: <>\r\n"
	                              "Content-Type: multipart/report; report-type=delivery-status; boundary=\"r\"\r\n\r\n"
	                              "--r\r\nContent-Type: text/plain\r\n\r\nIt failed.\r\n"
	                              "--r\r\nContent-Type: message/delivery-status\r\n\r\n"
	                              "Reporting-MTA: dns; mx.example\r\n\r\n"
	                              "Final-Recipient: rfc822; bert@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n"
	                              "Diagnostic-Code: smtp; 550 5.1.1\r\n No such user\r\n\r\n"
	                              "Final-Recipient: RFC822;carl@example.com\r\nAction: delayed\r\nStatus: 4.2.2\r\n"
	                              "--r\r\nContent-Type: message/rfc822\r\n\r\n"
	                              "Message-ID: <u1.tok@station.example>\r\nSubject: Alarm\r\n\r\ntext\r\n--r--\r\n");
	assert_true(m.report);
	assert_true(*m.automatic != '\0');
	assert_string_equal(m.reportedId, "u1.tok@station.example");
	assert_int_equal(m.reports.count, 2);
	const struct value *first = m.reports.items[0].list.items, *second = m.reports.items[1].list.items;
	assert_string_equal(first[REPORT_FINAL_RECIPIENT].text, "bert@example.com");
	assert_string_equal(first[REPORT_ACTION].text, "failed");
	assert_string_equal(first[REPORT_STATUS].text, "5.1.1");
	assert_string_equal(first[REPORT_DIAGNOSTIC].text, "550 5.1.1  No such user");
	assert_string_equal(second[REPORT_FINAL_RECIPIENT].text, "carl@example.com");
	assert_string_equal(second[REPORT_DIAGNOSTIC].text, "");
	record_finish(&parsed_mail_kind, &m);
}

static void test_report_headers(void **state)
{
	(void)state;
	struct parsed_mail m = parsed("From: MAILER-DAEMON@mx.example\n"
	                              "Content-Type: multipart/report; boundary=r\n\n"
	                              "--r\nContent-Type: message/delivery-status\n\n"
	                              "Final-Recipient: rfc822; bert@example.com\nAction: failed\nStatus: 5.0.0\n"
	                              "--r\nContent-Type: text/rfc822-headers\n\n"
	                              "Subject: Alarm\nMessage-ID: <u2.tok@station.example>\n--r--\n");
	assert_string_equal(m.reportedId, "u2.tok@station.example");
	assert_int_equal(m.reports.count, 1);
	record_finish(&parsed_mail_kind, &m);
}

/* --- text ---------------------------------------------------------------------------------------------------------------- */

static void test_html(void **state)
{
	(void)state;
	static const struct {
		const char *html, *text;
	} cases[] = {
		{ "<p>ACK</p>", "ACK\n" },
		{ "<div dir=\"ltr\">ack</div><br><div class=\"gmail_quote\"><blockquote>Alarm<br>two</blockquote></div>after",
		  "ack\n> Alarm\n> two\nafter\n" },
		{ "<style>p{}</style><!-- <p>no</p> -->a &lt;b&gt; &#228;&#x20ac;&nbsp;c", "a <b> \xC3\xA4\xE2\x82\xAC c\n" },
		{ "a &unknown; & b <3 <", "a &unknown; & b <3 <\n" },
		{ "<script>never ends", "" },
		{ "<", "<\n" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text = mail_html_to_text(cases[i].html);
		assert_string_equal(text, cases[i].text);
		g_free(text);
	}
}

/* --- limits: forty bombs, each doubled -------------------------------------------------------------------------------------- */

/* Eight times the size may cost eight times as much, not sixty-four: 24 leaves room for noise, and what takes less than
 * 100 ms under a sanitizer is no bomb. The figures are printed for who runs it by hand. */
static void test_bombs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bombs); i++) {
		double costs[2];
		for (int j = 0; j < 2; j++) {
			size_t length;
			char *text = bomb_build(&bombs[i], j ? 240 * 1024 : 30 * 1024, &length);
			costs[j] = bomb_cost(text, length);
			free(text);
		}
		print_message("%-36s %7.2f ms %7.2f ms\n", bombs[i].name, costs[0], costs[1]);
		if (costs[1] > 100 && costs[1] > 24 * costs[0])
			fail_msg("%s: %.1f ms, then %.1f ms", bombs[i].name, costs[0], costs[1]);
	}
}

/* KiB that reading a bomb takes beyond the mail itself. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
/* Sanitizers keep what was given back, so what is held is counted, by their hooks. */
size_t __sanitizer_get_allocated_size(const volatile void *block); /* Debian's gcc comes without that header */
int __sanitizer_install_malloc_and_free_hooks(void (*took)(const volatile void *block, size_t size),
                                              void (*gave)(const volatile void *block));
static bool counting;
static atomic_long held, most_held;

static void took(const volatile void *block, size_t size)
{
	(void)block;
	long now = counting ? atomic_fetch_add(&held, (long)size) + (long)size : 0;
	if (now > atomic_load(&most_held))
		atomic_store(&most_held, now);
}

static void gave(const volatile void *block)
{
	if (counting && block)
		atomic_fetch_sub(&held, (long)__sanitizer_get_allocated_size(block));
}

static long memory_of(const struct bomb *b)
{
	static bool installed;
	struct parsed_mail m;
	struct err e;
	size_t length;
	char *text = bomb_build(b, 240 * 1024, &length);
	if (!installed)
		assert_true(__sanitizer_install_malloc_and_free_hooks(took, gave) > 0);
	installed = true;
	atomic_store(&held, 0);
	atomic_store(&most_held, 0);
	counting = true;
	mail_parse(text, length, &m, &e);
	counting = false;
	record_finish(&parsed_mail_kind, &m);
	free(text);
	return atomic_load(&most_held) / 1024;
}
#else
static long peak_memory(void)
{
	char line[128];
	long peak = -1;
	FILE *f = fopen("/proc/self/status", "r");
	while (f && fgets(line, sizeof line, f) && sscanf(line, "VmHWM: %ld", &peak) != 1)
		;
	if (f)
		fclose(f);
	return peak;
}

/* In a process of its own, as the station reads mails. */
static long memory_of(const struct bomb *b)
{
	int ends[2], status;
	long taken = -1;
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct parsed_mail m;
		struct err e;
		size_t length;
		char *text = bomb_build(b, 240 * 1024, &length);
		int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
		bool anew = fd >= 0 && write(fd, "5", 1) == 1; /* the peak begins here */
		long before = peak_memory();
		mail_parse(text, length, &m, &e);
		taken = anew && before >= 0 ? peak_memory() - before : -1;
		_exit(write(ends[1], &taken, sizeof taken) == sizeof taken ? 0 : 1);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &taken, sizeof taken), sizeof taken);
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return taken;
}
#endif

static void test_memory_of_bombs(void **state)
{
	(void)state;
	long most = 0;
	for (size_t i = 0; i < ARRAY_SIZE(bombs); i++) {
		long taken = memory_of(&bombs[i]);
		if (taken < 0 || taken > 8 * 1024)
			fail_msg("%s: %ld KiB", bombs[i].name, taken);
		most = taken > most ? taken : most;
	}
	print_message("the bombs take %ld KiB at most\n", most);
}

static void test_too_large(void **state)
{
	(void)state;
	struct parsed_mail m;
	struct err e = { 0 };
	char *text = must_alloc(MAIL_BYTES_MAX + 2);
	memset(text, 'a', MAIL_BYTES_MAX + 1);
	assert_int_equal(mail_parse(text, MAIL_BYTES_MAX + 1, &m, &e), E_TOO_LARGE);
	record_finish(&parsed_mail_kind, &m);
	free(text);
}

/* --- the child ------------------------------------------------------------------------------------------------------------ */

struct answer {
	bool there;
	int code;
	char text[400];
	struct parsed_mail mail;
};

static void answered(void *context, const struct parsed_mail *mail, const struct err *e)
{
	struct answer *a = context;
	a->there = true;
	a->code = mail ? 0 : e->code;
	snprintf(a->text, sizeof a->text, "%s", e->text);
	if (mail)
		record_copy(&parsed_mail_kind, &a->mail, mail);
}

static void wait_for(struct world *w, const struct answer *a)
{
	while (!a->there)
		uv_run(&w->station.loop, UV_RUN_ONCE);
}

static void ask(struct world *w, struct reader *reader, const char *text, struct answer *a)
{
	*a = (struct answer){ 0 };
	reader_parse(reader, must_strdup(text), strlen(text), answered, a);
	assert_false(a->there); /* never inline */
	wait_for(w, a);
}

static void test_child_reads(void **state)
{
	struct world *w = *state;
	struct reader *reader = reader_new(&w->station);
	struct answer a;
	ask(w, reader, honest, &a);
	assert_int_equal(a.code, 0);
	check_honest(&a.mail);
	record_finish(&parsed_mail_kind, &a.mail);
	ask(w, reader, "From: a@b\r\nX: \r\n", &a);
	assert_int_equal(a.code, 0);
	record_finish(&parsed_mail_kind, &a.mail);
	char *large = must_alloc(MAIL_BYTES_MAX + 100);
	memset(large, 'a', MAIL_BYTES_MAX + 99);
	ask(w, reader, large, &a);
	assert_int_equal(a.code, E_TOO_LARGE);
	free(large);
	reader_free(&reader);
}

/* Megabytes of attachments, one of them lines that look like boundaries: what the person wrote is found. */
static void test_child_reads_large_mails(void **state)
{
	struct world *w = *state;
	struct reader *reader = reader_new(&w->station);
	static const char *const lines[] = {
		"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0NTY3ODk=\r\n",
		"2026-11-27 17:05:03 -- a line of a log that somebody has attached\r\n"
	};
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		GString *text =
		    g_string_new("From: anna@example.com\r\nMessage-ID: <x1@example.com>\r\n"
		                 "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
		                 "--b\r\nContent-Type: text/plain\r\n\r\nACK\r\n--b\r\n"
		                 "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: 7bit\r\n\r\n");
		for (size_t n = 1; text->len < (i ? MAIL_BYTES_MAX / 10 : MAIL_BYTES_MAX - 1000); n++)
			g_string_append(text, i && n % 100 == 0 ? "-- \r\n" : lines[i]);
		g_string_append(text, "\r\n--b--\r\n");
		struct answer a = { 0 };
		reader_parse(reader, must_strdup(text->str), text->len, answered, &a);
		wait_for(w, &a);
		if (a.code != 0)
			fail_msg("%zu bytes: %s", text->len, a.text);
		assert_string_equal(a.mail.text, "ACK");
		record_finish(&parsed_mail_kind, &a.mail);
		g_string_free(text, TRUE);
	}
	reader_free(&reader);
}

/* What the child of this test does before it reads: as the mail's first line says. */
static void misbehave(void)
{
	char first[32] = "";
	recv(STDIN_FILENO, first, sizeof first - 1, MSG_PEEK);
	if (strncmp(first, "X-Crash:", 8) == 0)
		raise(SIGKILL);
	if (strncmp(first, "X-Loop:", 7) == 0 && sandbox_enter(0))
		for (volatile bool always = true; always;)
			;
	if (strncmp(first, "X-Sleep:", 8) == 0)
		pause();
	if (strncmp(first, "X-Lie:", 6) == 0)
		_exit(write(STDOUT_FILENO, "{\"mail\":{\"from\":7}}", 19) == 19 ? 0 : 1);
}

/* After each mail that ends the child the next one is read as if nothing had been. */
static void test_child_dies(void **state)
{
	struct world *w = *state;
	static const char *const bad[] = { "X-Crash: 1\r\n\r\n", "X-Loop: 1\r\n\r\n", "X-Lie: 1\r\n\r\n" };
	struct reader *reader = reader_new(&w->station);
	struct answer a;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ask(w, reader, bad[i], &a);
		assert_int_equal(a.code, E_REFUSED);
		assert_non_null(strstr(a.text, "left alone"));
		ask(w, reader, honest, &a);
		assert_int_equal(a.code, 0);
		check_honest(&a.mail);
		record_finish(&parsed_mail_kind, &a.mail);
	}
	reader_free(&reader);
}

/* The child is ended with the station, at once; that is not the mail's fault, so it may be read another time. */
static void test_a_station_that_ends_blames_no_mail(void **state)
{
	struct world *w = *state;
	static const char *const mails[] = { "X-Sleep: 1\r\n\r\n", "X-Crash: 1\r\n\r\n" };
	for (size_t i = 0; i < ARRAY_SIZE(mails); i++) {
		struct reader *reader = reader_new(&w->station);
		struct answer a = { 0 };
		reader_parse(reader, must_strdup(mails[i]), strlen(mails[i]), answered, &a);
		reader_free(&reader);
		assert_true(a.there);
		if (a.code != E_BUSY)
			fail_msg("%s%s", mails[i], a.text);
	}
}

static void test_child_in_order(void **state)
{
	struct world *w = *state;
	struct reader *reader = reader_new(&w->station);
	struct answer a[4] = { 0 };
	for (int i = 0; i < 3; i++)
		reader_parse(reader, must_strdup(i == 1 ? "X-Crash: 1\r\n\r\n" : honest), i == 1 ? 14 : strlen(honest),
		             answered, &a[i]);
	wait_for(w, &a[2]);
	assert_true(a[0].there && a[1].there);
	assert_int_equal(a[1].code, E_REFUSED);
	reader_parse(reader, must_strdup(honest), strlen(honest), answered, &a[3]);
	reader_free(&reader); /* answers what runs and what waits */
	assert_true(a[3].there);
	for (int i = 0; i < 4; i++)
		record_finish(&parsed_mail_kind, &a[i].mail);
}

/* Each must fail inside of the walls; the number of the first that does not. */
static int try_forbidden(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = 0x1900 };
	char *const argv[] = { "true", NULL };
	pid_t pid;
	const bool got[] = {
		open("/etc/passwd", O_RDONLY) >= 0,
		open("/tmp/belfry-reader-test", O_CREAT | O_WRONLY, 0600) >= 0,
		openat(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY) >= 0,
		socket(AF_INET, SOCK_STREAM, 0) >= 0,
		socket(AF_UNIX, SOCK_STREAM, 0) >= 0,
		connect(STDIN_FILENO, (struct sockaddr *)&to, sizeof to) == 0,
		dup(STDIN_FILENO) >= 0,
		memfd_create("x", 0) >= 0,
		fork() >= 0,
		posix_spawnp(&pid, "true", NULL, NULL, argv, NULL) == 0,
		execv("/bin/true", argv) == 0,
		kill(getppid(), 0) == 0,
		unlink("/tmp/belfry-reader-test") == 0,
		access("/etc/passwd", R_OK) == 0,
		mkdir("/tmp/belfry-reader-test", 0700) == 0,
		pipe((int[2]){ 0 }) == 0,
		setuid(1) == 0,
		chdir("/") == 0,
		mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED,
		sendto(STDIN_FILENO, "x", 1, 0, (struct sockaddr *)&to, sizeof to) >= 0,
	};
	for (size_t i = 0; i < ARRAY_SIZE(got); i++)
		if (got[i])
			return (int)i + 1;
	return 0;
}

static void test_walls(void **state)
{
	(void)state;
	pid_t pid = fork();
	if (pid == 0)
		_exit(sandbox_enter(0) ? try_forbidden() : 100);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], READER_ARGUMENT) == 0) {
		misbehave();
		reader_child();
	}
	g_mime_init();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_from),
		cmocka_unit_test(test_automatic),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_report_headers),
		cmocka_unit_test(test_html),
		cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_memory_of_bombs),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_walls),
		IN_STATION(test_child_reads),
		IN_STATION(test_child_reads_large_mails),
		IN_STATION(test_child_dies),
		IN_STATION(test_child_in_order),
		IN_STATION(test_a_station_that_ends_blames_no_mail),
	};
	return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
