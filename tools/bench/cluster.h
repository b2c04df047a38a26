/* cluster: the nodes of a cluster and their slots, and for each slot a tag
 * that belongs to it, so that a key can be made for any node. */
#ifndef BENCH_CLUSTER_H
#define BENCH_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <engram/engram.h>

#include "bench/plan.h"

enum { CLUSTER_SLOTS = 16384 };

struct node {
    char *host;
    int port;
    bool is_replica;
    char *id;
    size_t slot_count;
    uint16_t *slots;
};

struct cluster {
    size_t node_count;
    struct node *nodes;
    char tags[CLUSTER_SLOTS][TAG_BYTES];
};

/* Asks the server behind `link`. False: `why` says what is wrong. */
bool cluster_find(struct cluster *c, const struct engram_options *link,
                  enum cluster_readers readers, char *why, size_t why_size);
void cluster_deinit(struct cluster *c);
void cluster_print(const struct cluster *c, FILE *out);

/* Fills the tags alone. */
void cluster_make_tags(char tags[CLUSTER_SLOTS][TAG_BYTES]);

#endif
