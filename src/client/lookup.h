/* lookup: the addresses of a host's name, found by a thread that ends with the
 * answer, so that the caller's loop goes on meanwhile. */
#ifndef ENGRAM_CLIENT_LOOKUP_H
#define ENGRAM_CLIENT_LOOKUP_H

#include <stdbool.h>

#include "base/mem.h"

struct addrinfo;

/* As getaddrinfo; what it finds is freed by freeaddrinfo. It is called on a
 * thread of its own. */
typedef int lookup_find_fn(const char *host, const char *port,
                           const struct addrinfo *hints,
                           struct addrinfo **found);

/* What an address in digits stands for, at once; as getaddrinfo, EAI_NONAME: it
 * is a name. */
int lookup_digits(const char *host, int port, struct addrinfo **found);

struct lookup;
/* `find` NULL: getaddrinfo. NULL: errno says why. */
struct lookup *lookup_start(struct mem_account *account, lookup_find_fn *find,
                            const char *host, int port);
/* Becomes readable when it is done. */
int lookup_fd(const struct lookup *l);
bool lookup_is_done(const struct lookup *l);
bool lookup_is_for(const struct lookup *l, const char *host, int port);
/* Once it is done, and once: as getaddrinfo. The list is the caller's. */
int lookup_take(struct lookup *l, struct addrinfo **found);
/* Closes the fd, unless the thread is still under way: nobody waits for it, and
 * it does so itself. *l may be NULL. */
void lookup_stop(struct lookup **l);

#endif
