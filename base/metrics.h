/* base/metrics.h - counters, gauges and histograms in one process-wide registry, written out for Prometheus.
 *
 * Names start with walletd_ and follow operations.md 3.8.  Labels are bounded text made at set-up
 * ("kind=\"cashu_send\",outcome=\"done\""), never ids or addresses.  Asking for the same name and labels again returns
 * the same handle.  Handles live for ever.  Single-threaded. */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdint.h>

#include "base/buf.h"

struct metric;

struct metric *metric_counter(const char *name, const char *labels, const char *help);
struct metric *metric_gauge(const char *name, const char *labels, const char *help);
/* Buckets in microseconds from 100 us to 100 s; exported in seconds. */
struct metric *metric_duration(const char *name, const char *labels, const char *help);
/* Plain sizes: buckets 1, 2, 4 … 1024. */
struct metric *metric_size(const char *name, const char *labels, const char *help);

void metric_inc(struct metric *m);
void metric_add(struct metric *m, uint64_t n);
void metric_set(struct metric *m, int64_t v);
void metric_observe(struct metric *m, uint64_t v); /* us for a duration */
uint64_t metric_value(const struct metric *m);     /* counter or count of observations */
void metrics_write(struct buf *to);                /* text format 0.0.4, families in order of first registration */

#endif
