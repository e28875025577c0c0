#include "tests/support/onchain_rows.h"

#include <string.h>

#include "tests/support/scratch.h"

static struct err failure, *err = &failure;

static void spread(uint8_t *b, size_t size, uint8_t filler, unsigned n)
{
	memset(b, filler, size);
	for (size_t i = 0; i < sizeof(n); i++)
		b[size - 1 - i] = (uint8_t)(n >> 8 * i);
}

struct txid onchain_txid(unsigned n)
{
	struct txid id;

	spread(id.b, sizeof(id.b), 0x7a, n);
	return id;
}

struct block_hash onchain_hash(unsigned n)
{
	struct block_hash h;

	spread(h.b, sizeof(h.b), 0xb1, n);
	return h;
}

struct outpoint onchain_at(unsigned tx, uint32_t vout)
{
	return (struct outpoint){ onchain_txid(tx), vout };
}

struct sat onchain_sat(uint64_t v)
{
	struct sat ret;

	ck_assert(sat_from_u64(v, &ret));
	return ret;
}

/* One per number: they outlive what points to them. */
struct bytes onchain_script(unsigned n)
{
	static uint8_t scripts[1024][34], foreign[34];
	uint8_t *b = n == ONCHAIN_FOREIGN ? foreign : scripts[n % 1024];

	spread(b, 34, 0x51, n);
	return (struct bytes){ b, 34 };
}

void onchain_wallet(struct unit *u, unsigned n)
{
	struct onchain_account acc = { .xpub = "xpub", .birthday_s = 1000 };

	OK(account_store_add(u, &acc, err));
	for (unsigned i = 0; i < n; i++) {
		OK(script_store_add(u, SCRIPT_RECEIVE, i, onchain_script(i), err));
		OK(script_store_add(u, SCRIPT_CHANGE, i, onchain_script(n + i), err));
	}
}

void onchain_tx(struct onchain_tx *tx, unsigned n)
{
	memset(tx, 0, sizeof(*tx));
	tx->told.txid = onchain_txid(n);
	spread(tx->raw, sizeof(tx->raw), 0x02, n);
	tx->told.raw = (struct bytes){ tx->raw, sizeof(tx->raw) };
	tx->told.in = tx->in;
	tx->told.out = tx->out;
}

void onchain_spend(struct onchain_tx *tx, unsigned from, uint32_t vout)
{
	ck_assert_uint_lt(tx->told.n_in, ONCHAIN_TX_PARTS);
	tx->in[tx->told.n_in++] = onchain_at(from, vout);
}

void onchain_pay(struct onchain_tx *tx, unsigned script, uint64_t sat)
{
	ck_assert_uint_lt(tx->told.n_out, ONCHAIN_TX_PARTS);
	tx->out[tx->told.n_out++] = (struct told_out){ onchain_sat(sat), onchain_script(script) };
}

struct block_ref onchain_connect(struct unit *u, unsigned n)
{
	struct block_row tip, block = { .ref = { 100, onchain_hash(n) }, .prev = onchain_hash(0), .time_s = n };
	int rc = chain_store_tip(unit_view(u), &tip, err);

	OK(rc);
	if (rc == 1) {
		block.ref.height = tip.ref.height + 1;
		block.prev = tip.ref.hash;
	}
	OK(chain_store_connect(u, &block, 5000 + n, err));
	return block.ref;
}

void onchain_disconnect(struct unit *u)
{
	struct block_row tip;

	ck_assert_int_eq(chain_store_tip(unit_view(u), &tip, err), 1);
	OK(chain_store_disconnect(u, &tip.ref, 6000, err));
}
