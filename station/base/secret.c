/* SPDX-License-Identifier: Apache-2.0
 * Seals secrets with XSalsa20-Poly1305 (libsodium's secretbox) under the station's key. The key and every opened secret
 * lie in memory of sodium_malloc: locked against swapping, left out of core dumps (MADV_DONTDUMP), between guard pages,
 * wiped when freed. The key file is 64 hexadecimal digits, so that it survives being carried about by people. */
#include "station/base/secret.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "station/base/file.h"
#include "station/base/must.h"

#define KEY_HEX ((size_t)2 * crypto_secretbox_KEYBYTES)
#define KEY_FILE_MAX 256
#define PREFIX "v1:"
#define SEALED_MAX ((size_t)2 * SECRET_MAX + 1024) /* base64 takes 4/3 */
#define OVERHEAD (crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES)

struct keyring {
	unsigned char key[crypto_secretbox_KEYBYTES];
};

static void *locked_memory(size_t size)
{
	must(sodium_init() >= 0);
	void *memory = sodium_malloc(size);
	must(memory);
	return memory;
}

static int parse_key(struct keyring *k, const char *text, const char *path, struct err *e)
{
	size_t length = 0;
	const char *end;
	int rc = sodium_hex2bin(k->key, sizeof(k->key), text, strlen(text), " \t\r\n", &length, &end);
	if (rc || *end || length != sizeof(k->key))
		return err_set(e, E_INVALID, NULL,
		               "%s is not a key: it must hold %d hexadecimal digits. Bring back the file that belongs to this "
		               "data directory.",
		               path, (int)KEY_HEX);
	return 0;
}

static int read_key(struct keyring *k, const char *path, struct err *e)
{
	char *text = file_read(path, KEY_FILE_MAX, NULL, e);
	if (!text)
		return e->code;
	int rc = parse_key(k, text, path, e);
	sodium_memzero(text, KEY_FILE_MAX);
	free(text);
	return rc;
}

/* A key that others can read protects nothing, and was perhaps copied already: the owner has to decide. */
static int check_mode(const char *path, struct err *e)
{
	struct stat st;
	if (stat(path, &st) == 0 && (st.st_mode & 077))
		return err_set(e, E_FORBIDDEN, NULL, "%s can be read by others than its owner. Run: chmod 600 %s", path, path);
	return 0;
}

static int make_key(struct keyring *k, const char *path, struct err *e)
{
	char *hex = locked_memory(KEY_HEX + 2);
	randombytes_buf(k->key, sizeof(k->key));
	sodium_bin2hex(hex, KEY_HEX + 1, k->key, sizeof(k->key));
	hex[KEY_HEX] = '\n';
	int rc = file_write(path, hex, KEY_HEX + 1, 0600, FILE_NEW, e);
	sodium_free(hex);
	/* Another process of this station was faster: its key is the key. */
	return rc == E_CONFLICT ? read_key(k, path, e) : rc;
}

static int load_key(struct keyring *k, const char *directory, struct err *e)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	if (credentials && *credentials) {
		char *path = must_format("%s/key", credentials);
		int rc = read_key(k, path, e);
		free(path);
		if (rc != E_NOT_FOUND)
			return rc;
	}
	char *path = must_format("%s/key", directory);
	int rc = check_mode(path, e);
	if (rc == 0)
		rc = read_key(k, path, e);
	if (rc == E_NOT_FOUND)
		rc = make_key(k, path, e);
	free(path);
	return rc;
}

struct keyring *keyring_open(const char *directory, struct err *e)
{
	struct err local;
	struct keyring *k = locked_memory(sizeof(*k));
	if (load_key(k, directory, e ? e : &local))
		keyring_close(&k);
	return k;
}

void keyring_close(struct keyring **k)
{
	sodium_free(*k);
	*k = NULL;
}

void secret_derive(const struct keyring *k, const char purpose[9], uint64_t number, unsigned char out[32])
{
	must(strlen(purpose) == crypto_kdf_CONTEXTBYTES);
	must(crypto_kdf_derive_from_key(out, 32, number, purpose, k->key) == 0);
}

char *secret_seal(const struct keyring *k, const char *plain, size_t length)
{
	if (length == 0)
		return must_strdup("");
	must(length <= SECRET_MAX);
	size_t size = length + OVERHEAD, text = sodium_base64_ENCODED_LEN(size, sodium_base64_VARIANT_ORIGINAL);
	unsigned char *box = must_alloc(size);
	randombytes_buf(box, crypto_secretbox_NONCEBYTES);
	crypto_secretbox_easy(box + crypto_secretbox_NONCEBYTES, (const unsigned char *)plain, length, box, k->key);
	char *sealed = must_alloc(strlen(PREFIX) + text);
	memcpy(sealed, PREFIX, sizeof PREFIX);
	sodium_bin2base64(sealed + strlen(PREFIX), text, box, size, sodium_base64_VARIANT_ORIGINAL);
	free(box);
	return sealed;
}

/* The box behind the base64; owned. NULL when it is none. */
static unsigned char *unwrap(const char *sealed, size_t *size)
{
	size_t length = strlen(sealed);
	if (strncmp(sealed, PREFIX, strlen(PREFIX)) != 0 || length > SEALED_MAX)
		return NULL;
	unsigned char *box = must_alloc(length);
	const char *end;
	if (sodium_base642bin(box, length, sealed + strlen(PREFIX), length - strlen(PREFIX), NULL, size, &end,
	                      sodium_base64_VARIANT_ORIGINAL) == 0 &&
	    !*end && *size >= OVERHEAD)
		return box;
	free(box);
	return NULL;
}

/* Opens what unwrap found into plain, which has room for it and a NUL. */
static int open_box(const struct keyring *k, const unsigned char *box, size_t size, char *plain, struct err *e)
{
	size_t length = size - OVERHEAD;
	plain[length] = '\0';
	if (crypto_secretbox_open_easy((unsigned char *)plain, box + crypto_secretbox_NONCEBYTES,
	                               size - crypto_secretbox_NONCEBYTES, box, k->key) == 0)
		return 0;
	return err_set(e, E_INTERNAL, NULL,
	               "A stored secret was sealed under another key than this station's. Enter it again, or "
	               "bring back the key file that belongs to this data directory.");
}

static int damaged(struct err *e)
{
	return err_set(e, E_INTERNAL, NULL, "A stored secret is damaged. Enter it again.");
}

char *secret_open(const struct keyring *k, const char *sealed, struct err *e)
{
	if (!*sealed)
		return secret_lock("", 0);
	size_t size = 0;
	unsigned char *box = unwrap(sealed, &size);
	if (!box) {
		damaged(e);
		return NULL;
	}
	char *plain = locked_memory(size - OVERHEAD + 1);
	if (open_box(k, box, size, plain, e) != 0)
		secret_wipe(&plain);
	free(box);
	return plain;
}

int secret_read(const struct keyring *k, const char *sealed, char *out, size_t size, struct err *e)
{
	size_t length = 0;
	*out = '\0';
	if (!*sealed)
		return 0;
	unsigned char *box = unwrap(sealed, &length);
	int rc = box && length - OVERHEAD < size ? open_box(k, box, length, out, e) : damaged(e);
	if (rc != 0)
		*out = '\0';
	free(box);
	return rc;
}

char *secret_room(size_t size)
{
	char *room = locked_memory(size + 1);
	memset(room, 0, size + 1);
	return room;
}

char *secret_lock(const char *plain, size_t length)
{
	char *copy = secret_room(length);
	memcpy(copy, plain, length);
	return copy;
}

void secret_wipe(char **text)
{
	sodium_free(*text);
	*text = NULL;
}

char *secret_random_hex(size_t size)
{
	must(sodium_init() >= 0);
	unsigned char *bytes = must_alloc(size + 1);
	char *hex = must_alloc(2 * size + 1);
	randombytes_buf(bytes, size);
	sodium_bin2hex(hex, 2 * size + 1, bytes, size);
	sodium_memzero(bytes, size);
	free(bytes);
	return hex;
}

void uuid_make(char out[37])
{
	unsigned char b[16];
	char hex[33];
	struct timespec now;
	must(sodium_init() >= 0);
	must(clock_gettime(CLOCK_REALTIME, &now) == 0);
	uint64_t milliseconds = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	randombytes_buf(b, sizeof(b));
	for (int i = 0; i < 6; i++)
		b[i] = (unsigned char)(milliseconds >> (40 - 8 * i));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x70); /* version 7 */
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80); /* variant 10 */
	sodium_bin2hex(hex, sizeof(hex), b, sizeof(b));
	snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}
