/* supervise: systemd's whole protocol is one datagram of lines to the socket that
 * it names in the environment, so it is written here, and no library is needed
 * for it. */
#include "server/supervise.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char systemd_variable[] = "NOTIFY_SOCKET";
static const char upstart_variable[] = "UPSTART_JOB";

enum supervisor supervise_find(enum supervisor asked)
{
    if ((asked == SUPERVISOR_UPSTART || asked == SUPERVISOR_AUTO)
        && getenv(upstart_variable) != NULL) {
        return SUPERVISOR_UPSTART;
    }
    if ((asked == SUPERVISOR_SYSTEMD || asked == SUPERVISOR_AUTO)
        && getenv(systemd_variable) != NULL) {
        return SUPERVISOR_SYSTEMD;
    }
    return SUPERVISOR_NONE;
}

const char *supervise_name(enum supervisor s)
{
    if (s == SUPERVISOR_UPSTART) {
        return "upstart";
    }
    return s == SUPERVISOR_SYSTEMD ? "systemd" : "no";
}

static int send_to(const char *path, const char *text)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || len >= sizeof to.sun_path) {
        return EINVAL;
    }
    memcpy(to.sun_path, path, len);
    if (path[0] == '@') {
        to.sun_path[0] = '\0'; /* a name that is no file */
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return errno;
    }
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    ssize_t n = sendto(fd, text, strlen(text), MSG_NOSIGNAL,
                       (const struct sockaddr *)&to, size);
    int error = n < 0 ? errno : 0;
    close(fd);
    return error;
}

static void tell_systemd(const char *text, struct log *log)
{
    const char *path = getenv(systemd_variable);
    int error = path == NULL ? ENOENT : send_to(path, text);
    if (error != 0) {
        log_write(log, LOG_WARNING, "Can't tell systemd how the server is: %s",
                  strerror(error));
    }
}

void supervise_ready(enum supervisor s, struct log *log)
{
    if (s == SUPERVISOR_SYSTEMD) {
        tell_systemd("STATUS=Ready to accept connections\nREADY=1\n", log);
    } else if (s == SUPERVISOR_UPSTART) {
        log_write(log, LOG_NOTICE, "Supervised by upstart: stopping to signal "
                                   "readiness");
        raise(SIGSTOP);
    }
}

void supervise_stopping(enum supervisor s, struct log *log)
{
    if (s == SUPERVISOR_SYSTEMD) {
        tell_systemd("STATUS=Ending\nSTOPPING=1\n", log);
    }
}
