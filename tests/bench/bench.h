/* tests/bench/bench.h - what the benchmarks share: a scratch directory on the disk of the build, a stopwatch, a table.
 * Trouble of any kind ends the program. */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stddef.h>

#include "base/err.h"

/* Ends the program with the error when rc is not 0. */
void bench_must(int rc, const struct err *err);
NORETURN void bench_die(const char *what);

/* A directory in BUILD_DIR (or /tmp) that bench_end() removes with all files in it. */
const char *bench_begin(void);
void bench_end(void);
/* A path in it; lives until the program ends. */
const char *bench_path(const char *name);

/* Seconds since some moment. */
double bench_now(void);

void bench_title(const char *title);
void bench_note(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Works for about BENCH_SECONDS and returns how many a second it did. */
#define BENCH_SECONDS 0.7
struct bench_case {
	const char *what, *unit;
	double (*rate)(unsigned arg);
	unsigned arg;
};
/* Runs all in turn, several times over, so that what else the machine does falls on each of them; the best of each counts.
 * Prints a row for each, and how it stands to the first. */
void bench_compare(const char *title, const struct bench_case *cases, size_t n);

#endif
