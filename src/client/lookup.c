/* lookup: getaddrinfo on a thread.
 *
 * getaddrinfo blocks, for as long as a name server is silent, and cannot be
 * called off. Each look-up therefore has a thread, which is detached and shares
 * with its connection nothing but the look-up: whoever of the two is the last to
 * let go frees it. The thread calls nothing of the program's and of the
 * connection's; it makes an eventfd readable, which the connection has its loop
 * watch like a socket. A connection has one look-up at a time, and another
 * attempt joins the one that is under way, so that there are never more threads
 * than connections (but for those that were led elsewhere or destroyed
 * meanwhile).
 *
 * Why not c-ares: it would burden every program with a library, and it finds
 * names by itself, in hosts files and DNS, where getaddrinfo asks whatever the
 * system is set up to ask (nsswitch.conf: resolved, mDNS, LDAP). Why not
 * getaddrinfo_a: it is glibc's alone, and tells by signals or threads of its own
 * that sanitizers do not know.
 *
 * Memory: the look-up is not charged to the connection's account, which is not
 * the thread's to touch. */
#include "client/lookup.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    PORT_TEXT_BYTES = 12,
    /* Address space only; modules of the system's may need more than the least
     * that a thread can have. */
    STACK_BYTES = 512 * 1024,
};

struct lookup {
    /* The connection and the thread; release when one lets go, acquire when it
     * was the last. */
    _Atomic(uint32_t) owners;
    /* Release by the thread, acquire in lookup_is_done. */
    _Atomic(bool) is_done;
    int fd;
    lookup_find_fn *find;
    /* The thread's until is_done, then the connection's. */
    int code;
    struct addrinfo *found;
    char port[PORT_TEXT_BYTES];
    char host[];
};

static void write_port(char *out, int port)
{
    (void)snprintf(out, PORT_TEXT_BYTES, "%d", port);
}

int lookup_digits(const char *host, int port, struct addrinfo **found)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
    char text[PORT_TEXT_BYTES];
    write_port(text, port);
    *found = NULL;
    return getaddrinfo(host, text, &hints, found);
}

static void let_go(struct lookup *l)
{
    if (atomic_fetch_sub_explicit(&l->owners, 1, memory_order_acq_rel) > 1) {
        return;
    }
    if (l->found != NULL) {
        freeaddrinfo(l->found);
    }
    close(l->fd);
    mem_free_disowned(l);
}

static void *run(void *arg)
{
    struct lookup *l = arg;
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_NUMERICSERV };
    l->code = l->find(l->host, l->port, &hints, &l->found);
    atomic_store_explicit(&l->is_done, true, memory_order_release);
    /* A counter at 0 has room for 1. */
    (void)eventfd_write(l->fd, 1);
    let_go(l);
    return NULL;
}

/* The program's signals are not for this thread. Returns an errno. */
static int start_thread(struct lookup *l)
{
    pthread_t thread;
    pthread_attr_t attr;
    sigset_t all, before;
    int err = pthread_attr_init(&attr);
    if (err != 0) {
        return err;
    }
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    err = pthread_create(&thread, &attr, run, l);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attr);
    return err;
}

struct lookup *lookup_start(struct mem_account *account, lookup_find_fn *find,
                            const char *host, int port)
{
    size_t host_bytes = strlen(host) + 1;
    struct lookup *l = mem_alloc_zeroed(account, sizeof *l + host_bytes);
    if (l == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    mem_disown(account, l);
    l->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->fd < 0) {
        int err = errno;
        mem_free_disowned(l);
        errno = err;
        return NULL;
    }
    atomic_init(&l->owners, 2);
    l->find = find != NULL ? find : getaddrinfo;
    write_port(l->port, port);
    memcpy(l->host, host, host_bytes);
    int err = start_thread(l);
    if (err != 0) {
        close(l->fd);
        mem_free_disowned(l);
        errno = err;
        return NULL;
    }
    return l;
}

int lookup_fd(const struct lookup *l)
{
    return l->fd;
}

bool lookup_is_done(const struct lookup *l)
{
    return atomic_load_explicit(&l->is_done, memory_order_acquire);
}

bool lookup_is_for(const struct lookup *l, const char *host, int port)
{
    char text[PORT_TEXT_BYTES];
    write_port(text, port);
    return strcmp(l->host, host) == 0 && strcmp(l->port, text) == 0;
}

int lookup_take(struct lookup *l, struct addrinfo **found)
{
    assert(lookup_is_done(l));
    *found = l->found;
    l->found = NULL;
    return l->code;
}

void lookup_stop(struct lookup **pointer)
{
    struct lookup *l = *pointer;
    *pointer = NULL;
    if (l != NULL) {
        let_go(l);
    }
}
