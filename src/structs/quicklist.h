/* quicklist: a long list, as a sequence of chunks of listpack entries.
 *
 * Pushing and popping at the ends touches one chunk; any other place is found
 * through a counted tree in O(log n) and a walk inside a chunk. How large a
 * chunk may be is what `list-max-listpack-size` says: -1..-5 for 4..64 KB,
 * positive for so many elements (and 8 KB). An element that is larger has a
 * chunk of its own. Short lists have smaller chunks than they might, which
 * follow their contents closely. quicklist_priv.h explains the layout.
 *
 * Chunks that have at least `list-compress-depth` others on either side are
 * kept compressed, unless that is 0. Reading changes nothing there and needs no
 * memory; a change unpacks the chunk, and packs it again when it is done.
 *
 * Threads: owned by one shard, no locks; a place is one thread's. Memory: each
 * call names where it comes from, always the same for one list. A call that
 * returns ST_NOMEM has left every element as it was, but for
 * quicklist_remove_equal. */
#ifndef ENGRAM_STRUCTS_QUICKLIST_H
#define ENGRAM_STRUCTS_QUICKLIST_H

#include "base/mem.h"
#include "base/slab.h"
#include "base/status.h"
#include "structs/listpack.h"

struct quicklist;

struct quicklist_memory {
    struct slab_heap *heap;
    struct mem_account *account;
};

enum quicklist_end { QUICKLIST_HEAD, QUICKLIST_TAIL };

/* `chunk_limit` is list-max-listpack-size, `depth` list-compress-depth (more
 * than 65,535 is that). NULL: out of memory. */
struct quicklist *quicklist_create(const struct quicklist_memory *m,
                                   int chunk_limit, uint32_t depth);
/* An empty one with the same limits; NULL: out of memory. */
struct quicklist *quicklist_create_like(const struct quicklist_memory *m,
                                        const struct quicklist *like);
void quicklist_destroy(struct quicklist **q, const struct quicklist_memory *m);
/* The same in slices of `chunks_max` chunks; true: there are more. After the
 * first call only this and quicklist_destroy may be called. */
bool quicklist_destroy_some(struct quicklist **q,
                            const struct quicklist_memory *m,
                            size_t chunks_max);

uint64_t quicklist_count(const struct quicklist *q);
/* All memory it holds, exactly; O(1). */
size_t quicklist_bytes(const struct quicklist *q);
/* Walks through the chunks: what those take that are no cells. */
size_t quicklist_outside_bytes(const struct quicklist *q);

struct quicklist_figures {
    size_t chunk_count, squeezed_count;
    uint64_t entry_bytes; /* of all, as if none were squeezed */
    int chunk_limit;
    uint32_t depth;
};
/* Walks, too. */
void quicklist_figures_read(const struct quicklist *q,
                            struct quicklist_figures *out);

/* --- the ends --- */

/* Pushes each of `items` in turn (the last one comes to lie outermost), or
 * none. Items must not lie inside the list. ST_RANGE: more than 4 GB. */
STATUS_CHECKED enum status quicklist_push(struct quicklist *q,
                                          const struct quicklist_memory *m,
                                          enum quicklist_end end,
                                          const struct slice *items,
                                          size_t count);
/* Removes the outermost element; there must be one. */
void quicklist_pop(struct quicklist *q, const struct quicklist_memory *m,
                   enum quicklist_end end);

/* --- places --- */

/* An element's place. Any change to the list ends its validity, except where
 * the call that makes the change says otherwise. */
struct quicklist_at {
    void *node; /* quicklist.c's */
    void *chunk;
    size_t offset;
    uint64_t index;
    uint64_t visit; /* quicklist_squeeze.c's; 0: the chunk is not squeezed */
};

/* 0 is the first, -1 the last; false: there is no such element. */
bool quicklist_seek(const struct quicklist *q, int64_t index,
                    struct quicklist_at *at);
/* False: there are no more, and `at` is no place any longer. */
bool quicklist_next(const struct quicklist *q, struct quicklist_at *at);
bool quicklist_prev(const struct quicklist *q, struct quicklist_at *at);
/* Looks from `at` on, itself included, towards `towards`, at `max` elements and
 * maybe the rest of a chunk; false: not found, and `at` is no place any longer.
 */
bool quicklist_find(const struct quicklist *q, struct quicklist_at *at,
                    struct slice text, enum quicklist_end towards,
                    uint64_t max);

/* As listpack_get and its kin. Valid until the list is changed, or until this
 * thread goes on to another place, in whatever list. */
struct listpack_value quicklist_get(const struct quicklist_at *at);
struct slice quicklist_text(const struct quicklist_at *at, char *scratch);

/* --- changes anywhere --- */

/* Both: `at` is no place afterwards unless they fail. */
STATUS_CHECKED enum status quicklist_insert(struct quicklist *q,
                                            const struct quicklist_memory *m,
                                            struct quicklist_at *at,
                                            bool is_after, struct slice item);
STATUS_CHECKED enum status quicklist_replace(struct quicklist *q,
                                             const struct quicklist_memory *m,
                                             struct quicklist_at *at,
                                             struct slice item);
/* Removes up to `max` elements equal to `text`, going towards `towards`; how
 * many is added to *gone. ST_NOMEM, only where chunks are squeezed: these, and
 * not all. */
STATUS_CHECKED enum status
quicklist_remove_equal(struct quicklist *q, const struct quicklist_memory *m,
                       struct slice text, enum quicklist_end towards,
                       uint64_t max, uint64_t *gone);
/* Removes up to `count` elements from `index` on. When that is more than a few
 * chunks, *removed gets them as a list that may only be destroyed, so that the
 * caller can do so in slices; else, or without memory for the list, NULL: they
 * are freed. `removed` may be NULL: they are freed here and now. ST_NOMEM: only
 * if the first and the last of them lie within one squeezed chunk, with others
 * before and behind. */
STATUS_CHECKED enum status quicklist_delete(struct quicklist *q,
                                            const struct quicklist_memory *m,
                                            uint64_t index, uint64_t count,
                                            struct quicklist **removed);

/* --- whole chunks: listpacks, snapshots --- */

/* Appends copies of all elements of a listpack, or none. */
STATUS_CHECKED enum status
quicklist_append_listpack(struct quicklist *q, const struct quicklist_memory *m,
                          const uint8_t *lp);
/* Bytes of one listpack of all elements; 0: more than `max`. At most as many
 * steps as `max` holds chunks. */
size_t quicklist_listpack_bytes(const struct quicklist *q, size_t max);
/* Writes it to `lp`, which has room for so many. */
void quicklist_write_listpack(const struct quicklist *q, uint8_t *lp);

/* The entries of the chunk that `at` lies in, as a listpack would hold them
 * between its header and its end, and how many; valid as quicklist_get's. */
struct slice quicklist_chunk_entries(const struct quicklist_at *at,
                                     uint32_t *count);
/* To the first element of the next chunk. */
bool quicklist_next_chunk(const struct quicklist *q, struct quicklist_at *at);

/* --- compaction --- */

/* Moves what lies in source pages of the heap, for up to `chunks_max` chunks
 * from the one with element `cursor` on (0 to begin); the next cursor, 0 at the
 * end. What finds no memory stays. */
uint64_t quicklist_compact(struct quicklist *q,
                           const struct quicklist_memory *m, uint64_t cursor,
                           size_t chunks_max);
/* Moves the struct itself out of a source page: where it is now. */
struct quicklist *quicklist_compact_handle(struct quicklist *q,
                                           const struct quicklist_memory *m);

/* Every invariant, slow; asserts. For tests. */
void quicklist_check(const struct quicklist *q,
                     const struct quicklist_memory *m);
/* That the right chunks are squeezed, too, as they are if no call has ever
 * lacked memory. */
void quicklist_check_depth(const struct quicklist *q);

#endif
