/* mem: accounts over jemalloc, or over libc's malloc where jemalloc is not
 * linked (the sanitizers bring an allocator of their own).
 *
 * jemalloc's size for a request is a pure function of the request (nallocx), so
 * charging costs no look-up of the block; freeing needs one (sallocx) and then
 * saves the allocator its own by saying the size. */
#include "base/mem.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef ENGRAM_JEMALLOC
#include <jemalloc/jemalloc.h>
#else
#include <malloc.h>
#endif

/* The smallest request: jemalloc's class of 8 bytes is aligned to 8 only. */
enum { REQUEST_BYTES_MIN = 16 };

#ifdef ENGRAM_JEMALLOC
static inline void *raw_alloc(size_t bytes, size_t *usable)
{
    void *p = mallocx(bytes, 0);
    *usable = nallocx(bytes, 0);
    return p;
}

static inline void *raw_alloc_zeroed(size_t bytes)
{
    return mallocx(bytes, MALLOCX_ZERO);
}

static inline void *raw_alloc_aligned(size_t align, size_t bytes)
{
    return mallocx(bytes, MALLOCX_ALIGN(align));
}

static inline void *raw_realloc(void *p, size_t bytes)
{
    return rallocx(p, bytes, 0);
}

static inline size_t raw_usable(const void *p)
{
    return sallocx(p, 0);
}

static inline void raw_free(void *p, size_t usable)
{
    sdallocx(p, usable, 0);
}
#else
static inline size_t raw_usable(const void *p)
{
    return malloc_usable_size((void *)(uintptr_t)p);
}

static inline void *raw_alloc(size_t bytes, size_t *usable)
{
    void *p = malloc(bytes);
    *usable = p == NULL ? 0 : malloc_usable_size(p);
    return p;
}

static inline void *raw_alloc_zeroed(size_t bytes)
{
    return calloc(1, bytes);
}

static inline void *raw_alloc_aligned(size_t align, size_t bytes)
{
    void *p = NULL;
    return posix_memalign(&p, align, bytes) == 0 ? p : NULL;
}

static inline void *raw_realloc(void *p, size_t bytes)
{
    return realloc(p, bytes);
}

static inline void raw_free(void *p, size_t usable)
{
    (void)usable;
    free(p);
}
#endif

void mem_account_init(struct mem_account *a)
{
    atomic_init(&a->used_bytes, 0);
    a->fail_after = -1;
    a->shared = false;
}

void mem_account_init_shared(struct mem_account *a)
{
    mem_account_init(a);
    a->shared = true;
}

/* No object may be larger than PTRDIFF_MAX, whatever the allocator says. */
static inline bool is_refused(struct mem_account *a, size_t *bytes)
{
    if (*bytes < REQUEST_BYTES_MIN) {
        *bytes = REQUEST_BYTES_MIN;
    }
    return __builtin_expect(*bytes > PTRDIFF_MAX, 0) || mem_must_fail(a);
}

static void *charged(struct mem_account *a, void *p)
{
    if (p != NULL) {
        mem_charge(a, (ptrdiff_t)raw_usable(p));
    }
    return p;
}

void *mem_alloc(struct mem_account *a, size_t bytes)
{
    if (is_refused(a, &bytes)) {
        return NULL;
    }
    size_t usable;
    void *p = raw_alloc(bytes, &usable);
    if (__builtin_expect(p != NULL, 1)) {
        mem_charge(a, (ptrdiff_t)usable);
    }
    return p;
}

void *mem_alloc_zeroed(struct mem_account *a, size_t bytes)
{
    if (is_refused(a, &bytes)) {
        return NULL;
    }
    return charged(a, raw_alloc_zeroed(bytes));
}

void *mem_alloc_aligned(struct mem_account *a, size_t align, size_t bytes)
{
    assert(align >= sizeof(void *));
    assert((align & (align - 1)) == 0);
    if (is_refused(a, &bytes)) {
        return NULL;
    }
    return charged(a, raw_alloc_aligned(align, bytes));
}

void *mem_realloc(struct mem_account *a, void *p, size_t bytes)
{
    if (p == NULL) {
        return mem_alloc(a, bytes);
    }
    if (is_refused(a, &bytes)) {
        return NULL;
    }
    size_t old_bytes = raw_usable(p);
    void *moved = raw_realloc(p, bytes);
    if (moved != NULL) {
        mem_charge(a, (ptrdiff_t)(raw_usable(moved) - old_bytes));
    }
    return moved;
}

void mem_free(struct mem_account *a, void *p)
{
    if (p == NULL) {
        return;
    }
    size_t bytes = raw_usable(p);
    assert(mem_used(a) >= bytes);
    mem_charge(a, -(ptrdiff_t)bytes);
    raw_free(p, bytes);
}

static size_t page_rounded(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (bytes + page - 1) & ~(page - 1);
}

/* The address sanitizer sees what is written behind a mapping only if its own
 * allocator has made it. */
#ifdef __SANITIZE_ADDRESS__
static void *raw_map(size_t bytes)
{
    void *p = raw_alloc_aligned((size_t)sysconf(_SC_PAGESIZE), bytes);
    return p == NULL ? NULL : memset(p, 0, bytes);
}

static void raw_unmap(void *p, size_t bytes)
{
    raw_free(p, bytes);
}
#else
static void *raw_map(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void raw_unmap(void *p, size_t bytes)
{
    munmap(p, page_rounded(bytes));
}
#endif

void *mem_map(struct mem_account *a, size_t bytes)
{
    void *p = is_refused(a, &bytes) ? NULL : raw_map(bytes);
    if (p != NULL) {
        mem_charge(a, (ptrdiff_t)page_rounded(bytes));
    }
    return p;
}

void mem_unmap(struct mem_account *a, void *p, size_t bytes)
{
    size_t charged_bytes = page_rounded(bytes);
    assert(mem_used(a) >= charged_bytes);
    mem_charge(a, -(ptrdiff_t)charged_bytes);
    raw_unmap(p, bytes);
}

size_t mem_usable(const void *p)
{
    assert(p != NULL);
    return raw_usable(p);
}

void mem_hand_over(struct mem_account *from, struct mem_account *to, void *p)
{
    ptrdiff_t bytes = (ptrdiff_t)mem_usable(p);
    assert(mem_used(from) >= (size_t)bytes);
    mem_charge(from, -bytes);
    mem_charge(to, bytes);
}

void mem_disown(struct mem_account *a, void *p)
{
    size_t bytes = mem_usable(p);
    assert(mem_used(a) >= bytes);
    mem_charge(a, -(ptrdiff_t)bytes);
}

void mem_free_disowned(void *p)
{
    raw_free(p, mem_usable(p));
}

/* The second number of /proc/self/statm is the resident set in pages; 0 where
 * there is no such file. */
static size_t read_rss(void)
{
    char text[128];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0) {
        return 0;
    }
    text[n] = '\0';
    const char *second = strchr(text, ' ');
    if (second == NULL) {
        return 0;
    }
    return (size_t)strtoull(second, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

#ifdef ENGRAM_JEMALLOC
static size_t read_size(const char *name)
{
    size_t value = 0;
    size_t len = sizeof value;
    return mallctl(name, &value, &len, NULL, 0) == 0 ? value : 0;
}
#endif

void mem_stats_read(struct mem_stats *out)
{
    *out = (struct mem_stats){ .rss = read_rss() };
#ifdef ENGRAM_JEMALLOC
    /* The statistics are as of the last advance of the epoch. */
    uint64_t epoch = 1;
    size_t len = sizeof epoch;
    (void)mallctl("epoch", &epoch, &len, &epoch, len);
    out->allocated = read_size("stats.allocated");
    out->active = read_size("stats.active");
    out->resident = read_size("stats.resident");
#endif
}

void mem_report(void (*write)(void *arg, const char *text), void *arg)
{
#ifdef ENGRAM_JEMALLOC
    malloc_stats_print(write, arg, NULL);
#else
    (void)write;
    (void)arg;
#endif
}

bool mem_tuning_read(const char *name, int64_t *out)
{
#ifdef ENGRAM_JEMALLOC
    /* The name does not tell how wide its value is. */
    uint64_t wide = 0;
    uint32_t narrow = 0;
    bool flag = false;
    size_t len = sizeof wide;
    if (mallctl(name, &wide, &len, NULL, 0) == 0) {
        *out = (int64_t)wide;
        return true;
    }
    len = sizeof narrow;
    if (mallctl(name, &narrow, &len, NULL, 0) == 0) {
        *out = narrow;
        return true;
    }
    len = sizeof flag;
    if (mallctl(name, &flag, &len, NULL, 0) == 0) {
        *out = flag;
        return true;
    }
#else
    (void)name;
    (void)out;
#endif
    return false;
}

void mem_purge(void)
{
#ifdef ENGRAM_JEMALLOC
    char name[32];
    (void)snprintf(name, sizeof name, "arena.%u.purge",
                   (unsigned)MALLCTL_ARENAS_ALL);
    (void)mallctl(name, NULL, NULL, NULL, 0);
#elif defined(__GLIBC__)
    (void)malloc_trim(0);
#endif
}

void mem_set_background_purge(bool on)
{
#ifdef ENGRAM_JEMALLOC
    /* One is enough; the default is one a processor. The allocator refuses
     * the number once it has them, hence nothing is made of the answers. */
    size_t thread_count_max = 1;
    (void)mallctl("max_background_threads", NULL, NULL, &thread_count_max,
                  sizeof thread_count_max);
    (void)mallctl("background_thread", NULL, NULL, &on, sizeof on);
#else
    (void)on;
#endif
}

#define TEXT_OF(x) #x
#define TEXT_OF_VALUE(x) TEXT_OF(x)

const char *mem_allocator_name(void)
{
#ifdef ENGRAM_JEMALLOC
    return "jemalloc-" TEXT_OF_VALUE(JEMALLOC_VERSION_MAJOR) "."
           TEXT_OF_VALUE(JEMALLOC_VERSION_MINOR) "."
           TEXT_OF_VALUE(JEMALLOC_VERSION_BUGFIX);
#else
    return "libc";
#endif
}
