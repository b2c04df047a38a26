/* key_use: which keys a request has, and what it does with them, where the
 * options decide. */
#include "manual/manual_priv.h"

#include "exec/find_keys.h"

/* With GET it reads what it writes over. */
uint16_t set_flags(const struct slice *argv, uint32_t argc)
{
    for (uint32_t i = 3; i < argc; i++) {
        if (slice_equal_nocase(argv[i], "get")) {
            return KEY_RW | KEY_ACCESS | KEY_UPDATE;
        }
    }
    return KEY_OW | KEY_UPDATE;
}

/* With nothing but GETs it only reads; OVERFLOW does nothing by itself. */
uint16_t bitfield_flags(const struct slice *argv, uint32_t argc)
{
    for (uint32_t i = 2; i < argc; i++) {
        if (slice_equal_nocase(argv[i], "get") && argc - i > 2) {
            i += 2;
        } else if (slice_equal_nocase(argv[i], "overflow") && argc - i > 1) {
            i++;
        } else {
            return KEY_RW | KEY_ACCESS | KEY_UPDATE;
        }
    }
    return KEY_RO | KEY_ACCESS;
}

uint32_t sort_destination(const struct slice *argv, uint32_t argc)
{
    uint32_t at[2];
    return find_keys_sort(argv, argc, at) == 2 ? at[1] : 0;
}

/* Behind KEYS; 0: no such option. */
uint32_t migrate_list(const struct slice *argv, uint32_t argc)
{
    for (uint32_t i = 6; i + 1 < argc; i++) {
        if (slice_equal_nocase(argv[i], "auth")) {
            i++;
        } else if (slice_equal_nocase(argv[i], "auth2")) {
            i += 2;
        } else if (slice_equal_nocase(argv[i], "keys")) {
            return i + 1;
        }
    }
    return 0;
}

/* One key, or, where that is empty, a list. */
uint32_t migrate_key(const struct slice *argv, uint32_t argc)
{
    if (migrate_list(argv, argc) == 0) {
        return 3;
    }
    return argv[3].len == 0 ? 0 : argc;
}
