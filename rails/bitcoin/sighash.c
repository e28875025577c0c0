#include "rails/bitcoin/sighash.h"

#include <assert.h>

#include "base/hash.h"
#include "rails/bitcoin/compact.h"
#include "rails/bitcoin/taghash.h"

/* Epoch, type, version, locktime, five hashes, spend type, an input by itself, an annex, an output, and a leaf; scripts come
 * on top of that. */
#define MESSAGE_FIXED    512
#define BASE_TYPE        0x1f
#define EPOCH            0
#define KEY_VERSION      0
#define NO_CODESEPARATOR 0xffffffffu

static void twice(const struct hash32 *once, struct hash32 *ret)
{
	sha256((struct bytes){ once->b, sizeof(once->b) }, ret);
}

static size_t size_of_outputs(const struct tx_out *outs, size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += 8 + compact_len(outs[i].script.n) + outs[i].script.n;
	return sum;
}

void sighash_init(struct sighash *s, const struct tx *tx, const struct tx_out *spent)
{
	size_t n = tx->n_in, spent_size = size_of_outputs(spent, n);
	SCOPED(buf) struct buf prevouts = BUF_CAP(36 * n);
	SCOPED(buf) struct buf sequences = BUF_CAP(4 * n);
	SCOPED(buf) struct buf amounts = BUF_CAP(8 * n);
	SCOPED(buf) struct buf scripts = BUF_CAP(spent_size);
	SCOPED(buf) struct buf outputs = BUF_CAP(size_of_outputs(tx->out, tx->n_out));

	*s = (struct sighash){ .tx = tx, .spent = spent };
	for (size_t i = 0; i < n; i++) {
		outpoint_encode(&tx->in[i].prevout, &prevouts);
		buf_le32(&sequences, tx->in[i].sequence);
		buf_le64(&amounts, spent[i].value.v);
		buf_compact_bytes(&scripts, spent[i].script);
	}
	for (size_t i = 0; i < tx->n_out; i++)
		tx_out_encode(&tx->out[i], &outputs);
	sha256(buf_bytes(&prevouts), &s->prevouts);
	sha256(buf_bytes(&sequences), &s->sequences);
	sha256(buf_bytes(&amounts), &s->amounts);
	sha256(buf_bytes(&scripts), &s->scripts);
	sha256(buf_bytes(&outputs), &s->outputs);
	twice(&s->prevouts, &s->prevouts2);
	twice(&s->sequences, &s->sequences2);
	twice(&s->outputs, &s->outputs2);
}

static void add_hash(struct buf *b, const struct hash32 *h)
{
	buf_add(b, h->b, sizeof(h->b));
}

static void hash_of_output(const struct tx_out *out, struct hash32 *ret)
{
	SCOPED(buf) struct buf b = BUF_CAP(out->script.n + 32);

	tx_out_encode(out, &b);
	sha256(buf_bytes(&b), ret);
}

/* The hash of the outputs that a type signs, twice; zero for none, and for SINGLE without its output, as BIP143 has it. */
static struct hash32 outputs_v0(const struct sighash *s, size_t input, uint32_t base)
{
	struct hash32 h = { { 0 } };

	if (base == SIGHASH_SINGLE && input < s->tx->n_out) {
		hash_of_output(&s->tx->out[input], &h);
		twice(&h, &h);
	} else if (base != SIGHASH_SINGLE && base != SIGHASH_NONE) {
		h = s->outputs2;
	}
	return h;
}

void sighash_v0(const struct sighash *s, size_t input, struct bytes script_code, uint32_t type, struct hash32 *ret)
{
	static const struct hash32 zero;
	SCOPED(buf) struct buf b = BUF_CAP(MESSAGE_FIXED + script_code.n);
	bool alone = (type & SIGHASH_ANYONECANPAY) != 0;
	uint32_t base = type & BASE_TYPE;
	struct hash32 outputs;

	assert(input < s->tx->n_in);
	outputs = outputs_v0(s, input, base);
	buf_le32(&b, s->tx->version);
	add_hash(&b, alone ? &zero : &s->prevouts2);
	add_hash(&b, alone || base == SIGHASH_SINGLE || base == SIGHASH_NONE ? &zero : &s->sequences2);
	outpoint_encode(&s->tx->in[input].prevout, &b);
	buf_compact_bytes(&b, script_code);
	buf_le64(&b, s->spent[input].value.v);
	buf_le32(&b, s->tx->in[input].sequence);
	add_hash(&b, &outputs);
	buf_le32(&b, s->tx->locktime);
	buf_le32(&b, type);
	sha256_twice(buf_bytes(&b), ret);
}

static bool type_is_known(uint8_t type)
{
	return type <= SIGHASH_SINGLE ||
	       (type >= (SIGHASH_ANYONECANPAY | SIGHASH_ALL) && type <= (SIGHASH_ANYONECANPAY | SIGHASH_SINGLE));
}

static void add_annex(struct buf *b, struct bytes annex)
{
	SCOPED(buf) struct buf whole = BUF_CAP(annex.n + 9);
	struct hash32 h;

	buf_compact_bytes(&whole, annex);
	sha256(buf_bytes(&whole), &h);
	add_hash(b, &h);
}

static int sighash_v1(const struct sighash *s, size_t input, uint8_t type, struct bytes annex,
		      const struct hash32 *leaf, struct hash32 *ret, struct err *err)
{
	SCOPED(buf) struct buf b = BUF_CAP(MESSAGE_FIXED + s->spent[input].script.n);
	bool alone = (type & SIGHASH_ANYONECANPAY) != 0;
	uint8_t base = type == SIGHASH_DEFAULT ? SIGHASH_ALL : type & 3;

	if (!type_is_known(type))
		return ERR(err, ERR_RANGE, "sighash: BIP341 has no type %#x", type);
	if (base == SIGHASH_SINGLE && input >= s->tx->n_out)
		return ERR(err, ERR_RANGE, "sighash: input %zu has no output to sign with it", input);
	buf_u8(&b, EPOCH);
	buf_u8(&b, type);
	buf_le32(&b, s->tx->version);
	buf_le32(&b, s->tx->locktime);
	if (!alone) {
		add_hash(&b, &s->prevouts);
		add_hash(&b, &s->amounts);
		add_hash(&b, &s->scripts);
		add_hash(&b, &s->sequences);
	}
	if (base == SIGHASH_ALL)
		add_hash(&b, &s->outputs);
	buf_u8(&b, (uint8_t)((leaf != NULL ? 2 : 0) + (annex.n > 0 ? 1 : 0)));
	if (alone) {
		outpoint_encode(&s->tx->in[input].prevout, &b);
		tx_out_encode(&s->spent[input], &b);
		buf_le32(&b, s->tx->in[input].sequence);
	} else {
		buf_le32(&b, (uint32_t)input);
	}
	if (annex.n > 0)
		add_annex(&b, annex);
	if (base == SIGHASH_SINGLE) {
		struct hash32 h;

		hash_of_output(&s->tx->out[input], &h);
		add_hash(&b, &h);
	}
	if (leaf != NULL) {
		add_hash(&b, leaf);
		buf_u8(&b, KEY_VERSION);
		buf_le32(&b, NO_CODESEPARATOR);
	}
	tagged_hash("TapSighash", buf_bytes(&b), ret);
	return 0;
}

int sighash_key_path(const struct sighash *s, size_t input, uint8_t type, struct bytes annex, struct hash32 *ret,
		     struct err *err)
{
	assert(input < s->tx->n_in);
	return sighash_v1(s, input, type, annex, NULL, ret, err);
}

int sighash_script_path(const struct sighash *s, size_t input, uint8_t type, struct bytes annex,
			const struct hash32 *leaf, struct hash32 *ret, struct err *err)
{
	assert(input < s->tx->n_in && leaf != NULL);
	return sighash_v1(s, input, type, annex, leaf, ret, err);
}
