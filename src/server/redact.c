/* redact: a row for each command that takes secrets. */
#include "server/redact.h"

#include <string.h>

#include "server/options.h"

/* All arguments from this one. */
static const struct {
    const char *name;
    uint32_t first;
} all_secret[] = {
    {"auth", 1}, {"acl|setuser", 2}, {"acl|getuser", 2}, {"acl|deluser", 2},
};

/* The value of an option that is one. */
static bool is_secret_value(const struct slice *argv, uint32_t i)
{
    if (i < 3 || i % 2 == 0) {
        return false;
    }
    const struct option *row = option_find(argv[i - 1]);
    return row != NULL && (row->flags & OPTION_SECRET) != 0;
}

/* Behind a word AUTH at or after `first` stands a user's name and a password, or
 * a password alone (`words`: how many are secret). */
static bool is_behind_auth(const struct slice *argv, uint32_t first,
                           uint32_t i, const char *word, uint32_t words)
{
    for (uint32_t back = 1; back <= words && i >= first + back; back++) {
        if (slice_equal_nocase(argv[i - back], word)) {
            return true;
        }
    }
    return false;
}

bool redact_is_secret(const struct cmd *cmd, const struct slice *argv,
                      uint32_t argc, uint32_t i)
{
    const char *name = cmd->full_name;
    if (i == 0 || i >= argc) {
        return false;
    }
    for (size_t k = 0; k < sizeof all_secret / sizeof all_secret[0]; k++) {
        if (strcmp(name, all_secret[k].name) == 0) {
            return i >= all_secret[k].first;
        }
    }
    if (strcmp(name, "config|set") == 0) {
        return is_secret_value(argv, i);
    }
    if (strcmp(name, "hello") == 0) {
        return is_behind_auth(argv, 2, i, "auth", 2);
    }
    if (strcmp(name, "migrate") == 0) {
        return is_behind_auth(argv, 6, i, "auth", 1)
               || is_behind_auth(argv, 6, i, "auth2", 2);
    }
    return false;
}
