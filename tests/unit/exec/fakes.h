/* fakes: commands that show what the dispatcher does to a command. */
#ifndef ENGRAM_TESTS_UNIT_EXEC_FAKES_H
#define ENGRAM_TESTS_UNIT_EXEC_FAKES_H

#include "house.h"

extern const struct cmd_spec fake_cmds[];
extern const struct cmd_spec *const fake_families[];

/* The test in a house of one worker, and in one of several. */
void fake_each(void (*test)(struct house *h));
#define FAKE_EACH(name) \
    static void test_##name(void **state) \
    { \
        (void)state; \
        fake_each(name); \
    }

#endif
