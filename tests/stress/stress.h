/* stress: many sessions at once, and a history that must make sense.
 *
 * A check is a claim about the server ("every value of a counter is handed out
 * once") with threads that drive it. All checks of a round run at the same time,
 * so that each disturbs the others; verify() looks at what is left afterwards.
 * The server is meant to be built under ThreadSanitizer: a report of its own
 * fails the round like a wrong history does.
 *
 * Threads: a check's state is made in prepare(), shared by its threads through
 * atomics only, and read alone in verify(). A link belongs to one thread. */
#ifndef ENGRAM_STRESS_STRESS_H
#define ENGRAM_STRESS_STRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host;
struct link;
struct check;

/* ---- host.c: the server's process ---- */

/* NULL: could not start, said on stderr. `engine` NULL: a server that knows
 * no such option (the peer these checks are validated against). */
struct host *host_start(const char *program, const char *engine,
                        unsigned workers);
/* SIGTERM, and true if the process ends with 0 in time. */
bool host_end(struct host *h);
bool host_is_alive(const struct host *h);
/* The peer crashes on CLIENT UNBLOCK of a session that is paused. */
bool host_is_peer(const struct host *h);
/* True if its log has no report of a sanitizer or an assertion; else prints
 * the report. */
bool host_log_is_clean(const struct host *h);
int host_connect(const struct host *h); /* a socket, or -1 */
void host_destroy(struct host **h);

/* ---- check.c ---- */

struct check_spec {
    const char *name;
    unsigned thread_count;
    size_t state_bytes;                            /* zeroed before prepare() */
    void (*prepare)(struct check *c);              /* alone; may be NULL */
    void (*run)(struct check *c, unsigned thread); /* until check_is_over() */
    void (*verify)(struct check *c);               /* alone; may be NULL */
};

struct check {
    const struct check_spec *spec;
    const struct host *host;
    void *state;
    int64_t end_ms;
    atomic_uint failure_count; /* relaxed: read after the threads are joined */
    atomic_ullong step_count;  /* relaxed, as above */
};

/* One or more of these lists make a round; each ends without a name. */
extern const struct check_spec atomic_checks[];
extern const struct check_spec move_checks[];
extern const struct check_spec order_checks[];
extern const struct check_spec chaos_checks[];
extern const struct check_spec session_checks[];
extern const struct check_spec queue_checks[];
extern const struct check_spec wait_checks[];
extern const struct check_spec exec_checks[];

/* Prints the first few of each check. */
void check_fail(struct check *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool check_is_over(struct check *c);
void check_step(struct check *c);

int64_t now_ms(void);
void sleep_ms(unsigned ms);

/* A thread's own numbers. */
struct dice {
    uint64_t state;
};
struct dice dice_make(unsigned seed);
/* Below `limit`, which is not 0. */
unsigned dice_roll(struct dice *d, unsigned limit);

/* ---- link.c: one connection ---- */

struct reply {
    char type; /* as on the wire: + - : $ * */
    bool is_null;
    long long number; /* of ':', and the count of '*' */
    const char *text; /* of + - $, ends in NUL; until the next read */
    size_t len;
};

/* NULL: refused, which is a failure of the check. */
struct link *link_open(struct check *c);
void link_close(struct link **l);
/* From now on a lost connection or an error reply is no failure. */
void link_forgive(struct link *l);
int link_socket(const struct link *l);

/* Adds a command to what link_flush will send: words parted by blanks. */
void link_add(struct link *l, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same, and one more argument of `len` bytes at `last`. */
void link_add_value(struct link *l, const void *last, size_t len,
                    const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void link_add_bytes(struct link *l, const void *bytes, size_t len);
bool link_flush(struct link *l);
/* One reply; of an array its head only, the elements are read by further
 * calls. False when the connection is lost. */
bool link_read(struct link *l, struct reply *r);
/* Adds, flushes and reads. */
bool link_ask(struct link *l, struct reply *r, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Reads a reply that must be a simple string or an integer; its value. */
bool link_read_number(struct link *l, long long *number);
bool link_expect_ok(struct link *l);
/* A bulk string that is a decimal number; -1 for null. */
long long reply_as_number(const struct reply *r);

#endif
