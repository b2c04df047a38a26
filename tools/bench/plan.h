/* plan: what a test sends. A command is its arguments with the places where
 * digits, a cluster's tag or a value are put in for each request; a test has
 * one command, or a read and a write of which chance takes one. */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/keys.h"
#include "bench/options.h"

enum {
    KEY_DIGITS = 12, /* what __rand_int__ is replaced by; it has as many */
    TAG_BYTES = 3,   /* between the braces; "tag" has as many */
};

struct spot {
    size_t arg, at;
};

struct command {
    size_t argc;
    char **argv; /* a value's is NULL */
    size_t *lens;
    size_t digits_count, tag_count, value_count;
    struct spot *digits; /* where __rand_int__ stands */
    struct spot *tags;   /* where {tag} stands, behind its brace */
    size_t *values;      /* which arguments are values */
    bool is_inline;
};

enum { PLAN_READ, PLAN_WRITE, PLAN_COMMANDS_MAX };

struct plan {
    char *title;
    size_t command_count;
    /* The read first, where there are two. */
    struct command commands[PLAN_COMMANDS_MAX];
    int64_t weights[PLAN_COMMANDS_MAX];
    /* Values are a function of their key, and what is read is compared. */
    bool is_verified;
    /* Ends the run of this test; 0: the options say when. */
    uint64_t requests;
    enum key_order key_order;
};

/* The plans of all tests that the options ask for; NULL: none is known by that
 * name. What is unknown is said on `err`. */
struct plan *plans_create(const struct options *o, FILE *err, size_t *count);
void plans_destroy(struct plan **plans, size_t count);

void command_copy(struct command *to, const struct command *from);
void command_deinit(struct command *c);

#endif
