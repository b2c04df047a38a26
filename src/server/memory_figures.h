/* memory_figures: what the memory is used for, as INFO memory and MEMORY STATS
 * show it.
 *
 * used_memory is what the accounts say. Of it, the overhead is what is not keys
 * and values: what the server took at its start, the keyspaces' tables and
 * expiry wheels, the sessions. The rest is the dataset. */
#ifndef ENGRAM_SERVER_MEMORY_FIGURES_H
#define ENGRAM_SERVER_MEMORY_FIGURES_H

#include "server/server_priv.h"

/* Of shards visited so far. */
struct shard_figures {
    size_t table_bytes, expiry_bytes;
};

struct memory_figures {
    size_t used, peak, startup, clients, overhead, dataset;
    size_t reclaim_bytes;
    /* of the allocator and the pages beside it */
    size_t allocated, active, resident, rss;
    double dataset_percent, peak_percent;
};

/* Adds the figures of one shard, whose lock is held. */
void shard_figures_add(struct shard_figures *f, struct store *s,
                       uint32_t shard);
/* From a worker inside the gate. */
void memory_figures_read(struct server *s, const struct shard_figures *shards,
                         struct memory_figures *out);

#endif
