#include "rails/chain/block.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"
#include "rails/bitcoin/compact.h"

#define HEADER_SIZE 80
/* The least that one of these takes on the wire. */
#define IN_MIN  (32 + 4 + 1 + 4)
#define OUT_MIN (8 + 1)

#define REFUSE(err, ...) ERR((err), ERR_PEER_INVALID, __VA_ARGS__)

/* --- one transaction, passed over --- */

/* What of a transaction its txid covers, when it has a witness: not the marker, and not the witness. */
struct span {
	size_t body, body_end; /* inputs and outputs, with their counts */
	size_t end;
	bool has_witness;
};

static void skip(struct reader *r, size_t n)
{
	(void)read_bytes(r, n);
}

static void skip_in(struct reader *r)
{
	skip(r, 36);
	(void)read_compact_bytes(r);
	skip(r, 4);
}

/* False: it claims an amount that cannot be. */
static bool skip_out(struct reader *r)
{
	struct sat value;

	if (!sat_from_u64(read_le64(r), &value) || !sat_is_money(value))
		return false;
	(void)read_compact_bytes(r);
	return true;
}

static void skip_witness(struct reader *r)
{
	size_t n = read_compact_count(r, 1);

	for (size_t i = 0; i < n && reader_ok(r); i++)
		(void)read_compact_bytes(r);
}

static bool skip_body(struct reader *r, size_t *n_in)
{
	size_t n_out;

	*n_in = read_compact_count(r, IN_MIN);
	for (size_t i = 0; i < *n_in && reader_ok(r); i++)
		skip_in(r);
	n_out = read_compact_count(r, OUT_MIN);
	for (size_t i = 0; i < n_out && reader_ok(r); i++)
		if (!skip_out(r))
			return false;
	return reader_ok(r) && *n_in > 0 && n_out > 0;
}

/* In a block no transaction is without inputs, so a count of 0 is always BIP144's marker. */
static bool tx_skip(struct bytes raw, size_t from, struct span *ret)
{
	struct reader r = reader_of((struct bytes){ raw.p + from, raw.n - from });
	size_t n_in;

	skip(&r, 4);
	ret->has_witness = reader_ok(&r) && r.n >= 2 && r.p[0] == 0 && r.p[1] == 1;
	if (ret->has_witness)
		skip(&r, 2);
	ret->body = raw.n - r.n;
	if (!skip_body(&r, &n_in))
		return false;
	ret->body_end = raw.n - r.n;
	for (size_t i = 0; ret->has_witness && i < n_in && reader_ok(&r); i++)
		skip_witness(&r);
	skip(&r, 4);
	ret->end = raw.n - r.n;
	return reader_ok(&r);
}

static void txid_of(struct bytes raw, size_t from, const struct span *s, struct buf *scratch, struct txid *ret)
{
	struct bytes whole = { raw.p + from, s->end - from };
	struct hash32 h;

	if (s->has_witness) {
		buf_reset(scratch);
		buf_add(scratch, raw.p + from, 4);
		buf_add(scratch, raw.p + s->body, s->body_end - s->body);
		buf_add(scratch, raw.p + s->end - 4, 4);
		whole = buf_bytes(scratch);
	}
	sha256_twice(whole, &h);
	memcpy(ret->b, h.b, sizeof(h.b));
}

/* --- the merkle root --- */

/* In place.  Two equal hashes side by side at the end of a row are how two lists of transactions can have one root. */
static bool merkle_root(struct hash32 *row, size_t n, struct hash32 *ret)
{
	while (n > 1) {
		for (size_t i = 0; i + 1 < n; i += 2)
			if (hash32_equal(&row[i], &row[i + 1]))
				return false;
		for (size_t i = 0; i < n; i += 2) {
			struct hash32 pair[2] = { row[i], row[i + 1 < n ? i + 1 : i] };

			sha256_twice((struct bytes){ pair[0].b, sizeof(pair) }, &row[i / 2]);
		}
		n = (n + 1) / 2;
	}
	*ret = row[0];
	return true;
}

static bool root_is(struct arena *a, const struct txid *txids, size_t n, const uint8_t told[32])
{
	struct hash32 *row = ARENA_ARRAY(a, n, struct hash32), root;

	for (size_t i = 0; i < n; i++)
		memcpy(row[i].b, txids[i].b, sizeof(row[i].b));
	return merkle_root(row, n, &root) && memcmp(root.b, told, sizeof(root.b)) == 0;
}

/* --- the block --- */

static int header_read(struct reader *r, const struct block_hash *asked, struct block *b, uint8_t root[32],
		       struct err *err)
{
	struct hash32 h;

	if (r->n < HEADER_SIZE)
		return REFUSE(err, "a block of %zu bytes", r->n);
	sha256_twice((struct bytes){ r->p, HEADER_SIZE }, &h);
	memcpy(b->hash.b, h.b, sizeof(h.b));
	if (!block_hash_equal(&b->hash, asked))
		return REFUSE(err, "another block than was asked for");
	skip(r, 4);
	read_copy(r, b->prev.b, sizeof(b->prev.b));
	read_copy(r, root, 32);
	b->time_s = read_le32(r);
	skip(r, 8);
	return 0;
}

static int txs_read(struct arena *a, struct block *b, size_t from, struct err *err)
{
	SCOPED(buf) struct buf scratch = BUF_CAP(BLOCK_SIZE_MAX);
	struct span s;

	b->starts = ARENA_ARRAY(a, b->n_txs + 1, size_t);
	b->txids = ARENA_ARRAY(a, b->n_txs, struct txid);
	for (size_t i = 0; i < b->n_txs; i++) {
		b->starts[i] = from;
		if (!tx_skip(b->raw, from, &s))
			return REFUSE(err, "transaction %zu of a block is malformed", i);
		txid_of(b->raw, from, &s, &scratch, &b->txids[i]);
		from = s.end;
	}
	b->starts[b->n_txs] = from;
	if (from != b->raw.n)
		return REFUSE(err, "%zu bytes follow a block", b->raw.n - from);
	return 0;
}

int block_read(struct arena *a, struct bytes raw, const struct block_hash *asked, struct block *ret, struct err *err)
{
	struct reader r = reader_of(raw);
	struct block b = { .raw = raw };
	uint8_t root[32];

	if (raw.n > BLOCK_SIZE_MAX)
		return REFUSE(err, "a block of %zu bytes", raw.n);
	if (header_read(&r, asked, &b, root, err) != 0)
		return -1;
	b.n_txs = read_compact_count(&r, BLOCK_TX_MIN);
	if (!reader_ok(&r) || b.n_txs == 0)
		return REFUSE(err, "a block without transactions");
	if (!arena_room(a, BLOCK_ARENA_FOR(raw.n)))
		return REFUSE(err, "no room for a block of %zu bytes", raw.n);
	if (txs_read(a, &b, raw.n - r.n, err) != 0)
		return -1;
	if (!root_is(a, b.txids, b.n_txs, root))
		return REFUSE(err, "a block's transactions are not those of its header");
	*ret = b;
	return 0;
}

/* --- walking through --- */

void block_tx(const struct block *b, size_t i, struct block_tx *ret)
{
	assert(i < b->n_txs);
	*ret = (struct block_tx){
		.txid = b->txids[i],
		.raw = { b->raw.p + b->starts[i], b->starts[i + 1] - b->starts[i] },
		.index = i,
	};
	ret->r = reader_of(ret->raw);
	skip(&ret->r, 4);
	if (ret->r.p[0] == 0)
		skip(&ret->r, 2);
	ret->n_in = ret->in_left = read_compact_count(&ret->r, IN_MIN);
}

bool block_tx_next_in(struct block_tx *tx, struct outpoint *ret)
{
	if (tx->in_left == 0)
		return false;
	read_copy(&tx->r, ret->txid.b, sizeof(ret->txid.b));
	ret->vout = read_le32(&tx->r);
	(void)read_compact_bytes(&tx->r);
	skip(&tx->r, 4);
	tx->in_left--;
	return true;
}

bool block_tx_next_out(struct block_tx *tx, struct block_out *ret)
{
	if (tx->n_out == 0) {
		for (; tx->in_left > 0; tx->in_left--)
			skip_in(&tx->r);
		tx->n_out = tx->out_left = read_compact_count(&tx->r, OUT_MIN);
	}
	if (tx->out_left == 0)
		return false;
	ret->vout = (uint32_t)(tx->n_out - tx->out_left);
	if (!sat_from_u64(read_le64(&tx->r), &ret->value))
		err_fatal("a block that was checked changed");
	ret->script = read_compact_bytes(&tx->r);
	tx->out_left--;
	return true;
}
