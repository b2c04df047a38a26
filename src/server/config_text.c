/* config_text: see config_text.h. */
#include "server/config_text.h"

#include <stdio.h>
#include <string.h>

enum { FIRST_CAP = 256 };

void config_text_init(struct config_text *t, struct mem_account *account)
{
    *t = (struct config_text){.account = account};
}

void config_text_deinit(struct config_text *t)
{
    mem_free(t->account, t->data);
    t->data = NULL;
}

static bool reserve(struct config_text *t, size_t more)
{
    size_t cap = t->cap == 0 ? FIRST_CAP : t->cap;
    char *data;
    if (t->is_short) {
        return false;
    }
    if (more <= t->cap - t->len) {
        return true;
    }
    while (cap - t->len < more) {
        cap *= 2;
    }
    data = mem_realloc(t->account, t->data, cap);
    if (data == NULL) {
        t->is_short = true;
        return false;
    }
    t->data = data;
    t->cap = cap;
    return true;
}

void config_text_add(struct config_text *t, struct slice bytes)
{
    if (bytes.len > 0 && reserve(t, bytes.len)) {
        memcpy(t->data + t->len, bytes.data, bytes.len);
        t->len += bytes.len;
    }
}

void config_text_add_text(struct config_text *t, const char *text)
{
    config_text_add(t, slice_of_text(text));
}

void config_text_add_quoted(struct config_text *t, struct slice word)
{
    static const char from[] = "\n\r\t\b\a\"\\", to[] = "nrtba\"\\";
    config_text_add(t, SLICE_LIT("\""));
    for (size_t i = 0; i < word.len; i++) {
        uint8_t c = word.data[i];
        const char *at = c == 0 ? NULL : strchr(from, c);
        char escape[5];
        if (at != NULL) {
            escape[0] = '\\';
            escape[1] = to[at - from];
            config_text_add(t, slice_of(escape, 2));
        } else if (c < ' ' || c > '~') {
            (void)snprintf(escape, sizeof escape, "\\x%02x", c);
            config_text_add(t, slice_of(escape, 4));
        } else {
            config_text_add(t, slice_of(&word.data[i], 1));
        }
    }
    config_text_add(t, SLICE_LIT("\""));
}

struct slice config_text_slice(const struct config_text *t)
{
    return slice_of(t->data, t->len);
}
