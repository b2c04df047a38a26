/* latency: the load of `bench/run` for what hurts: growth, expiry, flushing,
 * and one big collection.
 *
 *     latency echo PORT
 *     latency grow PORT PID [KEYS [VALUE_BYTES [STEP]]]
 *     latency expire PORT PID [KEYS [VALUE_BYTES]]
 *     latency flush PORT PID [KEYS [VALUE_BYTES]]
 *     latency big PORT PID [ELEMENTS [set|list|zset|hash]]
 *
 * PORT and PID are the server's, on 127.0.0.1. Pin the server to one processor
 * and this program to another. The figures are printed as name=value. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "echo.h"
#include "events.h"

/* A run that has not ended by then never will. */
enum { LIMIT_S = 1800 };

static const struct {
    const char *name;
    void (*run)(const struct event_options *o);
    struct event_options defaults;
} events[] = {
    {"grow",
     event_grow,
     {.keys = 20000000, .value_bytes = 16, .step_keys = 4096}},
    {"expire", event_expire, {.keys = 2000000, .value_bytes = 64}},
    {"flush", event_flush, {.keys = 5000000, .value_bytes = 64}},
    {"big", event_big, {.keys = 10000000, .kind = "set"}},
};

static uint64_t number_of(const char *text, uint64_t max)
{
    char *end;
    unsigned long long n = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || n > max) {
        fail("%s is no number up to %llu", text, (unsigned long long)max);
    }
    return n;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "echo") == 0) {
        echo_run((int)number_of(argv[2], 65535));
    }
    for (size_t i = 0; argc > 3 && i < sizeof events / sizeof events[0]; i++) {
        if (strcmp(argv[1], events[i].name) != 0) {
            continue;
        }
        struct event_options o = events[i].defaults;
        o.port = (int)number_of(argv[2], 65535);
        o.server_pid = (int)number_of(argv[3], 1 << 30);
        o.keys = argc > 4 ? number_of(argv[4], 1000000000) : o.keys;
        if (o.kind != NULL) {
            o.kind = argc > 5 ? argv[5] : o.kind;
        } else if (argc > 5) {
            o.value_bytes = number_of(argv[5], VALUE_BYTES_MAX);
        }
        o.step_keys = argc > 6 ? number_of(argv[6], 1 << 30) : o.step_keys;
        if (o.keys == 0 || (o.step_keys == 0 && argc > 6)) {
            fail("nothing to measure");
        }
        alarm(LIMIT_S);
        events[i].run(&o);
        return 0;
    }
    fputs("usage: latency echo PORT\n"
          "       latency grow|expire|flush PORT PID [KEYS [VALUE_BYTES"
          " [STEP]]]\n"
          "       latency big PORT PID [ELEMENTS [set|list|zset|hash]]\n",
          stderr);
    return 2;
}
