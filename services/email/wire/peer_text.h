/* SPDX-License-Identifier: Apache-2.0
 * What strangers write, made fit to be shown in a sentence or a transcript. Pure; any thread. */
#ifndef BELFRY_EMAIL_PEER_TEXT_H
#define BELFRY_EMAIL_PEER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Copies as much as fits, NUL-terminated, whole characters only: control characters become spaces, broken UTF-8 a question
 * mark. size is at least 1. */
void peer_text(char *to, size_t size, const char *from, size_t length);
/* Is the text valid UTF-8 without the control characters U+0080 to U+009F? */
bool peer_text_ok(const char *text);

#endif
