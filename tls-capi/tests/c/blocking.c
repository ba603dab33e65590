/* Blocking sockets: nothing ever waits for what need not be waited for, and TCP is the library's own. */
#include "facts.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static void
serve(int listener, struct tls_config *config, int truncate)
{
	struct tls *server = tls_server(), *conn = NULL;
	char buf[4096];
	ssize_t n;
	int fd;

	if (tls_configure(server, config) != 0)
		give_up("server", tls_error(server));
	if ((fd = accept(listener, NULL, NULL)) == -1)
		give_up("accept", strerror(errno));
	if (tls_accept_socket(server, &conn, fd) != 0)
		give_up("tls_accept_socket", tls_error(server));
	while ((n = tls_read(conn, buf, sizeof(buf))) > 0)
		if (tls_write(conn, buf, n) != n)
			give_up("server writes", tls_error(conn));
		else if (truncate)
			break;
	if (!truncate)
		tls_close(conn);
	tls_free(conn);
	tls_free(server);
	close(fd);
}

static void
talk(struct tls *ctx, const char *what)
{
	char buf[16], name[64];
	ssize_t n;

	snprintf(name, sizeof(name), "%s writes", what);
	errno = 4711;
	n = tls_write(ctx, "hello", 5);
	say(name, "%zd %d", n, errno);
	snprintf(name, sizeof(name), "%s reads", what);
	n = tls_read(ctx, buf, sizeof(buf));
	say(name, "%zd %.5s %s", n, n == 5 ? buf : "", shown(tls_error(ctx)));
}

int
main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	struct tls_config *server, *client;
	struct tls *ctx;
	char port[16], both[64], byte;
	int listener, round;
	pid_t child;

	if (argc != 2)
		return 2;
	folder = argv[1];
	if (tls_init() != 0)
		give_up("tls_init", NULL);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(listener, 5) != 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) != 0)
		give_up("listen", strerror(errno));
	snprintf(port, sizeof(port), "%d", ntohs(address.sin_port));
	snprintf(both, sizeof(both), "127.0.0.1:%s", port);
	server = config_new();
	client = config_new();
	must(server, tls_config_set_keypair_file(server, path("ip.pem"), path("ip.key")), "pair");
	must(server, tls_config_set_session_lifetime(server, 7200), "lifetime");
	must(client, tls_config_set_ca_file(client, path("ca.pem")), "CA");
	for (round = 0; round < 4; round++) {
		fflush(stdout);
		if ((child = fork()) == 0) {
			alarm(60);
			serve(listener, server, round == 3);
			_exit(0);
		}
		ctx = tls_client();
		if (tls_configure(ctx, client) != 0)
			give_up("client", tls_error(ctx));
		if (round == 0)
			say("host and port", "%d", tls_connect(ctx, "127.0.0.1", port));
		else if (round == 1)
			say("both in one", "%d", tls_connect(ctx, both, NULL));
		else
			say("another name", "%d", tls_connect_servername(ctx, "127.0.0.1", port, "ip.test"));
		say("shakes hands", "%s", came_to(tls_handshake(ctx), ctx));
		talk(ctx, "client");
		if (round == 3)
			say("end without notice", "%zd", tls_read(ctx, &byte, 1));
		say("closes", "%s", came_to(tls_close(ctx), ctx));
		tls_free(ctx);
		waitpid(child, NULL, 0);
	}
	close(listener);
	ctx = tls_client();
	say("nobody there", "%d", tls_connect(ctx, "127.0.0.1", port));
	tls_free(ctx);
	tls_config_free(client);
	tls_config_free(server);
	return 0;
}
