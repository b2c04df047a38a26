/* Scripts of commands on whole databases and on the connection. */
#include "tests.h"

static const struct step flush_steps[] = {
    {"MSET a 1 b 2", OK, "MSET a 1 b 2", "$set a; $set b"},
    {"SELECT 3", OK},
    {"SET c 3", OK, "3:SET c 3", "3:$set c"},
    {"DBSIZE", ":1|"},
    {"FLUSHDB", OK, "3:FLUSHDB"},
    {"DBSIZE", ":0|"},
    {"GET c", NIL},
    {"FLUSHDB ASYNC", OK, "3:FLUSHDB ASYNC"},
    {"FLUSHDB what", SYNTAX},
    {"SELECT 0", OK},
    {"DBSIZE", ":2|"},
    {"SWAPDB 0 1", OK, "SWAPDB 0 1"},
    {"DBSIZE", ":0|"},
    {"SWAPDB 0 0", OK, "SWAPDB 0 0"},
    {"SWAPDB 0 4", "-ERR DB index is out of range|"},
    {"SWAPDB x 1", "-ERR invalid first DB index|"},
    {"SWAPDB 1 x", "-ERR invalid second DB index|"},
    {"SELECT 1", OK},
    {"GET a", "$1|1|"},
    {"FLUSHALL SYNC", OK, "1:FLUSHALL SYNC"},
    {"FLUSHALL SYNC ASYNC", SYNTAX},
    {"DBSIZE", ":0|"},
    {"SET a 1", OK, "1:SET a 1", "1:$set a"},
};
SCRIPT_TEST(flush)

static const struct step connection_steps[] = {
    {"PING", "+PONG|"},
    {"PING 'two words'", "$9|two words|"},
    {"PING a b", "-ERR wrong number of arguments for 'ping' command|"},
    {"ECHO ''", "$0||"},
    {"SELECT 4", "-ERR DB index is out of range|"},
    {"SELECT -1", "-ERR DB index is out of range|"},
    {"SELECT x", NOT_INT},
    {"SELECT 1", OK},
    {"SET a 1", OK, "1:SET a 1", "1:$set a"},
    {"QUIT", OK},
    {"PING", ""},
};
SCRIPT_TEST(connection)

int test_keyspace_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flush),
        cmocka_unit_test(test_connection),
    };
    return cmocka_run_group_tests_name("keyspace", tests, NULL, NULL);
}
