/* session_text: checked, and charged to the worker's account. */
#include "server/session_text.h"

#include <string.h>

#include "server/connection.h"

static bool is_plain(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '!' || s.data[i] > '~') {
            return false;
        }
    }
    return true;
}

bool session_text_check(struct cmd_ctx *c, struct slice what,
                        struct slice value)
{
    if (!is_plain(value)) {
        reply_errorf(c->reply, "ERR %.*s cannot contain spaces, newlines or "
                               "special characters.", (int)what.len,
                     (const char *)what.data);
        return false;
    }
    if (value.len > SESSION_NAME_MAX) {
        reply_errorf(c->reply, "ERR %.*s is too long", (int)what.len,
                     (const char *)what.data);
        return false;
    }
    return true;
}

bool session_text_set(struct cmd_ctx *c, char **at, struct slice value)
{
    struct mem_account *a = &connection_of(c->session)->worker->account;
    char *text = NULL;
    if (value.len > 0) {
        text = mem_alloc(a, value.len + 1);
        if (text == NULL) {
            ctx_error_status(c, ST_NOMEM);
            return false;
        }
        memcpy(text, value.data, value.len);
        text[value.len] = '\0';
    }
    mem_free(a, *at);
    *at = text;
    return true;
}
