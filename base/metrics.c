#include "base/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define BOUNDS_MAX 19

enum metric_type { METRIC_COUNTER = 1, METRIC_GAUGE, METRIC_DURATION, METRIC_SIZE };

struct bound {
	uint64_t upto;
	const char *text; /* as exported */
};

static const struct bound duration_bounds[] = {
	{ 100, "0.0001" },  { 250, "0.00025" }, { 500, "0.0005" },  { 1000, "0.001" },    { 2500, "0.0025" },
	{ 5000, "0.005" },  { 10000, "0.01" },  { 25000, "0.025" }, { 50000, "0.05" },    { 100000, "0.1" },
	{ 250000, "0.25" }, { 500000, "0.5" },  { 1000000, "1" },   { 2500000, "2.5" },   { 5000000, "5" },
	{ 10000000, "10" }, { 25000000, "25" }, { 50000000, "50" }, { 100000000, "100" },
};

static const struct bound size_bounds[] = {
	{ 1, "1" },   { 2, "2" },     { 4, "4" },     { 8, "8" },     { 16, "16" },     { 32, "32" },
	{ 64, "64" }, { 128, "128" }, { 256, "256" }, { 512, "512" }, { 1024, "1024" },
};

_Static_assert(ARRAY_LEN(duration_bounds) <= BOUNDS_MAX && ARRAY_LEN(size_bounds) <= BOUNDS_MAX, "BOUNDS_MAX");

struct metric {
	struct metric *next;
	char *name, *labels, *help;
	enum metric_type type;
	uint64_t count; /* of observations, or a counter's value */
	uint64_t sum;
	int64_t level; /* a gauge's value */
	uint64_t in_bucket[BOUNDS_MAX];
};

/* The registry: series of one family stand together, families in order of first registration. */
static struct metric *registry;

static char *copy(const char *text)
{
	char *p = strdup(text);

	if (p == NULL)
		err_fatal("out of memory");
	return p;
}

static struct metric *get(enum metric_type type, const char *name, const char *labels, const char *help)
{
	struct metric **at = &registry, *m;

	if (labels == NULL)
		labels = "";
	while (*at != NULL && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	for (; *at != NULL && strcmp((*at)->name, name) == 0; at = &(*at)->next) {
		assert((*at)->type == type);
		if (strcmp((*at)->labels, labels) == 0)
			return *at;
	}
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		err_fatal("out of memory");
	m->name = copy(name);
	m->labels = copy(labels);
	m->help = copy(help);
	m->type = type;
	m->next = *at;
	*at = m;
	return m;
}

struct metric *metric_counter(const char *name, const char *labels, const char *help)
{
	return get(METRIC_COUNTER, name, labels, help);
}

struct metric *metric_gauge(const char *name, const char *labels, const char *help)
{
	return get(METRIC_GAUGE, name, labels, help);
}

struct metric *metric_duration(const char *name, const char *labels, const char *help)
{
	return get(METRIC_DURATION, name, labels, help);
}

struct metric *metric_size(const char *name, const char *labels, const char *help)
{
	return get(METRIC_SIZE, name, labels, help);
}

/* A histogram's upper bounds; none for the others. */
static size_t bounds_of(const struct metric *m, const struct bound **ret)
{
	switch (m->type) {
	case METRIC_COUNTER:
	case METRIC_GAUGE:
		return 0;
	case METRIC_DURATION:
		*ret = duration_bounds;
		return ARRAY_LEN(duration_bounds);
	case METRIC_SIZE:
		*ret = size_bounds;
		return ARRAY_LEN(size_bounds);
	}
	abort();
}

void metric_inc(struct metric *m)
{
	metric_add(m, 1);
}

void metric_add(struct metric *m, uint64_t n)
{
	assert(m->type == METRIC_COUNTER);
	m->count += n;
}

void metric_set(struct metric *m, int64_t v)
{
	assert(m->type == METRIC_GAUGE);
	m->level = v;
}

void metric_observe(struct metric *m, uint64_t v)
{
	const struct bound *bounds = NULL;
	size_t n = bounds_of(m, &bounds), i = 0;

	assert(n > 0);
	while (i < n && v > bounds[i].upto)
		i++;
	if (i < n)
		m->in_bucket[i]++;
	m->count++;
	m->sum += v;
}

uint64_t metric_value(const struct metric *m)
{
	return m->count;
}

static void write_histogram(struct buf *to, const struct metric *m)
{
	const char *comma = m->labels[0] == '\0' ? "" : ",";
	const struct bound *bounds = NULL;
	size_t n = bounds_of(m, &bounds);
	uint64_t sofar = 0;

	for (size_t i = 0; i < n; i++) {
		sofar += m->in_bucket[i];
		buf_printf(to, "%s_bucket{%s%sle=\"%s\"} %" PRIu64 "\n", m->name, m->labels, comma, bounds[i].text,
			   sofar);
	}
	buf_printf(to, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", m->name, m->labels, comma, m->count);
}

/* "name_suffix{labels} ", without the braces when there are no labels. */
static void write_name(struct buf *to, const struct metric *m, const char *suffix)
{
	const char *open = m->labels[0] == '\0' ? "" : "{", *shut = m->labels[0] == '\0' ? "" : "}";

	buf_printf(to, "%s%s%s%s%s ", m->name, suffix, open, m->labels, shut);
}

static void write_series(struct buf *to, const struct metric *m)
{
	switch (m->type) {
	case METRIC_COUNTER:
		write_name(to, m, "");
		buf_printf(to, "%" PRIu64 "\n", m->count);
		return;
	case METRIC_GAUGE:
		write_name(to, m, "");
		buf_printf(to, "%" PRId64 "\n", m->level);
		return;
	case METRIC_DURATION:
		write_histogram(to, m);
		write_name(to, m, "_sum");
		buf_printf(to, "%" PRIu64 ".%06" PRIu64 "\n", m->sum / 1000000, m->sum % 1000000);
		break;
	case METRIC_SIZE:
		write_histogram(to, m);
		write_name(to, m, "_sum");
		buf_printf(to, "%" PRIu64 "\n", m->sum);
		break;
	}
	write_name(to, m, "_count");
	buf_printf(to, "%" PRIu64 "\n", m->count);
}

static const char *type_name(enum metric_type type)
{
	switch (type) {
	case METRIC_COUNTER:
		return "counter";
	case METRIC_GAUGE:
		return "gauge";
	case METRIC_DURATION:
	case METRIC_SIZE:
		return "histogram";
	}
	abort();
}

void metrics_write(struct buf *to)
{
	const char *family = "";

	for (const struct metric *m = registry; m != NULL; m = m->next) {
		if (strcmp(m->name, family) != 0)
			buf_printf(to, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, type_name(m->type));
		family = m->name;
		write_series(to, m);
	}
}
