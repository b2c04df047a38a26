/* info_memory: INFO memory and keyspace: bytes and keys. */
#include <unistd.h>

#include "server/info_priv.h"

static double ratio(size_t a, size_t b)
{
    return b == 0 ? 0 : (double)a / (double)b;
}

static void add_ratio(struct text *t, const char *name, size_t a, size_t b)
{
    text_add(t, "%s_ratio:%.2f\r\n%s_bytes:%" PRId64 "\r\n", name, ratio(a, b),
             name, (int64_t)a - (int64_t)b);
}

static void add_used(struct text *t, const struct memory_figures *m)
{
    info_bytes(t, "used_memory", m->used);
    info_bytes(t, "used_memory_rss", m->rss);
    info_bytes(t, "used_memory_peak", m->peak);
    text_add(t, "used_memory_peak_perc:%.2f%%\r\n", m->peak_percent);
    info_number(t, "used_memory_overhead", m->overhead);
    info_number(t, "used_memory_startup", m->startup);
    info_number(t, "used_memory_dataset", m->dataset);
    text_add(t, "used_memory_dataset_perc:%.2f%%\r\n", m->dataset_percent);
    info_number(t, "allocator_allocated", m->allocated);
    info_number(t, "allocator_active", m->active);
    info_number(t, "allocator_resident", m->resident);
    info_number(t, "allocator_muzzy", 0);
    info_bytes(t, "total_system_memory",
               (uint64_t)sysconf(_SC_PHYS_PAGES)
                   * (uint64_t)sysconf(_SC_PAGESIZE));
}

/* There are no scripts and no functions. */
static void add_scripts(struct text *t)
{
    static const char *const zeros[] = {
        "used_memory_scripts_eval", "number_of_cached_scripts",
        "number_of_functions", "number_of_libraries",
        "used_memory_vm_functions", NULL,
    };
    info_bytes(t, "used_memory_lua", 0);
    info_number(t, "used_memory_vm_eval", 0);
    info_zeros(t, zeros);
    info_bytes(t, "used_memory_vm_total", 0);
    info_number(t, "used_memory_functions", 0);
    info_bytes(t, "used_memory_scripts", 0);
}

static void add_limit(struct info *in)
{
    struct server *s = in->server;
    char policy[64];
    const struct option *row = option_find(SLICE_LIT("maxmemory-policy"));
    lock_acquire(&s->config_lock);
    (void)options_get_row(&s->options, row, policy, sizeof policy);
    lock_release(&s->config_lock);
    info_bytes(&in->text, "maxmemory",
               atomic_load_explicit(&s->memory_limit, memory_order_relaxed));
    text_add(&in->text, "maxmemory_policy:%s\r\n", policy);
}

void info_memory(struct info *in)
{
    static const char *const zeros[] = {
        "mem_not_counted_for_evict", "mem_replication_backlog",
        "mem_total_replication_buffers", "mem_clients_slaves", NULL,
    };
    struct text *t = &in->text;
    struct memory_figures m;
    memory_figures_read(in->server, &in->shards, &m);
    add_used(t, &m);
    add_scripts(t);
    add_limit(in);
    add_ratio(t, "allocator_frag", m.active, m.allocated);
    add_ratio(t, "allocator_rss", m.resident, m.active);
    add_ratio(t, "rss_overhead", m.rss, m.resident);
    add_ratio(t, "mem_fragmentation", m.rss, m.used);
    info_zeros(t, zeros);
    info_number(t, "mem_clients_normal", m.clients);
    text_add(t, "mem_cluster_links:0\r\nmem_aof_buffer:0\r\n"
                "mem_allocator:%s\r\n", mem_allocator_name());
    /* A table never has a second one beside it. */
    text_add(t, "mem_overhead_db_hashtable_rehashing:0\r\n"
                "active_defrag_running:0\r\n");
    info_number(t, "lazyfree_pending_objects",
                store_reclaim_pending(in->server->store));
    info_number(t, "lazyfreed_objects", 0);
    info_number(t, "lazyfree_pending_bytes", m.reclaim_bytes);
}

void info_keyspace(struct info *in)
{
    struct store *store = in->server->store;
    for (uint32_t i = 0; i < store_database_count(store); i++) {
        size_t keys = store_database_size(store, i);
        if (keys > 0) {
            text_add(&in->text,
                     "db%u:keys=%zu,expires=%zu,avg_ttl=%" PRId64
                     ",subexpiry=%zu\r\n", i,
                     keys, store_database_deadlines(store, i),
                     store_database_ttl_average_ms(store, i, in->now_ms),
                     store_database_dues(store, i));
        }
    }
}
