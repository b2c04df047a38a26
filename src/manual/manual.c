/* manual: the groups by name. */
#include "manual/manual_priv.h"

const struct cmd_docs_group manual_groups[] = {
    {"string", string_docs},
    {"bitmap", bitmap_docs},
    {"generic", generic_docs},
    {"connection", connection_docs},
    {"server", server_docs},
    {"list", list_docs},
    {"hash", hash_docs},
    {"set", set_docs},
    {"sorted-set", sorted_set_docs},
    {"transactions", transactions_docs},
    {"pubsub", pubsub_docs},
    {"scripting", scripting_docs},
    {"stream", stream_docs},
    {"geo", geo_docs},
    {"hyperloglog", hyperloglog_docs},
    {"cluster", cluster_docs},
    {NULL, NULL},
};
