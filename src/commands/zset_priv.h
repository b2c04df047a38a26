/* zset_priv: what the files of the sorted-set family share. */
#ifndef ENGRAM_COMMANDS_ZSET_PRIV_H
#define ENGRAM_COMMANDS_ZSET_PRIV_H

#include "exec/cmd.h"
#include "types/zset.h"

/* ---- zset.c ---- */

/* The sorted set at the first key, to be read: false if a wrong type was replied;
 * NULL: no such key. */
bool zset_read(struct cmd_ctx *c, const struct entry **e);

/* Elements on their way into a reply. */
struct zset_writer {
    struct reply *reply;
    bool with_scores;
};
/* The array of `count` elements that follow: in RESP3 an element with its score
 * is an array of its own. */
void zset_write_count(const struct zset_writer *w, size_t count);
/* A zset_visit_fn; `writer` is a struct zset_writer. */
bool zset_write_element(void *writer, struct slice member, double score);

/* Removes elements from the set that is open, and closes it. A set of which
 * nothing would be left is deleted as it is, and so freed in the background. */
void zset_cut_out(struct cmd_ctx *c, const struct key *k,
                  struct keyspace_edit *edit, size_t first, size_t count,
                  const char *event);

/* ---- their own files ---- */

cmd_run_fn zset_zadd_run, zset_zincrby_run;
cmd_run_fn zset_zrange_run, zset_zrangebylex_run, zset_zrangebyscore_run,
    zset_zrevrange_run, zset_zrevrangebylex_run, zset_zrevrangebyscore_run,
    zset_zrangestore_run, zset_zcount_run, zset_zlexcount_run,
    zset_zremrangebyrank_run, zset_zremrangebyscore_run,
    zset_zremrangebylex_run;
cmd_run_fn zset_zpopmin_run, zset_zpopmax_run, zset_zmpop_run,
    zset_bzpopmin_run, zset_bzpopmax_run, zset_bzmpop_run;
cmd_run_fn zset_zunion_run, zset_zinter_run, zset_zdiff_run,
    zset_zunionstore_run, zset_zinterstore_run, zset_zdiffstore_run,
    zset_zintercard_run;

#endif
