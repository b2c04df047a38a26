/* table: a perfect hash over command names. A name's hash is made of its length
 * and its first and last eight bytes, letters folded by setting bit 5; a seed is
 * searched at start under which no two names share a place. A name of letters
 * only, sixteen at most, is told by these bytes and its length alone, so a
 * look-up of one touches one place and compares two words.
 *
 * A renamed command loses its place; its new name stands in a list that is gone
 * through when the places know no command.
 *
 * Memory: one array of commands (containers' subcommands follow at its end), one
 * of places, one of new names. Read-only once shared. */
#include "exec/table.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "exec/exec_priv.h"

enum {
    PLACES_MIN = 256,
    PLACES_MAX = 1 << 20,
    SEEDS_A_SIZE = 4096, /* tried before the places are doubled */
    TOLD_LEN_MAX = 16,
};

/* A name's first and last bytes, letters folded. */
struct name_words {
    uint64_t first, last;
};

struct place {
    struct name_words words;
    uint32_t len; /* PLACE_FREE: nobody's */
    uint16_t command;
    bool is_told; /* by words and len alone */
};
#define PLACE_FREE UINT32_MAX

struct new_name {
    uint8_t *name; /* owned, NUL-terminated; NULL: it answers to none */
    uint16_t command;
};

struct cmd_table {
    struct mem_account *account;
    struct cmd *cmds; /* top-level first, by name; then subcommands */
    uint32_t top_count, total_count;
    struct place *places;
    uint32_t place_mask;
    uint64_t seed;
    struct new_name *new_names;
    uint32_t new_name_count;
};

static inline struct name_words words_of(struct slice name)
{
    const uint64_t fold = 0x2020202020202020u;
    const uint8_t *p = name.data;
    size_t len = name.len;
    uint64_t first, last;
    if (len >= 8) {
        first = slice_load(p, 8);
        last = slice_load(p + len - 8, 8);
    } else if (len >= 4) {
        first = slice_load(p, 4);
        last = slice_load(p + len - 4, 4);
    } else {
        first = len > 0 ? p[0] : 0;
        last = len > 0 ? (uint64_t)p[len / 2] << 8 | p[len - 1] : 0;
    }
    return (struct name_words){first | fold, last | fold};
}

static inline uint32_t hash_of(const struct name_words *w, size_t len,
                               uint64_t seed)
{
    /* Both halves of the product: in the lower one alone, names that differ in
     * their last letters only would fall together under every seed. */
    unsigned __int128 h = (unsigned __int128)(w->first ^ seed)
                          * ((w->last + len) ^ 0xbf58476d1ce4e5b9u);
    return (uint32_t)(h >> 64) ^ (uint32_t)h;
}

/* Folding maps onto letters nothing but letters. */
static bool is_told_by_words(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] < 'a' || name.data[i] > 'z') {
            return false;
        }
    }
    return name.len <= TOLD_LEN_MAX;
}

static uint32_t count_rows(const struct cmd_spec *row)
{
    uint32_t n = 0;
    for (; row != NULL && row->name != NULL; row++) {
        n++;
    }
    return n;
}

static int by_name(const void *a, const void *b)
{
    const struct cmd *x = a, *y = b;
    return strcmp(x->spec->name, y->spec->name);
}

/* Categories that follow from the flags. */
static uint32_t all_categories(const struct cmd_spec *spec)
{
    uint32_t c = spec->categories;
    c |= (spec->flags & CMD_WRITE) ? CAT_WRITE : 0;
    c |= (spec->flags & CMD_READONLY) && !(c & CAT_SCRIPTING) ? CAT_READ : 0;
    c |= (spec->flags & CMD_ADMIN) ? CAT_ADMIN | CAT_DANGEROUS : 0;
    c |= (spec->flags & CMD_PUBSUB) ? CAT_PUBSUB : 0;
    c |= (spec->flags & CMD_BLOCKING) ? CAT_BLOCKING : 0;
    c |= (spec->flags & CMD_FAST) ? CAT_FAST : CAT_SLOW;
    return c;
}

static void fill(struct cmd *cmd, const struct cmd_spec *spec,
                 const struct cmd *parent)
{
    static const struct cmd_docs no_docs = {
        .summary = "", .since = "",
    };
    *cmd = (struct cmd){
        .spec = spec, .parent = parent, .docs = &no_docs, .group = "",
    };
    cmd->flags = spec->flags | (spec->walk != NULL ? CMD_WALKS : 0);
    const struct cmd_keys *k = &spec->keys;
    cmd->key_at = k->kind == KEYS_KIND_RANGE && k->first == k->last
                      ? (uint32_t)k->first : 0;
    cmd->categories = all_categories(spec);
    snprintf(cmd->full_name, sizeof cmd->full_name, "%s%s%s",
             parent != NULL ? parent->spec->name : "",
             parent != NULL ? "|" : "", spec->name);
}

static void fill_all(struct cmd_table *t, const struct cmd_spec *const *families)
{
    uint32_t n = 0;
    for (; *families != NULL; families++) {
        for (const struct cmd_spec *row = *families; row->name != NULL; row++) {
            fill(&t->cmds[n++], row, NULL);
        }
    }
    assert(n == t->top_count);
    qsort(t->cmds, n, sizeof *t->cmds, by_name);
    for (uint32_t i = 0; i < t->top_count; i++) {
        struct cmd *c = &t->cmds[i];
        const struct cmd_spec *row = c->spec->subcommands;
        c->subs = &t->cmds[n];
        for (; row != NULL && row->name != NULL; row++) {
            fill(&t->cmds[n++], row, c);
            c->sub_count++;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        t->cmds[i].index = i;
    }
}

static bool try_seed(struct cmd_table *t, uint64_t seed)
{
    for (uint32_t i = 0; i <= t->place_mask; i++) {
        t->places[i] = (struct place){.len = PLACE_FREE};
    }
    for (uint32_t i = 0; i < t->top_count; i++) {
        struct slice name = slice_of_text(t->cmds[i].spec->name);
        struct name_words words = words_of(name);
        struct place *p = &t->places[hash_of(&words, name.len, seed)
                                     & t->place_mask];
        if (p->len != PLACE_FREE) {
            return false;
        }
        *p = (struct place){words, (uint32_t)name.len, (uint16_t)i,
                            is_told_by_words(name)};
    }
    t->seed = seed;
    return true;
}

static bool find_seed(struct cmd_table *t)
{
    for (uint32_t places = PLACES_MIN;; places *= 2) {
        assert(places <= PLACES_MAX); /* else two have one name */
        struct place *p = mem_realloc(t->account, t->places,
                                      places * sizeof *p);
        if (p == NULL) {
            return false;
        }
        t->places = p;
        t->place_mask = places - 1;
        for (uint64_t seed = 1; seed <= SEEDS_A_SIZE; seed++) {
            if (try_seed(t, seed * 0xd6e8feb86659fd93u)) {
                return true;
            }
        }
    }
}

struct cmd_table *cmd_table_create(struct mem_account *a,
                                   const struct cmd_spec *const *families)
{
    struct cmd_table *t = mem_alloc_zeroed(a, sizeof *t);
    if (t == NULL) {
        return NULL;
    }
    t->account = a;
    for (const struct cmd_spec *const *f = families; *f != NULL; f++) {
        t->top_count += count_rows(*f);
        for (const struct cmd_spec *row = *f; row->name != NULL; row++) {
            t->total_count += 1 + count_rows(row->subcommands);
        }
    }
    assert(t->total_count <= UINT16_MAX);
    t->cmds = mem_alloc(a, t->total_count * sizeof *t->cmds);
    if (t->cmds == NULL) {
        cmd_table_destroy(&t);
        return NULL;
    }
    fill_all(t, families);
    if (!find_seed(t)) {
        cmd_table_destroy(&t);
    }
    return t;
}

void cmd_table_destroy(struct cmd_table **table)
{
    struct cmd_table *t = *table;
    if (t != NULL) {
        for (uint32_t i = 0; i < t->new_name_count; i++) {
            mem_free(t->account, t->new_names[i].name);
        }
        mem_free(t->account, t->new_names);
        mem_free(t->account, t->places);
        mem_free(t->account, t->cmds);
        mem_free(t->account, t);
        *table = NULL;
    }
}

/* NULL: none is called so by a new name. */
static struct new_name *find_new_name(const struct cmd_table *t,
                                      struct slice name)
{
    for (uint32_t i = 0; i < t->new_name_count; i++) {
        struct new_name *n = &t->new_names[i];
        if (n->name != NULL && slice_equal_nocase(name, (char *)n->name)) {
            return n;
        }
    }
    return NULL;
}

static RARE const struct cmd *find_renamed(const struct cmd_table *t,
                                           struct slice name)
{
    const struct new_name *n = find_new_name(t, name);
    return n == NULL ? NULL : &t->cmds[n->command];
}

const struct cmd *cmd_table_find(const struct cmd_table *t, struct slice name)
{
    struct name_words words = words_of(name);
    const struct place *p = &t->places[hash_of(&words, name.len, t->seed)
                                       & t->place_mask];
    const struct cmd *c = &t->cmds[p->command];
    if (p->len == name.len && p->words.first == words.first
        && p->words.last == words.last
        && (p->is_told || slice_equal_nocase(name, c->spec->name))) {
        return c;
    }
    return find_renamed(t, name);
}

/* A list item for the command, which loses its place among the names. NULL: out
 * of memory. */
static struct new_name *leave_place(struct cmd_table *t, uint16_t command)
{
    size_t bytes = (t->new_name_count + 1) * sizeof *t->new_names;
    struct new_name *list = mem_realloc(t->account, t->new_names, bytes);
    if (list == NULL) {
        return NULL;
    }
    t->new_names = list;
    for (uint32_t i = 0; i <= t->place_mask; i++) {
        if (t->places[i].command == command) {
            t->places[i] = (struct place){.len = PLACE_FREE};
        }
    }
    list = &list[t->new_name_count++];
    *list = (struct new_name){.command = command};
    return list;
}

enum status cmd_table_rename(struct cmd_table *t, struct slice from,
                             struct slice to)
{
    const struct cmd *cmd = cmd_table_find(t, from);
    struct new_name *n;
    uint8_t *name = NULL;
    if (cmd == NULL) {
        return ST_NOT_FOUND;
    }
    if (to.len > 0) {
        if (cmd_table_find(t, to) != NULL
            || memchr(to.data, 0, to.len) != NULL) {
            return ST_INVALID;
        }
        name = mem_alloc(t->account, to.len + 1);
        if (name == NULL) {
            return ST_NOMEM;
        }
        memcpy(name, to.data, to.len);
        name[to.len] = 0;
    }
    n = find_new_name(t, from);
    n = n != NULL ? n : leave_place(t, (uint16_t)cmd->index);
    if (n == NULL) {
        mem_free(t->account, name);
        return ST_NOMEM;
    }
    mem_free(t->account, n->name);
    n->name = name;
    return ST_OK;
}

const struct cmd *cmd_find_sub(const struct cmd *container, struct slice name)
{
    for (uint32_t i = 0; i < container->sub_count; i++) {
        if (slice_equal_nocase(name, container->subs[i].spec->name)) {
            return &container->subs[i];
        }
    }
    return NULL;
}

const struct cmd *cmd_table_find_full(const struct cmd_table *t,
                                      struct slice name)
{
    const uint8_t *bar = name.len > 0 ? memchr(name.data, '|', name.len) : NULL;
    if (bar == NULL) {
        return cmd_table_find(t, name);
    }
    size_t head = (size_t)(bar - name.data);
    const struct cmd *c = cmd_table_find(t, slice_of(name.data, head));
    if (c == NULL) {
        return NULL;
    }
    return cmd_find_sub(c, slice_of(bar + 1, name.len - head - 1));
}

void cmd_table_join_docs(struct cmd_table *t,
                         const struct cmd_docs_group *groups)
{
    for (; groups->name != NULL; groups++) {
        for (const struct cmd_docs *d = groups->docs; d->name != NULL; d++) {
            const struct cmd *found =
                cmd_table_find_full(t, slice_of_text(d->name));
            if (found == NULL) {
                continue;
            }
            struct cmd *c = &t->cmds[found->index];
            c->docs = d;
            c->group = groups->name;
            if (cmd_docs_has_movable_keys(d)) {
                c->flags |= CMD_MOVABLE_KEYS;
            }
        }
    }
}

uint32_t cmd_table_count(const struct cmd_table *t)
{
    return t->top_count;
}

const struct cmd *cmd_table_at(const struct cmd_table *t, uint32_t i)
{
    assert(i < t->top_count);
    return &t->cmds[i];
}

uint32_t cmd_table_total(const struct cmd_table *t)
{
    return t->total_count;
}

const struct cmd *cmd_table_by_index(const struct cmd_table *t, uint32_t i)
{
    assert(i < t->total_count);
    return &t->cmds[i];
}

bool cmd_arity_ok(const struct cmd_spec *spec, uint32_t argc)
{
    int32_t n = (int32_t)argc;
    return spec->arity >= 0 ? n == spec->arity : n >= -spec->arity;
}
