#include "actions/action.h"

#include <string.h>

#include "base/backoff.h"

struct outcome outcome_next(int state)
{
	return (struct outcome){ .tag = OUTCOME_NEXT, .state = state };
}

struct outcome outcome_park(int state, int64_t wake_at_ms)
{
	return (struct outcome){ .tag = OUTCOME_PARK, .state = state, .wake_at_ms = wake_at_ms };
}

struct outcome outcome_park_error(int state, int64_t wake_at_ms, const struct err *err)
{
	return (struct outcome){ .tag = OUTCOME_PARK, .state = state, .wake_at_ms = wake_at_ms, .err = *err };
}

struct outcome outcome_done(json_t *result)
{
	return (struct outcome){ .tag = OUTCOME_DONE, .result = result, .funds_moved = "yes" };
}

struct outcome outcome_failed(const struct err *err, const char *funds_moved)
{
	return (struct outcome){ .tag = OUTCOME_FAILED, .err = *err, .funds_moved = funds_moved };
}

struct outcome outcome_cancelled(const struct err *why)
{
	return (struct outcome){ .tag = OUTCOME_FAILED, .err = *why, .cancelled = true, .funds_moved = "no" };
}

struct outcome outcome_trouble(const struct err *err)
{
	return (struct outcome){ .tag = OUTCOME_TROUBLE, .err = *err };
}

struct outcome outcome_retry(const struct step *s, const struct err *why)
{
	int64_t wait_ms = backoff_ms(s->row.attempts + 1), asked_ms = (int64_t)why->retry_after_s * 1000;

	return outcome_park_error(s->row.state, s->now_ms + (asked_ms > wait_ms ? asked_ms : wait_ms), why);
}

const struct action_kind *action_kind_of(const struct action_kind *const *kinds, const char *name)
{
	for (; *kinds; kinds++)
		if (strcmp((*kinds)->name, name) == 0)
			return *kinds;
	return NULL;
}
