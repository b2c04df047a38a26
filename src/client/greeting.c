/* greeting: what is said on a new link before any command: HELLO with the
 * credentials and the name, or, where that is unknown or not wanted, AUTH and
 * CLIENT SETNAME; then SELECT, and ROLE where the role matters. One at a time:
 * each may decide what is next, and a new link has one round trip to wait for
 * anyway. */
#include "client/conn_priv.h"

#include <string.h>

#include "base/number.h"
#include "client/encode.h"

enum step {
    STEP_HELLO,
    STEP_AUTH,
    STEP_SETNAME,
    STEP_SELECT,
    STEP_ROLE,
    STEP_DONE,
};

enum { ARGS_MAX = 7 };

/* The arguments of the step's command; 0: there is nothing to say. */
static size_t words_of(const struct engram_conn *c, enum step step,
                       const char **argv, char *db_text)
{
    const struct target *t = &c->target;
    const char *user = t->user != NULL ? t->user : "default";
    size_t n = 0;
    switch (step) {
    case STEP_HELLO:
        if (c->options.protocol < 3) {
            return 0;
        }
        argv[n++] = "HELLO";
        argv[n++] = "3";
        if (t->password != NULL) {
            argv[n++] = "AUTH";
            argv[n++] = user;
            argv[n++] = t->password;
        }
        if (t->client_name != NULL) {
            argv[n++] = "SETNAME";
            argv[n++] = t->client_name;
        }
        return n;
    case STEP_AUTH:
        if (t->password == NULL) {
            return 0;
        }
        argv[n++] = "AUTH";
        /* Servers before version 6 take the password alone. */
        if (t->user != NULL) {
            argv[n++] = user;
        }
        argv[n++] = t->password;
        return n;
    case STEP_SETNAME:
        if (t->client_name == NULL) {
            return 0;
        }
        argv[n++] = "CLIENT";
        argv[n++] = "SETNAME";
        argv[n++] = t->client_name;
        return n;
    case STEP_SELECT:
        if (t->db == 0) {
            return 0;
        }
        db_text[number_format_int64(db_text, t->db)] = '\0';
        argv[n++] = "SELECT";
        argv[n++] = db_text;
        return n;
    case STEP_ROLE:
        if (c->role == NULL) {
            return 0;
        }
        argv[n++] = "ROLE";
        return n;
    case STEP_DONE: break;
    }
    return 0;
}

/* Says what is next, from the step that the connection stands at. */
static void say_next(struct engram_conn *c)
{
    const char *argv[ARGS_MAX];
    char db_text[NUMBER_INT64_TEXT_MAX + 1];
    size_t argc = 0;
    while (c->greeting_step != STEP_DONE &&
           (argc = words_of(c, (enum step)c->greeting_step, argv, db_text)) ==
               0) {
        c->greeting_step++;
    }
    if (c->greeting_step == STEP_DONE) {
        link_become_ready(c);
        return;
    }
    struct encode_source s = { .argc = argc, .argv = argv };
    struct encode_size size;
    bool is_sendable = encode_measure(&s, &size);
    if (is_sendable) {
        encode_to_chain(&s, &size, &c->first);
    }
    if (!is_sendable || c->first.failed) {
        conn_set_error(c, "greeting: %s", engram_status_text(ENGRAM_NOMEM));
        link_break(c, ENGRAM_NOMEM);
        return;
    }
    (void)link_write(c);
}

void greeting_begin(struct engram_conn *c)
{
    c->greeting_step = STEP_HELLO;
    say_next(c);
}

static bool begins_with(const struct engram_reply *r, const char *text)
{
    return strncmp(engram_reply_text(r, NULL), text, strlen(text)) == 0;
}

/* [master 0 []]. Who may not ask has to trust whoever sent him there. */
static void check_role(struct engram_conn *c, const struct engram_reply *r)
{
    const struct engram_reply *role = engram_reply_at(r, 0);
    if (engram_reply_is_error(r) ||
        (role != NULL && strcmp(engram_reply_text(role, NULL), c->role) == 0)) {
        c->greeting_step = STEP_DONE;
        say_next(c);
        return;
    }
    conn_set_error(c, "greeting: the server is not a %s but a %.100s", c->role,
                   role == NULL ? "?" : engram_reply_text(role, NULL));
    link_break(c, ENGRAM_HANDSHAKE);
}

void greeting_on_reply(struct engram_conn *c, const struct engram_reply *r)
{
    bool is_hello = c->greeting_step == STEP_HELLO;
    if (c->greeting_step == STEP_ROLE) {
        check_role(c, r);
        return;
    }
    if (!engram_reply_is_error(r)) {
        c->protocol = is_hello ? 3 : c->protocol;
        /* HELLO has authenticated and named too. */
        c->greeting_step =
            is_hello ? STEP_SELECT : (uint8_t)(c->greeting_step + 1);
        say_next(c);
        return;
    }
    if (is_hello &&
        (begins_with(r, "ERR unknown command") || begins_with(r, "NOPROTO"))) {
        c->greeting_step = STEP_AUTH;
        say_next(c);
        return;
    }
    conn_set_error(c, "greeting: %.200s", engram_reply_text(r, NULL));
    link_break(c, ENGRAM_HANDSHAKE);
}
