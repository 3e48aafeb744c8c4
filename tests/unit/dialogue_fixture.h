/* SPDX-License-Identifier: Apache-2.0
 * What dialogues with scripted servers need: a key that seals passwords, a private authority that is trusted, and the
 * certificates of good, of misnamed and of self-signed servers. */
#ifndef BELFRY_TESTS_DIALOGUE_FIXTURE_H
#define BELFRY_TESTS_DIALOGUE_FIXTURE_H

#include <sodium.h>

#include "station/base/secret.h"
#include "tests/unit/peer.h"
#include "tests/unit/scratch.h"

#define SECRET "Sesam-7391"
/* base64 of NUL alice NUL Sesam-7391, of alice, of Sesam-7391 */
#define PLAIN_SECRET "AGFsaWNlAFNlc2FtLTczOTE="
#define B64_ALICE "YWxpY2U="
#define B64_SECRET "U2VzYW0tNzM5MQ=="

struct fixture {
	char directory[SCRATCH_SIZE];
	struct keyring *keyring;
	struct pair ca, good, other, self;
	struct trust_snapshot *trust;
};

static inline int group_setup(void **state)
{
	struct fixture *f = must_alloc(sizeof *f);
	struct err e = { 0 };
	must(sodium_init() >= 0);
	scratch_make(f->directory);
	f->keyring = keyring_open(f->directory, &e);
	must(f->keyring != NULL);
	f->ca = pair_make((struct wish){ .cn = "Test CA", .ca = true });
	f->good = pair_make((struct wish){ .cn = "good", .names = { "ip:127.0.0.1" }, .issuer = &f->ca });
	f->other = pair_make((struct wish){ .cn = "other", .names = { "other.example" }, .issuer = &f->ca });
	f->self = pair_make((struct wish){ .cn = "self", .names = { "ip:127.0.0.1" } });
	f->trust = snapshot_new(anchors_new("/nonexistent", f->ca.pem), NULL, 0);
	*state = f;
	return 0;
}

static inline int group_teardown(void **state)
{
	struct fixture *f = *state;
	struct pair *const pairs[] = { &f->ca, &f->good, &f->other, &f->self };
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		pair_free(pairs[i]);
	trust_release(&f->trust);
	keyring_close(&f->keyring);
	scratch_remove(f->directory);
	free(f);
	return 0;
}

#endif
