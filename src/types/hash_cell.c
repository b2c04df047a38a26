/* hash_cell: layout and memory of a big hash's cells. */
#include "types/hash_cell.h"

#include "types/entry_priv.h"

/* What a cell for the item looks like, and how long it is. */
struct shape {
    uint8_t flags;
    size_t bytes;
};

static struct shape shape_of(const struct hash_item *item)
{
    struct shape s = {0, 0};
    s.flags |= item->deadline_ms != HASH_FOREVER ? CELL_DEADLINE : 0;
    s.flags |= item->field.len > CELL_LEN1_MAX ? CELL_LONG_FIELD : 0;
    s.flags |= item->value.len > CELL_LEN1_MAX ? CELL_LONG_VALUE : 0;
    s.bytes = hash_cell_head(s.flags) + item->field.len + item->value.len;
    if (s.bytes > SLAB_CELL_MAX && item->value.len > sizeof(struct blob *)) {
        s.flags |= CELL_BLOB;
        s.bytes += sizeof(struct blob *) - item->value.len;
    }
    return s;
}

static uint32_t value_len(const uint8_t *cell)
{
    const uint8_t *p = cell + ((cell[0] & CELL_LONG_FIELD) ? 5 : 2);
    uint32_t len = p[0];
    if (cell[0] & CELL_LONG_VALUE) {
        memcpy(&len, p, sizeof len);
    }
    return len;
}

static struct blob *blob_of(const uint8_t *cell)
{
    struct slice field = hash_cell_field(cell);
    struct blob *b = NULL;
    if (cell[0] & CELL_BLOB) {
        memcpy(&b, field.data + field.len, sizeof b);
    }
    return b;
}

size_t hash_cell_bytes(const uint8_t *cell)
{
    struct slice field = hash_cell_field(cell);
    size_t tail = (cell[0] & CELL_BLOB) ? sizeof(struct blob *)
                                        : value_len(cell);
    return hash_cell_head(cell[0]) + field.len + tail;
}

struct hash_item hash_cell_item(const uint8_t *cell)
{
    struct hash_item item = {
        .field = hash_cell_field(cell),
        .deadline_ms = hash_cell_deadline_ms(cell),
        .blob = blob_of(cell),
    };
    item.value = item.blob != NULL
        ? slice_of(item.blob->bytes, item.blob->len)
        : slice_of(item.field.data + item.field.len, value_len(cell));
    return item;
}

static uint8_t *put_len(uint8_t *p, size_t len)
{
    uint32_t n = (uint32_t)len;
    if (len <= CELL_LEN1_MAX) {
        p[0] = (uint8_t)len;
        return p + 1;
    }
    memcpy(p, &n, sizeof n);
    return p + sizeof n;
}

static void put_bytes(uint8_t *p, struct slice s)
{
    if (s.len > 0) {
        memcpy(p, s.data, s.len);
    }
}

/* The item's bytes are not the cell's. */
static void write_cell(uint8_t *cell, uint8_t flags,
                       const struct hash_item *item, struct blob *b)
{
    uint8_t *p = cell + 1;
    cell[0] = flags;
    p = put_len(p, item->field.len);
    p = put_len(p, item->value.len);
    if (flags & CELL_DEADLINE) {
        memcpy(p, &item->deadline_ms, sizeof item->deadline_ms);
        p += sizeof item->deadline_ms;
    }
    put_bytes(p, item->field);
    p += item->field.len;
    if (flags & CELL_BLOB) {
        memcpy(p, &b, sizeof b);
    } else {
        put_bytes(p, item->value);
    }
}

enum status hash_cell_create(const struct entry_memory *m,
                             const struct hash_item *item, uint8_t index_flags,
                             uint8_t **out)
{
    struct shape s = shape_of(item);
    struct blob *b = item->blob;
    if (item->field.len > UINT32_MAX || item->value.len > UINT32_MAX) {
        return ST_RANGE;
    }
    uint8_t *cell = cell_alloc(m, s.bytes);
    if (cell == NULL) {
        return ST_NOMEM;
    }
    if ((s.flags & CELL_BLOB) && b == NULL) {
        b = blob_create(m, item->value.len, item->value.len);
        if (b == NULL) {
            goto free_cell;
        }
        put_bytes(b->bytes, item->value);
    }
    write_cell(cell, (uint8_t)(s.flags | index_flags), item, b);
    if (item->blob != NULL && (s.flags & CELL_BLOB) == 0) {
        blob_drop(item->blob, m);
    }
    *out = cell;
    return ST_OK;
free_cell:
    cell_free(m, cell, s.bytes);
    return ST_NOMEM;
}

bool hash_cell_overwrite(uint8_t *cell, const struct hash_item *item,
                         uint8_t index_flags)
{
    struct shape s = shape_of(item);
    size_t old_bytes = hash_cell_bytes(cell);
    if (((s.flags | cell[0]) & CELL_BLOB) || old_bytes > SLAB_CELL_MAX
        || s.bytes > SLAB_CELL_MAX) {
        return false;
    }
    if (s.bytes != old_bytes
        && slab_class_bytes(s.bytes) != slab_class_bytes(old_bytes)) {
        return false;
    }
    write_cell(cell, (uint8_t)(s.flags | index_flags), item, NULL);
    return true;
}

void hash_cell_free_shell(uint8_t *cell, const struct entry_memory *m)
{
    cell_free(m, cell, hash_cell_bytes(cell));
}

void hash_cell_destroy(uint8_t *cell, const struct entry_memory *m)
{
    struct blob *b = blob_of(cell);
    if (b != NULL) {
        blob_drop(b, m);
    }
    hash_cell_free_shell(cell, m);
}

struct cell_size hash_cell_size(const uint8_t *cell)
{
    struct cell_size size = cell_size_of(cell, hash_cell_bytes(cell));
    if (cell[0] & CELL_BLOB) {
        size.outside_bytes += mem_usable(blob_of(cell));
    }
    return size;
}
