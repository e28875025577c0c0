#include "base/failpoint.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"

#ifdef WALLETD_TEST_HOOKS

#define RULES_MAX 16
#define LABEL_MAX 63

enum fault { FAULT_CRASH = 1, FAULT_ERROR, FAULT_DELAY };

struct rule {
	char name[LABEL_MAX + 1];
	bool prefix; /* the name ended in '*' */
	enum fault fault;
	uint64_t nth, seen;
};

static struct rule rules[RULES_MAX];
static size_t n_rules;
static unsigned passed;
static bool configured;

static bool fault_parse(const char *text, enum fault *ret)
{
	static const char *const names[] = {
		[FAULT_CRASH] = "crash", [FAULT_ERROR] = "error", [FAULT_DELAY] = "delay"
	};

	for (size_t i = FAULT_CRASH; i < ARRAY_LEN(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum fault)i;
			return true;
		}
	}
	return false;
}

/* "name:action:nth" */
static bool rule_parse(const char *text, struct rule *ret)
{
	char copy[LABEL_MAX + 32];
	char *fault, *nth;
	size_t n = strlen(text);
	struct rule r = { 0 };

	if (n >= sizeof(copy))
		return false;
	memcpy(copy, text, n + 1);
	fault = strchr(copy, ':');
	nth = fault == NULL ? NULL : strchr(fault + 1, ':');
	if (nth == NULL)
		return false;
	*fault++ = '\0';
	*nth++ = '\0';
	n = strlen(copy);
	if (n == 0 || n > LABEL_MAX || !fault_parse(fault, &r.fault) || !parse_u64(nth, UINT32_MAX, &r.nth))
		return false;
	r.prefix = copy[n - 1] == '*';
	memcpy(r.name, copy, r.prefix ? n - 1 : n);
	*ret = r;
	return true;
}

bool failpoint_configure(const char *spec)
{
	struct rule parsed[RULES_MAX];
	size_t n = 0;

	if (spec == NULL)
		spec = "";
	while (*spec != '\0') {
		char one[LABEL_MAX + 32];
		size_t len = strcspn(spec, ",");

		if (n == RULES_MAX || len >= sizeof(one))
			return false;
		memcpy(one, spec, len);
		one[len] = '\0';
		if (!rule_parse(one, &parsed[n++]))
			return false;
		spec += len;
		if (*spec == ',' && *++spec == '\0')
			return false;
	}
	if (n > 0)
		memcpy(rules, parsed, n * sizeof(parsed[0]));
	n_rules = n;
	passed = 0;
	configured = true;
	return true;
}

unsigned failpoint_passed(void)
{
	return passed;
}

/* True when it is to fail. */
static bool fault_do(enum fault f)
{
	const struct timespec delay = { .tv_nsec = 100 * 1000 * 1000 };

	switch (f) {
	case FAULT_CRASH:
		(void)kill(getpid(), SIGKILL);
		abort(); /* not reached: nobody survives SIGKILL */
	case FAULT_ERROR:
		return true;
	case FAULT_DELAY:
		(void)nanosleep(&delay, NULL); /* a signal may cut it short: no harm */
		return false;
	}
	abort();
}

bool failpoint_hit(const char *name)
{
	bool fail = false;

	/* A misspelt failpoint would be a crash test that tests nothing. */
	if (!configured && !failpoint_configure(getenv("WALLETD_FAILPOINTS")))
		err_fatal("WALLETD_FAILPOINTS is not a list of name:crash|error|delay:nth");
	passed++;
	for (size_t i = 0; i < n_rules; i++) {
		struct rule *r = &rules[i];

		if (r->prefix ? !text_starts(name, r->name) : strcmp(name, r->name) != 0)
			continue;
		r->seen++;
		if ((r->nth == 0 || r->seen == r->nth) && fault_do(r->fault))
			fail = true;
	}
	return fail;
}

#endif
