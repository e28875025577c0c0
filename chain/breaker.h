/* chain/breaker.h - is a backend fit to be asked?  Its breaker, and whether it has to say anew which network it is of.  What
 * chain/source.h promises of the choice of backends, as pure values; now_ms is monotonic. */
#ifndef CHAIN_BREAKER_H
#define CHAIN_BREAKER_H

#include <stdint.h>

#include "base/err.h"

#define BREAKER_FAILURES    3 /* in a row open the breaker */
#define BREAKER_BUSY_MAX_MS 60000
#define BREAKER_ASKED_MAX_S 600 /* of what Retry-After asks for */

struct breaker_rules {
	int64_t open_min_ms, open_max_ms; /* the first rest doubles up to the last */
	int64_t verify_every_ms;
};

struct breaker {
	unsigned failures, opened; /* in a row */
	int64_t open_until_ms;     /* 0: never open */
	int64_t verify_at_ms;      /* 0: never verified, or not since the breaker opened */
	bool wrong_network, no_login;
};

void breaker_answered(struct breaker *h);
/* True: the breaker opened now.  It opens at once for what repeating does not mend: busy, and a login that is refused. */
bool breaker_failed(struct breaker *h, const struct breaker_rules *r, const struct err *why, int64_t now_ms);
/* It said which network it is of. */
void breaker_verified(struct breaker *h, const struct breaker_rules *r, bool right_network, int64_t now_ms);
/* It has to say that before it is asked anything else. */
bool breaker_is_unverified(const struct breaker *h, int64_t now_ms);
bool breaker_is_open(const struct breaker *h, int64_t now_ms);
/* May it be asked: perhaps, after it was verified, which may mend a wrong network. */
bool breaker_is_fit(const struct breaker *h, int64_t now_ms);
/* How long until it may be; 0 when it may now. */
int64_t breaker_wait_ms(const struct breaker *h, int64_t now_ms);

#endif
