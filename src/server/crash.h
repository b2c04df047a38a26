/* crash: what the process says when it dies of a fault, and where its threads
 * are when one is stuck. The report goes to the log; then the signal does what
 * it would have done, so that there is a core and the status tells the cause.
 *
 * Threads: each that shall be traced says so at its start. */
#ifndef ENGRAM_SERVER_CRASH_H
#define ENGRAM_SERVER_CRASH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

struct exec;

enum { CRASH_THREADS_MAX = 320, CRASH_NAME_MAX = 16 };

struct crash;

/* A thread's part. It must live as long as its crash. */
struct crash_thread {
    struct crash *crash;
    const struct exec *exec; /* what it runs commands with; NULL: none */
    char name[CRASH_NAME_MAX];
    int tid;
    _Atomic(int) trace; /* see crash.c */
    void *stack;        /* the one its handlers run on */
    void *stack_before; /* the one that was there before; may be NULL */
    size_t stack_before_bytes;
};

struct crash {
    struct log *log;
    _Atomic(struct crash_thread *) threads[CRASH_THREADS_MAX];
    _Atomic(int) dying;        /* the thread that reports; 0: none */
    _Atomic(bool) is_tracing;  /* a thread is asking for stacks */
    _Atomic(int) attendant;    /* the thread that calls crash_attend; 0: none */
    _Atomic(int) description;  /* see crash.c */
};

void crash_init(struct crash *c, struct log *log);

/* The calling thread can be traced from now on, and its faults are reported. */
void crash_thread_begin(struct crash_thread *t, struct crash *c,
                        const char *name, const struct exec *x);
void crash_thread_end(struct crash_thread *t);

/* Faults are reported, or left to the system. For the process as a whole. */
void crash_set_enabled(bool is_enabled);
/* Before anything is traced: SIGRTMIN asks a thread for its stack. */
void crash_install(void);

/* Writes all threads' stacks under a heading, unless somebody is doing so. */
void crash_log_stacks(struct crash *c, const char *heading);

/* What of a report only a thread in good health can write: `describe` writes it
 * when SIGALRM has come to the calling thread from another. False: nobody is
 * dying, the signal has come for another reason. */
void crash_set_attendant(struct crash *c);
bool crash_attend(struct crash *c, void (*describe)(void *arg), void *arg);

/* Ends the process, with a report. */
_Noreturn void crash_panic(const char *why);

#endif
