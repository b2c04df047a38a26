/* client_filter: a row for each option. */
#include "server/client_filter.h"

#include <stdlib.h>
#include <string.h>

#include "base/number.h"

/* ---- parsing ---- */

static bool copy_text(struct cmd_ctx *c, struct client_filter *f, char **at,
                      struct slice value)
{
    char *text = mem_alloc(f->account, value.len + 1);
    if (text == NULL) {
        ctx_error_status(c, ST_NOMEM);
        return false;
    }
    memcpy(text, value.data, value.len);
    text[value.len] = '\0';
    mem_free(f->account, *at);
    *at = text;
    return true;
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Numbers up to the first word that is none; *i is moved past them. */
static bool parse_ids(struct cmd_ctx *c, uint32_t *i, struct client_filter *f)
{
    size_t bytes = (c->argc - *i) * sizeof *f->ids;
    uint64_t *ids = mem_realloc(f->account, f->ids, bytes);
    size_t n = 0;
    int64_t id;
    if (ids == NULL) {
        ctx_error_status(c, ST_NOMEM);
        return false;
    }
    f->ids = ids;
    for (; *i < c->argc && number_parse_int64(c->argv[*i], &id); ++*i) {
        if (id < 1) {
            reply_error(c->reply, "ERR client-id should be greater than 0");
            return false;
        }
        ids[n++] = (uint64_t)id;
    }
    if (n == 0) {
        ctx_error_syntax(c);
        return false;
    }
    qsort(ids, n, sizeof *ids, compare_ids);
    f->id_count = n;
    return true;
}

static bool parse_type(struct cmd_ctx *c, uint32_t i, struct client_filter *f)
{
    static const struct {
        const char *word;
        int type;
    } types[] = {
        {"normal", CLIENT_CLASS_NORMAL}, {"master", CLIENT_TYPE_PRIMARY},
        {"primary", CLIENT_TYPE_PRIMARY}, {"replica", CLIENT_CLASS_REPLICA},
        {"slave", CLIENT_CLASS_REPLICA}, {"pubsub", CLIENT_CLASS_PUBSUB},
    };
    for (size_t k = 0; k < sizeof types / sizeof types[0]; k++) {
        if (ctx_arg_is(c, i, types[k].word)) {
            f->type = types[k].type;
            return true;
        }
    }
    reply_errorf(c->reply, "ERR Unknown client type '%.*s'",
                 (int)(c->argv[i].len < 128 ? c->argv[i].len : 128),
                 (const char *)c->argv[i].data);
    return false;
}

static bool parse_user(struct cmd_ctx *c, uint32_t i)
{
    if (slice_equal(c->argv[i], SLICE_LIT("default"))) {
        return true; /* everybody is */
    }
    reply_errorf(c->reply, "ERR No such user '%.*s'",
                 (int)(c->argv[i].len < 128 ? c->argv[i].len : 128),
                 (const char *)c->argv[i].data);
    return false;
}

static bool parse_skipme(struct cmd_ctx *c, uint32_t i, struct client_filter *f)
{
    if (ctx_arg_is(c, i, "yes")) {
        f->but_id = c->session->id;
    } else if (ctx_arg_is(c, i, "no")) {
        f->but_id = 0;
    } else {
        ctx_error_syntax(c);
        return false;
    }
    return true;
}

static bool parse_age(struct cmd_ctx *c, uint32_t i, struct client_filter *f)
{
    if (!number_parse_int64(c->argv[i], &f->age_s_min)) {
        reply_error(c->reply, "ERR maxage is not an integer or out of range");
        return false;
    }
    if (f->age_s_min <= 0) {
        reply_error(c->reply, "ERR maxage should be greater than 0");
        return false;
    }
    return true;
}

/* One option whose value stands at argv[i]. */
static bool parse_option(struct cmd_ctx *c, uint32_t i, struct client_filter *f)
{
    if (ctx_arg_is(c, i - 1, "type")) {
        return parse_type(c, i, f);
    }
    if (ctx_arg_is(c, i - 1, "addr")) {
        return copy_text(c, f, &f->address, c->argv[i]);
    }
    if (ctx_arg_is(c, i - 1, "laddr")) {
        return copy_text(c, f, &f->local_address, c->argv[i]);
    }
    if (ctx_arg_is(c, i - 1, "user")) {
        return parse_user(c, i);
    }
    if (ctx_arg_is(c, i - 1, "skipme")) {
        return parse_skipme(c, i, f);
    }
    if (ctx_arg_is(c, i - 1, "maxage")) {
        return parse_age(c, i, f);
    }
    ctx_error_syntax(c);
    return false;
}

static bool parse_all(struct cmd_ctx *c, uint32_t i, struct client_filter *f)
{
    while (i < c->argc) {
        if (i + 1 == c->argc) {
            ctx_error_syntax(c);
            return false;
        }
        bool is_ids = ctx_arg_is(c, i, "id");
        i++;
        if (is_ids ? !parse_ids(c, &i, f) : !parse_option(c, i, f)) {
            return false;
        }
        i += !is_ids;
    }
    return true;
}

bool client_filter_parse(struct cmd_ctx *c, uint32_t from, bool skips_me,
                         struct client_filter *f)
{
    struct server *s = c->host;
    *f = (struct client_filter){
        .type = CLIENT_TYPE_ANY, .account = &s->account,
        .but_id = skips_me ? c->session->id : 0,
    };
    if (!parse_all(c, from, f)) {
        client_filter_deinit(f);
        return false;
    }
    return true;
}

void client_filter_deinit(struct client_filter *f)
{
    if (f->account != NULL) {
        mem_free(f->account, f->address);
        mem_free(f->account, f->local_address);
        mem_free(f->account, f->ids);
        *f = (struct client_filter){0};
    }
}

/* ---- matching ---- */

static bool fits_address(const struct client_filter *f, struct connection *c)
{
    if (f->address != NULL && strcmp(connection_peer(c), f->address) != 0) {
        return false;
    }
    return f->local_address == NULL
           || strcmp(connection_local(c), f->local_address) == 0;
}

bool client_filter_fits(const struct client_filter *f, struct connection *c,
                        int64_t now_ms)
{
    uint64_t id = c->session.id;
    if (id == f->but_id
        || (f->type != CLIENT_TYPE_ANY
            && f->type != (int)connection_class(c))) {
        return false;
    }
    if (f->ids != NULL
        && bsearch(&id, f->ids, f->id_count, sizeof id, compare_ids) == NULL) {
        return false;
    }
    if (f->age_s_min > 0
        && (now_ms - c->session.created_ms) / 1000 < f->age_s_min) {
        return false;
    }
    return fits_address(f, c);
}
