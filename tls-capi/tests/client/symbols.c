/* A program with a runtime of Julia's in it, as far as symbols go: symbols HOST PORT. */
#include <stdio.h>
#include <string.h>

typedef struct _jl_sym_t {
    char name[64];
} jl_sym_t;

#define JULIA_H
#include "tls_client.h"

static jl_sym_t table[8];
static int has_begun;

int jl_is_initialized(void)
{
    return has_begun;
}

jl_sym_t *jl_symbol(const char *name)
{
    for (int i = 0; i < 8; i++) {
        if (table[i].name[0] == 0)
            snprintf(table[i].name, sizeof table[i].name, "%s", name);
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    }
    return NULL;
}

int main(void)
{
    jl_sym_t *err = NULL;
    char *errmsg = NULL;
    /* Before the runtime has begun it makes no symbols. */
    if (tls_close(NULL, &err, &errmsg) != 0 || strcmp((char *)err, "TLS_HANDLE_ERROR") != 0)
        return 1;
    if (table[0].name[0] != 0)
        return 2;
    has_begun = 1;
    if (tls_close(NULL, &err, &errmsg) != 0 || err != jl_symbol("TLS_HANDLE_ERROR"))
        return 3;
    return err == &table[0] && errmsg ? 0 : 4;
}
