/* version: what the server says it is. Clients and tools ask for Redis's
 * number to know which commands to expect. */
#ifndef ENGRAM_SERVER_VERSION_H
#define ENGRAM_SERVER_VERSION_H

#define SERVER_REDIS_VERSION "7.2.4"
#define SERVER_ENGRAM_VERSION ENGRAM_VERSION /* from the build */

#endif
