/* client_filter: which sessions CLIENT LIST and CLIENT KILL are about: options
 * with their values, all of which must fit.
 * Threads: one tour's. */
#ifndef ENGRAM_SERVER_CLIENT_FILTER_H
#define ENGRAM_SERVER_CLIENT_FILTER_H

#include "server/connection.h"

enum client_type {
    CLIENT_NORMAL, CLIENT_PRIMARY, CLIENT_REPLICA, CLIENT_PUBSUB,
    CLIENT_ANY_TYPE,
};

struct client_filter {
    enum client_type type;
    char *address, *local_address; /* NULL: any; owned */
    uint64_t *ids;                 /* ascending; NULL: any; owned */
    size_t id_count;
    int64_t age_s_min; /* 0: any */
    uint64_t but_id;   /* not this one; 0: none */
    struct mem_account *account;
};

/* Reads argv[from ..]. False: replied, nothing is owned. */
bool client_filter_parse(struct cmd_ctx *c, uint32_t from, bool skips_me,
                         struct client_filter *f);
void client_filter_deinit(struct client_filter *f);
/* `now_ms` is monotonic. */
bool client_filter_fits(const struct client_filter *f, struct connection *c,
                        int64_t now_ms);

enum client_type client_type_of(const struct connection *c);

#endif
