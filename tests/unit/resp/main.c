/* All groups of resp's tests, one after the other. */
#include "tests.h"

int main(void)
{
    int failed = 0;
    failed += test_decode_run();
    failed += test_decode_reply_run();
    failed += test_reply_run();
    return failed == 0 ? 0 : 1;
}
