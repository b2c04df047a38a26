/* registers: those of x86-64 and of 64-bit ARM. */
#include "server/registers.h"

#include <sys/uio.h>
#include <unistd.h>

enum { STACK_WORDS = 16, REGISTERS_A_LINE = 4 };

#if defined(__x86_64__)

static const struct { const char *name; int index; } registers[] = {
    {"RAX", REG_RAX}, {"RBX", REG_RBX}, {"RCX", REG_RCX}, {"RDX", REG_RDX},
    {"RDI", REG_RDI}, {"RSI", REG_RSI}, {"RBP", REG_RBP}, {"RSP", REG_RSP},
    {"R8 ", REG_R8}, {"R9 ", REG_R9}, {"R10", REG_R10}, {"R11", REG_R11},
    {"R12", REG_R12}, {"R13", REG_R13}, {"R14", REG_R14}, {"R15", REG_R15},
    {"RIP", REG_RIP}, {"EFL", REG_EFL}, {"CSGSFS", REG_CSGSFS},
};

void *registers_pc(const ucontext_t *at)
{
    return (void *)(uintptr_t)at->uc_mcontext.gregs[REG_RIP];
}

static uintptr_t stack_end(const ucontext_t *at)
{
    return (uintptr_t)at->uc_mcontext.gregs[REG_RSP];
}

static void write_all(struct report *r, const ucontext_t *at)
{
    for (size_t i = 0; i < sizeof registers / sizeof registers[0]; i++) {
        report_text(r, registers[i].name);
        report_text(r, ":");
        report_hex(r, (uint64_t)at->uc_mcontext.gregs[registers[i].index], 16);
        report_text(r, (i + 1) % REGISTERS_A_LINE == 0 ? "\n" : " ");
    }
    report_text(r, "\n");
}

#elif defined(__aarch64__)

void *registers_pc(const ucontext_t *at)
{
    return (void *)(uintptr_t)at->uc_mcontext.pc;
}

static uintptr_t stack_end(const ucontext_t *at)
{
    return (uintptr_t)at->uc_mcontext.sp;
}

static void write_one(struct report *r, const char *name, uint64_t value)
{
    report_text(r, name);
    report_text(r, ":");
    report_hex(r, value, 16);
}

static void write_all(struct report *r, const ucontext_t *at)
{
    for (int i = 0; i <= 30; i++) {
        report_text(r, "X");
        report_number(r, i);
        write_one(r, "", at->uc_mcontext.regs[i]);
        report_text(r, (i + 1) % REGISTERS_A_LINE == 0 ? "\n" : " ");
    }
    write_one(r, "SP", at->uc_mcontext.sp);
    write_one(r, " PC", at->uc_mcontext.pc);
    write_one(r, " PSTATE", at->uc_mcontext.pstate);
    report_text(r, "\n");
}

#else

void *registers_pc(const ucontext_t *at)
{
    (void)at;
    return NULL;
}

static uintptr_t stack_end(const ucontext_t *at)
{
    (void)at;
    return 0;
}

static void write_all(struct report *r, const ucontext_t *at)
{
    (void)at;
    report_text(r, "(of a processor that this build does not know)\n");
}

#endif

void registers_write(struct report *r, const ucontext_t *at, bool stack)
{
    uintptr_t end = stack_end(at);
    write_all(r, at);
    if (!stack || end % sizeof(uint64_t) != 0 || end == 0) {
        return;
    }
    for (int i = STACK_WORDS - 1; i >= 0; i--) {
        uint64_t word;
        uintptr_t from = end + (size_t)i * sizeof word;
        struct iovec to = {&word, sizeof word};
        struct iovec at_from = {(void *)from, sizeof word};
        /* The kernel fetches it: the stack may be what is broken. */
        if (process_vm_readv(getpid(), &to, 1, &at_from, 1, 0)
            != (ssize_t)sizeof word) {
            continue;
        }
        report_text(r, "(");
        report_hex(r, from, 16);
        report_text(r, ") -> ");
        report_hex(r, word, 16);
        report_text(r, "\n");
    }
}
