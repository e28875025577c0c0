#include "rails/bitcoin/psbt_v2.h"

#include <string.h>

#include "rails/bitcoin/compact.h"
#include "rails/bitcoin/timelock.h"

/* Fields have the lengths that psbt_fields.c checked. */
static bool get_u32(const struct psbt_map *m, uint8_t type, uint32_t *ret)
{
	struct bytes v;
	struct reader r;

	if (!psbt_get(m, type, (struct bytes){ 0 }, &v))
		return false;
	r = reader_of(v);
	*ret = read_le32(&r);
	return true;
}

static bool get_count(const struct psbt_map *m, uint8_t type, size_t max, size_t *ret)
{
	struct reader r;
	struct bytes v;
	uint64_t n;

	if (!psbt_get(m, type, (struct bytes){ 0 }, &v))
		return false;
	r = reader_of(v);
	n = read_compact(&r);
	if (n > max)
		return false;
	*ret = (size_t)n;
	return true;
}

int psbt_v2_start(struct arena *a, struct psbt *p, size_t max, struct err *err)
{
	struct tx tx = { 0 };

	if (!get_u32(&p->global, PSBT_GLOBAL_TX_VERSION, &tx.version) ||
	    !get_count(&p->global, PSBT_GLOBAL_INPUTS, max, &tx.n_in) ||
	    !get_count(&p->global, PSBT_GLOBAL_OUTPUTS, max, &tx.n_out))
		return ERR(err, ERR_PSBT, "PSBT: version 2 without its version of transaction or its counts");
	if (!arena_room(a, tx.n_in * sizeof(*tx.in) + tx.n_out * sizeof(*tx.out) + 32))
		return ERR(err, ERR_RANGE, "PSBT: larger than there is room for here");
	tx.in = ARENA_ARRAY(a, tx.n_in, struct tx_in);
	tx.out = ARENA_ARRAY(a, tx.n_out, struct tx_out);
	(void)get_u32(&p->global, PSBT_GLOBAL_FALLBACK_LOCKTIME, &tx.locktime); /* or else 0 */
	p->tx = tx;
	return 0;
}

/* BIP370: of one kind for all inputs that ask for any; a height where both would do; the greatest asked for. */
static int lock_time(const struct psbt *p, uint32_t fallback, uint32_t *ret, struct err *err)
{
	uint32_t height = 0, time = 0;
	bool asked = false, by_height = true, by_time = true;

	for (size_t i = 0; i < p->tx.n_in; i++) {
		uint32_t h = 0, t = 0;
		bool has_height = get_u32(&p->in[i], PSBT_IN_HEIGHT_LOCKTIME, &h),
		     has_time = get_u32(&p->in[i], PSBT_IN_TIME_LOCKTIME, &t);

		if ((has_height && (h == 0 || h >= LOCKTIME_THRESHOLD)) || (has_time && t < LOCKTIME_THRESHOLD))
			return ERR(err, ERR_PSBT, "PSBT: input %zu asks for a locktime of the wrong kind", i);
		if (!has_height && !has_time)
			continue;
		asked = true;
		by_height = by_height && has_height;
		by_time = by_time && has_time;
		height = h > height ? h : height;
		time = t > time ? t : time;
	}
	if (asked && !by_height && !by_time)
		return ERR(err, ERR_PSBT, "PSBT: no locktime suits all its inputs");
	*ret = !asked ? fallback : by_height ? height : time;
	return 0;
}

static int finish_input(struct psbt_map *m, struct tx_in *in, struct err *err)
{
	struct bytes id;

	if (!psbt_get(m, PSBT_IN_PREVIOUS_TXID, (struct bytes){ 0 }, &id) ||
	    !get_u32(m, PSBT_IN_OUTPUT_INDEX, &in->prevout.vout))
		return ERR(err, ERR_PSBT, "PSBT: an input does not say what it spends");
	memcpy(in->prevout.txid.b, id.p, sizeof(in->prevout.txid.b));
	in->sequence = SEQUENCE_FINAL;
	(void)get_u32(m, PSBT_IN_SEQUENCE, &in->sequence); /* or else final */
	psbt_drop_range(m, PSBT_IN_PREVIOUS_TXID, PSBT_IN_HEIGHT_LOCKTIME);
	return 0;
}

static int finish_output(struct psbt_map *m, struct tx_out *out, struct err *err)
{
	struct bytes none = { 0 }, amount;
	struct reader r;

	if (!psbt_get(m, PSBT_OUT_AMOUNT, none, &amount) || !psbt_get(m, PSBT_OUT_SCRIPT, none, &out->script))
		return ERR(err, ERR_PSBT, "PSBT: an output does not say whom it pays, or how much");
	r = reader_of(amount);
	if (!sat_from_u64(read_le64(&r), &out->value))
		return ERR(err, ERR_PSBT, "PSBT: an output pays a negative amount");
	psbt_drop(m, PSBT_OUT_AMOUNT);
	psbt_drop(m, PSBT_OUT_SCRIPT);
	return 0;
}

int psbt_v2_finish(struct psbt *p, struct err *err)
{
	if (lock_time(p, p->tx.locktime, &p->tx.locktime, err) != 0)
		return -1;
	for (size_t i = 0; i < p->tx.n_in; i++)
		if (finish_input(&p->in[i], &p->tx.in[i], err) != 0)
			return -1;
	for (size_t i = 0; i < p->tx.n_out; i++)
		if (finish_output(&p->out[i], &p->tx.out[i], err) != 0)
			return -1;
	psbt_drop_range(&p->global, PSBT_GLOBAL_TX_VERSION, PSBT_GLOBAL_MODIFIABLE);
	return 0;
}
