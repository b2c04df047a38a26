/* json: {"engram_benchmark", "options": {}, "tests": [{}]}. Durations are
 * milliseconds; a histogram is the ends of its buckets with their counts. */
#include "bench/json.h"

#include <inttypes.h>

#define NS_PER_MS 1e6

static void text(const char *s, FILE *out)
{
    putc('"', out);
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\') {
            fprintf(out, "\\%c", c);
        } else if (c < 0x20 || c >= 0x7f) {
            /* Bytes of no known encoding are told as the code points of their
             * number. */
            fprintf(out, "\\u%04x", c);
        } else {
            putc(c, out);
        }
    }
    putc('"', out);
}

void json_begin(struct json *j, FILE *out, const struct options *o,
                uint64_t seed)
{
    static const char *const orders[] = {"uniform", "zipf", "seq"};
    *j = (struct json){.out = out};
    fprintf(
        out,
        "{\"engram_benchmark\": \"%s\",\n \"options\": {\"clients\": %" PRId64
        ", \"threads\": %" PRId64 ", \"pipeline\": %" PRId64
        ", \"requests\": %" PRId64 ", \"duration_s\": %" PRId64
        ", \"rps\": %" PRId64 ", \"keep_alive\": %" PRId64
        ", \"keyspace\": %" PRId64 ", \"key_dist\": \"%s\", \"seed\": %" PRIu64
        "},\n \"tests\": [",
        ENGRAM_VERSION, o->clients, o->threads, o->pipeline, o->requests,
        o->duration_s, o->rps, o->keep_alive, o->key_range,
        orders[o->key_order], seed);
}

static void summary(const struct histogram *h, FILE *out)
{
    static const struct {
        const char *name;
        double percent;
    } percentiles[] = {{"p50", 50}, {"p90", 90},     {"p95", 95},
                       {"p99", 99}, {"p99_9", 99.9}, {"p99_99", 99.99}};
    fprintf(out, "{\"avg\": %.6f, \"min\": %.6f", histogram_mean(h) / NS_PER_MS,
            (double)h->min_ns / NS_PER_MS);
    for (size_t i = 0; i < sizeof percentiles / sizeof percentiles[0]; i++) {
        fprintf(out, ", \"%s\": %.6f", percentiles[i].name,
                (double)histogram_percentile(h, percentiles[i].percent)
                    / NS_PER_MS);
    }
    fprintf(out, ", \"max\": %.6f}", (double)h->max_ns / NS_PER_MS);
}

static void buckets(const struct histogram *h, FILE *out)
{
    const char *comma = "";
    for (size_t i = 0; i < h->bucket_count; i++) {
        if (h->buckets[i] > 0) {
            fprintf(out, "%s[%.6f, %" PRIu64 "]", comma,
                    (double)histogram_bucket_end(h, i) / NS_PER_MS,
                    h->buckets[i]);
            comma = ", ";
        }
    }
}

void json_outcome(struct json *j, const struct server *server,
                  const struct options *o, const struct outcome *r)
{
    const struct tally *t = &r->tally;
    FILE *out = j->out;
    fprintf(out, "%s\n  {\"test\": ", j->has_test ? "," : "");
    j->has_test = true;
    text(r->title, out);
    fprintf(out, ", \"server\": ");
    text(server->name, out);
    fprintf(out,
            ", \"requests\": %" PRIu64 ", \"seconds\": %.6f, \"rps\": %.2f",
            t->requests, r->seconds, outcome_rps(r));
    if (t->reads > 0) {
        fprintf(out, ", \"reads\": %" PRIu64 ", \"misses\": %" PRIu64, t->reads,
                t->misses);
    }
    if (o->has_verify) {
        fprintf(out, ", \"wrong\": %" PRIu64, t->wrong);
    }
    fprintf(out, ",\n   \"latency_ms\": ");
    summary(&t->latency, out);
    if (t->service.count > 0) {
        fprintf(out, ",\n   \"service_ms\": ");
        summary(&t->service, out);
    }
    fprintf(out, ",\n   \"histogram_ms\": [");
    buckets(&t->latency, out);
    fprintf(out, "]}");
}

void json_end(struct json *j)
{
    fprintf(j->out, "\n ]}\n");
}
