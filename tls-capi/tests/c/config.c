/* Configurations: what is accepted, what is refused, and in which words. */
#include "facts.h"

static struct tls_config *config;

static void
status(const char *what, int status)
{
	say(what, "%d %s", status, status == 0 ? "" : shown(tls_config_error(config)));
}

static void
protocols(const char *text)
{
	char name[128];
	uint32_t bits = 0xabc;
	int status = tls_config_parse_protocols(&bits, text);

	snprintf(name, sizeof(name), "protocols \"%s\"", shown(text));
	say(name, "%d 0x%x", status, bits);
}

static void
configured(const char *what, struct tls *ctx)
{
	int status = tls_configure(ctx, config);

	say(what, "%d %s", status, status == 0 ? "" : shown(tls_error(ctx)));
	tls_free(ctx);
	tls_config_free(config);
	config = config_new();
}

int
main(int argc, char **argv)
{
	static const char *lists[] = { NULL, "", "all", "legacy", "default", "secure", "tlsv1", "tlsv1.0",
		"tlsv1.1", "tlsv1.2", "tlsv1.3", "TLSv1.2:tlsv1.3", "tlsv1.2, tlsv1.3", "tlsv1.2 ,tlsv1.3",
		"!tlsv1.2", "! tlsv1.2", "all,!tlsv1.2", "all,", "!all", "sslv3", "tlsv1.4" };
	char alpn[70000];
	unsigned char key[64] = { 0 };
	uint8_t *bytes, *more;
	size_t i, len, more_len;
	int fd;

	if (argc != 2)
		return 2;
	folder = argv[1];
	say("init", "%d", tls_init());
	config = config_new();
	say("no error yet", "%s", shown(tls_config_error(config)));
	say("default CA", "%d", access(tls_default_ca_cert_file(), R_OK));
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		protocols(lists[i]);
	status("protocols", tls_config_set_protocols(config, TLS_PROTOCOL_TLSv1_2));

	status("alpn", tls_config_set_alpn(config, "h2,http/1.1"));
	status("alpn empty name", tls_config_set_alpn(config, "h2,,http/1.1"));
	memset(alpn, 'a', 256);
	alpn[256] = '\0';
	status("alpn long name", tls_config_set_alpn(config, alpn));
	memset(alpn, 'a', sizeof(alpn));
	alpn[sizeof(alpn) - 1] = '\0';
	status("alpn large", tls_config_set_alpn(config, alpn));

	status("ciphers default", tls_config_set_ciphers(config, NULL));
	status("ciphers secure", tls_config_set_ciphers(config, "secure"));
	status("ciphers compat", tls_config_set_ciphers(config, "compat"));
	status("ciphers legacy", tls_config_set_ciphers(config, "legacy"));
	status("ciphers all", tls_config_set_ciphers(config, "all"));
	status("ciphers insecure", tls_config_set_ciphers(config, "insecure"));
	status("ciphers by name", tls_config_set_ciphers(config, "ECDHE-ECDSA-AES128-GCM-SHA256"));
	status("ciphers of 1.3", tls_config_set_ciphers(config, "TLS_AES_128_GCM_SHA256"));
	status("ciphers x", tls_config_set_ciphers(config, "x"));

	status("dhe none", tls_config_set_dheparams(config, "none"));
	status("dhe auto", tls_config_set_dheparams(config, "auto"));
	status("dhe legacy", tls_config_set_dheparams(config, "legacy"));
	status("dhe x", tls_config_set_dheparams(config, "x"));
	status("curve", tls_config_set_ecdhecurve(config, "prime256v1"));
	status("curve auto", tls_config_set_ecdhecurve(config, "auto"));
	status("curve list", tls_config_set_ecdhecurve(config, "P-256,P-384"));
	status("curves", tls_config_set_ecdhecurves(config, "X25519, P-256:P-384"));
	status("curves default", tls_config_set_ecdhecurves(config, "default"));
	status("curves x", tls_config_set_ecdhecurves(config, "P-256,x"));

	status("CA file", tls_config_set_ca_file(config, path("ca.pem")));
	status("CA file missing", tls_config_set_ca_file(config, "/nonexistent"));
	status("CA path", tls_config_set_ca_path(config, folder));
	bytes = file("ca.pem", &len);
	status("CA", tls_config_set_ca_mem(config, bytes, len));
	tls_unload_file(bytes, len);
	status("CRL file", tls_config_set_crl_file(config, path("good.crl")));
	status("CRL file missing", tls_config_set_crl_file(config, "/nonexistent"));
	bytes = file("good.crl", &len);
	status("CRL", tls_config_set_crl_mem(config, bytes, len));
	tls_unload_file(bytes, len);
	status("depth", tls_config_set_verify_depth(config, 3));

	status("cert file", tls_config_set_cert_file(config, path("a.pem")));
	status("cert file missing", tls_config_set_cert_file(config, "/nonexistent"));
	status("key file", tls_config_set_key_file(config, path("a.key")));
	status("key file missing", tls_config_set_key_file(config, "/nonexistent"));
	status("key pair files", tls_config_set_keypair_file(config, path("a.pem"), path("a.key")));
	status("key pair files missing", tls_config_set_keypair_file(config, "/nonexistent", path("a.key")));
	status("with staple", tls_config_set_keypair_ocsp_file(config, path("a.pem"), path("a.key"),
	    path("good.ocsp")));
	status("with staple missing", tls_config_set_keypair_ocsp_file(config, path("a.pem"), path("a.key"),
	    "/nonexistent"));
	status("staple file", tls_config_set_ocsp_staple_file(config, path("good.ocsp")));
	status("staple file missing", tls_config_set_ocsp_staple_file(config, "/nonexistent"));
	status("add files", tls_config_add_keypair_file(config, path("b.pem"), path("b.key")));
	status("add files missing", tls_config_add_keypair_file(config, "/nonexistent", "/nonexistent"));
	status("add with staple", tls_config_add_keypair_ocsp_file(config, path("b.pem"), path("b.key"),
	    path("good.ocsp")));
	bytes = file("a.pem", &len);
	more = file("a.key", &more_len);
	status("cert", tls_config_set_cert_mem(config, bytes, len));
	status("key", tls_config_set_key_mem(config, more, more_len));
	status("staple", tls_config_set_ocsp_staple_mem(config, bytes, len));
	status("key pair", tls_config_set_keypair_mem(config, bytes, len, more, more_len));
	status("with staple in memory", tls_config_set_keypair_ocsp_mem(config, bytes, len, more, more_len,
	    bytes, len));
	status("add", tls_config_add_keypair_mem(config, bytes, len, more, more_len));
	status("add with staple in memory", tls_config_add_keypair_ocsp_mem(config, bytes, len, more,
	    more_len, bytes, len));
	tls_unload_file(bytes, len);
	tls_unload_file(more, more_len);

	status("lifetime 0", tls_config_set_session_lifetime(config, 0));
	status("lifetime 3", tls_config_set_session_lifetime(config, 3));
	status("lifetime 4", tls_config_set_session_lifetime(config, 4));
	status("lifetime -1", tls_config_set_session_lifetime(config, -1));
	status("lifetime 86400", tls_config_set_session_lifetime(config, 86400));
	status("lifetime 86401", tls_config_set_session_lifetime(config, 86401));
	status("session id", tls_config_set_session_id(config, key, 32));
	status("session id long", tls_config_set_session_id(config, key, 33));
	status("ticket key short", tls_config_add_ticket_key(config, 1, key, 47));
	status("ticket key", tls_config_add_ticket_key(config, 1, key, 48));
	status("ticket key again", tls_config_add_ticket_key(config, 1, key, 48));
	key[0] = 1;
	status("ticket key 2", tls_config_add_ticket_key(config, 2, key, 48));
	key[0] = 0;
	status("ticket key 1 again", tls_config_add_ticket_key(config, 1, key, 48));
	status("session fd none", tls_config_set_session_fd(config, -1));
	status("session fd closed", tls_config_set_session_fd(config, 999));
	fd = open("/dev/null", O_RDWR);
	status("session fd device", tls_config_set_session_fd(config, fd));
	close(fd);
	fd = open(path("open"), O_RDWR | O_CREAT, 0600);
	fchmod(fd, 0644);
	status("session fd for all", tls_config_set_session_fd(config, fd));
	fchmod(fd, 0600);
	status("session fd", tls_config_set_session_fd(config, fd));
	tls_config_prefer_ciphers_client(config);
	tls_config_prefer_ciphers_server(config);
	tls_config_insecure_noverifytime(config);
	tls_config_verify(config);
	tls_config_verify_client(config);
	tls_config_verify_client_optional(config);
	tls_config_clear_keys(config);
	tls_config_free(config);

	config = config_new();
	if (write(fd, "junk\n", 5) != 5)
		give_up("write", strerror(errno));
	status("session fd with junk", tls_config_set_session_fd(config, fd));
	{
		struct tls *ctx = tls_client();
		int configured = tls_configure(ctx, config);
		int connected = tls_connect_fds(ctx, 0, 1, "a.test");

		say("junk", "%d %d %s", configured, connected, shown(tls_error(ctx)));
		tls_free(ctx);
	}
	close(fd);
	tls_config_free(config);

	config = config_new();
	configured("server of nothing", tls_server());
	tls_config_set_cert_file(config, path("a.pem"));
	configured("server without a key", tls_server());
	tls_config_set_keypair_file(config, path("a.pem"), path("b.key"));
	configured("server with another key", tls_server());
	tls_config_set_keypair_file(config, path("a.key"), path("a.key"));
	configured("server without a certificate", tls_server());
	must(config, tls_config_set_key_mem(config, (const uint8_t *)"junk", 4), "junk");
	tls_config_set_cert_file(config, path("a.pem"));
	configured("server with a junk key", tls_server());
	tls_config_set_keypair_file(config, path("a.pem"), path("a.key"));
	configured("server", tls_server());
	tls_config_set_keypair_file(config, path("a.pem"), path("a.key"));
	configured("client with a certificate", tls_client());
	configured("client", tls_client());
	configured("no configuration", tls_client());
	tls_config_skip_private_key_check(config);
	configured("skipping the check of keys", tls_client());
	tls_config_use_fake_private_key(config);
	configured("a fake key", tls_client());

	len = 1;
	bytes = tls_load_file("/nonexistent", &len, NULL);
	say("load nothing", "%d %zu", bytes == NULL, len);
	bytes = tls_load_file(path("a.key.enc"), &len, "secret");
	say("load encrypted", "%.27s %d", bytes == NULL ? "" : (char *)bytes, len > 100);
	tls_unload_file(bytes, len);
	bytes = tls_load_file(path("a.key"), &len, "secret");
	say("load in clear", "%.27s %d", bytes == NULL ? "" : (char *)bytes, len > 100);
	tls_unload_file(bytes, len);
	bytes = tls_load_file(path("rsa.key.old"), &len, "secret");
	say("load traditional", "%.27s %d", bytes == NULL ? "" : (char *)bytes, len > 100);
	tls_unload_file(bytes, len);
	bytes = tls_load_file(path("a.key.enc"), &len, "wrong");
	say("load with another password", "%d %zu", bytes == NULL, len);
	bytes = tls_load_file(path("a.pem"), &len, "secret");
	say("load a certificate", "%d %zu", bytes == NULL, len);
	tls_unload_file(NULL, 0);
	tls_config_free(config);
	tls_config_free(NULL);
	tls_free(NULL);
	return 0;
}
