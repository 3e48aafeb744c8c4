/* SPDX-License-Identifier: Apache-2.0
 * The child: takes the mail from the socket, closes the door behind itself, parses, answers one JSON object, ends. Nothing of
 * the station is in this process: it is a fresh start of the program. */
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/email/reader/reader.h"
#include "services/email/reader/reader_inside.h"

/* The bytes up to the end of the input; NULL when there are more than a mail may have. */
static char *take_in(size_t *length)
{
	char *bytes = malloc(MAIL_BYTES_MAX + 1);
	*length = 0;
	while (bytes && *length <= MAIL_BYTES_MAX) {
		ssize_t n = read(STDIN_FILENO, bytes + *length, MAIL_BYTES_MAX + 1 - *length);
		if (n <= 0)
			return n == 0 ? bytes : NULL;
		*length += (size_t)n;
	}
	return NULL;
}

static bool give_out(const char *text)
{
	for (size_t left = text ? strlen(text) : 0; left > 0;) {
		ssize_t n = write(STDOUT_FILENO, text, left);
		if (n <= 0)
			return false;
		text += n;
		left -= (size_t)n;
	}
	return text != NULL;
}

static json_t *read_mail(const char *bytes, size_t length)
{
	struct parsed_mail m = { 0 };
	struct err e = { 0 };
	int code = mail_parse(bytes, length, &m, &e);
	if (code == 0)
		return json_pack("{s:o}", "mail", record_to_json(&parsed_mail_kind, &m));
	return json_pack("{s:i, s:s}", "code", code, "error", e.text);
}

/* Ends without cleaning up: the kernel does that better, and no exit handler of a library may ask for what is forbidden. */
void reader_child(void)
{
	size_t length;
	close_range(3, ~0U, 0);
	signal(SIGPIPE, SIG_DFL);
	char *bytes = take_in(&length);
	g_mime_init();
	if (!bytes || !sandbox_enter(length))
		_exit(EXIT_FAILURE);
	json_t *answer = read_mail(bytes, length);
	char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
	_exit(give_out(text) ? EXIT_SUCCESS : EXIT_FAILURE);
}
