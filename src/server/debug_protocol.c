/* debug_protocol: DEBUG PROTOCOL: a sample of each type of reply, for the tests
 * of clients. The samples are the peers', so that those tests find them. */
#include "server/debug_priv.h"

static void sample_string(struct reply *r)
{
    reply_bulk_text(r, "Hello World");
}

static void sample_integer(struct reply *r)
{
    reply_int(r, 12345);
}

static void sample_double(struct reply *r)
{
    reply_double(r, 3.141);
}

static void sample_array(struct reply *r)
{
    reply_array(r, 3);
    for (int i = 0; i < 3; i++) {
        reply_int(r, i);
    }
}

static void sample_set(struct reply *r)
{
    reply_set(r, 3);
    for (int i = 0; i < 3; i++) {
        reply_int(r, i);
    }
}

static void sample_map(struct reply *r)
{
    reply_map(r, 3);
    for (int i = 0; i < 3; i++) {
        reply_int(r, i);
        reply_bool(r, i == 1);
    }
}

static void sample_attribute(struct reply *r)
{
    if (r->protocol == 3) {
        reply_attribute(r, 1);
        reply_bulk_text(r, "key-popularity");
        reply_array(r, 2);
        reply_bulk_text(r, "key:123");
        reply_int(r, 90);
    }
    reply_bulk_text(r, "Some real reply following the attribute");
}

static void sample_push(struct reply *r)
{
    if (r->protocol == 2) {
        reply_error(r, "ERR RESP2 is not supported by this command");
        return;
    }
    reply_bulk_text(r, "Some real reply following the push reply");
    reply_push(r, 2);
    reply_bulk_text(r, "server-cpu-usage");
    reply_int(r, 42);
}

static void sample_verbatim(struct reply *r)
{
    reply_verbatim(r, "txt", SLICE_LIT("This is a verbatim\nstring"));
}

static void sample_true(struct reply *r)
{
    reply_bool(r, true);
}

static void sample_false(struct reply *r)
{
    reply_bool(r, false);
}

static void sample_big_number(struct reply *r)
{
    reply_big_number(r, SLICE_LIT("1234567999999999999999999999999999999"));
}

void debug_protocol(struct cmd_ctx *c)
{
    static const struct {
        const char *name;
        void (*reply)(struct reply *r);
    } samples[] = {
        {"string", sample_string}, {"integer", sample_integer},
        {"double", sample_double}, {"bignum", sample_big_number},
        {"null", reply_null}, {"array", sample_array}, {"set", sample_set},
        {"map", sample_map}, {"attrib", sample_attribute},
        {"push", sample_push}, {"verbatim", sample_verbatim},
        {"true", sample_true}, {"false", sample_false},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        if (ctx_arg_is(c, 2, samples[i].name)) {
            samples[i].reply(c->reply);
            return;
        }
    }
    reply_error(c->reply, "ERR Wrong protocol type name. Please use one of the "
                          "following: string|integer|double|bignum|null|array|"
                          "set|map|attrib|push|verbatim|true|false");
}
