/* Tests of src/sync. Counters that several threads raise are plain integers on
 * purpose: what guards them is what is tested, and ThreadSanitizer watches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "sync/gate.h"
#include "sync/lock.h"
#include "sync/mailbox.h"
#include "sync/thread.h"

enum { THREADS = 4, ROUNDS = 20000 };

struct counter {
    struct lock lock;
    uint64_t value;
};

static void count_under_lock(void *arg)
{
    struct counter *c = arg;
    for (int i = 0; i < ROUNDS; i++) {
        if (i % 7 == 0) {
            while (!lock_try_acquire(&c->lock)) {
            }
        } else {
            lock_acquire(&c->lock);
        }
        c->value++;
        lock_release(&c->lock);
    }
}

static void lock_guards_a_counter(void **state)
{
    (void)state;
    struct counter c = {.value = 0};
    lock_init(&c.lock, LOCK_RANK_LEAF, 0);
    struct thread *threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(
            thread_start("counter", count_under_lock, &c, &threads[i]), ST_OK);
    }
    for (int i = 0; i < THREADS; i++) {
        thread_join(&threads[i]);
        assert_null(threads[i]);
    }
    assert_int_equal(c.value, (uint64_t)THREADS * ROUNDS);
}

static void hold_then_count(void *arg)
{
    struct counter *c = arg;
    lock_acquire(&c->lock);
    c->value++;
    lock_release(&c->lock);
}

/* The holder keeps the lock so long that the others sleep. */
static void lock_wakes_sleepers(void **state)
{
    (void)state;
    struct counter c = {.value = 0};
    lock_init(&c.lock, LOCK_RANK_LEAF, 0);
    lock_acquire(&c.lock);
    struct thread *threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(
            thread_start("sleeper", hold_then_count, &c, &threads[i]), ST_OK);
    }
    while (atomic_load(&c.lock.word) != 2) {
        usleep(100);
    }
    assert_int_equal(c.value, 0);
    lock_release(&c.lock);
    for (int i = 0; i < THREADS; i++) {
        thread_join(&threads[i]);
    }
    assert_int_equal(c.value, THREADS);
    assert_int_equal(atomic_load(&c.lock.word), 0);
}

#ifdef ENGRAM_LOCK_CHECKS
/* Runs fn in a child process and says whether it aborted. */
static int aborts(void (*fn)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        close(STDERR_FILENO);
        fn();
        _exit(0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status));
}

static void take_two(enum lock_rank first, uint16_t first_order,
                     enum lock_rank second, uint16_t second_order)
{
    struct lock a, b;
    lock_init(&a, first, first_order);
    lock_init(&b, second, second_order);
    lock_acquire(&a);
    lock_acquire(&b);
    /* Any order of release is right. */
    lock_release(&a);
    lock_release(&b);
}

static void rank_down(void)
{
    take_two(LOCK_RANK_LEAF, 0, LOCK_RANK_SHARD, 0);
}

static void order_down(void)
{
    take_two(LOCK_RANK_SHARD, 5, LOCK_RANK_SHARD, 4);
}

static void order_same(void)
{
    take_two(LOCK_RANK_SHARD, 5, LOCK_RANK_SHARD, 5);
}

static void rank_and_order_up(void)
{
    take_two(LOCK_RANK_SHARD, 5, LOCK_RANK_SHARD, 6);
    take_two(LOCK_RANK_SHARD, 5, LOCK_RANK_LEAF, 0);
}

static void release_of_another(void)
{
    struct lock a;
    lock_init(&a, LOCK_RANK_LEAF, 0);
    lock_release(&a);
}

static void lock_ranks_are_checked(void **state)
{
    (void)state;
    assert_true(aborts(rank_down));
    assert_true(aborts(order_down));
    assert_true(aborts(order_same));
    assert_true(aborts(release_of_another));
    assert_false(aborts(rank_and_order_up));
}
#endif

struct house {
    struct gate *gate;
    uint64_t rooms[THREADS]; /* each its worker's, or whoever closed the gate */
    uint64_t closings;
};

struct worker {
    struct house *house;
    unsigned slot;
};

static void pass_gate(void *arg)
{
    struct worker *w = arg;
    for (int i = 0; i < ROUNDS; i++) {
        gate_enter(w->house->gate, w->slot);
        w->house->rooms[w->slot]++;
        gate_leave(w->house->gate, w->slot);
    }
}

static void close_gate(void *arg)
{
    struct house *h = arg;
    for (int i = 0; i < ROUNDS / 20; i++) {
        gate_close(h->gate);
        for (int r = 0; r < THREADS; r++) {
            h->rooms[r]++;
        }
        h->closings++;
        gate_open(h->gate);
    }
}

static void gate_excludes(void **state)
{
    (void)state;
    struct house h = {.gate = gate_create(THREADS)};
    assert_non_null(h.gate);
    struct thread *threads[THREADS + 2];
    struct worker workers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.house = &h, .slot = i};
        assert_int_equal(
            thread_start("worker", pass_gate, &workers[i], &threads[i]),
            ST_OK);
    }
    for (int i = THREADS; i < THREADS + 2; i++) {
        assert_int_equal(thread_start("closer", close_gate, &h, &threads[i]),
                         ST_OK);
    }
    for (int i = 0; i < THREADS + 2; i++) {
        thread_join(&threads[i]);
    }
    assert_int_equal(h.closings, 2 * (ROUNDS / 20));
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(h.rooms[i], ROUNDS + h.closings);
    }
    gate_destroy(&h.gate);
    assert_null(h.gate);
}

static void enter_once(void *arg)
{
    struct worker *w = arg;
    gate_enter(w->house->gate, w->slot);
    w->house->rooms[w->slot]++;
    gate_leave(w->house->gate, w->slot);
}

/* Long enough a closing that those outside sleep, and long enough a stay that
 * the closer sleeps. */
static void gate_wakes_sleepers(void **state)
{
    (void)state;
    struct house h = {.gate = gate_create(THREADS)};
    gate_close(h.gate);
    struct thread *threads[THREADS];
    struct worker workers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.house = &h, .slot = i};
        assert_int_equal(
            thread_start("waiter", enter_once, &workers[i], &threads[i]),
            ST_OK);
    }
    usleep(20000);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(h.rooms[i], 0);
    }
    gate_open(h.gate);
    for (int i = 0; i < THREADS; i++) {
        thread_join(&threads[i]);
        assert_int_equal(h.rooms[i], 1);
    }
    gate_enter(h.gate, 0);
    struct thread *closer;
    assert_int_equal(thread_start("closer", close_gate, &h, &closer), ST_OK);
    usleep(20000);
    gate_leave(h.gate, 0);
    thread_join(&closer);
    assert_int_equal(h.closings, ROUNDS / 20);
    gate_destroy(&h.gate);
}

struct letter {
    struct message link;
    unsigned sender, number;
};

struct post {
    struct mailbox box;
    struct signal_event arrived;
    _Atomic(unsigned) wakes;
};

struct sender {
    struct post *post;
    unsigned id;
};

static void ring_bell(void *arg)
{
    struct post *p = arg;
    atomic_fetch_add(&p->wakes, 1);
    signal_event_set(&p->arrived);
}

static void send_letters(void *arg)
{
    struct sender *s = arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct letter *l = malloc(sizeof *l);
        assert_non_null(l);
        l->sender = s->id;
        l->number = i;
        mailbox_send(&s->post->box, &l->link);
    }
}

static void mailbox_keeps_each_senders_order(void **state)
{
    (void)state;
    struct post p;
    signal_event_init(&p.arrived);
    atomic_init(&p.wakes, 0);
    mailbox_init(&p.box, ring_bell, &p);
    struct thread *threads[THREADS];
    struct sender senders[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        senders[i] = (struct sender){.post = &p, .id = i};
        assert_int_equal(
            thread_start("sender", send_letters, &senders[i], &threads[i]),
            ST_OK);
    }
    unsigned next[THREADS] = {0}, got = 0;
    while (got < THREADS * ROUNDS) {
        assert_true(signal_event_wait(&p.arrived, 60000));
        struct message *m = mailbox_take(&p.box);
        while (m != NULL) {
            struct letter *l = (struct letter *)m;
            m = m->next;
            assert_int_equal(l->number, next[l->sender]);
            next[l->sender]++;
            got++;
            free(l);
        }
    }
    for (int i = 0; i < THREADS; i++) {
        thread_join(&threads[i]);
    }
    assert_null(mailbox_take(&p.box));
}

static void mailbox_wakes_once_a_batch(void **state)
{
    (void)state;
    struct post p;
    signal_event_init(&p.arrived);
    atomic_init(&p.wakes, 0);
    mailbox_init(&p.box, ring_bell, &p);
    struct letter letters[10];
    for (unsigned i = 0; i < 10; i++) {
        letters[i].number = i;
        mailbox_send(&p.box, &letters[i].link);
    }
    assert_int_equal(atomic_load(&p.wakes), 1);
    struct message *m = mailbox_take(&p.box);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(((struct letter *)m)->number, i);
        m = m->next;
    }
    assert_null(m);
    mailbox_send(&p.box, &letters[0].link);
    assert_int_equal(atomic_load(&p.wakes), 2);
}

static void event_times_out_and_clears(void **state)
{
    (void)state;
    struct signal_event e;
    signal_event_init(&e);
    int64_t before = clock_monotonic_us();
    assert_false(signal_event_wait(&e, 20));
    assert_true(clock_monotonic_us() - before >= 19000);
    assert_false(signal_event_wait(&e, 0));
    signal_event_set(&e);
    signal_event_set(&e);
    assert_true(signal_event_wait(&e, -1));
    assert_false(signal_event_wait(&e, 0));
}

static void cpu_count_is_sane(void **state)
{
    (void)state;
    assert_true(thread_cpu_count() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lock_guards_a_counter),
        cmocka_unit_test(lock_wakes_sleepers),
#ifdef ENGRAM_LOCK_CHECKS
        cmocka_unit_test(lock_ranks_are_checked),
#endif
        cmocka_unit_test(gate_excludes),
        cmocka_unit_test(gate_wakes_sleepers),
        cmocka_unit_test(mailbox_keeps_each_senders_order),
        cmocka_unit_test(mailbox_wakes_once_a_batch),
        cmocka_unit_test(event_times_out_and_clears),
        cmocka_unit_test(cpu_count_is_sane),
    };
    return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}
