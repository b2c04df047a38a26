/* process: the parent of a server in the background waits until the server
 * accepts connections, so that whoever started it learns at once, by its exit
 * status and on its terminal, when it could not. */
#include "server/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SPARE_DESCRIPTORS = 32 }; /* for what is not a session */

static int wait_for_child(int fd)
{
    char byte;
    ssize_t n;
    do {
        n = read(fd, &byte, 1);
    } while (n < 0 && errno == EINTR);
    close(fd);
    return n == 1 ? 0 : 1;
}

enum process_side process_detach(int *ready_fd, int *status)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return PROCESS_FAILED;
    }
    pid_t child = fork();
    if (child < 0) {
        int error = errno;
        close(ends[0]);
        close(ends[1]);
        errno = error;
        return PROCESS_FAILED;
    }
    if (child > 0) {
        close(ends[1]);
        *status = wait_for_child(ends[0]);
        return PROCESS_PARENT;
    }
    close(ends[0]);
    setsid(); /* cannot fail: a child leads no group */
    *ready_fd = ends[1];
    return PROCESS_CHILD;
}

void process_ready(int ready_fd)
{
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = STDIN_FILENO; nowhere >= 0 && fd <= STDERR_FILENO; fd++) {
        dup2(nowhere, fd);
    }
    if (nowhere > STDERR_FILENO) {
        close(nowhere);
    }
    /* Nobody is left to tell if the parent has gone. */
    ssize_t n = write(ready_fd, "", 1);
    (void)n;
    close(ready_fd);
}

int process_write_pid(const char *path)
{
    FILE *f = fopen(path, "we");
    if (f == NULL) {
        return errno;
    }
    int error = fprintf(f, "%ld\n", (long)getpid()) < 0 ? errno : 0;
    if (fclose(f) != 0) {
        error = errno;
    }
    return error;
}

int64_t process_sessions_max(int64_t wanted)
{
    struct rlimit limit;
    rlim_t want = (rlim_t)wanted + SPARE_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= want) {
        return wanted;
    }
    /* Beyond the hard limit where we may, else up to it. */
    struct rlimit raised = {want, limit.rlim_max > want ? limit.rlim_max
                                                        : want};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) {
        return wanted;
    }
    raised = (struct rlimit){limit.rlim_max, limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) {
        limit.rlim_cur = limit.rlim_max;
    }
    return limit.rlim_cur > SPARE_DESCRIPTORS
               ? (int64_t)limit.rlim_cur - SPARE_DESCRIPTORS : 1;
}
