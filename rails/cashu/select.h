/* rails/cashu/select.h - which notes to spend, and which to make: spec §6.3, fees as in NUT-02.
 *
 * Time is bounded by the number of notes, never by amounts.  All sums are checked.  Results live in the arena given
 * first. */
#ifndef RAILS_CASHU_SELECT_H
#define RAILS_CASHU_SELECT_H

#include "base/arena.h"
#include "base/ecash.h"
#include "base/err.h"

#define SELECT_INPUTS_MAX 500 /* per request; mints take a thousand */
#define SPLIT_KEEP_TARGET 3   /* notes of each small denomination to hold */

/* A note that could be spent. */
struct note {
	uint64_t amount;
	uint64_t input_fee_ppk; /* of its keyset */
	bool retiring;          /* its keyset is inactive, or expires soon: spend it first */
	bool expiring;          /* … the latter */
};

/* The fee for spending inputs whose ppk add up to this: rounded up once. */
uint64_t fee_of_ppk(uint64_t sum_ppk);
/* The fee for n proofs.  ERR_KEYSET_UNKNOWN. */
MUST_CHECK int fee_of_proofs(const struct proof *proofs, size_t n, const struct keyset *keysets, size_t n_keysets,
			     struct currency unit, struct ecash *ret, struct err *err);

struct selection {
	size_t *index; /* into the notes given, ascending */
	size_t n;
	uint64_t sum;
	uint64_t fee; /* for spending exactly these */
};

/* Is there a subset of at most max notes that adds up to target, or, with net, to target plus the fee for spending the
 * subset (a fee below 64)?  Found whenever amounts are powers of two; others are searched with a bound on the time. */
bool select_exact(struct arena *a, const struct note *notes, size_t n, uint64_t target, bool net, size_t max,
		  struct selection *ret);
/* Notes with sum - fee >= target, few and close to it, retiring ones first; at most SELECT_INPUTS_MAX.  ERR_FUNDS. */
MUST_CHECK int select_cover(struct arena *a, const struct note *notes, size_t n, uint64_t target, struct selection *ret,
			    struct err *err);

/* Which notes of retiring keysets to exchange for new ones, at most SELECT_INPUTS_MAX: spec 6.4.  Those that expire, if they
 * are worth more than the fee; of others, which can be spent as they are, as many, from the largest on, as keep the fee
 * within ROTATE_FEE_PERCENT of their sum.  False: none. */
#define ROTATE_FEE_PERCENT 1
bool select_rotation(struct arena *a, const struct note *notes, size_t n, struct selection *ret);

/* Amounts, ascending. */
struct split {
	uint64_t *v;
	size_t n;
	uint64_t sum;
};
/* The fewest notes for this amount (power-of-two keysets: its binary digits).  amount 0: none.  ERR_RANGE: the keyset's
 * denominations do not add up to it, or it takes more than CASHU_LIST_MAX. */
MUST_CHECK int split_amount(struct arena *a, const struct keyset *ks, uint64_t amount, struct split *ret,
			    struct err *err);
/* A split whose sum, less the fee for spending all its notes at once, is amount or a little more. */
MUST_CHECK int split_net(struct arena *a, const struct keyset *ks, uint64_t amount, struct split *ret, struct err *err);
/* For what stays in the wallet: fills small denominations up to SPLIT_KEEP_TARGET notes, counting those held (amounts, in
 * any order), and splits the rest by split_amount(). */
MUST_CHECK int split_keep(struct arena *a, const struct keyset *ks, uint64_t amount, const uint64_t *held,
			  size_t n_held, struct split *ret, struct err *err);

#endif
