/* keys: the Zipf distribution by rejection-inversion (Hörmann and Derflinger,
 * 1996), which needs no table: a point under the curve x^-theta is chosen by
 * inverting its integral, and rejected where it lies above the histogram's bar.
 * About one point in ten is. Ranks count from 1, keys from 0. */
#include "bench/keys.h"

#include <assert.h>
#include <math.h>

/* The curve's height, the area beneath it from 1 on, and where it has an area. */
static double height(double theta, double x)
{
    return exp(-theta * log(x));
}

static double area(double theta, double x)
{
    double a = 1.0 - theta;
    double l = log(x);
    return fabs(a * l) < 1e-8 ? l : expm1(a * l) / a;
}

static double area_inverse(double theta, double y)
{
    double a = 1.0 - theta;
    double t = a * y;
    if (fabs(t) < 1e-8) {
        return exp(y);
    }
    /* Rounding may lead beyond what the curve of theta > 1 has. */
    return exp(log1p(t > -1.0 ? t : nextafter(-1.0, 0.0)) / a);
}

void keys_init(struct keys *k, enum key_order order, uint64_t range,
               double theta)
{
    assert(range > 0);
    *k = (struct keys){.order = order, .range = range, .theta = theta};
    if (order == KEYS_ZIPF) {
        assert(theta > 0);
        k->area_first = area(theta, 1.5) - 1.0;
        k->area_all = area(theta, (double)range + 0.5);
        k->squeeze =
            2.0 - area_inverse(theta, area(theta, 2.5) - height(theta, 2.0));
    }
}

static uint64_t zipf_next(const struct keys *k, struct stream *s)
{
    for (;;) {
        double u = k->area_all + stream_unit(s) * (k->area_first - k->area_all);
        double x = area_inverse(k->theta, u);
        double rank = floor(x + 0.5);
        rank = rank < 1.0 ? 1.0 : rank;
        rank = rank > (double)k->range ? (double)k->range : rank;
        if (rank - x <= k->squeeze
            || u >= area(k->theta, rank + 0.5) - height(k->theta, rank)) {
            return (uint64_t)rank - 1;
        }
    }
}

uint64_t keys_next(const struct keys *k, struct stream *s, uint64_t turn)
{
    switch (k->order) {
    case KEYS_UNIFORM: return stream_below(s, k->range);
    case KEYS_ZIPF: return zipf_next(k, s);
    case KEYS_SEQUENTIAL: return turn % k->range;
    }
    assert(!"an order that is none");
    return 0;
}
