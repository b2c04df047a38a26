/* world: what an entry needs to live: a span of pages, and up to two heaps with
 * an account each. world_deinit asserts that nothing was left in any of them. */
#ifndef ENGRAM_TESTS_UNIT_TYPES_WORLD_H
#define ENGRAM_TESTS_UNIT_TYPES_WORLD_H

#include "base/pages.h"
#include "tests.h"
#include "types/entry.h"
#include "types/entry_priv.h"
#include "types/string.h"

enum { HEAPS = 2 };

struct world {
    struct pages *pages;
    struct mem_account accounts[HEAPS];
    size_t empty_bytes[HEAPS]; /* an account with its heap and no entry */
    struct entry_memory memories[HEAPS];
    struct entry_memory *m; /* the first of them */
};

void world_init(struct world *w);
void world_deinit(struct world *w);
/* No entry is left in either heap. */
void world_check_empty(const struct world *w);

/* `len` bytes of a pattern that no shift of itself equals; valid until the next
 * call with this buffer. */
struct slice pattern(uint8_t *buffer, size_t len);
/* Makes an entry that must succeed. */
struct entry *make(struct world *w, struct slice key, struct slice value,
                   int64_t deadline_ms);
/* The entry is what it should be, in every way that can be asked. */
void check_entry(const struct entry *e, const struct entry_memory *m,
                 struct slice key, struct slice value, int64_t deadline_ms);

#endif
