/* link: how to reach a server, from the options to libengram's. */
#ifndef BENCH_LINK_H
#define BENCH_LINK_H

#include <stdbool.h>

#include "bench/race.h"

/* The server of the options. Its texts are borrowed from them, but for what
 * link_deinit frees. */
void link_init(struct server *s, const struct options *o);
/* The second server: host:port, a path or a URI; all else as the first. False:
 * it is none of these. */
bool link_init_compared(struct server *s, const struct options *o);
void link_deinit(struct server *s);

#endif
