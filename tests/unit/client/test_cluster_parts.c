/* Tests of what the cluster's client is made of: slots of keys, keys of commands,
 * redirections, and the map that a node gives. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "client/keys.h"
#include "client/redirect.h"
#include "client/topology.h"
#include "client/tree.h"
#include "stage.h"
#include "tests.h"

/* ---- slots ---- */

static uint16_t slot_of(const char *key)
{
    return slots_of_key(slice_of_text(key));
}

static void keys_have_their_slots(void **state)
{
    (void)state;
    assert_int_equal(slots_crc16(SLICE_LIT("123456789")), 0x31c3);
    assert_int_equal(slots_crc16(slice_of(NULL, 0)), 0);
    assert_int_equal(slot_of("foo"), 12182);
    assert_int_equal(slot_of("user1000"), 3443);
    assert_int_equal(slot_of(""), 0);
}

static void tags_keep_keys_together(void **state)
{
    (void)state;
    assert_int_equal(slot_of("{user1000}.following"), 3443);
    assert_int_equal(slot_of("a{user1000}b{other}"), 3443);
    assert_int_equal(slot_of("{user1000"),
                     slots_crc16(SLICE_LIT("{user1000")) % SLOTS_COUNT);
    assert_int_equal(slot_of("{}user1000"),
                     slots_crc16(SLICE_LIT("{}user1000")) % SLOTS_COUNT);
    assert_int_equal(slot_of("foo{{bar}}zap"), slot_of("{bar"));
    assert_int_equal(slot_of("x{"), slots_crc16(SLICE_LIT("x{")) % SLOTS_COUNT);
    assert_int_equal(slot_of("}{a}"), slot_of("a"));
}

/* ---- keys ---- */

enum { WORDS_MAX = 32 };

/* Splits at blanks; "-" is an empty argument. */
static size_t split(char *text, const char **words)
{
    size_t n = 0;
    char *rest = NULL;
    for (char *w = strtok_r(text, " ", &rest); w != NULL;
         w = strtok_r(NULL, " ", &rest)) {
        assert_true(n < WORDS_MAX);
        words[n++] = strcmp(w, "-") == 0 ? "" : w;
    }
    return n;
}

static enum keys_found find(const char *command, uint16_t *slot)
{
    char copy[512];
    const char *words[WORDS_MAX];
    struct mem_account account;
    struct shelf shelf;
    struct encode_size size;
    size_t kept = 0;
    mem_account_init(&account);
    shelf_init(&shelf, &account);
    snprintf(copy, sizeof copy, "%s", command);
    struct encode_source s = { .argc = split(copy, words), .argv = words };
    assert_true(encode_measure(&s, &size));
    struct engram_command *cmd =
        command_create_whole(&account, &kept, &shelf, &s, &size);
    assert_non_null(cmd);
    enum keys_found found = keys_find(cmd, slot);
    command_release(cmd);
    shelf_trim(&shelf);
    assert_int_equal(mem_used(&account), 0);
    return found;
}

/* In each of these every key is "k", or holds it as its tag, and whatever else
 * stands there has another slot. */
static void keys_are_where_the_command_has_them(void **state)
{
    static const char *const commands[] = {
        "GET k", "get k", "SET k v", "UNKNOWN k x y", "HSET k f v",
        "DEL k {k}2 {k}3", "MGET k {k}2", "MSET k v {k}2 w",
        "BLPOP k {k}2 5", "BLMOVE k {k}d LEFT RIGHT 0", "BITOP AND k {k}1 {k}2",
        "EVAL script 1 k v", "EVALSHA sha 2 k {k}2 v", "FCALL f 1 k v",
        "ZUNION 2 k {k}2 WEIGHTS 1 2", "ZUNIONSTORE k 2 {k}1 {k}2 WEIGHTS 1 2",
        "ZUNIONSTORE k", "LMPOP 1 k LEFT", "BLMPOP 0 2 k {k}2 LEFT",
        "XREAD COUNT 2 STREAMS k {k}2 0 0", "xread streams k 0",
        "XREADGROUP GROUP g c BLOCK 5 STREAMS k >",
        "OBJECT ENCODING k", "MEMORY USAGE k SAMPLES 5", "XINFO STREAM k",
        "XGROUP CREATE k g $", "MIGRATE h 7000 k 0 100",
        "MIGRATE h 7000 - 0 100 KEYS k {k}2", "SORT k BY weight_*",
        "COPY k {k}2 REPLACE", "SPUBLISH k message", "PFMERGE k {k}2 {k}3",
    };
    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        uint16_t slot = SLOT_NONE;
        enum keys_found found = find(commands[i], &slot);
        if (found != KEYS_ONE_SLOT || slot != slot_of("k")) {
            fail_msg("%s: %d, slot %d", commands[i], (int)found, slot);
        }
    }
}

static void expect_found(const char *command, enum keys_found expected)
{
    uint16_t slot;
    enum keys_found found = find(command, &slot);
    if (found != expected) {
        fail_msg("%s: %d, expected %d", command, (int)found, (int)expected);
    }
}

static void commands_without_keys_and_malformed_ones(void **state)
{
    static const char *const commands[] = {
        "PING", "INFO server", "GET", "OBJECT HELP", "MEMORY DOCTOR",
        "EVAL script 0 v", "EVAL script", "EVAL script x k", "EVAL script 5 k",
        "EVAL script -1 k", "EVAL script 18446744073709551615 k",
        "XREAD COUNT 2", "XREAD STREAMS", "XREAD STREAMS k", "BITOP AND",
        "BLPOP k", "MIGRATE h 1 - 0 100", "MIGRATE h 1 - 0 100 KEYS",
        "MIGRATE h", "FLUSHALL", "SCRIPT LOAD x", "LCS k", "PUBLISH c m",
    };
    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        expect_found(commands[i], KEYS_NONE);
    }
}

static void keys_of_several_slots_are_seen(void **state)
{
    static const char *const commands[] = {
        "MGET a b", "MSET a 1 b 2", "DEL a {a}2 b", "RENAME a b",
        "EVAL script 2 a b", "ZINTERSTORE a 1 b", "XREAD STREAMS a b 0 0",
        "BITOP NOT a b", "BLPOP a b 0", "MIGRATE h 1 - 0 9 KEYS a b",
    };
    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        expect_found(commands[i], KEYS_SEVERAL_SLOTS);
    }
}

static void what_changes_a_connection_is_told(void **state)
{
    static const char *const commands[] = {
        "MULTI", "exec", "WATCH k", "SELECT 1", "SUBSCRIBE c", "SSUBSCRIBE c",
        "ASKING", "READONLY", "AUTH pw", "RESET", "MONITOR", "QUIT",
    };
    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        expect_found(commands[i], KEYS_STATEFUL);
    }
}

static void ignore(void *arg)
{
    (void)arg;
}

static void borrowed_arguments_are_walked_over(void **state)
{
    struct mem_account account;
    size_t kept = 0;
    uint16_t slot;
    (void)state;
    mem_account_init(&account);
    struct engram_command *cmd = command_create(&account, &kept);
    assert_int_equal(engram_command_add_borrowed(cmd, "EVAL", 4, ignore, NULL),
                     ENGRAM_OK);
    assert_int_equal(engram_command_add(cmd, "x\r\n", 3), ENGRAM_OK);
    assert_int_equal(engram_command_add_integer(cmd, 1), ENGRAM_OK);
    assert_int_equal(engram_command_add_borrowed(cmd, "k", 1, ignore, NULL),
                     ENGRAM_OK);
    assert_int_equal(engram_command_add(cmd, "", 0), ENGRAM_OK);
    command_seal(cmd);
    assert_int_equal(keys_find(cmd, &slot), KEYS_ONE_SLOT);
    assert_int_equal(slot, slot_of("k"));
    command_release(cmd);
    assert_int_equal(mem_used(&account), 0);
}

/* ---- redirections ---- */

static const char *redirection(const char *error)
{
    static const char *const kinds[] = { "none", "moved", "ask", "later",
                                         "away" };
    static char text[400];
    struct redirect r = redirect_parse(slice_of_text(error));
    if (r.kind == REDIRECT_MOVED || r.kind == REDIRECT_ASK) {
        snprintf(text, sizeof text, "%s %d %.*s %d", kinds[r.kind], r.slot,
                 (int)r.host.len, (const char *)r.host.data, r.port);
        return text;
    }
    return kinds[r.kind];
}

static void redirections_are_read(void **state)
{
    (void)state;
    assert_string_equal(redirection("MOVED 3999 127.0.0.1:6381"),
                        "moved 3999 127.0.0.1 6381");
    assert_string_equal(redirection("ASK 0 host.example:1"),
                        "ask 0 host.example 1");
    assert_string_equal(redirection("MOVED 16383 ::1:6381"),
                        "moved 16383 ::1 6381");
    assert_string_equal(redirection("MOVED 1 :6381"), "moved 1  6381");
    assert_string_equal(redirection("MOVED 1 ?:6381"), "away");
    assert_string_equal(redirection("TRYAGAIN Multiple keys request"), "later");
    assert_string_equal(redirection("CLUSTERDOWN Hash slot not served"), "away");
    assert_string_equal(redirection("LOADING dataset"), "away");
    assert_string_equal(redirection("READONLY replica"), "away");
}

static void nonsense_is_no_redirection(void **state)
{
    static const char *const errors[] = {
        "", "ERR MOVED 1 h:1", "MOVED", "MOVED x h:1", "MOVED 16384 h:1",
        "MOVED -1 h:1", "MOVEDX 1 h:1", "moved 1 h:1",
        "TRYAGAIN now script: abc, on @user_script:1.",
    };
    static const char *const without_a_node[] = {
        "MOVED 1", "MOVED 1 h", "MOVED 1 h:", "MOVED 1 h:0", "MOVED 1 h:65536",
        "MOVED 1 h:x", "ASK 1 h:-5",
    };
    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        assert_string_equal(redirection(errors[i]), "none");
    }
    for (size_t i = 0; i < sizeof without_a_node / sizeof without_a_node[0];
         i++) {
        assert_string_equal(redirection(without_a_node[i]), "away");
    }
    char long_host[400] = "MOVED 1 ";
    memset(long_host + 8, 'h', 300);
    strcpy(long_host + 308, ":1");
    assert_string_equal(redirection(long_host), "away");
}

/* ---- topology ---- */

/* Builds the reply's tree from its protocol, and reads it with `fail_after`
 * allocations that succeed. CANCELLED: the protocol is broken. */
static enum engram_status read_topology(const char *protocol,
                                        struct topology *t,
                                        struct mem_account *account,
                                        int64_t fail_after, const char **why)
{
    static const struct decode_reply_limits limits = {
        .line_bytes_max = 1024,
        .depth_max = 8,
        .text_bytes_max = 1 << 20,
        .elements_max = INT32_MAX,
    };
    struct decode_reply_state state = { 0 };
    struct mem_account tree_account;
    struct tree tree;
    struct reply_event e = { .ends_reply = false };
    const char *error;
    size_t len = strlen(protocol), at = 0, used;
    uint8_t *copy = malloc(len + 1);
    memcpy(copy, protocol, len + 1);
    mem_account_init(&tree_account);
    mem_account_init(account);
    account->fail_after = fail_after;
    tree_init(&tree, &tree_account, 1 << 24);
    bool is_whole = true;
    for (; !e.ends_reply && is_whole; at += used) {
        is_whole = decode_reply(&state, slice_of(copy + at, len - at), &limits,
                                &e, &used, &error) == DECODE_REPLY_EVENT &&
                   tree_add(&tree, &e) == ST_OK;
    }
    enum engram_status st =
        is_whole ? topology_init(t, account, &tree.root, "asked", why)
                 : ENGRAM_CANCELLED;
    tree_deinit(&tree);
    free(copy);
    return st;
}

/* Two masters; the first has a replica that is known by its metadata only, the
 * second is the host that was asked and has one without a port. */
static const char two_masters[] =
    "*3\r\n"
    "*4\r\n:0\r\n:5\r\n"
    "*4\r\n$1\r\na\r\n:7000\r\n$2\r\nid\r\n*0\r\n"
    "*4\r\n$1\r\n?\r\n:7001\r\n$2\r\nid\r\n*2\r\n$2\r\nip\r\n$1\r\nb\r\n"
    "*4\r\n:6\r\n:16382\r\n*3\r\n$-1\r\n:7002\r\n$2\r\nid\r\n"
    "*2\r\n$1\r\nc\r\n:0\r\n"
    "*4\r\n:16383\r\n:16383\r\n"
    "*2\r\n$1\r\na\r\n:7000\r\n"
    "*2\r\n$1\r\nb\r\n:7001\r\n";

static void a_map_is_read(void **state)
{
    struct topology *t = malloc(sizeof *t);
    struct mem_account account;
    const char *why;
    (void)state;
    assert_int_equal(read_topology(two_masters, t, &account, -1, &why),
                     ENGRAM_OK);
    assert_int_equal(t->count, 3);
    assert_string_equal(t->nodes[0].host, "a");
    assert_int_equal(t->nodes[0].port, 7000);
    assert_int_equal(t->nodes[0].master, TOPOLOGY_NO_NODE);
    assert_string_equal(t->nodes[1].host, "b");
    assert_int_equal(t->nodes[1].master, 0);
    assert_string_equal(t->nodes[2].host, "asked");
    assert_int_equal(t->owners[0], 0);
    assert_int_equal(t->owners[5], 0);
    assert_int_equal(t->owners[6], 2);
    assert_int_equal(t->owners[16382], 2);
    assert_int_equal(t->owners[16383], 0);
    topology_deinit(t);
    assert_int_equal(mem_used(&account), 0);
    free(t);
}

static void a_map_needs_memory(void **state)
{
    struct topology *t = malloc(sizeof *t);
    struct mem_account account;
    const char *why;
    enum engram_status st = ENGRAM_NOMEM;
    int64_t n;
    (void)state;
    for (n = 0; st == ENGRAM_NOMEM; n++) {
        st = read_topology(two_masters, t, &account, n, &why);
        assert_true(st == ENGRAM_OK || mem_used(&account) == 0);
    }
    assert_int_equal(st, ENGRAM_OK);
    assert_true(n > 4);
    topology_deinit(t);
    free(t);
}

static void a_map_of_nonsense_is_refused(void **state)
{
    static const char *const replies[] = {
        "+OK\r\n", ":1\r\n", "*0\r\n", "*1\r\n:1\r\n", "*1\r\n*0\r\n",
        "*1\r\n*2\r\n:0\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n:2\r\n",
        "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$1\r\na\r\n:1\r\n",
        "*1\r\n*3\r\n:-1\r\n:5\r\n*2\r\n$1\r\na\r\n:1\r\n",
        "*1\r\n*3\r\n:5\r\n:4\r\n*2\r\n$1\r\na\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:4\r\n*2\r\n$1\r\na\r\n:65536\r\n",
        "*1\r\n*3\r\n:0\r\n:4\r\n*2\r\n$1\r\na\r\n:-1\r\n",
        "*1\r\n*3\r\n:0\r\n:4\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n",
        "*1\r\n*3\r\n:0\r\n:4\r\n*2\r\n$1\r\na\r\n:0\r\n",
        "*1\r\n*3\r\n$1\r\n0\r\n:4\r\n*2\r\n$1\r\na\r\n:1\r\n",
        /* Each is the other's replica, and at last nobody's slot. */
        "*3\r\n"
        "*4\r\n:0\r\n:0\r\n*2\r\n$1\r\na\r\n:1\r\n"
        "*2\r\n$1\r\nb\r\n:1\r\n"
        "*4\r\n:0\r\n:0\r\n*2\r\n$1\r\nb\r\n:1\r\n"
        "*2\r\n$1\r\na\r\n:1\r\n"
        "*3\r\n:0\r\n:0\r\n*2\r\n$1\r\na\r\n:0\r\n",
    };
    struct topology *t = malloc(sizeof *t);
    struct mem_account account;
    (void)state;
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        const char *why = NULL;
        assert_int_equal(read_topology(replies[i], t, &account, -1, &why),
                         ENGRAM_PROTOCOL);
        assert_non_null(strstr(why, "CLUSTER SLOTS: "));
        assert_int_equal(mem_used(&account), 0);
    }
    free(t);
}

static void a_damaged_map_does_no_damage(void **state)
{
    enum { ROUNDS = 20000, HITS_MAX = 3 };
    static const char bytes[] = "*$:-+%_?0123456789\r\nab";
    struct topology *t = malloc(sizeof *t);
    struct mem_account account;
    struct random random;
    size_t outcomes[ENGRAM_STATUS_COUNT] = { 0 };
    (void)state;
    random_init(&random, 7);
    for (int round = 0; round < ROUNDS; round++) {
        char text[sizeof two_masters];
        const char *why = NULL;
        memcpy(text, two_masters, sizeof text);
        for (uint64_t hits = 1 + random_below(&random, HITS_MAX); hits > 0;
             hits--) {
            text[random_below(&random, sizeof text - 1)] =
                bytes[random_below(&random, sizeof bytes - 1)];
        }
        enum engram_status st = read_topology(text, t, &account, -1, &why);
        outcomes[st]++;
        if (st == ENGRAM_OK) {
            for (size_t i = 0; i < SLOTS_COUNT; i++) {
                assert_true(t->owners[i] == TOPOLOGY_NO_NODE ||
                            t->owners[i] < t->count);
            }
            topology_deinit(t);
        }
        assert_int_equal(mem_used(&account), 0);
    }
    assert_true(outcomes[ENGRAM_OK] > 0 && outcomes[ENGRAM_PROTOCOL] > 0);
    assert_int_equal(outcomes[ENGRAM_OK] + outcomes[ENGRAM_PROTOCOL] +
                         outcomes[ENGRAM_CANCELLED],
                     ROUNDS);
    free(t);
}

/* `count` nodes for one slot, the first of which is its master. */
static enum engram_status read_nodes(size_t count, struct topology *t,
                                     struct mem_account *account)
{
    char *text = malloc(count * 40 + 100);
    const char *why;
    size_t n = (size_t)sprintf(text, "*1\r\n*%zu\r\n:0\r\n:0\r\n", count + 2);
    for (size_t i = 0; i < count; i++) {
        n += (size_t)sprintf(text + n, "*2\r\n$1\r\nh\r\n:%zu\r\n", i + 1);
    }
    enum engram_status st = read_topology(text, t, account, -1, &why);
    free(text);
    return st;
}

static void a_map_names_a_bounded_number_of_nodes(void **state)
{
    struct topology *t = malloc(sizeof *t);
    struct mem_account account;
    (void)state;
    assert_int_equal(read_nodes(TOPOLOGY_NODES_MAX, t, &account), ENGRAM_OK);
    assert_int_equal(t->count, TOPOLOGY_NODES_MAX);
    assert_int_equal(t->nodes[TOPOLOGY_NODES_MAX - 1].master, 0);
    topology_deinit(t);
    assert_int_equal(read_nodes(TOPOLOGY_NODES_MAX + 1, t, &account),
                     ENGRAM_PROTOCOL);
    assert_int_equal(mem_used(&account), 0);
    free(t);
}

int test_cluster_parts_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_have_their_slots),
        cmocka_unit_test(tags_keep_keys_together),
        cmocka_unit_test(keys_are_where_the_command_has_them),
        cmocka_unit_test(commands_without_keys_and_malformed_ones),
        cmocka_unit_test(keys_of_several_slots_are_seen),
        cmocka_unit_test(what_changes_a_connection_is_told),
        cmocka_unit_test(borrowed_arguments_are_walked_over),
        cmocka_unit_test(redirections_are_read),
        cmocka_unit_test(nonsense_is_no_redirection),
        cmocka_unit_test(a_map_is_read),
        cmocka_unit_test(a_map_needs_memory),
        cmocka_unit_test(a_map_of_nonsense_is_refused),
        cmocka_unit_test(a_damaged_map_does_no_damage),
        cmocka_unit_test(a_map_names_a_bounded_number_of_nodes),
    };
    return cmocka_run_group_tests_name("cluster parts", tests, NULL, NULL);
}
