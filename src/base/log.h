/* log: one line an event. A log is opened by the composition root and handed
 * down; a NULL log swallows everything (tests).
 * Threads: any; each line is one write. */
#ifndef ENGRAM_BASE_LOG_H
#define ENGRAM_BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

enum log_level { LOG_DEBUG, LOG_VERBOSE, LOG_NOTICE, LOG_WARNING, LOG_NOTHING };

/* LEGACY: "PID:M 21 Nov 2026 11:40:02.123 * text".
 * LOGFMT: pid=PID role=primary timestamp="..." level=notice message="text" */
enum log_format { LOG_FORMAT_LEGACY, LOG_FORMAT_LOGFMT };
/* As above; 2026-11-21T11:40:02.123+00:00; milliseconds since 1970. */
enum log_time { LOG_TIME_LEGACY, LOG_TIME_ISO8601, LOG_TIME_MILLISECONDS };

struct log;

/* `path` NULL or "": standard output. NULL: could not be opened (errno). */
struct log *log_open(const char *path, enum log_level level);
void log_close(struct log **l);
/* Lines go to the system's logger too, under `ident`, which must live until
 * log_close; `facility`: 0 is user, 1 to 8 are local0 to local7. The connection belongs to
 * the process: of several logs only one may do this. */
void log_use_syslog(struct log *l, const char *ident, int facility);

void log_set_level(struct log *l, enum log_level level);
void log_set_form(struct log *l, enum log_format format, enum log_time time);
/* Whether keys, arguments and names that clients gave stay out of the log. The
 * log cannot know them: who writes a line asks. */
void log_set_hide_user_data(struct log *l, bool hide);
bool log_hides_user_data(const struct log *l); /* NULL: yes */

void log_write(struct log *l, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* For a report that is more than lines: bytes as they are, whatever the level.
 * Async-signal-safe, and so is what is written to log_fd; its number never
 * changes. */
void log_write_raw(struct log *l, const void *bytes, size_t len);
int log_fd(const struct log *l); /* NULL: standard error */

#endif
