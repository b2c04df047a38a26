/* peaks: the largest buffers that any session of a worker has had in the last
 * seconds. Pure; the worker's thread. */
#ifndef ENGRAM_SERVER_PEAKS_H
#define ENGRAM_SERVER_PEAKS_H

#include <stdbool.h>
#include <stdint.h>

enum { PEAK_SLOTS = 8 };

struct peaks {
    int64_t second; /* the newest slot's */
    uint64_t input[PEAK_SLOTS], output[PEAK_SLOTS];
};

/* Time has come to `second`: what is older than PEAK_SLOTS is forgotten. */
void peaks_turn(struct peaks *p, int64_t second);
/* A session's buffers now. */
void peaks_note(struct peaks *p, uint64_t input, uint64_t output);
uint64_t peaks_input(const struct peaks *p);
uint64_t peaks_output(const struct peaks *p);
/* Have they been the same in all these seconds? Then they remain so until a
 * session does something, and there is nothing to turn. */
bool peaks_are_even(const struct peaks *p);

#endif
