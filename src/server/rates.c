/* rates: the difference between the newest and the oldest sample. Totals that
 * were set back meanwhile (CONFIG RESETSTAT) begin a new ring. */
#include "server/rates.h"

static uint64_t a_second(uint64_t from, uint64_t to, int64_t ms)
{
    return ms <= 0 ? 0 : (to - from) * 1000 / (uint64_t)ms;
}

void rates_note(struct rates *r, const struct rate_sample *now)
{
    const struct rate_sample *oldest;
    uint32_t last = (r->next + RATE_SAMPLES - 1) % RATE_SAMPLES;
    if (r->count > 0 && (r->samples[last].commands > now->commands
                         || r->samples[last].bytes_in > now->bytes_in
                         || r->samples[last].bytes_out > now->bytes_out
                         || r->samples[last].turns > now->turns)) {
        r->count = 0;
        r->next = 0;
    }
    oldest = r->count == RATE_SAMPLES ? &r->samples[r->next] : &r->samples[0];
    if (r->count > 0) {
        int64_t ms = now->at_ms - oldest->at_ms;
        counter_set(&r->commands_per_s,
                    a_second(oldest->commands, now->commands, ms));
        counter_set(&r->bytes_in_per_s,
                    a_second(oldest->bytes_in, now->bytes_in, ms));
        counter_set(&r->bytes_out_per_s,
                    a_second(oldest->bytes_out, now->bytes_out, ms));
        uint64_t turns = now->turns - oldest->turns;
        counter_set(&r->turns_per_s, a_second(oldest->turns, now->turns, ms));
        counter_set(&r->turn_us,
                    turns == 0 ? 0 : (now->turns_us - oldest->turns_us)
                                         / turns);
    }
    r->samples[r->next] = *now;
    r->next = (r->next + 1) % RATE_SAMPLES;
    r->count += r->count < RATE_SAMPLES ? 1 : 0;
}
