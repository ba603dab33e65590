/*
 * Calls in random order with random arguments: fuzz FOLDER SEED SEQUENCES. Handles may be of the other kind, freed,
 * or nonsense; callbacks return anything, and may call the library. Nothing may crash, hang or leak.
 */
#include "facts.h"

#define MOST 6

static uint64_t state;
static struct tls *contexts[MOST];
static struct tls_config *configs[MOST];
static struct both ends[2];
static struct pipe_of_bytes pipes[2];
static uint8_t *loaded;
static size_t loaded_len, cert_len, key_len, ca_len, staple_len;
static uint8_t *cert, *key, *ca, *staple;
static int depth, session;

static uint32_t
any(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % below;
}

static struct tls *
context(void)
{
	switch (any(40)) {
	case 0:
		return NULL;
	case 1:
		return (struct tls *)configs[any(MOST)];
	case 2:
		return (struct tls *)(uintptr_t)(any(64) * 16 + 0x1000);
	default:
		return contexts[any(MOST)];
	}
}

static struct tls_config *
config(void)
{
	switch (any(40)) {
	case 0:
		return NULL;
	case 1:
		return (struct tls_config *)contexts[any(MOST)];
	default:
		return configs[any(MOST)];
	}
}

static const char *
text(void)
{
	static const char *texts[] = { NULL, "", "a.test", "b.test", "127.0.0.1", "h2,http/1.1", "tlsv1.2", "tlsv1.3",
		"secure", "compat", "auto", "none", "P-256", "X25519,P-384", "legacy", ",", ":", "\xff\xfe", "[::1]",
		"/nonexistent", ".", "a..b", "*.test", "!tlsv1.3", "TLS_AES_128_GCM_SHA256" };

	return texts[any(sizeof(texts) / sizeof(texts[0]))];
}

static const char *
some_path(void)
{
	static const char *names[] = { "a.pem", "a.key", "b.pem", "b.key", "ca.pem", "good.crl", "good.ocsp",
		"a.key.enc", "nothing", "." };

	return any(20) == 0 ? NULL : path(names[any(sizeof(names) / sizeof(names[0]))]);
}

static void call(void);

static ssize_t
answer(size_t len, ssize_t honest)
{
	static const ssize_t answers[] = { -1, 0, TLS_WANT_POLLIN, TLS_WANT_POLLOUT, -4, 1, SSIZE_MAX, -SSIZE_MAX - 1 };

	if (any(30) == 0 && depth < 2) {
		depth++;
		call();
		depth--;
	}
	if (any(50) != 0)
		return honest;
	return any(4) == 0 ? (ssize_t)len + 1 : answers[any(sizeof(answers) / sizeof(answers[0]))];
}

static ssize_t
reading(struct tls *ctx, void *buf, size_t len, void *arg)
{
	ssize_t n = read_cb(ctx, buf, len, arg);

	if (n > 0 && any(200) == 0)
		((unsigned char *)buf)[any(n)] ^= 1 << any(8);
	return answer(len, n);
}

static ssize_t
writing(struct tls *ctx, const void *buf, size_t len, void *arg)
{
	return answer(len, write_cb(ctx, buf, len, arg));
}

static void
touch(const char *text)
{
	static volatile size_t sum;

	if (text != NULL)
		sum += strlen(text);
}

static void
set_up(void)
{
	int i, j;

	/* What makes something of the rest likely: a pair that could go on. */
	i = any(MOST);
	tls_config_free(configs[i]);
	configs[i] = tls_config_new();
	tls_config_set_keypair_mem(configs[i], cert, cert_len, key, key_len);
	tls_config_set_ca_mem(configs[i], ca, ca_len);
	tls_config_set_session_lifetime(configs[i], any(2) * 7200);
	if (any(4) == 0)
		tls_config_set_ocsp_staple_mem(configs[i], staple, staple_len);
	for (j = 0; j < 2; j++) {
		memset(&pipes[j], 0, sizeof(pipes[j]));
		tls_free(contexts[j]);
	}
	ends[0] = (struct both){ &pipes[0], &pipes[1], any(2), 0 };
	ends[1] = (struct both){ &pipes[1], &pipes[0], any(2), 0 };
	contexts[0] = tls_client();
	tls_configure(contexts[0], configs[i]);
	tls_connect_cbs(contexts[0], reading, writing, &ends[0], "a.test");
	tls_free(contexts[2]);
	contexts[2] = tls_server();
	tls_configure(contexts[2], configs[i]);
	tls_accept_cbs(contexts[2], &contexts[1], reading, writing, &ends[1]);
	for (j = any(40); j > 0; j--) {
		tls_handshake(contexts[0]);
		tls_handshake(contexts[1]);
	}
}

static void
call(void)
{
	static unsigned char buf[40000];
	struct tls *ctx = context();
	struct tls_config *conf = config();
	size_t len = any(8) == 0 ? 0 : any(sizeof(buf));
	uint32_t bits;
	int i = any(MOST);

	switch (any(64)) {
	case 0:
		if (depth == 0)
			set_up();
		break;
	case 1:
		tls_config_free(configs[i]);
		configs[i] = any(4) == 0 ? configs[i] : tls_config_new();
		break;
	case 2:
		tls_free(contexts[i]);
		contexts[i] = any(4) == 0 ? contexts[i] : any(2) ? tls_client() : tls_server();
		break;
	case 3: tls_configure(ctx, conf); break;
	case 4: tls_reset(ctx); break;
	case 5: tls_connect_cbs(ctx, any(9) ? reading : NULL, writing, &ends[any(2)], text()); break;
	case 6: tls_free(contexts[i]); tls_accept_cbs(ctx, &contexts[i], reading, any(9) ? writing : NULL, &ends[any(2)]); break;
	case 7: case 8: case 9: case 10: tls_handshake(ctx); break;
	case 11: case 12: case 13: case 14: tls_read(ctx, buf, len); break;
	case 15: case 16: case 17: case 18: tls_write(ctx, buf, len); break;
	case 19: tls_close(ctx); break;
	case 20: touch(tls_error(ctx)); tls_error_code(ctx); break;
	case 21: touch(tls_config_error(conf)); tls_config_error_code(conf); break;
	case 22: tls_config_set_alpn(conf, text()); break;
	case 23: tls_config_set_ciphers(conf, text()); break;
	case 24: tls_config_set_dheparams(conf, text()); break;
	case 25: tls_config_set_ecdhecurve(conf, text()); tls_config_set_ecdhecurves(conf, text()); break;
	case 26: tls_config_set_protocols(conf, any(64)); break;
	case 27: tls_config_parse_protocols(any(9) ? &bits : NULL, text()); break;
	case 28: tls_config_set_ca_file(conf, some_path()); break;
	case 29: tls_config_set_ca_path(conf, text()); break;
	case 30: tls_config_set_ca_mem(conf, any(3) ? ca : buf, any(ca_len)); break;
	case 31: tls_config_set_crl_file(conf, some_path()); break;
	case 32: tls_config_set_crl_mem(conf, buf, any(200)); break;
	case 33: tls_config_set_verify_depth(conf, (int)any(20) - 5); break;
	case 34: tls_config_set_cert_file(conf, some_path()); break;
	case 35: tls_config_set_key_file(conf, some_path()); break;
	case 36: tls_config_set_keypair_file(conf, some_path(), some_path()); break;
	case 37: tls_config_set_cert_mem(conf, any(3) ? cert : NULL, any(cert_len + 1)); break;
	case 38: tls_config_set_key_mem(conf, any(3) ? key : buf, any(key_len + 1)); break;
	case 39: tls_config_add_keypair_mem(conf, cert, cert_len, key, any(9) ? key_len : 3); break;
	case 40: tls_config_add_keypair_ocsp_file(conf, some_path(), some_path(), some_path()); break;
	case 41: tls_config_set_keypair_ocsp_mem(conf, cert, cert_len, key, key_len, staple, any(staple_len)); break;
	case 42: tls_config_set_ocsp_staple_mem(conf, staple, any(staple_len + 1)); break;
	case 43: tls_config_clear_keys(conf); break;
	case 44: tls_config_insecure_noverifycert(conf); break;
	case 45: tls_config_insecure_noverifyname(conf); break;
	case 46: tls_config_insecure_noverifytime(conf); break;
	case 47: tls_config_verify(conf); break;
	case 48: any(2) ? tls_config_verify_client(conf) : tls_config_verify_client_optional(conf); break;
	case 49: tls_config_ocsp_require_stapling(conf); break;
	case 50: tls_config_set_session_fd(conf, any(3) ? session : (int)any(100) + 1000); break;
	case 51: tls_config_set_session_id(conf, buf, any(40)); break;
	case 52: tls_config_set_session_lifetime(conf, (int)any(100000) - 10); break;
	case 53: tls_config_add_ticket_key(conf, any(6), cert, any(9) ? 48 : any(60)); break;
	case 54: any(2) ? tls_config_prefer_ciphers_client(conf) : tls_config_prefer_ciphers_server(conf); break;
	case 55: tls_connect_fds(ctx, -1, (int)any(3) - 1, text()); break;
	case 56: tls_connect(ctx, any(2) ? NULL : "", text()); break;
	case 57:
		touch(tls_conn_alpn_selected(ctx));
		touch(tls_conn_cipher(ctx));
		touch(tls_conn_servername(ctx));
		touch(tls_conn_version(ctx));
		tls_conn_cipher_strength(ctx);
		tls_conn_session_resumed(ctx);
		break;
	case 58:
		touch(tls_peer_cert_common_name(ctx));
		touch(tls_peer_cert_hash(ctx));
		touch(tls_peer_cert_issuer(ctx));
		touch(tls_peer_cert_subject(ctx));
		tls_peer_cert_contains_name(ctx, text());
		tls_peer_cert_notafter(ctx);
		tls_peer_cert_notbefore(ctx);
		tls_peer_cert_provided(ctx);
		tls_peer_cert_chain_pem(ctx, any(3) ? &len : NULL);
		break;
	case 59:
		touch(tls_peer_ocsp_url(ctx));
		touch(tls_peer_ocsp_result(ctx));
		tls_peer_ocsp_cert_status(ctx);
		tls_peer_ocsp_crl_reason(ctx);
		tls_peer_ocsp_next_update(ctx);
		tls_peer_ocsp_response_status(ctx);
		tls_peer_ocsp_revocation_time(ctx);
		tls_peer_ocsp_this_update(ctx);
		break;
	case 60: tls_ocsp_process_response(ctx, any(3) ? staple : buf, any(staple_len + 1)); break;
	case 61:
		tls_unload_file(loaded, loaded_len);
		loaded = tls_load_file(some_path(), &loaded_len, any(40) == 0 ? "secret" : NULL);
		break;
	case 62: tls_unload_file(buf, len); tls_free(NULL); tls_config_free(NULL); break;
	case 63: tls_config_skip_private_key_check(any(9) ? NULL : conf); break;
	}
}

int
main(int argc, char **argv)
{
	long sequences, i, calls;
	int j;

	if (argc != 4)
		return 2;
	folder = argv[1];
	sequences = atol(argv[3]);
	if (tls_init() != 0)
		give_up("tls_init", NULL);
	cert = file("a.pem", &cert_len);
	key = file("a.key", &key_len);
	ca = file("ca.pem", &ca_len);
	staple = file("good.ocsp", &staple_len);
	session = open(path("fuzzed"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	for (i = 0; i < sequences; i++) {
		state = (strtoull(argv[2], NULL, 10) + i) * 0x9e3779b97f4a7c15 + 1;
		/* A sequence that hangs is found by its seed. */
		if (i % 1000 == 0)
			alarm(300);
		for (calls = 5 + any(30); calls > 0; calls--)
			call();
		if (any(8) == 0)
			for (j = 0; j < MOST; j++) {
				tls_free(contexts[j]);
				tls_config_free(configs[j]);
				contexts[j] = NULL;
				configs[j] = NULL;
			}
	}
	for (j = 0; j < MOST; j++) {
		tls_free(contexts[j]);
		tls_config_free(configs[j]);
	}
	tls_unload_file(cert, cert_len);
	tls_unload_file(key, key_len);
	tls_unload_file(ca, ca_len);
	tls_unload_file(staple, staple_len);
	tls_unload_file(loaded, loaded_len);
	close(session);
	say("sequences", "%ld", i);
	return 0;
}
