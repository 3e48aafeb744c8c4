/* SPDX-License-Identifier: Apache-2.0
 * Writes small files atomically: a temporary file of random name in the same directory, fsync, rename, fsync of the
 * directory. A power cut leaves the old file or the new one, never a part. */
#include "station/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "station/base/must.h"
#include "station/base/secret.h"

static int write_all(int fd, const char *bytes, size_t length)
{
	while (length) {
		ssize_t n = write(fd, bytes, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		bytes += n;
		length -= (size_t)n;
	}
	return 0;
}

/* The new name is durable only when the directory that holds it is. */
static int flush_directory(const char *path)
{
	char *copy = must_strdup(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	if (fd < 0)
		return -1;
	int rc = fsync(fd);
	close(fd);
	return rc;
}

static int write_temporary(const char *temporary, const void *bytes, size_t length, mode_t mode)
{
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -1;
	int rc = fchmod(fd, mode) || write_all(fd, bytes, length) || fsync(fd) ? -1 : 0;
	int error = errno;
	if (close(fd) && rc == 0)
		return -1;
	errno = error;
	return rc;
}

int file_write(const char *path, const void *bytes, size_t length, mode_t mode, enum file_place place, struct err *e)
{
	char *suffix = secret_random_hex(8), *temporary = must_format("%s.%s", path, suffix);
	free(suffix);
	int rc = write_temporary(temporary, bytes, length, mode);
	if (rc == 0)
		rc = renameat2(AT_FDCWD, temporary, AT_FDCWD, path, place == FILE_NEW ? RENAME_NOREPLACE : 0);
	int error = errno;
	if (rc)
		unlink(temporary);
	free(temporary);
	if (rc && place == FILE_NEW && error == EEXIST)
		return err_set(e, E_CONFLICT, NULL, "%s is there already.", path);
	if (rc)
		return err_set(e, E_STORAGE, NULL, "%s could not be written: %s.", path, strerror(error));
	if (flush_directory(path))
		return err_set(e, E_STORAGE, NULL, "The directory of %s could not be flushed to disk: %s.", path,
		               strerror(errno));
	return 0;
}

static char *read_open(int fd, const char *path, size_t max, size_t *length, struct err *e)
{
	char *text = must_alloc(max + 2);
	size_t have = 0;
	while (have <= max) {
		ssize_t n = read(fd, text + have, max + 1 - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_set(e, E_STORAGE, NULL, "%s could not be read: %s.", path, strerror(errno));
			free(text);
			return NULL;
		}
		if (n == 0)
			break;
		have += (size_t)n;
	}
	if (have > max) {
		err_set(e, E_TOO_LARGE, NULL, "%s is larger than the %zu bytes that such a file may have.", path, max);
		free(text);
		return NULL;
	}
	text[have] = '\0';
	if (length)
		*length = have;
	return text;
}

char *file_read(const char *path, size_t max, size_t *length, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		err_set(e, errno == ENOENT ? E_NOT_FOUND : E_STORAGE, NULL, "%s could not be opened: %s.", path,
		        strerror(errno));
		return NULL;
	}
	char *text = read_open(fd, path, max, length, e);
	close(fd);
	return text;
}
