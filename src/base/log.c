/* log: lines to a file or to standard output, and to syslog if that is asked for.
 *
 * A file that was renamed or deleted (log rotation) is opened anew with the
 * next line, so that rotating needs no signal; the old one is kept open until
 * then, so that a process out of file descriptors can still say so. The new one
 * takes over the number of the old one: a signal handler may write to it at any
 * moment.
 *
 * What a line quotes may come from a stranger: control characters are replaced,
 * in a line of pairs the quotation mark too, so that nobody can forge a line or
 * a pair, or steer a terminal.
 *
 * Threads: any. The settings are relaxed atomics; `fd` and `path` never change,
 * and what fd stands for is exchanged under `mutex`, a leaf: nothing else is
 * locked while it is held. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log_priv.h"

enum {
    LINE_BYTES_MAX = 1024, /* with all that stands around the text */
    DATE_BYTES_MAX = 32,
    TIME_BYTES_MAX = DATE_BYTES_MAX + 32,
};

struct log {
    _Atomic(int) level, format, time;
    _Atomic(bool) hides_user_data;
    bool has_syslog; /* constant once lines are written */
    pthread_mutex_t mutex;
    int fd;
    char *path; /* NULL: standard output */
};

static int get(const _Atomic(int) *setting)
{
    return atomic_load_explicit(setting, memory_order_relaxed);
}

static void set(_Atomic(int) *setting, int value)
{
    atomic_store_explicit(setting, value, memory_order_relaxed);
}

static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
}

/* The log is opened before any account exists and is not data; it is the one
 * place that asks libc for memory. */
struct log *log_open(const char *path, enum log_level level)
{
    bool is_file = path != NULL && path[0] != '\0';
    struct log *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return NULL;
    }
    l->fd = STDOUT_FILENO;
    if (is_file) {
        l->path = strdup(path);
        l->fd = l->path == NULL ? -1 : open_file(path);
    }
    if (l->fd < 0 || pthread_mutex_init(&l->mutex, NULL) != 0) {
        int saved = errno;
        if (is_file && l->fd >= 0) {
            close(l->fd);
        }
        free(l->path);
        free(l);
        errno = saved;
        return NULL;
    }
    set(&l->level, (int)level);
    atomic_init(&l->hides_user_data, true);
    return l;
}

void log_close(struct log **l)
{
    struct log *victim = *l;
    if (victim == NULL) {
        return;
    }
    *l = NULL;
    if (victim->path != NULL) {
        close(victim->fd);
    }
    if (victim->has_syslog) {
        syslog_end();
    }
    pthread_mutex_destroy(&victim->mutex);
    free(victim->path);
    free(victim);
}

void log_use_syslog(struct log *l, const char *ident, int facility)
{
    syslog_begin(ident, facility);
    l->has_syslog = true;
}

void log_set_level(struct log *l, enum log_level level)
{
    if (l != NULL) {
        set(&l->level, (int)level);
    }
}

void log_set_form(struct log *l, enum log_format format, enum log_time time)
{
    if (l != NULL) {
        set(&l->format, (int)format);
        set(&l->time, (int)time);
    }
}

void log_set_hide_user_data(struct log *l, bool hide)
{
    if (l != NULL) {
        atomic_store_explicit(&l->hides_user_data, hide, memory_order_relaxed);
    }
}

bool log_hides_user_data(const struct log *l)
{
    return l == NULL || atomic_load_explicit(&l->hides_user_data,
                                             memory_order_relaxed);
}

/* ---- the form of a line ---- */

static void format_time(char *out, size_t cap, int form)
{
    struct timespec now;
    struct tm local;
    char text[DATE_BYTES_MAX];
    clock_gettime(CLOCK_REALTIME, &now);
    int ms = (int)(now.tv_nsec / 1000000);
    if (form == LOG_TIME_MILLISECONDS) {
        (void)snprintf(out, cap, "%lld", (long long)now.tv_sec * 1000 + ms);
        return;
    }
    localtime_r(&now.tv_sec, &local);
    if (form == LOG_TIME_LEGACY) {
        strftime(text, sizeof text, "%d %b %Y %H:%M:%S", &local);
        (void)snprintf(out, cap, "%s.%03d", text, ms);
        return;
    }
    long minutes = local.tm_gmtoff / 60;
    long east = minutes < 0 ? -minutes : minutes;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &local);
    (void)snprintf(out, cap, "%s.%03d%c%02ld:%02ld", text, ms,
                   minutes < 0 ? '-' : '+', east / 60, east % 60);
}

/* What stands before the text; its length. */
static size_t format_head(const struct log *l, char *line, size_t cap,
                          enum log_level level, int format)
{
    static const char marks[] = ".-*#";
    static const char *const words[] = {"debug", "info", "notice", "warning"};
    char time[TIME_BYTES_MAX];
    int len;
    format_time(time, sizeof time, get(&l->time));
    if (format == LOG_FORMAT_LOGFMT) {
        len = snprintf(line, cap, "pid=%d role=primary timestamp=\"%s\" "
                       "level=%s message=\"", (int)getpid(), time,
                       words[level]);
    } else {
        len = snprintf(line, cap, "%d:M %s %c ", (int)getpid(), time,
                       marks[level]);
    }
    return len < 0 ? 0 : (size_t)len;
}

static void disarm(char *text, bool is_quoted)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f) {
            *text = ' ';
        } else if (is_quoted && c == '"') {
            *text = '\'';
        }
    }
}

/* ---- writing ---- */

static void reopen_if_moved(struct log *l)
{
    struct stat is_open, at_path;
    if (l->path == NULL) {
        return;
    }
    if (fstat(l->fd, &is_open) == 0 && stat(l->path, &at_path) == 0 &&
        is_open.st_ino == at_path.st_ino && is_open.st_dev == at_path.st_dev) {
        return;
    }
    int fd = open_file(l->path);
    if (fd >= 0) {
        (void)dup3(fd, l->fd, O_CLOEXEC);
        close(fd);
    }
}

/* There is nowhere to report that reporting failed: a short or failed write
 * loses the line and nothing else. */
static void write_all(int fd, const char *bytes, size_t len)
{
    ssize_t n;
    do {
        n = write(fd, bytes, len);
    } while (n < 0 && errno == EINTR);
}

void log_write(struct log *l, enum log_level level, const char *format, ...)
{
    if (l == NULL || level >= LOG_NOTHING || (int)level < get(&l->level)) {
        return;
    }
    int saved_errno = errno;
    char line[LINE_BYTES_MAX];
    size_t cap = sizeof line - 2; /* for the closing mark and the line's end */
    bool is_quoted = get(&l->format) == LOG_FORMAT_LOGFMT;
    size_t head = format_head(l, line, cap, level, is_quoted);
    va_list ap;
    va_start(ap, format);
    errno = saved_errno; /* for %m */
    (void)vsnprintf(line + head, cap - head, format, ap);
    va_end(ap);
    disarm(line + head, is_quoted);
    if (l->has_syslog) {
        syslog_put((int)level, line + head);
    }
    size_t len = head + strlen(line + head);
    if (is_quoted) {
        line[len++] = '"';
    }
    line[len++] = '\n';
    pthread_mutex_lock(&l->mutex);
    reopen_if_moved(l);
    write_all(l->fd, line, len);
    pthread_mutex_unlock(&l->mutex);
    errno = saved_errno;
}

int log_fd(const struct log *l)
{
    return l == NULL ? STDERR_FILENO : l->fd;
}

void log_write_raw(struct log *l, const void *bytes, size_t len)
{
    write_all(log_fd(l), bytes, len);
}
