/* The unit tests of src/structs, one group a file. */
int test_table_run(void);
int test_expiry_run(void);

int main(void)
{
    int failed = test_table_run();

#ifdef HAVE_TEST_EXPIRY
    failed += test_expiry_run();
#endif
    return failed;
}
