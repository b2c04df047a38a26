/* The net tests, once with each engine; io_uring's are left out where the
 * kernel does not offer it. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "test_net.h"

void world_open(struct world *w, void **state, uint32_t buffers,
                const struct loop_handlers *h)
{
    mem_account_init(&w->account);
    chunk_pool_init(&w->pool, &w->account);
    struct loop_options o = {.engine = *(enum loop_engine *)*state,
                             .buffer_count = buffers,
                             .account = &w->account};
    assert_int_equal(loop_create(&o, h, w, &w->loop), ST_OK);
}

void world_close(struct world *w)
{
    loop_destroy(&w->loop);
    assert_null(w->loop);
    chunk_pool_deinit(&w->pool);
    assert_int_equal(mem_used(&w->account), 0);
}

static int has_uring(void)
{
    struct mem_account a;
    mem_account_init(&a);
    struct loop_handlers h = {0};
    h.on_data = (void (*)(void *, struct slice))(void (*)(void))abort;
    h.on_end = (void (*)(void *, int))(void (*)(void))abort;
    struct loop_options o = {
        .engine = LOOP_URING, .buffer_count = 8, .account = &a};
    struct loop *l;
    if (loop_create(&o, &h, NULL, &l) != ST_OK) {
        return 0;
    }
    loop_destroy(&l);
    return 1;
}

int main(void)
{
    int failures = run_loop_tests(LOOP_EPOLL);
    failures += run_crowd_tests(LOOP_EPOLL);
    failures += run_timer_socket_tests(LOOP_EPOLL);
    if (has_uring()) {
        failures += run_loop_tests(LOOP_URING);
        failures += run_crowd_tests(LOOP_URING);
        failures += run_timer_socket_tests(LOOP_URING);
    } else {
        fprintf(stderr, "io_uring is not available: its half is left out\n");
    }
    return failures;
}
