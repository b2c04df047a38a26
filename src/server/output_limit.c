/* output_limit: judging, and the lines in the log.
 *
 * Replies are judged twice. While one is made, its chain compares with the hard
 * limit wherever it wants another chunk, and then fails: what is over the limit is
 * never made, whatever the command. At the end of the turn, and now and then
 * while a session waits, all limits are looked at here. */
#include "server/output_limit.h"

#include "server/monitor.h"

enum {
    STRANGER_OUT_MAX = 64 * 1024, /* waiting for one who has shown no password */
    LINES_A_SECOND = 10,          /* of each worker's, into the log */
};

static struct shared_output_limit *limit_of(const struct connection *c)
{
    return &c->worker->server->output_limits[connection_class(c)];
}

void output_limit_init(struct connection *c)
{
    conn_out(c->net)->bytes_max = &limit_of(c)->hard_bytes;
}

/* The bytes that end a session at once; 0: none do. */
static uint64_t hard_limit(struct connection *c)
{
    uint64_t bytes = chain_bytes_max(conn_out(c->net));
    return bytes == 0 && c->session.is_monitor ? MONITOR_OUT_MAX : bytes;
}

/* Has it been above the soft limit for too long? */
static bool is_over_soft_limit(struct connection *c, size_t bytes)
{
    const struct shared_output_limit *l = limit_of(c);
    uint64_t soft = atomic_load_explicit(&l->soft_bytes, memory_order_relaxed);
    int64_t soft_s = (int64_t)atomic_load_explicit(&l->soft_seconds,
                                                   memory_order_relaxed);
    int64_t now_ms = loop_now_us(c->worker->loop) / 1000;
    if (soft == 0 || bytes < soft) {
        c->over_soft_since_ms = 0;
        return false;
    }
    if (c->over_soft_since_ms == 0) {
        c->over_soft_since_ms = now_ms;
    }
    return now_ms - c->over_soft_since_ms > soft_s * 1000;
}

/* May another line be written? Else it is counted. */
static bool may_log(struct worker *w)
{
    struct output_ends *ends = &w->output_ends;
    int64_t second = loop_now_us(w->loop) / 1000000;
    if (second != ends->second) {
        ends->second = second;
        ends->told = 0;
    }
    ends->told++;
    if (ends->told > LINES_A_SECOND) {
        ends->untold++;
        return false;
    }
    return true;
}

void output_limit_log_no_memory(struct connection *c, const char *what)
{
    if (may_log(c->worker)) {
        log_write(c->worker->server->log, LOG_WARNING,
                  "Session %llu closed: no memory for %s",
                  (unsigned long long)c->session.id, what);
    }
}

static void log_over(struct connection *c, size_t bytes)
{
    if (may_log(c->worker)) {
        log_write(c->worker->server->log, LOG_WARNING,
                  "Session %llu closed for overcoming of output buffer limits "
                  "(%zu bytes)", (unsigned long long)c->session.id, bytes);
    }
}

bool output_limit_is_over(struct connection *c)
{
    const struct chain *out = conn_out(c->net);
    uint64_t hard = hard_limit(c);
    if (out->failed == CHAIN_NO_MEMORY) {
        output_limit_log_no_memory(c, "its reply");
        return true;
    }
    bool over = is_over_soft_limit(c, out->bytes);
    over |= out->failed == CHAIN_TOO_LONG;
    over |= hard > 0 && out->bytes >= hard;
    over |= !c->has_logged_in && out->bytes > STRANGER_OUT_MAX;
    if (over) {
        log_over(c, out->bytes);
        counter_add(&c->worker->stats.output_buffer_disconnects, 1);
    }
    return over;
}

void output_limit_cron(struct worker *w, int64_t now_ms)
{
    struct output_ends *ends = &w->output_ends;
    if (ends->untold > 0 && now_ms / 1000 != ends->second) {
        log_write(w->server->log, LOG_WARNING,
                  "%llu more sessions closed for their output",
                  (unsigned long long)ends->untold);
        ends->untold = 0;
    }
}
