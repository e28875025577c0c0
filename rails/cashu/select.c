#include "rails/cashu/select.h"

#include <stdlib.h>

#include "rails/cashu/keyset.h"

/* Steps that the search for an exact subset may take; with powers of two it takes one for each note. */
#define EXACT_STEPS_MAX 20000
/* Fees of 0 to this, exclusive, are tried for a subset that pays its own. */
#define NET_TRIES 64
/* Wallets may hold any number of notes: working memory grows with it, the caller's arena holds only the answer. */
#define SCRATCH_FOR(n)  (((n) + 4) * (sizeof(struct ranked) + 3 * sizeof(uint64_t)) + 1024)
#define FEE_PPK_ALL_MAX AMOUNT_MAX

uint64_t fee_of_ppk(uint64_t sum_ppk)
{
	return sum_ppk / 1000 + (sum_ppk % 1000 != 0);
}

int fee_of_proofs(const struct proof *proofs, size_t n, const struct keyset *keysets, size_t n_keysets,
		  struct currency unit, struct ecash *ret, struct err *err)
{
	const struct keyset *ks = NULL;
	uint64_t sum_ppk = 0;

	for (size_t i = 0; i < n; i++) {
		if (ks == NULL || !keyset_id_equal(&ks->id, &proofs[i].keyset))
			ks = keyset_find(keysets, n_keysets, &proofs[i].keyset);
		if (ks == NULL)
			return ERR(err, ERR_KEYSET_UNKNOWN, "keyset %s is not known", proofs[i].keyset.s);
		if (ks->input_fee_ppk > FEE_PPK_ALL_MAX - sum_ppk)
			return ERR(err, ERR_RANGE, "the input fee is more than any amount");
		sum_ppk += ks->input_fee_ppk;
	}
	if (!ecash_make(fee_of_ppk(sum_ppk), unit, ret))
		return ERR(err, ERR_RANGE, "the input fee is more than any amount");
	return 0;
}

/* A note and where it stood in the caller's list. */
struct ranked {
	struct note note;
	size_t index;
};

static int by_amount_down(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->note.amount != y->note.amount)
		return x->note.amount > y->note.amount ? -1 : 1;
	if (x->note.retiring != y->note.retiring)
		return x->note.retiring ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static int retiring_first(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->note.retiring != y->note.retiring)
		return x->note.retiring ? -1 : 1;
	return by_amount_down(a, b);
}

static struct ranked *rank(struct arena *a, const struct note *notes, size_t n,
			   int (*order)(const void *, const void *))
{
	struct ranked *r = ARENA_ARRAY(a, n, struct ranked);

	for (size_t i = 0; i < n; i++)
		r[i] = (struct ranked){ notes[i], i };
	if (n > 0)
		qsort(r, n, sizeof(*r), order);
	return r;
}

static int by_index(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The chosen ones as an answer, in the caller's order. */
static void select_finish(struct arena *a, const struct ranked *r, const bool *chosen, size_t n, struct selection *ret)
{
	struct selection s = { 0 };
	uint64_t ppk = 0;
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += chosen[i];
	s.index = ARENA_ARRAY(a, count, size_t);
	for (size_t i = 0; i < n; i++)
		if (chosen[i]) {
			s.index[s.n++] = r[i].index;
			s.sum += r[i].note.amount;
			ppk += r[i].note.input_fee_ppk;
		}
	if (s.n > 0)
		qsort(s.index, s.n, sizeof(*s.index), by_index);
	s.fee = fee_of_ppk(ppk);
	*ret = s;
}

/* Can all amounts, and all fees, be added up without a thought?  The wallet holds no more than there is. */
static bool sums_fit(const struct note *notes, size_t n)
{
	uint64_t sum = 0, ppk = 0;

	for (size_t i = 0; i < n; i++) {
		if (notes[i].amount > AMOUNT_MAX - sum || notes[i].input_fee_ppk > AMOUNT_MAX - ppk)
			return false;
		sum += notes[i].amount;
		ppk += notes[i].input_fee_ppk;
	}
	return true;
}

/* Depth first, larger notes first: for powers of two the first descent is the answer if there is one, and no other subset
 * has fewer notes.  left[i] is the sum of notes i and after. */
static bool find_exact(const struct ranked *r, const uint64_t *left, size_t n, uint64_t target, size_t max,
		       size_t *path, bool *chosen)
{
	uint64_t need = target;
	size_t depth = 0, i = 0;

	for (unsigned step = 0; step < EXACT_STEPS_MAX + n; step++) {
		if (need == 0)
			return true;
		if (i < n && left[i] >= need && depth < max) {
			if (r[i].note.amount <= need && r[i].note.amount > 0) {
				need -= r[i].note.amount;
				chosen[i] = true;
				path[depth++] = i;
			}
			i++;
			continue;
		}
		/* A dead end: give the last one back, and pass over its equals, which would end the same. */
		if (depth == 0)
			return false;
		i = path[--depth];
		chosen[i] = false;
		need += r[i].note.amount;
		for (uint64_t same = r[i].note.amount; i < n && r[i].note.amount == same;)
			i++;
	}
	return false;
}

/* What the fee for the chosen ones is. */
static uint64_t fee_of_chosen(const struct ranked *r, const bool *chosen, size_t n)
{
	uint64_t ppk = 0;

	for (size_t i = 0; i < n; i++)
		ppk += chosen[i] ? r[i].note.input_fee_ppk : 0;
	return fee_of_ppk(ppk);
}

bool select_exact(struct arena *a, const struct note *notes, size_t n, uint64_t target, bool net, size_t max,
		  struct selection *ret)
{
	SCOPED(arena) struct arena scratch = ARENA_LIMIT(SCRATCH_FOR(n));
	struct ranked *r;
	uint64_t *left;
	size_t *path;
	bool *chosen;

	if (target == 0 || target > AMOUNT_MAX - NET_TRIES || !sums_fit(notes, n))
		return false;
	r = rank(&scratch, notes, n, by_amount_down);
	left = ARENA_ARRAY(&scratch, n + 1, uint64_t);
	path = ARENA_ARRAY(&scratch, n, size_t);
	chosen = ARENA_ARRAY(&scratch, n, bool);
	for (size_t i = n; i-- > 0;)
		left[i] = left[i + 1] + r[i].note.amount;
	/* The fee hangs on the notes, and the notes on the fee: try one fee after the other. */
	for (uint64_t fee = 0; fee < (net ? NET_TRIES : 1); fee++) {
		for (size_t i = 0; i < n; i++)
			chosen[i] = false;
		if (find_exact(r, left, n, target + fee, max, path, chosen) &&
		    (!net || fee_of_chosen(r, chosen, n) == fee)) {
			select_finish(a, r, chosen, n, ret);
			return true;
		}
	}
	return false;
}

struct tally {
	uint64_t sum, ppk;
	size_t n;
};

static bool covers(const struct tally *t, uint64_t target)
{
	uint64_t fee = fee_of_ppk(t->ppk);

	return t->sum >= fee && t->sum - fee >= target;
}

static void take(struct tally *t, const struct ranked *r, bool *chosen)
{
	*chosen = true;
	t->sum += r->note.amount;
	t->ppk += r->note.input_fee_ppk;
	t->n++;
}

static void put_back(struct tally *t, const struct ranked *r, bool *chosen)
{
	*chosen = false;
	t->sum -= r->note.amount;
	t->ppk -= r->note.input_fee_ppk;
	t->n--;
}

/* A note that costs what it is worth brings nothing. */
static bool worth_spending(const struct note *note)
{
	return note->amount > note->input_fee_ppk / 1000;
}

/* First those that fit below what is missing (or, when size does not matter, any), in the order given; then the smallest
 * that closes the gap, or else the largest that there are. */
static bool gather(const struct ranked *r, size_t n, uint64_t target, bool fitting, struct tally *t, bool *chosen)
{
	for (size_t i = 0; i < n && t->n < SELECT_INPUTS_MAX && !covers(t, target); i++)
		if (worth_spending(&r[i].note) &&
		    (!fitting || r[i].note.amount <= target - (t->sum < target ? t->sum : target)))
			take(t, &r[i], &chosen[i]);
	while (!covers(t, target) && t->n < SELECT_INPUTS_MAX) {
		size_t best = n;
		bool best_closes = false;

		for (size_t i = 0; i < n; i++) {
			struct tally with = *t;
			bool closes, ignored;

			if (chosen[i] || !worth_spending(&r[i].note))
				continue;
			take(&with, &r[i], &ignored);
			closes = covers(&with, target);
			if (best == n || (closes && !best_closes) ||
			    (closes && best_closes && r[i].note.amount < r[best].note.amount) ||
			    (!closes && !best_closes && r[i].note.amount > r[best].note.amount)) {
				best = i;
				best_closes = closes;
			}
		}
		if (best == n)
			return false;
		take(t, &r[best], &chosen[best]);
	}
	return covers(t, target);
}

int select_cover(struct arena *a, const struct note *notes, size_t n, uint64_t target, struct selection *ret,
		 struct err *err)
{
	/* Retiring notes first, if that fits into one request; if not, those of any keyset; if small change still fills the
	 * request, simply the largest. */
	static const struct {
		int (*order)(const void *, const void *);
		bool fitting;
	} ways[] = { { retiring_first, true }, { by_amount_down, true }, { by_amount_down, false } };

	if (target == 0 || target > AMOUNT_MAX || !sums_fit(notes, n))
		return ERR(err, ERR_RANGE, "an amount of %llu cannot be selected", (unsigned long long)target);
	for (size_t way = 0; way < ARRAY_LEN(ways); way++) {
		SCOPED(arena) struct arena scratch = ARENA_LIMIT(SCRATCH_FOR(n));
		struct ranked *r = rank(&scratch, notes, n, ways[way].order);
		bool *chosen = ARENA_ARRAY(&scratch, n, bool);
		struct tally t = { 0 };

		if (!gather(r, n, target, ways[way].fitting, &t, chosen))
			continue;
		/* Drop what turned out to be superfluous, the smallest first; retiring notes may stay. */
		for (size_t i = n; i-- > 0;) {
			if (!chosen[i] || r[i].note.retiring)
				continue;
			put_back(&t, &r[i], &chosen[i]);
			if (!covers(&t, target))
				take(&t, &r[i], &chosen[i]);
		}
		select_finish(a, r, chosen, n, ret);
		return 0;
	}
	return ERR(err, ERR_FUNDS, "no %d notes or fewer are worth %llu after the fee for spending them",
		   SELECT_INPUTS_MAX, (unsigned long long)target);
}

static int expiring_first(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->note.expiring != y->note.expiring)
		return x->note.expiring ? -1 : 1;
	return retiring_first(a, b);
}

static bool fee_is_small(const struct tally *t)
{
	return fee_of_ppk(t->ppk) <= t->sum / 100 * ROTATE_FEE_PERCENT;
}

bool select_rotation(struct arena *a, const struct note *notes, size_t n, struct selection *ret)
{
	SCOPED(arena) struct arena scratch = ARENA_LIMIT(SCRATCH_FOR(n));
	struct tally expiring = { 0 }, others = { 0 };
	struct ranked *r;
	size_t best = 0;
	bool *chosen;

	if (!sums_fit(notes, n))
		return false;
	r = rank(&scratch, notes, n, expiring_first);
	chosen = ARENA_ARRAY(&scratch, n, bool);
	for (size_t i = 0; i < n && r[i].note.retiring && expiring.n + others.n < SELECT_INPUTS_MAX; i++) {
		if (!worth_spending(&r[i].note))
			continue;
		take(r[i].note.expiring ? &expiring : &others, &r[i], &chosen[i]);
		/* The fee is rounded up: a note that is too dear by itself may not be, with the next. */
		if (r[i].note.expiring ? covers(&expiring, 1) : fee_is_small(&others))
			best = i + 1;
	}
	if (best == 0)
		return false;
	select_finish(a, r, chosen, best, ret);
	return true;
}

static int compare_amounts(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Appends the fewest notes for amount to v[*n], largest first. */
static int split_into(const struct keyset *ks, uint64_t amount, uint64_t *v, size_t *n, struct err *err)
{
	uint64_t rest = amount;

	for (size_t i = ks->n_keys; i-- > 0;)
		while (ks->keys[i].amount <= rest) {
			if (*n == CASHU_LIST_MAX)
				return ERR(err, ERR_RANGE, "%llu takes more than %d notes of keyset %s",
					   (unsigned long long)amount, CASHU_LIST_MAX, ks->id.s);
			v[(*n)++] = ks->keys[i].amount;
			rest -= ks->keys[i].amount;
		}
	if (rest != 0)
		return ERR(err, ERR_RANGE, "%llu cannot be made of the amounts of keyset %s",
			   (unsigned long long)amount, ks->id.s);
	return 0;
}

static void split_finish(struct arena *a, uint64_t *v, size_t n, uint64_t sum, struct split *ret)
{
	struct split s = { .v = ARENA_ARRAY(a, n, uint64_t), .n = n, .sum = sum };

	if (n > 0)
		qsort(v, n, sizeof(*v), compare_amounts);
	for (size_t i = 0; i < n; i++)
		s.v[i] = v[i];
	*ret = s;
}

int split_amount(struct arena *a, const struct keyset *ks, uint64_t amount, struct split *ret, struct err *err)
{
	uint64_t v[CASHU_LIST_MAX];
	size_t n = 0;

	if (amount > AMOUNT_MAX)
		return ERR(err, ERR_RANGE, "%llu is more than any amount", (unsigned long long)amount);
	if (split_into(ks, amount, v, &n, err) != 0)
		return -1;
	split_finish(a, v, n, amount, ret);
	return 0;
}

int split_net(struct arena *a, const struct keyset *ks, uint64_t amount, struct split *ret, struct err *err)
{
	uint64_t v[CASHU_LIST_MAX], gross = amount;

	if (amount > AMOUNT_MAX || ks->input_fee_ppk > KEYSET_FEE_PPK_MAX)
		return ERR(err, ERR_RANGE, "%llu is more than any amount", (unsigned long long)amount);
	/* Each round pays the fee that the last one found too little for: sum and fee rise until they meet. */
	for (;;) {
		size_t n = 0;
		uint64_t fee;

		if (split_into(ks, gross, v, &n, err) != 0)
			return -1;
		fee = fee_of_ppk(n * ks->input_fee_ppk);
		if (gross >= fee && gross - fee >= amount) {
			split_finish(a, v, n, gross, ret);
			return 0;
		}
		if (fee > AMOUNT_MAX - amount)
			return ERR(err, ERR_RANGE, "%llu and its fee are more than any amount",
				   (unsigned long long)amount);
		gross = amount + fee;
	}
}

int split_keep(struct arena *a, const struct keyset *ks, uint64_t amount, const uint64_t *held, size_t n_held,
	       struct split *ret, struct err *err)
{
	uint64_t v[CASHU_LIST_MAX], rest = amount;
	size_t n = 0;

	if (amount > AMOUNT_MAX)
		return ERR(err, ERR_RANGE, "%llu is more than any amount", (unsigned long long)amount);
	for (size_t i = 0; i < ks->n_keys && rest > 0; i++) {
		size_t have = 0;

		for (size_t j = 0; j < n_held; j++)
			have += held[j] == ks->keys[i].amount;
		/* What remains must still be divisible into notes: a power of two leaves that as it was. */
		for (; have < SPLIT_KEEP_TARGET && ks->keys[i].amount <= rest; have++) {
			v[n++] = ks->keys[i].amount;
			rest -= ks->keys[i].amount;
		}
	}
	if (split_into(ks, rest, v, &n, err) != 0)
		return split_amount(a, ks, amount, ret, err);
	split_finish(a, v, n, amount, ret);
	return 0;
}
