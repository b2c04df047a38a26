/* log_syslog: lines for the system's logger. libc keeps its connection, one a
 * process, and a lock around it. Threads: any. */
#include "base/log_priv.h"

#include <assert.h>
#include <syslog.h>

void syslog_begin(const char *ident, int facility)
{
    static const int facilities[] = {
        LOG_USER, LOG_LOCAL0, LOG_LOCAL1, LOG_LOCAL2, LOG_LOCAL3, LOG_LOCAL4,
        LOG_LOCAL5, LOG_LOCAL6, LOG_LOCAL7,
    };
    assert(facility >= 0);
    assert(facility < (int)(sizeof facilities / sizeof facilities[0]));
    openlog(ident, LOG_PID | LOG_NDELAY | LOG_NOWAIT, facilities[facility]);
}

void syslog_end(void)
{
    closelog();
}

void syslog_put(int level, const char *text)
{
    static const int priorities[] = {LOG_DEBUG, LOG_INFO, LOG_NOTICE,
                                     LOG_WARNING};
    assert(level >= 0);
    assert(level < (int)(sizeof priorities / sizeof priorities[0]));
    syslog(priorities[level], "%s", text);
}
