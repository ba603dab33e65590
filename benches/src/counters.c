/* Counts what is allocated by Rust and C alike: this program's own malloc stands before the C library's, which
 * does the work. Everything is per thread, so that a count needs no atomic operation and is of one side only. */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

enum { SIDES = 3 };
static __thread unsigned side;
static __thread uint64_t calls[SIDES];
static __thread int64_t live[SIDES];

static void *count(void *p) {
    if (p) {
        calls[side]++;
        live[side] += (int64_t)malloc_usable_size(p);
    }
    return p;
}

void *malloc(size_t n) { return count(__libc_malloc(n)); }
void *calloc(size_t n, size_t m) { return count(__libc_calloc(n, m)); }
void *memalign(size_t a, size_t n) { return count(__libc_memalign(a, n)); }
void *aligned_alloc(size_t a, size_t n) { return count(__libc_memalign(a, n)); }

int posix_memalign(void **p, size_t a, size_t n) {
    *p = count(__libc_memalign(a, n));
    return *p ? 0 : ENOMEM;
}

void *realloc(void *p, size_t n) {
    int64_t before = p ? (int64_t)malloc_usable_size(p) : 0;
    void *q = __libc_realloc(p, n);
    if (q) {
        calls[side]++;
        live[side] += (int64_t)malloc_usable_size(q) - before;
    } else if (n == 0) {
        live[side] -= before;
    }
    return q;
}

void free(void *p) {
    if (p)
        live[side] -= (int64_t)malloc_usable_size(p);
    __libc_free(p);
}

/* Whose memory it is from now on, and whose it was before. */
unsigned bench_side(unsigned now) {
    unsigned before = side;
    side = now < SIDES ? now : 0;
    return before;
}

uint64_t bench_allocations(unsigned of) { return calls[of < SIDES ? of : 0]; }
int64_t bench_live(unsigned of) { return live[of < SIDES ? of : 0]; }

/* The processor time of this thread, in nanoseconds. */
uint64_t bench_cpu(void) {
    struct timespec t;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t))
        return 0;
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
