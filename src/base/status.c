/* status: the texts of the codes, from the same map as the codes. */
#include "base/status.h"

#include <assert.h>

#define STATUS_TEXT(name, text) [ST_##name] = text,
static const char *const status_texts[STATUS_COUNT] = {
    STATUS_MAP(STATUS_TEXT)
};
#undef STATUS_TEXT

const char *status_text(enum status st)
{
    assert((unsigned)st < STATUS_COUNT);
    return status_texts[st];
}
