/* memory: what the tool allocates. A benchmark without memory has nothing to
 * measure, so there is one way out: it says so and ends. */
#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include <stddef.h>

/* `count` objects of `size` bytes, all zero; never NULL. */
void *memory_zeroed(size_t count, size_t size);
/* As realloc, but never NULL. */
void *memory_grow(void *old, size_t count, size_t size);
/* A copy of `len` bytes with a NUL behind them. */
char *memory_text(const char *text, size_t len);

#endif
