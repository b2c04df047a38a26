/* oom: /proc/self/oom_score_adj. */
#include "server/oom.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SCORE_MAX = 1000, MODE_NO = 0, MODE_ABSOLUTE = 3 };

static const char path[] = "/proc/self/oom_score_adj";

static bool read_score(int *score)
{
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        return false;
    }
    bool is_read = fscanf(f, "%d", score) == 1;
    fclose(f);
    return is_read;
}

static bool write_score(int score)
{
    FILE *f = fopen(path, "we");
    if (f == NULL) {
        return false;
    }
    bool is_written = fprintf(f, "%d\n", score) > 0;
    /* What is buffered meets the kernel here. */
    return fclose(f) == 0 && is_written;
}

static int clamp(int score)
{
    if (score > SCORE_MAX) {
        return SCORE_MAX;
    }
    return score < -SCORE_MAX ? -SCORE_MAX : score;
}

bool oom_apply(struct oom *m, const struct options *o, enum oom_role role,
               struct log *log)
{
    int value[OOM_ROLE_COUNT] = {0}, before = m->before;
    bool is_on = o->oom_score_adj != MODE_NO;
    if (!is_on && !m->is_active) {
        return true;
    }
    if (!m->is_active && !read_score(&before)) {
        log_write(log, LOG_WARNING, "Unable to read oom_score_adj: %s",
                  strerror(errno));
        return false;
    }
    /* Three numbers: the option's own check has seen to it. */
    (void)sscanf(o->oom_score_values, "%d %d %d", &value[0], &value[1],
                 &value[2]);
    int base = o->oom_score_adj == MODE_ABSOLUTE ? 0 : before;
    int score = is_on ? clamp(base + value[role]) : before;
    if (!write_score(score)) {
        log_write(log, LOG_WARNING, "Unable to write oom_score_adj: %s",
                  strerror(errno));
        return false;
    }
    m->before = before;
    m->is_active = is_on;
    return true;
}
