/* measure: what a keyspace's own structures take, for those who look in. */
#include "store/store_priv.h"

size_t keyspace_table_bytes(const struct keyspace *ks)
{
    return table_bytes(ks->table);
}

size_t keyspace_expiry_bytes(const struct keyspace *ks)
{
    return ks->expiry == NULL ? 0 : expiry_bytes(ks->expiry);
}

size_t keyspace_expiry_records(const struct keyspace *ks)
{
    return ks->expiry == NULL ? 0 : expiry_count(ks->expiry);
}

void keyspace_table_stats(const struct keyspace *ks, struct table_stats *out)
{
    table_stats_read(ks->table, out);
}
