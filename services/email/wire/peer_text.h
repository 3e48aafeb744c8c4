/* SPDX-License-Identifier: Apache-2.0
 * What strangers write, made fit to be shown in a sentence or a transcript. Pure; any thread. */
#ifndef BELFRY_EMAIL_PEER_TEXT_H
#define BELFRY_EMAIL_PEER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Copies as much as fits, NUL-terminated, whole characters only: control characters become spaces, broken UTF-8 a question
 * mark. size is at least 1. */
void peer_text(char *to, size_t size, const char *from, size_t length);

#endif
