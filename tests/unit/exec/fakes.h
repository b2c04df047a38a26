/* fakes: commands that show what the dispatcher does to a command. */
#ifndef ENGRAM_TESTS_UNIT_EXEC_FAKES_H
#define ENGRAM_TESTS_UNIT_EXEC_FAKES_H

#include "house.h"

extern const struct cmd_spec fake_cmds[];
extern const struct cmd_spec *const fake_families[];

#endif
