/* client: a connection to a server on 127.0.0.1, one command or batch after the
 * other. Whatever goes wrong ends the program with a line that says what: a
 * measurement that is not whole is none. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <stddef.h>
#include <stdint.h>

enum { COMMAND_BYTES_MAX = 4096, VALUE_BYTES_MAX = 3072 };

struct client;

_Noreturn void fail(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

struct client *client_open(int port);
void client_close(struct client **c);
int client_fd(const struct client *c);

void client_send(struct client *c, const char *bytes, size_t len);

/* Reads one reply, of an array its head; its first byte. *number is the integer,
 * or how many elements of the array are to be read next, or the length of the
 * bulk, whose *body stays valid until the next reply is read. */
char client_reply(struct client *c, long *number, const char **body);

/* Sends a command of words without blanks; the reply's number, 0 for +OK. */
long client_ask(struct client *c, const char *words);

/* A field of that section of INFO; negative from a server that has none. */
double client_info(struct client *c, const char *section, const char *field);

/* The resident bytes of a process. */
double resident_bytes(int pid);

/* The commands of the benches, written to `out`, at least COMMAND_BYTES_MAX
 * long; how many bytes they took. Key number n is key:%012n. */
size_t put_set(char *out, uint64_t key, size_t value_bytes);
size_t put_set_until(char *out, uint64_t key, size_t value_bytes,
                     uint64_t due_ms);
size_t put_get(char *out, uint64_t key);
size_t put_del(char *out, uint64_t key);

/* Sends what `put` writes for each number from `first` until `last`, in deep
 * batches, and reads the replies. It may write nothing for a number. */
typedef size_t (*put_fn)(void *arg, char *out, uint64_t number);
void client_batches(struct client *c, uint64_t first, uint64_t last, put_fn put,
                    void *arg);

#endif
