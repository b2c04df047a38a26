/* loop_uring_priv: what the two halves of the io_uring engine share.
 * loop_uring.c owns the ring, the receiving, the listeners and the turn;
 * loop_uring_send.c the sending.
 *
 * Lifetime: a conn counts the entries that will yet complete (`pending`); it is
 * released when none is left. User data is the object's address with the kind
 * of entry in its low bits. */
#ifndef ENGRAM_NET_LOOP_URING_PRIV_H
#define ENGRAM_NET_LOOP_URING_PRIV_H

#include <liburing.h>
#include <sys/socket.h>

#include "net/loop_priv.h"

enum {
    URING_SEND_BLOCKS = 64, /* message headers an unsubmitted batch may use */
};

enum uring_entry {
    ENTRY_RECEIVE,
    ENTRY_SEND,
    ENTRY_SEND_INLINE,
    ENTRY_CANCEL, /* for a conn */
    ENTRY_ACCEPT,
    ENTRY_ACCEPT_CANCEL,
    ENTRY_WAKE,
    ENTRY_NOTHING, /* the last: seven */
    ENTRY_KIND_MASK = ENTRY_NOTHING,
};

struct uring_conn {
    struct conn base;
    struct link starved_link; /* waits for buffers */
    struct link inline_link;
    size_t inline_bytes; /* of the inline send under way */
    uint32_t pending;
    bool is_receiving;  /* a multishot receive is armed */
    bool is_cancelling; /* a cancel of it is under way */
    bool is_sending;    /* an ordinary send is under way */
    bool is_aborting;
};

struct uring_listener {
    struct listener base;
    uint32_t pending;
    bool is_accepting;
};

static_assert(ENTRY_NOTHING == 7, "the kinds fill the low bits");

/* A message header and its vectors; the kernel has copied them when a batch has
 * been submitted (IORING_FEAT_SUBMIT_STABLE). */
struct uring_send_block {
    struct msghdr header;
    struct iovec vectors[LOOP_SEND_VECTORS];
};

struct uring_loop {
    struct loop base;
    struct io_uring ring;
    struct io_uring_buf_ring *provided;
    uint8_t *buffers;
    uint16_t *used_ids; /* buffers handed over in this turn */
    uint32_t buffer_count;
    uint32_t offered_count; /* of them, ever put into the ring; charged */
    uint32_t used_count;
    bool is_enabled, has_inline_sends;
    bool is_unusable; /* the kernel takes no more entries from us */
    uint32_t inline_left; /* entries that may yet be made before inline sends
                             are unsafe; per turn */
    uint32_t inline_cap;
    uint32_t block_count;
    uint64_t wake_value;
    struct link starved;
    struct link inline_sends;
    struct uring_send_block blocks[URING_SEND_BLOCKS];
};

static inline struct uring_loop *uring_of(struct loop *l)
{
    return CONTAINER_OF(l, struct uring_loop, base);
}

static inline struct uring_conn *uring_conn_of(struct conn *c)
{
    return CONTAINER_OF(c, struct uring_conn, base);
}

static inline uint64_t uring_tag(const void *object, enum uring_entry kind)
{
    return (uint64_t)(uintptr_t)object | (uint64_t)kind;
}

static inline void *uring_tagged(uint64_t tag)
{
    return (void *)(uintptr_t)(tag & ~(uint64_t)ENTRY_KIND_MASK);
}

/* ---- loop_uring.c ---- */

/* Pushes every prepared entry into the kernel. */
void uring_submit_all(struct uring_loop *u);

/* NULL only when the ring is unusable, which matters to those who close. */
static inline struct io_uring_sqe *uring_next_entry(struct uring_loop *u)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
    if (__builtin_expect(sqe == NULL, 0)) {
        uring_submit_all(u);
        sqe = io_uring_get_sqe(&u->ring);
        assert(sqe != NULL || u->is_unusable);
    }
    if (u->inline_left > 0) {
        u->inline_left--;
    }
    return sqe;
}

/* An entry of the conn's has completed: one less is pending. */
static inline void uring_entry_over(struct uring_conn *uc)
{
    assert(uc->pending > 0);
    uc->pending--;
    if (uc->pending == 0 && uc->is_aborting) {
        conn_released(&uc->base);
    }
}

/* ---- loop_uring_send.c ---- */

/* loop_ops.conn_send. */
void uring_conn_send(struct conn *c);
/* Everything has been submitted, so the inline sends are over, those without a
 * completion in full. Comes before any other completion of the batch, so that
 * no callback meets a conn whose send is undecided. */
void uring_settle_inline_sends(struct uring_loop *u);
/* An ordinary send has completed. */
void uring_send_over(struct uring_loop *u, struct uring_conn *uc, int result);
/* Does an inline send leave nothing when it took all, and at once a completion
 * when it did not? Tries it on a ring of its own; `zeros` are more bytes than a
 * small socket buffer holds. */
bool uring_probe_inline_sends(const uint8_t *zeros, size_t bytes);

#endif
