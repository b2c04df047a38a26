/* crash: handlers of faults, and of SIGRTMIN, by which a thread is asked for its
 * stack.
 *
 * A thread that faults writes the report by itself, on a stack of its own and
 * with nothing but what a signal handler may do. It asks the other threads for
 * their stacks, one after another; each of them writes its own and then stands
 * still, so that what the report shows does not change under way. The sections
 * of INFO need memory and locks; the attendant writes them, a healthy thread that
 * does nothing but wait for signals, and who waits for it does so for a limited
 * time: it may need a lock that somebody holds who now stands still.
 *
 * A second fault in the report ends the process at once: the fault signals are
 * blocked in their handler, and the kernel does not deliver such a one but kills.
 *
 * State: a handler is called without an argument that we could choose, so each
 * thread keeps a pointer to its part, `self`; two servers in one process have
 * different threads.
 *
 * `trace` of a thread: IDLE, ASKED by who wants it (release), WRITING by the
 * thread itself, IDLE again when it has been written (release). `description`
 * likewise, between who dies and the attendant. */
#include "server/crash.h"

#include <assert.h>
#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "exec/exec.h"
#include "server/registers.h"
#include "server/report.h"
#include "server/symbols.h"

enum {
    STACK_BYTES = 64 * 1024, /* of a handler: registers of AVX-512 and a report */
    FRAMES_MAX = 64,
    TRACE_WAIT_MS = 1000,    /* for one thread, which may have to wait for a CPU */
    DESCRIBE_WAIT_MS = 3000,
    ARGUMENTS_MAX = 32,
    ARGUMENT_BYTES_MAX = 128,
};

enum { TRACE_IDLE, TRACE_ASKED, TRACE_WRITING };
enum { DESCRIBE_NONE, DESCRIBE_WANTED, DESCRIBE_DONE };

static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
enum { FAULT_COUNT = sizeof faults / sizeof faults[0] };

/* NULL: a thread that nobody has told us of. */
static _Thread_local struct crash_thread *self;

static void send(int tid, int signal)
{
    (void)syscall(SYS_tgkill, getpid(), tid, signal);
}

/* Until *word is no longer `value`, or the time is over; false: over. */
static bool wait_while(const _Atomic(int) *word, int value, int ms_max)
{
    const struct timespec ms = {0, 1000000};
    for (int i = 0; i < ms_max; i++) {
        if (atomic_load_explicit(word, memory_order_acquire) != value) {
            return true;
        }
        nanosleep(&ms, NULL);
    }
    return atomic_load_explicit(word, memory_order_acquire) != value;
}

/* ---- stacks ---- */

static void write_frame(struct log *log, const struct symbols *s,
                        void *const *frame)
{
    struct report r;
    uintptr_t into, in_file;
    const char *name = symbols_find(s, *frame, &into, &in_file);
    if (name == NULL) {
        backtrace_symbols_fd(frame, 1, log_fd(log)); /* a library's */
        return;
    }
    report_init(&r, log);
    report_text(&r, "engram-server(");
    report_text(&r, name);
    report_text(&r, "+0x");
    report_hex(&r, into, 1);
    report_text(&r, ")[0x");
    report_hex(&r, in_file, 1);
    report_text(&r, "]\n");
    report_flush(&r);
}

/* The calling thread's, from where it was when the signal came. */
static void write_own_stack(struct log *log, const ucontext_t *at)
{
    struct symbols symbols;
    void *frames[FRAMES_MAX];
    void *pc = registers_pc(at);
    int count = backtrace(frames, FRAMES_MAX), first = 0;
    while (first < count && frames[first] != pc) {
        first++;
    }
    symbols_open(&symbols);
    if (first == count) {
        first = 0; /* went astray: better too much than nothing */
        write_frame(log, &symbols, &pc);
    }
    for (int i = first; i < count; i++) {
        write_frame(log, &symbols, &frames[i]);
    }
    symbols_close(&symbols);
}

static void write_name(const struct crash_thread *t, bool is_asking)
{
    struct report r;
    report_init(&r, t->crash->log);
    report_text(&r, "\n");
    report_number(&r, t->tid);
    report_text(&r, " ");
    report_text(&r, t->name);
    report_text(&r, is_asking ? " *\n" : "\n");
    report_flush(&r);
}

static void stand_still(void)
{
    for (;;) {
        pause();
    }
}

static bool is_dying(const struct crash *c)
{
    return atomic_load_explicit(&c->dying, memory_order_acquire) != 0;
}

static void on_trace(int signal, siginfo_t *info, void *context)
{
    struct crash_thread *t = self;
    int saved_errno = errno, asked = TRACE_ASKED;
    (void)signal;
    (void)info;
    if (t == NULL
        || !atomic_compare_exchange_strong(&t->trace, &asked, TRACE_WRITING)) {
        return;
    }
    write_name(t, false);
    write_own_stack(t->crash->log, context);
    atomic_store_explicit(&t->trace, TRACE_IDLE, memory_order_release);
    bool is_attendant = atomic_load_explicit(&t->crash->attendant,
                                             memory_order_relaxed) == t->tid;
    if (is_dying(t->crash) && !is_attendant) {
        stand_still();
    }
    errno = saved_errno;
}

/* Asks thread `t`; false: no answer in time. */
static bool trace_other(struct crash_thread *t)
{
    int asked = TRACE_ASKED;
    atomic_store_explicit(&t->trace, TRACE_ASKED, memory_order_release);
    send(t->tid, SIGRTMIN);
    if (wait_while(&t->trace, TRACE_ASKED, TRACE_WAIT_MS)) {
        /* It is writing, so it is well. */
        return wait_while(&t->trace, TRACE_WRITING, TRACE_WAIT_MS);
    }
    return !atomic_compare_exchange_strong(&t->trace, &asked, TRACE_IDLE);
}

static void write_stacks(struct crash *c, const ucontext_t *own)
{
    struct report r;
    int found = 0, answered = 0;
    report_init(&r, c->log);
    report_text(&r, "\n------ STACK TRACE ------\n");
    report_flush(&r);
    if (self != NULL && own != NULL) {
        write_name(self, true);
        write_own_stack(c->log, own);
        found++;
        answered++;
    }
    for (int i = 0; i < CRASH_THREADS_MAX; i++) {
        struct crash_thread *t = atomic_load_explicit(&c->threads[i],
                                                      memory_order_acquire);
        if (t != NULL && (t != self || own == NULL)) {
            found++;
            answered += trace_other(t);
        }
    }
    report_text(&r, "\n");
    report_number(&r, answered);
    report_text(&r, "/");
    report_number(&r, found);
    report_text(&r, " expected stacktraces.\n\n"
                    "------ STACK TRACE DONE ------\n");
    report_flush(&r);
}

void crash_log_stacks(struct crash *c, const char *heading)
{
    struct report r;
    if (is_dying(c) || atomic_exchange(&c->is_tracing, true)) {
        return;
    }
    report_init(&r, c->log);
    report_head(&r);
    report_text(&r, heading);
    report_text(&r, "\n");
    report_flush(&r);
    write_stacks(c, NULL);
    atomic_store(&c->is_tracing, false);
}

/* ---- the report ---- */

static void write_cause(struct report *r, int signal, const siginfo_t *info,
                        const ucontext_t *at)
{
    report_text(r, "\n\n=== ENGRAM BUG REPORT START: Cut & paste starting from "
                   "here ===\n");
    report_head(r);
    report_text(r, "engram " ENGRAM_VERSION " crashed by signal: ");
    report_number(r, signal);
    report_text(r, ", si_code: ");
    report_number(r, info->si_code);
    report_text(r, "\n");
    if (info->si_code <= 0) {
        report_head(r);
        report_text(r, "Sent by process ");
        report_number(r, info->si_pid);
        report_text(r, " of user ");
        report_number(r, info->si_uid);
        report_text(r, "\n");
    } else {
        report_head(r);
        report_text(r, "Accessing address: 0x");
        report_hex(r, (uintptr_t)info->si_addr, 1);
        report_text(r, "\n");
    }
    report_head(r);
    report_text(r, "At the instruction: 0x");
    report_hex(r, (uintptr_t)registers_pc(at), 1);
    report_text(r, "\n");
    report_flush(r);
}

static void write_arguments(struct report *r, const struct cmd_ctx *c)
{
    /* The command's name is ours; what follows it is the client's. */
    bool hide = log_hides_user_data(r->log);
    report_text(r, "argc: ");
    report_number(r, c->argc);
    for (uint32_t i = 0; i < c->argc && i < ARGUMENTS_MAX; i++) {
        report_text(r, "\nargv[");
        report_number(r, i);
        report_text(r, "]: ");
        if (i > 0 && hide) {
            report_text(r, "*redacted* (");
            report_number(r, (int64_t)c->argv[i].len);
            report_text(r, " bytes)");
        } else {
            report_quoted(r, c->argv[i], ARGUMENT_BYTES_MAX);
        }
    }
    report_text(r, "\n");
}

static void write_client(struct report *r, const struct cmd_ctx *c)
{
    const struct session *s = c->session;
    report_text(r, "\n------ CURRENT CLIENT INFO ------\nid=");
    report_number(r, (int64_t)s->id);
    report_text(r, " name=");
    if (log_hides_user_data(r->log)) {
        report_text(r, "*redacted*");
    } else if (s->name != NULL) {
        report_quoted(r, slice_of_text(s->name), ARGUMENT_BYTES_MAX);
    }
    report_text(r, " worker=");
    report_number(r, s->worker);
    report_text(r, " db=");
    report_number(r, c->database);
    report_text(r, " cmd=");
    report_text(r, c->cmd->full_name);
    report_text(r, " tot-cmds=");
    report_number(r, (int64_t)s->command_count);
    report_text(r, "\n");
    write_arguments(r, c);
    report_flush(r);
}

static void write_description(struct crash *c, struct report *r)
{
    int attendant = atomic_load_explicit(&c->attendant, memory_order_relaxed);
    report_text(r, "\n------ INFO OUTPUT ------\n");
    report_flush(r);
    if (attendant == 0 || attendant == self->tid) {
        return;
    }
    atomic_store_explicit(&c->description, DESCRIBE_WANTED,
                          memory_order_release);
    send(attendant, SIGALRM);
    if (!wait_while(&c->description, DESCRIBE_WANTED, DESCRIBE_WAIT_MS)) {
        report_text(r, "(could not be had in time)\n");
        report_flush(r);
    }
}

static void write_report(struct crash *c, int signal, const siginfo_t *info,
                         const ucontext_t *at)
{
    struct report r;
    const struct cmd_ctx *running = self->exec != NULL
                                        ? exec_running(self->exec) : NULL;
    report_init(&r, c->log);
    write_cause(&r, signal, info, at);
    write_stacks(c, at);
    report_text(&r, "\n------ REGISTERS ------\n");
    registers_write(&r, at, !log_hides_user_data(c->log));
    report_flush(&r);
    write_description(c, &r);
    if (running != NULL) {
        write_client(&r, running);
    }
    report_text(&r, "\n=== ENGRAM BUG REPORT END. Make sure to include from "
                    "START to END. ===\n\n"
                    "       Lines of source from the numbers in brackets: "
                    "addr2line -fie engram-server NUMBER\n");
    report_flush(&r);
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
    struct crash_thread *t = self;
    int nobody = 0;
    if (t != NULL) {
        if (!atomic_compare_exchange_strong(&t->crash->dying, &nobody,
                                            t->tid)) {
            stand_still(); /* another thread reports, and ends us all */
        }
        write_report(t->crash, signal, info, context);
    }
    /* Comes when the handler returns, to where the fault happened. */
    struct sigaction default_action = {.sa_handler = SIG_DFL};
    sigaction(signal, &default_action, NULL);
    send((int)syscall(SYS_gettid), signal);
}

bool crash_attend(struct crash *c, void (*describe)(void *arg), void *arg)
{
    if (atomic_load_explicit(&c->description, memory_order_acquire)
        != DESCRIBE_WANTED) {
        return is_dying(c);
    }
    describe(arg);
    atomic_store_explicit(&c->description, DESCRIBE_DONE, memory_order_release);
    return true;
}

/* ---- asserts ---- */

/* What assert() calls when it fails, with libc's name and arguments: ours takes
 * the place of libc's, so that the log says what was wrong, and not only the
 * terminal that nobody looks at. */
_Noreturn void __assert_fail(const char *condition, const char *file,
                             unsigned line, const char *function);

static void write_failure(const char *what)
{
    struct report r;
    report_init(&r, self != NULL ? self->crash->log : NULL);
    report_head(&r);
    report_text(&r, what);
    report_text(&r, "\n");
    report_flush(&r);
}

_Noreturn void __assert_fail(const char *condition, const char *file,
                             unsigned line, const char *function)
{
    struct report r;
    write_failure("=== ASSERTION FAILED ===");
    report_init(&r, self != NULL ? self->crash->log : NULL);
    report_head(&r);
    report_text(&r, "==> ");
    report_text(&r, file);
    report_text(&r, ":");
    report_number(&r, line);
    report_text(&r, " in ");
    report_text(&r, function);
    report_text(&r, ": '");
    report_text(&r, condition);
    report_text(&r, "' is not true\n");
    report_flush(&r);
    abort();
}

_Noreturn void crash_panic(const char *why)
{
    write_failure("=== PANIC ===");
    write_failure(why);
    abort();
}

/* ---- threads ---- */

void crash_init(struct crash *c, struct log *log)
{
    memset(c, 0, sizeof *c);
    c->log = log;
}

static void take_signals(void)
{
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGRTMIN);
    for (int i = 0; i < FAULT_COUNT; i++) {
        sigaddset(&ours, faults[i]);
    }
    pthread_sigmask(SIG_UNBLOCK, &ours, NULL);
}

/* Without one a stack that has overflowed cannot be reported, nothing worse. */
static void take_stack(struct crash_thread *t)
{
    stack_t before = {0}, mine = {.ss_size = STACK_BYTES};
    mine.ss_sp = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    t->stack = NULL;
    if (mine.ss_sp != MAP_FAILED && sigaltstack(&mine, &before) == 0) {
        t->stack = mine.ss_sp;
        t->stack_before = before.ss_flags & SS_DISABLE ? NULL : before.ss_sp;
        t->stack_before_bytes = before.ss_size;
    }
}

static void give_stack_back(struct crash_thread *t)
{
    stack_t before = {.ss_sp = t->stack_before,
                      .ss_size = t->stack_before_bytes,
                      .ss_flags = t->stack_before == NULL ? SS_DISABLE : 0};
    if (t->stack != NULL) {
        (void)sigaltstack(&before, NULL);
        munmap(t->stack, STACK_BYTES);
    }
}

void crash_thread_begin(struct crash_thread *t, struct crash *c,
                        const char *name, const struct exec *x)
{
    assert(self == NULL);
    t->crash = c;
    t->exec = x;
    t->tid = (int)syscall(SYS_gettid);
    strncpy(t->name, name, sizeof t->name - 1);
    take_stack(t);
    self = t;
    take_signals();
    for (int i = 0; i < CRASH_THREADS_MAX; i++) {
        struct crash_thread *nobody = NULL;
        if (atomic_compare_exchange_strong(&c->threads[i], &nobody, t)) {
            break;
        }
    }
}

void crash_thread_end(struct crash_thread *t)
{
    assert(self == t);
    for (int i = 0; i < CRASH_THREADS_MAX; i++) {
        struct crash_thread *mine = t;
        if (atomic_compare_exchange_strong(&t->crash->threads[i], &mine,
                                           NULL)) {
            break;
        }
    }
    self = NULL;
    give_stack_back(t);
}

void crash_set_attendant(struct crash *c)
{
    assert(self != NULL);
    atomic_store(&c->attendant, self->tid);
}

static void handle(int signal, void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_sigaction = handler,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK
                                           | SA_RESTART};
    sigfillset(&action.sa_mask);
    sigaction(signal, &action, NULL);
}

void crash_set_enabled(bool is_enabled)
{
    struct sigaction default_action = {.sa_handler = SIG_DFL};
    for (int i = 0; i < FAULT_COUNT; i++) {
        if (is_enabled) {
            handle(faults[i], on_fault);
        } else {
            sigaction(faults[i], &default_action, NULL);
        }
    }
}

void crash_install(void)
{
    void *frame;
    /* The first call loads the unwinder, which takes memory. */
    (void)backtrace(&frame, 1);
    handle(SIGRTMIN, on_trace);
}
