#include "tests/support/splice_tx.h"

#include <check.h>
#include <string.h>

struct bytes splice_tx_script(unsigned n)
{
	static uint8_t scripts[16][22];

	ck_assert_uint_lt(n, 16);
	memset(scripts[n], (int)n, 22);
	scripts[n][0] = 0x00;
	scripts[n][1] = 20;
	return (struct bytes){ scripts[n], 22 };
}

struct bytes splice_tx_p2wsh(unsigned n)
{
	static uint8_t scripts[16][34];

	ck_assert_uint_lt(n, 16);
	memset(scripts[n], (int)n, 34);
	scripts[n][0] = 0x00;
	scripts[n][1] = 32;
	return (struct bytes){ scripts[n], 34 };
}

void splice_tx_add_in(struct splice_tx *t, struct outpoint at)
{
	ck_assert_uint_lt(t->tx.n_in, SPLICE_TX_PARTS);
	t->in[t->tx.n_in++] = (struct tx_in){ .prevout = at, .sequence = 0xfffffffd };
}

void splice_tx_add_out(struct splice_tx *t, struct bytes script, uint64_t sat)
{
	ck_assert_uint_lt(t->tx.n_out, SPLICE_TX_PARTS);
	t->out[t->tx.n_out++] = (struct tx_out){ .value = splice_sat(sat), .script = script };
}

static void begin(struct splice_tx *t)
{
	*t = (struct splice_tx){ .tx.version = 2 };
	t->tx.in = t->in;
	t->tx.out = t->out;
	t->known.terms.base = splice_at(1);
	t->known.terms.inputs = t->ours;
	t->known.terms.outputs = t->pays;
	t->known.base_capacity = splice_sat(1000000);
	splice_tx_add_in(t, splice_at(1));
}

void splice_tx_in(struct splice_tx *t)
{
	begin(t);
	for (unsigned n = 0; n < 3; n++)
		t->wallet[n] = (struct splice_input){ .at = splice_at(2 + n), .amount = splice_sat(60000 - 15000 * n) };
	t->ours[0] = t->wallet[0];
	t->ours[1] = t->wallet[1];
	t->pays[0] = (struct splice_output){ splice_tx_script(5), splice_sat(4000) };
	t->known.terms.n_inputs = 2;
	t->known.terms.n_outputs = 1;
	t->known.terms.wallet = t->wallet;
	t->known.terms.n_wallet = 3;
	t->known.terms.share = (struct splice_share){ .by = splice_sat(100000) };
	t->known.terms.weight = (struct weight){ 1000 };
	t->known.terms.max_rate = splice_rate_of(998); /* 998 + 2 */
	splice_tx_add_in(t, splice_at(3));
	splice_tx_add_in(t, splice_at(2));
	splice_tx_add_out(t, splice_tx_p2wsh(1), 1100000);
	splice_tx_add_out(t, splice_tx_script(5), 4000);
}

void splice_tx_out(struct splice_tx *t)
{
	begin(t);
	t->pays[0] = (struct splice_output){ splice_tx_script(6), splice_sat(50000) };
	t->known.terms.n_outputs = 1;
	t->known.terms.share = (struct splice_share){ .out = true, .by = splice_sat(50775) };
	t->known.terms.weight = (struct weight){ 773 };
	t->known.terms.max_rate = splice_rate_of(1000);
	splice_tx_add_out(t, splice_tx_script(6), 50000);
	splice_tx_add_out(t, splice_tx_p2wsh(1), 949225);
}
