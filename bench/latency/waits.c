/* waits: see waits.h. */
#include "waits.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

enum {
    READING_EVERY_NS = 100 * 1000,
    FAST_NS = 150 * 1000,  /* such an answer is taken as it is */
    SLOW_NS = 1000 * 1000, /* such an answer may be capped */
    /* After its answer a server soon sleeps, and its file is then exact. */
    SETTLE_NS = 100 * 1000,
    FIND_GETS = 20 * 1000
};

uint64_t clock_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void watch(struct waits *w, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        w->files[w->file_count++] = fd;
    }
}

struct times {
    uint64_t ran_ns, waited_ns;
};

static struct times read_times(const struct waits *w, size_t file)
{
    char text[128], *rest;
    struct times t = {0};
    ssize_t len = pread(w->files[file], text, sizeof text - 1, 0);
    if (len > 0) {
        text[len] = '\0';
        t.ran_ns = strtoull(text, &rest, 10);
        t.waited_ns = strtoull(rest, NULL, 10);
    }
    return t;
}

static void take_reading(struct waits *w, uint64_t now_ns)
{
    struct waits_reading r = {.at_ns = now_ns};
    for (size_t i = 0; i < w->file_count; i++) {
        struct times t = read_times(w, i);
        if (i + 1 == w->file_count) {
            r.own_waited_ns = t.waited_ns;
        } else if (i == w->serving) {
            r.serving_waited_ns = t.waited_ns;
            r.serving_ran_ns = t.ran_ns;
        } else {
            r.others_ran_ns += t.ran_ns;
        }
    }
    w->readings[w->reading_count++ % WAITS_READINGS] = r;
}

static size_t put_any(void *arg, char *out, uint64_t number)
{
    (void)arg;
    return put_get(out, number);
}

/* The thread that runs the most while GETs are answered. */
static void find_serving(struct waits *w, struct client *c)
{
    uint64_t before_ns[WAITS_FILES_MAX], most_ns = 0;
    for (size_t i = 0; i + 1 < w->file_count; i++) {
        before_ns[i] = read_times(w, i).ran_ns;
    }
    client_batches(c, 0, FIND_GETS, put_any, NULL);
    for (size_t i = 0; i + 1 < w->file_count; i++) {
        uint64_t ran_ns = read_times(w, i).ran_ns - before_ns[i];
        if (ran_ns > most_ns) {
            most_ns = ran_ns;
            w->serving = i;
        }
    }
}

void waits_open(struct waits *w, int server_pid, struct client *c)
{
    char path[300];
    w->file_count = 0;
    w->reading_count = 0;
    w->serving = 0;
    snprintf(path, sizeof path, "/proc/%d/task", server_pid);
    DIR *folder = opendir(path);
    struct dirent *task;
    while (folder != NULL && (task = readdir(folder)) != NULL
           && w->file_count < WAITS_FILES_MAX - 1) {
        if (task->d_name[0] != '.') {
            snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat",
                     server_pid, task->d_name);
            watch(w, path);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    watch(w, "/proc/thread-self/schedstat");
    if (w->file_count < 2) {
        fail("no process %d, or a kernel without schedstat", server_pid);
    }
    find_serving(w, c);
    take_reading(w, clock_now_ns());
}

void waits_close(struct waits *w)
{
    while (w->file_count > 0) {
        close(w->files[--w->file_count]);
    }
}

/* The last reading not after `ns`, or the oldest that is kept. */
static const struct waits_reading *reading_at(const struct waits *w,
                                              uint64_t ns)
{
    uint64_t n = w->reading_count - 1;
    for (size_t back = 1; back < WAITS_READINGS && n > 0
                          && w->readings[n % WAITS_READINGS].at_ns > ns;
         back++) {
        n--;
    }
    return &w->readings[n % WAITS_READINGS];
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static uint64_t net(struct waits *w, uint64_t sent_ns, uint64_t now_ns,
                    uint64_t *server_ran_ns)
{
    uint64_t took = now_ns - sent_ns;
    *server_ran_ns = took;
    const struct waits_reading *last =
        &w->readings[(w->reading_count - 1) % WAITS_READINGS];
    if (took < FAST_NS) {
        if (less(now_ns, last->at_ns) > READING_EVERY_NS) {
            take_reading(w, now_ns);
        }
        return took;
    }
    struct waits_reading before = *reading_at(w, sent_ns);
    take_reading(w, now_ns);
    last = &w->readings[(w->reading_count - 1) % WAITS_READINGS];
    uint64_t others_ns = last->others_ran_ns - before.others_ran_ns;
    *server_ran_ns = last->serving_ran_ns - before.serving_ran_ns + others_ns;
    uint64_t waited_ns =
        last->own_waited_ns - before.own_waited_ns
        + less(last->serving_waited_ns - before.serving_waited_ns, others_ns);
    return less(took, waited_ns);
}

uint64_t waits_net(struct waits *w, uint64_t sent_ns, uint64_t now_ns)
{
    uint64_t server_ran_ns;
    return net(w, sent_ns, now_ns, &server_ran_ns);
}

uint64_t waits_net_capped(struct waits *w, uint64_t sent_ns, uint64_t now_ns)
{
    uint64_t server_ran_ns;
    if (now_ns - sent_ns > SLOW_NS) {
        uint64_t end = clock_now_ns() + SETTLE_NS;
        while (clock_now_ns() < end) {
        }
    }
    uint64_t left = net(w, sent_ns, now_ns, &server_ran_ns);
    uint64_t cap = server_ran_ns + SLOW_NS;
    return left < cap ? left : cap;
}
