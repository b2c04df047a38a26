/* peaks: a slot a second, the newest at second % PEAK_SLOTS. */
#include "server/peaks.h"

void peaks_turn(struct peaks *p, int64_t second)
{
    for (int i = 0; i < PEAK_SLOTS && p->second < second; i++) {
        p->second++;
        p->input[p->second % PEAK_SLOTS] = 0;
        p->output[p->second % PEAK_SLOTS] = 0;
    }
    p->second = second;
}

static void raise_to(uint64_t *max, uint64_t v)
{
    *max = v > *max ? v : *max;
}

void peaks_note(struct peaks *p, uint64_t input, uint64_t output)
{
    raise_to(&p->input[p->second % PEAK_SLOTS], input);
    raise_to(&p->output[p->second % PEAK_SLOTS], output);
}

static uint64_t largest(const uint64_t slots[PEAK_SLOTS])
{
    uint64_t max = 0;
    for (int i = 0; i < PEAK_SLOTS; i++) {
        raise_to(&max, slots[i]);
    }
    return max;
}

uint64_t peaks_input(const struct peaks *p)
{
    return largest(p->input);
}

uint64_t peaks_output(const struct peaks *p)
{
    return largest(p->output);
}

bool peaks_are_even(const struct peaks *p)
{
    for (int i = 1; i < PEAK_SLOTS; i++) {
        if (p->input[i] != p->input[0] || p->output[i] != p->output[0]) {
            return false;
        }
    }
    return true;
}
