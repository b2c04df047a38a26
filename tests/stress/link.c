/* link: a blocking connection with a RESP2 reader that knows no nesting: the
 * elements of an array are replies like any other.
 *
 * Memory: one output and one input buffer each, grown as needed; a reply's text
 * points into the input buffer. */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stress.h"

enum { FORMAT_BYTES_MAX = 16384, INPUT_BYTES_FIRST = 65536, WORDS_MAX = 512 };

struct bytes {
    char *at;
    size_t len, cap;
};

struct link {
    struct check *check;
    int fd;
    bool is_forgiven;
    struct bytes out, in;
    size_t in_done; /* bytes of `in` that were read */
};

static void bytes_reserve(struct bytes *b, size_t more)
{
    if (b->cap - b->len >= more) {
        return;
    }
    size_t cap = b->cap ? b->cap : INPUT_BYTES_FIRST;
    while (cap - b->len < more) {
        cap *= 2;
    }
    b->at = realloc(b->at, cap);
    assert(b->at);
    b->cap = cap;
}

static void bytes_add(struct bytes *b, const void *data, size_t len)
{
    bytes_reserve(b, len);
    memcpy(b->at + b->len, data, len);
    b->len += len;
}

struct link *link_open(struct check *c)
{
    int fd = host_connect(c->host);
    if (fd < 0) {
        check_fail(c, "connect: %s", strerror(errno));
        return NULL;
    }
    struct link *l = calloc(1, sizeof(*l));
    assert(l);
    l->check = c;
    l->fd = fd;
    return l;
}

void link_close(struct link **l)
{
    if (!*l) {
        return;
    }
    close((*l)->fd);
    free((*l)->out.at);
    free((*l)->in.at);
    free(*l);
    *l = NULL;
}

void link_forgive(struct link *l)
{
    l->is_forgiven = true;
}

int link_socket(const struct link *l)
{
    return l->fd;
}

static void add_argument(struct link *l, const void *data, size_t len)
{
    char head[32];
    int n = snprintf(head, sizeof(head), "$%zu\r\n", len);
    bytes_add(&l->out, head, (size_t)n);
    bytes_add(&l->out, data, len);
    bytes_add(&l->out, "\r\n", 2);
}

static void add_words(struct link *l, char *text, const void *last, size_t len)
{
    char *words[WORDS_MAX];
    unsigned count = 0;
    char *rest = NULL;
    for (char *w = strtok_r(text, " ", &rest); w;
         w = strtok_r(NULL, " ", &rest)) {
        assert(count < WORDS_MAX);
        words[count++] = w;
    }
    char head[32];
    int n = snprintf(head, sizeof(head), "*%u\r\n", count + (last ? 1 : 0));
    bytes_add(&l->out, head, (size_t)n);
    for (unsigned i = 0; i < count; i++) {
        add_argument(l, words[i], strlen(words[i]));
    }
    if (last) {
        add_argument(l, last, len);
    }
}

static void add_formatted(struct link *l, const void *last, size_t len,
                          const char *format, va_list arguments)
{
    char text[FORMAT_BYTES_MAX];
    int n = vsnprintf(text, sizeof(text), format, arguments);
    assert(n > 0 && n < FORMAT_BYTES_MAX);
    add_words(l, text, last, len);
}

void link_add(struct link *l, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_formatted(l, NULL, 0, format, arguments);
    va_end(arguments);
}

void link_add_value(struct link *l, const void *last, size_t len,
                    const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_formatted(l, last, len, format, arguments);
    va_end(arguments);
}

void link_add_bytes(struct link *l, const void *bytes, size_t len)
{
    bytes_add(&l->out, bytes, len);
}

static bool link_lost(struct link *l, const char *what)
{
    if (!l->is_forgiven) {
        check_fail(l->check, "%s: %s", what,
                   errno ? strerror(errno) : "closed by the server");
    }
    return false;
}

bool link_flush(struct link *l)
{
    size_t done = 0;
    while (done < l->out.len) {
        ssize_t n = send(l->fd, l->out.at + done, l->out.len - done,
                         MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            l->out.len = 0;
            return link_lost(l, "send");
        }
        done += (size_t)n;
    }
    l->out.len = 0;
    return true;
}

static bool fill(struct link *l, size_t more)
{
    if (l->in_done == l->in.len) {
        l->in_done = 0;
        l->in.len = 0;
    } else if (l->in_done > l->in.cap / 2) {
        memmove(l->in.at, l->in.at + l->in_done, l->in.len - l->in_done);
        l->in.len -= l->in_done;
        l->in_done = 0;
    }
    bytes_reserve(&l->in, more > INPUT_BYTES_FIRST ? more : INPUT_BYTES_FIRST);
    errno = 0;
    ssize_t n = recv(l->fd, l->in.at + l->in.len, l->in.cap - l->in.len, 0);
    if (n < 0 && errno == EINTR) {
        return true;
    }
    if (n <= 0) {
        return link_lost(l, "receive");
    }
    l->in.len += (size_t)n;
    return true;
}

/* The next line, its CRLF made NUL; NULL when the connection is lost. */
static char *read_line(struct link *l, size_t *len)
{
    size_t looked = 0;
    for (;;) {
        char *start = l->in.at + l->in_done;
        size_t have = l->in.len - l->in_done;
        char *cr = have > looked ? memchr(start + looked, '\r', have - looked)
                                 : NULL;
        if (cr && cr + 1 < l->in.at + l->in.len) {
            *cr = '\0';
            *len = (size_t)(cr - start);
            l->in_done += *len + 2;
            return start;
        }
        looked = cr ? (size_t)(cr - start) : have;
        if (!fill(l, 1)) {
            return NULL;
        }
    }
}

static bool read_bulk(struct link *l, struct reply *r)
{
    if (r->number < 0) {
        r->is_null = true;
        return true;
    }
    size_t len = (size_t)r->number;
    while (l->in.len - l->in_done < len + 2) {
        if (!fill(l, len + 2)) {
            return false;
        }
    }
    char *text = l->in.at + l->in_done;
    if (memcmp(text + len, "\r\n", 2) != 0) {
        check_fail(l->check, "a bulk string without its end");
        return false;
    }
    text[len] = '\0';
    r->text = text;
    r->len = len;
    l->in_done += len + 2;
    return true;
}

bool link_read(struct link *l, struct reply *r)
{
    size_t len;
    char *line = read_line(l, &len);
    if (!line) {
        return false;
    }
    *r = (struct reply){.type = line[0], .text = line + 1, .len = len - 1};
    switch (line[0]) {
    case '-':
        if (!l->is_forgiven) {
            check_fail(l->check, "an error: %.200s", r->text);
        }
        return true;
    case '+': return true;
    case ':': r->number = strtoll(line + 1, NULL, 10); return true;
    case '*':
        r->number = strtoll(line + 1, NULL, 10);
        r->is_null = r->number < 0;
        return true;
    case '$': r->number = strtoll(line + 1, NULL, 10); return read_bulk(l, r);
    default:
        check_fail(l->check, "not the start of a reply: %.80s", line);
        return false;
    }
}

bool link_ask(struct link *l, struct reply *r, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_formatted(l, NULL, 0, format, arguments);
    va_end(arguments);
    return link_flush(l) && link_read(l, r);
}

bool link_read_number(struct link *l, long long *number)
{
    struct reply r;
    if (!link_read(l, &r)) {
        return false;
    }
    if (r.type != ':') {
        check_fail(l->check, "not an integer: %c%.80s", r.type,
                   r.text ? r.text : "");
        return false;
    }
    *number = r.number;
    return true;
}

bool link_expect_ok(struct link *l)
{
    struct reply r;
    if (!link_read(l, &r)) {
        return false;
    }
    if (r.type != '+' || strcmp(r.text, "OK") != 0) {
        check_fail(l->check, "not +OK: %c%.80s", r.type, r.text ? r.text : "");
        return false;
    }
    return true;
}

long long reply_as_number(const struct reply *r)
{
    return r->is_null || !r->text ? -1 : strtoll(r->text, NULL, 10);
}
