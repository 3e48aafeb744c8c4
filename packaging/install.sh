#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what a section of the work needs, from Debian 12 itself: `packaging/install.sh build|check|vm [section...]`.
# Says what it installs, does nothing (and needs no network) when all is there, and without root prints the
# exact command to run instead.
set -euo pipefail

declare -A PACKAGES=(
	# Compiling and running the station; npm fetches the page's chart library.
	[build]="gcc make pkg-config libc6-dev libmicrohttpd-dev libgnutls28-dev libsqlite3-dev libjansson-dev
		libgpiod-dev libuv1-dev libgmime-3.0-dev libsodium-dev libical-dev libseccomp-dev libssl-dev libcairo2-dev libcurl4-gnutls-dev libjemalloc-dev ca-certificates tzdata nodejs npm"
	# Compiling with sanitizers, lint, real mail servers, the browser and what drives them.
	[check]="git libasan8 libubsan1 libtsan2 libcmocka-dev clang-format clang-tidy nodejs npm chromium
		postfix dovecot-imapd dovecot-pop3d dovecot-submissiond openssl sqlite3 procps"
	# What make bench measures beside the station: load on the HTTP face, and who else sends alarm mails.
	[bench]="wrk postfix prometheus-alertmanager"
	# libFuzzer, for make fuzz.
	[fuzz]="clang libclang-rt-14-dev"
	# The virtual machine with a real GPIO chip.
	[vm]="qemu-system-x86 busybox-static cpio kmod xz-utils gpiod linux-headers-amd64 linux-source-6.1"
)

# Node.js may also come from elsewhere than Debian: then the command is what counts.
installed() {
	case $1 in
	nodejs) command -v node >/dev/null ;;
	npm) command -v npm >/dev/null ;;
	*) [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]] ;;
	esac
}

missing=()
for section in "$@"; do
	for package in ${PACKAGES[$section]:?no such section: $section}; do
		installed "$package" || missing+=("$package")
	done
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

command="apt-get install -y --no-install-recommends ${missing[*]}"
if [[ $(id -u) != 0 ]]; then
	echo "Belfry needs packages of Debian that are not installed. Run this, then try again:"
	echo "  sudo $command"
	exit 1
fi >&2

echo "Installing with apt (for: $*): ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
# The package lists are fetched only when they do not know a package: apt-get --simulate tells.
apt-get install --simulate --no-install-recommends "${missing[@]}" >/dev/null 2>&1 || apt-get update -q
# Debian's postfix wants to start a server of its own; the tests start theirs, so none may be started here.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
	printf '#!/bin/sh\nexit 101\n' > $policy && chmod 755 $policy
	trap 'rm -f "$policy"' EXIT
fi
$command || { apt-get update -q && $command; }
