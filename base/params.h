/* base/params.h - one row per named parameter: makes validation, help, OpenRPC, walletctl completion and docs.
 *
 * Used for RPC methods and for the parameters of action kinds, so that both are checked, explained and documented by one
 * piece of code.  A table ends with a row whose name is NULL. */
#ifndef BASE_PARAMS_H
#define BASE_PARAMS_H

#include "base/json.h"

enum param_type {
	PARAM_STRING = 1, /* min..max bytes of UTF-8 */
	PARAM_INT,        /* integer, min..max */
	PARAM_BOOL,
	PARAM_ENUM, /* one of choices, "a|b|c" */
	PARAM_OBJECT,
	PARAM_ARRAY, /* max elements */
	PARAM_SECRET /* a string that is never logged, shown or stored */
};
enum param_flags {
	PARAM_REQUIRED = 1,
	PARAM_DECIMAL = 2, /* an integer that may be decimal text too, and becomes one: many clients round above 2^53 */
	PARAM_FILE = 4     /* a string that walletctl also takes from @file or standard input */
};

struct param {
	const char *name;
	enum param_type type;
	unsigned flags;
	int64_t min, max; /* 0, 0: the type's own limits (strings 1..4096) */
	const char *choices;
	const char *fallback; /* the default in words, for help; the handler applies it */
	const char *help;
};

/* params is an object, an array (positional, in table order) or NULL.  *ret is always an object that holds only known names
 * with values of the right type and range; null members are dropped.  ERR_PARAM names the field, and for an unknown name
 * the nearest valid one. */
MUST_CHECK int params_check(struct arena *a, const struct param *table, json_t *params, json_t **ret, struct err *err);
/* JSON Schema of one parameter, and of the table as an object; held by the arena. */
json_t *param_schema(struct arena *a, const struct param *p);
json_t *params_schema(struct arena *a, const struct param *table);
/* The candidate nearest to name, or NULL when none is near.  names ends with NULL. */
const char *nearest_name(const char *name, const char *const *names);

#endif
