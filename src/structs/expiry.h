/* expiry: which positions are due when. A hierarchical timing wheel of bare
 * records, 5 bytes each: a record is a position in hash order (40 bits), no
 * pointer, no deadline, so nothing in it can dangle when entries move or die.
 *
 * The owner looks up what expiry_take gives: an entry with that position and a
 * deadline that has passed is deleted; one whose deadline is later is added
 * again (that is how records sink through the levels, and how a record that
 * was overtaken by a later deadline finds its place); no entry: the record is
 * dropped. So an entry whose deadline grows needs no new record, and only one
 * whose deadline shrinks does. Stale records are bounded: when they outnumber
 * the live, the owner sweeps (expiry_sweep), telling doubles by a parity bit
 * it keeps in each entry.
 *
 * Threads: owned by one shard, no locks. Memory: charged to the account; none
 * while empty. */
#ifndef ENGRAM_STRUCTS_EXPIRY_H
#define ENGRAM_STRUCTS_EXPIRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/status.h"

struct expiry;

/* NULL: out of memory. `now_ms`: unix time, never negative (here and below);
 * deadlines are unix times too and may be anything. */
struct expiry *expiry_create(struct mem_account *a, int64_t now_ms);
void expiry_destroy(struct expiry **e);
/* The same in slices of `budget` chunks of records, of 4 KB at most. After
 * the first call only this, expiry_destroy and expiry_bytes may be called. True:
 * it is gone, and *e NULL. */
bool expiry_destroy_some(struct expiry **e, size_t budget);

/* Any deadline, past ones included (they are due at once). ST_NOMEM: nothing
 * changed. */
STATUS_CHECKED enum status expiry_add(struct expiry *e, int64_t deadline_ms,
                                      uint64_t position);

/* Fills `out` with at most `max` records whose time on the wheel has come; how
 * many. 0: nothing is due at `now_ms`. Each record is taken once, and never
 * later than its deadline by more than 1 ms if asked each millisecond. O(max)
 * however far `now_ms` has jumped. A clock that goes back by more than a second
 * makes every record come out early, slice by slice, to be added again; by
 * less, and records may come out late by as much. */
size_t expiry_take(struct expiry *e, int64_t now_ms, uint64_t *out, size_t max);

/* The earliest time expiry_take may have something, 0 if it has something at
 * whatever time, INT64_MAX if never; exact to the wheel's tick (1 ms at the
 * lowest level). O(levels). */
int64_t expiry_next_ms(const struct expiry *e);

/* Records on the wheel, stale ones included. */
size_t expiry_count(const struct expiry *e);
size_t expiry_bytes(const struct expiry *e);
/* Another account pays for it from now on, and has for what it holds. */
void expiry_set_account(struct expiry *e, struct mem_account *a);

/* A sweep visits every record that is on the wheel when it begins, and no later
 * one, slice by slice: expiry_sweep_take gives records as expiry_take does (the
 * owner adds back those worth keeping), 0 when the sweep is over. Between the
 * slices expiry_take goes on as ever, and what it gives is not visited again.
 *
 * With a parity bit an entry: each sweep has the parity opposite to the last.
 * While one is on, an entry whose record is added for whatever reason gets the
 * sweep's parity. A record from expiry_sweep_take whose entry has that parity
 * already is a double and is dropped; one from expiry_take never is.
 *
 * False: not now, a clock that went back is being digested; ask later, and let
 * the parity be. */
bool expiry_sweep_begin(struct expiry *e);
bool expiry_is_sweeping(const struct expiry *e);
size_t expiry_sweep_take(struct expiry *e, uint64_t *out, size_t max);

void expiry_check(const struct expiry *e); /* asserts, for tests */

#endif
