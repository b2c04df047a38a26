/* command: growing, pinning, counting references. The public functions that
 * build a command are here too. */
#include "client/command.h"

#include <assert.h>
#include <string.h>

#include "base/number.h"

enum {
    OWN_BYTES_MIN = 128,
    BORROWED_MIN = 4,
    COPIED_MAX = 1024, /* to copy so much costs less than to pin it */
};

struct engram_command *command_create(struct mem_account *account,
                                      size_t *kept_bytes)
{
    struct engram_command *cmd = mem_alloc_zeroed(account, sizeof *cmd);
    if (cmd != NULL) {
        cmd->account = account;
        cmd->kept_bytes = kept_bytes;
        cmd->refs = 1;
    }
    return cmd;
}

struct engram_command *command_create_whole(struct mem_account *account,
                                            size_t *kept_bytes,
                                            struct shelf *shelf,
                                            const struct encode_source *s,
                                            const struct encode_size *size)
{
    struct engram_command *cmd;
    struct shelf_block *block = NULL;
    size_t bytes = sizeof *cmd + size->bytes;
    cmd = shelf != NULL ? shelf_alloc(shelf, bytes, &block)
                        : mem_alloc(account, bytes);
    if (cmd == NULL) {
        return NULL;
    }
    *cmd = (struct engram_command){ .account = account,
                                    .kept_bytes = kept_bytes,
                                    .refs = 1,
                                    .own = (uint8_t *)(cmd + 1),
                                    .shelf = shelf,
                                    .block = block };
    encode_to_memory(s, size, cmd->own);
    cmd->own_len = size->bytes;
    cmd->own_cap = size->bytes;
    cmd->argc = size->argc;
    cmd->bytes = size->bytes;
    return cmd;
}

void command_release(struct engram_command *cmd)
{
    assert(cmd->refs > 0);
    if (--cmd->refs > 0) {
        return;
    }
    assert(!cmd->is_kept);
    for (size_t i = 0; i < cmd->borrowed_count; i++) {
        cmd->borrowed[i].release(cmd->borrowed[i].release_arg);
    }
    if (cmd->shelf != NULL) {
        assert(cmd->borrowed_count == 0);
        shelf_free(cmd->shelf, cmd->block);
        return;
    }
    mem_free(cmd->account, cmd->borrowed);
    if (cmd->own != (uint8_t *)(cmd + 1)) {
        mem_free(cmd->account, cmd->own);
    }
    mem_free(cmd->account, cmd);
}

/* ---- putting together ---- */

static bool make_room(struct engram_command *cmd, size_t more)
{
    if (cmd->own_cap - cmd->own_len >= more) {
        return true;
    }
    assert(cmd->own != (uint8_t *)(cmd + 1));
    size_t cap = cmd->own_cap < OWN_BYTES_MIN ? OWN_BYTES_MIN : cmd->own_cap;
    while (cap - cmd->own_len < more) {
        cap *= 2;
    }
    uint8_t *own = mem_realloc(cmd->account, cmd->own, cap);
    if (own == NULL) {
        return false;
    }
    cmd->own = own;
    cmd->own_cap = cap;
    return true;
}

static void put(struct engram_command *cmd, const void *data, size_t len)
{
    assert(cmd->own_cap - cmd->own_len >= len);
    if (len > 0) {
        memcpy(cmd->own + cmd->own_len, data, len);
    }
    cmd->own_len += len;
}

static void count_arg(struct engram_command *cmd, const void *data, size_t len)
{
    if (cmd->argc == 0) {
        cmd->name_len = len < ENCODE_NAME_BYTES ? len : ENCODE_NAME_BYTES;
        if (len > 0) {
            memcpy(cmd->name, data, cmd->name_len);
        }
    }
    /* A send that was refused has sealed it. */
    cmd->bytes -= cmd->header_len;
    cmd->header_len = 0;
    cmd->argc++;
    cmd->bytes += encode_arg_bytes(len);
}

static bool is_addable(const struct engram_command *cmd, const void *data,
                       size_t len)
{
    return cmd->argc < ENCODE_ARGS_MAX && (data != NULL || len == 0) &&
           len <= PTRDIFF_MAX / 4 && cmd->bytes <= PTRDIFF_MAX / 4;
}

enum engram_status engram_command_add(struct engram_command *cmd,
                                      const void *data, size_t len)
{
    uint8_t header[ENCODE_HEADER_BYTES];
    if (!is_addable(cmd, data, len)) {
        return ENGRAM_INVALID;
    }
    if (!make_room(cmd, encode_arg_bytes(len))) {
        return ENGRAM_NOMEM;
    }
    put(cmd, header, encode_header(header, '$', len));
    put(cmd, data, len);
    put(cmd, "\r\n", 2);
    count_arg(cmd, data, len);
    return ENGRAM_OK;
}

enum engram_status engram_command_add_integer(struct engram_command *cmd,
                                              int64_t value)
{
    char text[NUMBER_INT64_TEXT_MAX];
    return engram_command_add(cmd, text, number_format_int64(text, value));
}

static bool make_borrowed_room(struct engram_command *cmd)
{
    if (cmd->borrowed_count < cmd->borrowed_cap) {
        return true;
    }
    size_t cap = cmd->borrowed_cap == 0 ? BORROWED_MIN : cmd->borrowed_cap * 2;
    struct command_borrowed *grown =
        mem_realloc(cmd->account, cmd->borrowed, cap * sizeof grown[0]);
    if (grown == NULL) {
        return false;
    }
    cmd->borrowed = grown;
    cmd->borrowed_cap = cap;
    return true;
}

enum engram_status engram_command_add_borrowed(struct engram_command *cmd,
                                               const void *data, size_t len,
                                               engram_release_fn *release,
                                               void *release_arg)
{
    uint8_t header[ENCODE_HEADER_BYTES];
    if (!is_addable(cmd, data, len) || len == 0 || release == NULL) {
        return ENGRAM_INVALID;
    }
    if (!make_borrowed_room(cmd) || !make_room(cmd, sizeof header + 2)) {
        return ENGRAM_NOMEM;
    }
    put(cmd, header, encode_header(header, '$', len));
    cmd->borrowed[cmd->borrowed_count++] = (struct command_borrowed){
        .own_end = cmd->own_len,
        .data = slice_of(data, len),
        .release = release,
        .release_arg = release_arg,
    };
    put(cmd, "\r\n", 2);
    count_arg(cmd, data, len);
    return ENGRAM_OK;
}

void command_move(struct engram_command *cmd, struct mem_account *account,
                  size_t *kept_bytes)
{
    assert(cmd->refs == 1);
    assert(!cmd->is_kept);
    if (cmd->own != NULL) {
        mem_hand_over(cmd->account, account, cmd->own);
    }
    if (cmd->borrowed != NULL) {
        mem_hand_over(cmd->account, account, cmd->borrowed);
    }
    mem_hand_over(cmd->account, account, cmd);
    cmd->account = account;
    cmd->kept_bytes = kept_bytes;
}

void engram_command_destroy(struct engram_command **cmd)
{
    if (*cmd != NULL) {
        command_release(*cmd);
        *cmd = NULL;
    }
}

/* ---- sending ---- */

void command_seal(struct engram_command *cmd)
{
    if (cmd->header_len == 0) {
        cmd->header_len = encode_header(cmd->header, '*', cmd->argc);
        cmd->bytes += cmd->header_len;
    }
}

static void unpin(void *arg)
{
    struct engram_command *cmd = arg;
    assert(cmd->pins > 0);
    cmd->pins--;
    if (cmd->pins == 0 && cmd->is_kept) {
        *cmd->kept_bytes += cmd->bytes;
    }
    command_release(cmd);
}

static void put_part(struct engram_command *cmd, struct chain *out,
                     const void *data, size_t len, size_t copied_max)
{
    if (len <= copied_max) {
        chain_append(out, data, len);
    } else if (len > 0 && !out->failed) {
        cmd->refs++;
        cmd->pins++;
        chain_pin(out, data, len, unpin, cmd);
    }
}

/* Parts of at most `copied_max` bytes are copied, others pinned. */
static bool put_parts(struct engram_command *cmd, struct chain *out,
                      size_t copied_max)
{
    struct chain_mark mark = chain_mark(out);
    if (cmd->is_kept && cmd->pins == 0) {
        *cmd->kept_bytes -= cmd->bytes;
    }
    /* Held, so that the count does not move while parts come and go. */
    cmd->refs++;
    cmd->pins++;
    size_t from = 0;
    put_part(cmd, out, cmd->header, cmd->header_len, copied_max);
    for (size_t i = 0; i < cmd->borrowed_count; i++) {
        const struct command_borrowed *b = &cmd->borrowed[i];
        put_part(cmd, out, cmd->own + from, b->own_end - from, copied_max);
        put_part(cmd, out, b->data.data, b->data.len, copied_max);
        from = b->own_end;
    }
    put_part(cmd, out, cmd->own + from, cmd->own_len - from, copied_max);
    bool ok = !out->failed;
    if (!ok) {
        chain_rollback(out, mark);
    }
    unpin(cmd);
    return ok;
}

bool command_pin(struct engram_command *cmd, struct chain *out)
{
    return put_parts(cmd, out, 0);
}

bool command_write(struct engram_command *cmd, struct chain *out)
{
    assert(!cmd->is_kept);
    return put_parts(cmd, out, COPIED_MAX);
}

void command_keep(struct engram_command *cmd)
{
    assert(!cmd->is_kept);
    cmd->is_kept = true;
    if (cmd->pins == 0) {
        *cmd->kept_bytes += cmd->bytes;
    }
}

void command_unkeep(struct engram_command *cmd)
{
    assert(cmd->is_kept);
    if (cmd->pins == 0) {
        *cmd->kept_bytes -= cmd->bytes;
    }
    cmd->is_kept = false;
}

/* ---- walking ---- */

/* "*12\r\n" or "$12\r\n" at `at`: its number; `at` behind it. These bytes are
 * our own, so they are not doubted. */
static size_t read_header(const struct engram_command *cmd, size_t *at)
{
    size_t n = 0;
    for (*at += 1; cmd->own[*at] != '\r'; *at += 1) {
        n = n * 10 + (size_t)(cmd->own[*at] - '0');
    }
    *at += 2;
    return n;
}

void command_walk_init(struct command_walk *w, const struct engram_command *cmd)
{
    *w = (struct command_walk){ .cmd = cmd };
    if (cmd->own_len > 0 && cmd->own[0] == '*') {
        (void)read_header(cmd, &w->at);
    }
}

bool command_walk_next(struct command_walk *w, struct slice *arg)
{
    const struct engram_command *cmd = w->cmd;
    if (w->at == cmd->own_len) {
        return false;
    }
    size_t len = read_header(cmd, &w->at);
    if (w->borrowed < cmd->borrowed_count &&
        cmd->borrowed[w->borrowed].own_end == w->at) {
        *arg = cmd->borrowed[w->borrowed++].data;
        assert(arg->len == len);
    } else {
        *arg = slice_of(cmd->own + w->at, len);
        w->at += len;
    }
    w->at += 2;
    assert(w->at <= cmd->own_len);
    return true;
}
