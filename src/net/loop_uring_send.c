/* loop_uring_send: the sending half of the engine on io_uring.
 *
 * At the end of a turn each conn with something to say gets one entry, and the
 * system call that waits for the next turn submits them all. A send is first
 * tried *inline*: MSG_DONTWAIT | MSG_WAITALL with CQE_SKIP_SUCCESS, so that it
 * is over when the call returns, and leaves a completion only if it could not
 * take everything. That keeps a turn at one system call: an ordinary send's
 * completion would end the wait at once, for a turn that has nothing to do. The
 * price: that it went well is noted when the next turn begins, so it is for
 * small output only, and not for a conn that is to be closed after it. What an
 * inline send leaves over goes by an ordinary send, one in flight a conn, which
 * the kernel finishes when the socket has room. uring_probe_inline_sends proves
 * on a small ring of its own that the kernel behaves so; if not, every send is
 * an ordinary one.
 *
 * Inline sends' failures must find room in the completion queue, or they would
 * be seen too late; hence inline_left. */
#include <errno.h>
#include <unistd.h>

#include "net/loop_uring_priv.h"

enum { URING_INLINE_MAX = 16 * 1024 /* bytes */ };

/* Prepares a send of as much of the chain as one entry takes; bytes. */
static size_t prepare_send(struct uring_loop *u, struct uring_conn *uc,
                           struct io_uring_sqe *sqe)
{
    struct uring_send_block *b = &u->blocks[u->block_count];
    int count = chain_vectors(&uc->base.out, b->vectors, LOOP_SEND_VECTORS);
    assert(count > 0);
    if (count == 1) {
        io_uring_prep_send(sqe, uc->base.fd, b->vectors[0].iov_base,
                           b->vectors[0].iov_len, MSG_NOSIGNAL);
        return b->vectors[0].iov_len;
    }
    b->header = (struct msghdr){.msg_iov = b->vectors,
                                .msg_iovlen = (size_t)count};
    io_uring_prep_sendmsg(sqe, uc->base.fd, &b->header, MSG_NOSIGNAL);
    u->block_count++;
    size_t bytes = 0;
    for (int i = 0; i < count; i++) {
        bytes += b->vectors[i].iov_len;
    }
    return bytes;
}

static void begin_send(struct uring_loop *u, struct uring_conn *uc,
                       bool may_inline)
{
    assert(!uc->is_sending);
    assert(link_is_alone(&uc->inline_link));
    if (u->block_count == URING_SEND_BLOCKS) {
        uring_submit_all(u);
    }
    struct io_uring_sqe *sqe = uring_next_entry(u);
    size_t bytes = prepare_send(u, uc, sqe);
    if (may_inline && bytes == uc->base.out.bytes) {
        sqe->msg_flags |= MSG_DONTWAIT | MSG_WAITALL;
        sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
        io_uring_sqe_set_data64(sqe, uring_tag(uc, ENTRY_SEND_INLINE));
        uc->inline_bytes = bytes;
        link_add(&u->inline_sends, &uc->inline_link);
        return;
    }
    io_uring_sqe_set_data64(sqe, uring_tag(uc, ENTRY_SEND));
    uc->is_sending = true;
    uc->pending++;
}

void uring_conn_send(struct conn *c)
{
    struct uring_loop *u = uring_of(c->loop);
    struct uring_conn *uc = uring_conn_of(c);
    if (uc->is_sending) {
        return; /* its completion goes on with what is there by then */
    }
    bool may_inline = u->has_inline_sends && u->inline_left > 1 &&
                      !c->is_draining && c->out.bytes <= URING_INLINE_MAX;
    begin_send(u, uc, may_inline);
}

/* An inline send stopped short: takes account of what went, and leaves
 * the rest to an ordinary send. */
static void inline_send_failed(struct uring_loop *u, struct uring_conn *uc,
                               int result)
{
    if (link_is_alone(&uc->inline_link)) {
        return; /* closed by a callback of another conn's */
    }
    link_remove(&uc->inline_link);
    if (result < 0 && result != -EAGAIN && result != -EINTR &&
        result != -ENOBUFS && result != -ENOMEM) {
        conn_send_failed(&uc->base, -result);
        return;
    }
    if (result > 0) {
        conn_sent(&uc->base, (size_t)result);
    }
    if (!uc->base.is_closing && uc->base.out.bytes > 0) {
        begin_send(u, uc, false);
    }
}

void uring_settle_inline_sends(struct uring_loop *u)
{
    if (link_is_alone(&u->inline_sends)) {
        return;
    }
    struct io_uring_cqe *cqe;
    unsigned head;
    io_uring_for_each_cqe(&u->ring, head, cqe)
    {
        if ((cqe->user_data & ENTRY_KIND_MASK) == ENTRY_SEND_INLINE) {
            struct uring_conn *uc = uring_tagged(cqe->user_data);
            /* Its place in the queue may be looked at once more. */
            cqe->user_data = uring_tag(NULL, ENTRY_NOTHING);
            inline_send_failed(u, uc, cqe->res);
        }
    }
    while (!link_is_alone(&u->inline_sends)) {
        struct uring_conn *uc = CONTAINER_OF(u->inline_sends.next,
                                             struct uring_conn, inline_link);
        link_remove(&uc->inline_link);
        conn_sent(&uc->base, uc->inline_bytes);
    }
}

void uring_send_over(struct uring_loop *u, struct uring_conn *uc, int result)
{
    uc->is_sending = false;
    uring_entry_over(uc);
    if (result >= 0) {
        conn_sent(&uc->base, (size_t)result);
    } else if (result != -EAGAIN && result != -EINTR) {
        conn_send_failed(&uc->base, -result);
    }
    if (!uc->base.is_closing && !uc->base.has_failed &&
        uc->base.out.bytes > 0) {
        begin_send(u, uc, false);
    }
}

/* ---- the probe ---- */

/* What completion an inline send of `bytes` leaves; 1: none. */
static int inline_result(struct io_uring *ring, int fd, const void *data,
                         size_t bytes)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
    io_uring_prep_send(sqe, fd, data, bytes,
                       MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    struct io_uring_cqe *cqe;
    if (io_uring_submit(ring) != 1 || io_uring_peek_cqe(ring, &cqe) != 0) {
        return 1;
    }
    int result = cqe->res;
    io_uring_cqe_seen(ring, cqe);
    return result;
}

bool uring_probe_inline_sends(const uint8_t *zeros, size_t bytes)
{
    struct io_uring ring;
    struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER |
                                              IORING_SETUP_DEFER_TASKRUN};
    if (io_uring_queue_init_params(4, &ring, &params) != 0) {
        return false;
    }
    bool is_good = false;
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                   fds) == 0) {
        int room = 4096;
        setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
        is_good = inline_result(&ring, fds[0], zeros, 1) == 1;
        int part = inline_result(&ring, fds[0], zeros, bytes);
        is_good = is_good && part > 1 && (size_t)part < bytes;
        is_good = is_good &&
                  inline_result(&ring, fds[0], zeros, bytes) == -EAGAIN;
        close(fds[0]);
        close(fds[1]);
    }
    io_uring_queue_exit(&ring);
    return is_good;
}
