/*
 * tls_client.h - a TLS client over TCP whose calls do not wait. The interface proposed for Julia, on any TLS
 * library that polytls knows.
 *
 * Every function returns 1 if it worked, and 0 if not. Then *err is a code and *errmsg a sentence for people;
 * both are NULL after a call that worked. Either pointer may be NULL if nobody wants to know.
 *
 * WHO FREES WHAT: nobody frees anything, but the connection with tls_close().
 *   *err     is a constant of the library's: compare it with strcmp(). It is there for ever. Where a Julia
 *            runtime is in the process and has begun, it is Julia's symbol in place of the string: compare it
 *            with ==.
 *   *errmsg  is the library's, and stays until a call of the same thread fails again, or the thread ends.
 *            Copy it to keep it (unsafe_string() does).
 *   host, port, buf are only used while the call runs.
 *
 * NO CALL WAITS but tls_wait(): not for the network, not for the resolver, not for another thread. While one
 * thread is in a call on a connection, a call of another thread on the same connection finds nothing: it reads,
 * writes and counts 0 bytes.
 *
 * ERRORS of a connection are told by the next call on it, whichever that is, after all data that came before
 * them. tls_read(), tls_write() and tls_wait() tell them again; tls_isopen() then says 0.
 *
 * Certificates and names are verified. The roots are the system's, or those that the environment variables
 * SSL_CERT_FILE and SSL_CERT_DIR name. POLYTLS_BACKEND names the TLS library, if the build has several.
 *
 * Not to be linked together with libtls: it has functions of the same names.
 */
#ifndef POLYTLS_TLS_CLIENT_H
#define POLYTLS_TLS_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Include julia.h first to have Julia's own type here. */
#ifndef JULIA_H
typedef char jl_sym_t;
#endif

/*
 * Finds the TLS library and the roots. To be called before everything else; a second call does nothing, and
 * after a failure it may be called again. It reads files, and does not use the network.
 *
 * TLS_LIBRARY_NOT_FOUND  no such TLS library is in this build
 * TLS_CONFIG_ERROR       the roots cannot be read
 */
int tls_init(jl_sym_t **err, char **errmsg);

/*
 * Begins to connect to host:port over TCP and TLS. tlsout is the address of a void *, which becomes the
 * connection's handle.
 *
 * host is a name or an address (IPv6 with or without brackets), port a number or the name of a service. Only
 * what needs no network is refused at once: TLS_NOT_INITIALISED, TLS_ARGUMENT_ERROR, TLS_ALLOCATION_ERROR,
 * TCP_ALLOCATION_ERROR. Everything else is told by the next calls.
 */
int tls_connect(const char *host, const char *port, void *tlsout, jl_sym_t **err, char **errmsg);

/*
 * Closes the connection and frees it. The handle must not be used again; if it is, that is TLS_HANDLE_ERROR.
 *
 * What tls_write() has taken is sent, and the closing alert, by a thread of the library's if the network does
 * not take it at once, for 30 seconds at most; exit() waits a second for it. It fails, and has closed the
 * connection all the same, if there was an error that no call has told yet. A tls_wait() of another thread
 * ends.
 */
int tls_close(void *tls, jl_sym_t **err, char **errmsg);

/*
 * Is the connection open? *isopen is 1 as long as there is something to read or may be yet, also while it is
 * not connected so far. It is 0 once the peer has ended and all of its data has been read, and after an error.
 */
int tls_isopen(void *tls, int *isopen, jl_sym_t **err, char **errmsg);

/*
 * Sends bytes. *nout is how many of the n in buf were taken; 0 before the handshake is done, and while the
 * network takes no more. Then tls_wait() waits for room.
 */
int tls_write(void *tls, const uint8_t *buf, size_t n, size_t *nout, jl_sym_t **err, char **errmsg);

/*
 * How many bytes can be read at once? *nbytes is not more than what has come and has been decrypted; 0 does not
 * mean that the peer has sent nothing.
 */
int tls_bytesavailable(void *tls, int *nbytes, jl_sym_t **err, char **errmsg);

/*
 * Receives bytes. *nin is how many of at most n were put in buf; 0 if there is none yet, or no more: then
 * tls_isopen() says 0. An end of the network without the peer's closing alert is TLS_UNEXPECTED_EOF.
 */
int tls_read(void *tls, uint8_t *buf, size_t n, size_t *nin, jl_sym_t **err, char **errmsg);

/*
 * Waits until the next call has something to do: until the handshake is done, there is something to read, the
 * peer has ended, the connection has failed (which it tells), or there is room after a tls_write() that took
 * less than it was given. Sends meanwhile what was written. A negative timeout is none.
 *
 * TLS_WAIT_TIMEOUT  nothing of that has happened; the connection is as it was
 */
int tls_wait(void *tls, int timeout_ms, jl_sym_t **err, char **errmsg);

/*
 * The codes beside those above:
 *
 * GETADDRINFO_ERROR      the name cannot be resolved
 * TCP_ALLOCATION_ERROR   the system has no more sockets or descriptors
 * TCP_CONNECT_ERROR      no address of the host takes a connection
 * TCP_ERROR              the connection broke
 * TLS_ALERT_RECEIVED     the peer gave up, and said why
 * TLS_ALLOCATION_ERROR   too many connections
 * TLS_ARGUMENT_ERROR     a pointer is NULL, or a text not what it has to be
 * TLS_BAD_RECORD         what was received was changed on the way
 * TLS_CERTIFICATE_ERROR  the peer's certificate was refused
 * TLS_CONNECT_ERROR      the peers have no version, cipher suite, group or signature in common
 * TLS_HANDLE_ERROR       there is no such connection
 * TLS_INTERNAL_ERROR     a fault of this library
 * TLS_LIBRARY_ERROR      the TLS library failed in a way that has no code of its own
 * TLS_NOT_INITIALISED    tls_init() has not been called
 * TLS_NOT_TLS            the peer does not speak TLS
 * TLS_PROTOCOL_ERROR     the peer broke the protocol
 * TLS_UNEXPECTED_EOF     the peer ended without saying so: the data may be cut short
 * TLS_WAIT_ERROR         the system cannot wait
 */

#ifdef __cplusplus
}
#endif

#endif
