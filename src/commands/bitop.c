/* bitop: BITOP. The result is as long as the longest source; shorter ones go on
 * with zeros.
 *
 * The result is computed straight into the destination's bytes, a block at a
 * time, so that 512 MB operands need no third buffer. A block is combined on
 * the stack before it is stored, so the destination may be a source as well. */
#include "commands/bitmap_priv.h"

enum { BLOCK_WORDS = 512 };

/* FIRST means the first source, REST the or of the others. */
enum bitop {
    BITOP_AND, BITOP_OR, BITOP_XOR, BITOP_NOT,
    BITOP_DIFF,  /* FIRST and not REST */
    BITOP_DIFF1, /* REST and not FIRST */
    BITOP_ANDOR, /* FIRST and REST */
    BITOP_ONE,   /* set in exactly one source */
};

static const struct bitop_name {
    const char *word;
    enum bitop op;
    uint32_t sources_min, sources_max;
} bitop_names[] = {
    {"AND", BITOP_AND, 1, UINT32_MAX},
    {"OR", BITOP_OR, 1, UINT32_MAX},
    {"XOR", BITOP_XOR, 1, UINT32_MAX},
    {"NOT", BITOP_NOT, 1, 1},
    {"DIFF", BITOP_DIFF, 2, UINT32_MAX},
    {"DIFF1", BITOP_DIFF1, 2, UINT32_MAX},
    {"ANDOR", BITOP_ANDOR, 2, UINT32_MAX},
    {"ONE", BITOP_ONE, 1, UINT32_MAX},
};

struct block {
    uint64_t words[BLOCK_WORDS];
};

struct bitop_job {
    enum bitop op;
    struct slice *sources;
    uint32_t source_count;
    size_t len; /* of the longest source */
};

/* The operation named by argv[1] with as many sources; NULL: replied. */
static const struct bitop_name *bitop_parse(struct cmd_ctx *c)
{
    const size_t count = sizeof bitop_names / sizeof bitop_names[0];
    uint32_t source_count = c->key_count - 1;
    size_t i = 0;
    while (i < count && !ctx_arg_is(c, 1, bitop_names[i].word)) {
        i++;
    }
    if (i == count) {
        ctx_error_syntax(c);
        return NULL;
    }
    if (source_count > bitop_names[i].sources_max) {
        reply_error(c->reply,
                    "ERR BITOP NOT must be called with a single source key.");
        return NULL;
    }
    if (source_count < bitop_names[i].sources_min) {
        reply_errorf(c->reply,
                     "ERR BITOP %s must be called with multiple source keys.",
                     bitop_names[i].word);
        return NULL;
    }
    return &bitop_names[i];
}

/* Loads the source's bytes [at, at + BLOCK), zeros beyond its end. */
static void block_load(struct block *b, struct slice source, size_t at)
{
    size_t have = (source.len > at) ? source.len - at : 0;
    have = (have > sizeof b->words) ? sizeof b->words : have;
    if (have > 0) {
        memcpy(b->words, source.data + at, have);
    }
    memset((uint8_t *)b->words + have, 0, sizeof b->words - have);
}

#define BLOCK_EACH(expression) \
    do { \
        for (size_t i = 0; i < BLOCK_WORDS; i++) { \
            acc->words[i] = (expression); \
        } \
    } while (0)

/* acc, which holds what came before, takes in one more source. For the
 * operations with FIRST and REST, REST is what accumulates. */
static void block_combine(enum bitop op, struct block *acc,
                          const struct block *src, struct block *twice)
{
    switch (op) {
    case BITOP_AND:
        BLOCK_EACH(acc->words[i] & src->words[i]);
        break;
    case BITOP_XOR:
        BLOCK_EACH(acc->words[i] ^ src->words[i]);
        break;
    case BITOP_ONE:
        for (size_t i = 0; i < BLOCK_WORDS; i++) {
            twice->words[i] |= acc->words[i] & src->words[i];
        }
        BLOCK_EACH(acc->words[i] | src->words[i]);
        break;
    case BITOP_OR:
    case BITOP_DIFF:
    case BITOP_DIFF1:
    case BITOP_ANDOR:
        BLOCK_EACH(acc->words[i] | src->words[i]);
        break;
    case BITOP_NOT:
        assert(false); /* has one source */
        break;
    }
}

/* What remains to do when all sources are in. `other` is the first source
 * (FIRST) or, for ONE, the bits seen twice. */
static void block_finish(enum bitop op, struct block *acc,
                         const struct block *other)
{
    switch (op) {
    case BITOP_NOT:
        BLOCK_EACH(~acc->words[i]);
        break;
    case BITOP_DIFF:
        BLOCK_EACH(other->words[i] & ~acc->words[i]);
        break;
    case BITOP_DIFF1:
    case BITOP_ONE:
        BLOCK_EACH(acc->words[i] & ~other->words[i]);
        break;
    case BITOP_ANDOR:
        BLOCK_EACH(acc->words[i] & other->words[i]);
        break;
    case BITOP_AND:
    case BITOP_OR:
    case BITOP_XOR:
        break;
    }
}

static bool bitop_has_first(enum bitop op)
{
    return op == BITOP_DIFF || op == BITOP_DIFF1 || op == BITOP_ANDOR;
}

static void bitop_block(const struct bitop_job *job, size_t at, uint8_t *out)
{
    struct block acc, src, other;
    uint32_t s = 0;
    memset(&other, 0, sizeof other);
    if (bitop_has_first(job->op)) {
        block_load(&other, job->sources[s++], at);
    }
    block_load(&acc, job->sources[s++], at);
    for (; s < job->source_count; s++) {
        block_load(&src, job->sources[s], at);
        block_combine(job->op, &acc, &src, &other);
    }
    block_finish(job->op, &acc, &other);
    size_t left = job->len - at;
    memcpy(out + at, acc.words,
           (left < sizeof acc.words) ? left : sizeof acc.words);
}

/* Reads the sources' types and the longest length. False: replied. */
static bool sources_measure(struct cmd_ctx *c, struct bitop_job *job)
{
    job->len = 0;
    for (uint32_t i = 1; i < c->key_count; i++) {
        struct entry *e = ctx_read(c, &c->keys[i]);
        if (!ctx_check_type(c, e, TYPE_STRING)) {
            return false;
        }
        size_t len = e ? string_len(e) : 0;
        job->len = (len > job->len) ? len : job->len;
    }
    return true;
}

/* Finds the sources' bytes; integers' texts go to `texts`. To be done after the
 * last write. */
static void sources_locate(struct cmd_ctx *c, struct bitop_job *job,
                           char (*texts)[STRING_SCRATCH_BYTES])
{
    for (uint32_t i = 0; i < job->source_count; i++) {
        struct entry *e = ctx_peek(c, &c->keys[i + 1]);
        job->sources[i] = e ? string_bytes(e, texts[i]) : slice_of("", 0);
    }
}

static bool destination_is_source(const struct cmd_ctx *c)
{
    for (uint32_t i = 1; i < c->key_count; i++) {
        if (slice_equal(c->keys[i].name, c->keys[0].name)) {
            return true;
        }
    }
    return false;
}

/* Makes the destination a string of exactly job->len bytes, without a deadline;
 * what it holds is undefined unless it is a source. False: replied, and what
 * has already happened to the key is propagated. */
static bool destination_make(struct cmd_ctx *c, const struct bitop_job *job,
                             uint8_t **bytes)
{
    const struct key *k = &c->keys[0];
    struct entry *e = ctx_peek(c, k);
    bool has_deadline = e && entry_has_deadline(e);
    bool is_gone = false;
    if (destination_is_source(c)) {
        /* Growing changes nothing in a bitmap's meaning; the rest may fail. */
        if (has_deadline && !ctx_set_deadline(c, k, DEADLINE_NONE)) {
            return false;
        }
    } else if (e) {
        is_gone = e->type != TYPE_STRING || has_deadline
                  || string_len(e) > job->len;
    }
    if (is_gone) {
        ctx_delete(c, k);
    }
    if (ctx_edit_string(c, k, job->len, bytes)) {
        return true;
    }
    if (is_gone || has_deadline) {
        struct slice argv[] = {is_gone ? SLICE_LIT("DEL")
                                       : SLICE_LIT("PERSIST"), k->name};
        ctx_propagate(c, 2, argv);
        ctx_changed(c, k, EVENT_GENERIC, is_gone ? "del" : "persist");
    }
    return false;
}

void bitmap_bitop_run(struct cmd_ctx *c)
{
    struct bitop_job job = {.source_count = c->key_count - 1};
    char (*texts)[STRING_SCRATCH_BYTES];
    uint8_t *bytes;
    const struct bitop_name *name = bitop_parse(c);
    if (!name || !sources_measure(c, &job)) {
        return;
    }
    job.op = name->op;
    if (job.len == 0) {
        if (ctx_delete(c, &c->keys[0])) {
            ctx_changed(c, &c->keys[0], EVENT_GENERIC, "del");
        }
        reply_int(c->reply, 0);
        return;
    }
    job.sources = ctx_scratch(c, job.source_count * sizeof *job.sources);
    texts = job.sources ? ctx_scratch(c, job.source_count * sizeof *texts)
                        : NULL;
    if (!texts || !destination_make(c, &job, &bytes)) {
        return;
    }
    sources_locate(c, &job, texts);
    for (size_t at = 0; at < job.len; at += BLOCK_WORDS * sizeof(uint64_t)) {
        bitop_block(&job, at, bytes);
    }
    ctx_changed(c, &c->keys[0], EVENT_STRING, "set");
    reply_int(c->reply, (int64_t)job.len);
}
