/*
 * fio_tls.h - TLS for facil.io 0.7, on any TLS library that polytls knows. The functions are those of facil.io's
 * own fio_tls.h: link with this library in place of facil.io's fio_tls_*.c.
 *
 * No function ends the process. What cannot be used (a file that is missing, a key that does not fit) is
 * remembered: every connection with these settings is closed then, and fio_tls_error() says why.
 *
 * Texts are only used while the call runs. Everything may be called from any thread, but from within the
 * hooks of facil.io.
 */
#ifndef H_FIO_TLS
#define H_FIO_TLS

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Settings, by a handle. Misuse of one that was destroyed does nothing, or closes the connection. */
typedef struct fio_tls_s fio_tls_s;

/*
 * New settings, with a certificate as of fio_tls_cert_add() if there is one. Never NULL. To be destroyed with
 * fio_tls_destroy().
 */
fio_tls_s *fio_tls_new(const char *server_name, const char *public_cert_file, const char *private_key_file,
                       const char *pk_password);

/*
 * Adds a certificate chain and its key (PEM). A server with several chooses by the name that the client asks for
 * (SNI) among the names in the certificates, or takes the first; a client presents the first if it is asked.
 *
 * With a name and no files a server makes a certificate for itself (ECDSA on P-256), once, which nobody trusts
 * who does not know it otherwise. One file without the other is an error.
 *
 * On a client the first name is the server's: it is asked for, and compared with the certificate if anybody is
 * trusted.
 */
void fio_tls_cert_add(fio_tls_s *tls, const char *server_name, const char *public_cert_file,
                      const char *private_key_file, const char *pk_password);

/*
 * Adds an application protocol (ALPN). on_selected is called by the event loop once the handshake is done; of
 * a server's protocols the one that the client wants most is taken. The first one is the default: it is told
 * where none was agreed, and also, with the uuid -1, when a connection ends before that, so that
 * udata_connection can be freed.
 *
 * on_cleanup is called once nobody uses the protocol any more: the settings are destroyed and no connection has
 * them, or a protocol of the same name was added. Everything but tls and protocol_name may be NULL.
 */
void fio_tls_alpn_add(fio_tls_s *tls, const char *protocol_name,
                      void (*on_selected)(intptr_t uuid, void *udata_connection, void *udata_tls),
                      void *udata_tls, void (*on_cleanup)(void *udata_tls));

/* How many application protocols there are. */
uintptr_t fio_tls_alpn_count(fio_tls_s *tls);

/*
 * Trusts the certificates in a file (PEM), and no others; lists of revoked certificates in it are used.
 *
 * A client verifies the server then, and its name if fio_tls_new() was told one. WITHOUT TRUST A CLIENT VERIFIES
 * NOTHING, as in facil.io. A server takes only clients with a certificate that is trusted.
 */
void fio_tls_trust(fio_tls_s *tls, const char *public_cert_file);

/*
 * Begins TLS as a server, or as a client, on a socket of facil.io's that is connected. If it cannot be, the socket is
 * closed; it never goes on in clear. udata is handed to the callback of the protocol.
 */
void fio_tls_accept(intptr_t uuid, fio_tls_s *tls, void *udata);
void fio_tls_connect(intptr_t uuid, fio_tls_s *tls, void *udata);

/* Has one more owner, each of which destroys it. */
void fio_tls_dup(fio_tls_s *tls);

/* Gives the settings up. Connections that have begun keep them. */
void fio_tls_destroy(fio_tls_s *tls);

/*
 * Why these settings cannot be used, or else why the last connection failed that did; NULL if there is nothing
 * to say. Not in facil.io. The text is the library's, and stays until the thread asks again, or ends.
 */
const char *fio_tls_error(fio_tls_s *tls);

/*
 * As these were before the first release: the key came before the certificate. FIO_TLS_KEY_FIRST gives them the
 * names that they had.
 */
fio_tls_s *fio_tls_new_key_first(const char *server_name, const char *private_key_file,
                                 const char *public_cert_file);
void fio_tls_cert_add_key_first(fio_tls_s *tls, const char *server_name, const char *private_key_file,
                                const char *public_cert_file);
void fio_tls_proto_add(fio_tls_s *tls, const char *protocol_name, void (*callback)(intptr_t uuid, void *udata));

#ifdef FIO_TLS_KEY_FIRST
#define fio_tls_new fio_tls_new_key_first
#define fio_tls_cert_add fio_tls_cert_add_key_first
#endif

#ifdef __cplusplus
}
#endif

#endif
