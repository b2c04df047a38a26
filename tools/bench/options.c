/* options: one table says the name, the kind, the limits and the help of each;
 * what concerns several of them is judged at the end. */
#include "bench/options.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum kind {
    KIND_FLAG,   /* bool */
    KIND_NUMBER, /* int64_t, with limits */
    KIND_TEXT,   /* const char * */
    KIND_SIZES,
    KIND_ORDER, /* key_order and theta */
    KIND_RATIO, /* reads and writes */
    KIND_READERS,
    KIND_HELP,
    KIND_VERSION,
};

struct row {
    const char *name;
    const char *value; /* what it takes, for the help; NULL: nothing */
    enum kind kind;
    size_t offset; /* into struct options */
    int64_t min, max;
    const char *help;
};

#define AT(field) offsetof(struct options, field)
#define COUNT_MAX INT64_C(1000000000000)

static const struct row rows[] = {
    {"-h", "<hostname>", KIND_TEXT, AT(host), 0, 0,
     "Server's name or address (default 127.0.0.1)"},
    {"-p", "<port>", KIND_NUMBER, AT(port), 1, 65535,
     "Server's port (default 6379)"},
    {"-s", "<socket>", KIND_TEXT, AT(unix_path), 0, 0,
     "Unix socket, instead of host and port"},
    {"-a", "<password>", KIND_TEXT, AT(password), 0, 0,
     "Password to authenticate with"},
    {"--user", "<username>", KIND_TEXT, AT(user), 0, 0,
     "User to authenticate as; needs -a"},
    {"-u", "<uri>", KIND_TEXT, AT(url), 0, 0,
     "redis://[user:password@]host[:port][/db]; rediss:// with TLS,\n"
     "unix:///path; valkey:// and valkeys:// mean the same"},
    {"-c", "<clients>", KIND_NUMBER, AT(clients), 1, 100000,
     "Connections (default 50)"},
    {"-n", "<requests>", KIND_NUMBER, AT(requests), 1, COUNT_MAX,
     "Requests of a test, all connections together (default 100000)"},
    {"--duration", "<seconds>", KIND_NUMBER, AT(duration_s), 1, 31536000,
     "End a test after this time, instead of -n"},
    {"-d", "<size>", KIND_NUMBER, AT(data_bytes), 0, VALUE_BYTES_MAX,
     "Bytes of a value (default 3)"},
    {"--value-size", "<sizes>", KIND_SIZES, AT(sizes), 0, 0,
     "Values of several sizes: 10-1000 (each as likely) or\n"
     "8:90,100-4096:10 (sizes with weights)"},
    {"--dbnum", "<db>", KIND_NUMBER, AT(db), 0, 1 << 20,
     "Database to SELECT (default 0)"},
    {"-3", NULL, KIND_FLAG, AT(is_resp3), 0, 0, "Speak RESP3"},
    {"--threads", "<num>", KIND_NUMBER, AT(threads), 1, 500,
     "Threads that share the connections (default 1)"},
    {"--cluster", NULL, KIND_FLAG, AT(is_cluster), 0, 0,
     "The server is a node of a cluster: connections go to all its\n"
     "primaries. In a command of one's own the key must hold {tag}."},
    {"--rfr", "<mode>", KIND_READERS, AT(readers), 0, 0,
     "In a cluster, read from replicas: no (default), yes (only from\n"
     "them), all (from all nodes). Replicas take no writes."},
    {"--enable-tracking", NULL, KIND_FLAG, AT(has_tracking), 0, 0,
     "Send CLIENT TRACKING ON first"},
    {"-k", "<boolean>", KIND_NUMBER, AT(keep_alive), 0, 1,
     "1: keep connections, 0: a new one for each request (default 1)"},
    {"-r", "<keyspacelen>", KIND_NUMBER, AT(key_range), 0, COUNT_MAX,
     "Replace __rand_int__ in keys, members and scores, and in the\n"
     "arguments of a command of one's own, by 12 digits from 0 to\n"
     "keyspacelen-1, anew for each request. Without -r all requests\n"
     "of a test have the same key."},
    {"--key-dist", "<dist>", KIND_ORDER, 0, 0, 0,
     "How these are chosen: uniform (default), zipf[:theta] (theta\n"
     "is 0.99 if not given), seq"},
    {"--ratio", "<reads:writes>", KIND_RATIO, 0, 0, 0,
     "One test of GETs and SETs at random, in this ratio"},
    {"--verify", NULL, KIND_FLAG, AT(has_verify), 0, 0,
     "Write every key of -r once, read with GETs (or --ratio), read\n"
     "every key once, and compare each value read with the one written"},
    {"-P", "<numreq>", KIND_NUMBER, AT(pipeline), 1, 1000000,
     "Requests sent together on a connection (default 1)"},
    {"--rps", "<rate>", KIND_NUMBER, AT(rps), 1, INT64_C(1000000000),
     "Requests a second, evenly spread. Latency then counts from when\n"
     "a request was due, whether or not it could be sent then."},
    {"-q", NULL, KIND_FLAG, AT(is_quiet), 0, 0,
     "Only requests a second and the median"},
    {"--precision", "<digits>", KIND_NUMBER, AT(precision), 0, 3,
     "Significant digits of latencies, 1 to 3 (default 0, which is 3)"},
    {"--csv", NULL, KIND_FLAG, AT(is_csv), 0, 0, "Results as CSV"},
    {"--json", "<file>", KIND_TEXT, AT(json_path), 0, 0,
     "Results as JSON too; -: on standard output, and nothing else"},
    {"--no-progress", NULL, KIND_FLAG, AT(is_silent_meanwhile), 0, 0,
     "Write nothing while a test runs"},
    {"--compare", "<server>", KIND_TEXT, AT(compare), 0, 0,
     "Run each test on this server too (host:port, a path or a URI)\n"
     "and give the ratios"},
    {"-l", NULL, KIND_FLAG, AT(is_endless), 0, 0, "Run the tests for ever"},
    {"-t", "<tests>", KIND_TEXT, AT(tests), 0, 0,
     "Only these tests, separated by commas: ping_inline, ping_mbulk,\n"
     "set, get, incr, lpush, rpush, lpop, rpop, sadd, hset, spop, zadd,\n"
     "zpopmin, lrange_100, lrange_300, lrange_500, lrange_600, mset,\n"
     "xadd; ping and lrange stand for all of theirs"},
    {"-I", NULL, KIND_FLAG, AT(is_idle), 0, 0,
     "Only open the connections, and wait"},
    {"-x", NULL, KIND_FLAG, AT(takes_stdin), 0, 0,
     "Standard input is the command's last argument"},
    {"--seed", "<num>", KIND_NUMBER, AT(seed), 0, INT64_MAX,
     "Of all that is left to chance (default: the clock)"},
    {"--tls", NULL, KIND_FLAG, AT(has_tls), 0, 0, "Encrypt"},
    {"--sni", "<host>", KIND_TEXT, AT(sni), 0, 0,
     "The name that the server's certificate must be for, and that the\n"
     "server is told (default: the host)"},
    {"--cacert", "<file>", KIND_TEXT, AT(ca_file), 0, 0,
     "Certificates to trust"},
    {"--cacertdir", "<dir>", KIND_TEXT, AT(ca_dir), 0, 0,
     "Directory of such; without both, those that the system trusts"},
    {"--insecure", NULL, KIND_FLAG, AT(is_insecure), 0, 0,
     "Take any certificate"},
    {"--cert", "<file>", KIND_TEXT, AT(cert), 0, 0,
     "The client's own certificate"},
    {"--key", "<file>", KIND_TEXT, AT(key), 0, 0, "Its private key"},
    {"--tls-ciphers", "<list>", KIND_TEXT, AT(ciphers), 0, 0,
     "Ciphers of TLS 1.2, as ciphers(1ssl) has them"},
    {"--tls-ciphersuites", "<list>", KIND_TEXT, AT(ciphersuites), 0, 0,
     "Those of TLS 1.3"},
    {"--help", NULL, KIND_HELP, 0, 0, 0, "This text"},
    {"--version", NULL, KIND_VERSION, 0, 0, 0, "The version"},
};

enum { ROW_COUNT = sizeof rows / sizeof rows[0], HELP_COLUMN = 28 };

/* ---- texts ---- */

static void write_help(const struct row *row, FILE *out)
{
    int n = fprintf(out, " %s %s", row->name,
                    row->value == NULL ? "" : row->value);
    const char *line = row->help;
    for (;;) {
        const char *end = strchr(line, '\n');
        int len = end == NULL ? (int)strlen(line) : (int)(end - line);
        n = n < HELP_COLUMN ? n : HELP_COLUMN - 1;
        fprintf(out, "%*s%.*s\n", HELP_COLUMN - n, "", len, line);
        if (end == NULL) {
            return;
        }
        line = end + 1;
        n = 0;
    }
}

static void write_usage(FILE *out)
{
    fprintf(out, "Usage: engram-benchmark [OPTIONS] [COMMAND ARGS...]\n\n"
                 "Options:\n");
    for (size_t i = 0; i < ROW_COUNT; i++) {
        write_help(&rows[i], out);
    }
    fprintf(out,
            "\nExamples:\n\n"
            " The usual tests, on 127.0.0.1:6379:\n"
            "   $ engram-benchmark\n\n"
            " A million keys:\n"
            "   $ engram-benchmark -t set -n 1000000 -r 1000000 "
            "--key-dist seq\n\n"
            " Latency at 20000 requests a second, nine reads to a write, some "
            "keys hot:\n"
            "   $ engram-benchmark --rps 20000 --ratio 9:1 -r 1000000 "
            "--key-dist zipf --duration 30\n\n"
            " Two servers beside each other:\n"
            "   $ engram-benchmark -q -p 6379 --compare 127.0.0.1:6380\n\n"
            " A command of one's own:\n"
            "   $ engram-benchmark -r 10000 -n 10000 lpush mylist "
            "__rand_int__\n");
}

static bool refuse(FILE *err, const char *name, const char *why)
{
    fprintf(err, "engram-benchmark: %s: %s\n", name, why);
    return false;
}

/* ---- values ---- */

static bool set_number(const struct row *row, const char *text, int64_t *out,
                       FILE *err)
{
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0) {
        return refuse(err, row->name, "not a number");
    }
    if (n < row->min || n > row->max) {
        fprintf(err, "engram-benchmark: %s: must be %lld to %lld\n", row->name,
                (long long)row->min, (long long)row->max);
        return false;
    }
    *out = n;
    return true;
}

static bool set_order(struct options *o, const char *text)
{
    static const char zipf[] = "zipf";
    char *end;
    o->theta = 0.99;
    if (strcmp(text, "uniform") == 0) {
        o->key_order = KEYS_UNIFORM;
        return true;
    }
    if (strcmp(text, "seq") == 0) {
        o->key_order = KEYS_SEQUENTIAL;
        return true;
    }
    if (strncmp(text, zipf, sizeof zipf - 1) != 0) {
        return false;
    }
    o->key_order = KEYS_ZIPF;
    text += sizeof zipf - 1;
    if (*text == '\0') {
        return true;
    }
    o->theta = strtod(text + 1, &end);
    return *text == ':' && end != text + 1 && *end == '\0' && isfinite(o->theta)
           && o->theta > 0 && o->theta <= 10;
}

static bool set_ratio(struct options *o, const char *text)
{
    enum { PART_MAX = 1000000 };
    char *end;
    o->reads = strtol(text, &end, 10);
    if (end == text || *end != ':' || *text == '-') {
        return false;
    }
    text = end + 1;
    o->writes = strtol(text, &end, 10);
    return end != text && *end == '\0' && o->reads >= 0 && o->writes >= 0
           && o->reads <= PART_MAX && o->writes <= PART_MAX
           && o->reads + o->writes > 0;
}

static bool set_readers(enum cluster_readers *out, const char *text)
{
    static const char *const modes[] = {
        [CLUSTER_PRIMARIES] = "no",
        [CLUSTER_REPLICAS] = "yes",
        [CLUSTER_ALL] = "all",
    };
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(modes[i], text) == 0) {
            *out = (enum cluster_readers)i;
            return true;
        }
    }
    return false;
}

static bool set(struct options *o, const struct row *row, const char *text,
                FILE *err)
{
    void *field = (char *)o + row->offset;
    switch (row->kind) {
    case KIND_FLAG: *(bool *)field = true; return true;
    case KIND_TEXT: *(const char **)field = text; return true;
    case KIND_NUMBER: return set_number(row, text, field, err);
    case KIND_SIZES:
        return sizes_parse(field, text)
               || refuse(err, row->name,
                         "neither 100 nor 10-1000 nor 8:90,64:10");
    case KIND_ORDER:
        return set_order(o, text)
               || refuse(err, row->name,
                         "neither uniform nor zipf[:theta] nor seq");
    case KIND_RATIO:
        return set_ratio(o, text) || refuse(err, row->name, "not reads:writes");
    case KIND_READERS:
        return set_readers(field, text)
               || refuse(err, row->name, "neither no nor yes nor all");
    case KIND_HELP:
    case KIND_VERSION: break;
    }
    assert(!"an option of no kind");
    return false;
}

/* ---- all together ---- */

static bool conflict(FILE *err, const char *what)
{
    fprintf(err, "engram-benchmark: %s\n", what);
    return false;
}

static bool judge(const struct options *o, FILE *err)
{
    bool is_own = o->argc > 0 || o->takes_stdin;
    bool is_mixed = o->reads + o->writes > 0;
    if (o->takes_stdin && o->argc == 0) {
        return conflict(err, "-x needs a command");
    }
    if (is_own && (is_mixed || o->has_verify)) {
        return conflict(err, "--ratio and --verify bring their own commands");
    }
    if (o->tests != NULL && (is_mixed || o->has_verify)) {
        return conflict(err, "-t does not go with --ratio or --verify");
    }
    if (o->has_verify && o->key_range == 0) {
        return conflict(err, "--verify needs -r, the number of keys");
    }
    if (o->key_order != KEYS_UNIFORM && o->key_range == 0) {
        return conflict(err, "--key-dist needs -r, the number of keys");
    }
    if (o->rps > 0 && o->keep_alive == 0) {
        return conflict(err, "--rps does not go with -k 0");
    }
    if (o->compare != NULL && (o->is_idle || o->is_cluster)) {
        return conflict(err, "--compare does not go with -I or --cluster");
    }
    if (o->has_verify && o->is_cluster) {
        /* Each node has keys of its own there. */
        return conflict(err, "--verify does not go with --cluster");
    }
    if (o->user != NULL && o->password == NULL) {
        return conflict(err, "--user needs -a");
    }
    return true;
}

static const struct row *row_of(const char *name)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static void set_defaults(struct options *o)
{
    *o = (struct options){.host = "127.0.0.1",
                          .port = 6379,
                          .clients = 50,
                          .threads = 1,
                          .pipeline = 1,
                          .keep_alive = 1,
                          .requests = 100000,
                          .data_bytes = 3,
                          .seed = -1};
}

enum options_outcome options_parse(struct options *o, int argc, char **argv,
                                   FILE *out, FILE *err)
{
    int i = 1;
    set_defaults(o);
    for (; i < argc && argv[i][0] == '-'; i++) {
        const struct row *row = row_of(argv[i]);
        if (row == NULL || (row->value != NULL && i + 1 == argc)) {
            fprintf(err, "Invalid option \"%s\" or option argument missing\n\n",
                    argv[i]);
            write_usage(err);
            return OPTIONS_REFUSED;
        }
        if (row->kind == KIND_HELP) {
            write_usage(out);
            return OPTIONS_DONE;
        }
        if (row->kind == KIND_VERSION) {
            fprintf(out, "engram-benchmark %s\n", ENGRAM_VERSION);
            return OPTIONS_DONE;
        }
        i += row->value != NULL;
        if (!set(o, row, argv[i], err)) {
            return OPTIONS_REFUSED;
        }
    }
    o->argc = argc - i;
    o->argv = argv + i;
    if (o->sizes.count == 0) {
        sizes_init_fixed(&o->sizes, (size_t)o->data_bytes);
    }
    return judge(o, err) ? OPTIONS_RUN : OPTIONS_REFUSED;
}
