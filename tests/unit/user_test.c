/* SPDX-License-Identifier: Apache-2.0
 * Users over a clock that the test sets: passwords are hashed and sealed, sessions end by time, password and removal,
 * tokens expire, and guessing is slowed down without locking others out. */
#include "station/base/file.h"
#include "tests/unit/world.h"

#include "services/user/user_inside.h"

static const struct type *const types[] = { &baja_component, &baja_folder, &user_service_type, &user_type, NULL };
static const struct actor admin = { .user = "cli", .role = ROLE_ADMIN, .via = "cli", .from = "unix" };
#define MINUTE (60 * SECOND_US)
#define PASSWORD "correct horse"

/* The end of a user_done, kept. */
struct outcome {
	bool done;
	int code;
	char text[160], sentence[400], slot[64];
};

static void keep(void *context, int code, const struct err *e, const char *text)
{
	struct outcome *o = context;
	*o = (struct outcome){ .done = true, .code = code };
	snprintf(o->text, sizeof o->text, "%s", text ? text : "");
	snprintf(o->sentence, sizeof o->sentence, "%s", code ? e->text : "");
	snprintf(o->slot, sizeof o->slot, "%s", code ? e->slot : "");
}

static void station_with_service(struct world *w)
{
	struct ended end;
	world_make(w, types);
	if (user_service_of(&w->station))
		return;
	struct batch *b = batch_new(&w->station, &admin);
	batch_add(b, station_by_path(&w->station, "/Services")->handle, "UserService", "baja:UserService", NULL, "/values");
	assert_int_equal(submit(w, b, &end), 0);
}

static int add(struct world *w, const char *name, const char *role, const char *password)
{
	struct outcome o = { 0 };
	user_add(&w->station, &admin, name, role, "", password, keep, &o);
	turn_until(w, &o.done);
	return o.code;
}

static struct outcome log_in(struct world *w, const char *name, const char *password, const char *from)
{
	struct outcome o = { 0 };
	user_log_in(&w->station, name, password, from, "test", keep, &o);
	turn_until(w, &o.done);
	return o;
}

static int resolve(struct world *w, const char *cookie, struct actor *out)
{
	const char *csrf = NULL;
	int rc = user_resolve_session(&w->station, cookie, out, &csrf);
	if (rc == 0)
		assert_true(csrf && strlen(csrf) == 32);
	return rc;
}

static void patch(struct world *w, const char *name, const char *text)
{
	struct ended end;
	json_t *values = json_loads(text, 0, NULL);
	assert_non_null(values);
	struct batch *b = batch_new(&w->station, &admin);
	batch_set_json(b, user_find(&w->station, name)->c.handle, values, "/values");
	json_decref(values);
	assert_int_equal(submit(w, b, &end), 0);
}

static void a_password_is_kept_as_a_sealed_hash(void **state)
{
	(void)state;
	struct world w;
	station_with_service(&w);
	assert_false(user_any(&w.station));
	assert_int_equal(add(&w, "ada", "admin", PASSWORD), 0);
	assert_true(user_any(&w.station));
	const struct user *u = user_find(&w.station, "ada");
	assert_null(strstr(u->password.sealed, "argon2"));
	char *hash = secret_open(w.station.keyring, u->password.sealed, NULL);
	assert_non_null(strstr(hash, "$argon2id$v=19$m=19456,t=2,p=1$"));
	assert_int_equal(crypto_pwhash_str_verify(hash, PASSWORD, strlen(PASSWORD)), 0);
	secret_wipe(&hash);
	world_restart(&w, types);
	assert_int_equal(log_in(&w, "ada", PASSWORD, "192.0.2.1").code, 0);
	assert_int_equal(log_in(&w, "ada", "correct hors", "192.0.2.1").code, E_UNAUTHORIZED);
	world_end(&w);
}

static void bad_users_are_refused_with_the_place(void **state)
{
	(void)state;
	struct world w;
	struct outcome o = { 0 };
	station_with_service(&w);
	static const struct {
		const char *name, *role, *password, *slot;
		int code;
	} rows[] = {
		{ "ada", "admin", "1234567", "password", E_INVALID },
		{ "ada", "admin", "\xC3\xA4\xC3\xB6\xC3\xBC\xC3\x9F", "password", E_INVALID }, /* 4 characters, 8 bytes */
		{ "ada", "king", PASSWORD, "role", E_INVALID },
		{ "a b", "admin", PASSWORD, "name", E_INVALID },
		{ "ada", "admin", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "", E_INVALID },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		o.done = false;
		user_add(&w.station, &admin, rows[i].name, rows[i].role, "", rows[i].password, keep, &o);
		turn_until(&w, &o.done);
		assert_int_equal(o.code, rows[i].code);
		assert_string_equal(o.slot, rows[i].slot);
		assert_null(user_find(&w.station, "ada"));
	}
	assert_int_equal(add(&w, "ada", "admin", PASSWORD), 0);
	assert_int_equal(add(&w, "ada", "admin", PASSWORD), E_CONFLICT);
	world_end(&w);
}

static void a_session_ends_by_time(void **state)
{
	(void)state;
	struct world w;
	struct actor actor;
	station_with_service(&w);
	assert_int_equal(add(&w, "ada", "operator", PASSWORD), 0);
	struct outcome idle = log_in(&w, "ada", PASSWORD, "192.0.2.1"), busy = log_in(&w, "ada", PASSWORD, "192.0.2.1");
	assert_string_not_equal(idle.text, busy.text);
	assert_int_equal(strlen(idle.text), 64);
	for (int minutes = 0; minutes < 14; minutes += 7) {
		clock_advance(&w.station.clock, 7 * MINUTE);
		assert_int_equal(resolve(&w, busy.text, &actor), 0);
	}
	assert_string_equal(actor.user, "ada");
	assert_int_equal(actor.role, ROLE_OPERATOR);
	assert_true(user_session_lives(&w.station, idle.text));
	clock_advance(&w.station.clock, 2 * MINUTE);
	assert_false(user_session_lives(&w.station, idle.text));
	assert_int_equal(resolve(&w, idle.text, &actor), E_UNAUTHORIZED);
	for (int minutes = 16; minutes < 12 * 60; minutes += 10) {
		assert_int_equal(resolve(&w, busy.text, &actor), 0);
		clock_advance(&w.station.clock, 10 * MINUTE);
	}
	assert_int_equal(resolve(&w, busy.text, &actor), E_UNAUTHORIZED); /* twelve hours in any case */
	assert_int_equal(user_service_of(&w.station)->session_count, 0);
	world_end(&w);
}

/* An older database does not know of sessions that have been ended since. */
static void an_older_database_ends_all_sessions(void **state)
{
	(void)state;
	struct world w;
	struct actor actor;
	struct err e = { 0 };
	char witness[80];
	station_with_service(&w);
	assert_int_equal(add(&w, "anna", "operator", PASSWORD), 0);
	struct outcome o = log_in(&w, "anna", PASSWORD, "192.0.2.1");
	snprintf(witness, sizeof witness, "%s/epoch", w.directory);
	assert_int_equal(file_write(witness, "1000", 4, 0600, FILE_REPLACE, &e), 0);
	world_restart(&w, types);
	assert_int_equal(resolve(&w, o.text, &actor), E_UNAUTHORIZED);
	world_restart(&w, types);
	assert_int_equal(resolve(&w, o.text, &actor), E_UNAUTHORIZED);
	world_end(&w);
}

static void a_session_ends_with_what_it_was_opened_with(void **state)
{
	(void)state;
	struct world w;
	struct actor actor;
	static const char *const changes[] = { "{\"role\":\"viewer\"}", "{\"password\":\"another horse\"}",
		                                   "{\"enabled\":false}" };
	station_with_service(&w);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		char name[8];
		snprintf(name, sizeof name, "user%zu", i);
		assert_int_equal(add(&w, name, "operator", PASSWORD), 0);
		struct outcome o = log_in(&w, name, PASSWORD, "192.0.2.1");
		assert_int_equal(resolve(&w, o.text, &actor), 0);
		world_restart(&w, types); /* sessions live through a restart */
		assert_int_equal(resolve(&w, o.text, &actor), 0);
		patch(&w, name, changes[i]);
		assert_int_equal(resolve(&w, o.text, &actor), E_UNAUTHORIZED);
	}
	world_end(&w);
}

/* The crash between a change and the clean-up after it, which leaves the record of a dead session. */
static void a_record_of_a_dead_session_revives_nothing(void **state)
{
	(void)state;
	struct world w;
	struct actor actor;
	struct outcome done = { 0 };
	station_with_service(&w);
	assert_int_equal(add(&w, "ada", "admin", PASSWORD), 0);
	struct outcome o = log_in(&w, "ada", PASSWORD, "192.0.2.1");
	struct session_record copy;
	record_copy(&session_kind, &copy, &user_service_of(&w.station)->sessions[0]);
	patch(&w, "ada", "{\"password\":\"another horse\"}");
	struct store_tx *tx = store_tx_new();
	store_tx_put(tx, &session_kind, &copy);
	store_commit(w.station.store, tx, ending_done, ending_new(keep, &done));
	turn_until(&w, &done.done);
	record_finish(&session_kind, &copy);
	world_restart(&w, types);
	assert_int_equal(user_service_of(&w.station)->session_count, 1);
	assert_int_equal(resolve(&w, o.text, &actor), E_UNAUTHORIZED);
	assert_int_equal(user_service_of(&w.station)->session_count, 0);
	world_end(&w);
}

static void a_token_expires_and_dies_with_its_user(void **state)
{
	(void)state;
	struct world w;
	struct actor actor;
	struct outcome week = { 0 }, ever = { 0 };
	struct ended end;
	station_with_service(&w);
	assert_int_equal(add(&w, "ada", "viewer", PASSWORD), 0);
	user_token_add(&w.station, &admin, "ada", "week", 7, keep, &week);
	turn_until(&w, &week.done);
	user_token_add(&w.station, &admin, "ada", "ever", 0, keep, &ever);
	turn_until(&w, &ever.done);
	assert_int_equal(user_resolve_token(&w.station, week.text, &actor), 0);
	assert_string_equal(actor.via, "token");
	clock_advance(&w.station.clock, 8 * 24 * 60 * MINUTE);
	assert_int_equal(user_resolve_token(&w.station, week.text, &actor), E_UNAUTHORIZED);
	world_restart(&w, types);
	assert_int_equal(user_resolve_token(&w.station, ever.text, &actor), 0);
	struct batch *b = batch_new(&w.station, &admin);
	batch_remove(b, user_find(&w.station, "ada")->c.handle);
	assert_int_equal(submit(&w, b, &end), 0);
	assert_int_equal(add(&w, "ada", "admin", PASSWORD), 0); /* the name again, not the user */
	assert_int_equal(user_resolve_token(&w.station, ever.text, &actor), E_UNAUTHORIZED);
	assert_int_equal(user_service_of(&w.station)->token_count, 0);
	world_end(&w);
}

static void guessing_is_slowed_down(void **state)
{
	(void)state;
	struct world w;
	station_with_service(&w);
	struct user_service *service = user_service_of(&w.station);
	struct clock *clock = &w.station.clock;
	for (int i = 0; i < 5; i++)
		assert_int_equal(throttle_begin(service, "ada", "192.0.2.1"), 0);
	static const int seconds[] = { 10, 20, 40, 80, 160, 320, 640, 900, 900 };
	for (size_t i = 0; i < ARRAY_SIZE(seconds); i++) {
		assert_int_equal(throttle_begin(service, "ada", "192.0.2.1"), seconds[i] * SECOND_US);
		clock_advance(clock, seconds[i] * SECOND_US - 1);
		assert_int_not_equal(throttle_begin(service, "ada", "192.0.2.1"), 0);
		clock_advance(clock, 1);
		assert_int_equal(throttle_begin(service, "ada", "192.0.2.1"), 0);
	}
	assert_int_equal(throttle_wait(service, "bob", "192.0.2.1"), 0); /* another user there */
	clock_advance(clock, 900 * SECOND_US + 31 * SECOND_US);
	for (int i = 0; i < 5; i++) /* forgotten */
		assert_int_equal(throttle_begin(service, "ada", "192.0.2.1"), 0);
	throttle_clear(service, "ada");
	assert_int_equal(throttle_begin(service, "ada", "192.0.2.1"), 0);
	service->lockOutEnabled = false;
	for (int i = 0; i < 50; i++)
		assert_int_equal(throttle_begin(service, "ada", "192.0.2.1"), 0);
	world_end(&w);
}

static void nobody_is_locked_out_by_others(void **state)
{
	(void)state;
	struct world w;
	station_with_service(&w);
	struct user_service *service = user_service_of(&w.station);
	struct clock *clock = &w.station.clock;
	char from[32];
	int passed = 0;
	assert_int_equal(throttle_begin(service, "ada", "198.51.100.7"), 0);
	throttle_succeeded(service, "ada", "198.51.100.7");
	for (int second = 0; second < 600; second++) { /* ten minutes from a thousand addresses */
		snprintf(from, sizeof from, "203.0.%d.%d", second / 250, second % 250);
		passed += throttle_begin(service, "ada", from) == 0;
		clock_advance(clock, SECOND_US);
	}
	assert_in_range(passed, 10, 30); /* guesses at one user, from everywhere */
	assert_int_equal(throttle_wait(service, "ada", "198.51.100.7"), 0);
	assert_true(throttle_wait(service, "ada", "198.51.100.8") <= MINUTE); /* not known here: waits a minute at most */
	passed = 0;
	for (int i = 0; i < 200; i++) { /* many names from one address, of one network */
		char name[16];
		snprintf(name, sizeof name, "n%d", i);
		snprintf(from, sizeof from, "2001:db8::%x", i + 1);
		passed += throttle_begin(service, name, from) == 0;
	}
	assert_int_equal(passed, 60);
	assert_int_equal(throttle_wait(service, "bob", "2001:db8:0:1::1"), 0);
	assert_in_range(throttle_wait(service, "bob", "2001:db8::9999"), 1, 10 * SECOND_US);
	world_end(&w);
}

static void many_at_once_are_hashed_two_at_a_time(void **state)
{
	(void)state;
	struct world w;
	enum { MANY = 12 };
	struct outcome o[MANY] = { 0 };
	station_with_service(&w);
	assert_int_equal(add(&w, "ada", "admin", PASSWORD), 0);
	for (int i = 0; i < MANY; i++) {
		char from[24];
		snprintf(from, sizeof from, "192.0.2.%d", i / 4);
		user_log_in(&w.station, i % 4 ? "nobody" : "ada", PASSWORD, from, NULL, keep, &o[i]);
		assert_in_range(w.station.passwords.running, 1, 2);
		assert_false(o[i].done); /* never inline */
	}
	for (int i = 0; i < MANY; i++) {
		turn_until(&w, &o[i].done);
		assert_int_equal(o[i].code, i % 4 ? E_UNAUTHORIZED : 0);
	}
	struct outcome last = { 0 };
	user_log_in(&w.station, "ada", PASSWORD, "192.0.2.9", NULL, keep, &last); /* the station ends in the middle */
	world_end(&w);
	assert_true(last.done);
	assert_int_equal(last.code, E_BUSY);
}

static double seconds_of(clockid_t which)
{
	struct timespec t;
	clock_gettime(which, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A hash that stands for nobody's must cost as much as a real one; if it could not be read, it would take microseconds.
 * The real one is measured in processor time, so that a busy machine cannot fail this. */
static void unknown_users_cost_the_same(void **state)
{
	(void)state;
	struct world w;
	char hash[crypto_pwhash_STRBYTES];
	station_with_service(&w);
	assert_int_equal(
	    crypto_pwhash_str_alg(hash, PASSWORD, strlen(PASSWORD), 2, 19456 * 1024, crypto_pwhash_ALG_ARGON2ID13), 0);
	double start = seconds_of(CLOCK_THREAD_CPUTIME_ID);
	assert_int_equal(crypto_pwhash_str_verify(hash, PASSWORD, strlen(PASSWORD)), 0);
	double known = seconds_of(CLOCK_THREAD_CPUTIME_ID) - start;
	start = seconds_of(CLOCK_MONOTONIC);
	assert_int_equal(log_in(&w, "nobody", PASSWORD, "192.0.2.1").code, E_UNAUTHORIZED);
	assert_true(seconds_of(CLOCK_MONOTONIC) - start > known / 3);
	world_end(&w);
}

static void the_setup_link_is_good_once_and_for_an_hour(void **state)
{
	(void)state;
	struct world w;
	struct outcome o = { 0 };
	station_with_service(&w);
	char *link = user_setup_link(&w.station, "localhost:1");
	assert_non_null(strstr(link, "https://localhost:1/setup#"));
	struct first_user first = { .token = strchr(link, '#') + 1, .name = "ada", .password = PASSWORD, .email = "" };
	clock_advance(&w.station.clock, 61 * MINUTE);
	user_set_up(&w.station, &first, "192.0.2.1", NULL, keep, &o);
	assert_int_equal(o.code, E_FORBIDDEN);
	free(link);
	link = user_setup_link(&w.station, "localhost:1");
	first.token = strchr(link, '#') + 1;
	o.done = false;
	user_set_up(&w.station, &first, "192.0.2.1", NULL, keep, &o);
	turn_until(&w, &o.done);
	assert_int_equal(o.code, 0);
	struct actor actor;
	assert_int_equal(resolve(&w, o.text, &actor), 0);
	assert_int_equal(actor.role, ROLE_ADMIN);
	user_set_up(&w.station, &first, "192.0.2.1", NULL, keep, &o);
	assert_int_equal(o.code, E_CONFLICT);
	assert_null(user_setup_link(&w.station, "localhost:1"));
	free(link);
	world_end(&w);
}

static struct batch *disable(struct world *w, struct batch *b, const char *name)
{
	json_t *values = json_pack("{s:b}", "enabled", 0);
	batch_set_json(b, user_find(&w->station, name)->c.handle, values, "/values");
	json_decref(values);
	return b;
}

static void the_last_administrator_stays(void **state)
{
	(void)state;
	struct world w;
	struct ended end;
	station_with_service(&w);
	assert_int_equal(add(&w, "ada", "admin", PASSWORD), 0);
	assert_int_equal(add(&w, "bob", "admin", PASSWORD), 0);
	struct batch *b = batch_new(&w.station, &admin);
	batch_remove(disable(&w, b, "ada"), user_find(&w.station, "bob")->c.handle);
	assert_int_equal(submit(&w, b, &end), E_CONFLICT);
	b = disable(&w, disable(&w, batch_new(&w.station, &admin), "bob"), "ada");
	assert_int_equal(submit(&w, b, &end), E_CONFLICT);
	b = batch_new(&w.station, &admin);
	batch_remove(b, user_find(&w.station, "bob")->c.handle);
	assert_int_equal(submit(&w, b, &end), 0);
	b = batch_new(&w.station, &admin);
	batch_remove(b, user_find(&w.station, "ada")->c.handle);
	assert_int_equal(submit(&w, b, &end), E_CONFLICT);
	assert_string_equal(end.details[0], "ada is the last administrator; make another one first.");
	assert_int_equal(submit(&w, disable(&w, batch_new(&w.station, &admin), "ada"), &end), E_CONFLICT);
	assert_string_equal(end.pointers[0], "/values/enabled");
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_password_is_kept_as_a_sealed_hash),
		cmocka_unit_test(bad_users_are_refused_with_the_place),
		cmocka_unit_test(a_session_ends_by_time),
		cmocka_unit_test(an_older_database_ends_all_sessions),
		cmocka_unit_test(a_session_ends_with_what_it_was_opened_with),
		cmocka_unit_test(a_record_of_a_dead_session_revives_nothing),
		cmocka_unit_test(a_token_expires_and_dies_with_its_user),
		cmocka_unit_test(guessing_is_slowed_down),
		cmocka_unit_test(nobody_is_locked_out_by_others),
		cmocka_unit_test(many_at_once_are_hashed_two_at_a_time),
		cmocka_unit_test(unknown_users_cost_the_same),
		cmocka_unit_test(the_setup_link_is_good_once_and_for_an_hour),
		cmocka_unit_test(the_last_administrator_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
