/* log: lines to a file or to standard output.
 *
 * A file that was renamed or deleted (log rotation) is opened anew with the
 * next line, so that rotating needs no signal; the old one is kept open until
 * then, so that a process out of file descriptors can still say so.
 *
 * What a line quotes may come from a stranger: control characters are replaced,
 * so that nobody can forge a line or steer a terminal.
 *
 * Threads: any. `level` is a relaxed atomic, the rest is under `mutex`, a leaf:
 * nothing else is locked while it is held. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES_MAX = 1024 };

struct log {
    _Atomic(int) level;
    pthread_mutex_t mutex;
    int fd;
    char *path; /* NULL: standard output */
};

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
    atomic_init(&l->level, (int)level);
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
    pthread_mutex_destroy(&victim->mutex);
    free(victim->path);
    free(victim);
}

void log_set_level(struct log *l, enum log_level level)
{
    if (l != NULL) {
        atomic_store_explicit(&l->level, (int)level, memory_order_relaxed);
    }
}

/* "PID:M 21 Nov 2026 11:40:02.123 * "; its length. */
static size_t format_head(char *line, size_t cap, enum log_level level)
{
    static const char marks[] = ".-*#";
    struct timespec now;
    struct tm local;
    char date[32];
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &local);
    strftime(date, sizeof date, "%d %b %Y %H:%M:%S", &local);
    int len = snprintf(line, cap, "%d:M %s.%03d %c ", (int)getpid(), date,
                       (int)(now.tv_nsec / 1000000), marks[level]);
    return len < 0 ? 0 : (size_t)len;
}

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
        close(l->fd);
        l->fd = fd;
    }
}

/* There is nowhere to report that reporting failed: a short or failed write
 * loses the line and nothing else. */
static void write_line(struct log *l, const char *line, size_t len)
{
    pthread_mutex_lock(&l->mutex);
    reopen_if_moved(l);
    ssize_t n;
    do {
        n = write(l->fd, line, len);
    } while (n < 0 && errno == EINTR);
    pthread_mutex_unlock(&l->mutex);
}

void log_write(struct log *l, enum log_level level, const char *format, ...)
{
    if (l == NULL || level >= LOG_NOTHING ||
        (int)level < atomic_load_explicit(&l->level, memory_order_relaxed)) {
        return;
    }
    int saved_errno = errno;
    char line[LINE_BYTES_MAX];
    size_t head = format_head(line, sizeof line, level);
    va_list ap;
    va_start(ap, format);
    errno = saved_errno; /* for %m */
    int text = vsnprintf(line + head, sizeof line - head, format, ap);
    va_end(ap);
    size_t len = head + (text > 0 ? (size_t)text : 0);
    if (len > sizeof line - 1) {
        len = sizeof line - 1;
    }
    for (size_t i = head; i < len; i++) {
        unsigned char c = (unsigned char)line[i];
        if (c < 0x20 || c == 0x7f) {
            line[i] = ' ';
        }
    }
    line[len] = '\n';
    write_line(l, line, len + 1);
    errno = saved_errno;
}
