/* mailbox: Treiber's stack (IBM RJ 5118, 1986) whose owner only ever takes the
 * whole of it, so the ABA problem of a pop cannot arise; the taken stack is
 * turned round, which gives back the order of sending. */
#include "sync/mailbox.h"

#include <assert.h>

void mailbox_init(struct mailbox *m, void (*wake)(void *arg), void *wake_arg)
{
    atomic_init(&m->inbox, NULL);
    m->wake = wake;
    m->wake_arg = wake_arg;
}

void mailbox_send(struct mailbox *m, struct message *msg)
{
    assert(msg != NULL);
    struct message *top =
        atomic_load_explicit(&m->inbox, memory_order_relaxed);
    do {
        msg->next = top;
        /* release: pairs with the acquire in mailbox_take */
    } while (!atomic_compare_exchange_weak_explicit(
        &m->inbox, &top, msg, memory_order_release, memory_order_relaxed));
    if (top == NULL && m->wake != NULL) {
        m->wake(m->wake_arg);
    }
}

struct message *mailbox_take(struct mailbox *m)
{
    /* An empty box is the usual case and costs no exchange. */
    if (atomic_load_explicit(&m->inbox, memory_order_relaxed) == NULL) {
        return NULL;
    }
    /* acquire: pairs with the release in mailbox_send */
    struct message *newest =
        atomic_exchange_explicit(&m->inbox, NULL, memory_order_acquire);
    struct message *oldest = NULL;
    while (newest != NULL) {
        struct message *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}
