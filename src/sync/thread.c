/* thread: POSIX threads with a name and no signals, and an event on a futex.
 * Memory: a thread's few bytes are made at start, outside every account. */
#include "sync/thread.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sync/futex_priv.h"

enum { THREAD_NAME_BYTES = 16 }; /* the kernel's, NUL included */

struct thread {
    pthread_t id;
    void (*fn)(void *arg);
    void *arg;
    char name[THREAD_NAME_BYTES];
};

static void *thread_main(void *arg)
{
    struct thread *t = arg;
    pthread_setname_np(pthread_self(), t->name);
    t->fn(t->arg);
    return NULL;
}

enum status thread_start(const char *name, void (*fn)(void *arg), void *arg,
                         struct thread **out)
{
    struct thread *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return ST_NOMEM;
    }
    t->fn = fn;
    t->arg = arg;
    strncpy(t->name, name, sizeof t->name - 1);
    /* A new thread inherits the mask, so that no signal finds it unready. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&t->id, NULL, thread_main, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        free(t);
        return ST_NOMEM;
    }
    *out = t;
    return ST_OK;
}

void thread_join(struct thread **t)
{
    int rc = pthread_join((*t)->id, NULL);
    assert(rc == 0);
    (void)rc;
    free(*t);
    *t = NULL;
}

unsigned thread_cpu_count(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        int count = CPU_COUNT(&set);
        return count > 0 ? (unsigned)count : 1;
    }
    /* EINVAL: more processors than the set has bits. */
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (unsigned)online : 1;
}

void barrier_init(struct barrier *b, uint32_t count)
{
    atomic_init(&b->left, count);
}

void barrier_wait(struct barrier *b)
{
    /* acq_rel: what each did before is seen by all afterwards */
    uint32_t left = atomic_fetch_sub_explicit(&b->left, 1,
                                              memory_order_acq_rel) - 1;
    if (left == 0) {
        futex_wake(&b->left, INT32_MAX);
        return;
    }
    while (left != 0) {
        futex_wait(&b->left, left, NULL);
        left = atomic_load_explicit(&b->left, memory_order_acquire);
    }
}

void signal_event_init(struct signal_event *e)
{
    atomic_init(&e->word, 0);
}

void signal_event_set(struct signal_event *e)
{
    /* release: pairs with the acquire in signal_event_wait */
    if (atomic_exchange_explicit(&e->word, 1, memory_order_release) == 0) {
        futex_wake(&e->word, 1);
    }
}

bool signal_event_wait(struct signal_event *e, int64_t timeout_ms)
{
    struct timespec deadline;
    if (timeout_ms >= 0) {
        int64_t due_us = clock_monotonic_us() + timeout_ms * 1000;
        deadline.tv_sec = (time_t)(due_us / 1000000);
        deadline.tv_nsec = (long)(due_us % 1000000) * 1000;
    }
    /* acquire: pairs with the release in signal_event_set */
    while (atomic_exchange_explicit(&e->word, 0, memory_order_acquire) == 0) {
        if (!futex_wait(&e->word, 0, timeout_ms >= 0 ? &deadline : NULL)) {
            return atomic_exchange_explicit(&e->word, 0,
                                            memory_order_acquire) != 0;
        }
    }
    return true;
}
