/* SPDX-License-Identifier: Apache-2.0
 * Milliseconds that the reader takes for mails of 256 KiB, a line each: first a plain one, then each complexity bomb, with its
 * name. */
#include <gmime/gmime.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/bombs.h"

enum { SIZE = 255 * 1024 };
static const struct bomb plain = { "a plain mail", BOMB_HEAD "\r\n", "Nobody is there; I go and look.\r\n", "" };

static void measure(const struct bomb *b)
{
	size_t length;
	char *text = bomb_build(b, SIZE, &length);
	printf("%.2f %s\n", bomb_cost(text, length), b->name);
	free(text);
}

int main(void)
{
	g_mime_init();
	measure(&plain);
	for (size_t i = 0; i < ARRAY_SIZE(bombs); i++)
		measure(&bombs[i]);
	return 0;
}
