/*
 * As much of facil.io as its TLS needs, in one thread: sockets with hooks, and a queue of tasks. It stands in for
 * facil.io, which is no Debian package: the interface is that of its fio.h 0.7.
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

typedef struct fio_rw_hook_s {
    ssize_t (*read)(intptr_t uuid, void *udata, void *buf, size_t count);
    ssize_t (*write)(intptr_t uuid, void *udata, const void *buf, size_t count);
    ssize_t (*flush)(intptr_t uuid, void *udata);
    ssize_t (*before_close)(intptr_t uuid, void *udata);
    void (*cleanup)(void *udata);
} fio_rw_hook_s;

enum { MOST = 256 };

static struct {
    fio_rw_hook_s *hooks;
    void *udata;
    uint8_t counter;
    int open;
} sockets[MOST];

static struct {
    void (*task)(void *, void *);
    void *first, *second;
} tasks[MOST];

static int task_count;

#define fio_uuid2fd(uuid) ((int)((uintptr_t)(uuid) >> 8))

static int is_valid(intptr_t uuid)
{
    int fd = fio_uuid2fd(uuid);
    return uuid >= 0 && fd < MOST && sockets[fd].open && sockets[fd].counter == (uuid & 255);
}

static intptr_t attach(int fd)
{
    sockets[fd].open = 1;
    sockets[fd].hooks = NULL;
    return ((intptr_t)fd << 8) | ++sockets[fd].counter;
}

int fio_rw_hook_set(intptr_t uuid, fio_rw_hook_s *hooks, void *udata)
{
    if (!is_valid(uuid))
        return -1;
    sockets[fio_uuid2fd(uuid)].hooks = hooks;
    sockets[fio_uuid2fd(uuid)].udata = udata;
    return 0;
}

int fio_defer(void (*task)(void *, void *), void *first, void *second)
{
    if (task_count == MOST)
        return -1;
    tasks[task_count].task = task;
    tasks[task_count].first = first;
    tasks[task_count++].second = second;
    return 0;
}

static void look_again(void *uuid, void *none)
{
    (void)none;
    if (is_valid((intptr_t)uuid)) {
        int fd = fio_uuid2fd(uuid);
        if (sockets[fd].hooks)
            sockets[fd].hooks->flush((intptr_t)uuid, sockets[fd].udata);
    }
}

void fio_force_event(intptr_t uuid, int event)
{
    if (event == 1)
        fio_defer(look_again, (void *)uuid, NULL);
}

static void detach(intptr_t uuid)
{
    int fd = fio_uuid2fd(uuid);
    fio_rw_hook_s *hooks = sockets[fd].hooks;
    sockets[fd].open = 0;
    sockets[fd].hooks = NULL;
    if (hooks)
        hooks->cleanup(sockets[fd].udata);
    close(fd);
}

void fio_close(intptr_t uuid)
{
    if (!is_valid(uuid))
        return;
    int fd = fio_uuid2fd(uuid);
    fio_rw_hook_s *hooks = sockets[fd].hooks;
    if (hooks && hooks->before_close(uuid, sockets[fd].udata))
        for (int i = 0; i < 1000 && hooks->flush(uuid, sockets[fd].udata) > 0; i++)
            usleep(1000);
    detach(uuid);
}

static void run_tasks(void)
{
    for (int i = 0; i < task_count; i++)
        tasks[i].task(tasks[i].first, tasks[i].second);
    task_count = 0;
}

static ssize_t fio_read(intptr_t uuid, void *buf, size_t count)
{
    int fd = fio_uuid2fd(uuid);
    if (!is_valid(uuid))
        return -1;
    errno = 0;
    ssize_t n = sockets[fd].hooks->read(uuid, sockets[fd].udata, buf, count);
    if (n > 0)
        return n;
    if (n < 0 && (errno == EWOULDBLOCK || errno == EAGAIN))
        return 0;
    detach(uuid);
    return -1;
}

static ssize_t fio_write(intptr_t uuid, const void *buf, size_t count)
{
    int fd = fio_uuid2fd(uuid);
    if (!is_valid(uuid))
        return -1;
    errno = 0;
    ssize_t n = sockets[fd].hooks->write(uuid, sockets[fd].udata, buf, count);
    return n < 0 && (errno == EWOULDBLOCK || errno == EAGAIN) ? 0 : n;
}
