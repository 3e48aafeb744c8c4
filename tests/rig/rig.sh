#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A virtual machine with a real GPIO chip, for the tests that a fake cannot replace.
#
#   rig.sh prepare           once for each kernel: kernel image, modules, gpio-sim, initial ram disk   (about 20 s)
#   rig.sh run 'COMMAND...'  boots, runs COMMAND in the guest as root, powers off                      (8 s and COMMAND)
#   rig.sh shell             boots; standard input and output are a root shell in the guest, until it is told to exit
#
# The guest is Debian's own kernel. Its file tree is the host's, mounted read-only: the very binaries of this build run
# there, beside a chip "plant" with the input lines DI0 to DI7 and the output lines DO0 to DO7. Only /run can be
# written. In the guest, $SIM is the chip's folder in sysfs: `echo pull-up > $SIM/sim_gpio0/pull` raises DI0,
# `cat $SIM/sim_gpio8/value` reads DO0. The host's 127.0.0.1 is 10.0.2.2 there; nothing else of the network is seen.
#
# Settings from the environment:
#   RIG_DIR      where the rig lives (default: build/rig of this project; 25 MB)
#   RIG_FORWARD  ports of the host's 127.0.0.1 that lead into the guest: "18080:8080 18443:8443"
#   RIG_TIMEOUT  seconds until the guest is stopped (default 120)
#   RIG_SERIAL   file for the guest's console (default: $RIG_DIR/serial)
#
# Exit: the COMMAND's success or failure; 77 with a reason on standard output when this machine lacks something.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
dir=$(realpath -m "${RIG_DIR:-$here/../../build/rig}")
kernels=/usr/src/linux-headers-6.1.0-*-amd64
packages="qemu-system-x86 busybox-static cpio kmod xz-utils make gcc linux-headers-amd64 linux-source-6.1"
sources=/usr/src/linux-source-6.1.tar.xz

skip() {
	echo "SKIP: $*"
	exit 77
}

# The newest installed header package says which kernel is used.
kernel() {
	ls -d $kernels 2>/dev/null | grep -v -e cloud -e rt | sort -V | tail -1 | sed 's/.*linux-headers-//'
}

check_machine() {
	[ "$(uname -m)" = x86_64 ] || skip "the rig's machine is x86_64; this one is $(uname -m)"
	[ "$(id -u)" = 0 ] || skip "the rig needs root: the guest reads the host's whole file tree"
	for tool in qemu-system-x86_64 busybox cpio modprobe xz; do
		command -v $tool >/dev/null || skip "$tool is missing: apt-get install --no-install-recommends $packages"
	done
	[ -n "$(kernel)" ] && [ -f $sources ] || skip "kernel headers or source are missing: apt-get install --no-install-recommends $packages"
}

# Only the kernel and a dozen modules of its package are used; it is not installed.
fetch_kernel() {
	local version=$1
	(cd "$dir" && apt-get download "linux-image-$version" >/dev/null 2>&1) ||
		skip "the package linux-image-$version cannot be downloaded; apt-get update may help"
	dpkg-deb --fsys-tarfile "$dir/linux-image-${version}"_*.deb | tar -x -C "$dir/kernel" --wildcards \
		'./boot/vmlinuz-*' './lib/modules/*/modules.*' \
		'./lib/modules/*/kernel/drivers/virtio/*' './lib/modules/*/kernel/drivers/net/virtio_net.ko' \
		'./lib/modules/*/kernel/drivers/net/net_failover.ko' './lib/modules/*/kernel/net/core/failover.ko' \
		'./lib/modules/*/kernel/net/9p/*' './lib/modules/*/kernel/fs/9p/*' './lib/modules/*/kernel/fs/netfs/*' \
		'./lib/modules/*/kernel/fs/fscache/*' './lib/modules/*/kernel/fs/configfs/*'
	rm -f "$dir"/linux-image-*.deb
	depmod -b "$dir/kernel" "$version"
}

# gpio-sim, the simulated chip of the kernel's own tests, is not in Debian's kernel: it is built as a module together
# with the interrupt simulator that it needs. irq_to_desc() is not open to modules, hence the one change.
build_module() {
	local version=$1
	tar -xJf $sources -C "$dir/module" --transform='s,.*/,,' linux-source-6.1/drivers/gpio/gpio-sim.c \
		linux-source-6.1/drivers/gpio/gpiolib.h linux-source-6.1/kernel/irq/irq_sim.c
	sed -i 's/handle_simple_irq(irq_to_desc(irqnum))/generic_handle_irq(irqnum)/' "$dir/module/irq_sim.c"
	printf 'obj-m := simgpio.o\nsimgpio-y := gpio-sim.o irq_sim.o\n' >"$dir/module/Makefile"
	make -s -C "/usr/src/linux-headers-$version" M="$dir/module" modules >"$dir/module/log" 2>&1 || {
		cat "$dir/module/log"
		exit 1
	}
}

build_ramdisk() {
	local version=$1 root module
	root=$(mktemp -d)
	mkdir -p "$root"/{bin,modules,proc,sys,dev,host}
	cp "$(command -v busybox)" "$root/bin/busybox"
	for tool in sh mount mkdir insmod cat echo ip chroot poweroff sed; do ln -s busybox "$root/bin/$tool"; done
	for module in configfs virtio_pci virtio_net 9pnet_virtio 9p; do
		modprobe -d "$dir/kernel" -S "$version" --show-depends $module
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r file; do
		cp "$file" "$root/modules/"
		basename "$file" >>"$root/modules/order"
	done
	cp "$dir/module/simgpio.ko" "$root/modules/"
	strip --strip-debug "$root/modules/simgpio.ko"
	echo simgpio.ko >>"$root/modules/order"
	install -m 755 "$here/guest-init" "$root/init"
	(cd "$root" && find . | cpio -o -H newc --quiet -R 0:0 | gzip -1) >"$dir/initrd.gz"
	rm -rf "$root"
}

prepare() {
	local version
	check_machine
	version=$(kernel)
	if [ ! -f "$dir/ready" ] || [ "$(cat "$dir/ready")" != "$version" ]; then
		rm -rf "$dir"
		mkdir -p "$dir/kernel" "$dir/module"
		fetch_kernel "$version"
		build_module "$version"
	fi
	[ "$dir/initrd.gz" -nt "$here/guest-init" ] || build_ramdisk "$version"
	echo "$version" >"$dir/ready"
}

# boot CONSOLE COMMAND: CONSOLE is more of qemu's command line; descriptor 3 is qemu's standard input.
boot() {
	local version forward="" pair serial status=0 console=$1
	shift
	check_machine
	[ -f "$dir/ready" ] || { echo "rig.sh: run '$0 prepare' first"; exit 1; }
	version=$(cat "$dir/ready")
	serial=${RIG_SERIAL:-$dir/serial}
	for pair in ${RIG_FORWARD:-}; do forward+=",hostfwd=tcp:127.0.0.1:${pair%%:*}-:${pair##*:}"; done
	printf 'export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/run TMPDIR=/run\n' >"$serial.cmd"
	printf 'export SIM=/sys/devices/platform/gpio-sim.0/gpiochip0 PLANT=/sys/kernel/config/gpio-sim/plant\ncd %q\n%s\n' \
		"$PWD" "$*" >>"$serial.cmd"
	: >"$serial"
	# romfile= keeps the card's boot code away; multidevs=remap, since the host's tree spans several file systems
	timeout "${RIG_TIMEOUT:-120}" qemu-system-x86_64 -accel tcg,thread=multi -smp 2 -m 1024 -display none -monitor none \
		-no-reboot -nodefaults -serial "file:$serial" $console -kernel "$dir/kernel/boot/vmlinuz-$version" -initrd "$dir/initrd.gz" \
		-append "console=ttyS0 panic=-1 quiet rigcmd=$serial.cmd" \
		-netdev "user,id=n$forward" -device virtio-net-pci,netdev=n,romfile= \
		-virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap <&3 3<&- || status=$?
	[ $status -ne 124 ] || echo "rig.sh: the guest was stopped after ${RIG_TIMEOUT:-120} s" >&2
	grep -q '^RIG rc=0' "$serial"
}

run() {
	local status=0
	boot "" "$@" 3</dev/null || status=$?
	sed -n '/^RIG up/,$p' "${RIG_SERIAL:-$dir/serial}" | tr -d '\r'
	return $status
}

# The guest's second serial port is this program's standard input and output. Nothing may be written before the line
# "RIG shell" has come. The pipe in front of bash keeps it from taking the port for a terminal with a person at it.
shell() {
	boot "-chardev stdio,id=shell,signal=off -serial chardev:shell" \
		'stty raw -echo </dev/ttyS1; exec >/dev/ttyS1 2>&1; echo RIG shell; exec bash < <(exec cat /dev/ttyS1)' 3<&0
}

case ${1:-} in
prepare) prepare ;;
run) shift; run "$@" ;;
shell) shell ;;
*) sed -n '3,23s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
