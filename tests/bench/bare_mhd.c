/* SPDX-License-Identifier: Apache-2.0
 * The least that libmicrohttpd does for one answer over TLS: what Belfry's own answers are measured against.
 * bare_mhd CERT KEY BODY: serves the bytes of the file BODY to every GET, as application/json, on a free port of
 * 127.0.0.1, which it prints; ends with its standard input. Same threads, TLS and memory settings as web/server.c. */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct text {
	char *bytes;
	size_t length;
};

static struct text read_file(const char *path)
{
	struct text text = { calloc(1, 1 << 20), 0 };
	FILE *file = fopen(path, "rb");
	if (!file || !text.bytes) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	text.length = fread(text.bytes, 1, (1 << 20) - 1, file);
	fclose(file);
	return text;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **request)
{
	(void)url, (void)method, (void)version, (void)upload, (void)upload_size;
	static int seen;
	if (!*request) {
		*request = &seen;
		return MHD_YES;
	}
	const struct text *body = context;
	struct MHD_Response *response = MHD_create_response_from_buffer(body->length, body->bytes, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(response, "Content-Type", "application/json");
	MHD_add_response_header(response, "Cache-Control", "no-store");
	enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: bare_mhd CERT KEY BODY\n");
		return 2;
	}
	struct text cert = read_file(argv[1]), key = read_file(argv[2]), body = read_file(argv[3]);
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TLS, 0, NULL, NULL, answer,
	                                             &body, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_HTTPS_MEM_CERT,
	                                             cert.bytes, MHD_OPTION_HTTPS_MEM_KEY, key.bytes, MHD_OPTION_END);
	if (!daemon) {
		fprintf(stderr, "bare_mhd: cannot start\n");
		return EXIT_FAILURE;
	}
	printf("%u\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
	fflush(stdout);
	while (getchar() != EOF)
		;
	MHD_stop_daemon(daemon);
	return EXIT_SUCCESS;
}
