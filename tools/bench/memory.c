/* memory: malloc, or the end. */
#include "bench/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_end(void *p)
{
    if (p == NULL) {
        fprintf(stderr, "engram-benchmark: out of memory\n");
        _Exit(EXIT_FAILURE);
    }
    return p;
}

void *memory_zeroed(size_t count, size_t size)
{
    return or_end(calloc(count > 0 ? count : 1, size));
}

void *memory_grow(void *old, size_t count, size_t size)
{
    if (count == 0 || count > PTRDIFF_MAX / size) {
        return or_end(NULL);
    }
    return or_end(realloc(old, count * size));
}

char *memory_text(const char *text, size_t len)
{
    char *copy = memory_zeroed(len + 1, 1);
    memcpy(copy, text, len);
    return copy;
}
