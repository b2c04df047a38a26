/* big: what one big collection does to the sessions beside it, and what its own
 * commands take. First small collections, as large as packed ones may be, grow
 * beyond that. The big one has `keys` elements of 24 bytes under the name `big`;
 * it is filled by pipelined commands, left alone for a while, a few times, so
 * that the machine's own pauses are known, then changed and read here and there,
 * moved, thinned out, cut down by one command, and done away with in each way
 * that there is, every time filled again; a hash is also filled with fields that
 * are due at one moment.
 *
 * Each section tells the caller's latency and that of a probe meanwhile, both
 * net of waits (waits.h), and, of a server whose INFO has it, how much processor
 * time its longest slice of background work took. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "events.h"
#include "probe.h"

enum {
    SMALL_TIMES = 1000, /* a small command's repetitions, unless it is slow */
    SMALL_MS_MAX = 5000,
    MOVE_TIMES = 20,
    BEFORE_MS = 300,
    AFTER_MS = 2000, /* that long is watched what was begun in the background */
    NOTHING_TIMES = 5,
    SHARE_KEPT = 20, /* thinned out until a twentieth is left */
    TAKEN_AT_ONCE = 100,
    ADDED_AT_ONCE = 32, /* by a command of which nothing is timed */
    PACKED_KEYS = 1000,
    ELEMENT_BYTES_MAX = 64,
};

/* A command as one would type it; `%1` stands for a random number below 3/4 of
 * the count of elements, since the commands before have taken some. */
struct small {
    const char *label, *text;
};

/* The elements that a packed collection may have by default, one more of which
 * makes it a table. */
struct packed {
    const char *label;
    const char *head, *element; /* of a command that adds them, see fill */
    uint64_t count;
    const char *last;
};

struct kind {
    const char *name;
    /* A command that adds elements: `fill`, then, for each, ` element`, where
     * `%1` is its number. */
    const char *fill, *element;
    struct packed packed[3];
    const char *thin; /* takes about TAKEN_AT_ONCE */
    struct small small[16];
    struct small huge[4]; /* what takes most of it away, or copies it */
};

#define ELEMENT "element:%1"

static const struct kind kinds[] = {
    {"set", "SADD big", ELEMENT,
     {{"packed integers to table", "SADD packed:%1", "%1", 512,
       "SADD packed:%1 word"},
      {"packed to table", "SADD packed:%1", ELEMENT, 128,
       "SADD packed:%1 other"}},
     "SPOP big 100",
     {{"SADD, SREM", "SADD big other:%1|SREM big other:%1"},
      {"SREM", "SREM big " ELEMENT},
      {"SISMEMBER", "SISMEMBER big " ELEMENT},
      {"SRANDMEMBER", "SRANDMEMBER big"},
      {"SPOP", "SPOP big"},
      {"SSCAN", "SSCAN big %1 COUNT 10"},
      {"SMOVE", "SMOVE big aside " ELEMENT},
      {"MEMORY USAGE", "MEMORY USAGE big"}},
     {{"SDIFFSTORE of all", "SDIFFSTORE aside big none"}}},
    {"list", "RPUSH big", ELEMENT, {{NULL}}, "LTRIM big 100 -1",
     {{"LINDEX", "LINDEX big %1"},
      {"LRANGE of 10", "LRANGE big %1 %1"},
      {"LSET", "LSET big %1 changed"},
      {"LPUSH, LPOP", "LPUSH big a|LPOP big"},
      {"RPOPLPUSH", "RPOPLPUSH big big"},
      {"LINSERT", "LINSERT big BEFORE " ELEMENT " other"},
      {"LREM", "LREM big 1 " ELEMENT},
      {"LPOS in vain", "LPOS big none MAXLEN 100"},
      {"LTRIM of one", "LTRIM big 1 -1"},
      {"MEMORY USAGE", "MEMORY USAGE big"}},
     {{"LTRIM to 100", "LTRIM big 100 199"},
      {"LPOS of none", "LPOS big none"},
      {"LREM of none", "LREM big 0 none"}}},
    {"zset", "ZADD big", "%1 " ELEMENT,
     {{"packed to table", "ZADD packed:%1", "%1 " ELEMENT, 128,
       "ZADD packed:%1 0 other"}},
     "ZPOPMIN big 100",
     {{"ZADD", "ZADD big %1 " ELEMENT},
      {"ZRANK", "ZRANK big " ELEMENT},
      {"ZRANGE by rank", "ZRANGE big %1 %1"},
      {"ZRANGE by score", "ZRANGE big %1 +inf BYSCORE LIMIT 0 10"},
      {"ZRANGE, offset", "ZRANGE big 0 +inf BYSCORE LIMIT %1 10"},
      {"ZCOUNT", "ZCOUNT big %1 +inf"},
      {"ZPOPMIN", "ZPOPMIN big"},
      {"ZREMRANGEBYRANK", "ZREMRANGEBYRANK big %1 %1"},
      {"ZREMRANGEBYSCORE", "ZREMRANGEBYSCORE big %1 %1"},
      {"ZRANDMEMBER", "ZRANDMEMBER big"},
      {"ZSCAN", "ZSCAN big %1 COUNT 10"},
      {"MEMORY USAGE", "MEMORY USAGE big"}},
     {{"ZREMRANGEBYRANK to 200", "ZREMRANGEBYRANK big 100 -101"},
      {"ZREMRANGEBYSCORE to 100", "ZREMRANGEBYSCORE big (99 +inf"},
      {"ZRANGESTORE of all", "ZRANGESTORE aside big 0 -1"}}},
    {"hash", "HSET big", ELEMENT " v",
     {{"packed to table", "HSET packed:%1", "%1 v", 512,
       "HSET packed:%1 other v"}},
     NULL,
     {{"HSET", "HSET big " ELEMENT " changed"},
      {"HDEL", "HDEL big " ELEMENT},
      {"HRANDFIELD", "HRANDFIELD big"},
      {"HSCAN", "HSCAN big %1 COUNT 10"},
      {"MEMORY USAGE", "MEMORY USAGE big"}}},
};

static const struct small ends[] = {
    {"DEL", "DEL big"},
    {"UNLINK", "UNLINK big"},
    {"SET over it", "SET big x"},
    {"expiry", "PEXPIRE big 1"},
    {"RENAME over it", "RENAME small big"},
    {"COPY over it", "COPY small big REPLACE"},
    {"FLUSHALL ASYNC", "FLUSHALL ASYNC"},
};

static const struct small moves[] = {
    {"RENAME", "RENAME big b|RENAME b big"},
    {"MOVE", "MOVE big 1|SELECT 1|MOVE big 0|SELECT 0"},
};

struct big {
    const struct event_options *options;
    const struct kind *kind;
    struct client *client;
    uint64_t random;
    uint64_t count; /* elements there, more or less */
    int64_t fill_ms;  /* what the last one took */
    const char *fill; /* of put_some */
    uint64_t at_once;
    struct waits waits;
    struct histogram net;
};

static void sleep_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* Adds the text up to a `|`, with `number` for `%1`; what is left of it. */
static const char *put_words(char *out, size_t *len, const char *text,
                             uint64_t number)
{
    for (; *text != '\0' && *text != '|'; text++) {
        if (text[0] == '%' && text[1] == '1') {
            *len += (size_t)sprintf(out + *len, "%" PRIu64, number);
            text++;
        } else {
            out[(*len)++] = *text;
        }
    }
    return *text == '|' ? text + 1 : NULL;
}

static void put_end(char *out, size_t *len)
{
    out[(*len)++] = '\r';
    out[(*len)++] = '\n';
}

/* A whole command, of those between bars the first; what is left of it. */
static const char *put_text(char *out, size_t *len, const char *text,
                            uint64_t number)
{
    *len = 0;
    text = put_words(out, len, text, number);
    put_end(out, len);
    return text;
}

/* A command that adds `count` elements from number `first` on. */
static size_t put_elements(char *out, const char *head, uint64_t head_number,
                           const char *element, uint64_t first, uint64_t count)
{
    size_t len = 0;
    put_words(out, &len, head, head_number);
    for (uint64_t i = 0; i < count; i++) {
        out[len++] = ' ';
        put_words(out, &len, element, first + i);
        if (len > COMMAND_BYTES_MAX - ELEMENT_BYTES_MAX) {
            fail("a command is too long");
        }
    }
    put_end(out, &len);
    return len;
}

/* Reads one reply with all that is in it. */
static void skip_reply(struct client *c)
{
    const char *body;
    long number;
    for (long left = 1; left > 0; left--) {
        char first = client_reply(c, &number, &body);
        left += first == '*' && number > 0 ? number : 0;
    }
}

static uint64_t random_number(struct big *b)
{
    b->random = b->random * 6364136223846793005u + 1442695040888963407u;
    return (b->random >> 20) % (b->count / 4 * 3);
}

/* Sends the command, or each of those between bars, and times it. */
static void time_one(struct big *b, const char *text, uint64_t number)
{
    while (text != NULL) {
        char out[COMMAND_BYTES_MAX];
        size_t len;
        text = put_text(out, &len, text, number);
        uint64_t sent_ns = clock_now_ns();
        client_send(b->client, out, len);
        skip_reply(b->client);
        histogram_add(&b->net, waits_net_capped(&b->waits, sent_ns,
                                                clock_now_ns()));
    }
}

/* What follows is measured beside a probe, until end_section. */
static struct probe *begin_section(struct big *b)
{
    struct probe *p = probe_start(b->options->port, b->options->server_pid);
    memset(&b->net, 0, sizeof b->net);
    sleep_ms(BEFORE_MS);
    client_ask(b->client, "CONFIG RESETSTAT");
    probe_set_window(p, PROBE_DURING);
    return p;
}

static void end_section(struct big *b, const char *label, struct probe *p)
{
    probe_stop(p);
    printf("[%s]\n", label);
    histogram_print(&b->net, "caller_net");
    histogram_print(&p->net[PROBE_DURING], "during_net");
    printf("slice_cpu_max_us=%.0f\n",
           client_info(b->client, "stats", "background_slice_cpu_max_usec"));
    fflush(stdout);
    probe_destroy(&p);
}

/* `text` so many times, with random numbers or else with those from 0 on, beside
 * a probe, which goes on for a while. */
static void measure(struct big *b, const char *label, const char *text,
                    int times, bool is_random, long after_ms)
{
    struct probe *p = begin_section(b);
    uint64_t end_ns = clock_now_ns() + (uint64_t)SMALL_MS_MAX * 1000000;
    for (int i = 0; i < times && (i == 0 || clock_now_ns() < end_ns); i++) {
        time_one(b, text, is_random ? random_number(b) : (uint64_t)i);
    }
    sleep_ms(after_ms);
    end_section(b, label, p);
}

/* For client_batches: `at_once` elements a command. */
static size_t put_some(void *arg, char *out, uint64_t number)
{
    const struct big *b = arg;
    uint64_t left = b->options->keys - number;
    if (number % b->at_once != 0) {
        return 0;
    }
    return put_elements(out, b->fill, 0, b->kind->element, number,
                        left < b->at_once ? left : b->at_once);
}

static void fill(struct big *b, const char *head, uint64_t at_once)
{
    b->fill = head;
    b->at_once = at_once;
    client_batches(b->client, 0, b->options->keys, put_some, b);
    b->count = b->options->keys;
}

static size_t put_packed(void *arg, char *out, uint64_t number)
{
    const struct packed *a = arg;
    return put_elements(out, a->head, number, a->element, 0, a->count);
}

static void measure_packed(struct big *b)
{
    for (const struct packed *a = b->kind->packed; a->label != NULL; a++) {
        struct packed some = *a;
        client_batches(b->client, 0, PACKED_KEYS, put_packed, &some);
        measure(b, a->label, a->last, PACKED_KEYS, false, 0);
        client_ask(b->client, "FLUSHALL ASYNC");
    }
}

/* The batches are not timed, only what others feel. */
static void measure_fill(struct big *b)
{
    struct probe *p = begin_section(b);
    fill(b, b->kind->fill, 1);
    end_section(b, "filling it", p);
    printf("used_bytes=%.0f\nrss_bytes=%.0f\n",
           client_info(b->client, "memory", "used_memory"),
           resident_bytes(b->options->server_pid));
}

/* What others feel although nothing is done is the machine's. */
static void measure_nothing(struct big *b)
{
    for (int i = 1; i <= NOTHING_TIMES; i++) {
        char label[32];
        snprintf(label, sizeof label, "nothing (%d)", i);
        measure(b, label, NULL, 0, false, AFTER_MS);
    }
}

static size_t put_thin(void *arg, char *out, uint64_t number)
{
    const struct big *b = arg;
    size_t len;
    put_text(out, &len, b->kind->thin, number);
    return len;
}

static void skip_all(struct client *c, const char *out, size_t len, int replies)
{
    client_send(c, out, len);
    for (int i = 0; i < replies; i++) {
        skip_reply(c);
    }
}

/* Most elements go; then the small commands again. */
static void measure_thin(struct big *b)
{
    uint64_t kept = b->options->keys / SHARE_KEPT;
    double used = client_info(b->client, "memory", "used_memory");
    double rss = resident_bytes(b->options->server_pid);
    struct probe *p = begin_section(b);
    for (; b->count > kept + TAKEN_AT_ONCE; b->count -= TAKEN_AT_ONCE) {
        char out[COMMAND_BYTES_MAX];
        size_t len = put_thin(b, out, 0);
        skip_all(b->client, out, len, 1);
    }
    sleep_ms(AFTER_MS);
    end_section(b, "thinning it out", p);
    printf("used_left_percent=%.1f\nrss_left_percent=%.1f\n",
           100 * client_info(b->client, "memory", "used_memory") / used,
           100 * resident_bytes(b->options->server_pid) / rss);
}

static void fill_anew(struct big *b)
{
    client_ask(b->client, "FLUSHALL ASYNC");
    uint64_t begin_ns = clock_now_ns();
    fill(b, b->kind->fill, ADDED_AT_ONCE);
    b->fill_ms = (int64_t)((clock_now_ns() - begin_ns) / 1000000);
    client_ask(b->client, "SET small x");
}

static void measure_huge(struct big *b)
{
    for (const struct small *s = b->kind->huge; s->label != NULL; s++) {
        fill_anew(b);
        measure(b, s->label, s->text, 1, true, AFTER_MS);
    }
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* All fields fall due in one millisecond, once the last of them is there. */
static void measure_due(struct big *b)
{
    char head[ELEMENT_BYTES_MAX];
    uint64_t count = b->options->keys / ADDED_AT_ONCE * ADDED_AT_ONCE;
    fill_anew(b); /* to know how long it takes */
    client_ask(b->client, "FLUSHALL ASYNC");
    int64_t due_ms = now_ms() + 1000 + 3 * b->fill_ms;
    snprintf(head, sizeof head, "HSETEX big PXAT %" PRId64 " FIELDS %d",
             due_ms, ADDED_AT_ONCE);
    b->fill = head;
    client_batches(b->client, 0, count, put_some, b);
    if (now_ms() + BEFORE_MS >= due_ms) {
        fail("fields were due before all were there");
    }
    sleep_ms((long)(due_ms - now_ms()) - BEFORE_MS);
    measure(b, "all fields due", "PING", 1, true,
            AFTER_MS + (long)(b->options->keys / 1000));
    printf("fields_left=%ld\n", client_ask(b->client, "HLEN big"));
}

static void measure_small(struct big *b, const char *prefix)
{
    /* Few enough that what they take does not count. */
    uint64_t share = b->options->keys / 1000;
    int times = share < SMALL_TIMES ? (int)share + 1 : SMALL_TIMES;
    for (const struct small *s = b->kind->small; s->label != NULL; s++) {
        char label[64];
        snprintf(label, sizeof label, "%s%s", prefix, s->label);
        measure(b, label, s->text, times, true, 0);
    }
}

static const struct kind *kind_of(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (name != NULL && strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    fail("no such kind of collection");
}

void event_big(const struct event_options *o)
{
    struct big *b = calloc(1, sizeof *b);
    if (b == NULL) {
        fail("no memory");
    }
    b->options = o;
    b->kind = kind_of(o->kind);
    b->random = 1;
    b->client = client_open(o->port);
    waits_open(&b->waits, o->server_pid, b->client);
    measure_packed(b);
    measure_fill(b);
    measure_nothing(b);
    measure_small(b, "");
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        measure(b, moves[i].label, moves[i].text, MOVE_TIMES, true, AFTER_MS);
    }
    if (b->kind->thin != NULL) {
        measure_thin(b);
        measure_small(b, "thin: ");
    }
    measure_huge(b);
    if (strcmp(b->kind->name, "hash") == 0) {
        measure_due(b);
    }
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        fill_anew(b);
        measure(b, ends[i].label, ends[i].text, 1, true, AFTER_MS);
    }
    waits_close(&b->waits);
    client_close(&b->client);
    free(b);
}
