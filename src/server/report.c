/* report: see the header. */
#include "server/report.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"

void report_init(struct report *r, struct log *log)
{
    r->log = log;
    r->used = 0;
}

void report_flush(struct report *r)
{
    log_write_raw(r->log, r->bytes, r->used);
    r->used = 0;
}

static void put(struct report *r, char byte)
{
    if (r->used == sizeof r->bytes) {
        report_flush(r);
    }
    r->bytes[r->used++] = byte;
}

void report_text(struct report *r, const char *text)
{
    for (; *text != '\0'; text++) {
        put(r, *text);
    }
}

void report_number(struct report *r, int64_t n)
{
    char digits[20];
    int count = 0;
    uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    if (n < 0) {
        put(r, '-');
    }
    do {
        digits[count++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    while (count > 0) {
        put(r, digits[--count]);
    }
}

void report_hex(struct report *r, uint64_t n, int digits)
{
    int count = 16;
    while (count > digits && n >> (4 * (count - 1)) == 0) {
        count--;
    }
    while (count-- > 0) {
        put(r, "0123456789abcdef"[n >> (4 * count) & 0xf]);
    }
}

void report_quoted(struct report *r, struct slice bytes, size_t max)
{
    put(r, '"');
    for (size_t i = 0; i < bytes.len && i < max; i++) {
        uint8_t c = bytes.data[i];
        if (c == '"' || c == '\\') {
            put(r, '\\');
            put(r, (char)c);
        } else if (c < 0x20 || c >= 0x7f) {
            report_text(r, "\\x");
            report_hex(r, c, 2);
        } else {
            put(r, (char)c);
        }
    }
    put(r, '"');
    if (bytes.len > max) {
        report_text(r, "... (");
        report_number(r, (int64_t)bytes.len);
        report_text(r, " bytes)");
    }
}

void report_head(struct report *r)
{
    report_number(r, getpid());
    report_text(r, ":signal-handler (");
    report_number(r, clock_wall_us() / 1000000);
    report_text(r, ") # ");
}
