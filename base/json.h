/* base/json.h - jansson, strictly: what comes from outside is limited and checked before use.
 *
 * Every json_t here is held by an arena: it is dropped when the arena ends, and callers borrow it.  To keep one longer,
 * json_incref it.  Getters name the field in err->field.  A JSON amount with a fraction is an error. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"

#define JSON_DEPTH_MAX  32
#define JSON_VALUES_MAX 100000 /* three bytes of text can ask for 300 of memory */

/* The whole text must be one JSON value; duplicate member names, NUL in strings, containers nested deeper than
 * max_depth, more than JSON_VALUES_MAX values: ERR_PARSE.  The message never quotes the text, which may hold a secret. */
MUST_CHECK int json_parse(struct arena *a, struct bytes text, unsigned max_depth, json_t **ret, struct err *err);
/* The same where a peer's replies are known to need other rules.  Past a limit: ERR_RANGE; else ERR_PARSE.  With
 * escaped_nul a string may hold \u0000 (a node quotes raw bytes in its words), so that its length is not its strlen(). */
struct json_rules {
	unsigned max_depth;
	size_t max_values;
	bool escaped_nul;
	/* A number with a fraction or an exponent becomes a string of its characters, so that decimal amounts can be read
	 * exactly; without it jansson makes binary floating point of them.  Whole numbers stay numbers. */
	bool reals_as_text;
	/* A whole number that int64_t cannot hold becomes a string of its characters too; without it the text is refused. */
	bool huge_as_text;
};
MUST_CHECK int json_parse_by(struct arena *a, struct bytes text, const struct json_rules *rules, json_t **ret,
			     struct err *err);
/* Give a new reference to the arena; returns it as a borrowed one. */
json_t *json_hold(struct arena *a, json_t *owned);
/* New empty containers, held. */
json_t *json_object_in(struct arena *a);
json_t *json_array_in(struct arena *a);
/* Compact text, members in insertion order; canonical sorts them (what hashes and comparisons use). */
char *json_text(struct arena *a, const json_t *v);
char *json_canonical(struct arena *a, const json_t *v);

/* Setters for building: abort on lack of memory, so that a reply is never silently short.  NULL text becomes null;
 * bytes that are not UTF-8 (a peer's words in an error) become U+FFFD. */
void json_set_str(json_t *obj, const char *name, const char *text);
void json_set_int(json_t *obj, const char *name, int64_t v);
void json_set_u64(json_t *obj, const char *name, uint64_t v); /* v <= INT64_MAX */
void json_set_bool(json_t *obj, const char *name, bool v);
void json_set(json_t *obj, const char *name, json_t *borrowed); /* takes its own reference */
void json_set_take(json_t *obj, const char *name, json_t *owned);
void json_add(json_t *arr, json_t *borrowed);
void json_add_take(json_t *arr, json_t *owned);

/* Required members.  Absent or of another type: ERR_PARSE; too long, too many, too big: ERR_RANGE.  Text is at most max bytes of valid UTF-8 without NUL and lives as long as obj. */
MUST_CHECK int json_get_str(const json_t *obj, const char *name, size_t max, const char **ret, struct err *err);
MUST_CHECK int json_get_u64(const json_t *obj, const char *name, uint64_t max, uint64_t *ret, struct err *err);
MUST_CHECK int json_get_i64(const json_t *obj, const char *name, int64_t *ret, struct err *err);
MUST_CHECK int json_get_bool(const json_t *obj, const char *name, bool *ret, struct err *err);
MUST_CHECK int json_get_obj(const json_t *obj, const char *name, json_t **ret, struct err *err);
MUST_CHECK int json_get_arr(const json_t *obj, const char *name, size_t max, json_t **ret, struct err *err);
/* Optional members: absent or null leaves *ret as it was (set your default first) and succeeds. */
MUST_CHECK int json_opt_str(const json_t *obj, const char *name, size_t max, const char **ret, struct err *err);
MUST_CHECK int json_opt_u64(const json_t *obj, const char *name, uint64_t max, uint64_t *ret, struct err *err);
MUST_CHECK int json_opt_i64(const json_t *obj, const char *name, int64_t *ret, struct err *err);
MUST_CHECK int json_opt_bool(const json_t *obj, const char *name, bool *ret, struct err *err);

#endif
