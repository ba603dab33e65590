/* Peers: who they are, who is refused, and what OCSP says. */
#include "facts.h"

static struct tls_config *server, *client;
static const char *what;

static void
anew(const char *name)
{
	tls_config_free(server);
	tls_config_free(client);
	what = name;
	server = config_new();
	client = config_new();
	must(server, tls_config_set_keypair_file(server, path("a.pem"), path("a.key")), "key pair");
	must(client, tls_config_set_ca_file(client, path("ca.pem")), "CA");
}

static void
fact(const char *name, const char *format, ...)
{
	va_list args;

	printf("%s: %s = ", what, name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

/* Connects, and tells what both came to. */
static struct pair *
meet(const char *name)
{
	static struct pair pair;
	int at_client, at_server;

	memset(&pair, 0, sizeof(pair));
	pair.transport = "cbs";
	if (begin(&pair, server, client, name) != 0) {
		fact("refused", "%s", shown(tls_error(pair.client)));
		return &pair;
	}
	shake(&pair, &at_client, &at_server);
	/* Which alert a server sends is for its library to choose. */
	if (strcmp(what, "client required, none") == 0)
		fact("client", "%d", at_client);
	else
		fact("client", "%d %s", at_client, at_client == 0 ? "" : shown(tls_error(pair.client)));
	if (at_client == 0 && at_server == 0) {
		char byte;
		ssize_t n;

		/* A refusal in TLS 1.3 comes after the client's handshake. */
		while (is_want(n = tls_write(pair.conn, "x", 1)))
			;
		while (is_want(n = tls_read(pair.client, &byte, 1)))
			;
		fact("reads", "%zd", n);
	}
	fact("server", "%d", at_server);
	return &pair;
}

static void
staple(const char *file)
{
	must(server, tls_config_set_ocsp_staple_file(server, path(file)), file);
}

static void
ocsp(struct tls *ctx)
{
	fact("response", "%d", tls_peer_ocsp_response_status(ctx));
	fact("certificate", "%d", tls_peer_ocsp_cert_status(ctx));
	fact("reason", "%d", tls_peer_ocsp_crl_reason(ctx));
	fact("result", "%s", shown(tls_peer_ocsp_result(ctx)));
	fact("times", "%d %d %d", tls_peer_ocsp_this_update(ctx) > 0, tls_peer_ocsp_next_update(ctx) > 0,
	    tls_peer_ocsp_revocation_time(ctx) > 0);
	fact("url", "%s", shown(tls_peer_ocsp_url(ctx)));
}

static void
process(struct tls *ctx, const char *name)
{
	size_t len;
	uint8_t *bytes = file(name, &len);
	int status = tls_ocsp_process_response(ctx, bytes, len);

	fact(name, "%d %s", status, status == 0 ? "" : shown(tls_error(ctx)));
	tls_unload_file(bytes, len);
}

int
main(int argc, char **argv)
{
	struct pair *pair;
	const uint8_t *pem;
	struct tls *ctx, *other;
	size_t len;

	if (argc != 2)
		return 2;
	folder = argv[1];
	if (tls_init() != 0)
		give_up("tls_init", NULL);

	anew("plain");
	must(server, tls_config_set_alpn(server, "h2,http/1.1"), "alpn");
	must(client, tls_config_set_alpn(client, "http/1.1,h2"), "alpn");
	pair = meet("a.test");
	fact("alpn", "%s", shown(tls_conn_alpn_selected(pair->client)));
	fact("alpn of the server", "%s", shown(tls_conn_alpn_selected(pair->conn)));
	fact("cipher", "%s", shown(tls_conn_cipher(pair->client)));
	fact("strength", "%d", tls_conn_cipher_strength(pair->client));
	fact("version", "%s", shown(tls_conn_version(pair->conn)));
	fact("name", "%s", shown(tls_conn_servername(pair->client)));
	fact("name at the server", "%s", shown(tls_conn_servername(pair->conn)));
	fact("resumed", "%d", tls_conn_session_resumed(pair->client));
	fact("provided", "%d %d", tls_peer_cert_provided(pair->client), tls_peer_cert_provided(pair->conn));
	fact("names", "%d %d", tls_peer_cert_contains_name(pair->client, "a.test"),
	    tls_peer_cert_contains_name(pair->client, "b.test"));
	if (tls_peer_cert_common_name != NULL)
		fact("common name", "%s", shown(tls_peer_cert_common_name(pair->client)));
	fact("subject", "%s", shown(tls_peer_cert_subject(pair->client)));
	fact("issuer", "%s", shown(tls_peer_cert_issuer(pair->client)));
	fact("hash", "%.7s %zu", shown(tls_peer_cert_hash(pair->client)),
	    strlen(shown(tls_peer_cert_hash(pair->client))));
	fact("dates", "%d", tls_peer_cert_notbefore(pair->client) < tls_peer_cert_notafter(pair->client));
	pem = tls_peer_cert_chain_pem(pair->client, &len);
	fact("chain", "%.27s %d", pem == NULL ? "" : (const char *)pem, len > 500);
	fact("subject of nobody", "%s", shown(tls_peer_cert_subject(pair->conn)));
	fact("dates of nobody", "%d", (int)tls_peer_cert_notafter(pair->conn));
	ocsp(pair->client);
	end(pair);

	anew("no common protocol");
	must(server, tls_config_set_alpn(server, "h2"), "alpn");
	must(client, tls_config_set_alpn(client, "http/1.1"), "alpn");
	end(meet("a.test"));

	anew("another name");
	end(meet("other.test"));
	anew("another name, unchecked");
	tls_config_insecure_noverifyname(client);
	end(meet("other.test"));
	anew("no name");
	end(meet(NULL));
	anew("no name, unchecked");
	tls_config_insecure_noverifyname(client);
	pair = meet(NULL);
	fact("name at the server", "%s", shown(tls_conn_servername(pair->conn)));
	end(pair);
	anew("unknown issuer");
	must(client, tls_config_set_ca_file(client, path("other-ca.pem")), "CA");
	end(meet("a.test"));
	anew("unknown issuer, unchecked");
	must(client, tls_config_set_ca_file(client, path("other-ca.pem")), "CA");
	tls_config_insecure_noverifycert(client);
	end(meet("a.test"));
	anew("chain unchecked, name checked");
	tls_config_insecure_noverifycert(client);
	end(meet("other.test"));
	anew("expired");
	must(server, tls_config_set_keypair_file(server, path("expired.pem"), path("expired.key")), "pair");
	end(meet("a.test"));
	anew("expired, unchecked");
	must(server, tls_config_set_keypair_file(server, path("expired.pem"), path("expired.key")), "pair");
	tls_config_insecure_noverifytime(client);
	end(meet("a.test"));
	anew("common name");
	must(server, tls_config_set_keypair_file(server, path("cn.pem"), path("cn.key")), "pair");
	end(meet("cn.test"));
	anew("address");
	must(server, tls_config_set_keypair_file(server, path("ip.pem"), path("ip.key")), "pair");
	pair = meet("127.0.0.1");
	fact("name at the server", "%s", shown(tls_conn_servername(pair->conn)));
	end(pair);

	anew("names");
	must(server, tls_config_add_keypair_file(server, path("b.pem"), path("b.key")), "pair");
	pair = meet("b.test");
	fact("subject", "%s", shown(tls_peer_cert_subject(pair->client)));
	end(pair);
	pair = meet("a.test");
	fact("subject", "%s", shown(tls_peer_cert_subject(pair->client)));
	end(pair);

	anew("client required, none");
	must(server, tls_config_set_ca_file(server, path("ca.pem")), "CA");
	must(client, tls_config_set_protocols(client, TLS_PROTOCOL_TLSv1_2), "protocols");
	tls_config_verify_client(server);
	pair = meet("a.test");
	fact("why", "%s", shown(tls_error(pair->conn)));
	end(pair);
	anew("client optional, none");
	must(server, tls_config_set_ca_file(server, path("ca.pem")), "CA");
	tls_config_verify_client_optional(server);
	end(meet("a.test"));
	anew("client required");
	must(server, tls_config_set_ca_file(server, path("ca.pem")), "CA");
	tls_config_verify_client(server);
	must(client, tls_config_set_keypair_file(client, path("client.pem"), path("client.key")), "pair");
	pair = meet("a.test");
	fact("provided", "%d", tls_peer_cert_provided(pair->conn));
	fact("subject", "%s", shown(tls_peer_cert_subject(pair->conn)));
	end(pair);

	anew("good list");
	must(client, tls_config_set_crl_file(client, path("good.crl")), "CRL");
	end(meet("a.test"));
	anew("no list of the root");
	must(client, tls_config_set_crl_file(client, path("part.crl")), "CRL");
	end(meet("a.test"));
	anew("revoked by a list");
	must(client, tls_config_set_crl_file(client, path("revoked.crl")), "CRL");
	end(meet("a.test"));

	anew("good staple");
	staple("good.ocsp");
	pair = meet("a.test");
	ocsp(pair->client);
	/* libretls crashes. */
	if (getenv("LIBRETLS") == NULL) {
		what = "response";
		process(pair->client, "good.ocsp");
		process(pair->client, "unknown.ocsp");
		process(pair->client, "other.ocsp");
		process(pair->client, "old.ocsp");
		process(pair->client, "later.ocsp");
		process(pair->client, "revoked.ocsp");
		what = "after that";
		ocsp(pair->client);
		process(pair->client, "a.pem");
	}
	end(pair);
	anew("unknown staple");
	staple("unknown.ocsp");
	pair = meet("a.test");
	ocsp(pair->client);
	end(pair);
	anew("revoked staple");
	staple("revoked.ocsp");
	pair = meet("a.test");
	ocsp(pair->client);
	end(pair);
	anew("old staple");
	staple("old.ocsp");
	end(meet("a.test"));
	anew("junk staple");
	staple("a.pem");
	end(meet("a.test"));
	anew("staple required, none");
	tls_config_ocsp_require_stapling(client);
	end(meet("a.test"));
	anew("staple required");
	tls_config_ocsp_require_stapling(client);
	staple("good.ocsp");
	end(meet("a.test"));

	what = "misuse";
	tls_config_free(server);
	tls_config_free(client);
	ctx = tls_server();
	fact("read of a server", "%s", came_to(tls_read(ctx, &len, 1), ctx));
	fact("write of a server", "%s", came_to(tls_write(ctx, &len, 1), ctx));
	fact("handshake of a server", "%s", came_to(tls_handshake(ctx), ctx));
	fact("close of a server", "%s", came_to(tls_close(ctx), ctx));
	fact("connect of a server", "%s", came_to(tls_connect(ctx, "h", "1"), ctx));
	other = ctx;
	fact("accept of an unconfigured server", "%d", tls_accept_fds(ctx, &other, 0, 1));
	fact("what it accepted", "%d", other == NULL);
	tls_free(ctx);
	ctx = tls_client();
	fact("handshake of nothing", "%s", came_to(tls_handshake(ctx), ctx));
	fact("read of nothing", "%s", came_to(tls_read(ctx, &len, 1), ctx));
	fact("close of nothing", "%s", came_to(tls_close(ctx), ctx));
	other = ctx;
	fact("accept of a client", "%s", came_to(tls_accept_fds(ctx, &other, 0, 1), ctx));
	fact("no host", "%s", came_to(tls_connect(ctx, NULL, "1"), ctx));
	fact("no port", "%s", came_to(tls_connect(ctx, "a.test", NULL), ctx));
	fact("no descriptors", "%s", came_to(tls_connect_fds(ctx, -1, -1, "a.test"), ctx));
	fact("no callbacks", "%s", came_to(tls_connect_cbs(ctx, NULL, NULL, NULL, "a.test"), ctx));
	tls_free(ctx);
	ctx = tls_client();
	fact("no name", "%s", came_to(tls_connect_fds(ctx, 0, 1, NULL), ctx));
	fact("version", "%s", shown(tls_conn_version(ctx)));
	fact("strength", "%d", tls_conn_cipher_strength(ctx));
	fact("provided", "%d", tls_peer_cert_provided(ctx));
	fact("contains", "%d", tls_peer_cert_contains_name(ctx, "a.test"));
	fact("date", "%d", (int)tls_peer_cert_notbefore(ctx));
	if (tls_error_code != NULL)
		fact("code", "0x%x", tls_error_code(ctx));
	tls_reset(ctx);
	fact("after a reset", "%s", shown(tls_error(ctx)));
	tls_free(ctx);
	return 0;
}
