#include "rails/bitcoin/script.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/reader.h"

#define DIRECT_PUSH_MAX 75
#define SCRIPT_SIZE_MAX 10000 /* consensus: longer ones fail when they run */
#define PROGRAM_MIN     2
#define PROGRAM_MAX     40

void script_op(struct buf *b, enum opcode op)
{
	buf_u8(b, (uint8_t)op);
}

/* The opcode that alone pushes these bytes, or -1. */
static int op_for(struct bytes v)
{
	if (v.n == 0)
		return OP_0;
	if (v.n == 1 && v.p[0] >= 1 && v.p[0] <= 16)
		return OP_1 + v.p[0] - 1;
	if (v.n == 1 && v.p[0] == 0x81)
		return OP_1NEGATE;
	return -1;
}

void script_push(struct buf *b, struct bytes v)
{
	int op = op_for(v);

	if (op >= 0) {
		buf_u8(b, (uint8_t)op);
		return;
	}
	if (v.n <= DIRECT_PUSH_MAX) {
		buf_u8(b, (uint8_t)v.n);
	} else if (v.n <= UINT8_MAX) {
		buf_u8(b, OP_PUSHDATA1);
		buf_u8(b, (uint8_t)v.n);
	} else if (v.n <= UINT16_MAX) {
		buf_u8(b, OP_PUSHDATA2);
		buf_le16(b, (uint16_t)v.n);
	} else {
		assert(v.n <= UINT32_MAX);
		buf_u8(b, OP_PUSHDATA4);
		buf_le32(b, (uint32_t)v.n);
	}
	buf_add_bytes(b, v);
}

/* Little-endian magnitude, the top bit of the last byte being the sign. */
void script_push_number(struct buf *b, int64_t v)
{
	uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	uint8_t raw[9];
	size_t n = 0;

	for (; left != 0; left >>= 8)
		raw[n++] = (uint8_t)left;
	if (n > 0 && (raw[n - 1] & 0x80) != 0)
		raw[n++] = 0;
	if (v < 0)
		raw[n - 1] |= 0x80;
	script_push(b, (struct bytes){ raw, n });
}

struct script_reader script_reader_of(struct bytes script)
{
	return (struct script_reader){ .left = script };
}

static bool push_is_minimal(uint8_t op, struct bytes data)
{
	if (op_for(data) >= 0)
		return false; /* only pushes with data come here, and those have an opcode of their own */
	if (op <= DIRECT_PUSH_MAX)
		return true;
	return op == OP_PUSHDATA1   ? data.n > DIRECT_PUSH_MAX
	       : op == OP_PUSHDATA2 ? data.n > UINT8_MAX
				    : data.n > UINT16_MAX;
}

bool script_next(struct script_reader *r, struct script_item *ret)
{
	struct reader in = reader_of(r->left);
	struct script_item item = { .minimal = true };
	size_t n = 0;

	if (r->failed || r->left.n == 0)
		return false;
	item.op = read_u8(&in);
	if (item.op > OP_0 && item.op <= DIRECT_PUSH_MAX)
		n = item.op;
	else if (item.op == OP_PUSHDATA1)
		n = read_u8(&in);
	else if (item.op == OP_PUSHDATA2)
		n = read_le16(&in);
	else if (item.op == OP_PUSHDATA4)
		n = read_le32(&in);
	item.data = read_bytes(&in, n);
	if (!reader_ok(&in)) {
		r->failed = true;
		return false;
	}
	if (item.op > OP_0 && item.op <= OP_PUSHDATA4)
		item.minimal = push_is_minimal(item.op, item.data);
	r->left = (struct bytes){ in.p, in.n };
	*ret = item;
	return true;
}

bool script_push_only(struct bytes script)
{
	struct script_reader r = script_reader_of(script);
	struct script_item item;

	while (script_next(&r, &item))
		if (item.op > OP_16)
			return false;
	return !r.failed;
}

bool script_item_number(const struct script_item *item, size_t max_len, int64_t *ret)
{
	struct bytes v = item->data;
	uint64_t magnitude = 0;
	bool negative;

	assert(max_len >= 1 && max_len <= 8);
	if (item->op >= OP_1 && item->op <= OP_16) {
		*ret = item->op - OP_1 + 1;
		return true;
	}
	if (item->op == OP_1NEGATE) {
		*ret = -1;
		return true;
	}
	if (item->op > OP_PUSHDATA4 || !item->minimal || v.n > max_len)
		return false;
	if (v.n == 0) {
		*ret = 0;
		return true;
	}
	/* A last byte that holds nothing but the sign is needed only where the one before has its top bit set. */
	if ((v.p[v.n - 1] & 0x7f) == 0 && (v.n == 1 || (v.p[v.n - 2] & 0x80) == 0))
		return false;
	negative = (v.p[v.n - 1] & 0x80) != 0;
	for (size_t i = v.n; i-- > 0;)
		magnitude = magnitude << 8 | (i == v.n - 1 ? v.p[i] & 0x7fu : v.p[i]);
	*ret = negative ? -(int64_t)magnitude : (int64_t)magnitude;
	return true;
}

struct bytes spk_bytes(const struct spk *s)
{
	return (struct bytes){ s->b, s->n };
}

bool spk_equal(const struct spk *a, const struct spk *b)
{
	return bytes_equal(spk_bytes(a), spk_bytes(b));
}

/* before || hash || after, each before and after of at most three bytes. */
static struct spk around(struct bytes before, struct bytes hash, struct bytes after)
{
	struct spk s = { .n = (uint8_t)(before.n + hash.n + after.n) };

	memcpy(s.b, before.p, before.n);
	memcpy(s.b + before.n, hash.p, hash.n);
	if (after.n > 0)
		memcpy(s.b + before.n + hash.n, after.p, after.n);
	return s;
}

static const uint8_t p2pkh_head[] = { OP_DUP, OP_HASH160, 20 }, p2pkh_tail[] = { OP_EQUALVERIFY, OP_CHECKSIG };
static const uint8_t p2sh_head[] = { OP_HASH160, 20 }, p2sh_tail[] = { OP_EQUAL };
static const uint8_t p2a_program[] = { 0x4e, 0x73 };

#define BYTES(a) ((struct bytes){ (a), sizeof(a) })

struct spk spk_p2pkh(const uint8_t hash[20])
{
	return around(BYTES(p2pkh_head), (struct bytes){ hash, 20 }, BYTES(p2pkh_tail));
}

struct spk spk_p2sh(const uint8_t hash[20])
{
	return around(BYTES(p2sh_head), (struct bytes){ hash, 20 }, BYTES(p2sh_tail));
}

static struct spk witness(unsigned version, struct bytes program)
{
	uint8_t head[2] = { version == 0 ? OP_0 : (uint8_t)(OP_1 + version - 1), (uint8_t)program.n };

	return around(BYTES(head), program, (struct bytes){ 0 });
}

struct spk spk_p2wpkh(const struct pubkey *key)
{
	uint8_t hash[20];

	hash160(BYTES(key->b), hash);
	return witness(0, BYTES(hash));
}

struct spk spk_p2wsh(struct bytes witness_script)
{
	struct hash32 hash;

	sha256(witness_script, &hash);
	return witness(0, BYTES(hash.b));
}

struct spk spk_p2tr(const struct xonly *output_key)
{
	return witness(1, BYTES(output_key->b));
}

struct spk spk_p2a(void)
{
	return witness(1, BYTES(p2a_program));
}

bool spk_witness(unsigned version, struct bytes program, struct spk *ret)
{
	if (version > 16 || program.n < PROGRAM_MIN || program.n > PROGRAM_MAX ||
	    (version == 0 && program.n != 20 && program.n != 32))
		return false;
	*ret = witness(version, program);
	return true;
}

void script_op_return(struct buf *b, struct bytes data)
{
	script_op(b, OP_RETURN);
	script_push(b, data);
}

int spk_witness_version(struct bytes script, struct bytes *ret_program)
{
	if (script.n < PROGRAM_MIN + 2 || script.n > PROGRAM_MAX + 2 || script.p[1] != script.n - 2 ||
	    (script.p[0] != OP_0 && (script.p[0] < OP_1 || script.p[0] > OP_16)))
		return -1;
	if (ret_program != NULL)
		*ret_program = (struct bytes){ script.p + 2, script.n - 2 };
	return script.p[0] == OP_0 ? 0 : script.p[0] - OP_1 + 1;
}

/* Does script read head, 20 bytes, tail? */
static bool is_around(struct bytes script, struct bytes head, struct bytes tail, struct bytes *hash)
{
	if (script.n != head.n + 20 + tail.n || memcmp(script.p, head.p, head.n) != 0 ||
	    memcmp(script.p + head.n + 20, tail.p, tail.n) != 0)
		return false;
	*hash = (struct bytes){ script.p + head.n, 20 };
	return true;
}

static enum spk_type witness_type(int version, struct bytes program)
{
	if (version == 0 && program.n == 20)
		return SPK_P2WPKH;
	if (version == 0 && program.n == 32)
		return SPK_P2WSH;
	if (version == 0)
		return SPK_OTHER; /* BIP141: fails whenever it is spent */
	if (version == 1 && program.n == 32)
		return SPK_P2TR;
	if (version == 1 && bytes_equal(program, BYTES(p2a_program)))
		return SPK_P2A;
	return SPK_WITNESS_UNKNOWN;
}

enum spk_type spk_classify(struct bytes script, struct bytes *ret)
{
	struct bytes part = { 0 };
	enum spk_type type = SPK_OTHER;
	int version = spk_witness_version(script, &part);

	if (version >= 0)
		type = witness_type(version, part);
	else if (is_around(script, BYTES(p2pkh_head), BYTES(p2pkh_tail), &part))
		type = SPK_P2PKH;
	else if (is_around(script, BYTES(p2sh_head), BYTES(p2sh_tail), &part))
		type = SPK_P2SH;
	else if (script.n > 0 && script.p[0] == OP_RETURN)
		type = SPK_OP_RETURN;
	if (ret != NULL)
		*ret = type == SPK_OTHER ? (struct bytes){ 0 } : part;
	return type;
}

const char *spk_type_name(enum spk_type t)
{
	switch (t) {
	case SPK_OTHER:
		return "nonstandard";
	case SPK_P2PKH:
		return "pubkeyhash";
	case SPK_P2SH:
		return "scripthash";
	case SPK_P2WPKH:
		return "witness_v0_keyhash";
	case SPK_P2WSH:
		return "witness_v0_scripthash";
	case SPK_P2TR:
		return "witness_v1_taproot";
	case SPK_P2A:
		return "anchor";
	case SPK_WITNESS_UNKNOWN:
		return "witness_unknown";
	case SPK_OP_RETURN:
		return "nulldata";
	}
	err_fatal("no such type of output script");
}

bool spk_is_unspendable(struct bytes script)
{
	return script.n > SCRIPT_SIZE_MAX || (script.n > 0 && script.p[0] == OP_RETURN);
}
