#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fuzzes what the reader's child does with a mail: tests/fuzz/run.sh [SECONDS]. Needs clang and a debug build; findings and new
# inputs are left in build/fuzz.
set -e
cd "$(dirname "$0")/../.."
packages=$(sed -n 's/^PACKAGES := //p' Makefile)
mkdir -p build/fuzz/found
# shellcheck disable=SC2086
clang -std=gnu11 -I. -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined $(pkg-config --cflags $packages) \
	-o build/fuzz/reader tests/fuzz/reader.c services/email/reader/mail_*.c services/email/reader/parsed_mail.c \
	build/debug/libbelfry.a $(pkg-config --libs $packages) -lm
cd build/fuzz
exec ./reader -max_total_time="${1:-600}" -timeout=10 -rss_limit_mb=512 -max_len=20000 found ../../tests/fuzz/reader
