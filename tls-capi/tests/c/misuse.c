/* What must not crash: NULL everywhere, handles that are no more, and callbacks that return nonsense. */
#include "facts.h"

static ssize_t nonsense;

static ssize_t
bad_read(struct tls *ctx, void *buf, size_t len, void *arg)
{
	(void)ctx, (void)buf, (void)len, (void)arg;
	return nonsense;
}

static ssize_t
bad_write(struct tls *ctx, const void *buf, size_t len, void *arg)
{
	(void)ctx, (void)buf, (void)arg;
	return nonsense > 0 ? nonsense : (ssize_t)len;
}

/* A callback that frees the context that it is called for. */
static ssize_t
freeing(struct tls *ctx, void *buf, size_t len, void *arg)
{
	say("read out of a callback", "%s", came_to(tls_read(ctx, buf, len), ctx));
	tls_free(ctx);
	*(int *)arg = 1;
	return TLS_WANT_POLLIN;
}

static void
all(struct tls *ctx, struct tls_config *config, const char *text)
{
	const uint8_t *bytes = (const uint8_t *)text;
	size_t n = text == NULL ? 7 : strlen(text), len = 1;
	uint8_t *loaded;
	struct tls *out = ctx;
	int refused = 0;

	refused += tls_config_set_alpn(config, text) != 0;
	refused += tls_config_set_ca_file(config, text) != 0;
	refused += tls_config_set_ca_path(config, text) != 0;
	refused += tls_config_set_ca_mem(config, bytes, n) != 0;
	refused += tls_config_set_cert_file(config, text) != 0;
	refused += tls_config_set_cert_mem(config, bytes, n) != 0;
	refused += tls_config_set_ciphers(config, text) != 0;
	refused += tls_config_set_crl_file(config, text) != 0;
	refused += tls_config_set_crl_mem(config, bytes, n) != 0;
	refused += tls_config_set_dheparams(config, text) != 0;
	refused += tls_config_set_ecdhecurve(config, text) != 0;
	refused += tls_config_set_ecdhecurves(config, text) != 0;
	refused += tls_config_set_key_file(config, text) != 0;
	refused += tls_config_set_key_mem(config, bytes, n) != 0;
	refused += tls_config_set_keypair_file(config, text, text) != 0;
	refused += tls_config_set_keypair_mem(config, bytes, n, bytes, n) != 0;
	refused += tls_config_set_keypair_ocsp_file(config, text, text, text) != 0;
	refused += tls_config_set_keypair_ocsp_mem(config, bytes, n, bytes, n, bytes, n) != 0;
	refused += tls_config_add_keypair_file(config, text, text) != 0;
	refused += tls_config_add_keypair_mem(config, bytes, n, bytes, n) != 0;
	refused += tls_config_add_keypair_ocsp_file(config, text, text, text) != 0;
	refused += tls_config_add_keypair_ocsp_mem(config, bytes, n, bytes, n, bytes, n) != 0;
	refused += tls_config_set_ocsp_staple_file(config, text) != 0;
	refused += tls_config_set_ocsp_staple_mem(config, bytes, n) != 0;
	refused += tls_config_set_protocols(config, 0) != 0;
	refused += tls_config_parse_protocols(NULL, text) != 0;
	refused += tls_config_set_session_fd(config, 4711) != 0;
	refused += tls_config_set_session_id(config, bytes, n) != 0;
	refused += tls_config_set_session_lifetime(config, 1) != 0;
	refused += tls_config_set_verify_depth(config, -1) != 0;
	refused += tls_config_add_ticket_key(config, 1, (unsigned char *)bytes, n) != 0;
	tls_config_clear_keys(config);
	tls_config_insecure_noverifycert(config);
	tls_config_insecure_noverifyname(config);
	tls_config_insecure_noverifytime(config);
	tls_config_ocsp_require_stapling(config);
	tls_config_prefer_ciphers_client(config);
	tls_config_prefer_ciphers_server(config);
	tls_config_skip_private_key_check(config);
	tls_config_use_fake_private_key(config);
	tls_config_verify(config);
	tls_config_verify_client(config);
	tls_config_verify_client_optional(config);
	refused += tls_configure(ctx, config) != 0;
	refused += tls_connect(ctx, text, text) != 0;
	refused += tls_connect_servername(ctx, text, text, text) != 0;
	refused += tls_connect_fds(ctx, -1, -1, text) != 0;
	refused += tls_connect_socket(ctx, -1, text) != 0;
	refused += tls_connect_cbs(ctx, NULL, NULL, NULL, text) != 0;
	refused += tls_accept_fds(ctx, &out, 0, 0) != 0;
	refused += tls_accept_socket(ctx, &out, 0) != 0;
	refused += tls_accept_cbs(ctx, NULL, NULL, NULL, NULL) != 0;
	refused += tls_handshake(ctx) != 0;
	refused += tls_read(ctx, NULL, 5) != 0;
	refused += tls_write(ctx, NULL, 5) != 0;
	refused += tls_write(ctx, text, SIZE_MAX) != 0;
	tls_close(ctx);
	tls_reset(ctx);
	tls_conn_alpn_selected(ctx);
	tls_conn_cipher(ctx);
	tls_conn_cipher_strength(ctx);
	tls_conn_servername(ctx);
	tls_conn_session_resumed(ctx);
	tls_conn_version(ctx);
	tls_peer_cert_chain_pem(ctx, NULL);
	tls_peer_cert_common_name(ctx);
	tls_peer_cert_contains_name(ctx, text);
	tls_peer_cert_hash(ctx);
	tls_peer_cert_issuer(ctx);
	tls_peer_cert_notafter(ctx);
	tls_peer_cert_notbefore(ctx);
	tls_peer_cert_provided(ctx);
	tls_peer_cert_subject(ctx);
	refused += tls_ocsp_process_response(ctx, bytes, n) != 0;
	tls_peer_ocsp_cert_status(ctx);
	tls_peer_ocsp_crl_reason(ctx);
	tls_peer_ocsp_next_update(ctx);
	tls_peer_ocsp_response_status(ctx);
	tls_peer_ocsp_result(ctx);
	tls_peer_ocsp_revocation_time(ctx);
	tls_peer_ocsp_this_update(ctx);
	tls_peer_ocsp_url(ctx);
	tls_error(ctx);
	tls_error_code(ctx);
	tls_config_error(config);
	tls_config_error_code(config);
	loaded = tls_load_file(text, &len, (char *)text);
	say("loaded", "%d %zu", loaded != NULL, len);
	tls_unload_file(loaded, len);
	tls_load_file(text, NULL, NULL);
	tls_unload_file((uint8_t *)bytes, n);
	say("refused", "%d", refused);
}

int
main(int argc, char **argv)
{
	static const ssize_t answers[] = { -1, -4, 0, 1 << 30, SSIZE_MAX, -SSIZE_MAX - 1 };
	struct tls_config *config;
	struct tls *ctx;
	size_t i;
	int freed = 0;

	if (argc != 2)
		return 2;
	folder = argv[1];
	say("init", "%d", tls_init());
	all(NULL, NULL, NULL);
	all(NULL, NULL, "text");
	say("error of NULL", "%s", shown(tls_error(NULL)));
	ctx = tls_client();
	config = tls_config_new();
	all(ctx, config, NULL);
	all(ctx, config, "text");
	all(ctx, config, "");
	tls_free(ctx);
	tls_config_free(config);
	/* Freed. */
	all(ctx, config, "text");
	tls_free(ctx);
	tls_config_free(config);
	/* The one for the other. */
	ctx = tls_server();
	config = tls_config_new();
	all((struct tls *)config, (struct tls_config *)ctx, "text");
	/* Never handles at all. */
	all((struct tls *)&ctx, (struct tls_config *)"x", "text");
	tls_free(ctx);
	tls_config_free(config);

	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		nonsense = answers[i];
		ctx = tls_client();
		if (tls_connect_cbs(ctx, bad_read, bad_write, NULL, "a.test") != 0)
			give_up("callbacks", tls_error(ctx));
		say("nonsense", "%d", tls_handshake(ctx));
		say("again", "%d", tls_handshake(ctx));
		say("closed", "%d", tls_close(ctx));
		tls_free(ctx);
	}
	ctx = tls_client();
	nonsense = 0;
	if (tls_connect_cbs(ctx, freeing, bad_write, &freed, "a.test") != 0)
		give_up("callbacks", tls_error(ctx));
	say("freed in a callback", "%d", tls_handshake(ctx));
	say("freed", "%d", freed);
	say("after that", "%d", tls_handshake(ctx));
	return 0;
}
