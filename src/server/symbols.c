/* symbols: reads the symbol table of /proc/self/exe, which is the running
 * program's file even after another has taken its place. A stripped program has
 * none; what is found is checked against the file's length all the same. */
#include "server/symbols.h"

#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the kernel has added to the addresses in the file. */
static uintptr_t load_base(void)
{
    const ElfW(Phdr) *headers = (const ElfW(Phdr) *)getauxval(AT_PHDR);
    unsigned long count = getauxval(AT_PHNUM);
    for (unsigned long i = 0; headers != NULL && i < count; i++) {
        if (headers[i].p_type == PT_PHDR) {
            return (uintptr_t)headers - headers[i].p_vaddr;
        }
    }
    return 0;
}

static const void *at(const struct symbols *s, uint64_t offset, uint64_t bytes)
{
    return offset <= s->bytes && bytes <= s->bytes - offset
               ? s->file + offset : NULL;
}

static const ElfW(Shdr) *section(const struct symbols *s, unsigned index)
{
    const ElfW(Ehdr) *head = at(s, 0, sizeof *head);
    if (head == NULL || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0
        || index >= head->e_shnum) {
        return NULL;
    }
    return at(s, head->e_shoff + (uint64_t)index * sizeof(ElfW(Shdr)),
              sizeof(ElfW(Shdr)));
}

static void find_table(struct symbols *s)
{
    const ElfW(Shdr) *table, *names;
    for (unsigned i = 0; (table = section(s, i)) != NULL; i++) {
        if (table->sh_type != SHT_SYMTAB) {
            continue;
        }
        names = section(s, table->sh_link);
        if (names != NULL) {
            s->table = at(s, table->sh_offset, table->sh_size);
            s->names = at(s, names->sh_offset, names->sh_size);
            s->count = table->sh_size / sizeof *s->table;
            s->names_bytes = names->sh_size;
        }
        return;
    }
}

void symbols_open(struct symbols *s)
{
    struct stat st;
    *s = (struct symbols){.base = load_base()};
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    if (fstat(fd, &st) == 0 && st.st_size > 0) {
        void *file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd,
                          0);
        if (file != MAP_FAILED) {
            s->file = file;
            s->bytes = (size_t)st.st_size;
            find_table(s);
        }
    }
    close(fd);
}

void symbols_close(struct symbols *s)
{
    if (s->file != NULL) {
        munmap((void *)(uintptr_t)s->file, s->bytes);
    }
    *s = (struct symbols){0};
}

const char *symbols_find(const struct symbols *s, const void *address,
                         uintptr_t *into, uintptr_t *in_file)
{
    uintptr_t wanted = (uintptr_t)address - s->base;
    if (s->table == NULL || s->names == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < s->count; i++) {
        const ElfW(Sym) *e = &s->table[i];
        if (ELF64_ST_TYPE(e->st_info) == STT_FUNC && wanted >= e->st_value
            && wanted - e->st_value < e->st_size && e->st_name < s->names_bytes
            && memchr(s->names + e->st_name, 0, s->names_bytes - e->st_name)
                   != NULL) {
            *into = wanted - e->st_value;
            *in_file = wanted;
            return s->names + e->st_name;
        }
    }
    return NULL;
}
