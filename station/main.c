/* SPDX-License-Identifier: Apache-2.0
 * The command line: `belfry run` wires the station together; the other commands speak to a running station through
 * its control socket, or do the same on the data directory when none runs. Beside types.c the only file that may
 * name everybody. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gnutls/gnutls.h>
#include <sodium.h>

#include "db/sqlite/sqlite.h"
#include "drivers/demo/demo.h"
#include "services/email/reader/reader.h"
#include "services/user/user.h"
#include "station/base/log.h"
#include "station/base/must.h"
#include "station/config/config_command.h"
#include "station/console.h"
#include "station/station.h"
#include "web/web.h"

#ifndef BELFRY_WWW
#define BELFRY_WWW "/usr/share/belfry/www"
#endif

/* For jemalloc, which reads it before main: what one thread allocates another one frees, so all share an arena; and a
 * burst's memory goes back after two minutes, not while the burst lasts (each page that goes stops all threads). */
extern const char *const malloc_conf;
const char *const malloc_conf = "narenas:1,dirty_decay_ms:120000";

/* What the command line says. */
struct options {
	const char *data, *listen, *www, *role, *email, *user, *name, *log_level, *reason, *secrets;
	int expires; /* days; 0: never */
	bool demo, dry_run;
	char *const *words; /* what is left: names */
	int word_count;
};

static int complain(const struct err *e)
{
	fprintf(stderr, "belfry: %s\n", *e->text ? e->text : err_text(e->code));
	return EXIT_FAILURE;
}

/* --- commands of a running or resting station -------------------------------------------------------------------- */

static const char *text_of(const struct console_call *call, const char *member)
{
	const char *text = json_string_value(json_object_get(call->request, member));
	return text ? text : "";
}

/* The end of every user command: text is what is printed once (a token), or NULL. */
static void user_command_done(void *context, int code, const struct err *e, const char *text)
{
	struct console_call *call = context;
	if (code != 0)
		console_reply_error(call, e);
	else
		console_reply(call, text ? json_pack("{s:s}", "print", text) : NULL);
}

static const struct actor cli = { .role = ROLE_ADMIN, .from = "unix", .via = "cli", .user = "cli" };

static void command_user_add(struct console_call *call)
{
	user_add(call->station, &cli, text_of(call, "name"), text_of(call, "role"), text_of(call, "email"),
	         text_of(call, "password"), user_command_done, call);
}

static void command_user_passwd(struct console_call *call)
{
	user_set_password(call->station, &cli, text_of(call, "name"), text_of(call, "password"), user_command_done, call);
}

static void command_token_add(struct console_call *call)
{
	user_token_add(call->station, &cli, text_of(call, "user"), text_of(call, "name"),
	               (int)json_integer_value(json_object_get(call->request, "expires")), user_command_done, call);
}

static const struct {
	const char *name;
	void (*run)(struct console_call *call);
} commands[] = {
	{ "user add", command_user_add },    { "user passwd", command_user_passwd }, { "token add", command_token_add },
	{ "export", config_command_export }, { "import", config_command_import },    { "check", config_command_check },
};

static void handle_command(struct console_call *call)
{
	const char *name = text_of(call, "command");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, name) == 0) {
			commands[i].run(call);
			return;
		}
	}
	struct err e;
	err_set(&e, E_NOT_FOUND, NULL, "The station does not know the command \"%.60s\"; is it of another version?", name);
	console_reply_error(call, &e);
}

/* --- the station ------------------------------------------------------------------------------------------------- */

static int open_station(struct station *s, const struct options *o, struct err *e)
{
	if (mkdir(o->data, 0700) != 0 && errno != EEXIST)
		return err_set(e, E_STORAGE, NULL, "The data directory %s cannot be made: %s.", o->data, strerror(errno));
	int rc = station_init(s, station_types, o->data, false, e);
	if (rc != 0)
		return rc;
	s->demo = o->demo;
	s->keyring = keyring_open(o->data, e);
	if (!s->keyring)
		return e->code;
	rc = sqlite_open(o->data, &s->inbox.mailbox, &s->store, e);
	struct err no_history = { 0 }; /* samples are not worth a station that does not start */
	if (rc == 0 && sqlite_open_history(o->data, &s->inbox.mailbox, &s->history, &no_history) != 0) {
		log_error("histories are not kept: %s", no_history.text);
		snprintf(s->history_fault, sizeof s->history_fault, "%.190s", no_history.text);
	}
	return rc != 0 ? rc : station_load(s, e);
}

/* SIGINT and SIGTERM end the station in order. */
struct stopping {
	uv_signal_t interrupt, terminate;
	struct station *station;
};

static void signalled(uv_signal_t *signal, int number)
{
	struct station *s = signal->data;
	log_info("signal %d: the station ends", number);
	station_stop(s);
}

static void watch_signals(struct station *s, struct stopping *stop)
{
	uv_signal_init(&s->loop, &stop->interrupt);
	uv_signal_init(&s->loop, &stop->terminate);
	stop->interrupt.data = stop->terminate.data = s;
	uv_signal_start(&stop->interrupt, signalled, SIGINT);
	uv_signal_start(&stop->terminate, signalled, SIGTERM);
	signal(SIGPIPE, SIG_IGN);
}

/* The address others can type: 0.0.0.0 is none. */
static void announce(struct station *s, const struct web *web)
{
	char *link = user_setup_link(s, web_address(web));
	if (link) {
		printf("belfry: no user yet; open this link once to make the first administrator: %s\n", link);
		free(link);
	}
	printf("belfry: ready https://%s\n", web_address(web));
	fflush(stdout);
}

/* The page files: named by the user, beside the sources when run from the build, or installed. */
static const char *find_www(const struct options *o, char *buf, size_t size)
{
	if (o->www)
		return o->www;
	ssize_t n = readlink("/proc/self/exe", buf, size - 32);
	for (int up = 0; n > 0 && up < 3; up++) {
		while (n > 0 && buf[n - 1] != '/')
			n--;
		snprintf(buf + n, size - (size_t)n, "www/index.html");
		if (access(buf, R_OK) == 0) {
			snprintf(buf + n, size - (size_t)n, "www");
			return buf;
		}
		n = n > 0 ? n - 1 : 0;
	}
	return BELFRY_WWW;
}

/* stop outlives the loop's last turn, in station_finish. */
static int serve(struct station *s, const struct options *o, struct stopping *stop, struct err *e)
{
	struct console *console = NULL;
	struct web *web = NULL;
	char www[4096];
	if (o->demo)
		demo_ship(s);
	int rc = console_start(s, handle_command, &console, e);
	if (rc == 0)
		rc = web_start(s, o->listen, find_www(o, www, sizeof www), &web, e);
	if (rc == 0) {
		watch_signals(s, stop);
		announce(s, web);
		rc = station_run(s);
		uv_close((uv_handle_t *)&stop->interrupt, NULL);
		uv_close((uv_handle_t *)&stop->terminate, NULL);
	}
	web_stop(&web);
	console_stop(&console);
	return rc;
}

/* No secret in a core dump, no other user's eyes on our files. */
static void harden(void)
{
	struct rlimit none = { 0, 0 };
	setrlimit(RLIMIT_CORE, &none);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* whose leak check must look at the process */
	prctl(PR_SET_DUMPABLE, 0);
#endif
	umask(077);
}

static int run(const struct options *o)
{
	struct stopping stop;
	struct err e = { 0 };
	struct station *s = must_alloc(sizeof *s);
	int rc = open_station(s, o, &e);
	if (rc == 0)
		rc = serve(s, o, &stop, &e);
	if (rc == 0 || s->store)
		station_finish(s);
	free(s);
	return rc == 0 ? EXIT_SUCCESS : complain(&e);
}

/* --- one command -------------------------------------------------------------------------------------------------- */

struct offline {
	struct console_call call;
	json_t *answer;
};

static void offline_reply(struct console_call *call, json_t *answer)
{
	container_of(call, struct offline, call)->answer = answer;
}

/* Does the command on the data directory itself; nothing of the station runs but its engine and store. */
static int execute_offline(const struct options *o, json_t *request, json_t **answer, struct err *e)
{
	struct station *s = must_alloc(sizeof *s);
	const char *command = json_string_value(json_object_get(request, "command"));
	bool reads = strcmp(command, "export") == 0 || strcmp(command, "check") == 0;
	char database[4096];
	snprintf(database, sizeof database, "%s/station.db", o->data);
	if (reads && access(database, F_OK) != 0) { /* who only looks makes no station */
		free(s);
		return err_set(e, E_NOT_FOUND, NULL, "There is no station in %s.", o->data);
	}
	struct offline offline = { .call = { .station = s, .request = request, .reply = offline_reply } };
	int rc = open_station(s, o, e);
	if (rc == 0) {
		handle_command(&offline.call);
		while (!offline.answer)
			uv_run(&s->loop, UV_RUN_ONCE);
		*answer = offline.answer;
	}
	if (s->store)
		station_finish(s);
	free(s);
	return rc;
}

/* What it prints goes to out. */
static int execute_to(const struct options *o, json_t *request, FILE *out)
{
	struct err e = { 0 };
	json_t *answer = NULL;
	int rc = console_ask(o->data, request, &answer, &e);
	if (rc == E_NOT_FOUND)
		rc = execute_offline(o, request, &answer, &e);
	bool done = rc == 0 && json_is_true(json_object_get(answer, "ok"));
	if (rc == 0 && !done)
		rc = err_set(&e, E_INVALID, NULL, "%s", json_string_value(json_object_get(answer, "error")));
	const char *text = json_string_value(json_object_get(answer, "print"));
	if (text && !done)
		fprintf(stderr, "%s\n", text);
	else if (text && (fprintf(out, "%s\n", text) < 0 || fflush(out) != 0))
		rc = err_set(&e, E_STORAGE, NULL, "The output could not be written: %s.", strerror(errno));
	json_decref(answer);
	json_decref(request);
	return rc == 0 ? EXIT_SUCCESS : complain(&e);
}

static int execute(const struct options *o, json_t *request)
{
	return execute_to(o, request, stdout);
}

/* One line of standard input, so that a password never stands on a command line. */
static char *read_password(void)
{
	static const size_t most = 1024;
	char *line = must_alloc(most);
	if (isatty(STDIN_FILENO))
		fprintf(stderr, "Password: ");
	if (!fgets(line, (int)most, stdin))
		*line = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	return line;
}

static int user_command(const struct options *o, const char *command)
{
	char *password = read_password();
	json_t *request = json_pack("{s:s, s:s, s:s, s:s, s:s}", "command", command, "name", o->words[0], "role",
	                            o->role ? o->role : "admin", "email", o->email ? o->email : "", "password", password);
	explicit_bzero(password, strlen(password));
	free(password);
	if (!request) {
		fprintf(stderr, "belfry: name and password must be UTF-8 text\n");
		return EXIT_FAILURE;
	}
	return execute(o, request);
}

static int user_add_main(const struct options *o)
{
	return user_command(o, "user add");
}

static int user_passwd_main(const struct options *o)
{
	return user_command(o, "user passwd");
}

static int token_add_main(const struct options *o)
{
	if (!o->user || !o->name) {
		fprintf(stderr, "belfry: token add needs --user NAME and --name LABEL\n");
		return EXIT_FAILURE;
	}
	return execute(o,
	               json_pack("{s:s, s:s, s:s, s:i}", "command", "token add", "user", o->user, "name", o->name,
	                         "expires", o->expires));
}

static int export_main(const struct options *o)
{
	if (o->word_count == 0)
		return execute(o, json_pack("{s:s}", "command", "export"));
	int fd = open(o->words[0], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct stat st; /* one that was there may be open to others */
	bool private = fd >= 0 && fstat(fd, &st) == 0 && (!S_ISREG(st.st_mode) || fchmod(fd, 0600) == 0);
	FILE *f = private ? fdopen(fd, "w") : NULL;
	if (!f) {
		fprintf(stderr, "belfry: %s: %s\n", o->words[0], strerror(errno));
		return EXIT_FAILURE;
	}
	int rc = execute_to(o, json_pack("{s:s}", "command", "export"), f);
	bool written = fsync(fd) == 0;
	if (fclose(f) == 0 && written)
		return rc;
	fprintf(stderr, "belfry: %s: %s\n", o->words[0], strerror(errno));
	return EXIT_FAILURE;
}

/* A file of JSON; "-" is standard input. NULL: it was told why not. */
static json_t *read_json(const char *path)
{
	json_error_t je;
	bool standard = strcmp(path, "-") == 0;
	json_t *json =
	    standard ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &je) : json_load_file(path, JSON_REJECT_DUPLICATES, &je);
	if (!json && je.line > 0)
		fprintf(stderr, "belfry: %s, line %d: %s\n", path, je.line, je.text);
	else if (!json)
		fprintf(stderr, "belfry: %s\n", je.text);
	return json;
}

static int import_file(const struct options *o, bool dry_run)
{
	json_t *config = read_json(o->words[0]), *secrets = o->secrets ? read_json(o->secrets) : json_object();
	if (!config || !secrets) {
		json_decref(config);
		json_decref(secrets);
		return EXIT_FAILURE;
	}
	return execute(o,
	               json_pack("{s:s, s:o, s:o, s:s, s:b}", "command", "import", "config", config, "secrets", secrets,
	                         "reason", o->reason ? o->reason : "", "dryRun", dry_run));
}

static int import_main(const struct options *o)
{
	if (o->word_count == 1)
		return import_file(o, o->dry_run);
	fprintf(stderr, "belfry: import needs the name of a file, or - for standard input\n");
	return 2;
}

/* The data directory, and the file against it when one is named. */
static int check_main(const struct options *o)
{
	int rc = execute(o, json_pack("{s:s}", "command", "check"));
	int file = o->word_count == 1 ? import_file(o, true) : EXIT_SUCCESS;
	return rc != EXIT_SUCCESS ? rc : file;
}

static int version_main(const struct options *o)
{
	(void)o;
	printf("belfry %s\n", BELFRY_VERSION);
	return EXIT_SUCCESS;
}

/* --- the command line ------------------------------------------------------------------------------------------- */

static const struct verb {
	const char *first, *second; /* second may be NULL */
	int words;                  /* names that follow, at most; */
	int least;                  /* and at least */
	bool data;                  /* needs --data */
	int (*main)(const struct options *o);
	const char *usage;
} verbs[] = {
	{ "run", NULL, 0, 0, true, run,
	  "run --data DIR [--listen ADDR:PORT] [--demo] [--log-level error|warn|info|debug]" },
	{ "user", "add", 1, 1, true, user_add_main,
	  "user add --data DIR NAME [--role admin|operator|viewer] [--email ADDRESS]   (password on standard input)" },
	{ "user", "passwd", 1, 1, true, user_passwd_main, "user passwd --data DIR NAME   (password on standard input)" },
	{ "token", "add", 0, 0, true, token_add_main,
	  "token add --data DIR --user NAME --name LABEL [--expires DAYS]   (prints the token once)" },
	{ "export", NULL, 1, 0, true, export_main, "export --data DIR [FILE]   (the configuration as text)" },
	{ "import", NULL, 1, 1, true, import_main,
	  "import --data DIR FILE [--dry-run] [--reason TEXT] [--secrets FILE]   (FILE - is standard input)" },
	{ "check", NULL, 1, 0, true, check_main,
	  "check --data DIR [FILE]   (is the station sound, and would FILE be taken?)" },
	{ "version", NULL, 0, 0, false, version_main, "version" },
};

static void usage(FILE *out)
{
	fprintf(out, "usage:\n");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		fprintf(out, "  belfry %s\n", verbs[i].usage);
	fprintf(out, "  belfry help\n");
}

static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {
		{ "data", required_argument, NULL, 'd' },    { "listen", required_argument, NULL, 'l' },
		{ "demo", no_argument, NULL, 'D' },          { "log-level", required_argument, NULL, 'v' },
		{ "www", required_argument, NULL, 'w' },     { "role", required_argument, NULL, 'r' },
		{ "email", required_argument, NULL, 'e' },   { "user", required_argument, NULL, 'u' },
		{ "name", required_argument, NULL, 'n' },    { "expires", required_argument, NULL, 'x' },
		{ "dry-run", no_argument, NULL, 'y' },       { "reason", required_argument, NULL, 'R' },
		{ "secrets", required_argument, NULL, 'S' }, { 0 },
	};
	int option;
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'd':
			o->data = optarg;
			break;
		case 'l':
			o->listen = optarg;
			break;
		case 'D':
			o->demo = true;
			break;
		case 'v':
			o->log_level = optarg;
			break;
		case 'w':
			o->www = optarg;
			break;
		case 'r':
			o->role = optarg;
			break;
		case 'e':
			o->email = optarg;
			break;
		case 'u':
			o->user = optarg;
			break;
		case 'n':
			o->name = optarg;
			break;
		case 'x':
			o->expires = (int)strtol(optarg, NULL, 10);
			break;
		case 'y':
			o->dry_run = true;
			break;
		case 'R':
			o->reason = optarg;
			break;
		case 'S':
			o->secrets = optarg;
			break;
		default:
			return -1;
		}
	}
	o->words = argv + optind;
	o->word_count = argc - optind;
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = { .listen = "0.0.0.0:8443" };
	enum log_level level = LOG_LEVEL_INFO;
	if (argc == 2 && strcmp(argv[1], READER_ARGUMENT) == 0)
		reader_child();
	for (size_t i = 0; i < ARRAY_SIZE(verbs) && argc > 1; i++) {
		const struct verb *v = &verbs[i];
		int words = v->second ? 2 : 1;
		if (strcmp(argv[1], v->first) != 0 || (v->second && (argc < 3 || strcmp(argv[2], v->second) != 0)))
			continue;
		if (parse_options(argc - words, argv + words, &o) != 0 || o.word_count > v->words || o.word_count < v->least ||
		    (v->data && !o.data) || (o.log_level && log_level_parse(o.log_level, &level) != 0)) {
			fprintf(stderr, "usage: belfry %s\n", v->usage);
			return 2;
		}
		log_set_level(level);
		harden();
		if (sodium_init() < 0 || gnutls_global_init() != 0)
			return EXIT_FAILURE;
		return v->main(&o);
	}
	bool help = argc > 1 && (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0);
	usage(help ? stdout : stderr);
	return help ? EXIT_SUCCESS : 2;
}
