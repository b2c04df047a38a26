/* The unit tests of src/structs, one group a file. */
int test_table_run(void);
int test_table_destroy_run(void);
int test_expiry_run(void);
int test_listpack_run(void);
int test_intset_run(void);
int test_quicklist_run(void);
int test_quicklist_squeeze_run(void);
int test_ranking_run(void);
int test_ranking_cut_run(void);

int main(void)
{
    int failed = test_table_run();

    failed += test_table_destroy_run();
    failed += test_expiry_run();
    failed += test_listpack_run();
    failed += test_intset_run();
    failed += test_quicklist_run();
    failed += test_quicklist_squeeze_run();
    failed += test_ranking_run();
    failed += test_ranking_cut_run();
    return failed;
}
