/* symbols: the names of the program's own functions, static ones too, found in a
 * signal handler: in the program's file, by system calls alone.
 * Threads: each has its own. */
#ifndef ENGRAM_SERVER_SYMBOLS_H
#define ENGRAM_SERVER_SYMBOLS_H

#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>

struct symbols {
    const uint8_t *file; /* mapped; NULL: there are no names to be had */
    size_t bytes;
    uintptr_t base; /* where the program was loaded */
    const ElfW(Sym) *table;
    size_t count;
    const char *names;
    size_t names_bytes;
};

void symbols_open(struct symbols *s);
void symbols_close(struct symbols *s);

/* The function that `address` lies in, how far into it, and where that is in the
 * program's file; NULL: not known. Valid until symbols_close. */
const char *symbols_find(const struct symbols *s, const void *address,
                         uintptr_t *into, uintptr_t *in_file);

#endif
