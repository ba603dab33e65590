/* A server on loopback: says its port, and answers each client's first line with what is in a file. */
#include "facts.h"

#include <arpa/inet.h>
#include <netinet/in.h>

int
main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	struct tls_config *config;
	struct tls *server, *conn;
	uint8_t *answer;
	size_t len, sent;
	char line[2048];
	ssize_t n;
	int listener, fd;

	if (argc != 3)
		return 2;
	folder = argv[1];
	alarm(60);
	signal(SIGPIPE, SIG_IGN);
	config = config_new();
	must(config, tls_config_set_keypair_file(config, path("ip.pem"), path("ip.key")), "pair");
	must(config, tls_config_set_session_lifetime(config, 7200), "lifetime");
	server = tls_server();
	if (tls_configure(server, config) != 0)
		give_up("server", tls_error(server));
	answer = file(argv[2], &len);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(listener, 5) != 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) != 0)
		give_up("listen", strerror(errno));
	say("port", "%d", ntohs(address.sin_port));
	while ((fd = accept(listener, NULL, NULL)) != -1) {
		if (tls_accept_socket(server, &conn, fd) != 0)
			give_up("tls_accept_socket", tls_error(server));
		n = tls_read(conn, line, sizeof(line) - 1);
		if (n > 0) {
			line[n] = '\0';
			line[strcspn(line, "\r\n")] = '\0';
			say("asked", "%s", line);
			for (sent = 0; sent < len; sent += n)
				if ((n = tls_write(conn, answer + sent, len - sent)) <= 0)
					break;
		} else
			say("refused", "%s", shown(tls_error(conn)));
		tls_close(conn);
		tls_free(conn);
		close(fd);
	}
	return 0;
}
