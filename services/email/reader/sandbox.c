/* SPDX-License-Identifier: Apache-2.0
 * The walls around the child. What is not on the list of calls fails with EPERM: so a library that asks for more goes on
 * without, and one that was taken over gets nothing. The one socket that it may read and write was given to it.
 * Memory and processor time are bounded, memory that can be executed cannot be made. */
#include <iconv.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "services/email/reader/reader_inside.h"

enum {
	CPU_SECONDS = 1, /* and another one for each: */
	BYTES_PER_SECOND = 8 * 1024 * 1024,
	MEMORY = 48 * 1024 * 1024, /* beyond what the program itself takes; and copies of the mail: */
	COPIES = 4                 /* GMime's own, its part's, decoded, and as UTF-8 */
};

/* Converters are files that iconv opens: those of the world's mails are opened before the doors close. */
static void load_charsets(void)
{
	static const char *const names[] = { "ISO-8859-1",  "ISO-8859-2",   "ISO-8859-5",   "ISO-8859-7",   "ISO-8859-9",
		                                 "ISO-8859-15", "WINDOWS-1250", "WINDOWS-1251", "WINDOWS-1252", "WINDOWS-1254",
		                                 "KOI8-R",      "GBK",          "GB18030",      "GB2312",       "BIG5",
		                                 "SHIFT_JIS",   "ISO-2022-JP",  "EUC-JP",       "EUC-KR",       "UTF-16",
		                                 "UTF-7",       "US-ASCII" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		(void)iconv_open("UTF-8", names[i]); /* stays open; one that is missing is only not known */
}

static bool limit(int what, rlim_t most)
{
	return setrlimit((__rlimit_resource_t)what, &(struct rlimit){ most, most }) == 0;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static bool limit_memory(size_t length) /* sanitizers reserve terabytes */
{
	(void)length;
	return true;
}
#else
static bool limit_memory(size_t length)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	bool known = f && fscanf(f, "%lu", &pages) == 1;
	if (f)
		fclose(f);
	return known && limit(RLIMIT_AS, (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + MEMORY + COPIES * length);
}
#endif

/* clang-format off */
static const int calls[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(close), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(futex), SCMP_SYS(clock_gettime),
	SCMP_SYS(getrandom), SCMP_SYS(sched_yield), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigaction),       SCMP_SYS(sigaltstack),
};
/* clang-format on */

bool sandbox_enter(size_t length)
{
	load_charsets();
	bool bounded = limit(RLIMIT_CPU, CPU_SECONDS + length / BYTES_PER_SECOND) && limit(RLIMIT_CORE, 0) &&
	    limit(RLIMIT_NPROC, 0) && limit_memory(length);
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(1 /* EPERM */));
	bool made = filter != NULL;
	for (size_t i = 0; made && i < sizeof calls / sizeof *calls; i++)
		made = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0) == 0;
	made = made &&
	    seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0 &&
	    seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0;
	bool closed = made && bounded && seccomp_load(filter) == 0; /* sets no_new_privs as well */
	if (filter)
		seccomp_release(filter);
	return closed;
}
