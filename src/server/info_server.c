/* info_server: INFO server, clients: what runs here and who is connected. */
#include <limits.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/info_priv.h"
#include "server/version.h"

enum { LISTEN_WORDS_MAX = 64 };

/* ---- server ---- */

static void add_program(struct info *in)
{
    struct utsname os;
    struct text *t = &in->text;
    if (uname(&os) != 0) {
        os = (struct utsname){0};
    }
    text_add(t, "redis_version:%s\r\nserver_name:engram\r\n"
                "engram_version:%s\r\n",
             SERVER_REDIS_VERSION, SERVER_ENGRAM_VERSION);
    text_add(t, "redis_git_sha1:00000000\r\nredis_git_dirty:0\r\n"
                "redis_build_id:0\r\nredis_mode:standalone\r\n"
                "server_mode:standalone\r\n");
    text_add(t, "os:%s %s %s\r\narch_bits:%zu\r\n", os.sysname, os.release,
             os.machine, sizeof(void *) * 8);
    text_add(t, "monotonic_clock:POSIX clock_gettime\r\n"
                "multiplexing_api:%s\r\n", in->server->io_engine);
    text_add(t, "atomicvar_api:c11-builtin\r\ngcc_version:%d.%d.%d\r\n",
             __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
}

static void add_times(struct info *in)
{
    struct server *s = in->server;
    struct text *t = &in->text;
    int64_t up_s = (in->now_ms - s->start_wall_ms) / 1000, hz;
    lock_acquire(&s->config_lock);
    hz = s->options.hz;
    lock_release(&s->config_lock);
    text_add(t, "server_time_usec:%" PRId64 "\r\n", clock_wall_us());
    text_add(t, "uptime_in_seconds:%" PRId64 "\r\nuptime_in_days:%" PRId64
                "\r\n", up_s, up_s / 86400);
    text_add(t, "hz:%" PRId64 "\r\nconfigured_hz:%" PRId64 "\r\n", hz, hz);
    text_add(t, "lru_clock:%" PRId64 "\r\n", in->now_ms / 1000 & 0xffffff);
}

/* Under config_lock. */
static void add_listeners(struct info *in)
{
    const struct options *o = &in->server->options;
    struct text *t = &in->text;
    uint8_t scratch[4096];
    struct slice words[LISTEN_WORDS_MAX], line = slice_of_text(o->bind);
    int count = line.len > sizeof scratch
                    ? -1 : config_split_line(line, scratch, words,
                                             LISTEN_WORDS_MAX);
    int listeners = 0;
    if (o->port != 0) {
        text_add(t, "listener%d:name=tcp", listeners++);
        for (int i = 0; i < count; i++) {
            text_add(t, ",bind=");
            text_add_slice(t, words[i]);
        }
        text_add(t, ",port=%" PRId64 "\r\n", o->port);
    }
    if (o->unixsocket[0] != '\0') {
        text_add(t, "listener%d:name=unix,bind=%s\r\n", listeners,
                 o->unixsocket);
    }
}

void info_server(struct info *in)
{
    struct server *s = in->server;
    struct text *t = &in->text;
    char program[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    program[len > 0 ? len : 0] = '\0';
    add_program(in);
    text_add(t, "process_id:%ld\r\nprocess_supervised:%s\r\nrun_id:%s\r\n",
             (long)getpid(), supervise_name(s->supervisor), s->run_id);
    lock_acquire(&s->config_lock);
    text_add(t, "tcp_port:%" PRId64 "\r\n", s->options.port);
    lock_release(&s->config_lock);
    add_times(in);
    text_add(t, "executable:%s\r\nconfig_file:%s\r\n", program,
             s->config_path != NULL ? s->config_path : "");
    lock_acquire(&s->config_lock);
    text_add(t, "io_threads_active:0\r\navailability_zone:%s\r\n",
             s->options.availability_zone);
    lock_release(&s->config_lock);
    lock_acquire(&s->config_lock);
    add_listeners(in);
    lock_release(&s->config_lock);
}

/* ---- clients ---- */

static void add_pause(struct info *in)
{
    const struct exec_shared *sh = &in->server->exec_shared;
    int64_t left_ms = atomic_load_explicit(&sh->pause_until_ms,
                                           memory_order_relaxed) - in->now_ms;
    bool is_all = atomic_load_explicit(&sh->pause_is_all,
                                       memory_order_relaxed);
    text_add(&in->text, "paused_reason:%s\r\npaused_actions:%s\r\n",
             left_ms > 0 ? "client_pause" : "none",
             left_ms <= 0 ? "none" : is_all ? "all" : "write");
    info_number(&in->text, "paused_timeout_milliseconds",
                left_ms > 0 ? (uint64_t)left_ms : 0);
}

void info_clients(struct info *in)
{
    static const char *const absent[] = {
        "tracking_clients", "pubsub_clients", NULL,
    };
    struct server *s = in->server;
    struct text *t = &in->text;
    info_number(t, "connected_clients", SUM_WORKERS(s, stats.sessions));
    text_add(t, "cluster_connections:0\r\n");
    info_number(t, "maxclients",
                atomic_load_explicit(&s->max_clients, memory_order_relaxed));
    info_number(t, "client_recent_max_input_buffer",
                MAX_WORKERS(s, stats.recent_max_input));
    info_number(t, "client_recent_max_output_buffer",
                MAX_WORKERS(s, stats.recent_max_output));
    info_number(t, "blocked_clients", SUM_WORKERS(s, stats.blocked));
    info_zeros(t, absent);
    info_number(t, "watching_clients", SUM_EXECS(s, watching_sessions));
    info_number(t, "clients_in_timeout_table",
                SUM_WORKERS(s, stats.blocked_with_deadline));
    info_number(t, "total_watched_keys", in->watched_keys);
    info_number(t, "total_blocking_keys", in->awaited_keys);
    info_number(t, "total_blocking_keys_on_nokey", 0);
    add_pause(in);
}
