/*
 * Calls of tls_client.h in random order with random arguments: fuzz PORT CLOSED_PORT SEED SEQUENCES. Nothing may crash,
 * wait or leak, and every call has to say whether it worked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls_client.h"

enum { MOST = 6 };

static uint64_t state;
static void *connections[MOST];
static char err_text[] = "untouched";

static uint32_t any(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 11) % below;
}

static void *connection(void)
{
    switch (any(30)) {
    case 0:
        return NULL;
    case 1:
        return &connections;
    case 2:
        return (void *)(uintptr_t)(any(1000) * 16);
    case 3:
        return (void *)((uintptr_t)connections[any(MOST)] + 16 * (any(3) - 1));
    default:
        return connections[any(MOST)];
    }
}

static void one(char **ports)
{
    static const char *hosts[] = {"127.0.0.1", "127.0.0.1", "[::1]", "", "no name", "\xff", "::", NULL};
    const char *port = any(20) ? ports[any(2)] : NULL;
    uint8_t buf[300] = {0};
    jl_sym_t *err = err_text;
    char *errmsg = err_text;
    jl_sym_t **to_err = any(10) ? &err : NULL;
    char **to_text = any(10) ? &errmsg : NULL;
    size_t n = 0, *to_n = any(20) ? &n : NULL, length = any(sizeof buf + 1);
    int number = 0, *to_number = any(20) ? &number : NULL, worked = -1;
    uint32_t place = any(MOST);
    switch (any(10)) {
    case 0:
        worked = tls_init(to_err, to_text);
        break;
    case 1:
    case 2:
        if (connections[place])
            (void)tls_close(connections[place], NULL, NULL);
        connections[place] = NULL;
        worked = tls_connect(hosts[any(8)], port, any(20) ? &connections[place] : NULL, to_err, to_text);
        break;
    case 3:
        worked = tls_close(connection(), to_err, to_text);
        break;
    case 4:
        worked = tls_isopen(connection(), to_number, to_err, to_text);
        break;
    case 5:
        worked = tls_bytesavailable(connection(), to_number, to_err, to_text);
        break;
    case 6:
        worked = tls_read(connection(), any(20) ? buf : NULL, length, to_n, to_err, to_text);
        break;
    case 7:
        worked = tls_write(connection(), any(20) ? buf : NULL, length, to_n, to_err, to_text);
        break;
    default:
        worked = tls_wait(connection(), (int)any(3), to_err, to_text);
    }
    if ((worked != 0 && worked != 1) || n > length || number < 0)
        abort();
    if (to_err && (worked ? err != NULL : !err || err == err_text || strlen(err) < 8))
        abort();
    if (to_text && (worked ? errmsg != NULL : !errmsg || errmsg == err_text || strlen(errmsg) < 8))
        abort();
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 2;
    state = strtoull(argv[3], NULL, 10) * 2654435761u + 1;
    long sequences = atol(argv[4]);
    for (long i = 0; i < sequences; i++)
        for (uint32_t calls = 1 + any(30); calls > 0; calls--)
            one(argv + 1);
    for (int i = 0; i < MOST; i++)
        (void)tls_close(connections[i], NULL, NULL);
    return 0;
}
