/* What the test programs have in common: they print facts, one a line, which the tests compare. */
#ifndef FACTS_H
#define FACTS_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tls.h>

/* libretls lacks these. */
#pragma weak tls_peer_cert_common_name
#pragma weak tls_error_code
#pragma weak tls_config_error_code

static const char *folder;

static inline void
say(const char *name, const char *format, ...)
{
	va_list args;

	printf("%s = ", name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

static inline void
give_up(const char *what, const char *why)
{
	printf("gave up: %s: %s\n", what, why == NULL ? "(no error)" : why);
	fflush(stdout);
	exit(1);
}

static inline const char *
shown(const char *text)
{
	return text == NULL ? "(null)" : text;
}

/* The path of a file in the folder of the test; four at a time. */
static inline const char *
path(const char *name)
{
	static char paths[4][512];
	static int next;

	next = (next + 1) % 4;
	snprintf(paths[next], sizeof(paths[next]), "%s/%s", folder, name);
	return paths[next];
}

static inline uint8_t *
file(const char *name, size_t *len)
{
	uint8_t *bytes = tls_load_file(path(name), len, NULL);

	if (bytes == NULL)
		give_up(name, "cannot be read");
	return bytes;
}

/* One direction of a connection in memory, with room for little. */
struct pipe_of_bytes {
	unsigned char bytes[20000];
	size_t begin, end;
	int closed;
};

struct both {
	struct pipe_of_bytes *in, *out;
	/* Whether the callbacks say they wait for the other direction. */
	int crossed;
	long calls;
};

static inline ssize_t
read_cb(struct tls *ctx, void *buf, size_t len, void *arg)
{
	struct both *both = arg;
	size_t there = both->in->end - both->in->begin;

	(void)ctx;
	both->calls++;
	if (there == 0)
		return both->in->closed ? 0 : both->crossed ? TLS_WANT_POLLOUT : TLS_WANT_POLLIN;
	if (len > there)
		len = there;
	memcpy(buf, both->in->bytes + both->in->begin, len);
	both->in->begin += len;
	if (both->in->begin == both->in->end)
		both->in->begin = both->in->end = 0;
	return len;
}

static inline ssize_t
write_cb(struct tls *ctx, const void *buf, size_t len, void *arg)
{
	struct both *both = arg;
	size_t room = sizeof(both->out->bytes) - both->out->end;

	(void)ctx;
	both->calls++;
	if (room == 0)
		return both->crossed ? TLS_WANT_POLLIN : TLS_WANT_POLLOUT;
	if (len > room)
		len = room;
	memcpy(both->out->bytes + both->out->end, buf, len);
	both->out->end += len;
	return len;
}

/* A client and a server of one program, and what is between them. */
struct pair {
	struct tls *server, *conn, *client;
	struct pipe_of_bytes up, down;
	struct both at_client, at_server;
	int sockets[2], pipes[4];
	const char *transport;
};

static inline int
is_want(ssize_t n)
{
	return n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT;
}

static inline void
not_blocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* Begins a connection; what cannot be begun is an error for the caller to tell. */
static inline int
begin(struct pair *pair, struct tls_config *server, struct tls_config *client, const char *name)
{
	int i;

	for (i = 0; i < 2; i++)
		pair->sockets[i] = -1;
	for (i = 0; i < 4; i++)
		pair->pipes[i] = -1;
	if ((pair->server = tls_server()) == NULL || (pair->client = tls_client()) == NULL)
		give_up("contexts", "cannot be made");
	if (tls_configure(pair->server, server) != 0)
		give_up("server", tls_error(pair->server));
	if (tls_configure(pair->client, client) != 0)
		return -1;
	if (strcmp(pair->transport, "cbs") == 0 || strcmp(pair->transport, "crossed") == 0) {
		int crossed = strcmp(pair->transport, "crossed") == 0;

		memset(&pair->up, 0, sizeof(pair->up));
		memset(&pair->down, 0, sizeof(pair->down));
		pair->at_client = (struct both){ &pair->down, &pair->up, crossed, 0 };
		pair->at_server = (struct both){ &pair->up, &pair->down, crossed, 0 };
		if (tls_connect_cbs(pair->client, read_cb, write_cb, &pair->at_client, name) != 0)
			return -1;
		return tls_accept_cbs(pair->server, &pair->conn, read_cb, write_cb, &pair->at_server);
	}
	if (strcmp(pair->transport, "fds") == 0) {
		if (pipe(pair->pipes) != 0 || pipe(pair->pipes + 2) != 0)
			give_up("pipe", strerror(errno));
		for (i = 0; i < 4; i++)
			not_blocking(pair->pipes[i]);
		if (tls_connect_fds(pair->client, pair->pipes[0], pair->pipes[3], name) != 0)
			return -1;
		return tls_accept_fds(pair->server, &pair->conn, pair->pipes[2], pair->pipes[1]);
	}
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair->sockets) != 0)
		give_up("socketpair", strerror(errno));
	not_blocking(pair->sockets[0]);
	not_blocking(pair->sockets[1]);
	if (tls_connect_socket(pair->client, pair->sockets[0], name) != 0)
		return -1;
	return tls_accept_socket(pair->server, &pair->conn, pair->sockets[1]);
}

/* Has both sides shake hands, each as far as it gets; what each came to. */
static inline void
shake(struct pair *pair, int *client, int *server)
{
	int turns, ended_client = 0, ended_server = 0;

	*client = *server = TLS_WANT_POLLIN;
	for (turns = 0; turns < 2000 && (!ended_client || !ended_server); turns++) {
		if (!ended_client) {
			*client = tls_handshake(pair->client);
			ended_client = !is_want(*client);
			if (ended_client && *client != 0)
				pair->up.closed = 1;
		}
		if (!ended_server) {
			*server = tls_handshake(pair->conn);
			ended_server = !is_want(*server);
			if (ended_server && *server != 0)
				pair->down.closed = 1;
		}
	}
}

static inline void
end(struct pair *pair)
{
	int i;

	tls_free(pair->client);
	tls_free(pair->server);
	tls_free(pair->conn);
	for (i = 0; i < 2; i++)
		if (pair->sockets[i] != -1)
			close(pair->sockets[i]);
	for (i = 0; i < 4; i++)
		if (pair->pipes[i] != -1)
			close(pair->pipes[i]);
}

/* What a call came to: to be asked after it, not beside it. */
static inline const char *
came_to(long status, struct tls *ctx)
{
	static char text[8][512];
	static int next;
	char *into = text[next = (next + 1) % 8];

	snprintf(into, sizeof(text[0]), "%ld %s", status, shown(tls_error(ctx)));
	return into;
}

static inline struct tls_config *
config_new(void)
{
	struct tls_config *config = tls_config_new();

	if (config == NULL)
		give_up("tls_config_new", NULL);
	return config;
}

static inline void
must(struct tls_config *config, int status, const char *what)
{
	if (status != 0)
		give_up(what, tls_config_error(config));
}

#endif
