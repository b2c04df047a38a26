/* script: requests with what each must answer, propagate and raise. A script
 * runs with one worker and again with several and locks; all that it propagates
 * is run by a replica, which must end with the same keys. */
#ifndef ENGRAM_TESTS_UNIT_COMMANDS_SCRIPT_H
#define ENGRAM_TESTS_UNIT_COMMANDS_SCRIPT_H

#include "house.h"

#define OK "+OK|"
#define NIL "$-1|"
#define SYNTAX "-ERR syntax error|"
#define NOT_INT "-ERR value is not an integer or out of range|"
#define OOM "-OOM out of memory: the command was not carried out|"

struct step {
    const char *line; /* or "@MS": so much time passes */
    const char *reply;
    const char *effects; /* NULL: none; as house_expect_effects */
    const char *events;
};

/* A house with all data families. `replica` gets its effects. */
void script_house_init(struct house *h, struct house *replica,
                       uint32_t workers);
/* Both, after they were found equal. */
void script_house_deinit(struct house *h, struct house *replica);
/* The steps alone, in that house. */
void script_play(struct house *h, const struct step *steps, size_t count);
void script_run(const struct step *steps, size_t count);
/* The test of the steps called name_steps. */
#define SCRIPT_TEST(name) \
    static void test_##name(void **state) \
    { \
        (void)state; \
        script_run(name##_steps, sizeof name##_steps / sizeof *name##_steps); \
    }

#endif
