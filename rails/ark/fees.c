#include "rails/ark/fees.h"

#include <inttypes.h>

#define PPM 1000000u

__extension__ typedef unsigned __int128 u128; /* a number, no struct of ours */

static int too_large(struct err *err)
{
	return ERR(err, ERR_FEE, "a fee by the server's schedule would be more than any amount");
}

/* What was multiplied by parts per million, rounded up: the one place where it is rounded. */
static int ppm_ceil(u128 numerator, struct sat *ret, struct err *err)
{
	u128 v = numerator / PPM + (numerator % PPM != 0);

	if (v > UINT64_MAX || !sat_from_u64((uint64_t)v, ret))
		return too_large(err);
	return 0;
}

static int ppm_of(struct sat amount, uint64_t ppm, struct sat *ret, struct err *err)
{
	return ppm_ceil((u128)amount.v * ppm, ret, err);
}

static int add(struct sat a, struct sat b, struct sat *ret, struct err *err)
{
	if (!sat_add(a, b, ret))
		return too_large(err);
	return 0;
}

static struct sat at_least(struct sat v, struct sat min)
{
	return sat_cmp(v, min) < 0 ? min : v;
}

static struct sat sat_less_or_zero(struct sat a, struct sat b)
{
	struct sat v = { 0 };

	return sat_sub(a, b, &v) ? v : (struct sat){ 0 };
}

uint32_t ark_blocks_left(uint32_t expiry_height, uint32_t height)
{
	return expiry_height > height ? expiry_height - height : 0;
}

static int too_many_rows(const struct ark_fee_table *t, struct err *err)
{
	return ERR(err, ERR_PEER_INVALID, "the server's fee table has %zu rows, more than %d", t->n, ARK_FEE_ROWS_MAX);
}

static int table_check(const struct ark_fee_table *t, const char *field, struct err *err)
{
	if (t->n > ARK_FEE_ROWS_MAX) {
		too_many_rows(t, err);
		return err_field(err, field);
	}
	for (size_t i = 1; i < t->n; i++) {
		const struct ark_fee_row *row = &t->rows[i];

		if (row->from_blocks < row[-1].from_blocks || row->ppm < row[-1].ppm) {
			ERR(err, ERR_PEER_INVALID, "the server's fee table falls in row %zu", i);
			return err_field(err, field);
		}
	}
	return 0;
}

int ark_fees_check(const struct ark_fees *f, struct err *err)
{
	if (table_check(&f->offboard.table, "offboard", err) != 0 ||
	    table_check(&f->refresh.table, "refresh", err) != 0 ||
	    table_check(&f->ln_send.table, "lightning_send", err) != 0)
		return -1;
	return 0;
}

/* The last row that begins no later; n for none, which costs nothing. */
static size_t row_of(const struct ark_fee_table *t, uint32_t blocks_left)
{
	for (size_t i = t->n; i-- > 0;)
		if (blocks_left >= t->rows[i].from_blocks)
			return i;
	return t->n;
}

int ark_fee_table_charge(const struct ark_fee_table *t, const struct sat *cap, struct ark_fee_coins coins,
			 struct sat *ret, struct err *err)
{
	struct sat totals[ARK_FEE_ROWS_MAX + 1] = { 0 }; /* by row, the last for the coins that no row charges for */
	struct sat left = { AMOUNT_MAX };
	u128 numerator = 0;

	if (t->n > ARK_FEE_ROWS_MAX)
		return too_many_rows(t, err);
	for (size_t i = 0; i < coins.n; i++) {
		struct sat *total = &totals[row_of(t, coins.v[i].blocks_left)];

		if (add(*total, coins.v[i].amount, total, err) != 0)
			return -1;
	}
	/* The cap is used up from what expires soonest, and first of that by what is free. */
	if (cap != NULL)
		left = sat_less_or_zero(*cap, totals[t->n]);
	for (size_t i = 0; i < t->n; i++) {
		struct sat part = cap != NULL && sat_cmp(totals[i], left) > 0 ? left : totals[i];

		if (__builtin_add_overflow(numerator, (u128)part.v * t->rows[i].ppm, &numerator))
			return too_large(err);
		left = sat_less_or_zero(left, part);
	}
	return ppm_ceil(numerator, ret, err);
}

int ark_fee_board(const struct ark_board_fee *f, struct sat amount, struct sat *ret, struct err *err)
{
	struct sat fee;

	if (ppm_of(amount, f->ppm, &fee, err) != 0 || add(f->base, fee, &fee, err) != 0)
		return -1;
	*ret = at_least(fee, f->min);
	return 0;
}

int ark_fee_ln_receive(const struct ark_ln_receive_fee *f, struct sat amount, struct sat *ret, struct err *err)
{
	struct sat fee;

	if (ppm_of(amount, f->ppm, &fee, err) != 0)
		return -1;
	return add(f->base, fee, ret, err);
}

int ark_fee_ln_send(const struct ark_ln_send_fee *f, struct sat amount, struct ark_fee_coins coins, struct sat *ret,
		    struct err *err)
{
	struct sat fee;

	if (ark_fee_table_charge(&f->table, &amount, coins, &fee, err) != 0 || add(f->base, fee, &fee, err) != 0)
		return -1;
	*ret = at_least(fee, f->min);
	return 0;
}

int ark_fee_refresh_coins(const struct ark_refresh_fee *f, struct ark_fee_coins coins, struct sat *ret, struct err *err)
{
	return ark_fee_table_charge(&f->table, NULL, coins, ret, err);
}

int ark_fee_refresh(const struct ark_refresh_fee *f, struct ark_fee_coins coins, struct sat *ret, struct err *err)
{
	struct sat fee;

	if (ark_fee_refresh_coins(f, coins, &fee, err) != 0)
		return -1;
	return add(f->base, fee, ret, err);
}

/* Whoever offboards pays for the transaction: 4 * (fixed + script) weight units. */
static int chain_fee(const struct ark_offboard_fee *f, const struct ark_offboard *o, struct sat *ret, struct err *err)
{
	uint64_t w;

	if (__builtin_add_overflow(f->fixed_vb, o->script_len, &w) || __builtin_mul_overflow(w, 4u, &w) ||
	    !fee_for_weight_ceil(o->rate, (struct weight){ w }, ret))
		return too_large(err);
	return 0;
}

int ark_fee_offboard(const struct ark_offboard_fee *f, const struct ark_offboard *o, struct ark_fee_coins coins,
		     struct sat *ret, struct err *err)
{
	struct sat fee, part;

	if (chain_fee(f, o, &fee, err) != 0 || add(f->base, fee, &fee, err) != 0 ||
	    ark_fee_table_charge(&f->table, &o->amount, coins, &part, err) != 0)
		return -1;
	return add(fee, part, ret, err);
}

int ark_fee_subtract(struct sat amount, struct sat fee, struct sat *ret, struct err *err)
{
	struct sat left;

	if (!sat_sub(amount, fee, &left) || sat_cmp(left, (struct sat){ 0 }) == 0)
		return ERR(err, ERR_FEE, "a fee of %" PRIu64 " sat leaves nothing of %" PRIu64 " sat", sat_value(fee),
			   sat_value(amount));
	*ret = left;
	return 0;
}

int ark_fee_subtract_dust(struct sat amount, struct sat fee, struct sat dust, struct sat *ret, struct err *err)
{
	struct sat left;

	if (!sat_sub(amount, fee, &left))
		return ERR(err, ERR_FEE, "a fee of %" PRIu64 " sat is more than the %" PRIu64 " sat that are to pay it",
			   sat_value(fee), sat_value(amount));
	if (sat_cmp(left, dust) < 0)
		return ERR(err, ERR_DUST,
			   "after a fee of %" PRIu64 " sat, %" PRIu64 " sat are left: less than %" PRIu64,
			   sat_value(fee), sat_value(left), sat_value(dust));
	*ret = left;
	return 0;
}
