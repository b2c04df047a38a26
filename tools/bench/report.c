/* report: latencies in milliseconds with three decimals. */
#include "bench/report.h"

#include <math.h>

#define NS_PER_MS 1e6
#define US 1000

/* What every form shows, in its order. */
struct figures {
    double rps, avg, min, p50, p95, p99, max;
};

static struct figures figures_of(const struct outcome *r)
{
    const struct histogram *h = &r->tally.latency;
    return (struct figures){
        .rps = outcome_rps(r),
        .avg = histogram_mean(h) / NS_PER_MS,
        .min = (double)h->min_ns / NS_PER_MS,
        .p50 = (double)histogram_percentile(h, 50) / NS_PER_MS,
        .p95 = (double)histogram_percentile(h, 95) / NS_PER_MS,
        .p99 = (double)histogram_percentile(h, 99) / NS_PER_MS,
        .max = (double)h->max_ns / NS_PER_MS,
    };
}

/* ---- CSV ---- */

static void csv_text(const char *text, FILE *out)
{
    putc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            putc('"', out);
        }
        putc(*text, out);
    }
    putc('"', out);
}

void report_csv_header(const struct options *o, FILE *out)
{
    fprintf(out,
            "\"test\",%s\"rps\",\"avg_latency_ms\",\"min_latency_ms\","
            "\"p50_latency_ms\",\"p95_latency_ms\",\"p99_latency_ms\","
            "\"max_latency_ms\"\n",
            o->compare != NULL ? "\"server\"," : "");
}

static void csv_row(const struct options *o, const char *title,
                    const char *server, const struct figures *f, FILE *out)
{
    csv_text(title, out);
    if (o->compare != NULL) {
        putc(',', out);
        csv_text(server, out);
    }
    fprintf(out,
            ",\"%.2f\",\"%.3f\",\"%.3f\",\"%.3f\",\"%.3f\",\"%.3f\",\"%.3f\"\n",
            f->rps, f->avg, f->min, f->p50, f->p95, f->p99, f->max);
}

/* ---- for people ---- */

static void print_percentiles(const struct histogram *h, FILE *out)
{
    double level = 0;
    uint64_t seen = 0;
    fprintf(out, "\nLatency by percentile distribution:\n");
    for (size_t i = 0; i < h->bucket_count && seen < h->count; i++) {
        seen += h->buckets[i];
        double percent = 100.0 * (double)seen / (double)h->count;
        if (h->buckets[i] == 0 || percent < level) {
            continue;
        }
        uint64_t end = histogram_bucket_end(h, i);
        end = end < h->max_ns ? end : h->max_ns;
        fprintf(out, "%.3f%% <= %.3f milliseconds (cumulative count %llu)\n",
                level, (double)end / NS_PER_MS, (unsigned long long)seen);
        /* 0, 50, 75, 87.5 ...: half of the way to 100 each time. */
        while (level <= percent && level < 100.0) {
            double next = level + (100.0 - level) / 2;
            level = next > level ? next : 100.0;
        }
    }
    fprintf(out, "100.000%% <= %.3f milliseconds (cumulative count %llu)\n",
            (double)h->max_ns / NS_PER_MS, (unsigned long long)h->count);
}

/* In steps of 0.1 ms up to 2 ms, then of 1 ms; only where something is new. */
static void print_cumulative(const struct histogram *h, FILE *out)
{
    uint64_t shown = 0, seen = 0;
    size_t i = 0;
    fprintf(out, "\nCumulative distribution of latencies:\n");
    for (uint64_t us = 100; shown < h->count; us += us < 2000 ? 100 : 1000) {
        for (; i < h->bucket_count && histogram_bucket_end(h, i) <= us * US;
             i++) {
            seen += h->buckets[i];
        }
        seen = us * US >= h->max_ns ? h->count : seen;
        if (seen == shown && us > 100) {
            continue;
        }
        fprintf(out, "%.3f%% <= %.3f milliseconds (cumulative count %llu)\n",
                100.0 * (double)seen / (double)h->count, (double)us / 1000,
                (unsigned long long)seen);
        shown = seen;
    }
}

static void print_settings(const struct options *o,
                           const struct settings *settings, FILE *out)
{
    fprintf(out, "  %lld parallel clients\n", (long long)o->clients);
    if (o->sizes.count == 1
        && o->sizes.shares[0].min == o->sizes.shares[0].max) {
        fprintf(out, "  %zu bytes payload\n", o->sizes.shares[0].min);
    } else {
        fprintf(out, "  up to %zu bytes payload\n", sizes_largest(&o->sizes));
    }
    fprintf(out, "  keep alive: %lld\n", (long long)o->keep_alive);
    fprintf(out, "  host configuration \"save\": %s\n", settings->save);
    fprintf(out, "  host configuration \"appendonly\": %s\n",
            settings->appendonly);
    fprintf(out, "  multi-thread: %s\n", o->threads > 1 ? "yes" : "no");
    if (o->threads > 1) {
        fprintf(out, "  threads: %lld\n", (long long)o->threads);
    }
}

static void print_row(const struct histogram *h, FILE *out)
{
    const double percents[] = {50, 95, 99};
    fprintf(out, "%13.3f %9.3f", histogram_mean(h) / NS_PER_MS,
            (double)h->min_ns / NS_PER_MS);
    for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++) {
        fprintf(out, " %9.3f",
                (double)histogram_percentile(h, percents[i]) / NS_PER_MS);
    }
    fprintf(out, " %9.3f\n", (double)h->max_ns / NS_PER_MS);
}

static void print_summary(const struct outcome *r, FILE *out)
{
    static const char heads[] =
        "          avg       min       p50       p95       p99       max\n";
    const struct tally *t = &r->tally;
    fprintf(out,
            "\nSummary:\n"
            "  throughput summary: %.2f requests per second\n"
            "  latency summary (msec):\n%s",
            outcome_rps(r), heads);
    print_row(&t->latency, out);
    if (t->service.count > 0) {
        fprintf(out,
                "  service time summary, from when requests were sent "
                "(msec):\n%s",
                heads);
        print_row(&t->service, out);
    }
    if (t->reads > 0) {
        fprintf(out,
                "  reads: %llu, of which %llu found nothing; writes: "
                "%llu\n",
                (unsigned long long)t->reads, (unsigned long long)t->misses,
                (unsigned long long)(t->requests - t->reads));
    }
    fprintf(out, "\n");
}

static void print_whole(const struct options *o, const struct server *server,
                        const struct settings *settings,
                        const struct outcome *r, FILE *out)
{
    fprintf(out, "====== %s ======\n", r->title);
    if (o->compare != NULL) {
        fprintf(out, "  server: %s\n", server->name);
    }
    fprintf(out, "  %llu requests completed in %.2f seconds\n",
            (unsigned long long)r->tally.requests, r->seconds);
    print_settings(o, settings, out);
    if (r->tally.service.count > 0) {
        fprintf(out,
                "  rate: %lld requests per second; latency counts from "
                "when a request was due\n",
                (long long)o->rps);
    }
    print_percentiles(&r->tally.latency, out);
    print_cumulative(&r->tally.latency, out);
    print_summary(r, out);
}

void report_outcome(const struct options *o, const struct server *server,
                    const struct settings *settings, const struct outcome *r,
                    FILE *out)
{
    struct figures f = figures_of(r);
    if (o->is_csv) {
        csv_row(o, r->title, server->name, &f, out);
    } else if (o->is_quiet) {
        fprintf(out, "%s: %.2f requests per second, p50=%.3f msec%s%s\n",
                r->title, f.rps, f.p50, o->compare != NULL ? " on " : "",
                o->compare != NULL ? server->name : "");
    } else {
        print_whole(o, server, settings, r, out);
    }
    fflush(out);
}

/* ---- two servers ---- */

static double ratio(double b, double a)
{
    return a > 0 ? b / a : 0;
}

void report_ratios(const struct options *o, const struct server *first,
                   const struct outcome *a, const struct server *second,
                   const struct outcome *b, FILE *out)
{
    struct figures fa = figures_of(a), fb = figures_of(b);
    struct figures r = {
        ratio(fb.rps, fa.rps), ratio(fb.avg, fa.avg), ratio(fb.min, fa.min),
        ratio(fb.p50, fa.p50), ratio(fb.p95, fa.p95), ratio(fb.p99, fa.p99),
        ratio(fb.max, fa.max),
    };
    if (o->is_csv) {
        csv_row(o, a->title, "ratio", &r, out);
        return;
    }
    fprintf(out,
            "%s: %s to %s: requests per second x%.2f, avg x%.2f, p50 x%.2f, "
            "p95 x%.2f, p99 x%.2f, max x%.2f\n",
            a->title, second->name, first->name, r.rps, r.avg, r.p50, r.p95,
            r.p99, r.max);
    fflush(out);
}

bool report_verified(const struct outcome *r, FILE *err)
{
    if (r->tally.wrong == 0) {
        return true;
    }
    fprintf(err, "%s: %llu of %llu values read are wrong; the first: %s\n",
            r->title, (unsigned long long)r->tally.wrong,
            (unsigned long long)r->tally.reads, r->tally.wrong_text);
    return false;
}
