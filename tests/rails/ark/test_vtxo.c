/* Vectors: tests/vectors/ark/vtxo_v1_legacy.json, vtxo_v2.json, vtxo_malformed.json. */
#include "rails/ark/vtxo.h"

#include <string.h>

#include "base/text.h"
#include "rails/ark/exit_tx.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define PER_FILE  6
#define MALFORMED 22

/* The i-th of the twelve that are whole. */
static json_t *vector(int i)
{
	json_t *list = json_object_get(vectors_load(i < PER_FILE ? "ark/vtxo_v2.json" : "ark/vtxo_v1_legacy.json"),
				       "vtxos");

	ck_assert_uint_eq(json_array_size(list), PER_FILE);
	return json_array_get(list, (size_t)(i % PER_FILE));
}

static struct vtxo vtxo_of(const json_t *v)
{
	struct vtxo x;

	ck_ok(vtxo_parse(&ra, vec_str(v, "encoded"), VTXO_FULL, &x, &rerr));
	return x;
}

static void check_outpoint(const struct outpoint *o, const json_t *v, const char *name)
{
	char text[OUTPOINT_TEXT];

	outpoint_text(o, text);
	ck_assert_str_eq(text, vec_str(v, name));
}

static void check_hex(const void *got, size_t n, const json_t *v, const char *name)
{
	ck_assert_str_eq(hex_text(&ra, (struct bytes){ got, n }), vec_str(v, name));
}

static void check_keys(const struct genesis_item *g, const json_t *list)
{
	ck_assert_uint_eq(g->n_keys, json_array_size(list));
	for (size_t i = 0; i < g->n_keys; i++)
		ck_assert_str_eq(hex_text(&ra, (struct bytes){ g->keys[i].b, 33 }),
				 json_string_value(json_array_get(list, i)));
}

static void check_item(const struct genesis_item *g, const json_t *v)
{
	const json_t *others = json_object_get(v, "other_outputs");

	ck_assert_uint_eq(g->kind, vec_u64(v, "type"));
	ck_assert_str_eq(genesis_name(g->kind), vec_str(v, "kind"));
	ck_assert(g->has_signature);
	check_hex(g->signature, 64, v, "signature");
	ck_assert_uint_eq(g->n_others + 1u, vec_u64(v, "nb_outputs"));
	ck_assert_uint_eq(g->output_idx, vec_u64(v, "output_idx"));
	ck_assert_uint_eq(sat_value(g->fee), vec_u64(v, "fee_amount"));
	ck_assert_uint_eq(g->n_others, json_array_size(others));
	for (size_t i = 0; i < g->n_others; i++) {
		const json_t *out = json_array_get(others, i);

		ck_assert_uint_eq(sat_value(g->others[i].value), vec_u64(out, "value"));
		ck_assert_str_eq(hex_text(&ra, g->others[i].script), vec_str(out, "script"));
	}
	switch (g->kind) {
	case GENESIS_COSIGNED:
		check_keys(g, json_object_get(v, "pubkeys"));
		break;
	case GENESIS_ARKOOR:
		check_keys(g, json_object_get(v, "client_cosigners"));
		check_hex(g->tweak.b, 32, v, "tap_tweak");
		break;
	case GENESIS_HASH_LOCKED_V0:
	case GENESIS_HASH_LOCKED:
		check_hex(g->keys[0].b, 33, v, "user_pubkey");
		ck_assert(g->has_preimage);
		check_hex(g->preimage, 32, v, "unlock_preimage");
		check_hex(g->unlock_hash.b, 32, v, "unlock_hash");
		break;
	}
}

START_TEST(fields)
{
	const json_t *v = vector(_i), *genesis = json_object_get(v, "genesis");
	struct vtxo x = vtxo_of(v);
	SCOPED(buf) struct buf policy = BUF_CAP(ARK_POLICY_SIZE_MAX);
	SCOPED(buf) struct buf id = BUF_CAP(36);
	struct sat anchor;
	struct spk spk;

	ck_assert_uint_eq(sat_value(x.amount), vec_u64(v, "amount"));
	ck_assert_uint_eq(x.terms.expiry_height, vec_u64(v, "expiry_height"));
	ck_assert_uint_eq(x.terms.exit_delta, vec_u64(v, "exit_delta"));
	check_hex(x.terms.server.b, 33, v, "server_pubkey");
	check_outpoint(&x.anchor, v, "anchor_point");
	check_outpoint(&x.point, v, "point");
	outpoint_encode(&x.point, &id);
	check_hex(id.p, id.n, v, "id_bytes");
	ark_policy_put(&policy, &x.policy);
	check_hex(policy.p, policy.n, json_object_get(v, "policy"), "encoding");
	ck_assert_uint_eq(x.n_items, vec_u64(v, "exit_depth"));
	ck_assert_uint_eq(x.n_items, json_array_size(genesis));
	for (size_t i = 0; i < x.n_items; i++)
		check_item(&x.items[i], json_array_get(genesis, i));
	ck_ok(vtxo_anchor_amount(&x, &anchor, &rerr));
	ck_assert_uint_eq(sat_value(anchor), vec_u64(v, "chain_anchor_amount"));
	ck_ok(ark_policy_spk(&x.policy, &x.terms, &spk, &rerr));
	check_hex(spk.b, spk.n, v, "output_script");
	ck_assert(vtxo_has_all_witnesses(&x));
}
END_TEST

START_TEST(forms)
{
	const json_t *v = vector(_i);
	struct bytes full = vec_hex(v, "reencoded_v2_full"), bare = vec_hex(v, "reencoded_v2_bare"),
		     genesis = vec_hex(v, "genesis_only_v2");
	struct vtxo x = vtxo_of(v), y;

	ck_assert(bytes_equal(vtxo_encode(&ra, &x), full));
	ck_assert(bytes_equal(vtxo_encode_bare(&ra, &x), bare));
	ck_assert(bytes_equal(vtxo_genesis_encode(&ra, &x), genesis));
	if (vec_u64(v, "version") == 2)
		ck_assert(bytes_equal(full, vec_hex(v, "encoded")));

	ck_ok(vtxo_decode(&ra, full, VTXO_SERVER, &y, &rerr));
	ck_assert(bytes_equal(vtxo_encode(&ra, &y), full));
	ck_ok(vtxo_decode(&ra, bare, VTXO_BARE, &y, &rerr));
	ck_assert(bytes_equal(vtxo_encode_bare(&ra, &y), bare));
	ck_ok(vtxo_decode(&ra, full, VTXO_BARE, &y, &rerr)); /* and drops the genesis */
	ck_assert_uint_eq(y.n_items, 0);
	ck_assert(bytes_equal(vtxo_encode(&ra, &y), bare));
	ck_fails(vtxo_decode(&ra, bare, VTXO_FULL, &y, &rerr), ERR_VTXO_BARE);

	ck_ok(vtxo_join(&ra, bare, genesis, &y, &rerr));
	ck_assert(bytes_equal(vtxo_encode(&ra, &y), full));
	ck_fails(vtxo_join(&ra, bare, (struct bytes){ genesis.p, 1 }, &y, &rerr), ERR_VTXO);
	ck_fails(vtxo_join(&ra, bare, (struct bytes){ (const uint8_t *)"", 1 }, &y, &rerr), ERR_VTXO_BARE);
	ck_fails(vtxo_join(&ra, (struct bytes){ bare.p, bare.n - 1 }, genesis, &y, &rerr), ERR_VTXO);
	ck_fails(vtxo_join(&ra, bare, (struct bytes){ genesis.p, VTXO_SIZE_MAX + 1 }, &y, &rerr), ERR_RANGE);
}
END_TEST

START_TEST(no_part_of_one_is_one)
{
	struct bytes enc = vec_hex(vector(_i), "encoded");
	struct vtxo x;

	for (size_t cut = 0; cut < enc.n; cut++) {
		SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);

		ck_assert_int_eq(vtxo_decode(&a, (struct bytes){ enc.p, cut }, VTXO_FULL, &x, &rerr), -1);
		ck_assert_msg(rerr.code == ERR_VTXO, "%zu bytes: %s", cut, rerr.msg);
	}
}
END_TEST

/* What is decoded does not point into the input. */
START_TEST(it_lives_in_the_arena)
{
	struct bytes enc = vec_hex(vector(_i), "encoded"), copy = arena_bytes(&ra, enc);
	struct vtxo x;

	ck_ok(vtxo_decode(&ra, copy, VTXO_FULL, &x, &rerr));
	memset((uint8_t *)(uintptr_t)copy.p, 0xee, copy.n);
	ck_assert(bytes_equal(vtxo_encode(&ra, &x), vec_hex(vector(_i), "reencoded_v2_full")));
}
END_TEST

/* Only what ends in a hArk leaf has one: the rounds'. */
START_TEST(unlock_hashes)
{
	const json_t *v = vector(_i), *genesis = json_object_get(v, "genesis"),
		     *last = json_array_get(genesis, json_array_size(genesis) - 1);
	struct vtxo x = vtxo_of(v);
	struct hash32 h;

	ck_assert_int_eq(vtxo_unlock_hash(&x, &h), json_object_get(last, "unlock_hash") != NULL);
	if (json_object_get(last, "unlock_hash") != NULL)
		check_hex(h.b, 32, last, "unlock_hash");
	x.n_items = 0;
	ck_assert(!vtxo_unlock_hash(&x, &h));
}
END_TEST

START_TEST(a_witness_may_be_missing)
{
	struct vtxo x = vtxo_of(vector(3));
	struct genesis_item items[8];

	ck_assert_uint_eq(x.n_items, 3);
	memcpy(items, x.items, x.n_items * sizeof(items[0]));
	x.items = items;
	ck_assert(vtxo_has_all_witnesses(&x));
	items[0].has_signature = false;
	ck_assert(!vtxo_has_all_witnesses(&x));
	items[0].has_signature = true;
	items[2].has_preimage = false;
	ck_assert(!vtxo_has_all_witnesses(&x));
}
END_TEST

/* An outpoint on chain is a VTXO without steps, whose point is its anchor. */
START_TEST(an_output_on_chain)
{
	struct vtxo x = vtxo_of(vector(0)), y;

	x.n_items = 0;
	x.point = x.anchor;
	ck_ok(vtxo_decode(&ra, vtxo_encode(&ra, &x), VTXO_FULL, &y, &rerr));
	ck_assert_uint_eq(y.n_items, 0);
}
END_TEST

/* --- refused --- */

/* What the vectors call the error, in our words and with our code. */
static const struct {
	const char *theirs, *ours;
	enum err_code code;
} classes[] = {
	{ "invalid Vtxo encoding version", "version: invalid Vtxo encoding version", ERR_VTXO_VERSION },
	{ "trailing bytes", "VTXO: trailing bytes", ERR_VTXO },
	{ "unexpected end of input", "point: unexpected end of input", ERR_VTXO },
	{ "expiry_height: block height exceeds maximum value", "expiry_height: block height exceeds maximum value",
	  ERR_VTXO },
	{ "exit_delta: block delta exceeds maximum value", "exit_delta: block delta exceeds maximum value", ERR_VTXO },
	{ "invalid public key", "server_pubkey: invalid public key", ERR_VTXO },
	{ "non-minimal varint", "genesis: non-minimal varint", ERR_VTXO },
	{ "oversized vector", "genesis: oversized vector", ERR_VTXO },
	{ "invalid GenesisTransition type byte", "genesis: invalid GenesisTransition type byte", ERR_VTXO },
	{ "cosigned transition with empty pubkey list", "genesis pubkeys: cosigned transition with empty pubkey list",
	  ERR_VTXO },
	{ "genesis item with 0 outputs", "genesis nb_outputs: genesis item with 0 outputs", ERR_VTXO },
	{ "genesis item output_idx out of range", "genesis output_idx: genesis item output_idx out of range",
	  ERR_VTXO },
	{ "arkoor tap tweak is not a valid scalar", "genesis tap_tweak: arkoor tap tweak is not a valid scalar",
	  ERR_VTXO },
	{ "oversized output scriptPubkey", "genesis outputs: oversized output scriptPubkey", ERR_VTXO },
	{ "VTXO has no genesis item data (decodes fine as bare)", "genesis: missing genesis items", ERR_VTXO_BARE },
	{ "unexpected genesis items", "genesis: unexpected genesis items", ERR_VTXO },
	{ "invalid VtxoPolicy type byte", "policy: invalid VtxoPolicy type byte 0x0c", ERR_VTXO_POLICY },
	{ "invalid VtxoPolicy type byte (valid only as server VTXO)", "policy: invalid VtxoPolicy type byte 0x03",
	  ERR_VTXO_POLICY },
	{ "invalid MaybePreimage type byte", "genesis unlock: invalid MaybePreimage type byte", ERR_VTXO },
};

START_TEST(what_is_malformed_is_refused_by_name)
{
	json_t *list = json_object_get(vectors_load("ark/vtxo_malformed.json"), "cases");
	const json_t *v = json_array_get(list, (size_t)_i);
	const char *why = vec_str(v, "error");
	struct vtxo x;
	size_t k = 0;

	ck_assert_uint_eq(json_array_size(list), MALFORMED);
	while (k < ARRAY_LEN(classes) && strcmp(classes[k].theirs, why) != 0)
		k++;
	ck_assert_msg(k < ARRAY_LEN(classes), "%s: of no class that is known", why);
	ck_fails(vtxo_parse(&ra, vec_str(v, "encoded"), VTXO_FULL, &x, &rerr), classes[k].code);
	ck_assert_msg(text_starts(rerr.msg, classes[k].ours), "%s, but: %s", why, rerr.msg);
	if (strstr(why, "as bare") != NULL)
		ck_ok(vtxo_parse(&ra, vec_str(v, "encoded"), VTXO_BARE, &x, &rerr));
	if (strstr(why, "as server") != NULL)
		ck_ok(vtxo_parse(&ra, vec_str(v, "encoded"), VTXO_SERVER, &x, &rerr));
}
END_TEST

START_TEST(text_that_is_no_hex)
{
	struct vtxo x;

	ck_fails(vtxo_parse(&ra, "0", VTXO_FULL, &x, &rerr), ERR_VTXO);
	ck_fails(vtxo_parse(&ra, "zz", VTXO_FULL, &x, &rerr), ERR_VTXO);
	ck_fails(vtxo_parse(&ra, "", VTXO_FULL, &x, &rerr), ERR_VTXO);
}
END_TEST

/* Memory is limited by the caller, and what would need more is refused, not died of. */
START_TEST(a_small_arena_refuses)
{
	struct bytes enc = vec_hex(vector(2), "encoded");
	struct vtxo x;

	for (size_t room = 0; room < 16 * 1024; room += 64) {
		SCOPED(arena) struct arena a = ARENA_LIMIT(room);

		if (vtxo_decode(&a, enc, VTXO_FULL, &x, &rerr) == 0)
			return;
		ck_assert_int_eq(rerr.code, ERR_RANGE);
	}
	ck_abort_msg("never enough");
}
END_TEST

/* What grows most in memory: outputs without a script, as many as an item can have. */
START_TEST(the_room_that_was_promised_is_enough)
{
	struct vtxo x = vtxo_of(vector(0)), y;
	struct tx_out others[254] = { { .value = { 0 } } };
	struct genesis_item items[50];
	struct bytes enc;

	for (size_t i = 0; i < ARRAY_LEN(items); i++) {
		items[i] = x.items[0];
		items[i].others = others;
		items[i].n_others = (uint8_t)ARRAY_LEN(others);
	}
	x.items = items;
	x.n_items = ARRAY_LEN(items);
	enc = vtxo_encode(&ra, &x);
	for (int k = 0; k < 2; k++) {
		SCOPED(arena) struct arena a = ARENA_LIMIT(VTXO_ARENA_FOR(enc.n));

		ck_ok(vtxo_decode(&a, enc, VTXO_FULL, &y, &rerr));
		ck_assert(bytes_equal(vtxo_encode(&ra, &y), enc));
		/* And items without any. */
		for (size_t i = 0; i < ARRAY_LEN(items); i++) {
			items[i].n_others = 0;
			items[i].kind = GENESIS_ARKOOR;
			items[i].n_keys = 0;
		}
		enc = vtxo_encode(&ra, &x);
	}
}
END_TEST

START_TEST(sums_that_overflow)
{
	struct vtxo x = vtxo_of(vector(0));
	struct genesis_item item = x.items[0];
	struct tx_out other = { .value = { AMOUNT_MAX } };
	struct exit_chain c;
	struct sat sum;

	item.others = &other;
	item.n_others = 1;
	x.items = &item;
	ck_fails(vtxo_anchor_amount(&x, &sum, &rerr), ERR_VTXO_INVALID);
	ck_fails(exit_chain_make(&ra, &x, &c, &rerr), ERR_VTXO_INVALID);
	ck_assert(!genesis_side_value(&item, &sum));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/ark/vtxo");
	TCase *v = rails_case(s, "vectors"), *t = rails_case(s, "forms"), *w = rails_case(s, "refused");

	tcase_add_loop_test(v, fields, 0, 2 * PER_FILE);
	tcase_add_loop_test(v, forms, 0, 2 * PER_FILE);
	tcase_add_loop_test(v, no_part_of_one_is_one, 0, 2 * PER_FILE);
	tcase_add_loop_test(v, it_lives_in_the_arena, 0, 2 * PER_FILE);
	tcase_add_loop_test(v, unlock_hashes, 0, 2 * PER_FILE);
	tcase_add_test(t, a_witness_may_be_missing);
	tcase_add_test(t, an_output_on_chain);
	tcase_add_loop_test(w, what_is_malformed_is_refused_by_name, 0, MALFORMED);
	tcase_add_test(w, text_that_is_no_hex);
	tcase_add_test(w, a_small_arena_refuses);
	tcase_add_test(w, the_room_that_was_promised_is_enough);
	tcase_add_test(w, sums_that_overflow);
	return suite_run(s);
}
