/* The groups of this folder's tests; each returns how many tests failed. */
#ifndef ENGRAM_TESTS_UNIT_RESP_TESTS_H
#define ENGRAM_TESTS_UNIT_RESP_TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int test_decode_run(void);
int test_decode_reply_run(void);
int test_reply_run(void);

#endif
