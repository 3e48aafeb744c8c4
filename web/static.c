/* SPDX-License-Identifier: Apache-2.0
 * The pages of the user interface: all files of one directory, read at start into responses that are only handed out.
 * No path from a request ever touches the file system. Constant once read; sent by the web thread. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "station/base/log.h"
#include "station/base/must.h"
#include "web/server.h"

enum { FILE_MAX = 4194304, FILES_MAX = 1000, DEPTH_MAX = 8 };

struct page {
	char *path; /* owned, "/js/main.js" */
	char etag[40];
	struct MHD_Response *full, *unchanged; /* owned */
};
struct pages {
	struct page *items; /* owned */
	size_t count;
	const struct page *index;
};

static const struct {
	const char *ending, *type;
} types[] = {
	{ ".html", "text/html; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".mjs", "text/javascript; charset=utf-8" },
	{ ".json", "application/json" },
	{ ".webmanifest", "application/manifest+json" },
	{ ".svg", "image/svg+xml" },
	{ ".png", "image/png" },
	{ ".ico", "image/x-icon" },
	{ ".woff2", "font/woff2" },
	{ ".txt", "text/plain; charset=utf-8" },
};

static const char *type_of(const char *name)
{
	size_t length = strlen(name);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		size_t ending = strlen(types[i].ending);
		if (length > ending && strcmp(name + length - ending, types[i].ending) == 0)
			return types[i].type;
	}
	return NULL;
}

/* --- headers ------------------------------------------------------------------------------------------------------- */

struct header {
	const char *name, *value;
};

/* No script but our files, no style in attributes, nothing from elsewhere, no frame around us; and the DOM takes HTML
 * only from the one policy that the pages make. */
static const struct header page_headers[] = {
	{ "Content-Security-Policy",
	  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
	  "worker-src 'self'; font-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; "
	  "base-uri 'none'; require-trusted-types-for 'script'; trusted-types belfry" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "X-Frame-Options", "DENY" },
	{ "Strict-Transport-Security", "max-age=31536000" },
	{ "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()" },
	{ "Cache-Control", "no-cache" },
};
static const struct header all_headers[] = {
	{ "X-Content-Type-Options", "nosniff" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
};

static void add_headers(struct MHD_Response *response, const struct header *headers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		must(MHD_add_response_header(response, headers[i].name, headers[i].value) == MHD_YES);
}

void harden_response(struct MHD_Response *response)
{
	static const struct header api = { "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'" };
	add_headers(response, &api, 1);
	add_headers(response, all_headers, ARRAY_SIZE(all_headers));
}

/* Takes bytes (NULL: none). */
static struct MHD_Response *make_response(char *bytes, size_t length, const char *type, const char *etag)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
	    length, bytes ? bytes : "", bytes ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
	must(response != NULL);
	add_headers(response, page_headers, ARRAY_SIZE(page_headers));
	add_headers(response, all_headers, ARRAY_SIZE(all_headers));
	const struct header own[] = { { "Content-Type", type }, { "ETag", etag } };
	add_headers(response, own, ARRAY_SIZE(own));
	return response;
}

/* --- reading ------------------------------------------------------------------------------------------------------- */

static char *read_all(int fd, size_t size)
{
	char *bytes = malloc(size + 1);
	size_t got = 0;
	while (bytes && got < size) {
		ssize_t n = read(fd, bytes + got, size - got);
		if (n <= 0 && !(n < 0 && errno == EINTR)) {
			free(bytes);
			return NULL;
		}
		got += n > 0 ? (size_t)n : 0;
	}
	return bytes;
}

static void add_page(struct pages *pages, const char *path, const char *type, char *bytes, size_t length)
{
	unsigned char hash[crypto_generichash_BYTES_MIN];
	char hex[2 * sizeof hash + 1];
	crypto_generichash(hash, sizeof hash, (unsigned char *)bytes, length, NULL, 0);
	sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
	pages->items = must_realloc(pages->items, (pages->count + 1) * sizeof *pages->items);
	struct page *page = &pages->items[pages->count++];
	*page = (struct page){ .path = must_strdup(path) };
	snprintf(page->etag, sizeof page->etag, "\"%s\"", hex);
	page->full = make_response(bytes, length, type, page->etag);
	page->unchanged = make_response(NULL, 0, type, page->etag);
}

static int read_file_at(struct pages *pages, int directory, const char *name, const char *path, struct err *e)
{
	const char *type = type_of(name);
	struct stat st;
	int fd = type ? openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	if (fd < 0)
		return 0; /* what a browser cannot use stays out */
	char *bytes = NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= FILE_MAX && pages->count < FILES_MAX)
		bytes = read_all(fd, (size_t)st.st_size);
	close(fd);
	if (!bytes)
		return err_set(e, E_STORAGE, NULL, "The page %s cannot be read, or is too large.", path);
	add_page(pages, path, type, bytes, (size_t)st.st_size);
	return 0;
}

/* Takes fd. */
static int read_directory(struct pages *pages, int fd, const char *path, int depth, struct err *e)
{
	DIR *directory = fdopendir(fd);
	must(directory != NULL);
	int rc = 0;
	for (struct dirent *entry; rc == 0 && (entry = readdir(directory));) {
		if (*entry->d_name == '.')
			continue;
		char *below = must_format("%s/%s", path, entry->d_name);
		int child = depth < DEPTH_MAX ? openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW) : -1;
		rc = child >= 0 ? read_directory(pages, child, below, depth + 1, e)
		                : read_file_at(pages, fd, entry->d_name, below, e);
		free(below);
	}
	closedir(directory);
	return rc;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct page *)a)->path, ((const struct page *)b)->path);
}

static const struct page *find(const struct pages *pages, const char *path)
{
	struct page key = { .path = (char *)path };
	return pages->count ? bsearch(&key, pages->items, pages->count, sizeof key, by_path) : NULL;
}

int pages_load(const char *directory, struct pages **out, struct err *e)
{
	*out = must_alloc(sizeof **out);
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		log_warn("the pages in %s cannot be read (%s): only the REST interface is served", directory, strerror(errno));
		return 0;
	}
	int rc = read_directory(*out, fd, "", 0, e);
	if (rc != 0)
		return rc;
	if ((*out)->count)
		qsort((*out)->items, (*out)->count, sizeof *(*out)->items, by_path);
	(*out)->index = find(*out, "/index.html");
	return 0;
}

void pages_free(struct pages **pages)
{
	if (!*pages)
		return;
	for (size_t i = 0; i < (*pages)->count; i++) {
		free((*pages)->items[i].path);
		MHD_destroy_response((*pages)->items[i].full);
		MHD_destroy_response((*pages)->items[i].unchanged);
	}
	free((*pages)->items);
	free(*pages);
	*pages = NULL;
}

/* --- serving ------------------------------------------------------------------------------------------------------- */

const struct page *pages_find(const struct pages *pages, const char *path)
{
	const struct page *page = find(pages, path);
	return page || type_of(path) ? page : pages->index; /* the index draws what only the browser knows */
}

enum MHD_Result page_send(const struct page *page, struct MHD_Connection *mhd, const char *if_none_match)
{
	if (etag_listed(if_none_match, page->etag))
		return MHD_queue_response(mhd, MHD_HTTP_NOT_MODIFIED, page->unchanged);
	return MHD_queue_response(mhd, MHD_HTTP_OK, page->full);
}
