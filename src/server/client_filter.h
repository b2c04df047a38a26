/* client_filter: which sessions CLIENT LIST and CLIENT KILL are about: options
 * with their values, all of which must fit.
 * Threads: one tour's. */
#ifndef ENGRAM_SERVER_CLIENT_FILTER_H
#define ENGRAM_SERVER_CLIENT_FILTER_H

#include "server/connection.h"

/* The classes of client-output-buffer-limit, and two more. */
enum {
    CLIENT_TYPE_PRIMARY = CLIENT_CLASS_COUNT, /* nobody is yet */
    CLIENT_TYPE_ANY,
};

struct client_filter {
    int type; /* enum client_class, or one of the above */
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

#endif
