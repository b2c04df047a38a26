/* lolwut: LOLWUT: a small picture, new each time: a few hills against the sky,
 * each further one higher and fainter. */
#include "base/number.h"
#include "server/server_priv.h"
#include "server/text.h"
#include "server/version.h"

enum {
    COLUMNS_INITIAL = 66, COLUMNS_MAX = 1000,
    ROWS_INITIAL = 12, ROWS_MAX = 1000,
    HILLS = 3,
};

struct picture {
    int columns, rows;
    int heights[HILLS][COLUMNS_MAX]; /* the nearest first */
};

/* A walk up and down between the foot and the top of its share of the sky. */
static void raise_hill(struct picture *p, int hill, struct random *r)
{
    int floor_rows = p->rows * hill / (HILLS + 1);
    int top = p->rows * (hill + 1) / (HILLS + 1) + 1;
    int h = floor_rows + (int)random_below(r, (uint64_t)(top - floor_rows));
    for (int x = 0; x < p->columns; x++) {
        h += (int)random_below(r, 3) - 1;
        h = h < floor_rows ? floor_rows : h > top ? top : h;
        p->heights[hill][x] = h;
    }
}

static char cell(const struct picture *p, int x, int y)
{
    static const char shades[HILLS + 1] = "#+.";
    for (int hill = 0; hill < HILLS; hill++) {
        if (y < p->heights[hill][x]) {
            return shades[hill];
        }
    }
    return ' ';
}

static void draw(struct text *t, const struct picture *p)
{
    char line[COLUMNS_MAX + 1];
    for (int y = p->rows - 1; y >= 0; y--) {
        for (int x = 0; x < p->columns; x++) {
            line[x] = cell(p, x, y);
        }
        line[p->columns] = '\n';
        text_add_slice(t, slice_of(line, (size_t)p->columns + 1));
    }
}

static int bounded(int64_t v, int max)
{
    return v < 1 ? 1 : v > max ? max : (int)v;
}

/* LOLWUT [VERSION n [columns] [rows]]: every version is the same picture. */
static bool parse_lolwut(struct cmd_ctx *c, struct picture *p)
{
    int64_t sizes[3] = {0, COLUMNS_INITIAL, ROWS_INITIAL};
    if (c->argc >= 2 && !ctx_arg_is(c, 1, "version")) {
        return true; /* whatever it is, it is not for us */
    }
    for (uint32_t i = 2; i < c->argc && i < 5; i++) {
        if (!ctx_arg_int(c, i, &sizes[i - 2])) {
            return false;
        }
    }
    p->columns = bounded(sizes[1], COLUMNS_MAX);
    p->rows = bounded(sizes[2], ROWS_MAX);
    return true;
}

static void lolwut_run(struct cmd_ctx *c)
{
    struct server *s = c->host;
    struct text t = {.account = &s->account};
    struct picture *p = ctx_scratch(c, sizeof *p);
    if (p == NULL) {
        return;
    }
    p->columns = COLUMNS_INITIAL;
    p->rows = ROWS_INITIAL;
    if (!parse_lolwut(c, p)) {
        return;
    }
    for (int hill = 0; hill < HILLS; hill++) {
        raise_hill(p, hill, c->random);
    }
    draw(&t, p);
    text_add(&t, "\nEngram ver. %s (Redis ver. %s)\n", SERVER_ENGRAM_VERSION,
             SERVER_REDIS_VERSION);
    if (t.failed) {
        ctx_error_status(c, ST_NOMEM);
    } else {
        reply_verbatim(c->reply, "txt", text_slice(&t));
    }
    text_deinit(&t);
}

const struct cmd_spec lolwut_cmds[] = {
    {.name = "lolwut", .arity = -1, .flags = CMD_READONLY | CMD_FAST,
     .run = lolwut_run},
    {.name = NULL},
};
