/*
 * tls.h: the interface of libtls, as polytls implements it over any TLS library.
 *
 * Programs written for LibreSSL's libtls compile with it unchanged, and those that are compiled already run
 * unchanged. What each function does is in the manual of libtls (tls_init(3) and its neighbours); docs/c.md
 * says what differs here.
 *
 * Strings and bytes that a function returns as `const` belong to the context or configuration: they stay in
 * place until it is freed or reset, or, for errors, until the next call on it. Nothing else has to be freed
 * but what tls_config_new, tls_client, tls_server, the tls_accept functions and tls_load_file return.
 */
#ifndef POLYTLS_TLS_H
#define POLYTLS_TLS_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TLS_API 20200120

/* Versions of the protocol. The first two can be named, and are never negotiated. */
#define TLS_PROTOCOL_TLSv1_0 (1 << 1)
#define TLS_PROTOCOL_TLSv1_1 (1 << 2)
#define TLS_PROTOCOL_TLSv1_2 (1 << 3)
#define TLS_PROTOCOL_TLSv1_3 (1 << 4)
#define TLS_PROTOCOL_TLSv1 (TLS_PROTOCOL_TLSv1_2 | TLS_PROTOCOL_TLSv1_3)
#define TLS_PROTOCOLS_ALL TLS_PROTOCOL_TLSv1
#define TLS_PROTOCOLS_DEFAULT (TLS_PROTOCOL_TLSv1_2 | TLS_PROTOCOL_TLSv1_3)

/* What a call returns that has to be repeated once the descriptor is ready. */
#define TLS_WANT_POLLIN -2
#define TLS_WANT_POLLOUT -3

/* OCSP (RFC 6960): whether the responder answered. */
#define TLS_OCSP_RESPONSE_SUCCESSFUL 0
#define TLS_OCSP_RESPONSE_MALFORMED 1
#define TLS_OCSP_RESPONSE_INTERNALERROR 2
#define TLS_OCSP_RESPONSE_TRYLATER 3
#define TLS_OCSP_RESPONSE_SIGREQUIRED 5
#define TLS_OCSP_RESPONSE_UNAUTHORIZED 6

/* OCSP: what it said of the certificate. */
#define TLS_OCSP_CERT_GOOD 0
#define TLS_OCSP_CERT_REVOKED 1
#define TLS_OCSP_CERT_UNKNOWN 2

/* Why a certificate was revoked (RFC 5280). */
#define TLS_CRL_REASON_UNSPECIFIED 0
#define TLS_CRL_REASON_KEY_COMPROMISE 1
#define TLS_CRL_REASON_CA_COMPROMISE 2
#define TLS_CRL_REASON_AFFILIATION_CHANGED 3
#define TLS_CRL_REASON_SUPERSEDED 4
#define TLS_CRL_REASON_CESSATION_OF_OPERATION 5
#define TLS_CRL_REASON_CERTIFICATE_HOLD 6
#define TLS_CRL_REASON_REMOVE_FROM_CRL 8
#define TLS_CRL_REASON_PRIVILEGE_WITHDRAWN 9
#define TLS_CRL_REASON_AA_COMPROMISE 10

#define TLS_MAX_SESSION_ID_LENGTH 32
#define TLS_TICKET_KEY_SIZE 48

/* What tls_error_code and tls_config_error_code return. */
#define TLS_ERROR_UNKNOWN 0x0000
#define TLS_ERROR_OUT_OF_MEMORY 0x1000
#define TLS_ERROR_INVALID_CONTEXT 0x2000
#define TLS_ERROR_INVALID_ARGUMENT 0x2001

struct tls;
struct tls_config;

/* Bytes read or written; 0 at the end of the stream; TLS_WANT_POLLIN or -POLLOUT, either from both; or -1. */
typedef ssize_t (*tls_read_cb)(struct tls *ctx, void *buf, size_t buflen, void *cb_arg);
typedef ssize_t (*tls_write_cb)(struct tls *ctx, const void *buf, size_t buflen, void *cb_arg);

int tls_init(void);

/* Errors. */
const char *tls_config_error(struct tls_config *config);
int tls_config_error_code(struct tls_config *config);
const char *tls_error(struct tls *ctx);
int tls_error_code(struct tls *ctx);

/* Configurations. */
struct tls_config *tls_config_new(void);
void tls_config_free(struct tls_config *config);
const char *tls_default_ca_cert_file(void);
void tls_config_clear_keys(struct tls_config *config);

/* Whom to trust. */
int tls_config_set_ca_file(struct tls_config *config, const char *ca_file);
int tls_config_set_ca_path(struct tls_config *config, const char *ca_path);
int tls_config_set_ca_mem(struct tls_config *config, const uint8_t *ca, size_t len);
int tls_config_set_crl_file(struct tls_config *config, const char *crl_file);
int tls_config_set_crl_mem(struct tls_config *config, const uint8_t *crl, size_t len);
int tls_config_set_verify_depth(struct tls_config *config, int verify_depth);

/* Who one is. */
int tls_config_set_cert_file(struct tls_config *config, const char *cert_file);
int tls_config_set_cert_mem(struct tls_config *config, const uint8_t *cert, size_t len);
int tls_config_set_key_file(struct tls_config *config, const char *key_file);
int tls_config_set_key_mem(struct tls_config *config, const uint8_t *key, size_t len);
int tls_config_set_ocsp_staple_file(struct tls_config *config, const char *staple_file);
int tls_config_set_ocsp_staple_mem(struct tls_config *config, const uint8_t *staple, size_t len);
int tls_config_set_keypair_file(struct tls_config *config, const char *cert_file, const char *key_file);
int tls_config_set_keypair_mem(struct tls_config *config, const uint8_t *cert, size_t cert_len,
    const uint8_t *key, size_t key_len);
int tls_config_set_keypair_ocsp_file(struct tls_config *config, const char *cert_file,
    const char *key_file, const char *staple_file);
int tls_config_set_keypair_ocsp_mem(struct tls_config *config, const uint8_t *cert, size_t cert_len,
    const uint8_t *key, size_t key_len, const uint8_t *staple, size_t staple_len);
int tls_config_add_keypair_file(struct tls_config *config, const char *cert_file, const char *key_file);
int tls_config_add_keypair_mem(struct tls_config *config, const uint8_t *cert, size_t cert_len,
    const uint8_t *key, size_t key_len);
int tls_config_add_keypair_ocsp_file(struct tls_config *config, const char *cert_file,
    const char *key_file, const char *staple_file);
int tls_config_add_keypair_ocsp_mem(struct tls_config *config, const uint8_t *cert, size_t cert_len,
    const uint8_t *key, size_t key_len, const uint8_t *staple, size_t staple_len);

/* These two are refused when a context is configured: private keys are always there, and always checked. */
void tls_config_skip_private_key_check(struct tls_config *config);
void tls_config_use_fake_private_key(struct tls_config *config);

/* What is negotiated. */
int tls_config_set_alpn(struct tls_config *config, const char *alpn);
int tls_config_set_ciphers(struct tls_config *config, const char *ciphers);
int tls_config_set_dheparams(struct tls_config *config, const char *params);
int tls_config_set_ecdhecurve(struct tls_config *config, const char *curve);
int tls_config_set_ecdhecurves(struct tls_config *config, const char *curves);
int tls_config_set_protocols(struct tls_config *config, uint32_t protocols);
int tls_config_parse_protocols(uint32_t *protocols, const char *protostr);
void tls_config_prefer_ciphers_client(struct tls_config *config);
void tls_config_prefer_ciphers_server(struct tls_config *config);

/* What is verified. */
void tls_config_insecure_noverifycert(struct tls_config *config);
void tls_config_insecure_noverifyname(struct tls_config *config);
void tls_config_insecure_noverifytime(struct tls_config *config);
void tls_config_verify(struct tls_config *config);
void tls_config_ocsp_require_stapling(struct tls_config *config);
void tls_config_verify_client(struct tls_config *config);
void tls_config_verify_client_optional(struct tls_config *config);

/* Sessions. */
int tls_config_set_session_fd(struct tls_config *config, int session_fd);
int tls_config_set_session_id(struct tls_config *config, const unsigned char *session_id, size_t len);
int tls_config_set_session_lifetime(struct tls_config *config, int lifetime);
int tls_config_add_ticket_key(struct tls_config *config, uint32_t keyrev, unsigned char *key, size_t len);

/* Contexts. */
struct tls *tls_client(void);
struct tls *tls_server(void);
int tls_configure(struct tls *ctx, struct tls_config *config);
void tls_reset(struct tls *ctx);
void tls_free(struct tls *ctx);

/* Connections. */
int tls_connect(struct tls *ctx, const char *host, const char *port);
int tls_connect_servername(struct tls *ctx, const char *host, const char *port, const char *servername);
int tls_connect_socket(struct tls *ctx, int s, const char *servername);
int tls_connect_fds(struct tls *ctx, int fd_read, int fd_write, const char *servername);
int tls_connect_cbs(struct tls *ctx, tls_read_cb read_cb, tls_write_cb write_cb, void *cb_arg,
    const char *servername);
int tls_accept_socket(struct tls *ctx, struct tls **cctx, int s);
int tls_accept_fds(struct tls *ctx, struct tls **cctx, int fd_read, int fd_write);
int tls_accept_cbs(struct tls *ctx, struct tls **cctx, tls_read_cb read_cb, tls_write_cb write_cb,
    void *cb_arg);
int tls_handshake(struct tls *ctx);
ssize_t tls_read(struct tls *ctx, void *buf, size_t buflen);
ssize_t tls_write(struct tls *ctx, const void *buf, size_t buflen);
int tls_close(struct tls *ctx);

/* The peer's certificate, once the handshake is done. */
int tls_peer_cert_provided(struct tls *ctx);
int tls_peer_cert_contains_name(struct tls *ctx, const char *name);
const char *tls_peer_cert_common_name(struct tls *ctx);
const char *tls_peer_cert_hash(struct tls *ctx);
const char *tls_peer_cert_issuer(struct tls *ctx);
const char *tls_peer_cert_subject(struct tls *ctx);
time_t tls_peer_cert_notbefore(struct tls *ctx);
time_t tls_peer_cert_notafter(struct tls *ctx);
const uint8_t *tls_peer_cert_chain_pem(struct tls *ctx, size_t *len);

/* What was negotiated, once the handshake is done. */
const char *tls_conn_alpn_selected(struct tls *ctx);
const char *tls_conn_cipher(struct tls *ctx);
int tls_conn_cipher_strength(struct tls *ctx);
const char *tls_conn_servername(struct tls *ctx);
int tls_conn_session_resumed(struct tls *ctx);
const char *tls_conn_version(struct tls *ctx);

/* Files. */
uint8_t *tls_load_file(const char *file, size_t *len, char *password);
void tls_unload_file(uint8_t *buf, size_t len);

/* OCSP. */
int tls_ocsp_process_response(struct tls *ctx, const unsigned char *response, size_t size);
int tls_peer_ocsp_cert_status(struct tls *ctx);
int tls_peer_ocsp_crl_reason(struct tls *ctx);
time_t tls_peer_ocsp_next_update(struct tls *ctx);
int tls_peer_ocsp_response_status(struct tls *ctx);
const char *tls_peer_ocsp_result(struct tls *ctx);
time_t tls_peer_ocsp_revocation_time(struct tls *ctx);
time_t tls_peer_ocsp_this_update(struct tls *ctx);
const char *tls_peer_ocsp_url(struct tls *ctx);

#ifdef __cplusplus
}
#endif

#endif
