/* config_text: a text that grows, and words quoted so that the config file's
 * grammar reads them back. */
#ifndef ENGRAM_SERVER_CONFIG_TEXT_H
#define ENGRAM_SERVER_CONFIG_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"
#include "base/slice.h"

/* The bytes are not NUL-terminated. Once memory has run out, what is added is
 * dropped and `is_short` stays set: the maker looks at it once, at the end. */
struct config_text {
    struct mem_account *account;
    char *data; /* owned; NULL: nothing yet */
    size_t len, cap;
    bool is_short;
};

void config_text_init(struct config_text *t, struct mem_account *account);
void config_text_deinit(struct config_text *t);
void config_text_add(struct config_text *t, struct slice bytes);
void config_text_add_text(struct config_text *t, const char *text);
/* The word in double quotes, what needs it escaped. */
void config_text_add_quoted(struct config_text *t, struct slice word);
struct slice config_text_slice(const struct config_text *t);

#endif
