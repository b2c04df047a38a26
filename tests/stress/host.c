/* host: the server's process: a folder, a port and a log of its own. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress.h"

enum {
    PORT_FIRST = 17200,
    PORT_COUNT = 14000,
    START_MS_MAX = 30000,
    END_MS_MAX = 60000,
    REPLY_S_MAX = 60, /* a sanitized server on a busy machine */
    LOG_BYTES_MAX = 1 << 20,
};

struct host {
    pid_t pid;
    uint16_t port;
    char dir[64];
    char log_path[128];
    bool is_peer;
    bool has_ended;
    int status;
};

static struct sockaddr_in address_of(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
}

static uint16_t free_port(void)
{
    for (int i = 0; i < 200; i++) {
        uint16_t port = (uint16_t)(PORT_FIRST
                                   + (getpid() * 7 + i) % PORT_COUNT);
        struct sockaddr_in a = address_of(port);
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        int one = 1;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        bool is_free = bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
        close(fd);
        if (is_free) {
            return port;
        }
    }
    return 0;
}

int host_connect(const struct host *h)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    struct timeval limit = {.tv_sec = REPLY_S_MAX};
    int one = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    struct sockaddr_in a = address_of(h->port);
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

static void become_server(const struct host *h, const char *program,
                          const char *engine, unsigned workers)
{
    char port[8], count[8];
    snprintf(port, sizeof(port), "%u", h->port);
    snprintf(count, sizeof(count), "%u", workers);
    const char *argv[20] = {program, "--port", port,     "--bind", "127.0.0.1",
                            "--dir", h->dir,   "--save", ""};
    unsigned n = 9;
    if (engine) {
        argv[n++] = "--io-engine";
        argv[n++] = engine;
        argv[n++] = "--worker-threads";
        argv[n++] = count;
    }
    int log = open(h->log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int none = open("/dev/null", O_RDONLY);
    dup2(none, 0);
    dup2(log, 1);
    dup2(log, 2);
    execv(program, (char *const *)(uintptr_t)argv);
    fprintf(stderr, "cannot run %s: %s\n", program, strerror(errno));
    _exit(127);
}

static bool note_end(struct host *h, int flags)
{
    if (!h->has_ended && waitpid(h->pid, &h->status, flags) == h->pid) {
        h->has_ended = true;
    }
    return h->has_ended;
}

static bool wait_until_ready(struct host *h)
{
    int64_t end = now_ms() + START_MS_MAX;
    while (now_ms() < end && !note_end(h, WNOHANG)) {
        int fd = host_connect(h);
        char answer[8] = {0};
        bool is_ready = fd >= 0 && send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6
                        && recv(fd, answer, 7, MSG_WAITALL) == 7
                        && memcmp(answer, "+PONG\r\n", 7) == 0;
        if (fd >= 0) {
            close(fd);
        }
        if (is_ready) {
            return true;
        }
        sleep_ms(20);
    }
    return false;
}

struct host *host_start(const char *program, const char *engine,
                        unsigned workers)
{
    struct host *h = calloc(1, sizeof(*h));
    assert(h);
    strcpy(h->dir, "/tmp/engram-stress-XXXXXX");
    if (!mkdtemp(h->dir)) {
        perror("mkdtemp");
        free(h);
        return NULL;
    }
    snprintf(h->log_path, sizeof(h->log_path), "%s/server.log", h->dir);
    h->is_peer = !engine;
    h->port = free_port();
    h->pid = fork();
    if (h->pid == 0) {
        become_server(h, program, engine, workers);
    }
    if (h->pid < 0 || !wait_until_ready(h)) {
        fprintf(stderr, "%s did not start\n", program);
        host_log_is_clean(h);
        host_destroy(&h);
    }
    return h;
}

bool host_is_alive(const struct host *h)
{
    return !h->has_ended && kill(h->pid, 0) == 0;
}

bool host_is_peer(const struct host *h)
{
    return h->is_peer;
}

bool host_end(struct host *h)
{
    if (!note_end(h, WNOHANG)) {
        kill(h->pid, SIGTERM);
    }
    int64_t end = now_ms() + END_MS_MAX;
    while (!note_end(h, WNOHANG) && now_ms() < end) {
        sleep_ms(10);
    }
    if (!h->has_ended) {
        fprintf(stderr, "the server did not end on SIGTERM\n");
        kill(h->pid, SIGKILL);
        note_end(h, 0);
        return false;
    }
    if (!WIFEXITED(h->status) || WEXITSTATUS(h->status) != 0) {
        fprintf(stderr, "the server ended with status %#x\n", h->status);
        return false;
    }
    return true;
}

bool host_log_is_clean(const struct host *h)
{
    static const char *const trouble[] = {
        "Sanitizer", "runtime error:", "Assertion", "assert", "BUG REPORT"};
    FILE *f = fopen(h->log_path, "r");
    char *log = calloc(1, LOG_BYTES_MAX);
    assert(log);
    if (f) {
        size_t n = fread(log, 1, LOG_BYTES_MAX - 1, f);
        log[n] = '\0';
        fclose(f);
    }
    bool is_clean = true;
    for (size_t i = 0; i < sizeof(trouble) / sizeof(trouble[0]); i++) {
        is_clean = is_clean && !strstr(log, trouble[i]);
    }
    if (!is_clean || !f || (h->has_ended && h->status != 0)) {
        size_t len = strlen(log);
        fprintf(stderr, "the server's log:\n%.8000s\n",
                is_clean && len > 4000 ? log + len - 4000 : log);
    }
    free(log);
    return is_clean;
}

void host_destroy(struct host **h)
{
    if (!note_end(*h, WNOHANG)) {
        kill((*h)->pid, SIGKILL);
        note_end(*h, 0);
    }
    unlink((*h)->log_path);
    rmdir((*h)->dir);
    free(*h);
    *h = NULL;
}
