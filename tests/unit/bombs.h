/* SPDX-License-Identifier: Apache-2.0
 * Complexity bombs: mails that cost a careless reader far more than their size. Each is one unit over and over. The unit test
 * and the measurements (tests/bench/bombs.c) read the same. */
#ifndef BELFRY_TESTS_BOMBS_H
#define BELFRY_TESTS_BOMBS_H

#include <string.h>
#include <time.h>

#include "services/email/reader/reader_inside.h"
#include "station/base/must.h"

struct bomb {
	const char *name, *before, *unit, *after;
};
#define BOMB_HEAD "From: anna@example.com\r\n"
/* Forty-two. */
static const struct bomb bombs[] = {
	{ "addresses in To", BOMB_HEAD "To: ", "a@b.example, ", "\r\n\r\nACK" },
	{ "addresses in From", "From: ", "a@b.example, ", "\r\n\r\nACK" },
	{ "groups", "From: ", "g: a@b;", "\r\n\r\nACK" },
	{ "comments in From", "From: ", "(", "a@b.example\r\n\r\nACK" },
	{ "quotes in From", "From: ", "\"a\" ", "<a@b.example>\r\n\r\nACK" },
	{ "angles in From", "From: ", "<", "a@b.example\r\n\r\nACK" },
	{ "dots in From", "From: a", ".", "@b.example\r\n\r\nACK" },
	{ "backslashes in From", "From: \"", "\\\\", "\" <a@b.example>\r\n\r\nACK" },
	{ "header fields", BOMB_HEAD, "A: b\r\n", "\r\nACK" },
	{ "From fields", BOMB_HEAD, "From: a@b\r\n", "\r\nACK" },
	{ "Received fields", BOMB_HEAD, "Received: by x\r\n", "\r\nACK" },
	{ "folded lines", BOMB_HEAD "X: a", "\r\n b", "\r\n\r\nACK" },
	{ "a long header", BOMB_HEAD "X: ", "aaaaaaaa", "\r\n\r\nACK" },
	{ "encoded words", BOMB_HEAD "Subject: ", "=?UTF-8?Q?=C3=A4?= ", "\r\n\r\nACK" },
	{ "encoded words that never end", BOMB_HEAD "Subject: ", "=?UTF-8?Q?", "\r\n\r\nACK" },
	{ "encoded words in base64", BOMB_HEAD "Subject: ", "=?utf-8?B?w6Q=?=", "\r\n\r\nACK" },
	{ "references", BOMB_HEAD "References: ", "<a@b> ", "\r\n\r\nACK" },
	{ "references that never end", BOMB_HEAD "References: ", "<", "\r\n\r\nACK" },
	{ "parameters", BOMB_HEAD "Content-Type: text/plain", "; a=b", "\r\n\r\nACK" },
	{ "continued parameters", BOMB_HEAD "Content-Type: text/plain", "; a*1*=b", "\r\n\r\nACK" },
	{ "quotes in a parameter", BOMB_HEAD "Content-Type: text/plain; a=", "\"\\\"", "\r\n\r\nACK" },
	{ "comments in Content-Type", BOMB_HEAD "Content-Type: text/plain ", "(", "\r\n\r\nACK" },
	{ "a long boundary", BOMB_HEAD "Content-Type: multipart/mixed; boundary=\"", "-", "\"\r\n\r\n--\r\n" },
	{ "parts", BOMB_HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n", "--b\r\n\r\nx\r\n", "--b--" },
	{ "empty parts", BOMB_HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n", "--b\r\n", "--b--" },
	{ "nested parts", BOMB_HEAD, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", "\r\nx" },
	{ "nested messages", BOMB_HEAD, "Content-Type: message/rfc822\r\n\r\n", "\r\nx" },
	{ "nested messages in parts", BOMB_HEAD, "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\n", "\r\nx" },
	{ "headers of a part", BOMB_HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", "A: b\r\n",
	  "\r\nx\r\n--b--" },
	{ "dashes", BOMB_HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n", "--", "\r\n" },
	{ "lines that look like boundaries", BOMB_HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n", "--bb\r\n",
	  "--b--" },
	{ "empty lines", BOMB_HEAD "\r\n", "\r\n", "" },
	{ "carriage returns", BOMB_HEAD "\r\n", "\r", "" },
	{ "quoted-printable", BOMB_HEAD "Content-Transfer-Encoding: quoted-printable\r\n\r\n", "=3D=", "" },
	{ "base64", BOMB_HEAD "Content-Transfer-Encoding: base64\r\n\r\n", "QUNLCg==", "" },
	{ "uuencoded", BOMB_HEAD "Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a\r\n", "M", "" },
	{ "tags", BOMB_HEAD "Content-Type: text/html\r\n\r\n", "<blockquote>", "x" },
	{ "comments of HTML", BOMB_HEAD "Content-Type: text/html\r\n\r\n", "<!--", "x" },
	{ "styles that never end", BOMB_HEAD "Content-Type: text/html\r\n\r\n", "<style>", "x" },
	{ "entities", BOMB_HEAD "Content-Type: text/html\r\n\r\n", "&#1", "x" },
	{ "reported recipients",
	  BOMB_HEAD
	  "Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n",
	  "Final-Recipient: a;b\r\n\r\n", "--b--" },
	{ "bytes that are no text", BOMB_HEAD "Content-Type: text/plain; charset=utf-8\r\n\r\n", "\xFF\xC0", "" },
};

/* Owned: about so many bytes of it. */
static inline char *bomb_build(const struct bomb *b, size_t size, size_t *length)
{
	size_t unit = strlen(b->unit), count = size / unit;
	char *text = must_alloc(strlen(b->before) + count * unit + strlen(b->after) + 1), *to = stpcpy(text, b->before);
	for (size_t i = 0; i < count; i++)
		to = stpcpy(to, b->unit);
	*length = (size_t)(stpcpy(to, b->after) - text);
	return text;
}

/* Milliseconds of processor time to read it: the least of three. */
static inline double bomb_cost(const char *text, size_t length)
{
	double least = 1e9;
	for (int i = 0; i < 3; i++) {
		struct timespec a, b;
		struct parsed_mail m;
		struct err e;
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
		mail_parse(text, length, &m, &e);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
		record_finish(&parsed_mail_kind, &m);
		double took = (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6;
		least = took < least ? took : least;
	}
	return least;
}

#endif
