/* rates: what happened a second, of late, for INFO's instantaneous fields.
 * Samples are taken by one thread; any thread reads the rates. */
#ifndef ENGRAM_SERVER_RATES_H
#define ENGRAM_SERVER_RATES_H

#include "base/counter.h"

enum { RATE_SAMPLES = 16 };

/* Running totals at one moment. */
struct rate_sample {
    int64_t at_ms;
    uint64_t commands, bytes_in, bytes_out, turns, turns_us;
};

struct rates {
    /* the sampling thread's: a ring, the oldest at next */
    struct rate_sample samples[RATE_SAMPLES];
    uint32_t count, next;
    /* any thread */
    struct counter commands_per_s, bytes_in_per_s, bytes_out_per_s;
    struct counter turns_per_s, turn_us; /* turn_us: of one turn */
};

/* Notes the totals, a few times a second; the rates are over the last
 * RATE_SAMPLES calls. */
void rates_note(struct rates *r, const struct rate_sample *now);

#endif
