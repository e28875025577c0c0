#include "rails/bitcoin/coinselect.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "rails/bitcoin/tx.h"
#include "rails/bitcoin/weigh.h"

/* All sums here are in thousandths of a satoshi, in which the fee for a weight is exact and values simply add up.  All the
 * money there is times 1000 is below 2^61, and rates times weights are below 2^52: signed 64 bits hold every sum. */
#define MILLI       1000
#define EXACT_TRIES 100000u
#define DRAWS       3

struct ranked {
	int64_t worth; /* effective value */
	uint32_t weight;
	uint32_t index; /* into the caller's coins */
};

struct pool {
	const struct coin *coins;
	const struct coin_target *t;
	struct ranked *by_worth; /* falling; only what is worth something */
	size_t n;
	int64_t need;      /* what chosen coins must be worth together when there is no change */
	int64_t change;    /* what must come on top for change */
	int64_t keep;      /* paid more today than another day, for each weight unit; negative when fees are low */
	uint64_t room;     /* weight that chosen coins may have together */
	int64_t best;      /* waste of the best pick so far */
	bool *best_picked; /* it, by place in by_worth */
	size_t n_best;
	enum coin_method method; /* how it was found; 0: there is none */
};

static int64_t fee_milli(struct feerate rate, struct weight w)
{
	return (int64_t)(rate.v * w.v);
}

/* --- the pool --- */

static int by_worth(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->worth != y->worth)
		return x->worth > y->worth ? -1 : 1;
	if (x->weight != y->weight)
		return x->weight < y->weight ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static int check_target(const struct coin_target *t, struct err *err)
{
	if (!sat_is_money(t->amount) || !sat_is_money(t->preset) || !sat_is_money(t->change_min))
		return ERR(err, ERR_RANGE, "coins: an amount beyond all money");
	if (t->rate.v > FEERATE_MAX || t->long_term.v > FEERATE_MAX)
		return ERR(err, ERR_FEE, "coins: a feerate beyond all reason");
	if (t->max_weight.v > TX_WEIGHT_MAX || t->change_output.v > TX_WEIGHT_MAX ||
	    t->change_spend.v > TX_WEIGHT_MAX || t->fixed.v > t->max_weight.v)
		return ERR(err, ERR_RANGE, "coins: the outputs alone weigh more than %llu",
			   (unsigned long long)t->max_weight.v);
	return 0;
}

static int pool_make(struct arena *a, const struct coin *coins, size_t n, const struct coin_target *t, struct pool *p,
		     struct err *err)
{
	struct feerate rate = t->fee_from_amount ? (struct feerate){ 0 } : t->rate;
	struct sat all = { 0 };

	*p = (struct pool){ .coins = coins, .t = t, .best = INT64_MAX };
	p->by_worth = ARENA_ARRAY(a, n, struct ranked);
	p->best_picked = ARENA_ARRAY(a, n, bool);
	for (size_t i = 0; i < n; i++) {
		const struct coin *c = &coins[i];
		int64_t worth;

		if (!sat_add(all, c->value, &all) || !sat_is_money(all) || c->weight.v > TX_WEIGHT_MAX)
			return ERR(err, ERR_RANGE, "coins: worth more than all money, or heavier than a block");
		worth = (int64_t)c->value.v * MILLI - fee_milli(rate, c->weight);
		if (worth > 0)
			p->by_worth[p->n++] = (struct ranked){ worth, (uint32_t)c->weight.v, (uint32_t)i };
	}
	if (p->n > 0)
		qsort(p->by_worth, p->n, sizeof(*p->by_worth), by_worth);
	p->need = (int64_t)t->amount.v * MILLI + fee_milli(rate, t->fixed) - (int64_t)t->preset.v * MILLI;
	if (p->need <= 0 && t->n_preset == 0)
		p->need = 1; /* a transaction has inputs, also when it pays nothing */
	p->change = fee_milli(rate, t->change_output) + (int64_t)t->change_min.v * MILLI;
	p->keep = (int64_t)t->rate.v - (int64_t)t->long_term.v;
	p->room = t->max_weight.v - t->fixed.v;
	return 0;
}

/* What so many inputs must be worth: their count itself may take more bytes. */
static int64_t need_for(const struct pool *p, size_t n)
{
	struct weight more = weigh_count_growth(p->t->n_preset, p->t->n_preset + n);

	return p->need + (p->t->fee_from_amount ? 0 : fee_milli(p->t->rate, more));
}

/* --- a pick, and what it wastes --- */

struct pick {
	bool *picked; /* by place in by_worth */
	size_t n;
	int64_t worth;
	uint64_t weight;
};

static void pick_add(const struct pool *p, struct pick *k, size_t i)
{
	k->picked[i] = true;
	k->n++;
	k->worth += p->by_worth[i].worth;
	k->weight += p->by_worth[i].weight;
}

static void pick_drop(const struct pool *p, struct pick *k, size_t i)
{
	k->picked[i] = false;
	k->n--;
	k->worth -= p->by_worth[i].worth;
	k->weight -= p->by_worth[i].weight;
}

static uint64_t count_growth(const struct pool *p, size_t n)
{
	return weigh_count_growth(p->t->n_preset, p->t->n_preset + n).v;
}

static bool fits(const struct pool *p, const struct pick *k, bool with_change)
{
	return k->weight + count_growth(p, k->n) + (with_change ? p->t->change_output.v : 0) <= p->room;
}

static bool covers(const struct pool *p, const struct pick *k, int64_t more)
{
	return k->worth - need_for(p, k->n) >= more;
}

/* Will there be change?  Coins that were found to need none get none. */
static bool makes_change(const struct pool *p, const struct pick *k, enum coin_method method)
{
	return method != COIN_EXACT && covers(p, k, p->change) && fits(p, k, true);
}

static int64_t waste_of(const struct pool *p, const struct pick *k, enum coin_method method)
{
	int64_t spending = p->keep * (int64_t)k->weight;

	if (makes_change(p, k, method))
		return spending + fee_milli(p->t->rate, p->t->change_output) +
		       fee_milli(p->t->long_term, p->t->change_spend);
	return spending + k->worth - need_for(p, k->n);
}

/* Keeps it if it wastes less than what was found before. */
static void offer(struct pool *p, const struct pick *k, enum coin_method method)
{
	int64_t waste = waste_of(p, k, method);

	if (waste >= p->best && p->method != 0)
		return;
	memcpy(p->best_picked, k->picked, p->n * sizeof(*k->picked));
	p->best = waste;
	p->n_best = k->n;
	p->method = method;
}

static struct pick pick_new(struct arena *a, const struct pool *p)
{
	return (struct pick){ .picked = ARENA_ARRAY(a, p->n, bool) };
}

/* --- coins that need no change --- */

/* Depth first over "with this coin" and "without it", the most worth first.  A branch ends when it has enough or too much,
 * cannot get enough any more, or wastes more than the best. */
struct search {
	struct pool *p;
	struct pick k;
	size_t *path; /* places picked, rising */
	size_t at;
	int64_t left; /* worth of the coins from at on */
	int64_t window;
	int64_t least; /* waste of the best found here */
	size_t *best_path;
	size_t n_best;
};

static bool dead_end(const struct search *s)
{
	int64_t over = s->k.worth - need_for(s->p, s->k.n);

	return over + s->left < 0 || over > s->window || !fits(s->p, &s->k, false) ||
	       (s->p->keep > 0 && s->least != INT64_MAX && s->p->keep * (int64_t)s->k.weight > s->least);
}

/* Gives the last coin back and goes on without it.  False when there is none. */
static bool step_back(struct search *s)
{
	size_t last;

	if (s->k.n == 0)
		return false;
	last = s->path[s->k.n - 1];
	while (s->at > last + 1)
		s->left += s->p->by_worth[--s->at].worth;
	pick_drop(s->p, &s->k, last);
	return true;
}

static void step_on(struct search *s)
{
	const struct ranked *c = &s->p->by_worth[s->at];
	bool same_as_left_out = s->at > 0 && !s->k.picked[s->at - 1] && c[-1].worth == c->worth &&
				c[-1].weight == c->weight;

	s->left -= c->worth;
	/* With an equal coin left out, taking this one would only find the same again. */
	if (!same_as_left_out) {
		s->path[s->k.n] = s->at;
		pick_add(s->p, &s->k, s->at);
	}
	s->at++;
}

static void search_exact(struct arena *a, struct pool *p)
{
	struct search s = { .p = p,
			    .k = pick_new(a, p),
			    .path = ARENA_ARRAY(a, p->n, size_t),
			    .best_path = ARENA_ARRAY(a, p->n, size_t),
			    .least = INT64_MAX,
			    .window = fee_milli(p->t->rate, p->t->change_output) +
				      fee_milli(p->t->long_term, p->t->change_spend) };

	for (size_t i = 0; i < p->n; i++)
		s.left += p->by_worth[i].worth;
	for (unsigned tries = 0; tries < EXACT_TRIES; tries++) {
		bool back = dead_end(&s);

		if (!back && covers(p, &s.k, 0)) {
			int64_t waste = waste_of(p, &s.k, COIN_EXACT);

			if (waste < s.least) {
				s.least = waste;
				s.n_best = s.k.n;
				memcpy(s.best_path, s.path, s.k.n * sizeof(*s.path));
			}
			back = true;
		}
		if (back || s.at == p->n) {
			if (!step_back(&s))
				break;
			continue;
		}
		step_on(&s);
	}
	if (s.least == INT64_MAX)
		return;
	s.k = pick_new(a, p);
	for (size_t i = 0; i < s.n_best; i++)
		pick_add(p, &s.k, s.best_path[i]);
	offer(p, &s.k, COIN_EXACT);
}

/* --- coins with change --- */

/* The coins worth least of those that are enough by themselves. */
static void try_single(struct arena *a, struct pool *p)
{
	struct pick k = pick_new(a, p);
	int64_t want = need_for(p, 1) + p->change;
	size_t enough = p->n;

	while (enough > 0 && p->by_worth[enough - 1].worth < want)
		enough--;
	if (enough == 0)
		return;
	pick_add(p, &k, enough - 1);
	if (fits(p, &k, true))
		offer(p, &k, COIN_SINGLE);
}

/* A shuffle needs many small numbers: drawn from a seed, which is drawn from base/rng.h (splitmix64). */
static size_t below(uint64_t *state, size_t n)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return (size_t)(z % n); /* for privacy, not for secrets: that this is not quite even does not matter */
}

/* Takes back what turned out to be more than needed, the least worth first. */
static void drop_superfluous(const struct pool *p, struct pick *k, int64_t more)
{
	for (size_t i = p->n; i-- > 0;)
		if (k->picked[i]) {
			pick_drop(p, k, i);
			if (!covers(p, k, more))
				pick_add(p, k, i);
		}
}

/* Coins in random order until there is enough for a useful change. */
static void try_draw(struct arena *a, struct pool *p)
{
	int64_t want = p->change + (int64_t)COINSELECT_CHANGE_AIM * MILLI;
	uint32_t *order = ARENA_ARRAY(a, p->n, uint32_t);
	struct pick k = pick_new(a, p);
	uint64_t state;

	rng_bytes(&state, sizeof(state));
	for (size_t i = 0; i < p->n; i++)
		order[i] = (uint32_t)i;
	for (size_t i = 0; i < p->n && !covers(p, &k, want) && fits(p, &k, true); i++) {
		size_t j = i + below(&state, p->n - i);
		uint32_t drawn = order[j];

		order[j] = order[i];
		order[i] = drawn;
		pick_add(p, &k, drawn);
	}
	if (!covers(p, &k, want))
		return;
	drop_superfluous(p, &k, want);
	if (fits(p, &k, true))
		offer(p, &k, COIN_DRAW);
}

/* The last resort finds whatever there is to be found: nothing else is worth as much in as little room, when coins weigh
 * the same. */
static void try_largest(struct arena *a, struct pool *p)
{
	struct pick k = pick_new(a, p);

	for (size_t i = 0; i < p->n && !covers(p, &k, 0); i++) {
		pick_add(p, &k, i);
		if (!fits(p, &k, false))
			pick_drop(p, &k, i);
	}
	if (covers(p, &k, 0))
		offer(p, &k, COIN_LARGEST);
}

/* --- the answer --- */

static int not_enough(const struct pool *p, struct err *err)
{
	int64_t all = 0, need;

	for (size_t i = 0; i < p->n; i++)
		all += p->by_worth[i].worth;
	need = need_for(p, p->n);
	if (all >= need)
		return ERR(err, ERR_RANGE,
			   "the coins are enough, but too many for one transaction of at most %llu weight units",
			   (unsigned long long)p->t->max_weight.v);
	return ERR(err, ERR_FUNDS,
		   "%lld sat are missing: %lld sat can be had of %zu coins after the fee for spending them",
		   (long long)((need - all + MILLI - 1) / MILLI), (long long)(all / MILLI), p->n);
}

static int finish(struct arena *a, const struct pool *p, struct coin_choice *ret, struct err *err)
{
	const struct coin_target *t = p->t;
	struct coin_choice c = { .n = p->n_best, .waste = p->best, .method = p->method };
	struct pick k = { .picked = p->best_picked };
	struct weight w = t->fixed;
	struct sat have, out;
	size_t n = 0;

	c.index = ARENA_ARRAY(a, c.n, size_t);
	for (size_t i = 0; i < p->n; i++)
		if (p->best_picked[i]) {
			pick_add(p, &k, i);
			c.index[n++] = p->by_worth[i].index;
		}
	for (size_t i = 0; i < n; i++)
		if (!sat_add(c.sum, p->coins[c.index[i]].value, &c.sum))
			return ERR(err, ERR_RANGE, "coins: worth more than all money");
	w = weight_add(w, (struct weight){ k.weight + count_growth(p, k.n) });
	if (!sat_add(t->preset, c.sum, &have) || !fee_for_weight_ceil(t->rate, w, &c.fee))
		return ERR(err, ERR_RANGE, "coins: worth more than all money");
	if (makes_change(p, &k, c.method)) {
		if (!fee_for_weight_ceil(t->rate, weight_add(w, t->change_output), &c.fee) ||
		    !sat_add(t->amount, t->fee_from_amount ? (struct sat){ 0 } : c.fee, &out) ||
		    !sat_sub(have, out, &c.change))
			return ERR(err, ERR_INTERNAL, "coins: change does not add up");
	} else if (!t->fee_from_amount) {
		/* What is left over is the fee's. */
		if (!sat_sub(have, t->amount, &c.fee))
			return ERR(err, ERR_INTERNAL, "coins: the fee does not add up");
	} else if (sat_sub(have, t->amount, &out) && sat_cmp(out, c.fee) > 0) {
		c.fee = out;
	}
	*ret = c;
	return 0;
}

static int by_index(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

int coinselect(struct arena *a, const struct coin *coins, size_t n, const struct coin_target *t,
	       struct coin_choice *ret, struct err *err)
{
	/* For each coin: itself ranked, two paths, and for each way to pick a mark, with an order for the draws. */
	SCOPED(arena)
	struct arena scratch = ARENA_LIMIT((n + 64) * (sizeof(struct ranked) + 2 * sizeof(size_t) + 8 + DRAWS * 5) +
					   4096);
	struct pool p;

	if (n > COINSELECT_COINS_MAX)
		return ERR(err, ERR_RANGE, "coins: more than %u", COINSELECT_COINS_MAX);
	if (check_target(t, err) != 0 || pool_make(&scratch, coins, n, t, &p, err) != 0)
		return -1;
	if (p.need <= 0 && t->n_preset > 0) {
		struct pick none = pick_new(&scratch, &p);

		offer(&p, &none, COIN_PRESET);
	} else {
		search_exact(&scratch, &p);
		try_single(&scratch, &p);
		for (unsigned i = 0; i < DRAWS; i++)
			try_draw(&scratch, &p);
		if (p.method == 0)
			try_largest(&scratch, &p);
	}
	if (p.method == 0)
		return not_enough(&p, err);
	if (finish(a, &p, ret, err) != 0)
		return -1;
	if (ret->n > 0)
		qsort(ret->index, ret->n, sizeof(*ret->index), by_index);
	return 0;
}
