/* house: a store with its workers, without a network: sessions whose replies are
 * read as text, and a record of every effect and event. */
#include "house.h"

#include <stdio.h>
#include <stdlib.h>

#include "types/hash.h"
#include "types/set.h"
#include "types/zset.h"

/* A request's words, kept until it has run. */
struct held_argv {
    struct held_argv *next;
    uint32_t argc;
    struct slice *argv;
    char bytes[];
};

/* ---- text ---- */

static void text_add(struct text *t, const void *bytes, size_t len)
{
    if (t->len + len + 1 > t->cap) {
        t->cap = (t->len + len + 1) * 2;
        t->bytes = realloc(t->bytes, t->cap);
        assert_non_null(t->bytes);
    }
    memcpy(t->bytes + t->len, bytes, len);
    t->len += len;
    t->bytes[t->len] = 0;
}

static void text_add_text(struct text *t, const char *s)
{
    text_add(t, s, strlen(s));
}

static void text_clear(struct text *t)
{
    free(t->bytes);
    *t = (struct text){0};
}

/* Bytes that cannot be seen are written as \xNN. */
static void text_add_visibly(struct text *t, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char hex[8];
        bool is_visible = s.data[i] >= 0x20 && s.data[i] < 0x7f;
        snprintf(hex, sizeof hex, is_visible ? "%c" : "\\x%02x", s.data[i]);
        text_add_text(t, hex);
    }
}

static void begin_record(struct text *t, uint32_t database)
{
    char number[16];
    if (t->len > 0) {
        text_add_text(t, "; ");
    }
    if (database > 0) {
        snprintf(number, sizeof number, "%u:", database);
        text_add_text(t, number);
    }
}

/* ---- what the store and the execs tell ---- */

/* An effect must run wherever it is read; what it answers is nobody's. */
static void replay(struct house *replica, const struct change *c)
{
    replica->seats[0].session.database = c->database;
    house_add_argv(replica, 0, c->argv, c->argc);
    house_run(replica);
    struct slice reply = house_take(replica, 0);
    assert_true(reply.len > 0);
    assert_true(reply.data[0] != '-');
}

static void put(void *self, const struct change *c)
{
    struct house *h = self;
    if (h->replica != NULL) {
        replay(h->replica, c);
    }
    begin_record(&h->effects, c->database);
    for (uint32_t i = 0; i < c->argc; i++) {
        text_add_text(&h->effects, i > 0 ? " " : "");
        text_add_visibly(&h->effects, c->argv[i]);
    }
}

static void record_event(struct house *h, uint32_t database, char cls,
                         const char *event, struct slice key)
{
    begin_record(&h->events, database);
    text_add(&h->events, &cls, 1);
    text_add_text(&h->events, event);
    text_add_text(&h->events, " ");
    text_add_visibly(&h->events, key);
}

static void notify(void *host, uint32_t database, enum event_class cls,
                   const char *event, struct slice key)
{
    record_event(host, database, (char)cls, event, key);
}

static void raise_event(void *self, uint32_t database, const char *event,
                  struct slice key)
{
    struct house *h = self;
    if (!h->is_silent) {
        char cls = strcmp(event, "expired") == 0 ? 'x'
                   : strcmp(event, "del") == 0   ? 'g'
                                                 : 'h';
        record_event(h, database, cls, event, key);
    }
    exec_key_gone(h->interests, h->store, database, key);
}

static void due_sooner(void *self, uint32_t shard)
{
    struct house *h = self;
    atomic_fetch_add(&h->sooner_count, 1);
    atomic_store(&h->sooner_shard, shard);
}

/* ---- sessions that wait ---- */

static void on_block(void *host, struct session *s, int64_t deadline_ms)
{
    struct house *h = host;
    struct seat *seat = (struct seat *)(void *)((char *)s
                            - offsetof(struct seat, session));
    assert_true(seat >= h->seats);
    assert_true(seat < h->seats + HOUSE_SEATS);
    seat->block_deadline_ms = deadline_ms;
}

static void post(void *host, uint32_t worker, struct message *m)
{
    struct house *h = host;
    mailbox_send(&h->mailboxes[worker], m);
}

void house_read_mail(struct house *h, uint32_t worker)
{
    struct message *m = mailbox_take(&h->mailboxes[worker]);
    while (m != NULL) {
        struct message *next = m->next;
        m->run(NULL, m);
        m = next;
    }
}

/* ---- making ---- */

static void seat_init(struct seat *seat, uint32_t i, uint32_t worker)
{
    mem_account_init(&seat->account);
    chunk_pool_init(&seat->pool, &seat->account);
    chain_init(&seat->chain, &seat->pool);
    seat->session.id = i + 1;
    seat->session.worker = worker;
    seat->session.is_authenticated = true;
    seat->session.reply.out = &seat->chain;
    seat->session.reply.protocol = 2;
}

static void make_execs(struct house *h, const struct house_options *o)
{
    struct exec_options eo = {
        .store = h->store, .commands = h->commands, .gate = h->gate,
        .shared = &h->shared, .interests = h->interests,
        .on_block = on_block, .post = post, .worker_count = h->worker_count, .host = h,
        .random_seed = 3, .ticks_per_us = 1000,
        .sink = {o->is_silent ? NULL : put, h},
        .notify = o->is_silent ? NULL : notify,
    };
    for (uint32_t i = 0; i < h->worker_count; i++) {
        mem_account_init(&h->accounts[i]);
        eo.worker = i;
        mailbox_init(&h->mailboxes[i], NULL, NULL);
        eo.account = &h->accounts[i];
        h->execs[i] = exec_create(&eo);
        assert_non_null(h->execs[i]);
    }
    house_wait(h, 0);
}

void house_init(struct house *h, const struct house_options *o)
{
    struct pages_options po = {.reserve_bytes = (size_t)1 << 30};
    memset(h, 0, sizeof *h);
    h->worker_count = o->worker_count > 0 ? o->worker_count : 1;
    h->now_ms = HOUSE_NOW_MS;
    h->pages = pages_create(&po);
    assert_non_null(h->pages);
    struct store_options so = {
        .shard_count = o->shard_count > 0 ? o->shard_count : 1,
        .database_count = HOUSE_DATABASES, .pages = h->pages, .seed = {5, 6},
        .sink = {o->is_silent ? NULL : put, h},
        .events = {.raise = raise_event, .due_sooner = due_sooner, .self = h},
        .now_ms = HOUSE_NOW_MS,
    };
    h->store = store_create(&so);
    assert_non_null(h->store);
    mem_account_init(&h->table_account);
    h->commands = cmd_table_create(&h->table_account, o->families);
    assert_non_null(h->commands);
    h->gate = h->worker_count > 1 ? gate_create(h->worker_count) : NULL;
    atomic_store(&h->shared.string_bytes_max, (uint64_t)1 << 20);
    h->is_silent = o->is_silent;
    mem_account_init_shared(&h->interests_account);
    h->interests = interests_create(&h->interests_account,
                                    store_shard_count(h->store));
    assert_non_null(h->interests);
    make_execs(h, o);
    for (uint32_t i = 0; i < HOUSE_SEATS; i++) {
        seat_init(&h->seats[i], i, i % h->worker_count);
    }
}

void house_deinit(struct house *h)
{
    struct pages_stats st;
    for (uint32_t i = 0; i < HOUSE_SEATS; i++) {
        struct seat *seat = &h->seats[i];
        exec_session_end(h->execs[seat->session.worker], &seat->session);
        house_read_mail(h, seat->session.worker);
        assert_false(seat->chain.failed);
        chain_deinit(&seat->chain);
        chunk_pool_deinit(&seat->pool);
        assert_int_equal(mem_used(&seat->account), 0);
        text_clear(&seat->taken);
    }
    for (uint32_t i = 0; i < h->worker_count; i++) {
        exec_destroy(&h->execs[i]);
        assert_int_equal(mem_used(&h->accounts[i]), 0);
    }
    if (h->gate != NULL) {
        gate_destroy(&h->gate);
    }
    interests_destroy(&h->interests);
    assert_int_equal(mem_used(&h->interests_account), 0);
    cmd_table_destroy(&h->commands);
    assert_int_equal(mem_used(&h->table_account), 0);
    store_destroy(&h->store);
    pages_stats_read(h->pages, &st);
    assert_int_equal(st.used_bytes, 0);
    pages_destroy(&h->pages);
    text_clear(&h->effects);
    text_clear(&h->events);
}

void house_wait(struct house *h, int64_t ms)
{
    h->now_ms += ms;
    h->now_us += ms * 1000;
    for (uint32_t i = 0; i < h->worker_count; i++) {
        exec_set_now(h->execs[i], h->now_ms, h->now_us);
    }
}

/* ---- requests ---- */

static unsigned hex_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
}

/* One word of a line goes to `out`; what is left of the line. */
static const char *read_word(const char *p, char *out, size_t *len)
{
    bool is_quoted = *p == '\'';
    char end = is_quoted ? '\'' : ' ';
    *len = 0;
    for (p += is_quoted; *p != 0 && *p != end; p++) {
        if (p[0] == '\\' && p[1] == 'x') {
            out[(*len)++] = (char)(hex_digit(p[2]) * 16 + hex_digit(p[3]));
            p += 3;
        } else {
            out[(*len)++] = *p;
        }
    }
    p += is_quoted;
    return *p == ' ' ? p + 1 : p;
}

void house_add(struct house *h, uint32_t seat, const char *line)
{
    size_t bytes = strlen(line);
    struct held_argv *held = calloc(1, sizeof *held + bytes + 1);
    char *at = held->bytes;
    held->argv = calloc(bytes + 1, sizeof *held->argv);
    for (const char *p = line; *p != 0;) {
        size_t len;
        p = read_word(p, at, &len);
        held->argv[held->argc++] = slice_of(at, len);
        at += len;
    }
    held->next = h->held;
    h->held = held;
    house_add_argv(h, seat, held->argv, held->argc);
}

void house_add_argv(struct house *h, uint32_t seat, const struct slice *argv,
                    uint32_t argc)
{
    struct session *s = &h->seats[seat].session;
    struct exec *x = h->execs[s->worker];
    uint32_t max;
    struct slice *room = exec_room(x, &max);
    assert_false(exec_is_full(x));
    if (argc <= max) { /* as decoded requests are */
        memcpy(room, argv, argc * sizeof *argv);
        argv = room;
    }
    exec_add(x, s, argv, argc);
    assert_false(exec_is_empty(x));
}

void house_run(struct house *h)
{
    for (uint32_t i = 0; i < h->worker_count; i++) {
        exec_run(h->execs[i]);
        assert_true(exec_is_empty(h->execs[i]));
    }
    while (h->held != NULL) {
        struct held_argv *held = h->held;
        h->held = held->next;
        free(held->argv);
        free(held);
    }
}

struct slice house_take(struct house *h, uint32_t seat)
{
    struct seat *s = &h->seats[seat];
    struct iovec iov[16];
    s->taken.len = 0;
    text_add(&s->taken, "", 0);
    while (s->chain.bytes > 0) {
        int n = chain_vectors(&s->chain, iov, 16);
        size_t bytes = 0;
        for (int i = 0; i < n; i++) {
            text_add(&s->taken, iov[i].iov_base, iov[i].iov_len);
            bytes += iov[i].iov_len;
        }
        chain_consume(&s->chain, bytes);
    }
    return slice_of(s->taken.bytes, s->taken.len);
}

/* ---- comparing ---- */

/* What is expected, its escapes resolved. */
static void unescape(struct text *t, const char *want)
{
    text_add(t, "", 0);
    for (const char *p = want; *p != 0; p++) {
        if (p[0] == '\\' && p[1] == 'x') {
            char byte = (char)(hex_digit(p[2]) * 16 + hex_digit(p[3]));
            text_add(t, &byte, 1);
            p += 3;
        } else {
            text_add(t, *p == '|' ? "\r\n" : p, *p == '|' ? 2 : 1);
        }
    }
}

static void compare(const char *what, struct slice got, struct slice want)
{
    if (!slice_equal(got, want)) {
        struct text seen = {0}, hoped = {0};
        text_add(&seen, "", 0);
        text_add(&hoped, "", 0);
        text_add_visibly(&seen, got);
        text_add_visibly(&hoped, want);
        print_error("%s: expected %s\n  got %s\n", what, hoped.bytes,
                    seen.bytes);
        text_clear(&seen);
        text_clear(&hoped);
        fail();
    }
}

static void compare_reply(const char *what, struct slice got, const char *want)
{
    struct text full = {0};
    unescape(&full, want);
    compare(what, got, slice_of(full.bytes, full.len));
    text_clear(&full);
}

static void compare_record(const char *what, struct text *t, const char *want)
{
    compare(what, slice_of(t->bytes, t->len), slice_of_text(want));
    text_clear(t);
}

void house_expect_reply(struct house *h, uint32_t seat, const char *reply)
{
    compare_reply("reply", house_take(h, seat), reply);
}

void house_expect(struct house *h, uint32_t seat, const char *line,
                  const char *reply)
{
    house_add(h, seat, line);
    house_run(h);
    compare_reply(line, house_take(h, seat), reply);
}

void house_expect_effects(struct house *h, const char *want)
{
    compare_record("effects", &h->effects, want);
}

void house_expect_events(struct house *h, const char *want)
{
    compare_record("events", &h->events, want);
}

void house_check(struct house *h)
{
    for (uint32_t i = 0; i < store_shard_count(h->store); i++) {
        for (uint32_t d = 0; d < HOUSE_DATABASES; d++) {
            struct keyspace *ks = store_keyspace(h->store, i, d);
            if (ks != NULL) {
                keyspace_check(ks);
            }
        }
    }
}

struct twin {
    struct house *h;
    uint32_t database;
};

struct next_element {
    const struct entry *in;
    size_t rank;
};

static bool is_in_set(void *other, struct slice member)
{
    assert_true(set_contains(other, member));
    return true;
}

static bool is_next(void *self, struct slice member, double score)
{
    struct next_element *n = self;
    size_t rank = 0;
    double other = 0;
    assert_true(zset_rank(n->in, member, &rank, &other));
    assert_int_equal(rank, n->rank);
    assert_true(score == other);
    n->rank++;
    return true;
}

static bool is_in_hash(void *other, const struct hash_item *item)
{
    char scratch[HASH_SCRATCH_BYTES];
    struct hash_item twin;
    assert_true(hash_find(other, item->field, scratch, &twin));
    assert_true(slice_equal(twin.value, item->value));
    assert_true(twin.deadline_ms == item->deadline_ms);
    return true;
}

/* Of sets, sorted sets and hashes; of lists only the number. */
static void compare_elements(const struct entry *other, const struct entry *e)
{
    struct next_element n = {other, 0};
    assert_int_equal(value_count(other), value_count(e));
    if (e->type == TYPE_SET) {
        set_visit(e, is_in_set, (void *)(uintptr_t)other);
    } else if (e->type == TYPE_ZSET) {
        zset_visit(e, 0, value_count(e), false, is_next, &n);
    } else if (e->type == TYPE_HASH) {
        hash_visit(e, is_in_hash, (void *)(uintptr_t)other);
    }
}

static void find_twin(void *self, const struct entry *e)
{
    struct twin *t = self;
    struct key k = store_key(t->h->store, entry_key(e));
    struct keyspace *ks = store_keyspace(
        t->h->store, store_shard_of(t->h->store, k.hash), t->database);
    const struct entry *other = keyspace_find(ks, &k);
    char scratch[2][STRING_SCRATCH_BYTES];
    if (other == NULL) {
        print_error("%.*s is in one only\n", (int)k.name.len,
                    (const char *)k.name.data);
    }
    assert_non_null(other);
    assert_int_equal(other->type, e->type);
    if (e->type == TYPE_STRING) {
        compare((const char *)k.name.data, string_bytes(other, scratch[0]),
                string_bytes(e, scratch[1]));
    } else {
        compare_elements(other, e);
    }
    assert_int_equal(entry_deadline_ms(other), entry_deadline_ms(e));
}

void house_expect_equal(struct house *a, struct house *b)
{
    for (uint32_t d = 0; d < HOUSE_DATABASES; d++) {
        struct twin t = {b, d};
        assert_int_equal(store_database_size(a->store, d),
                         store_database_size(b->store, d));
        for (uint32_t i = 0; i < store_shard_count(a->store); i++) {
            struct keyspace *ks = store_keyspace(a->store, i, d);
            uint64_t cursor = 0;
            do {
                cursor = keyspace_scan(ks, cursor, find_twin, &t);
            } while (cursor != 0);
        }
    }
}

struct keyspace *house_keyspace(struct house *h, uint32_t database,
                                const char *key)
{
    struct key k = store_key(h->store, slice_of_text(key));
    return store_keyspace(h->store, store_shard_of(h->store, k.hash), database);
}

struct entry *house_find(struct house *h, uint32_t database, const char *key)
{
    struct key k = store_key(h->store, slice_of_text(key));
    struct keyspace *ks = house_keyspace(h, database, key);
    return ks == NULL ? NULL : keyspace_find_live(ks, &k, h->now_ms);
}
