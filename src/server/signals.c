/* signals: SIGTERM and SIGINT end the server in good order, a second SIGINT at
 * once; SIGALRM from outside shows where all threads are, and from one of our
 * own that it is dying and wants INFO written. No code runs in a handler for
 * these: they are blocked everywhere and waited for here. Faults are crash.c's.
 *
 * SIGHUP is ignored: a log that was moved is opened anew without it, and a server
 * outlives the terminal it was started from. SIGPIPE is ignored, because a peer
 * that has gone is an error of a send. */
#include "server/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "server/server_priv.h"

struct runner {
    struct server *server;
    bool has_run;
    _Atomic(bool) is_over; /* release, when has_run is set */
};

static void waited_for(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGALRM);
}

void signals_prepare(void)
{
    sigset_t set;
    waited_for(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
}

static void run_and_tell(void *runner)
{
    struct runner *r = runner;
    r->has_run = server_run(r->server);
    atomic_store_explicit(&r->is_over, true, memory_order_release);
    /* The main thread waits for signals: this is how it learns of the end. */
    kill(getpid(), SIGTERM);
}

static void describe(void *server)
{
    struct server *s = server;
    info_report(s);
}

static void on_alarm(struct server *s, const siginfo_t *info)
{
    if (info->si_pid == getpid() && crash_attend(&s->crash, describe, s)) {
        return;
    }
    crash_log_stacks(&s->crash, "Received SIGALRM");
}

static void on_end_asked(struct server *s, int signal, bool is_again)
{
    if (!is_again) {
        server_stop(s, signal == SIGINT
                           ? "Received SIGINT scheduling shutdown..."
                           : "Received SIGTERM scheduling shutdown...");
    } else if (signal == SIGINT) {
        log_write(s->log, LOG_WARNING, "You insist... exiting now.");
        _exit(1);
    }
}

static void serve_signals(struct runner *r)
{
    bool is_asked = false;
    sigset_t set;
    waited_for(&set);
    while (!atomic_load_explicit(&r->is_over, memory_order_acquire)) {
        siginfo_t info;
        int signal = sigwaitinfo(&set, &info);
        if (signal == SIGALRM) {
            on_alarm(r->server, &info);
        } else if (signal > 0
                   && !atomic_load_explicit(&r->is_over,
                                            memory_order_acquire)) {
            on_end_asked(r->server, signal, is_asked);
            is_asked = true;
        }
    }
}

int signals_serve(struct server *s)
{
    struct runner r = {.server = s};
    struct thread *thread;
    crash_install();
    crash_set_enabled(s->options.crash_log_enabled);
    crash_thread_begin(&s->main_trace, &s->crash, "main", NULL);
    crash_set_attendant(&s->crash);
    if (thread_start("worker-0", run_and_tell, &r, &thread) != ST_OK) {
        fprintf(stderr, "engram-server: can't start a thread\n");
        crash_thread_end(&s->main_trace);
        return 1;
    }
    serve_signals(&r);
    thread_join(&thread);
    crash_thread_end(&s->main_trace);
    return r.has_run ? 0 : 1;
}
