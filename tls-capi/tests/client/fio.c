/* What fio_tls.h promises: fio FOLDER [PORT]. In the folder: ca, stranger, a, b, own, and their keys; a server at PORT. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>

#include "facil.h"
#include "fio_tls.h"

static char folder[256];

static void fail(int line, const char *what, const char *why)
{
    fprintf(stderr, "line %d: %s (%s)\n", line, what, why ? why : "no error");
    exit(1);
}

#define CHECK(what, tls) \
    do { \
        if (!(what)) \
            fail(__LINE__, #what, (tls) ? fio_tls_error(tls) : NULL); \
    } while (0)

static const char *file(const char *name)
{
    static char names[4][512];
    static int next;
    char *place = names[next++ % 4];
    snprintf(place, sizeof names[0], "%s/%s.pem", folder, name);
    return place;
}

/* What a callback was told last. */
static struct told {
    int calls;
    intptr_t uuid;
    void *connection, *protocol;
} served, asked;

static int cleaned;

static void on_served(intptr_t uuid, void *connection, void *protocol)
{
    served = (struct told){served.calls + 1, uuid, connection, protocol};
}

static void on_asked(intptr_t uuid, void *connection, void *protocol)
{
    asked = (struct told){asked.calls + 1, uuid, connection, protocol};
}

static void early(intptr_t uuid, void *connection)
{
    asked = (struct told){asked.calls + 1, uuid, connection, NULL};
}

static void on_cleanup(void *udata)
{
    (void)udata;
    cleaned++;
}

/* Two ends of one connection. */
static void join(fio_tls_s *server, fio_tls_s *client, intptr_t ends[2])
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
        exit(3);
    ends[0] = attach(fds[0]);
    ends[1] = attach(fds[1]);
    memset(&served, 0, sizeof served);
    memset(&asked, 0, sizeof asked);
    fio_tls_accept(ends[0], server, &served);
    fio_tls_connect(ends[1], client, &asked);
}

/* Has both say something; 1 if both have heard it. */
static int talk(intptr_t ends[2])
{
    char heard[2][20000];
    static char says[20000];
    size_t got[2] = {0, 0}, put[2] = {0, 0};
    memset(says, 's', sizeof says);
    for (int i = 0; i < 20000; i++) {
        for (int end = 0; end < 2; end++) {
            ssize_t n = fio_write(ends[end], says, put[end] < sizeof says ? sizeof says - put[end] : 0);
            put[end] += n > 0 ? (size_t)n : 0;
            /* In pieces, so that what is left waits in the library. */
            size_t room = sizeof heard[0] - got[end];
            n = fio_read(ends[end], heard[end] + got[end], room < 3000 ? room : 3000);
            if (n < 0 && got[end] < sizeof says)
                return 0;
            got[end] += n > 0 ? (size_t)n : 0;
        }
        run_tasks();
        if (got[0] == sizeof says && got[1] == sizeof says)
            return memcmp(heard[0], says, sizeof says) == 0 && memcmp(heard[1], says, sizeof says) == 0;
        if (!is_valid(ends[0]) || !is_valid(ends[1]))
            return 0;
        usleep(i > 100 ? 1000 : 0);
    }
    return 0;
}

static void part(intptr_t ends[2])
{
    fio_close(ends[1]);
    run_tasks();
    if (is_valid(ends[0])) {
        char byte;
        fio_read(ends[0], &byte, 1);
        fio_close(ends[0]);
    }
    run_tasks();
}

/* A handshake that fails: both are closed, and both get back what they gave. */
static void refused(fio_tls_s *server, fio_tls_s *client)
{
    intptr_t ends[2];
    join(server, client, ends);
    if (talk(ends))
        fail(__LINE__, "they have talked", NULL);
    part(ends);
    CHECK(!is_valid(ends[0]) && !is_valid(ends[1]), client);
}

static void meets(fio_tls_s *server, fio_tls_s *client)
{
    intptr_t ends[2];
    join(server, client, ends);
    if (!talk(ends)) {
        fprintf(stderr, "server: %s\n", fio_tls_error(server) ? fio_tls_error(server) : "-");
        fail(__LINE__, "no talk", fio_tls_error(client));
    }
    part(ends);
}

static void names_and_protocols(void)
{
    static char h2, http;
    fio_tls_s *server = fio_tls_new("a.test", file("a"), file("a.key"), NULL);
    fio_tls_cert_add(server, "b.test", file("b"), file("b.key"), "secret");
    CHECK(fio_tls_alpn_count(server) == 0, server);
    fio_tls_alpn_add(server, "h2", on_served, &h2, on_cleanup);
    fio_tls_alpn_add(server, "http/1.1", on_served, &http, on_cleanup);
    CHECK(fio_tls_alpn_count(server) == 2 && fio_tls_error(server) == NULL, server);

    /* Each name gets its certificate, and the client's first protocol. */
    const char *names[] = {"a.test", "b.test"};
    for (int i = 0; i < 2; i++) {
        fio_tls_s *client = fio_tls_new(names[i], NULL, NULL, NULL);
        fio_tls_trust(client, file("ca"));
        fio_tls_alpn_add(client, "http/1.1", on_asked, &http, NULL);
        fio_tls_alpn_add(client, "h2", on_asked, &h2, NULL);
        meets(server, client);
        CHECK(served.calls == 1 && served.uuid > 0 && served.connection == &served, server);
        CHECK(served.protocol == &http, server);
        CHECK(asked.calls == 1 && asked.uuid > 0 && asked.connection == &asked, client);
        CHECK(asked.protocol == &http, client);
        fio_tls_destroy(client);
    }

    /* Without a protocol in common the first one is told. */
    fio_tls_s *client = fio_tls_new(NULL, NULL, NULL, NULL);
    meets(server, client);
    CHECK(served.protocol == &h2 && asked.calls == 0, server);
    fio_tls_alpn_add(client, "gopher", on_asked, &http, NULL);
    meets(server, client);
    CHECK(served.protocol == &h2 && asked.protocol == &http && asked.calls == 1, client);
    fio_tls_destroy(client);

    /* Another name than it has, trusted or not; the wrong authority; the right one without a name. */
    client = fio_tls_new("c.test", NULL, NULL, NULL);
    fio_tls_alpn_add(client, "h2", on_asked, NULL, NULL);
    meets(server, client);
    fio_tls_trust(client, file("ca"));
    refused(server, client);
    CHECK(asked.calls == 1 && asked.uuid == -1 && asked.connection == &asked, client);
    CHECK(served.calls == 1 && served.uuid == -1 && served.connection == &served, server);
    CHECK(fio_tls_error(client) != NULL, client);
    fio_tls_destroy(client);
    client = fio_tls_new("a.test", NULL, NULL, NULL);
    fio_tls_trust(client, file("stranger"));
    refused(server, client);
    fio_tls_destroy(client);
    client = fio_tls_new(NULL, NULL, NULL, NULL);
    fio_tls_trust(client, file("ca"));
    meets(server, client);
    fio_tls_destroy(client);

    /* A protocol that is added again replaces the other; the last owner cleans up. */
    CHECK(cleaned == 0, server);
    fio_tls_alpn_add(server, "h2", on_served, &h2, on_cleanup);
    CHECK(cleaned == 1 && fio_tls_alpn_count(server) == 2, server);
    fio_tls_dup(server);
    fio_tls_destroy(server);
    CHECK(cleaned == 1 && fio_tls_alpn_count(server) == 2, server);
    fio_tls_destroy(server);
    if (cleaned != 3)
        fail(__LINE__, "not cleaned up", NULL);
}

static void clients_with_certificates(void)
{
    fio_tls_s *server = fio_tls_new("a.test", file("a"), file("a.key"), NULL);
    fio_tls_trust(server, file("ca"));
    fio_tls_s *client = fio_tls_new(NULL, NULL, NULL, NULL);
    refused(server, client);
    fio_tls_cert_add(client, NULL, file("own"), file("own.key"), NULL);
    meets(server, client);
    fio_tls_destroy(client);
    fio_tls_destroy(server);
}

static void made_on_the_spot(void)
{
    fio_tls_s *server = fio_tls_new("made.test", NULL, NULL, NULL);
    fio_tls_s *client = fio_tls_new("made.test", NULL, NULL, NULL);
    meets(server, client);
    fio_tls_trust(client, file("ca"));
    refused(server, client);
    fio_tls_destroy(client);
    fio_tls_destroy(server);
}

static void errors(void)
{
    intptr_t ends[2];
    fio_tls_s *client = fio_tls_new(NULL, NULL, NULL, NULL);
    fio_tls_s *bad[] = {
        fio_tls_new("a.test", file("missing"), file("a.key"), NULL),
        fio_tls_new("a.test", file("a"), NULL, NULL),
        fio_tls_new("b.test", file("b"), file("b.key"), "wrong"),
        fio_tls_new("a.test", file("a"), file("own.key"), NULL),
        fio_tls_new(NULL, NULL, NULL, NULL),
        fio_tls_new("no name", NULL, NULL, NULL),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(bad[i] != NULL, client);
        fio_tls_alpn_add(bad[i], "h2", on_served, NULL, NULL);
        join(bad[i], client, ends);
        CHECK(!is_valid(ends[0]), client);
        run_tasks();
        CHECK(served.calls == 1 && served.uuid == -1, client);
        CHECK(fio_tls_error(bad[i]) && strlen(fio_tls_error(bad[i])) > 10, client);
        part(ends);
        fio_tls_destroy(bad[i]);
        /* And what is no more never speaks in clear. */
        join(bad[i], client, ends);
        CHECK(!is_valid(ends[0]), client);
        part(ends);
        CHECK(fio_tls_error(bad[i]) == NULL && fio_tls_alpn_count(bad[i]) == 0, client);
        fio_tls_destroy(bad[i]);
    }
    fio_tls_trust(client, file("missing"));
    CHECK(fio_tls_error(client) != NULL, client);
    join(client, client, ends);
    CHECK(!is_valid(ends[0]) && !is_valid(ends[1]), client);
    fio_tls_alpn_add(client, "", on_asked, NULL, on_cleanup);
    fio_tls_alpn_add(client, NULL, on_asked, NULL, NULL);
    CHECK(fio_tls_alpn_count(client) == 0, client);
    fio_tls_destroy(client);
    fio_tls_trust(NULL, NULL);
    fio_tls_cert_add(NULL, NULL, NULL, NULL, NULL);
    fio_tls_dup(NULL);
    fio_tls_destroy(NULL);
    fio_tls_accept(-1, NULL, NULL);
    fio_tls_connect(-1, NULL, NULL);
}

static void before_the_release(void)
{
    fio_tls_s *server = fio_tls_new_key_first("a.test", file("a.key"), file("a"));
    fio_tls_cert_add_key_first(server, "own.test", file("own.key"), file("own"));
    fio_tls_s *client = fio_tls_new("a.test", NULL, NULL, NULL);
    fio_tls_proto_add(client, "h2", early);
    meets(server, client);
    CHECK(asked.calls == 1 && asked.uuid > 0 && asked.connection == &asked, client);
    fio_tls_destroy(client);
    fio_tls_destroy(server);
}

/* Another library's server says what it hears. */
static void elsewhere(const char *port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS)
        exit(4);
    struct pollfd writable = {fd, POLLOUT, 0};
    poll(&writable, 1, 10000);
    fio_tls_s *client = fio_tls_new("localhost", NULL, NULL, NULL);
    fio_tls_trust(client, file("server"));
    intptr_t uuid = attach(fd);
    fio_tls_connect(uuid, client, NULL);
    char heard[5];
    size_t put = 0, got = 0;
    for (int i = 0; i < 10000 && got < 5; i++) {
        run_tasks();
        ssize_t n = put < 5 ? fio_write(uuid, "hello" + put, 5 - put) : 0;
        CHECK(n >= 0, client);
        put += (size_t)n;
        n = fio_read(uuid, heard + got, 5 - got);
        CHECK(n >= 0, client);
        got += (size_t)n;
        usleep(1000);
    }
    CHECK(got == 5 && memcmp(heard, "hello", 5) == 0, client);
    fio_close(uuid);
    fio_tls_destroy(client);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    snprintf(folder, sizeof folder, "%s", argv[1]);
    if (argc == 3) {
        elsewhere(argv[2]);
        return 0;
    }
    names_and_protocols();
    clients_with_certificates();
    made_on_the_spot();
    errors();
    before_the_release();
    return 0;
}
