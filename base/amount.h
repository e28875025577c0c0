/* base/amount.h - amounts as types that cannot mix.
 *
 * `.v` is touched only here, in codecs and in SQL binders (make lint holds that line).  Arithmetic answers false on
 * overflow or underflow and leaves *ret untouched.  Every amount fits a signed 64-bit integer, so that SQLite and JSON
 * integers hold it exactly. */
#ifndef BASE_AMOUNT_H
#define BASE_AMOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/scope.h"

#define AMOUNT_MAX ((uint64_t)INT64_MAX)

struct sat {
	uint64_t v;
};

struct msat {
	uint64_t v;
};

MUST_CHECK bool sat_from_u64(uint64_t v, struct sat *ret);
MUST_CHECK bool sat_add(struct sat a, struct sat b, struct sat *ret);
MUST_CHECK bool sat_sub(struct sat a, struct sat b, struct sat *ret);
int sat_cmp(struct sat a, struct sat b);

/* A Cashu currency unit ("sat", "usd"): 1 to 15 characters of a-z, 0-9, '-' and '_'. */
struct currency {
	char s[16];
};
MUST_CHECK bool currency_parse(const char *text, struct currency *ret);
bool currency_equal(struct currency a, struct currency b);

/* An amount of ecash in its unit's minor unit.  Adding two units fails. */
struct ecash {
	uint64_t v;
	struct currency unit;
};
MUST_CHECK bool ecash_make(uint64_t v, struct currency unit, struct ecash *ret);
struct ecash ecash_zero(struct currency unit);
MUST_CHECK bool ecash_add(struct ecash a, struct ecash b, struct ecash *ret);
MUST_CHECK bool ecash_sub(struct ecash a, struct ecash b, struct ecash *ret);
/* < 0, 0, > 0.  Comparing two units is a bug and aborts. */
int ecash_cmp(struct ecash a, struct ecash b);
bool ecash_is_zero(struct ecash a);
/* The value for a reply, a log field or a message. */
uint64_t ecash_value(struct ecash a);

#endif
