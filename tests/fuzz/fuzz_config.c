/* fuzz_config: any bytes as a config file. Nothing may crash, leak, or be left
 * in the options that cannot be shown; words stay within the scratch area. */
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "server/options.h"

enum { INPUT_MAX = 4096, WORDS_MAX = 64 };

static void split(struct slice text)
{
    uint8_t scratch[INPUT_MAX];
    struct slice words[WORDS_MAX];
    size_t total = 0;
    int count = config_split_line(text, scratch, words, WORDS_MAX);
    for (int i = 0; i < count; i++) {
        assert(words[i].data >= scratch);
        total += words[i].len;
    }
    assert(total <= text.len);
}

/* Includes would open whatever the fuzzer names. */
static bool has_include(struct slice text)
{
    for (size_t i = 0; i + 7 <= text.len; i++) {
        if (strncasecmp((const char *)text.data + i, "include", 7) == 0) {
            return true;
        }
    }
    return false;
}

static void show_all(const struct options *o)
{
    char text[256];
    for (size_t i = 0; i < option_count(); i++) {
        (void)options_get_row(o, option_at(i), text, sizeof text);
        assert(memchr(text, 0, sizeof text) != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of(data, size < INPUT_MAX ? size : INPUT_MAX);
    struct mem_account account;
    struct options o;
    char err[OPTION_ERROR_MAX];

    split(text);
    if (has_include(text)) {
        return 0;
    }
    mem_account_init(&account);
    if (options_init_defaults(&o, &account) != ST_OK) {
        return 0;
    }
    if (!options_load_text(&o, text, "fuzz", err, sizeof err)) {
        assert(memchr(err, 0, sizeof err) != NULL);
    }
    show_all(&o);
    options_deinit(&o);
    assert(mem_used(&account) == 0);
    return 0;
}
