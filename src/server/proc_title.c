/* proc_title: the kernel shows the memory where it put the arguments, up to where
 * they ended; a title that is longer goes on into the environment, which lies
 * right behind. So the strings of the environment move elsewhere first. */
#include "server/proc_title.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where the strings of the arguments and the environment end, as far as they
 * follow one another. */
static char *end_of_strings(int argc, char **argv)
{
    char *end = argv[0];
    for (int i = 0; i < argc && argv[i] == end; i++) {
        end += strlen(end) + 1;
    }
    for (char **e = environ; *e != NULL && *e == end; e++) {
        end += strlen(end) + 1;
    }
    return end;
}

static bool move_environment(struct proc_title *t)
{
    size_t bytes = 0;
    for (char **e = environ; *e != NULL; e++) {
        bytes += strlen(*e) + 1;
    }
    t->environment = mem_alloc(t->account, bytes + 1);
    if (t->environment == NULL) {
        return false;
    }
    char *to = t->environment;
    for (char **e = environ; *e != NULL; e++) {
        size_t len = strlen(*e) + 1;
        memcpy(to, *e, len);
        *e = to;
        to += len;
    }
    return true;
}

void proc_title_init(struct proc_title *t, struct mem_account *account,
                     int argc, char **argv)
{
    *t = (struct proc_title){.account = account};
    if (argc < 1) {
        return;
    }
    size_t len = strlen(argv[0]);
    char *end = end_of_strings(argc, argv);
    t->name = mem_alloc(account, len + 1);
    if (t->name == NULL || !move_environment(t)) {
        return;
    }
    memcpy(t->name, argv[0], len + 1);
    /* libc's own pointers into the first argument. */
    char *slash = strrchr(t->name, '/');
    program_invocation_name = t->name;
    program_invocation_short_name = slash == NULL ? t->name : slash + 1;
    t->area = argv[0];
    t->bytes = (size_t)(end - argv[0]);
}

/* ---- the template ---- */

static void format_address(const struct options *o, char *out, size_t cap)
{
    if (o->port == 0) {
        (void)snprintf(out, cap, "%s", o->unixsocket);
        return;
    }
    const char *host = o->bind[0] == '\0' ? "*" : o->bind; /* the first */
    host += host[0] == '-'; /* it may be absent */
    int len = (int)strcspn(host, " ");
    bool is_v6 = memchr(host, ':', (size_t)len) != NULL;
    (void)snprintf(out, cap, is_v6 ? "[%.*s]:%d" : "%.*s:%d", len, host,
                   (int)o->port);
}

enum { TITLE_BYTES_MAX = 4096, ADDRESS_BYTES_MAX = 512 };

/* The value of the variable that `text` begins with; its name's length. */
static size_t variable(const struct proc_title *t, const struct options *o,
                       const char *text, char *value, size_t cap)
{
    char address[ADDRESS_BYTES_MAX], port[16];
    format_address(o, address, sizeof address);
    (void)snprintf(port, sizeof port, "%d", (int)o->port);
    const struct { const char *name, *value; } known[] = {
        {"{title}", t->name}, {"{listen-addr}", address},
        {"{server-mode}", ""}, {"{port}", port}, {"{tls-port}", "0"},
        {"{unixsocket}", o->unixsocket},
        {"{config-file}", o->config_path[0] != '\0' ? o->config_path : "-"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        size_t len = strlen(known[i].name);
        if (strncmp(text, known[i].name, len) == 0) {
            (void)snprintf(value, cap, "%s", known[i].value);
            return len;
        }
    }
    return 0;
}

static size_t expand(const struct proc_title *t, const struct options *o,
                     char *out, size_t cap)
{
    size_t used = 0;
    for (const char *p = o->proc_title; *p != '\0' && used < cap - 1;) {
        size_t len = *p == '{' ? variable(t, o, p, out + used, cap - used) : 0;
        if (len > 0) {
            used += strlen(out + used);
            p += len;
        } else {
            out[used++] = *p++;
        }
    }
    while (used > 0 && out[used - 1] == ' ') {
        used--; /* of variables that are empty */
    }
    return used;
}

void proc_title_set(struct proc_title *t, const struct options *o)
{
    char title[TITLE_BYTES_MAX];
    if (t == NULL || t->area == NULL || !o->set_proc_title) {
        return;
    }
    size_t len = expand(t, o, title, sizeof title);
    if (len > t->bytes - 1) {
        len = t->bytes - 1;
    }
    /* The last byte is 0 already, and stays so: the kernel looks at it. */
    memcpy(t->area, title, len);
    memset(t->area + len, 0, t->bytes - len);
}
