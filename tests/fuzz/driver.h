/* SPDX-License-Identifier: Apache-2.0
 * The targets: each takes any bytes and must neither crash nor break what its asserts say. libFuzzer drives one of them
 * (make fuzz F=NAME T=SECONDS), tests/unit/fuzz_test.c replays the kept corpora in every check. A new target is a file
 * NAME_fuzz.c here, NAME.dict, a word below and a folder corpus/NAME. */
#ifndef BELFRY_TESTS_FUZZ_DRIVER_H
#define BELFRY_TESTS_FUZZ_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#define FUZZ_TARGETS(X) X(smtp_reply) X(sasl) X(imap) X(pop3) X(reader)

#endif
