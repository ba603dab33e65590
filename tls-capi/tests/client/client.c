/* What tls_client.h promises, each promise a function: client PROMISE HOST PORT [ARGUMENT]. */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tls_client.h"

enum { LONG_MS = 60000 };

/* A call that waits where it must not takes longer than this. Under valgrind everything does. */
static long at_once_ms = 1500;

static jl_sym_t *err;
static char *errmsg;

static void fail(int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "line %d: ", line);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, " (%s: %s)\n", err ? err : "no error", errmsg ? errmsg : "");
    exit(1);
}

#define CHECK(what) \
    do { \
        if (!(what)) \
            fail(__LINE__, "not so: %s", #what); \
    } while (0)

/* It works, and says so. */
#define WORKS(call) \
    do { \
        err = errmsg = (char *)"untouched"; \
        if ((call) != 1) \
            fail(__LINE__, "%s", #call); \
        CHECK(err == NULL && errmsg == NULL); \
    } while (0)

/* It fails with this code and a sentence. */
#define FAILS(call, code) \
    do { \
        err = errmsg = NULL; \
        if ((call) != 0) \
            fail(__LINE__, "%s has worked, without %s", #call, code); \
        CHECK(err && errmsg && strlen(errmsg) > 5); \
        if (strcmp(err, code) != 0) \
            fail(__LINE__, "%s: not %s", #call, code); \
    } while (0)

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *begin(const char *host, const char *port)
{
    void *tls = NULL;
    WORKS(tls_init(&err, &errmsg));
    long begun = now_ms();
    WORKS(tls_connect(host, port, &tls, &err, &errmsg));
    CHECK(now_ms() - begun < at_once_ms);
    CHECK(tls != NULL);
    return tls;
}

static int is_open(void *tls)
{
    int open = -1;
    WORKS(tls_isopen(tls, &open, &err, &errmsg));
    CHECK(open == 0 || open == 1);
    return open;
}

/* The first failure of a connection, met by waiting. */
static void wait_for(void *tls, const char *code)
{
    for (int i = 0; i < 100; i++) {
        err = errmsg = NULL;
        if (tls_wait(tls, LONG_MS, &err, &errmsg) == 0) {
            CHECK(err && errmsg);
            if (strcmp(err, code) != 0)
                fail(__LINE__, "not %s", code);
            return;
        }
    }
    fail(__LINE__, "no %s", code);
}

static void echo(const char *host, const char *port)
{
    enum { TOTAL = 300000 };
    static uint8_t sent[TOTAL], back[TOTAL];
    for (size_t i = 0; i < TOTAL; i++)
        sent[i] = (uint8_t)(i * 31 + i / 251);
    void *tls = begin(host, port);
    CHECK(is_open(tls));
    size_t out = 0, in = 0;
    while (in < TOTAL) {
        size_t n = 99;
        size_t piece = TOTAL - out < 7777 ? TOTAL - out : 7777;
        WORKS(tls_write(tls, sent + out, piece, &n, &err, &errmsg));
        CHECK(n <= piece);
        out += n;
        int available = -1;
        WORKS(tls_bytesavailable(tls, &available, &err, &errmsg));
        CHECK(available >= 0);
        size_t got = 99;
        size_t room = TOTAL - in < 5000 ? TOTAL - in : 5000;
        WORKS(tls_read(tls, back + in, room, &got, &err, &errmsg));
        CHECK(got >= ((size_t)available < room ? (size_t)available : room) && got <= room);
        in += got;
        if (n == 0 && got == 0)
            WORKS(tls_wait(tls, LONG_MS, &err, &errmsg));
    }
    CHECK(memcmp(sent, back, TOTAL) == 0);
    size_t n = 99;
    WORKS(tls_write(tls, sent, 0, &n, &err, &errmsg));
    CHECK(n == 0);
    CHECK(is_open(tls));
    WORKS(tls_close(tls, &err, &errmsg));
    FAILS(tls_close(tls, &err, &errmsg), "TLS_HANDLE_ERROR");
    FAILS(tls_read(tls, back, 1, &n, &err, &errmsg), "TLS_HANDLE_ERROR");
    CHECK(n == 0);
}

/* The server says 40,000 bytes and ends. */
static void end(const char *host, const char *port)
{
    uint8_t buf[1000];
    size_t total = 0, n;
    void *tls = begin(host, port);
    while (is_open(tls)) {
        WORKS(tls_read(tls, buf, sizeof buf, &n, &err, &errmsg));
        for (size_t i = 0; i < n; i++)
            CHECK(buf[i] == (uint8_t)(total + i));
        total += n;
        if (n == 0 && is_open(tls))
            WORKS(tls_wait(tls, LONG_MS, &err, &errmsg));
    }
    CHECK(total == 40000);
    WORKS(tls_read(tls, buf, sizeof buf, &n, &err, &errmsg));
    CHECK(n == 0);
    WORKS(tls_wait(tls, LONG_MS, &err, &errmsg));
    WORKS(tls_close(tls, &err, &errmsg));
}

/* The server says "half", and its network ends. */
static void truncated(const char *host, const char *port)
{
    uint8_t buf[16];
    size_t n = 0, total = 0;
    int available = -1;
    void *tls = begin(host, port);
    while (total < 4) {
        WORKS(tls_wait(tls, LONG_MS, &err, &errmsg));
        WORKS(tls_bytesavailable(tls, &available, &err, &errmsg));
        WORKS(tls_read(tls, buf + total, (size_t)available, &n, &err, &errmsg));
        CHECK(n == (size_t)available);
        total += n;
    }
    CHECK(memcmp(buf, "half", 4) == 0);
    wait_for(tls, "TLS_UNEXPECTED_EOF");
    FAILS(tls_read(tls, buf, 1, &n, &err, &errmsg), "TLS_UNEXPECTED_EOF");
    FAILS(tls_write(tls, buf, 1, &n, &err, &errmsg), "TLS_UNEXPECTED_EOF");
    CHECK(!is_open(tls));
    WORKS(tls_bytesavailable(tls, &available, &err, &errmsg));
    CHECK(available == 0);
    WORKS(tls_close(tls, &err, &errmsg));
}

/* Whichever call is the next one tells. */
static void told(const char *host, const char *port, const char *code)
{
    uint8_t buf[1] = {0};
    for (int call = 0; call < 6; call++) {
        void *tls = begin(host, port);
        int number = -1, told = 0;
        size_t n = 99;
        long begun = now_ms();
        while (!told && now_ms() - begun < LONG_MS) {
            /* The others ask, and do not wait. */
            struct timespec pause = {0, 5000000};
            err = errmsg = NULL;
            if (call == 0)
                told = !tls_isopen(tls, &number, &err, &errmsg);
            else if (call == 1)
                told = !tls_bytesavailable(tls, &number, &err, &errmsg);
            else if (call == 2)
                told = !tls_read(tls, buf, 1, &n, &err, &errmsg);
            else if (call == 3)
                told = !tls_write(tls, buf, 1, &n, &err, &errmsg);
            else if (call == 4)
                told = !tls_wait(tls, LONG_MS, &err, &errmsg);
            else
                told = 1;
            nanosleep(&pause, NULL);
        }
        CHECK(told);
        if (call == 5) {
            /* Closing early tells it, if it is there by then. */
            (void)tls_close(tls, &err, &errmsg);
            continue;
        }
        CHECK(err && errmsg && strcmp(err, code) == 0);
        CHECK(call > 1 || number == 0);
        CHECK((call != 2 && call != 3) || n == 0);
        FAILS(tls_read(tls, buf, 1, &n, &err, &errmsg), code);
        FAILS(tls_wait(tls, 0, &err, &errmsg), code);
        CHECK(!is_open(tls));
        WORKS(tls_close(tls, &err, &errmsg));
    }
}

/* The server takes the connection and says nothing. */
static void mute(const char *host, const char *port)
{
    uint8_t buf[100] = {0};
    size_t n = 99;
    int number = -1;
    void *tls = begin(host, port);
    for (int i = 0; i < 3; i++) {
        long begun = now_ms();
        CHECK(is_open(tls));
        WORKS(tls_bytesavailable(tls, &number, &err, &errmsg));
        CHECK(number == 0);
        WORKS(tls_read(tls, buf, sizeof buf, &n, &err, &errmsg));
        CHECK(n == 0);
        WORKS(tls_write(tls, buf, sizeof buf, &n, &err, &errmsg));
        CHECK(n == 0);
        CHECK(now_ms() - begun < at_once_ms);
        begun = now_ms();
        FAILS(tls_wait(tls, 200, &err, &errmsg), "TLS_WAIT_TIMEOUT");
        CHECK(now_ms() - begun >= 200);
        FAILS(tls_wait(tls, 0, &err, &errmsg), "TLS_WAIT_TIMEOUT");
    }
    long begun = now_ms();
    WORKS(tls_close(tls, &err, &errmsg));
    CHECK(now_ms() - begun < at_once_ms);
}

static void misuse(const char *host, const char *port)
{
    void *tls = NULL, *other = &tls;
    uint8_t buf[1];
    size_t n = 99;
    int number = -1;
    FAILS(tls_connect(host, port, &tls, &err, &errmsg), "TLS_NOT_INITIALISED");
    CHECK(tls == NULL);
    WORKS(tls_init(&err, &errmsg));
    WORKS(tls_init(&err, &errmsg));
    CHECK(tls_init(NULL, NULL) == 1);
    FAILS(tls_connect(NULL, port, &tls, &err, &errmsg), "TLS_ARGUMENT_ERROR");
    FAILS(tls_connect(host, NULL, &tls, &err, &errmsg), "TLS_ARGUMENT_ERROR");
    FAILS(tls_connect(host, port, NULL, &err, &errmsg), "TLS_ARGUMENT_ERROR");
    FAILS(tls_connect("", port, &tls, &err, &errmsg), "TLS_ARGUMENT_ERROR");
    FAILS(tls_connect("no name", port, &tls, &err, &errmsg), "TLS_ARGUMENT_ERROR");
    FAILS(tls_connect("\xff\xfe", port, &tls, &err, &errmsg), "TLS_ARGUMENT_ERROR");
    CHECK(tls_connect(NULL, NULL, NULL, NULL, NULL) == 0);
    void *none[] = {NULL, (void *)1, (void *)16, buf, other, (void *)-1, (void *)-16};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        FAILS(tls_close(none[i], &err, &errmsg), "TLS_HANDLE_ERROR");
        FAILS(tls_isopen(none[i], &number, &err, &errmsg), "TLS_HANDLE_ERROR");
        FAILS(tls_bytesavailable(none[i], &number, &err, &errmsg), "TLS_HANDLE_ERROR");
        FAILS(tls_read(none[i], buf, 1, &n, &err, &errmsg), "TLS_HANDLE_ERROR");
        FAILS(tls_write(none[i], buf, 1, &n, &err, &errmsg), "TLS_HANDLE_ERROR");
        FAILS(tls_wait(none[i], 0, &err, &errmsg), "TLS_HANDLE_ERROR");
        CHECK(tls_wait(none[i], -1, NULL, NULL) == 0);
    }
    WORKS(tls_connect(host, port, &tls, &err, &errmsg));
    FAILS(tls_isopen(tls, NULL, &err, &errmsg), "TLS_ARGUMENT_ERROR");
    FAILS(tls_bytesavailable(tls, NULL, &err, &errmsg), "TLS_ARGUMENT_ERROR");
    FAILS(tls_read(tls, buf, 1, NULL, &err, &errmsg), "TLS_ARGUMENT_ERROR");
    FAILS(tls_read(tls, NULL, 1, &n, &err, &errmsg), "TLS_ARGUMENT_ERROR");
    FAILS(tls_read(tls, buf, (size_t)-1, &n, &err, &errmsg), "TLS_ARGUMENT_ERROR");
    FAILS(tls_write(tls, NULL, 1, &n, &err, &errmsg), "TLS_ARGUMENT_ERROR");
    WORKS(tls_read(tls, NULL, 0, &n, &err, &errmsg));
    CHECK(n == 0);
    WORKS(tls_close(tls, &err, &errmsg));
}

/* Writes what is taken at once, and closes: all of it arrives, though nobody waits for it. */
static void closing(const char *host, const char *port)
{
    static uint8_t bytes[1 << 20];
    size_t total = 0, n = 0;
    void *tls = begin(host, port);
    do {
        WORKS(tls_write(tls, bytes, sizeof bytes, &n, &err, &errmsg));
        total += n;
        if (total == 0)
            WORKS(tls_wait(tls, LONG_MS, &err, &errmsg));
    } while (n > 0 || total == 0);
    long begun = now_ms();
    WORKS(tls_close(tls, &err, &errmsg));
    CHECK(now_ms() - begun < at_once_ms);
    printf("%zu\n", total);
    fflush(stdout);
    /* The process has to be there, until the server has it all. */
    CHECK(getchar() == '.');
}

static void *waits(void *tls)
{
    jl_sym_t *code = NULL;
    for (int i = 0; i < 100; i++)
        if (!tls_wait(tls, -1, &code, NULL))
            break;
    return code;
}

/* Another thread closes what this one waits for. */
static void threads(const char *host, const char *port)
{
    pthread_t thread;
    void *code = NULL;
    struct timespec pause = {0, 100000000};
    void *tls = begin(host, port);
    CHECK(pthread_create(&thread, NULL, waits, tls) == 0);
    nanosleep(&pause, NULL);
    for (int i = 0; i < 1000; i++)
        is_open(tls);
    WORKS(tls_close(tls, &err, &errmsg));
    CHECK(pthread_join(thread, &code) == 0);
    CHECK(code && strcmp(code, "TLS_HANDLE_ERROR") == 0);
}

static void no_library(const char *host, const char *port)
{
    void *tls = &tls;
    (void)setenv("POLYTLS_BACKEND", "nobodys", 1);
    FAILS(tls_init(&err, &errmsg), "TLS_LIBRARY_NOT_FOUND");
    CHECK(strstr(errmsg, "nobodys"));
    FAILS(tls_connect(host, port, &tls, &err, &errmsg), "TLS_NOT_INITIALISED");
    CHECK(tls == NULL);
    (void)unsetenv("POLYTLS_BACKEND");
    WORKS(tls_init(&err, &errmsg));
}

static void no_roots(const char *host, const char *port)
{
    (void)host, (void)port;
    FAILS(tls_init(&err, &errmsg), "TLS_CONFIG_ERROR");
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    if (getenv("SLOW_MACHINE"))
        at_once_ms = 30000;
    const char *promise = argv[1], *host = argv[2], *port = argv[3];
    if (strcmp(promise, "told") == 0 && argc == 5) {
        told(host, port, argv[4]);
        return 0;
    }
    static const struct {
        const char *name;
        void (*run)(const char *host, const char *port);
    } PROMISES[] = {
        {"echo", echo},       {"end", end},         {"truncated", truncated},   {"mute", mute},
        {"misuse", misuse},   {"closing", closing}, {"threads", threads},       {"no_library", no_library},
        {"no_roots", no_roots},
    };
    for (size_t i = 0; i < sizeof PROMISES / sizeof *PROMISES; i++)
        if (strcmp(promise, PROMISES[i].name) == 0) {
            PROMISES[i].run(host, port);
            return 0;
        }
    return 2;
}
