#include "rails/lightning/splice_hold.h"

#include "rails/bitcoin/psbt.h"
#include "rails/lightning/backend.h"

static const struct splice_input *find(const struct splice_input *all, size_t n, const struct outpoint *at)
{
	for (size_t i = 0; i < n; i++)
		if (outpoint_equal(&all[i].at, at))
			return &all[i];
	return NULL;
}

uint32_t splice_hold_short_by(const struct splice_input *held, size_t n_held, const struct splice_input *wallet,
			      size_t n_wallet, uint32_t height)
{
	uint32_t least = LN_RESERVE_BLOCKS;

	for (size_t i = 0; i < n_held; i++) {
		const struct splice_input *coin = find(wallet, n_wallet, &held[i].at);
		uint32_t left;

		if (held[i].released || coin == NULL)
			continue;
		left = coin->reserved_to > height ? coin->reserved_to - height : 0;
		least = left < least ? left : least;
	}
	return least > LN_RESERVE_BLOCKS - SPLICE_HOLD_EVERY ? 0 : LN_RESERVE_BLOCKS - least;
}

int splice_hold_psbt(struct arena *a, const struct splice_input *in, size_t n, char **ret, struct err *err)
{
	struct tx tx = { .version = 2 };
	struct psbt p;

	if (n > SPLICE_INPUTS_MAX)
		return ERR(err, ERR_RANGE, "%zu reserved inputs", n);
	tx.in = ARENA_ARRAY(a, n + 1, struct tx_in);
	for (size_t i = 0; i < n; i++)
		if (!in[i].released)
			tx.in[tx.n_in++] = (struct tx_in){ .prevout = in[i].at, .sequence = 0xfffffffd };
	if (tx.n_in == 0)
		return ERR(err, ERR_RANGE, "no input is reserved");
	return psbt_create(a, &tx, &p, err) != 0 ? -1 : psbt_text(a, &p, ret, err);
}

bool splice_hold_is_signed(const struct funding_candidate *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (c[i].origin == CANDIDATE_OURS && candidate_is_out(c[i].state) && c[i].state != CANDIDATE_LOCKED)
			return true;
	return false;
}

bool splice_hold_is_over(const struct funding_payment *p, const struct funding_candidate *c, size_t n)
{
	return p == NULL || p->status == FUNDING_FAILED || !splice_hold_is_signed(c, n);
}
