#include "rails/bitcoin/psbt_fields.h"

#include <assert.h>
#include <string.h>

#include "rails/bitcoin/compact.h"
#include "rails/bitcoin/taproot.h"
#include "rails/bitcoin/tx.h"

/* --- what values look like --- */

static bool is_anything(struct arena *scratch, struct bytes v)
{
	(void)scratch;
	(void)v;
	return true;
}

static bool is_1(struct arena *scratch, struct bytes v)
{
	(void)scratch;
	return v.n == 1;
}

static bool is_4(struct arena *scratch, struct bytes v)
{
	(void)scratch;
	return v.n == 4;
}

static bool is_8(struct arena *scratch, struct bytes v)
{
	(void)scratch;
	return v.n == 8;
}

static bool is_32(struct arena *scratch, struct bytes v)
{
	(void)scratch;
	return v.n == 32;
}

static bool is_schnorr(struct arena *scratch, struct bytes v)
{
	(void)scratch;
	return v.n == 64 || v.n == 65;
}

static bool is_ecdsa(struct arena *scratch, struct bytes v)
{
	(void)scratch;
	return v.n >= 9 && v.n <= 73;
}

/* A fingerprint and any number of indexes. */
static bool is_path(struct arena *scratch, struct bytes v)
{
	(void)scratch;
	return v.n >= 4 && v.n % 4 == 0;
}

static bool is_compact(struct arena *scratch, struct bytes v)
{
	struct reader r = reader_of(v);

	(void)scratch;
	(void)read_compact(&r);
	return reader_at_end(&r);
}

static bool is_tx(struct arena *scratch, struct bytes v)
{
	struct err ignored; /* why it is none is of no interest here */
	struct tx tx;

	return tx_decode(scratch, v, &tx, &ignored) == 0;
}

static bool is_output(struct arena *scratch, struct bytes v)
{
	struct reader r = reader_of(v);
	struct sat value;
	bool money = sat_from_u64(read_le64(&r), &value) && sat_is_money(value);

	(void)scratch;
	(void)read_compact_bytes(&r);
	return money && reader_at_end(&r);
}

static bool is_witness(struct arena *scratch, struct bytes v)
{
	struct reader r = reader_of(v);
	size_t n = read_compact_count(&r, 1);

	(void)scratch;
	for (size_t i = 0; i < n && reader_ok(&r); i++)
		(void)read_compact_bytes(&r);
	return reader_at_end(&r);
}

/* A script and its leaf version. */
static bool is_leaf(struct arena *scratch, struct bytes v)
{
	(void)scratch;
	return v.n >= 1 && (v.p[v.n - 1] & 1) == 0;
}

static bool is_tap_path(struct arena *scratch, struct bytes v)
{
	struct reader r = reader_of(v);
	size_t n = read_compact_count(&r, 32);

	(void)read_bytes(&r, n * 32);
	return reader_ok(&r) && is_path(scratch, (struct bytes){ r.p, r.n });
}

/* Depth, version and script of each leaf, and together a tree. */
static bool is_tap_tree(struct arena *scratch, struct bytes v)
{
	struct reader r = reader_of(v);
	struct tap_leaf *leaves;
	struct tap_tree tree;
	struct err ignored;
	size_t n = 0, max = v.n / 3 < TAP_LEAVES_MAX ? v.n / 3 : TAP_LEAVES_MAX;

	if (!arena_room(scratch, (max + 1) * sizeof(*leaves)))
		return false;
	leaves = ARENA_ARRAY(scratch, max + 1, struct tap_leaf);
	while (reader_ok(&r) && r.n > 0 && n < max) {
		leaves[n].depth = read_u8(&r);
		leaves[n].version = read_u8(&r);
		leaves[n++].script = read_compact_bytes(&r);
	}
	return reader_at_end(&r) && tap_tree_make(scratch, leaves, n, &tree, &ignored) == 0;
}

/* --- the types --- */

#define KEY_LEN  (-2) /* of a public key: 33, or 65 */
#define CONTROL  (-3) /* of a control block */
#define BOTH     0u
#define V0_ALONE 1u
#define V2_ALONE 2u

struct rule {
	uint8_t type;
	int data; /* bytes of the key behind its type */
	unsigned versions;
	bool (*value)(struct arena *scratch, struct bytes v);
	const char *name;
};

static const struct rule globals[] = {
	{ PSBT_GLOBAL_TX, 0, V0_ALONE, is_anything, "unsigned transaction" }, /* read by psbt.c */
	{ PSBT_GLOBAL_XPUB, 78, BOTH, is_path, "extended key" },
	{ PSBT_GLOBAL_TX_VERSION, 0, V2_ALONE, is_4, "transaction version" },
	{ PSBT_GLOBAL_FALLBACK_LOCKTIME, 0, V2_ALONE, is_4, "fallback locktime" },
	{ PSBT_GLOBAL_INPUTS, 0, V2_ALONE, is_compact, "number of inputs" },
	{ PSBT_GLOBAL_OUTPUTS, 0, V2_ALONE, is_compact, "number of outputs" },
	{ PSBT_GLOBAL_MODIFIABLE, 0, V2_ALONE, is_1, "modifiable" },
	{ PSBT_GLOBAL_VERSION, 0, BOTH, is_4, "version" },
};

static const struct rule inputs[] = {
	{ PSBT_IN_NON_WITNESS_UTXO, 0, BOTH, is_tx, "transaction spent" },
	{ PSBT_IN_WITNESS_UTXO, 0, BOTH, is_output, "output spent" },
	{ PSBT_IN_PARTIAL_SIG, KEY_LEN, BOTH, is_ecdsa, "signature" },
	{ PSBT_IN_SIGHASH_TYPE, 0, BOTH, is_4, "sighash type" },
	{ PSBT_IN_REDEEM_SCRIPT, 0, BOTH, is_anything, "redeem script" },
	{ PSBT_IN_WITNESS_SCRIPT, 0, BOTH, is_anything, "witness script" },
	{ PSBT_IN_BIP32_DERIVATION, KEY_LEN, BOTH, is_path, "derivation" },
	{ PSBT_IN_FINAL_SCRIPTSIG, 0, BOTH, is_anything, "final script" },
	{ PSBT_IN_FINAL_SCRIPTWITNESS, 0, BOTH, is_witness, "final witness" },
	{ PSBT_IN_POR_COMMITMENT, 0, BOTH, is_anything, "proof of reserves" },
	{ PSBT_IN_RIPEMD160, 20, BOTH, is_anything, "preimage" },
	{ PSBT_IN_SHA256, 32, BOTH, is_anything, "preimage" },
	{ PSBT_IN_HASH160, 20, BOTH, is_anything, "preimage" },
	{ PSBT_IN_HASH256, 32, BOTH, is_anything, "preimage" },
	{ PSBT_IN_PREVIOUS_TXID, 0, V2_ALONE, is_32, "txid spent" },
	{ PSBT_IN_OUTPUT_INDEX, 0, V2_ALONE, is_4, "output index" },
	{ PSBT_IN_SEQUENCE, 0, V2_ALONE, is_4, "sequence" },
	{ PSBT_IN_TIME_LOCKTIME, 0, V2_ALONE, is_4, "required time" },
	{ PSBT_IN_HEIGHT_LOCKTIME, 0, V2_ALONE, is_4, "required height" },
	{ PSBT_IN_TAP_KEY_SIG, 0, BOTH, is_schnorr, "taproot signature" },
	{ PSBT_IN_TAP_SCRIPT_SIG, 64, BOTH, is_schnorr, "tapscript signature" },
	{ PSBT_IN_TAP_LEAF_SCRIPT, CONTROL, BOTH, is_leaf, "tapscript" },
	{ PSBT_IN_TAP_BIP32_DERIVATION, 32, BOTH, is_tap_path, "taproot derivation" },
	{ PSBT_IN_TAP_INTERNAL_KEY, 0, BOTH, is_32, "taproot internal key" },
	{ PSBT_IN_TAP_MERKLE_ROOT, 0, BOTH, is_32, "taproot merkle root" },
};

static const struct rule outputs[] = {
	{ PSBT_OUT_REDEEM_SCRIPT, 0, BOTH, is_anything, "redeem script" },
	{ PSBT_OUT_WITNESS_SCRIPT, 0, BOTH, is_anything, "witness script" },
	{ PSBT_OUT_BIP32_DERIVATION, KEY_LEN, BOTH, is_path, "derivation" },
	{ PSBT_OUT_AMOUNT, 0, V2_ALONE, is_8, "amount" },
	{ PSBT_OUT_SCRIPT, 0, V2_ALONE, is_anything, "script" },
	{ PSBT_OUT_TAP_INTERNAL_KEY, 0, BOTH, is_32, "taproot internal key" },
	{ PSBT_OUT_TAP_TREE, 0, BOTH, is_tap_tree, "taproot tree" },
	{ PSBT_OUT_TAP_BIP32_DERIVATION, 32, BOTH, is_tap_path, "taproot derivation" },
};

static const struct rule *rule_of(enum psbt_part part, uint64_t type)
{
	static const struct {
		const struct rule *rules;
		size_t n;
	} parts[] = {
		[PSBT_PART_GLOBAL] = { globals, ARRAY_LEN(globals) },
		[PSBT_PART_IN] = { inputs, ARRAY_LEN(inputs) },
		[PSBT_PART_OUT] = { outputs, ARRAY_LEN(outputs) },
	};

	for (size_t i = 0; i < parts[part].n; i++)
		if (parts[part].rules[i].type == type)
			return &parts[part].rules[i];
	return NULL;
}

static bool data_fits(const struct rule *rule, struct bytes data)
{
	switch (rule->data) {
	case KEY_LEN:
		return (data.n == 33 && (data.p[0] == 2 || data.p[0] == 3)) || (data.n == 65 && data.p[0] == 4);
	case CONTROL:
		return data.n >= TAP_CONTROL_MIN && data.n <= TAP_CONTROL_MAX && (data.n - TAP_CONTROL_MIN) % 32 == 0;
	default:
		return data.n == (size_t)rule->data;
	}
}

int psbt_field_check(struct arena *scratch, enum psbt_part part, unsigned version, const struct psbt_field *f,
		     struct err *err)
{
	struct reader r = reader_of(f->key);
	uint64_t type = read_compact(&r);
	const struct rule *rule;

	if (!reader_ok(&r))
		return ERR(err, ERR_PSBT, "PSBT: a field without a type");
	rule = rule_of(part, type);
	if (rule == NULL)
		return 0;
	if (rule->versions == (version == 0 ? V2_ALONE : V0_ALONE))
		return ERR(err, ERR_PSBT, "PSBT: version %u has no field \"%s\"", version, rule->name);
	if (!data_fits(rule, (struct bytes){ r.p, r.n }) || !rule->value(scratch, f->value))
		return ERR(err, ERR_PSBT, "PSBT: field \"%s\" is malformed", rule->name);
	return 0;
}

/* --- origins --- */

bool psbt_origin_parse(struct bytes value, struct psbt_origin *ret, size_t *ret_leaves)
{
	struct reader r = reader_of(value);
	size_t leaves = read_compact_count(&r, 32);
	struct psbt_origin o = { 0 };

	(void)read_bytes(&r, leaves * 32);
	read_copy(&r, o.fingerprint, sizeof(o.fingerprint));
	if (!reader_ok(&r) || r.n % 4 != 0 || r.n / 4 > PSBT_PATH_MAX)
		return false;
	while (r.n > 0)
		o.path[o.n++] = read_le32(&r);
	*ret = o;
	*ret_leaves = leaves;
	return true;
}

void psbt_origin_encode(const struct psbt_origin *o, struct buf *b)
{
	assert(o->n <= PSBT_PATH_MAX);
	buf_compact(b, 0);
	buf_add(b, o->fingerprint, sizeof(o->fingerprint));
	for (size_t i = 0; i < o->n; i++)
		buf_le32(b, o->path[i]);
}
