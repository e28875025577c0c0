#include "tests/support/model_chain.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "tests/support/model_node.h"

/* The first block of regtest. */
static const char genesis_hex[] =
	"0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3"
	"888a51323a9fb8aa4b1e5e4adae5494dffff7f20020000000101000000010000000000000000000000000000000000000000000000000000"
	"000000000000ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e2062"
	"72696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe554827"
	"1967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5f"
	"ac00000000";
#define HEADER_SIZE 80

const struct model_block *model_tip(const struct model_chain *c)
{
	return c->blocks[c->active[c->n_active - 1]];
}

const struct model_block *model_at(const struct model_chain *c, uint32_t height)
{
	ck_assert_uint_lt(height, c->n_active);
	return c->blocks[c->active[height]];
}

const struct model_block *model_block_of(const struct model_chain *c, const struct block_hash *hash)
{
	for (size_t i = 0; i < c->n_blocks; i++)
		if (block_hash_equal(&c->blocks[i]->hash, hash))
			return c->blocks[i];
	return NULL;
}

bool model_is_active(const struct model_chain *c, const struct model_block *b)
{
	return b->height < c->n_active && model_at(c, b->height) == b;
}

static uint64_t beginning_of(const struct txid *txid)
{
	uint64_t b;

	memcpy(&b, txid->b, sizeof(b));
	return b;
}

const struct model_tx *model_tx_of(const struct model_chain *c, const struct txid *txid)
{
	const uint64_t beginning = beginning_of(txid);

	for (size_t i = 0; i < c->n_txs; i++)
		if (c->beginnings[i] == beginning && txid_equal(&c->txs[i].txid, txid))
			return &c->txs[i];
	return NULL;
}

const struct tx_out *model_out(const struct model_chain *c, const struct outpoint *at)
{
	const struct model_tx *t = model_tx_of(c, &at->txid);

	return t && at->vout < t->tx.n_out ? &t->tx.out[at->vout] : NULL;
}

static bool spends(const struct model_tx *t, const struct outpoint *at)
{
	return tx_find_input(&t->tx, at) < t->tx.n_in;
}

const struct model_tx *model_spender(const struct model_chain *c, const struct outpoint *at)
{
	for (size_t i = 0; i < c->n_txs; i++)
		if ((c->txs[i].in_mempool || c->txs[i].height >= 0) && spends(&c->txs[i], at))
			return &c->txs[i];
	return NULL;
}

static size_t tx_add(struct model_chain *c, const struct tx *tx)
{
	struct txid txid = tx_txid(tx);
	const struct model_tx *known = model_tx_of(c, &txid);
	struct model_tx *t = &c->txs[c->n_txs];
	struct err err;

	if (known)
		return (size_t)(known - c->txs);
	ck_assert_uint_lt(c->n_txs, MODEL_TXS);
	c->beginnings[c->n_txs] = beginning_of(&txid);
	*t = (struct model_tx){ .txid = txid, .raw = tx_bytes(&c->arena, tx), .height = -1 };
	ck_assert_int_eq(tx_decode(&c->arena, t->raw, &t->tx, &err), 0);
	return c->n_txs++;
}

/* --- the mempool --- */

void model_evict(struct model_chain *c, const struct txid *txid)
{
	for (size_t i = 0; i < c->n_txs; i++) {
		if (!txid_equal(&c->txs[i].txid, txid) || !c->txs[i].in_mempool)
			continue;
		c->txs[i].in_mempool = false;
		for (uint32_t k = 0; k < c->txs[i].tx.n_out; k++) {
			struct outpoint at = { *txid, k };
			const struct model_tx *by = model_spender(c, &at);

			if (by && by->in_mempool)
				model_evict(c, &by->txid);
		}
	}
}

struct txid model_offer(struct model_chain *c, const struct tx *tx)
{
	size_t i = tx_add(c, tx);

	if (c->txs[i].height >= 0)
		return c->txs[i].txid;
	for (size_t k = 0; k < tx->n_in; k++) {
		const struct model_tx *by = model_spender(c, &tx->in[k].prevout);

		ck_assert_msg(!by || by->height < 0, "a block has spent that");
		if (by && by != &c->txs[i])
			model_evict(c, &by->txid);
	}
	c->txs[i].in_mempool = true;
	return c->txs[i].txid;
}

/* --- blocks --- */

static void put32(struct buf *b, uint32_t v)
{
	uint8_t le[] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	buf_add(b, le, sizeof(le));
}

static struct hash32 merkle_root(const struct model_chain *c, const struct model_block *b)
{
	struct hash32 level[MODEL_IN_BLOCK + 1];
	size_t n = b->n_txs;

	for (size_t i = 0; i < n; i++)
		memcpy(level[i].b, c->txs[b->txs[i]].txid.b, 32);
	for (; n > 1; n = (n + 1) / 2) {
		if (n % 2)
			level[n] = level[n - 1];
		for (size_t i = 0; i < (n + 1) / 2; i++) {
			uint8_t pair[64];

			memcpy(pair, level[2 * i].b, 32);
			memcpy(pair + 32, level[2 * i + 1].b, 32);
			sha256_twice((struct bytes){ pair, 64 }, &level[i]);
		}
	}
	return level[0];
}

static struct tx coinbase(struct model_chain *c, uint32_t height, struct bytes script, struct tx_in *in,
			  struct tx_out *out, uint8_t text[8])
{
	memcpy(text, &height, 4);
	memcpy(text + 4, &c->salt, 4);
	*in = (struct tx_in){ .prevout.vout = UINT32_MAX, .script_sig = { text, 8 }, .sequence = UINT32_MAX };
	*out = (struct tx_out){ .script = script.n ? script : (struct bytes){ (const uint8_t *)"\x6a", 1 } };
	ck_assert(sat_from_u64(script.n ? 5000000000 : 0, &out->value));
	return (struct tx){ .version = 2, .in = in, .n_in = 1, .out = out, .n_out = 1 };
}

static void seal(struct model_chain *c, struct model_block *b)
{
	SCOPED(buf) struct buf raw = BUF_CAP(4000000);
	struct hash32 root = merkle_root(c, b), hash;

	put32(&raw, 0x20000000);
	buf_add(&raw, b->prev.b, 32);
	buf_add(&raw, root.b, 32);
	put32(&raw, (uint32_t)b->time_s);
	put32(&raw, 0x207fffff);
	put32(&raw, c->salt++);
	sha256_twice(buf_bytes(&raw), &hash);
	memcpy(b->hash.b, hash.b, 32);
	if (b->n_txs < 0xfd)
		buf_add(&raw, (uint8_t[]){ (uint8_t)b->n_txs }, 1);
	else
		buf_add(&raw, (uint8_t[]){ 0xfd, (uint8_t)b->n_txs, (uint8_t)(b->n_txs >> 8) }, 3);
	for (size_t i = 0; i < b->n_txs; i++)
		buf_add(&raw, c->txs[b->txs[i]].raw.p, c->txs[b->txs[i]].raw.n);
	b->raw = arena_bytes(&c->arena, buf_bytes(&raw));
}

static struct model_block *block_add(struct model_chain *c)
{
	struct model_block *b = ARENA_NEW(&c->arena, struct model_block);

	ck_assert_uint_lt(c->n_blocks, MODEL_BLOCKS);
	c->blocks[c->n_blocks] = b;
	c->active[c->n_active++] = c->n_blocks++;
	return b;
}

/* All that it spends is in a block, this one too. */
static bool is_ready(const struct model_chain *c, const struct model_tx *t)
{
	for (size_t k = 0; k < t->tx.n_in; k++) {
		const struct model_tx *from = model_tx_of(c, &t->tx.in[k].prevout.txid);

		if (from && from->height < 0)
			return false;
	}
	return true;
}

static void fill(struct model_chain *c, struct model_block *b)
{
	bool any = true;

	while (any) {
		any = false;
		for (size_t i = 0; i < c->n_txs && b->n_txs < MODEL_IN_BLOCK; i++)
			if (c->txs[i].in_mempool && is_ready(c, &c->txs[i])) {
				c->txs[i].in_mempool = false;
				c->txs[i].height = (int)b->height;
				b->txs[b->n_txs++] = i;
				any = true;
			}
	}
}

/* Each is later than the one below: so it is the time of the sixth. */
int64_t model_median_time(const struct model_chain *c, const struct model_block *b)
{
	uint32_t below = b->height < 10 ? b->height / 2 : 5;

	while (below-- > 0)
		b = model_block_of(c, &b->prev);
	return b->time_s;
}

struct block_ref model_mine(struct model_chain *c, bool full, struct bytes script)
{
	const struct model_block *tip = model_tip(c);
	struct model_block *b = block_add(c);
	struct tx_out out;
	struct tx_in in;
	uint8_t text[8];
	struct tx tx;

	b->height = tip->height + 1;
	b->prev = tip->hash;
	b->time_s = MODEL_GENESIS_TIME + 600 * (int64_t)b->height + c->pause_s;
	tx = coinbase(c, b->height, script, &in, &out, text);
	b->txs[b->n_txs++] = tx_add(c, &tx);
	c->txs[b->txs[0]].height = (int)b->height;
	if (full)
		fill(c, b);
	seal(c, b);
	return (struct block_ref){ b->height, b->hash };
}

void model_rewind(struct model_chain *c)
{
	const struct model_block *b = model_tip(c);

	ck_assert_uint_gt(b->height, 0);
	c->n_active--;
	for (size_t i = 0; i < b->n_txs; i++) {
		struct model_tx *t = &c->txs[b->txs[i]];

		t->height = -1;
		t->in_mempool = true;
	}
	/* What spends a coinbase that never was cannot be either. */
	model_evict(c, &c->txs[b->txs[0]].txid);
}

/* --- life --- */

void model_chain_init(struct model_chain *c)
{
	struct model_block *b;
	struct hash32 hash;
	struct tx tx;
	struct err err;

	*c = (struct model_chain){ .arena = ARENA_LIMIT((size_t)1 << 30), .salt = 1 };
	c->txs = calloc(MODEL_TXS, sizeof(*c->txs));
	c->beginnings = calloc(MODEL_TXS, sizeof(*c->beginnings));
	c->blocks = calloc(MODEL_BLOCKS, sizeof(*c->blocks));
	c->active = calloc(MODEL_BLOCKS, sizeof(*c->active));
	ck_assert(c->txs && c->beginnings && c->blocks && c->active);
	b = block_add(c);
	ck_assert(hex_decode_any(&c->arena, genesis_hex, sizeof(genesis_hex), &b->raw));
	sha256_twice((struct bytes){ b->raw.p, HEADER_SIZE }, &hash);
	memcpy(b->hash.b, hash.b, 32);
	b->time_s = MODEL_GENESIS_TIME;
	ck_assert_int_eq(tx_decode(&c->arena, (struct bytes){ b->raw.p + HEADER_SIZE + 1, b->raw.n - HEADER_SIZE - 1 },
				   &tx, &err),
			 0);
	b->txs[b->n_txs++] = tx_add(c, &tx);
	c->txs[0].height = 0;
}

void model_chain_done(struct model_chain *c)
{
	free(c->beginnings);
	free(c->txs);
	free(c->blocks);
	free(c->active);
	arena_done(&c->arena);
}
