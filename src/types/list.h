/* list: the list value of an entry: a listpack while it is short, else a
 * quicklist. How long it may be as a listpack, and how large a chunk of the
 * quicklist, is what list-max-listpack-size says. It becomes a listpack again
 * when half of that is enough. The quicklist keeps the list-compress-depth of
 * the time when it was made. */
#ifndef ENGRAM_TYPES_LIST_H
#define ENGRAM_TYPES_LIST_H

#include "structs/quicklist.h"
#include "types/value.h"

enum { LIST_SCRATCH_BYTES = LISTPACK_SCRATCH_BYTES };

enum list_end { LIST_HEAD, LIST_TAIL };

/* Pushes each item in turn; the last comes to lie outermost. *e may be replaced,
 * also on an error; then the list is as it was. */
STATUS_CHECKED enum status list_push(const struct entry_memory *m,
                                     const struct value_limits *l,
                                     struct entry **e, enum list_end end,
                                     const struct slice *items, size_t count);

/* The outermost element of a list that has any, and its removal. As list_text
 * and list_delete have it. */
struct slice list_end_text(const struct entry *e, enum list_end end,
                           char scratch[LIST_SCRATCH_BYTES]);
void list_pop(const struct entry_memory *m, const struct value_limits *l,
              struct entry **e, enum list_end end);

/* An element's place, good until the list is changed. */
struct list_at {
    const struct entry *list;
    uint32_t pos; /* in a listpack */
    struct quicklist_at big;
    uint64_t index;
};

/* 0 is the first, -1 the last; false: there is no such element. */
bool list_seek(const struct entry *e, int64_t index, struct list_at *at);
/* One step towards an end; false: there was none. */
bool list_step(struct list_at *at, enum list_end towards);
/* The element; an integer's text is written to `scratch`. Valid until the list
 * is changed, or until this thread goes on to a place in whatever list. */
struct slice list_text(const struct list_at *at,
                       char scratch[LIST_SCRATCH_BYTES]);
/* Looks from `at` on, itself included, at `max` elements and maybe some more;
 * false: not found, and `at` is no place. */
bool list_find(struct list_at *at, struct slice text, enum list_end towards,
               uint64_t max);

/* Figures of a list that is no listpack; false: it is one. Walks through its
 * chunks. */
bool list_figures_read(const struct entry *e, struct quicklist_figures *out);

/* *e may be replaced, `at` is no place afterwards. */
STATUS_CHECKED enum status list_insert(const struct entry_memory *m,
                                       const struct value_limits *l,
                                       struct entry **e, struct list_at *at,
                                       bool is_after, struct slice item);
STATUS_CHECKED enum status list_replace(const struct entry_memory *m,
                                        const struct value_limits *l,
                                        struct entry **e, struct list_at *at,
                                        struct slice item);
/* Removes up to `count` elements from `index` on, which reach to an end of the
 * list or to an element that was just pushed there. *e may be replaced. When
 * they are many, *removed is a value that nothing leads to any more, to be freed
 * by its destroy_some; else NULL. */
void list_delete(const struct entry_memory *m, const struct value_limits *l,
                 struct entry **e, uint64_t index, uint64_t count,
                 struct value **removed);
/* Removes up to `max` elements equal to `text`, looking from the end away from
 * `towards`; *gone: how many, also on an error: a list with a
 * list-compress-depth may lack memory midway. *e may be replaced. */
STATUS_CHECKED enum status
list_remove_equal(const struct entry_memory *m, const struct value_limits *l,
                  struct entry **e, struct slice text, uint64_t max,
                  enum list_end towards, uint64_t *gone);

#endif
