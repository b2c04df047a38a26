/* memory_figures: the sums. What the allocator holds and what the pages hold
 * stand side by side in the system's books; to who asks they are one. */
#include "server/memory_figures.h"

void shard_figures_add(struct shard_figures *f, struct store *s,
                       uint32_t shard)
{
    for (uint32_t db = 0; db < store_database_count(s); db++) {
        struct keyspace *ks = store_keyspace(s, shard, db);
        if (ks != NULL) {
            f->table_bytes += keyspace_table_bytes(ks);
            f->expiry_bytes += keyspace_expiry_bytes(ks);
        }
    }
}

static size_t sessions_bytes(const struct server *s)
{
    size_t n = 0;
    for (uint32_t i = 0; i < s->worker_count; i++) {
        n += mem_used(&s->workers[i].account);
    }
    return n;
}

static double percent(size_t part, size_t whole)
{
    return whole == 0 ? 0 : (double)part * 100 / (double)whole;
}

void memory_figures_read(struct server *s, const struct shard_figures *shards,
                         struct memory_figures *out)
{
    struct mem_stats m;
    struct pages_stats pages;
    struct store_stats st;
    size_t used = server_used_memory(s);
    size_t peak = (size_t)server_used_memory_peak(s);
    size_t clients = sessions_bytes(s), overhead, net;
    mem_stats_read(&m);
    pages_stats_read(s->pages, &pages);
    store_stats_read(s->store, &st);
    /* What a worker has before any session comes is part of the start. */
    clients -= clients < s->startup_clients_bytes ? clients
                                                  : s->startup_clients_bytes;
    overhead = s->startup_bytes + clients + shards->table_bytes
               + shards->expiry_bytes;
    overhead = overhead < used ? overhead : used;
    net = used > s->startup_bytes ? used - s->startup_bytes : 1;
    *out = (struct memory_figures){
        .used = used, .peak = used > peak ? used : peak,
        .startup = s->startup_bytes, .clients = clients, .overhead = overhead,
        .dataset = used - overhead, .reclaim_bytes = st.reclaim_bytes,
        .allocated = used, .active = m.active + pages.used_bytes,
        .resident = m.resident + pages.resident_bytes, .rss = m.rss,
    };
    out->active = out->active < used ? used : out->active;
    out->resident = out->resident < out->active ? out->active : out->resident;
    out->dataset_percent = percent(out->dataset, net);
    out->dataset_percent = out->dataset_percent > 100 ? 100
                                                      : out->dataset_percent;
    out->peak_percent = percent(used, out->peak);
}
