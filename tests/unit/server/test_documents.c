/* What people are told about the options must be what the table says: a row of
 * docs/configuration.md for each, and an engram.conf that changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/options.h"

enum { DOCUMENT_MAX = 1 << 20, ROW_MAX = 8192 };

/* NUL-terminated; to be freed. */
static char *read_document(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", ENGRAM_ROOT, name);
    char *text = calloc(1, DOCUMENT_MAX + 1);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fail_msg("no %s", path);
    }
    size_t len = fread(text, 1, DOCUMENT_MAX, file);
    assert_true(len > 0 && len < DOCUMENT_MAX);
    fclose(file);
    return text;
}

static const char *type_name(const struct option *row)
{
    static const char *const names[] = {
        [OPTION_BOOL] = "yes or no", [OPTION_INT] = "number",
        [OPTION_BYTES] = "bytes", [OPTION_ENUM] = "a word of",
        [OPTION_STRING] = "text", [OPTION_LIST] = "words",
        [OPTION_LIMITS] = "limits", [OPTION_LINES] = "a line each",
    };
    if (row->flags & OPTION_BITS) {
        return "words of";
    }
    if (row->flags & OPTION_OCTAL) {
        return "octal number";
    }
    return row->flags & OPTION_PERCENT ? "bytes or percent"
                                       : names[row->type];
}

static void write_limits(char *out, size_t cap, const struct option *row)
{
    size_t used = 0;
    out[0] = '\0';
    if (row->type == OPTION_ENUM) {
        for (int i = 0; row->words[i] != NULL; i++) {
            used += (size_t)snprintf(out + used, cap - used, "%s%s",
                                     i > 0 ? ", " : "", row->words[i]);
        }
    } else if (row->flags & OPTION_OCTAL) {
        snprintf(out, cap, "%llo to %llo", (unsigned long long)row->min,
                 (unsigned long long)row->max);
    } else if (row->type == OPTION_INT || row->type == OPTION_BYTES) {
        snprintf(out, cap, row->max == INT64_MAX ? "from %lld" : "%lld to %lld",
                 (long long)row->min, (long long)row->max);
    }
}

/* All of the row but its last column, which is for people to write. */
static void write_row(char *out, const struct options *o,
                      const struct option *row)
{
    char value[1024], limits[1024];
    bool has_alias = row->alias != NULL;
    (void)options_get_row(o, row, value, sizeof value);
    write_limits(limits, sizeof limits, row);
    snprintf(out, ROW_MAX, "| `%s`%s%s%s | %s | %s%s%s | %s | %s | %s |",
             row->name, has_alias ? ", `" : "", has_alias ? row->alias : "",
             has_alias ? "`" : "", type_name(row), value[0] ? "`" : "", value,
             value[0] ? "`" : "", limits,
             row->flags & OPTION_IMMUTABLE   ? "at the start"
             : row->flags & OPTION_PROTECTED ? "if unprotected"
                                             : "any time",
             row->flags & OPTION_INERT ? "no" : "yes");
}

static void test_every_option_has_its_row(void **state)
{
    struct options *o = *state;
    char *text = read_document("docs/configuration.md");
    char *row = malloc(ROW_MAX);
    size_t missing = 0, rows = 0;
    for (size_t i = 0; i < option_count(); i++) {
        write_row(row, o, option_at(i));
        if (strstr(text, row) == NULL) {
            print_error("docs/configuration.md lacks: %s\n", row);
            missing++;
        }
    }
    for (const char *at = text; (at = strstr(at, "\n| `")) != NULL; at++) {
        rows++;
    }
    free(row);
    free(text);
    assert_int_equal(missing, 0);
    assert_int_equal(rows, option_count());
}

/* As a line that only has to be uncommented. */
static bool has_line(const char *text, const char *name)
{
    char line[128];
    assert_in_range(snprintf(line, sizeof line, "\n# %s ", name), 1,
                    sizeof line - 1);
    return strstr(text, line) != NULL;
}

static void test_example_names_what_is_in_force(void **state)
{
    char *text = read_document("engram.conf");
    size_t missing = 0;
    (void)state;
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *row = option_at(i);
        uint32_t apart = OPTION_INERT | OPTION_HIDDEN | OPTION_ONLY_NO;
        if (!(row->flags & apart) && !has_line(text, row->name)) {
            print_error("engram.conf lacks: %s\n", row->name);
            missing++;
        }
    }
    free(text);
    assert_int_equal(missing, 0);
}

/* With every commented directive put in force it still says what holds anyway,
 * so that the log has nothing to warn of. */
static void test_example_changes_nothing(void **state)
{
    struct options *o = *state;
    char err[OPTION_ERROR_MAX];
    char *text = read_document("engram.conf");
    for (char *at = text; (at = strstr(at, "\n# ")) != NULL; at++) {
        size_t word = strcspn(at + 3, " \n");
        if (option_find(slice_of(at + 3, word)) != NULL) {
            at[1] = ' ';
        }
    }
    if (!options_load_text(o, slice_of_text(text), "engram.conf", err,
                           sizeof err)) {
        fail_msg("%s", err);
    }
    for (size_t i = 0; i < option_count(); i++) {
        if (!options_is_default(o, option_at(i))) {
            fail_msg("engram.conf changes %s", option_at(i)->name);
        }
    }
    free(text);
}

static struct mem_account account;

static int setup(void **state)
{
    struct options *o = calloc(1, sizeof *o);
    mem_account_init(&account);
    assert_int_equal(options_init_defaults(o, &account), ST_OK);
    *state = o;
    return 0;
}

static int teardown(void **state)
{
    options_deinit(*state);
    free(*state);
    assert_int_equal(mem_used(&account), 0);
    return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_every_option_has_its_row),
        TEST(test_example_names_what_is_in_force),
        TEST(test_example_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
