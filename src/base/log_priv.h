/* log_priv: the way to the system's logger. In a file of its own, because
 * syslog.h's names are those of our levels. */
#ifndef ENGRAM_BASE_LOG_PRIV_H
#define ENGRAM_BASE_LOG_PRIV_H

/* `facility`: 0 is user, 1 to 8 are local0 to local7. */
void syslog_begin(const char *ident, int facility);
void syslog_end(void);
/* `level` is an enum log_level below LOG_NOTHING. */
void syslog_put(int level, const char *text);

#endif
