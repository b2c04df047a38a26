/* plan: commands from templates, and which tests there are.
 *
 * A template is a line of words. __rand_int__ stands for digits if -r is given,
 * {tag} for a slot's tag in a cluster (and is left out, with the colon before
 * it, where there is none), __value__ for a value. */
#include "bench/plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bench/memory.h"

static const char digits_text[] = "__rand_int__";
static const char tag_text[] = "{tag}";
static const char value_text[] = "__value__";

static_assert(sizeof digits_text - 1 == KEY_DIGITS, "they are written over it");
static_assert(sizeof tag_text - 1 == TAG_BYTES + 2, "they are written over it");

enum { TITLE_WORDS_MAX = 32, WORD_BYTES_MAX = 64 };

struct test {
    const char *name;  /* for -t */
    const char *group; /* also for -t; NULL: none */
    const char *title;
    const char *words;
    int times; /* how often the words behind the first are said */
    bool is_inline;
};

#define KEY "key:{tag}:__rand_int__"
#define ELEMENT "element:__rand_int__"

static const struct test tests[] = {
    {"ping_inline", "ping", "PING_INLINE", "PING", 1, true},
    {"ping_mbulk", "ping", "PING_MBULK", "PING", 1, false},
    {"set", NULL, "SET", "SET " KEY " __value__", 1, false},
    {"get", NULL, "GET", "GET " KEY, 1, false},
    {"incr", NULL, "INCR", "INCR counter:{tag}:__rand_int__", 1, false},
    {"lpush", NULL, "LPUSH", "LPUSH mylist:{tag} __value__", 1, false},
    {"rpush", NULL, "RPUSH", "RPUSH mylist:{tag} __value__", 1, false},
    {"lpop", NULL, "LPOP", "LPOP mylist:{tag}", 1, false},
    {"rpop", NULL, "RPOP", "RPOP mylist:{tag}", 1, false},
    {"sadd", NULL, "SADD", "SADD myset:{tag} " ELEMENT, 1, false},
    {"hset", NULL, "HSET", "HSET myhash:{tag} " ELEMENT " __value__", 1, false},
    {"spop", NULL, "SPOP", "SPOP myset:{tag}", 1, false},
    {"zadd", NULL, "ZADD", "ZADD myzset:{tag} __rand_int__ " ELEMENT, 1, false},
    {"zpopmin", NULL, "ZPOPMIN", "ZPOPMIN myzset:{tag}", 1, false},
    {NULL, "lrange", "LPUSH (needed to benchmark LRANGE)",
     "LPUSH mylist:{tag} __value__", 1, false},
    {"lrange_100", "lrange", "LRANGE_100 (first 100 elements)",
     "LRANGE mylist:{tag} 0 99", 1, false},
    {"lrange_300", "lrange", "LRANGE_300 (first 300 elements)",
     "LRANGE mylist:{tag} 0 299", 1, false},
    {"lrange_500", "lrange", "LRANGE_500 (first 500 elements)",
     "LRANGE mylist:{tag} 0 499", 1, false},
    {"lrange_600", "lrange", "LRANGE_600 (first 600 elements)",
     "LRANGE mylist:{tag} 0 599", 1, false},
    {"mset", NULL, "MSET (10 keys)", "MSET " KEY " __value__", 10, false},
    {"xadd", NULL, "XADD", "XADD mystream:{tag} * myfield __value__", 1, false},
};

enum { TEST_COUNT = sizeof tests / sizeof tests[0] };

/* ---- commands ---- */

static size_t note_spots(const char *word, const char *text, size_t arg,
                         size_t skip, struct spot **spots, size_t count)
{
    for (const char *p = word; (p = strstr(p, text)) != NULL;
         p += strlen(text)) {
        *spots = memory_grow(*spots, count + 1, sizeof **spots);
        (*spots)[count++] = (struct spot){arg, (size_t)(p - word) + skip};
    }
    return count;
}

/* Appends an argument of `len` bytes, which may hold NULs; spots behind one are
 * not looked for. */
static void add(struct command *c, const struct options *o, const char *word,
                size_t len)
{
    size_t arg = c->argc++;
    c->argv = memory_grow(c->argv, c->argc, sizeof(char *));
    c->lens = memory_grow(c->lens, c->argc, sizeof(size_t));
    c->argv[arg] = memory_text(word, len);
    c->lens[arg] = len;
    if (o->key_range > 0) {
        c->digits_count = note_spots(c->argv[arg], digits_text, arg, 0,
                                     &c->digits, c->digits_count);
    }
    if (o->is_cluster) {
        c->tag_count = note_spots(c->argv[arg], tag_text, arg, 1, &c->tags,
                                  c->tag_count);
    }
}

static void add_value(struct command *c)
{
    size_t arg = c->argc++;
    c->argv = memory_grow(c->argv, c->argc, sizeof(char *));
    c->lens = memory_grow(c->lens, c->argc, sizeof(size_t));
    c->argv[arg] = NULL;
    c->lens[arg] = 0;
    c->values = memory_grow(c->values, c->value_count + 1, sizeof(size_t));
    c->values[c->value_count++] = arg;
}

/* A word of a template, of `len` bytes. */
static void add_word(struct command *c, const struct options *o,
                     const char *word, size_t len)
{
    char text[WORD_BYTES_MAX];
    assert(len < sizeof text);
    memcpy(text, word, len);
    text[len] = '\0';
    char *tag = strstr(text, tag_text);
    if (tag != NULL && !o->is_cluster) {
        memmove(tag - 1, tag + sizeof tag_text - 1,
                strlen(tag + sizeof tag_text - 1) + 1);
    }
    if (strcmp(text, value_text) == 0) {
        add_value(c);
    } else if (strcmp(text, digits_text) == 0 && o->key_range == 0) {
        add(c, o, "0", 1); /* a score must be a number */
    } else {
        add(c, o, text, strlen(text));
    }
}

static void init_from_words(struct command *c, const struct options *o,
                            const char *words, int times)
{
    size_t first = strcspn(words, " ");
    *c = (struct command){.argc = 0};
    add_word(c, o, words, first);
    for (int i = 0; i < times; i++) {
        for (const char *p = words + first; *p != '\0';) {
            p++;
            size_t len = strcspn(p, " ");
            add_word(c, o, p, len);
            p += len;
        }
    }
}

void command_copy(struct command *to, const struct command *from)
{
    *to = *from;
    to->argv = memory_zeroed(from->argc, sizeof(char *));
    to->lens = memory_zeroed(from->argc, sizeof(size_t));
    for (size_t i = 0; i < from->argc; i++) {
        to->lens[i] = from->lens[i];
        if (from->argv[i] != NULL) {
            to->argv[i] = memory_text(from->argv[i], from->lens[i]);
        }
    }
    to->digits = memory_zeroed(from->digits_count, sizeof to->digits[0]);
    to->tags = memory_zeroed(from->tag_count, sizeof to->tags[0]);
    to->values = memory_zeroed(from->value_count, sizeof to->values[0]);
    for (size_t i = 0; i < from->digits_count; i++) {
        to->digits[i] = from->digits[i];
    }
    for (size_t i = 0; i < from->tag_count; i++) {
        to->tags[i] = from->tags[i];
    }
    for (size_t i = 0; i < from->value_count; i++) {
        to->values[i] = from->values[i];
    }
}

void command_deinit(struct command *c)
{
    for (size_t i = 0; i < c->argc; i++) {
        bool is_value = false;
        for (size_t v = 0; v < c->value_count; v++) {
            is_value = is_value || c->values[v] == i;
        }
        /* Values are borrowed while a request is put together. */
        free(is_value ? NULL : c->argv[i]);
    }
    free(c->argv);
    free(c->lens);
    free(c->digits);
    free(c->tags);
    free(c->values);
    *c = (struct command){.argc = 0};
}

/* ---- which tests ---- */

struct list {
    struct plan *plans;
    size_t count;
};

static struct plan *append(struct list *l, const struct options *o,
                           const char *title)
{
    l->plans = memory_grow(l->plans, l->count + 1, sizeof l->plans[0]);
    struct plan *p = &l->plans[l->count++];
    *p = (struct plan){.title = memory_text(title, strlen(title)),
                       .command_count = 1,
                       .weights = {1},
                       .key_order = o->key_order};
    return p;
}

static bool same(const char *name, const char *text, size_t len)
{
    return name != NULL && strlen(name) == len
           && strncasecmp(name, text, len) == 0;
}

/* The list needs its elements where any of lrange's tests is wanted. */
static bool is_named(const struct test *t, const char *text, size_t len)
{
    if (t->name == NULL) {
        return len >= strlen(t->group)
               && strncasecmp(t->group, text, strlen(t->group)) == 0;
    }
    return same(t->name, text, len) || same(t->group, text, len);
}

static bool is_wanted(const struct test *t, const char *wanted)
{
    if (wanted == NULL) {
        return true;
    }
    for (const char *p = wanted;; p++) {
        size_t len = strcspn(p, ",");
        if (is_named(t, p, len)) {
            return true;
        }
        p += len;
        if (*p == '\0') {
            return false;
        }
    }
}

static void warn_of_unknown(const char *wanted, FILE *err)
{
    for (const char *p = wanted;; p++) {
        size_t len = strcspn(p, ",");
        bool is_known = len == 0;
        for (size_t i = 0; i < TEST_COUNT; i++) {
            is_known = is_known
                       || (tests[i].name != NULL
                           && is_named(&tests[i], p, len));
        }
        if (!is_known) {
            fprintf(err, "engram-benchmark: -t: there is no test %.*s\n",
                    (int)len, p);
        }
        p += len;
        if (*p == '\0') {
            return;
        }
    }
}

static void append_tests(struct list *l, const struct options *o, FILE *err)
{
    if (o->tests != NULL) {
        warn_of_unknown(o->tests, err);
    }
    for (size_t i = 0; i < TEST_COUNT; i++) {
        if (is_wanted(&tests[i], o->tests)) {
            struct plan *p = append(l, o, tests[i].title);
            init_from_words(&p->commands[0], o, tests[i].words, tests[i].times);
            p->commands[0].is_inline = tests[i].is_inline;
        }
    }
}

/* GETs and SETs. */
static struct plan *append_mixed(struct list *l, const struct options *o,
                                 const char *title, int64_t reads,
                                 int64_t writes)
{
    struct plan *p = append(l, o, title);
    p->command_count = 2;
    init_from_words(&p->commands[PLAN_READ], o, "GET " KEY, 1);
    init_from_words(&p->commands[PLAN_WRITE], o, "SET " KEY " __value__", 1);
    p->weights[PLAN_READ] = reads;
    p->weights[PLAN_WRITE] = writes;
    return p;
}

static void append_ratio(struct list *l, const struct options *o)
{
    char title[WORD_BYTES_MAX];
    bool is_given = o->reads + o->writes > 0;
    if (is_given) {
        (void)snprintf(title, sizeof title, "MIXED (GET:SET %lld:%lld)",
                       (long long)o->reads, (long long)o->writes);
    }
    struct plan *p = append_mixed(l, o, is_given ? title : "VERIFY (GET)",
                                  is_given ? o->reads : 1, o->writes);
    p->is_verified = o->has_verify;
}

static void append_every_key(struct list *l, const struct options *o,
                             const char *title, int64_t reads, int64_t writes)
{
    struct plan *p = append_mixed(l, o, title, reads, writes);
    p->is_verified = true;
    p->key_order = KEYS_SEQUENTIAL;
    p->requests = (uint64_t)o->key_range;
}

/* The last argument of -x, to its last byte. */
static char *read_stdin(size_t *len)
{
    enum { PIECE_BYTES = 64 * 1024 };
    char *text = NULL;
    size_t n;
    *len = 0;
    do {
        text = memory_grow(text, *len + PIECE_BYTES, 1);
        n = fread(text + *len, 1, PIECE_BYTES, stdin);
        *len += n;
    } while (n > 0);
    return text;
}

static void append_own(struct list *l, const struct options *o)
{
    size_t len = 1;
    for (int i = 0; i < o->argc; i++) {
        len += strlen(o->argv[i]) + 1;
    }
    char *title = memory_zeroed(len, 1);
    struct plan *p = append(l, o, "");
    for (int i = 0; i < o->argc; i++) {
        strcat(strcat(title, i == 0 ? "" : " "), o->argv[i]);
        add(&p->commands[0], o, o->argv[i], strlen(o->argv[i]));
    }
    free(p->title);
    p->title = title;
    if (o->takes_stdin) {
        char *last = read_stdin(&len);
        add(&p->commands[0], o, last, len);
        free(last);
    }
}

struct plan *plans_create(const struct options *o, FILE *err, size_t *count)
{
    struct list l = {NULL, 0};
    if (o->argc > 0) {
        append_own(&l, o);
    } else if (o->has_verify) {
        append_every_key(&l, o, "FILL (SET, every key)", 0, 1);
        append_ratio(&l, o);
        append_every_key(&l, o, "READ BACK (GET, every key)", 1, 0);
    } else if (o->reads + o->writes > 0) {
        append_ratio(&l, o);
    } else {
        append_tests(&l, o, err);
    }
    *count = l.count;
    return l.plans;
}

void plans_destroy(struct plan **plans, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < PLAN_COMMANDS_MAX; k++) {
            command_deinit(&(*plans)[i].commands[k]);
        }
        free((*plans)[i].title);
    }
    free(*plans);
    *plans = NULL;
}
