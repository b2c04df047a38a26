/* process: what the program does to its own process: going into the background,
 * saying its number in a file, asking for descriptors. */
#ifndef ENGRAM_SERVER_PROCESS_H
#define ENGRAM_SERVER_PROCESS_H

#include <stdint.h>

enum process_side { PROCESS_CHILD, PROCESS_PARENT, PROCESS_FAILED };

/* Splits the process in two, before any thread is made. The child goes on in a
 * session of its own and calls process_ready with *ready_fd. The parent returns
 * when it has, or when the child has ended: *status is what to exit with.
 * FAILED: errno. */
enum process_side process_detach(int *ready_fd, int *status);
/* Lets go of the terminal, and of the parent that waits. */
void process_ready(int ready_fd);

/* 0, or errno. */
int process_write_pid(const char *path);

/* Raises the process's limit of descriptors so that it has room for `wanted`
 * sessions; for how many it has: `wanted` or fewer, at least 1. */
int64_t process_sessions_max(int64_t wanted);

#endif
