/* client: see client.h. */
#include "client.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IN_BYTES = 256 * 1024, BATCH = 512 };

struct client {
    int fd;
    size_t read_bytes; /* of `in`, handed out */
    size_t in_bytes;   /* of `in`, received */
    char in[IN_BYTES];
};

void fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("latency: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

struct client *client_open(int port)
{
    struct client *c = calloc(1, sizeof *c);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1;
    assert(c != NULL);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0
        || connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0) {
        fail("port %d: %s", port, strerror(errno));
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return c;
}

void client_close(struct client **c)
{
    close((*c)->fd);
    free(*c);
    *c = NULL;
}

int client_fd(const struct client *c)
{
    return c->fd;
}

void client_send(struct client *c, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(c->fd, bytes, len, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR) {
            fail("send: %s", strerror(errno));
        }
        if (sent > 0) {
            bytes += sent;
            len -= (size_t)sent;
        }
    }
}

/* Waits until `wanted` bytes are there to hand out. */
static void receive(struct client *c, size_t wanted)
{
    assert(wanted < IN_BYTES);
    if (c->read_bytes + wanted >= IN_BYTES) {
        memmove(c->in, c->in + c->read_bytes, c->in_bytes - c->read_bytes);
        c->in_bytes -= c->read_bytes;
        c->read_bytes = 0;
    }
    while (c->in_bytes - c->read_bytes < wanted) {
        ssize_t got = recv(c->fd, c->in + c->in_bytes,
                           IN_BYTES - 1 - c->in_bytes, 0);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            fail("recv: %s", got == 0 ? "closed" : strerror(errno));
        }
        c->in_bytes += got > 0 ? (size_t)got : 0;
    }
}

/* One line without its end, terminated. */
static const char *receive_line(struct client *c)
{
    size_t len = 1;
    for (receive(c, len); c->in[c->read_bytes + len - 1] != '\n'; len++) {
        receive(c, len + 1);
    }
    char *line = c->in + c->read_bytes;
    line[len - 1] = '\0';
    c->read_bytes += len;
    return line;
}

char client_reply(struct client *c, long *number, const char **body)
{
    if (c->read_bytes == c->in_bytes) {
        c->read_bytes = 0;
        c->in_bytes = 0;
    }
    const char *line = receive_line(c);
    char kind = *line;
    if (kind == '-') {
        fail("the server replied %s", line);
    }
    bool is_counted = kind == ':' || kind == '$' || kind == '*';
    *number = is_counted ? strtol(line + 1, NULL, 10) : 0;
    *body = NULL;
    if (kind == '$' && *number >= 0) {
        receive(c, (size_t)*number + 2);
        *body = c->in + c->read_bytes;
        c->in[c->read_bytes + (size_t)*number] = '\0';
        c->read_bytes += (size_t)*number + 2;
    }
    return kind;
}

long client_ask(struct client *c, const char *words)
{
    char line[256];
    const char *body;
    long number;
    int len = snprintf(line, sizeof line, "%s\r\n", words);
    assert(len > 0 && (size_t)len < sizeof line);
    client_send(c, line, (size_t)len);
    client_reply(c, &number, &body);
    return number;
}

double client_info(struct client *c, const char *section, const char *field)
{
    char ask[64], wanted[64];
    const char *body;
    long number;
    int len = snprintf(ask, sizeof ask, "INFO %s\r\n", section);
    client_send(c, ask, (size_t)len);
    if (client_reply(c, &number, &body) != '$' || body == NULL) {
        return -1;
    }
    snprintf(wanted, sizeof wanted, "\n%s:", field);
    const char *found = strstr(body, wanted);
    return found == NULL ? -1 : strtod(found + strlen(wanted), NULL);
}

double resident_bytes(int pid)
{
    char path[64];
    long total = 0, resident = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL || fscanf(file, "%ld %ld", &total, &resident) != 2) {
        fail("cannot read %s", path);
    }
    fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static size_t put_value(char *out, size_t value_bytes)
{
    assert(value_bytes <= VALUE_BYTES_MAX);
    size_t len = (size_t)sprintf(out, "$%zu\r\n", value_bytes);
    memset(out + len, 'v', value_bytes);
    memcpy(out + len + value_bytes, "\r\n", 2);
    return len + value_bytes + 2;
}

/* The words until the key, which is 16 bytes for up to 10^12 keys. */
static size_t put_head(char *out, int words, const char *name, uint64_t key)
{
    assert(key < 1000000000000u);
    return (size_t)sprintf(out,
                           "*%d\r\n$3\r\n%s\r\n$16\r\nkey:%012" PRIu64 "\r\n",
                           words, name, key);
}

size_t put_set(char *out, uint64_t key, size_t value_bytes)
{
    size_t len = put_head(out, 3, "SET", key);
    return len + put_value(out + len, value_bytes);
}

size_t put_set_until(char *out, uint64_t key, size_t value_bytes,
                     uint64_t due_ms)
{
    size_t len = put_head(out, 5, "SET", key);
    len += put_value(out + len, value_bytes);
    return len
           + (size_t)sprintf(out + len,
                             "$4\r\nPXAT\r\n$13\r\n%013" PRIu64 "\r\n", due_ms);
}

size_t put_get(char *out, uint64_t key)
{
    return put_head(out, 2, "GET", key);
}

size_t put_del(char *out, uint64_t key)
{
    return put_head(out, 2, "DEL", key);
}

void client_batches(struct client *c, uint64_t first, uint64_t last, put_fn put,
                    void *arg)
{
    char *out = malloc(BATCH * COMMAND_BYTES_MAX);
    assert(out != NULL);
    for (uint64_t n = first; n < last;) {
        size_t len = 0, waiting = 0;
        for (; waiting < BATCH && n < last; n++) {
            size_t more = put(arg, out + len, n);
            len += more;
            waiting += more > 0;
        }
        client_send(c, out, len);
        for (; waiting > 0; waiting--) {
            long number;
            const char *body;
            client_reply(c, &number, &body);
        }
    }
    free(out);
}
