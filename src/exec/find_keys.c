/* find_keys: where the keys of a request are. First the patterns a row can name
 * (struct cmd_keys), then those of the commands that no pattern fits, whose
 * options have to be read. A finder reads only as much as tells the keys; what
 * else is wrong with the arguments is for the command to say. */
#include "exec/find_keys.h"

#include "base/number.h"
#include "exec/table.h"

/* ---- by pattern ---- */

static int64_t find_counted(const struct cmd_keys *k, const struct slice *argv,
                            uint32_t argc, uint32_t *out)
{
    int64_t count;
    uint32_t at = (uint32_t)k->first;
    if (at >= argc || !number_parse_int64(argv[at], &count) || count <= 0
        || count > (int64_t)(argc - at - 1)
        || (count - 1) * k->step + 1 > (int64_t)(argc - at - 1)) {
        return -1;
    }
    for (int64_t i = 0; out != NULL && i < count; i++) {
        out[i] = at + 1 + (uint32_t)(i * k->step);
    }
    return count;
}

static int64_t find_dest_counted(const struct cmd_keys *k,
                                 const struct slice *argv, uint32_t argc,
                                 uint32_t *out)
{
    int64_t count = find_counted(k, argv, argc, out == NULL ? NULL : out + 1);
    if (count < 0) {
        return -1;
    }
    if (out != NULL) {
        out[0] = (uint32_t)k->first - 1;
    }
    return count + 1;
}

int64_t cmd_find_keys(const struct cmd_spec *spec, const struct slice *argv,
                      uint32_t argc, uint32_t *out)
{
    const struct cmd_keys *k = &spec->keys;
    if (k->kind == KEYS_KIND_NONE) {
        return 0;
    }
    if (k->kind == KEYS_KIND_COUNTED) {
        return find_counted(k, argv, argc, out);
    }
    if (k->kind == KEYS_KIND_DEST_COUNTED) {
        return find_dest_counted(k, argv, argc, out);
    }
    if (k->kind == KEYS_KIND_FOUND) {
        return spec->find_keys(argv, argc, out);
    }
    int64_t last = k->last >= 0 ? k->last : (int64_t)argc + k->last;
    int64_t count = 0;
    if (last >= (int64_t)argc) {
        return -1;
    }
    for (int64_t i = k->first; i <= last; i += k->step) {
        if (out != NULL) {
            out[count] = (uint32_t)i;
        }
        count++;
    }
    return count;
}

/* ---- by reading the options ---- */

struct option {
    const char *word;
    uint32_t arg_count; /* behind it */
    bool is_store;      /* its argument is the destination */
};

/* The option that `arg` is, of a list that ends without a word; NULL: none. */
static const struct option *find_option(const struct option *options,
                                        struct slice arg)
{
    for (; options->word != NULL; options++) {
        if (slice_equal_nocase(arg, options->word)) {
            return options;
        }
    }
    return NULL;
}

/* argv[1] and the last destination among the options from argv[from]. */
static int64_t find_stored(const struct option *options,
                           const struct slice *argv, uint32_t argc,
                           uint32_t from, uint32_t *out)
{
    uint32_t store = 0;
    for (uint32_t i = from; i < argc; i++) {
        const struct option *o = find_option(options, argv[i]);
        if (o == NULL) {
            continue;
        }
        if (o->is_store && i + 1 < argc) {
            store = i + 1;
        }
        i += o->arg_count;
    }
    if (out != NULL) {
        out[0] = 1;
        if (store > 0) {
            out[1] = store;
        }
    }
    return store > 0 ? 2 : 1;
}

int64_t find_keys_sort(const struct slice *argv, uint32_t argc, uint32_t *out)
{
    static const struct option options[] = {
        {"limit", 2, false}, {"by", 1, false}, {"get", 1, false},
        {"store", 1, true}, {NULL, 0, false},
    };
    return find_stored(options, argv, argc, 2, out);
}

static const struct option radius_options[] = {
    {"count", 1, false}, {"store", 1, true}, {"storedist", 1, true},
    {NULL, 0, false},
};

int64_t find_keys_georadius(const struct slice *argv, uint32_t argc,
                            uint32_t *out)
{
    return find_stored(radius_options, argv, argc, 6, out);
}

int64_t find_keys_georadiusbymember(const struct slice *argv, uint32_t argc,
                                    uint32_t *out)
{
    return find_stored(radius_options, argv, argc, 5, out);
}

int64_t find_keys_xread(const struct slice *argv, uint32_t argc, uint32_t *out)
{
    static const struct option options[] = {
        {"block", 1, false}, {"count", 1, false}, {"group", 2, false},
        {"noack", 0, false}, {NULL, 0, false},
    };
    uint32_t at = 1, count;
    while (at < argc && !slice_equal_nocase(argv[at], "streams")) {
        const struct option *o = find_option(options, argv[at]);
        if (o == NULL) {
            return -1;
        }
        at += 1 + o->arg_count;
    }
    /* The keys, and then as many identifiers. */
    count = at < argc ? (argc - at - 1) / 2 : 0;
    for (uint32_t i = 0; out != NULL && i < count; i++) {
        out[i] = at + 1 + i;
    }
    return count > 0 ? (int64_t)count : -1;
}
