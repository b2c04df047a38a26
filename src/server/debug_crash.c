/* debug_crash: deaths on demand, of each kind that there is. */
#include "server/debug_crash.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "server/server_priv.h"

enum { TARGET_BYTES = 4096, LOG_TEXT_MAX = 512 };

/* Writes where only reading is allowed: the processor's fault, and no undefined
 * behaviour that a compiler could think away. */
void debug_segfault(struct cmd_ctx *c)
{
    volatile char *p = mmap(NULL, TARGET_BYTES, PROT_READ,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if ((void *)(uintptr_t)p == MAP_FAILED) {
        ctx_error_status(c, ST_NOMEM);
        return;
    }
    *p = 'x';
    abort();
}

void debug_panic(struct cmd_ctx *c)
{
    (void)c;
    crash_panic("Asked for by DEBUG PANIC");
}

void debug_assert(struct cmd_ctx *c)
{
    assert(c->argc == 0);
}

void debug_log(struct cmd_ctx *c)
{
    struct server *s = c->host;
    struct slice text = c->argv[2];
    log_write(s->log, LOG_WARNING, "DEBUG LOG: %.*s",
              (int)(text.len < LOG_TEXT_MAX ? text.len : LOG_TEXT_MAX),
              (const char *)text.data);
    reply_ok(c->reply);
}

/* A server under a supervisor is started again by it, and one that is not should
 * not become another process behind its user's back. */
void debug_restart(struct cmd_ctx *c)
{
    reply_error(c->reply, "ERR this server does not restart itself: end it, "
                          "and let its supervisor start it again");
}
