/* status: what went wrong in the environment. Bugs are asserts; a client's
 * mistakes are replies. Codes and texts come from this one map. */
#ifndef ENGRAM_BASE_STATUS_H
#define ENGRAM_BASE_STATUS_H

#define STATUS_MAP(X)                                   \
    X(OK, "ok")                                         \
    X(NOMEM, "out of memory")                           \
    X(CORRUPT, "data is corrupt")                       \
    X(RANGE, "value is out of range")                   \
    X(INVALID, "invalid argument")                      \
    X(NOT_FOUND, "not found")                           \
    X(AGAIN, "try again")                               \
    X(IO, "input/output error")                         \
    X(UNSUPPORTED, "not supported here")

#define STATUS_ENUM(name, text) ST_##name,
enum status { STATUS_MAP(STATUS_ENUM) STATUS_COUNT };
#undef STATUS_ENUM

/* Every function that returns this must have its result looked at. */
#define STATUS_CHECKED __attribute__((warn_unused_result))

/* Static text, never NULL. */
const char *status_text(enum status st);

#endif
