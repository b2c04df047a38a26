/* mailbox: messages to a worker, from any thread, in order of arrival for each
 * sender. A lock-free stack that the owner takes whole and turns round; the
 * wakeup is called only by the sender that found the box empty, so a batch
 * costs one. Messages are the senders' structures with a link inside. */
#ifndef ENGRAM_SYNC_MAILBOX_H
#define ENGRAM_SYNC_MAILBOX_H

#include <stdatomic.h>
#include <stddef.h>

struct message {
    struct message *next; /* the mailbox's while it is in it */
    /* Called by the receiver's thread, `owner` being the receiver. Takes `m`;
     * must do with it whatever the state of the receiver. */
    void (*run)(void *owner, struct message *m);
};

struct mailbox {
    /* any thread; release in mailbox_send, acquire in mailbox_take */
    _Atomic(struct message *) inbox;
    void (*wake)(void *arg);
    void *wake_arg;
};

/* `wake` is called on the sender's thread; it must be thread-safe. */
void mailbox_init(struct mailbox *m, void (*wake)(void *arg), void *wake_arg);
/* Takes `msg`. */
void mailbox_send(struct mailbox *m, struct message *msg);
/* Everything sent so far, oldest first, NULL if nothing; the owner only. */
struct message *mailbox_take(struct mailbox *m);

#endif
