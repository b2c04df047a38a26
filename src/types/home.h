/* home: memory of a value's own. A value that takes more than HOME_BYTES has a
 * slab heap and an account to itself, because then
 *   - it goes to another keyspace by one charge, without a copy,
 *   - its heap is freed page by page, without a look at what lies there,
 *   - its sparse pages are found without a walk through the keyspace.
 * The price is pages that are partly empty, one for each size of cell; smaller
 * values share the heap of their keyspace (README.md has figures).
 *
 * Moving in: what the value has already lies in the keyspace's heap. The home
 * adopts it (base/slab.h) and home_tidy brings it over in steps. Until then the
 * home is not settled.
 *
 * Accounts: the home's account is told of every byte at once, the keyspace's
 * (`outer`) when home_sync is called, which whoever lets a value be changed
 * does before anybody can look.
 *
 * Users: a part that is cut from a value, only to be freed, lies in the same
 * home; the last user to go takes the home with it.
 *
 * Threads: the shard's lock. */
#ifndef ENGRAM_TYPES_HOME_H
#define ENGRAM_TYPES_HOME_H

#include "types/value.h"

enum { HOME_BYTES = 1024 * 1024 };

struct value_home {
    struct entry_memory memory; /* the value's: its heap, its account */
    struct mem_account account;
    struct mem_account *outer; /* pays for the home */
    size_t charged;            /* what `outer` has been told */
    uint32_t user_count;
    bool is_walking;   /* a tidying is on, `cursor` is where */
    uint64_t cursor;
    size_t left_bytes; /* foreign when the walk began */
    struct value *value; /* NULL once it is being destroyed */
    struct value tomb;   /* stands for the value while its pages go back */
    struct home_list *list; /* its keyspace's; NULL: not known yet */
    bool is_listed;
    struct value_home *next, *prev;
};

/* Homes that want to be tidied. */
struct home_list {
    struct value_home *first;
};

/* Gives the value of `e`, which has none, a home of its own. ST_NOMEM: nothing
 * has changed. */
STATUS_CHECKED enum status home_give(const struct entry_memory *m,
                                     struct entry *e);
/* May it have one, and does it take so much that it should? */
bool home_is_due(const struct value *v, const struct entry_memory *m);

/* Tells the outer account what has changed. */
void home_sync(struct value_home *h);
/* One more value lies in it. */
void home_join(struct value_home *h, struct value *v);
/* A value has gone; frees the home if it was the last. */
void home_leave(struct value_home *h);

/* What the value's own memory is, given the keyspace's. */
static inline const struct entry_memory *
value_memory(const struct value *v, const struct entry_memory *m)
{
    return v->home == NULL ? m : &v->home->memory;
}

/* Puts it on the list unless it is there. */
void home_list_put(struct home_list *l, struct value_home *h);
void home_list_remove(struct value_home *h);
/* A step of moving in, or else of moving cells out of sparse pages: some dozens
 * of elements. False: there is nothing more to do, or no memory to do it. */
bool home_tidy(struct value_home *h);

/* Does all of it lie in the home? If not, what is left (as much as the value
 * had when it got the home) is brought over now. False: that lacks memory. */
bool home_settle(struct value_home *h);
/* Another keyspace pays from now on; the home is settled. */
void home_hand_over(struct value_home *h, struct mem_account *outer);

/* Invariants; slow; asserts. NULL is let be. */
void home_check(const struct value_home *h, const struct mem_account *outer);

#endif
