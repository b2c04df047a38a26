/* zset_big: the large form of a sorted set, for zset.c: a table that finds a
 * member's cell and a ranking that keeps the cells in order. */
#ifndef ENGRAM_TYPES_ZSET_BIG_H
#define ENGRAM_TYPES_ZSET_BIG_H

#include "structs/ranking.h"
#include "structs/table.h"
#include "types/value.h"

struct zset_big {
    struct value head; /* first */
    struct table *by_member;
    struct ranking *by_score;
    const struct hash_seed *seed;
    size_t cell_bytes;    /* of all cells, in the allocator's measure */
    size_t outside_bytes; /* of those that are not the heap's */
    /* What was cut out; its cells are the table's until they are freed. */
    struct zset_part *parts;
};

static inline struct zset_big *zset_big_of(const struct entry *e)
{
    return (struct zset_big *)(void *)entry_value(e);
}

/* NULL: out of memory. */
struct zset_big *zset_big_create(const struct entry_memory *m);
void zset_big_destroy(struct zset_big *z, const struct entry_memory *m);

static inline uint64_t zset_big_hash(const struct zset_big *z,
                                     struct slice member)
{
    return hash_keyed(z->seed, member.data, member.len);
}

static inline size_t zset_big_count(const struct zset_big *z)
{
    return ranking_count(z->by_score);
}

/* The table has the cell: does the set? */
bool zset_big_has(const struct zset_big *z, const struct ranked *r);
/* NULL: not there. `at` is where it is. */
struct ranked *zset_big_find(const struct zset_big *z, uint64_t hash,
                             struct slice member, struct table_at *at);
/* A member that is not in yet. ST_NOMEM: nothing has changed. `is_last`: it
 * belongs behind all others. */
STATUS_CHECKED enum status zset_big_add(struct zset_big *z,
                                        const struct entry_memory *m,
                                        uint64_t hash, struct slice member,
                                        double score, bool is_last);
bool zset_big_remove(struct zset_big *z, const struct entry_memory *m,
                     struct slice member);
/* Removes `count` elements from rank `first` up; there are so many. A value that
 * nothing leads to any more is returned, to be freed by its destroy_some, if
 * they are many and others are left; else NULL. */
struct value *zset_big_remove_ranks(struct zset_big *z,
                                    const struct entry_memory *m, size_t first,
                                    size_t count);

#endif
