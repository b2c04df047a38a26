/* log: one line an event. A log is opened by the composition root and handed
 * down; a NULL log swallows everything (tests).
 * Threads: any; each line is one write. */
#ifndef ENGRAM_BASE_LOG_H
#define ENGRAM_BASE_LOG_H

#include <stdarg.h>

#include "base/status.h"

enum log_level { LOG_DEBUG, LOG_VERBOSE, LOG_NOTICE, LOG_WARNING, LOG_NOTHING };

struct log;

/* `path` NULL or "": standard output. NULL: could not be opened (errno). */
struct log *log_open(const char *path, enum log_level level);
void log_close(struct log **l);
void log_set_level(struct log *l, enum log_level level);

/* Redis's line: "PID:M 21 Nov 2026 11:40:02.123 * text". */
void log_write(struct log *l, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
