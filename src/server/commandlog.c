/* commandlog: an entry is one allocation: header, the arguments' lengths, then
 * the bytes of the arguments, the address and the name, one behind another. */
#include "server/commandlog.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "server/redact.h"

struct commandlog_entry {
    struct commandlog_entry *older, *newer;
    uint64_t id, value;
    int64_t time_s;
    uint32_t argc, address_len, name_len;
    uint32_t lens[]; /* of the arguments; the bytes follow */
};

void commandlog_init(struct commandlog *l, struct mem_account *account)
{
    *l = (struct commandlog){.account = account};
    lock_init(&l->lock, LOCK_RANK_LEAF, 0);
    for (int i = 0; i < COMMANDLOG_KINDS; i++) {
        atomic_init(&l->lists[i].limit, -1);
    }
}

void commandlog_deinit(struct commandlog *l)
{
    for (int i = 0; i < COMMANDLOG_KINDS; i++) {
        commandlog_reset(l, (enum commandlog_kind)i);
    }
}

void commandlog_set_limits(struct commandlog *l, enum commandlog_kind kind,
                           int64_t limit, uint64_t entries_max)
{
    atomic_store_explicit(&l->lists[kind].limit, limit, memory_order_relaxed);
    atomic_store_explicit(&l->lists[kind].entries_max, entries_max,
                          memory_order_relaxed);
}

bool commandlog_wants(const struct commandlog *l, enum commandlog_kind kind,
                      uint64_t value)
{
    const struct commandlog_list *list = &l->lists[kind];
    int64_t limit = atomic_load_explicit(&list->limit, memory_order_relaxed);
    return limit >= 0 && value >= (uint64_t)limit
           && atomic_load_explicit(&list->entries_max, memory_order_relaxed) > 0;
}

/* ---- entries ---- */

/* What is kept of one argument: bytes of its own and a remark behind them. */
struct kept {
    struct slice bytes;
    char remark[64];
    uint32_t remark_len;
};

static uint32_t kept_argc(const struct commandlog_call *call)
{
    return call->argc < COMMANDLOG_ARGS_MAX ? call->argc : COMMANDLOG_ARGS_MAX;
}

static void keep(const struct commandlog_call *call, uint32_t i,
                 struct kept *out)
{
    struct slice arg = call->argv[i];
    int n = 0;
    if (i == COMMANDLOG_ARGS_MAX - 1 && call->argc > COMMANDLOG_ARGS_MAX) {
        arg = slice_of(NULL, 0);
        n = snprintf(out->remark, sizeof out->remark,
                     "... (%u more arguments)", call->argc - i);
    } else if (call->secret(call->secret_arg, i)) {
        arg = SLICE_LIT(REDACTED_TEXT);
    } else if (arg.len > COMMANDLOG_ARG_BYTES_MAX) {
        n = snprintf(out->remark, sizeof out->remark, "... (%zu more bytes)",
                     arg.len - COMMANDLOG_ARG_BYTES_MAX);
        arg.len = COMMANDLOG_ARG_BYTES_MAX;
    }
    assert(n >= 0);
    out->bytes = arg;
    out->remark_len = (uint32_t)n;
}

static uint8_t *append(uint8_t *at, const void *bytes, size_t len)
{
    if (len > 0) {
        memcpy(at, bytes, len);
    }
    return at + len;
}

static struct commandlog_entry *entry_create(struct commandlog *l,
                                             uint64_t value,
                                             const struct commandlog_call *call)
{
    struct kept kept[COMMANDLOG_ARGS_MAX];
    uint32_t argc = kept_argc(call);
    size_t address_len = strlen(call->address), name_len = strlen(call->name);
    size_t bytes = address_len + name_len;
    for (uint32_t i = 0; i < argc; i++) {
        keep(call, i, &kept[i]);
        bytes += kept[i].bytes.len + kept[i].remark_len;
    }
    struct commandlog_entry *e = mem_alloc(
        l->account, sizeof *e + argc * sizeof e->lens[0] + bytes);
    if (e == NULL) {
        return NULL;
    }
    *e = (struct commandlog_entry){
        .value = value, .time_s = call->time_s, .argc = argc,
        .address_len = (uint32_t)address_len, .name_len = (uint32_t)name_len,
    };
    uint8_t *at = (uint8_t *)(e->lens + argc);
    for (uint32_t i = 0; i < argc; i++) {
        e->lens[i] = (uint32_t)kept[i].bytes.len + kept[i].remark_len;
        at = append(at, kept[i].bytes.data, kept[i].bytes.len);
        at = append(at, kept[i].remark, kept[i].remark_len);
    }
    at = append(at, call->address, address_len);
    append(at, call->name, name_len);
    return e;
}

/* ---- lists, under the lock ---- */

static void drop_oldest(struct commandlog *l, struct commandlog_list *list)
{
    struct commandlog_entry *e = list->oldest;
    list->oldest = e->newer;
    if (e->newer != NULL) {
        e->newer->older = NULL;
    } else {
        list->newest = NULL;
    }
    list->count--;
    mem_free(l->account, e);
}

static void push(struct commandlog_list *list, struct commandlog_entry *e)
{
    e->id = list->next_id++;
    e->older = list->newest;
    if (list->newest != NULL) {
        list->newest->newer = e;
    } else {
        list->oldest = e;
    }
    list->newest = e;
    list->count++;
}

void commandlog_add(struct commandlog *l, enum commandlog_kind kind,
                    uint64_t value, const struct commandlog_call *call)
{
    struct commandlog_list *list = &l->lists[kind];
    struct commandlog_entry *e = entry_create(l, value, call);
    if (e == NULL) {
        return;
    }
    uint64_t max = atomic_load_explicit(&list->entries_max,
                                        memory_order_relaxed);
    lock_acquire(&l->lock);
    push(list, e);
    while (list->count > max) {
        drop_oldest(l, list);
    }
    lock_release(&l->lock);
}

uint64_t commandlog_len(struct commandlog *l, enum commandlog_kind kind)
{
    lock_acquire(&l->lock);
    uint64_t count = l->lists[kind].count;
    lock_release(&l->lock);
    return count;
}

void commandlog_reset(struct commandlog *l, enum commandlog_kind kind)
{
    lock_acquire(&l->lock);
    while (l->lists[kind].oldest != NULL) {
        drop_oldest(l, &l->lists[kind]);
    }
    lock_release(&l->lock);
}

/* ---- showing ---- */

static void reply_entry(const struct commandlog_entry *e, struct reply *r)
{
    const uint8_t *at = (const uint8_t *)(e->lens + e->argc);
    reply_array(r, 6);
    reply_int(r, (int64_t)e->id);
    reply_int(r, e->time_s);
    reply_int(r, (int64_t)e->value);
    reply_array(r, e->argc);
    for (uint32_t i = 0; i < e->argc; i++) {
        reply_bulk(r, slice_of(at, e->lens[i]));
        at += e->lens[i];
    }
    reply_bulk(r, slice_of(at, e->address_len));
    reply_bulk(r, slice_of(at + e->address_len, e->name_len));
}

void commandlog_reply(struct commandlog *l, enum commandlog_kind kind,
                      uint64_t max, struct reply *r)
{
    struct commandlog_list *list = &l->lists[kind];
    lock_acquire(&l->lock);
    uint64_t count = list->count < max ? list->count : max;
    const struct commandlog_entry *e = list->newest;
    reply_array(r, (int64_t)count);
    for (uint64_t i = 0; i < count; i++, e = e->older) {
        reply_entry(e, r);
    }
    lock_release(&l->lock);
}
