/* SPDX-License-Identifier: Apache-2.0
 * The page's files: all read at start into a fixed list, so that no path of a request ever touches the file system.
 * Addresses without a file ending belong to the page itself and get index.html. Web thread after start. */
#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "station/must.h"
#include "web/server.h"

enum { FILE_MAX_BYTES = 4 << 20, FILES_MAX = 400 };

static const struct { const char *ending, *type; } types[] = {
	{ ".html", "text/html; charset=utf-8" }, { ".js", "text/javascript; charset=utf-8" }, { ".css", "text/css; charset=utf-8" },
	{ ".svg", "image/svg+xml" }, { ".json", "application/json" }, { ".webmanifest", "application/manifest+json" }, { ".png", "image/png" },
};

static const char *type_of(const char *path)
{
	const char *dot = strrchr(path, '.');
	for (size_t i = 0; dot && i < ARRAY_SIZE(types); i++)
		if (strcmp(types[i].ending, dot) == 0)
			return types[i].type;
	return NULL;
}

static int read_file(struct web *w, const char *file, const char *path, size_t size, struct err *e)
{
	FILE *f = fopen(file, "rbe");
	struct asset a = { .bytes = must_alloc(size + 1), .length = size };
	bool ok = f && fread(a.bytes, 1, size, f) == size;
	if (f)
		fclose(f);
	if (!ok) {
		free(a.bytes);
		return err_set(e, E_INTERNAL, NULL, "The page file %s could not be read: %s.", file, strerror(errno));
	}
	unsigned char hash[16];
	char hex[33];
	crypto_generichash(hash, sizeof hash, (const unsigned char *)a.bytes, size, NULL, 0);
	snprintf(a.etag, sizeof a.etag, "\"%s\"", sodium_bin2hex(hex, sizeof hex, hash, sizeof hash));
	a.path = must_strdup(path);
	a.type = must_strdup(type_of(path));
	w->assets = must_realloc(w->assets, (w->asset_count + 1) * sizeof a);
	w->assets[w->asset_count++] = a;
	return 0;
}

static int read_directory(struct web *w, const char *directory, const char *path, struct err *e)
{
	DIR *d = opendir(directory);
	if (!d)
		return err_set(e, E_INTERNAL, NULL, "The page files in %s cannot be read: %s. Name their place with --www DIR.", directory, strerror(errno));
	int rc = 0;
	struct dirent *entry;
	while (rc == 0 && (entry = readdir(d))) {
		struct stat st;
		if (entry->d_name[0] == '.')
			continue;
		char *file = must_format("%s/%s", directory, entry->d_name), *name = must_format("%s/%s", path, entry->d_name);
		if (stat(file, &st) == 0 && S_ISDIR(st.st_mode))
			rc = read_directory(w, file, name, e);
		else if (stat(file, &st) == 0 && S_ISREG(st.st_mode) && type_of(name) && st.st_size <= FILE_MAX_BYTES && w->asset_count < FILES_MAX)
			rc = read_file(w, file, name, (size_t)st.st_size, e);
		free(file);
		free(name);
	}
	closedir(d);
	return rc;
}

int assets_load(struct web *w, const char *directory, struct err *e)
{
	return read_directory(w, directory, "", e);
}

void assets_free(struct web *w)
{
	for (size_t i = 0; i < w->asset_count; i++) {
		free(w->assets[i].path);
		free(w->assets[i].type);
		free(w->assets[i].bytes);
	}
	free(w->assets);
}

static const struct asset *find(const struct web *w, const char *path)
{
	for (size_t i = 0; i < w->asset_count; i++)
		if (strcmp(w->assets[i].path, path) == 0)
			return &w->assets[i];
	return NULL;
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, struct MHD_Response *response)
{
	must(response != NULL);
	response_protect(response, false);
	enum MHD_Result rc = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return rc;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, int code)
{
	struct err e = { .code = code };
	unsigned status;
	struct MHD_Response *response = response_problem(&e, false, &status);
	enum MHD_Result rc = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return rc;
}

enum MHD_Result asset_answer(struct web *w, struct MHD_Connection *connection, const char *path, bool get)
{
	const struct asset *a = find(w, path);
	const char *last = strrchr(path, '/');
	if (!get)
		return refuse(connection, E_METHOD);
	if (!a && !strchr(last, '.'))
		a = find(w, "/index.html");
	if (!a)
		return refuse(connection, E_NOT_FOUND);
	const char *known = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "If-None-Match");
	bool same = known && strcmp(known, a->etag) == 0;
	struct MHD_Response *response = MHD_create_response_from_buffer(same ? 0 : a->length, a->bytes, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(response, "Content-Type", a->type);
	MHD_add_response_header(response, "ETag", a->etag);
	MHD_add_response_header(response, "Cache-Control", "no-cache");
	return answer(connection, same ? 304 : 200, response);
}
