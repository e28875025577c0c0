#include "tests/bench/bench.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

#define ROUNDS    5
#define CASES_MAX 8

static char dir[256];

void bench_die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

void bench_must(int rc, const struct err *err)
{
	if (rc < 0)
		bench_die(err->msg);
}

const char *bench_begin(void)
{
	const char *build = getenv("BUILD_DIR");

	snprintf(dir, sizeof(dir), "%s/bench-XXXXXX", build ? build : "/tmp");
	if (!mkdtemp(dir))
		bench_die("cannot make a directory");
	return dir;
}

void bench_end(void)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	if (!d)
		bench_die("cannot clean up");
	while ((entry = readdir(d)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(d), entry->d_name, 0);
	closedir(d);
	rmdir(dir);
}

const char *bench_path(const char *name)
{
	char *path = malloc(512);

	if (!path)
		abort();
	snprintf(path, 512, "%s/%s", dir, name);
	return path;
}

double bench_now(void)
{
	return (double)clock_mono_us() / 1e6;
}

void bench_title(const char *title)
{
	printf("\n%s\n", title);
}

void bench_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("  ");
	vprintf(fmt, ap);
	printf("\n");
	fflush(stdout);
	va_end(ap);
}

void bench_compare(const char *title, const struct bench_case *cases, size_t n)
{
	double best[CASES_MAX] = { 0 };

	if (n > CASES_MAX)
		bench_die("too many cases");
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < n; i++) {
			double rate = cases[i].rate(cases[i].arg);

			if (rate > best[i])
				best[i] = rate;
		}
	}
	bench_title(title);
	for (size_t i = 0; i < n; i++)
		bench_note("%-46s %9.0f %-10s %6.2f x", cases[i].what, best[i], cases[i].unit, best[i] / best[0]);
}
