/* hiredis_loop: four callbacks that take note, and poll(2). */
#include "hiredis_loop.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

static void add_read(void *arg)
{
    ((struct hiredis_loop *)arg)->wants_read = true;
}

static void del_read(void *arg)
{
    ((struct hiredis_loop *)arg)->wants_read = false;
}

static void add_write(void *arg)
{
    ((struct hiredis_loop *)arg)->wants_write = true;
}

static void del_write(void *arg)
{
    ((struct hiredis_loop *)arg)->wants_write = false;
}

void hiredis_loop_open(struct hiredis_loop *l, int port)
{
    *l = (struct hiredis_loop){ .context = redisAsyncConnect("127.0.0.1", port),
                                .wants_write = true };
    if (l->context == NULL || l->context->err != 0) {
        fprintf(stderr, "hiredis: cannot connect\n");
        exit(1);
    }
    l->context->ev.data = l;
    l->context->ev.addRead = add_read;
    l->context->ev.delRead = del_read;
    l->context->ev.addWrite = add_write;
    l->context->ev.delWrite = del_write;
}

void hiredis_loop_turn(struct hiredis_loop *l, int timeout_ms)
{
    struct pollfd p = { .fd = l->context->c.fd };
    p.events = (short)((l->wants_read ? POLLIN : 0) |
                       (l->wants_write ? POLLOUT : 0));
    if (poll(&p, 1, timeout_ms) < 0) {
        perror("poll");
        exit(1);
    }
    if (p.revents & (POLLIN | POLLERR | POLLHUP)) {
        redisAsyncHandleRead(l->context);
    }
    if (p.revents & POLLOUT) {
        redisAsyncHandleWrite(l->context);
    }
}
