/* A block, or a block filter, from whoever claims to have it.  The first byte chooses:
 *   0  the rest is a block, asked for by its own header's hash
 *   1  the rest is one transaction, in a block that is made around it: it must be taken exactly when tx_decode() takes it and
 *      it may stand in a block, and walking through it must show what tx_decode() shows
 *   2  the rest is a filter, and what is looked for is taken from its own bytes */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "rails/bitcoin/tx.h"
#include "rails/chain/block.h"
#include "rails/chain/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEADER 80
#define ROOM   (64 * 1024 * 1024)

static void must(bool ok)
{
	if (!ok)
		abort();
}

static struct block_hash hash_of(const uint8_t *header)
{
	struct block_hash hash;
	struct hash32 h;

	sha256_twice((struct bytes){ header, HEADER }, &h);
	memcpy(hash.b, h.b, sizeof(hash.b));
	return hash;
}

static void walk(const struct block *b)
{
	size_t bytes = 0;

	for (size_t i = 0; i < b->n_txs; i++) {
		struct outpoint spent;
		struct block_out out;
		struct block_tx tx;
		size_t n_in = 0, n_out = 0;

		block_tx(b, i, &tx);
		must(tx.index == i && tx.n_in > 0);
		bytes += tx.raw.n;
		for (; block_tx_next_in(&tx, &spent); n_in++)
			;
		for (; block_tx_next_out(&tx, &out); n_out++)
			must(out.vout == n_out && sat_is_money(out.value) && out.script.n <= tx.raw.n);
		must(n_in == tx.n_in && n_out == tx.n_out && n_out > 0 && reader_ok(&tx.r));
	}
	must(bytes < b->raw.n);
}

static void whole_block(struct bytes v)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(ROOM);
	struct block_hash asked;
	struct block b;
	struct err err;

	if (v.n < HEADER)
		return;
	asked = hash_of(v.p);
	if (block_read(&a, v, &asked, &b, &err) == 0)
		walk(&b);
	else
		must(err.code == ERR_PEER_INVALID);
}

static bool may_stand_in_a_block(const struct tx *tx, size_t n)
{
	bool fits = n >= BLOCK_TX_MIN && tx->n_in > 0 && tx->n_out > 0;

	for (size_t i = 0; i < tx->n_out; i++)
		fits = fits && sat_is_money(tx->out[i].value);
	return fits;
}

static void compare(const struct block *b, const struct tx *tx, const struct txid *txid)
{
	struct outpoint spent;
	struct block_out out;
	struct block_tx w;

	must(b->n_txs == 1);
	block_tx(b, 0, &w);
	must(txid_equal(&w.txid, txid) && w.n_in == tx->n_in);
	for (size_t i = 0; i < tx->n_in; i++)
		must(block_tx_next_in(&w, &spent) && outpoint_equal(&spent, &tx->in[i].prevout));
	for (size_t i = 0; i < tx->n_out; i++)
		must(block_tx_next_out(&w, &out) && sat_cmp(out.value, tx->out[i].value) == 0 &&
		     bytes_equal(out.script, tx->out[i].script));
	must(!block_tx_next_out(&w, &out));
}

static void one_transaction(struct bytes v)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(ROOM);
	struct block_hash asked;
	struct txid txid = { { 0 } };
	bool fine = false;
	struct block b;
	struct err err;
	struct tx tx;
	uint8_t *raw;

	if (v.n > 100000)
		return;
	if (tx_decode(&a, v, &tx, &err) == 0) {
		txid = tx_txid(&tx);
		/* Some of what has no inputs reads two ways; it stands in no block. */
		fine = may_stand_in_a_block(&tx, v.n);
	}
	raw = arena_alloc(&a, HEADER + 1 + v.n);
	memcpy(raw + 36, txid.b, sizeof(txid.b));
	raw[HEADER] = 1;
	memcpy(raw + HEADER + 1, v.p, v.n);
	asked = hash_of(raw);
	must((block_read(&a, (struct bytes){ raw, HEADER + 1 + v.n }, &asked, &b, &err) == 0) == fine);
	if (fine)
		compare(&b, &tx, &txid);
}

static void block_filter(struct bytes v)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(ROOM);
	struct block_hash hash = { { 1, 2, 3 } };
	struct bytes scripts[16];
	bool any, one, some = false;
	struct err err;

	for (size_t i = 0; i < 16; i++)
		scripts[i] = (struct bytes){ v.p, v.n < i ? v.n : i };
	if (filter_match_any(&a, v, &hash, scripts, 16, &any, &err) != 0) {
		must(err.code == ERR_PEER_INVALID);
		return;
	}
	for (size_t i = 0; i < 16; i++) {
		/* One that is looked for alone may be beyond where a broken filter breaks. */
		if (filter_match_any(&a, v, &hash, &scripts[i], 1, &one, &err) == 0)
			some = some || one;
	}
	must(any == some);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes v;

	if (size < 1)
		return 0;
	v = (struct bytes){ data + 1, size - 1 };
	switch (data[0] % 3) {
	case 0:
		whole_block(v);
		break;
	case 1:
		one_transaction(v);
		break;
	default:
		block_filter(v);
	}
	return 0;
}
