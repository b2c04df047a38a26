/* config_file: lines of text into options: the file, its includes, and the
 * command line, which is made into lines first.
 *
 * Files are read with a stack of open texts rather than by recursion; a file
 * that includes itself ends at CONFIG_INCLUDE_DEPTH_MAX. Everything has a
 * bound: bytes of a file, bytes of a line, words of a line, depth, and the
 * number of files, as patterns in files that include one another would multiply
 * below any depth. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/text.h"
#include "server/options.h"

/* ---- words of a line ---- */

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v'
           || c == '\f' || c == '\0';
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What the escape at `s` (behind its backslash) means; *used: how long it is. */
static uint8_t unescape(struct slice s, size_t *used)
{
    static const char from[] = "nrtba", to[] = "\n\r\t\b\a";
    const char *at;
    *used = 1;
    if (s.len >= 3 && s.data[0] == 'x' && hex_value(s.data[1]) >= 0
        && hex_value(s.data[2]) >= 0) {
        *used = 3;
        return (uint8_t)(hex_value(s.data[1]) * 16 + hex_value(s.data[2]));
    }
    at = s.data[0] == '\0' ? NULL : strchr(from, s.data[0]);
    return at != NULL ? (uint8_t)to[at - from] : s.data[0];
}

/* Reads a quoted part that begins at line[*at] (its quote); appends to
 * out[*used]. False: it does not end, or something clings to its end. */
static bool split_quoted(struct slice line, size_t *at, uint8_t *out,
                         size_t *used)
{
    uint8_t quote = line.data[*at];
    size_t i = *at + 1;
    while (i < line.len) {
        uint8_t c = line.data[i];
        if (c == quote) {
            *at = i + 1;
            return *at == line.len || is_blank(line.data[*at]);
        }
        if (c == '\\' && i + 1 < line.len) {
            size_t skip = 1;
            struct slice rest = slice_of(line.data + i + 1, line.len - i - 1);
            if (quote == '"') {
                c = unescape(rest, &skip);
                i += skip;
            } else if (rest.data[0] == '\'') {
                c = '\'';
                i++;
            }
        }
        out[(*used)++] = c;
        i++;
    }
    return false;
}

int config_split_line(struct slice line, uint8_t *scratch, struct slice *words,
                      int words_max)
{
    size_t at = 0, used = 0;
    int count = 0;
    for (;;) {
        size_t start = used;
        while (at < line.len && is_blank(line.data[at])) {
            at++;
        }
        if (at == line.len) {
            return count;
        }
        if (count == words_max) {
            return -1;
        }
        while (at < line.len && !is_blank(line.data[at])) {
            uint8_t c = line.data[at];
            if (c == '"' || c == '\'') {
                if (!split_quoted(line, &at, scratch, &used)) {
                    return -1;
                }
                break;
            }
            scratch[used++] = c;
            at++;
        }
        words[count++] = slice_of(scratch + start, used - start);
    }
}

/* ---- one directive ---- */

struct loader {
    struct options *options;
    uint8_t *scratch;      /* CONFIG_LINE_MAX: words of the line */
    uint8_t *joined;       /* OPTION_TEXT_MAX: values made one text */
    struct slice words[CONFIG_WORDS_MAX];
    uint32_t include_count;
    char why[OPTION_ERROR_MAX];
};

static bool loader_fail(struct loader *l, const char *why)
{
    (void)snprintf(l->why, sizeof l->why, "%s", why);
    return false;
}

/* Blanks between the words; a `head` is put before them. */
static bool join_words(struct loader *l, const char *head,
                       const struct slice *words, int count, struct slice *out)
{
    size_t used = strlen(head);
    if (used > OPTION_TEXT_MAX) {
        return loader_fail(l, "value is too long");
    }
    memcpy(l->joined, head, used);
    for (int i = 0; i < count; i++) {
        if (words[i].len + 1 > OPTION_TEXT_MAX - used) {
            return loader_fail(l, "value is too long");
        }
        if (used > 0) {
            l->joined[used++] = ' ';
        }
        if (words[i].len > 0) {
            memcpy(l->joined + used, words[i].data, words[i].len);
        }
        used += words[i].len;
    }
    *out = slice_of(l->joined, used);
    return true;
}

/* `save` lines add to one another, the first replaces the initial value, and one
 * without a value, or with an empty one, clears what came before. */
static bool apply_save(struct loader *l, const struct option *row,
                       const struct slice *values, int count)
{
    struct options *o = l->options;
    bool is_clear = count == 0 || (count == 1 && values[0].len == 0);
    const char *head = o->save_is_set && !is_clear ? o->save : "";
    struct slice text;
    if (!is_clear && count % 2 != 0 && count != 1) {
        return loader_fail(l, "Invalid save parameters");
    }
    if (!join_words(l, head, values, count, &text)
        || !options_set_row(o, row, text, l->why, sizeof l->why)) {
        return false;
    }
    o->save_is_set = true;
    return true;
}

/* Adds a line: the words behind the directive's name, quoted. */
static bool apply_line(struct loader *l, const struct option *row,
                       const struct slice *values, int count)
{
    struct options *o = l->options;
    const char *before = *(char *const *)options_field_read(o, row);
    bool is_rename = row->offset == offsetof(struct options, renames);
    struct text t;
    bool ok;
    if (count < 1 || (is_rename && count != 2)) {
        return loader_fail(l, "Bad directive or wrong number of arguments");
    }
    if (strlen(before) > CONFIG_FILE_MAX) {
        return loader_fail(l, "too many lines of this directive");
    }
    t = (struct text){.account = o->account};
    text_add_slice(&t, slice_of_text(before));
    for (int i = 0; i < count; i++) {
        text_add(&t, "%s", i > 0 ? " " : "");
        text_add_quoted(&t, values[i]);
    }
    text_add(&t, "\n");
    ok = !t.failed && options_set_text(o, row, text_slice(&t));
    text_deinit(&t);
    return ok ? true : loader_fail(l, "out of memory");
}

/* May its line hold the name alone? Lists say then that they are empty, unless
 * they need a certain number of words. */
static bool may_be_bare(const struct option *row)
{
    bool is_list = row->type == OPTION_LIST || row->type == OPTION_LIMITS;
    return (is_list && row->kind != WORDS_PRIMARY)
           || (row->flags & OPTION_BITS);
}

static bool apply_directive(struct loader *l, const struct slice *words,
                            int count)
{
    const struct option *row = option_find(words[0]);
    struct slice text;
    if (slice_equal_nocase(words[0], "loadmodule")) {
        return loader_fail(l, "modules are not supported");
    }
    if (row == NULL) {
        return loader_fail(l, "Bad directive or wrong number of arguments");
    }
    if (row->type == OPTION_LINES) {
        return apply_line(l, row, words + 1, count - 1);
    }
    if (count < 2 && !may_be_bare(row)) {
        return loader_fail(l, "wrong number of arguments");
    }
    if (row->flags & OPTION_REPEATS) {
        return apply_save(l, row, words + 1, count - 1);
    }
    if (row->type == OPTION_LIST || row->type == OPTION_LIMITS
        || (row->flags & OPTION_BITS)) {
        return join_words(l, "", words + 1, count - 1, &text)
               && options_set_row(l->options, row, text, l->why,
                                  sizeof l->why);
    }
    if (count != 2) {
        return loader_fail(l, "wrong number of arguments");
    }
    return options_set_row(l->options, row, words[1], l->why, sizeof l->why);
}

/* ---- files ---- */

/* A text that is being read; while `matches` holds names that it includes, they
 * are read before its next line. */
struct source {
    char *name; /* owned; NULL: the command line */
    char *text; /* owned, NULL: borrowed by `rest` */
    struct slice rest;
    uint32_t line;
    glob_t matches;
    size_t match_next; /* < matches.gl_pathc: there are some */
};

enum { SHOWN_MAX = 200 }; /* of a bad line */

struct source_stack {
    struct source at[CONFIG_INCLUDE_DEPTH_MAX];
    int depth;
};

/* Does the line set a secret? Then only its first word may be shown. */
static size_t shown_length(struct slice line)
{
    const struct option *row;
    size_t word = 0;
    while (word < line.len && !is_blank(line.data[word])) {
        word++;
    }
    row = option_find(slice_of(line.data, word));
    if (row != NULL && (row->flags & OPTION_SECRET)) {
        return word;
    }
    return line.len < SHOWN_MAX ? line.len : SHOWN_MAX;
}

static bool report(char *err, size_t cap, const struct source *s,
                   struct slice line, const char *why)
{
    size_t shown = shown_length(line);
    bool is_file = s->name != NULL;
    (void)snprintf(err, cap,
                   "*** FATAL CONFIG FILE ERROR (Engram " ENGRAM_VERSION ") ***\n"
                   "Reading the %s%s%s%s, at line %u\n"
                   ">>> '%.*s'\n%s",
                   is_file ? "configuration file" : "command line",
                   is_file ? " '" : "", is_file ? s->name : "",
                   is_file ? "'" : "", s->line, (int)shown,
                   (const char *)line.data, why);
    return false;
}

/* Reads a descriptor to its end. NULL: errno, EFBIG when there is too much. */
static char *read_all(struct mem_account *a, int fd, size_t *len)
{
    size_t cap = 16 * 1024, used = 0;
    char *text = mem_alloc(a, cap);
    while (text != NULL) {
        ssize_t n;
        if (used == cap) {
            char *more = cap < CONFIG_FILE_MAX ? mem_realloc(a, text, cap * 2)
                                               : NULL;
            if (more == NULL) {
                errno = EFBIG;
                break;
            }
            text = more;
            cap *= 2;
        }
        n = read(fd, text + used, cap - used);
        if (n == 0) {
            *len = used;
            return text;
        }
        if (n < 0 && errno != EINTR) {
            break;
        }
        used += n > 0 ? (size_t)n : 0;
    }
    mem_free(a, text);
    return NULL;
}

static char *name_copy(struct mem_account *a, const char *name)
{
    size_t len = strlen(name) + 1;
    char *copy = mem_alloc(a, len);
    return copy == NULL ? NULL : memcpy(copy, name, len);
}

/* "-": standard input. False: errno. */
static bool source_open(struct source *s, struct mem_account *a,
                        const char *path)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    int saved;
    size_t len = 0;
    *s = (struct source){.name = NULL};
    if (fd < 0) {
        return false;
    }
    s->text = read_all(a, fd, &len);
    saved = errno;
    if (!is_stdin) {
        (void)close(fd);
    }
    if (s->text == NULL) {
        errno = saved;
        return false;
    }
    s->name = name_copy(a, path);
    if (s->name == NULL) {
        mem_free(a, s->text);
        errno = ENOMEM;
        return false;
    }
    s->rest = slice_of(s->text, len);
    return true;
}

static void end_matches(struct source *s)
{
    if (s->matches.gl_pathc > 0) {
        globfree(&s->matches);
    }
    s->matches.gl_pathc = 0;
    s->match_next = 0;
}

static void source_close(struct source *s, struct mem_account *a)
{
    end_matches(s);
    mem_free(a, s->name);
    mem_free(a, s->text);
}

/* A NUL byte is a blank between words, but not one that may be trimmed: the line
 * that holds it is refused. */
static bool is_margin(uint8_t c)
{
    return c != '\0' && is_blank(c);
}

static struct slice take_line(struct source *s)
{
    const uint8_t *start = s->rest.data;
    const uint8_t *end = memchr(start, '\n', s->rest.len);
    size_t len = end != NULL ? (size_t)(end - start) : s->rest.len;
    size_t skip = len + (end != NULL ? 1 : 0);
    s->rest = slice_of(start + skip, s->rest.len - skip);
    s->line++;
    while (len > 0 && is_margin(start[len - 1])) {
        len--;
    }
    while (len > 0 && is_margin(*start)) {
        start++;
        len--;
    }
    return slice_of(start, len);
}

/* Opens the next file that `s` includes, above it on the stack. */
static bool include_next(struct loader *l, struct source_stack *stack,
                         struct source *s)
{
    const char *name = s->matches.gl_pathv[s->match_next++];
    if (stack->depth == CONFIG_INCLUDE_DEPTH_MAX) {
        return loader_fail(l, "includes are nested too deeply");
    }
    if (l->include_count == CONFIG_INCLUDES_MAX) {
        return loader_fail(l, "too many files are included");
    }
    if (!source_open(&stack->at[stack->depth], l->options->account, name)) {
        (void)snprintf(l->why, sizeof l->why,
                       "can't open config file '%.*s': %s", SHOWN_MAX, name,
                       strerror(errno));
        return false;
    }
    l->include_count++;
    stack->depth++;
    return true;
}

/* Finds what an include names. A pattern may match nothing, a name may not. */
static bool include_files(struct loader *l, struct source *s,
                          struct slice path)
{
    char name[PATH_MAX];
    int found;
    if (path.len == 0 || path.len >= sizeof name) {
        return loader_fail(l, "bad path of an include");
    }
    memcpy(name, path.data, path.len);
    name[path.len] = '\0';
    found = glob(name, strpbrk(name, "*?[") == NULL ? GLOB_NOCHECK : 0, NULL,
                 &s->matches);
    if (found != 0) {
        s->matches.gl_pathc = 0;
    }
    s->match_next = 0;
    return found == 0 || found == GLOB_NOMATCH
               ? true
               : loader_fail(l, "can't look for the included files");
}

static bool run_line(struct loader *l, struct source *s, struct slice line)
{
    int count;
    if (line.len == 0 || line.data[0] == '#') {
        return true;
    }
    if (line.len > CONFIG_LINE_MAX) {
        return loader_fail(l, "line is too long");
    }
    if (memchr(line.data, 0, line.len) != NULL) {
        return loader_fail(l, "line holds a NUL byte");
    }
    count = config_split_line(line, l->scratch, l->words, CONFIG_WORDS_MAX);
    if (count < 0) {
        return loader_fail(l, "Unbalanced quotes in configuration line");
    }
    if (count == 0) {
        return true;
    }
    if (slice_equal_nocase(l->words[0], "include")) {
        return count == 2 ? include_files(l, s, l->words[1])
                          : loader_fail(l, "wrong number of arguments");
    }
    return apply_directive(l, l->words, count);
}

static struct loader *loader_create(struct options *o)
{
    struct mem_account *a = o->account;
    struct loader *l = mem_alloc_zeroed(a, sizeof *l);
    if (l == NULL) {
        return NULL;
    }
    l->options = o;
    l->scratch = mem_alloc(a, CONFIG_LINE_MAX);
    l->joined = mem_alloc(a, OPTION_TEXT_MAX);
    if (l->scratch == NULL || l->joined == NULL) {
        mem_free(a, l->scratch);
        mem_free(a, l->joined);
        mem_free(a, l);
        return NULL;
    }
    return l;
}

static void loader_destroy(struct loader **l)
{
    struct mem_account *a = (*l)->options->account;
    mem_free(a, (*l)->scratch);
    mem_free(a, (*l)->joined);
    mem_free(a, *l);
    *l = NULL;
}

/* Runs what stands on the stack, the innermost first, to the end. */
static bool run_sources(struct loader *l, struct source_stack *stack, char *err,
                        size_t cap)
{
    struct slice line = SLICE_LIT("");
    bool ok = true;
    while (ok && stack->depth > 0) {
        struct source *s = &stack->at[stack->depth - 1];
        if (s->match_next < s->matches.gl_pathc) {
            ok = include_next(l, stack, s)
                 || report(err, cap, s, SLICE_LIT("include"), l->why);
            continue;
        }
        end_matches(s);
        if (s->rest.len == 0) {
            source_close(s, l->options->account);
            stack->depth--;
            continue;
        }
        line = take_line(s);
        ok = run_line(l, s, line) || report(err, cap, s, line, l->why);
    }
    while (stack->depth > 0) {
        stack->depth--;
        source_close(&stack->at[stack->depth], l->options->account);
    }
    return ok;
}

static bool out_of_memory(char *err, size_t cap)
{
    (void)snprintf(err, cap, "Fatal error, out of memory");
    return false;
}

static bool run_source(struct options *o, struct source *first, char *err,
                       size_t cap)
{
    struct source_stack stack = {.depth = 1};
    struct loader *l = loader_create(o);
    bool ok;
    if (l == NULL) {
        source_close(first, o->account);
        return out_of_memory(err, cap);
    }
    stack.at[0] = *first;
    ok = run_sources(l, &stack, err, cap);
    loader_destroy(&l);
    return ok;
}

bool options_load_text(struct options *o, struct slice text, const char *name,
                       char *err, size_t cap)
{
    struct source s = {.rest = text};
    s.name = name_copy(o->account, name);
    return s.name != NULL ? run_source(o, &s, err, cap)
                          : out_of_memory(err, cap);
}

bool options_load_file(struct options *o, const char *path, char *err,
                       size_t cap)
{
    struct source s;
    if (!source_open(&s, o->account, path)) {
        (void)snprintf(err, cap,
                       "Fatal error, can't open config file '%s': %s", path,
                       strerror(errno));
        return false;
    }
    return run_source(o, &s, err, cap);
}

/* ---- the command line ---- */

static bool note_config_path(struct options *o, const char *path, char *err,
                             size_t cap)
{
    char full[PATH_MAX];
    if (realpath(path, full) == NULL) {
        (void)snprintf(err, cap,
                       "Fatal error, can't open config file '%s': %s", path,
                       strerror(errno));
        return false;
    }
    return options_set_config_path(o, full) || out_of_memory(err, cap);
}

static bool is_option_word(const char *arg)
{
    return arg[0] == '-' && arg[1] == '-' && arg[2] != '\0';
}

/* Does a blank in the word part a name from a value? */
static bool has_value_inside(const char *arg)
{
    return strpbrk(arg, " \t") != NULL;
}

/* Lines as a file would have them. What follows a name is its value, whatever it
 * looks like, but for `save`, whose value may be left out. */
static void write_lines(struct text *t, int argc, char *const *argv)
{
    bool wants_value = false, is_save = false;
    for (int i = 0; i < argc; i++) {
        if (is_option_word(argv[i]) && (!wants_value || is_save)) {
            text_add(t, wants_value ? "\"\"\n" : "\n");
            text_add_slice(t, slice_of_text(argv[i] + 2));
            text_add(t, " ");
            wants_value = !has_value_inside(argv[i]);
            is_save = wants_value
                      && slice_equal_nocase(slice_of_text(argv[i] + 2), "save");
            continue;
        }
        text_add_quoted(t, slice_of_text(argv[i]));
        text_add(t, " ");
        wants_value = false;
    }
    if (wants_value && is_save) {
        text_add(t, "\"\"");
    }
}

static bool load_lines(struct options *o, int argc, char *const *argv,
                       char *err, size_t cap)
{
    struct source s = {.name = NULL};
    struct text t;
    bool ok;
    t = (struct text){.account = o->account};
    write_lines(&t, argc, argv);
    s.rest = text_slice(&t);
    if (s.rest.len > 0 && s.rest.data[0] == '\n') {
        s.rest = slice_of(s.rest.data + 1, s.rest.len - 1);
    }
    ok = !t.failed ? run_source(o, &s, err, cap) : out_of_memory(err, cap);
    text_deinit(&t);
    return ok;
}

bool options_load_args(struct options *o, int argc, char *const *argv,
                       char *err, size_t cap)
{
    bool has_stdin = argc > 0 && strcmp(argv[argc - 1], "-") == 0;
    if (has_stdin) {
        argc--;
    }
    if (argc > 0 && !is_option_word(argv[0])) {
        if (!note_config_path(o, argv[0], err, cap)
            || !options_load_file(o, argv[0], err, cap)) {
            return false;
        }
        argc--;
        argv++;
    }
    return (!has_stdin || options_load_file(o, "-", err, cap))
           && load_lines(o, argc, argv, err, cap);
}
