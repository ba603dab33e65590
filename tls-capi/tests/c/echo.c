/* An echo over each transport, twice: the second connection resumes the session of the first. */
#include "facts.h"

static unsigned char sent[100000], echoed[sizeof(sent)], received[sizeof(sent)];

/* Sends everything there and back, in pieces as they come, from buffers that move. */
static void
echo(struct pair *pair)
{
	size_t up = 0, at_server = 0, down = 0, back = 0, turns;
	static unsigned char moved[2][16384];
	ssize_t n;
	size_t len;

	for (turns = 0; turns < 100000 && back < sizeof(sent); turns++) {
		if (up < sizeof(sent)) {
			/* A retry has the same bytes at another place. */
			len = sizeof(sent) - up < 16384 ? sizeof(sent) - up : 16384;
			memcpy(moved[turns % 2], sent + up, len);
			n = tls_write(pair->client, moved[turns % 2], len);
			if (n > 0)
				up += n;
			else if (!is_want(n))
				give_up("client writes", tls_error(pair->client));
		}
		n = tls_read(pair->conn, echoed + at_server, sizeof(sent) - at_server);
		if (n > 0)
			at_server += n;
		else if (!is_want(n) && at_server < sizeof(sent))
			give_up("server reads", tls_error(pair->conn));
		if (down < at_server) {
			len = at_server - down < 16384 ? at_server - down : 16384;
			n = tls_write(pair->conn, echoed + down, len);
			if (n > 0)
				down += n;
			else if (!is_want(n))
				give_up("server writes", tls_error(pair->conn));
		}
		n = tls_read(pair->client, received + back, sizeof(sent) - back);
		if (n > 0)
			back += n;
		else if (!is_want(n))
			give_up("client reads", tls_error(pair->client));
	}
	say("echo is the same", "%d", memcmp(sent, received, sizeof(sent)) == 0);
}

static void
connection(struct tls_config *server, struct tls_config *client, const char *transport)
{
	struct pair pair = { .transport = transport };
	int at_client, at_server;
	char byte;
	ssize_t n;

	if (begin(&pair, server, client, "a.test") != 0)
		give_up("begin", tls_error(pair.client));
	/* The server may go as soon as it has accepted; in libretls it may not. */
	if (getenv("LIBRETLS") == NULL) {
		tls_free(pair.server);
		pair.server = NULL;
	}
	shake(&pair, &at_client, &at_server);
	say("client shakes hands", "%s", came_to(at_client, pair.client));
	say("server shakes hands", "%s", came_to(at_server, pair.conn));
	say("again", "%s", came_to(tls_handshake(pair.client), pair.client));
	say("version", "%s", shown(tls_conn_version(pair.client)));
	echo(&pair);
	say("resumed", "%d %d", tls_conn_session_resumed(pair.client),
	    tls_conn_session_resumed(pair.conn));
	say("nothing is written", "%zd", tls_write(pair.client, "", 0));
	while (is_want(n = tls_close(pair.client)))
		;
	say("client closes", "%zd", n);
	say("writes after that", "%zd", tls_write(pair.client, "x", 1));
	while (is_want(n = tls_read(pair.conn, &byte, 1)))
		;
	say("server reads the end", "%zd", n);
	while (is_want(n = tls_close(pair.conn)))
		;
	say("server closes", "%zd", n);
	while (is_want(n = tls_read(pair.client, &byte, 1)))
		;
	say("client reads the end", "%zd", n);
	say("twice", "%d", tls_close(pair.client));
	end(&pair);
}

int
main(int argc, char **argv)
{
	struct tls_config *server, *client;
	unsigned char key[TLS_TICKET_KEY_SIZE];
	uint32_t protocols;
	size_t i;
	int fd;

	if (argc != 4)
		return 2;
	folder = argv[1];
	for (i = 0; i < sizeof(sent); i++)
		sent[i] = i * 7 + i / 251;
	if (tls_init() != 0 || tls_config_parse_protocols(&protocols, argv[3]) != 0)
		give_up("tls_init", NULL);
	server = config_new();
	client = config_new();
	must(server, tls_config_set_protocols(server, protocols), "protocols");
	must(server, tls_config_set_keypair_file(server, path("a.pem"), path("a.key")), "key pair");
	must(server, tls_config_set_session_lifetime(server, 7200), "lifetime");
	memset(key, 1, sizeof(key));
	must(server, tls_config_add_ticket_key(server, 1, key, sizeof(key)), "ticket key");
	must(client, tls_config_set_ca_file(client, path("ca.pem")), "CA");
	if ((fd = open(path("session"), O_RDWR | O_CREAT | O_TRUNC, 0600)) == -1)
		give_up("session", strerror(errno));
	must(client, tls_config_set_session_fd(client, fd), "session file");
	connection(server, client, argv[2]);
	/* The key that made the ticket is not the newest any more. */
	memset(key, 2, sizeof(key));
	must(server, tls_config_add_ticket_key(server, 2, key, sizeof(key)), "ticket key");
	connection(server, client, argv[2]);
	/* Another configuration with the same file, which is what another program has. */
	tls_config_free(client);
	client = config_new();
	must(client, tls_config_set_ca_file(client, path("ca.pem")), "CA");
	must(client, tls_config_set_session_fd(client, fd), "session file");
	connection(server, client, argv[2]);
	tls_config_free(client);
	tls_config_free(server);
	close(fd);
	return 0;
}
