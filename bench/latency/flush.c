/* flush: how long FLUSHALL keeps its caller, what another session feels, and
 * when the memory is back: used_memory once 99 % of what the keys took are back,
 * resident memory once 90 % are, since an allocator keeps some. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "client.h"
#include "events.h"
#include "probe.h"

enum { BEFORE_MS = 1000, DURING_MS = 2000, POLL_MS = 10, LIMIT_MS = 15 * 1000 };

struct memory {
    double used, resident;
};

static void sleep_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static size_t put_key(void *arg, char *out, uint64_t number)
{
    const struct event_options *o = arg;
    return put_set(out, number, o->value_bytes);
}

static struct memory read_memory(struct client *c, int pid)
{
    return (struct memory){.used = client_info(c, "memory", "used_memory"),
                           .resident = resident_bytes(pid)};
}

static double ms_since(uint64_t begin_ns)
{
    return (double)(clock_now_ns() - begin_ns) / 1e6;
}

/* Polls until all is back and the probe's window is over; `back_ms` gets
 * the times of used_memory and of the resident set, -1 if that is not seen. The last reading is returned. */
static struct memory watch_memory(struct client *c, int pid, struct probe *p,
                                  struct memory empty, struct memory full,
                                  uint64_t begin_ns, double back_ms[2])
{
    struct memory now;
    double used_end = empty.used + (full.used - empty.used) / 100;
    double rss_end = empty.resident + (full.resident - empty.resident) / 10;
    back_ms[0] = back_ms[1] = -1;
    double ms;
    do {
        now = read_memory(c, pid);
        ms = ms_since(begin_ns);
        if (back_ms[0] < 0 && now.used <= used_end) {
            back_ms[0] = ms;
        }
        if (back_ms[1] < 0 && now.resident <= rss_end) {
            back_ms[1] = ms;
        }
        if (ms > DURING_MS) {
            probe_set_window(p, PROBE_AFTER);
        }
        sleep_ms(POLL_MS);
    } while (ms < DURING_MS
             || (ms < LIMIT_MS && (back_ms[0] < 0 || back_ms[1] < 0)));
    return now;
}

static void flush_once(const struct event_options *o, struct client *c,
                       const char *command, struct memory empty)
{
    struct event_options options = *o;
    client_batches(c, 0, o->keys, put_key, &options);
    struct memory full = read_memory(c, o->server_pid);
    struct probe *p = probe_start(o->port, o->server_pid);
    sleep_ms(BEFORE_MS);
    probe_set_window(p, PROBE_DURING);
    uint64_t begin_ns = clock_now_ns();
    client_ask(c, command);
    double caller_us = ms_since(begin_ns) * 1e3, back_ms[2];
    struct memory now = watch_memory(c, o->server_pid, p, empty, full, begin_ns,
                                     back_ms);
    probe_stop(p);
    printf("caller_us=%.0f\nused_back_ms=%.0f\nrss_back_ms=%.0f\n", caller_us,
           back_ms[0], back_ms[1]);
    printf("rss_back_percent=%.1f\n", 100 * (full.resident - now.resident)
                                          / (full.resident - empty.resident));
    probe_print(p);
    probe_destroy(&p);
}

void event_flush(const struct event_options *o)
{
    struct client *c = client_open(o->port);
    struct memory empty = read_memory(c, o->server_pid);
    puts("[sync]");
    flush_once(o, c, "FLUSHALL SYNC", empty);
    puts("[async]");
    flush_once(o, c, "FLUSHALL ASYNC", empty);
    client_close(&c);
}
