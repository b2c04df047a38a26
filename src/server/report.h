/* report: text that a signal handler may write. No memory is asked for, no lock
 * taken, and no stdio: pieces are put together in a buffer on the stack.
 * Threads: each has its own. */
#ifndef ENGRAM_SERVER_REPORT_H
#define ENGRAM_SERVER_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/slice.h"

enum { REPORT_BYTES_MAX = 256 };

struct report {
    struct log *log; /* NULL: standard error */
    size_t used;
    char bytes[REPORT_BYTES_MAX];
};

void report_init(struct report *r, struct log *log);
/* What has been put together goes out; so it does when the buffer is full. */
void report_flush(struct report *r);

void report_text(struct report *r, const char *text);
void report_number(struct report *r, int64_t n);
/* At least `digits` of them, at most 16. */
void report_hex(struct report *r, uint64_t n, int digits);
/* In quotation marks, with what is not printable as \xHH; cut after `max`. */
void report_quoted(struct report *r, struct slice bytes, size_t max);
/* "PID:signal-handler (SECONDS) # ", what a line of a report begins with. */
void report_head(struct report *r);

#endif
