/* expire: many keys, due at random moments of one second. They are set with
 * their deadlines before it begins; then DBSIZE tells when the last is gone,
 * while a probe tells what another session feels. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "client.h"
#include "events.h"
#include "probe.h"

enum {
    SPREAD_MS = 1000,
    BEFORE_MS = 2000, /* the probe alone, before the first is due */
    SETS_A_MS = 200,  /* a slow server's, by which the start is set */
    POLL_MS = 5,
    LIMIT_MS = 60 * 1000
};

struct fill {
    const struct event_options *options;
    uint64_t first_due_ms, random;
};

static void sleep_ms(uint64_t ms)
{
    struct timespec t = {.tv_sec = (time_t)(ms / 1000),
                         .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

/* Deadlines are in the time of day. */
static uint64_t day_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static size_t put_mortal(void *arg, char *out, uint64_t number)
{
    struct fill *f = arg;
    f->random = f->random * 6364136223846793005u + 1442695040888963407u;
    uint64_t due_ms = f->first_due_ms + (f->random >> 33) % SPREAD_MS;
    return put_set_until(out, number, f->options->value_bytes, due_ms);
}

/* Milliseconds after the first was due until half, 99 % and all are gone; those
 * not seen stay -1. */
static void watch_expiry(struct client *c, const struct fill *f, long gone[3])
{
    long keys = (long)f->options->keys;
    const long left[3] = {keys / 2, keys / 100, 0};
    gone[0] = gone[1] = gone[2] = -1;
    uint64_t late_ms = 0;
    while (gone[2] < 0 && late_ms < LIMIT_MS) {
        long count = client_ask(c, "DBSIZE");
        late_ms = day_now_ms() - f->first_due_ms;
        for (int i = 0; i < 3; i++) {
            if (gone[i] < 0 && count <= left[i]) {
                gone[i] = (long)late_ms;
            }
        }
        sleep_ms(POLL_MS);
    }
}

void event_expire(const struct event_options *o)
{
    struct client *c = client_open(o->port);
    struct fill f = {.options = o,
                     .first_due_ms = day_now_ms() + o->keys / SETS_A_MS
                                     + 2 * BEFORE_MS,
                     .random = 1};
    double used = client_info(c, "memory", "used_memory");
    client_batches(c, 0, o->keys, put_mortal, &f);
    used = client_info(c, "memory", "used_memory") - used;
    uint64_t now_ms = day_now_ms();
    if (now_ms + BEFORE_MS > f.first_due_ms) {
        fail("the keys were not set in time, the machine is too slow");
    }
    sleep_ms(f.first_due_ms - now_ms - BEFORE_MS);
    struct probe *p = probe_start(o->port, o->server_pid);
    now_ms = day_now_ms();
    sleep_ms(f.first_due_ms > now_ms ? f.first_due_ms - now_ms : 0);
    probe_set_window(p, PROBE_DURING);
    long gone[3];
    watch_expiry(c, &f, gone);
    probe_set_window(p, PROBE_AFTER);
    probe_stop(p);
    printf("half_gone_ms=%ld\nmost_gone_ms=%ld\nall_gone_ms=%ld\n", gone[0],
           gone[1], gone[2]);
    printf("bytes_a_key=%.1f\n", used / (double)o->keys);
    probe_print(p);
    probe_destroy(&p);
    client_close(&c);
}
