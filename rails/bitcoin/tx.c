#include "rails/bitcoin/tx.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "rails/bitcoin/compact.h"

/* The least that one of these takes on the wire. */
#define IN_MIN      (32 + 4 + 1 + 4)
#define OUT_MIN     (8 + 1)
#define MARKER_SIZE 2
#define SEGWIT_FLAG 1

/* --- reading --- */

struct decoder {
	struct arena *a;
	struct reader r;
	bool full;     /* the arena has no room for what was read */
	bool negative; /* an amount was */
};

/* Arrays are sized by counts that the input is long enough for: no more than a constant times its length. */
static void *room_for(struct decoder *d, size_t n, size_t size)
{
	if (n == 0)
		return NULL;
	if (!arena_room(d->a, n * size)) {
		d->full = true;
		reader_fail(&d->r);
		return NULL;
	}
	return arena_array(d->a, n, size);
}

static void read_inputs(struct decoder *d, struct tx *tx)
{
	size_t n = read_compact_count(&d->r, IN_MIN);

	tx->in = room_for(d, n, sizeof(*tx->in));
	for (size_t i = 0; i < n && reader_ok(&d->r); i++) {
		struct tx_in *in = &tx->in[i];

		read_copy(&d->r, in->prevout.txid.b, sizeof(in->prevout.txid.b));
		in->prevout.vout = read_le32(&d->r);
		in->script_sig = read_compact_bytes(&d->r);
		in->sequence = read_le32(&d->r);
	}
	tx->n_in = reader_ok(&d->r) ? n : 0;
}

static void read_outputs(struct decoder *d, struct tx *tx)
{
	size_t n = read_compact_count(&d->r, OUT_MIN);

	tx->out = room_for(d, n, sizeof(*tx->out));
	for (size_t i = 0; i < n && reader_ok(&d->r); i++) {
		if (!sat_from_u64(read_le64(&d->r), &tx->out[i].value))
			d->negative = true;
		tx->out[i].script = read_compact_bytes(&d->r);
	}
	tx->n_out = reader_ok(&d->r) ? n : 0;
}

static void read_witnesses(struct decoder *d, struct tx *tx)
{
	for (size_t i = 0; i < tx->n_in && reader_ok(&d->r); i++) {
		struct witness *w = &tx->in[i].witness;
		size_t n = read_compact_count(&d->r, 1);

		w->items = room_for(d, n, sizeof(*w->items));
		for (size_t j = 0; j < n && reader_ok(&d->r); j++)
			w->items[j] = read_compact_bytes(&d->r);
		w->n = reader_ok(&d->r) ? n : 0;
	}
}

static int malformed(const struct decoder *d, struct err *err)
{
	if (d->full)
		return ERR(err, ERR_RANGE, "transaction: larger than there is room for here");
	return ERR(err, ERR_PARSE, "not a transaction");
}

/* It has the form of a transaction: whoever reads it this way, reads it as this one. */
static int well_formed(const struct decoder *d, const struct tx *tx, struct tx *ret, struct err *err)
{
	if (d->negative)
		return ERR(err, ERR_RANGE, "transaction: the amount of an output is negative");
	*ret = *tx;
	return 0;
}

/* 1: it is none of these; err tells why not. */
static int read_extended(struct decoder d, struct tx *ret, struct err *err)
{
	struct tx tx = { .version = read_le32(&d.r) };
	uint8_t flag = 0;

	read_inputs(&d, &tx);
	if (reader_ok(&d.r) && tx.n_in == 0) {
		flag = read_u8(&d.r);
		if (flag != 0)
			read_inputs(&d, &tx);
	}
	/* "00 00": neither inputs nor outputs; bitcoind reads no further there either. */
	if (tx.n_in > 0 || flag != 0)
		read_outputs(&d, &tx);
	if ((flag & SEGWIT_FLAG) != 0) {
		read_witnesses(&d, &tx);
		if (reader_ok(&d.r) && !tx_has_witness(&tx)) {
			ERR(err, ERR_PARSE, "not a transaction: it says that it has a witness, and has none");
			return 1;
		}
	}
	tx.locktime = read_le32(&d.r);
	if (!reader_at_end(&d.r) || (flag & ~SEGWIT_FLAG) != 0) {
		malformed(&d, err);
		return 1;
	}
	return well_formed(&d, &tx, ret, err);
}

static int read_legacy(struct decoder d, struct tx *ret, struct err *err)
{
	struct tx tx = { .version = read_le32(&d.r) };

	read_inputs(&d, &tx);
	read_outputs(&d, &tx);
	tx.locktime = read_le32(&d.r);
	if (!reader_at_end(&d.r) && !d.negative)
		return malformed(&d, err);
	return well_formed(&d, &tx, ret, err);
}

static int decoder_start(struct arena *a, struct bytes v, struct decoder *ret, struct err *err)
{
	if (v.n > TX_SIZE_MAX)
		return ERR(err, ERR_RANGE, "transaction: more than %u bytes", TX_SIZE_MAX);
	if (!arena_room(a, v.n + 1))
		return ERR(err, ERR_RANGE, "transaction: larger than there is room for here");
	*ret = (struct decoder){ .a = a, .r = reader_of(arena_bytes(a, v)) };
	return 0;
}

int tx_decode(struct arena *a, struct bytes v, struct tx *ret, struct err *err)
{
	struct decoder d;
	struct err why;
	int rc;

	if (decoder_start(a, v, &d, err) != 0)
		return -1;
	rc = read_extended(d, ret, &why);
	if (rc == 0)
		return 0;
	/* Only where a marker and no inputs look the same are there two ways to read it. */
	if (rc > 0 && v.n > 4 && v.p[4] == 0 && read_legacy(d, ret, err) == 0)
		return 0;
	*err = why;
	return -1;
}

int tx_decode_legacy(struct arena *a, struct bytes v, struct tx *ret, struct err *err)
{
	struct decoder d;

	return decoder_start(a, v, &d, err) == 0 ? read_legacy(d, ret, err) : -1;
}

/* --- writing --- */

void outpoint_encode(const struct outpoint *o, struct buf *b)
{
	buf_add(b, o->txid.b, sizeof(o->txid.b));
	buf_le32(b, o->vout);
}

void tx_out_encode(const struct tx_out *out, struct buf *b)
{
	buf_le64(b, out->value.v);
	buf_compact_bytes(b, out->script);
}

static void encode(const struct tx *tx, bool extended, struct buf *b)
{
	buf_le32(b, tx->version);
	if (extended) {
		buf_u8(b, 0);
		buf_u8(b, SEGWIT_FLAG);
	}
	buf_compact(b, tx->n_in);
	for (size_t i = 0; i < tx->n_in; i++) {
		outpoint_encode(&tx->in[i].prevout, b);
		buf_compact_bytes(b, tx->in[i].script_sig);
		buf_le32(b, tx->in[i].sequence);
	}
	buf_compact(b, tx->n_out);
	for (size_t i = 0; i < tx->n_out; i++)
		tx_out_encode(&tx->out[i], b);
	for (size_t i = 0; extended && i < tx->n_in; i++) {
		buf_compact(b, tx->in[i].witness.n);
		for (size_t j = 0; j < tx->in[i].witness.n; j++)
			buf_compact_bytes(b, tx->in[i].witness.items[j]);
	}
	buf_le32(b, tx->locktime);
}

void tx_encode(const struct tx *tx, struct buf *b)
{
	encode(tx, tx_has_witness(tx), b);
}

void tx_encode_legacy(const struct tx *tx, struct buf *b)
{
	encode(tx, false, b);
}

struct bytes tx_bytes(struct arena *a, const struct tx *tx)
{
	SCOPED(buf) struct buf b = BUF_CAP(tx_size(tx));

	tx_encode(tx, &b);
	return arena_bytes(a, buf_bytes(&b));
}

/* --- names and weights --- */

bool tx_has_witness(const struct tx *tx)
{
	for (size_t i = 0; i < tx->n_in; i++)
		if (tx->in[i].witness.n > 0)
			return true;
	return false;
}

static struct hash32 hash_of(const struct tx *tx, bool extended)
{
	SCOPED(buf) struct buf b = BUF_CAP(tx_size(tx));
	struct hash32 h;

	encode(tx, extended, &b);
	sha256_twice(buf_bytes(&b), &h);
	return h;
}

struct txid tx_txid(const struct tx *tx)
{
	struct hash32 h = hash_of(tx, false);
	struct txid id;

	memcpy(id.b, h.b, sizeof(id.b));
	return id;
}

struct wtxid tx_wtxid(const struct tx *tx)
{
	struct hash32 h = hash_of(tx, tx_has_witness(tx));
	struct wtxid id;

	memcpy(id.b, h.b, sizeof(id.b));
	return id;
}

static size_t size_of_bytes(struct bytes v)
{
	return compact_len(v.n) + v.n;
}

size_t tx_size_legacy(const struct tx *tx)
{
	size_t n = 4 + compact_len(tx->n_in) + compact_len(tx->n_out) + 4;

	for (size_t i = 0; i < tx->n_in; i++)
		n += 36 + size_of_bytes(tx->in[i].script_sig) + 4;
	for (size_t i = 0; i < tx->n_out; i++)
		n += 8 + size_of_bytes(tx->out[i].script);
	return n;
}

static size_t size_of_witnesses(const struct tx *tx)
{
	size_t n = MARKER_SIZE;

	if (!tx_has_witness(tx))
		return 0;
	for (size_t i = 0; i < tx->n_in; i++) {
		n += compact_len(tx->in[i].witness.n);
		for (size_t j = 0; j < tx->in[i].witness.n; j++)
			n += size_of_bytes(tx->in[i].witness.items[j]);
	}
	return n;
}

size_t tx_size(const struct tx *tx)
{
	return tx_size_legacy(tx) + size_of_witnesses(tx);
}

struct weight tx_weight(const struct tx *tx)
{
	return (struct weight){ 4 * tx_size_legacy(tx) + size_of_witnesses(tx) };
}

uint64_t tx_vsize(const struct tx *tx)
{
	return weight_vsize(tx_weight(tx));
}

static bool is_null(const struct outpoint *o)
{
	static const struct outpoint null = { .vout = UINT32_MAX };

	return outpoint_equal(o, &null);
}

bool tx_is_coinbase(const struct tx *tx)
{
	return tx->n_in == 1 && is_null(&tx->in[0].prevout);
}

bool tx_value_out(const struct tx *tx, struct sat *ret)
{
	struct sat sum = { 0 };

	for (size_t i = 0; i < tx->n_out; i++)
		if (!sat_add(sum, tx->out[i].value, &sum) || !sat_is_money(sum))
			return false;
	*ret = sum;
	return true;
}

size_t tx_find_input(const struct tx *tx, const struct outpoint *spent)
{
	size_t i = 0;

	while (i < tx->n_in && !outpoint_equal(&tx->in[i].prevout, spent))
		i++;
	return i;
}

static int by_outpoint(const void *a, const void *b)
{
	return outpoint_cmp(a, b);
}

static bool spends_twice(const struct tx *tx)
{
	SCOPED(arena) struct arena scratch = ARENA_LIMIT((tx->n_in + 1) * sizeof(struct outpoint) + 1024);
	struct outpoint *sorted = ARENA_ARRAY(&scratch, tx->n_in, struct outpoint);

	for (size_t i = 0; i < tx->n_in; i++)
		sorted[i] = tx->in[i].prevout;
	qsort(sorted, tx->n_in, sizeof(*sorted), by_outpoint);
	for (size_t i = 1; i < tx->n_in; i++)
		if (outpoint_equal(&sorted[i - 1], &sorted[i]))
			return true;
	return false;
}

int tx_check(const struct tx *tx, struct err *err)
{
	struct sat ignored;

	if (tx->n_in == 0 || tx->n_out == 0)
		return ERR(err, ERR_PARSE, "transaction: without %s", tx->n_in == 0 ? "inputs" : "outputs");
	if (tx_size_legacy(tx) * 4 > TX_WEIGHT_MAX)
		return ERR(err, ERR_RANGE, "transaction: does not fit into a block");
	if (!tx_value_out(tx, &ignored))
		return ERR(err, ERR_RANGE, "transaction: pays more money than there is");
	if (spends_twice(tx))
		return ERR(err, ERR_PARSE, "transaction: spends an output twice");
	if (tx_is_coinbase(tx)) {
		if (tx->in[0].script_sig.n < 2 || tx->in[0].script_sig.n > 100)
			return ERR(err, ERR_PARSE, "transaction: a coinbase has 2 to 100 bytes of script");
		return 0;
	}
	for (size_t i = 0; i < tx->n_in; i++)
		if (is_null(&tx->in[i].prevout))
			return ERR(err, ERR_PARSE, "transaction: input %zu spends nothing", i);
	return 0;
}
