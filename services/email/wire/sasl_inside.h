/* SPDX-License-Identifier: Apache-2.0
 * The inside of SASL, shared by sasl.c (choice, exchange, bytes), sasl_mechanisms.c and sasl_scram.c. Nobody else
 * includes this. */
#ifndef BELFRY_EMAIL_SASL_INSIDE_H
#define BELFRY_EMAIL_SASL_INSIDE_H

#include <string.h>

#include "services/email/wire/sasl.h"

struct part {
	const char *bytes;
	size_t length;
};
#define PART(text)                                                                                                     \
	{                                                                                                                  \
		(text), strlen(text)                                                                                           \
	}

struct sasl_kind_of {
	const char *name;
	bool client_first; /* it may speak before it is asked */
	bool prompts;      /* its challenges are text for people */
	bool mutual;       /* the server has to prove itself */
	int least, steps;  /* answers of ours until the server may accept; and at most */
	/* What is said now (s->step counts the answers given), in locked memory, owned (secret_wipe), and its length.
	 * secret is opened, borrowed. 0, or a code and a sentence as of sasl_step. */
	int (*respond)(struct sasl *s, const char *secret, const struct part *challenge, char **bytes, size_t *length,
	               struct err *e);
};
extern const struct sasl_kind_of sasl_mechanisms[SASL_MECHANISMS];

struct sasl {
	const struct sasl_kind_of *mechanism;
	const struct sasl_login *login; /* borrowed */
	const char *user;               /* borrowed */
	const struct keyring *keyring;  /* borrowed */
	char host[256];
	int port, step;
	char reason[200];
	/* SCRAM */
	char nonce[64], first[600]; /* of the client; its first message without the header */
	unsigned char server_signature[32];
	bool proven;
};

/* The secret in locked memory, owned (secret_wipe); NULL and e when it cannot be opened. */
char *sasl_open_secret(const struct sasl_login *login, const struct keyring *keyring, struct err *e);
/* Locked memory of so many bytes and a NUL, owned (secret_wipe). */
char *sasl_locked(size_t length);
/* The parts one behind the other, in locked memory. */
char *sasl_join(const struct part *parts, size_t count, size_t *length);
/* Base64 (RFC 4648 4) in locked memory; and back, strictly, with a NUL behind: 0, or -1 when it is none or too long. */
char *sasl_base64(const char *bytes, size_t length);
int sasl_unbase64(const char *text, size_t text_length, char *bytes, size_t size, size_t *length);
/* A user name as SCRAM and GS2 write it (RFC 5802 5.1): "=2C" for a comma, "=3D" for "=". -1 when it is too long. */
int sasl_escape_name(const char *name, char *out, size_t size);

/* sasl_scram.c */
int sasl_scram_respond(struct sasl *s, const char *secret, const struct part *challenge, char **bytes, size_t *length,
                       struct err *e);

#endif
