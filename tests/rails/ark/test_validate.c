/* Vectors: tests/vectors/ark/vtxo_validation.json, vtxo_v2.json, vtxo_v1_legacy.json. */
#include "rails/ark/validate.h"

#include <string.h>

#include "base/text.h"
#include "rails/ark/exit_tx.h"
#include "rails/bitcoin/secp.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define PER_FILE 6
#define CASES    15

static struct tx tx_of(const char *hex)
{
	struct bytes raw;
	struct tx tx;

	ck_assert(hex_decode_any(&ra, hex, 65536, &raw));
	ck_ok(tx_decode(&ra, raw, &tx, &rerr));
	return tx;
}

/* The i-th of the twelve whole vectors, and the transaction of its anchor. */
static struct vtxo whole(int i, struct tx *anchor)
{
	const json_t *file = vectors_load(i < PER_FILE ? "ark/vtxo_v2.json" : "ark/vtxo_v1_legacy.json"),
		     *v = json_array_get(json_object_get(file, "vtxos"), (size_t)(i % PER_FILE));
	struct vtxo x;

	ck_ok(vtxo_parse(&ra, vec_str(v, "encoded"), VTXO_FULL, &x, &rerr));
	*anchor = tx_of(vec_str(file, vec_str(v, "chain_anchor_tx")));
	return x;
}

/* --- against the anchor --- */

START_TEST(whole_ones_are_valid)
{
	struct tx anchor;
	struct vtxo x = whole(_i, &anchor);

	ck_ok(vtxo_validate(&x, &anchor, &rerr));
	ck_ok(vtxo_validate_unsigned(&x, &anchor, &rerr));
	ck_ok(vtxo_check_standard(&x, &rerr));
}
END_TEST

/* What the vectors call the error, in our words and with our code. */
static const struct {
	const char *theirs, *ours;
	enum err_code code;
} classes[] = {
	{ "IncorrectChainAnchor", "incorrect chain anchor", ERR_VTXO_ANCHOR },
	{ "GenesisTransition idx=0 cosigned: invalid signature", "genesis item 0 of 1 (cosigned): invalid signature",
	  ERR_VTXO_TRANSITION },
	{ "GenesisTransition idx=0 cosigned: missing cosigned signature",
	  "genesis item 0 of 1 (cosigned): missing cosigned signature", ERR_VTXO_TRANSITION },
	{ "Invalid: point doesn't match computed exit outpoint", "point doesn't match computed exit outpoint",
	  ERR_VTXO_INVALID },
	{ "Invalid: chain anchor vout out of range", "chain anchor vout out of range", ERR_VTXO_INVALID },
	{ "GenesisTransition idx=4 arkoor: missing signature", "genesis item 4 of 5 (arkoor): missing signature",
	  ERR_VTXO_TRANSITION },
	{ "GenesisTransition idx=2 arkoor: invalid signature", "genesis item 2 of 5 (arkoor): invalid signature",
	  ERR_VTXO_TRANSITION },
	{ "GenesisTransition idx=2 hash-locked-cosigned-v1: missing preimage",
	  "genesis item 2 of 3 (hash-locked-cosigned-v1): missing preimage", ERR_VTXO_TRANSITION },
	{ "GenesisTransition idx=2 hash-locked-cosigned-v1: missing signature",
	  "genesis item 2 of 3 (hash-locked-cosigned-v1): missing signature", ERR_VTXO_TRANSITION },
	{ "GenesisTransition idx=1 cosigned: invalid signature", "genesis item 1 of 3 (cosigned): invalid signature",
	  ERR_VTXO_TRANSITION },
};

START_TEST(the_vectors_outcomes)
{
	json_t *list = json_object_get(vectors_load("ark/vtxo_validation.json"), "cases");
	const json_t *v = json_array_get(list, (size_t)_i);
	struct tx anchor = tx_of(vec_str(v, "chain_anchor_tx"));
	const char *why = json_string_value(json_object_get(v, "error"));
	struct vtxo x;
	size_t k = 0;

	ck_assert_uint_eq(json_array_size(list), CASES);
	ck_ok(vtxo_parse(&ra, vec_str(v, "vtxo"), VTXO_FULL, &x, &rerr));
	if (why == NULL) {
		ck_ok(vtxo_validate(&x, &anchor, &rerr));
		return;
	}
	while (k < ARRAY_LEN(classes) && strcmp(classes[k].theirs, why) != 0)
		k++;
	ck_assert_msg(k < ARRAY_LEN(classes), "%s: of no class that is known", why);
	ck_fails(vtxo_validate(&x, &anchor, &rerr), classes[k].code);
	ck_assert_msg(text_starts(rerr.msg, classes[k].ours), "%s, but: %s", why, rerr.msg);
}
END_TEST

/* What was remembered of valid ones makes no invalid one valid. */
START_TEST(a_memo_changes_no_outcome)
{
	json_t *list = json_object_get(vectors_load("ark/vtxo_validation.json"), "cases"), *v;
	SCOPED(arena) struct arena a = ARENA_LIMIT(ARK_MEMO_ROOM(256));
	struct ark_memo memo = ark_memo_in(&a, 256);
	struct tx anchor;
	struct vtxo x;
	size_t i;

	for (int k = 0; k < 4 * PER_FILE; k++) {
		x = whole(k % (2 * PER_FILE), &anchor);
		ck_ok(vtxo_validate_by(&memo, &x, &anchor, &rerr));
	}
	json_array_foreach(list, i, v)
	{
		struct err alone, err = { .code = ERR_NONE };
		int rc;

		anchor = tx_of(vec_str(v, "chain_anchor_tx"));
		ck_ok(vtxo_parse(&ra, vec_str(v, "vtxo"), VTXO_FULL, &x, &rerr));
		rc = vtxo_validate(&x, &anchor, &alone);
		ck_assert_int_eq(vtxo_validate_by(&memo, &x, &anchor, &err), rc);
		ck_assert_int_eq(rc == 0, json_is_null(json_object_get(v, "error")));
		if (rc != 0)
			ck_assert_str_eq(err.msg, alone.msg);
	}
}
END_TEST

START_TEST(what_is_not_signed_yet_may_still_be_right)
{
	struct tx anchor;
	struct vtxo x = whole(2, &anchor);
	struct genesis_item items[5];

	ck_assert_uint_eq(x.n_items, ARRAY_LEN(items));
	memcpy(items, x.items, sizeof(items));
	items[4].has_signature = false;
	x.items = items;
	ck_fails(vtxo_validate(&x, &anchor, &rerr), ERR_VTXO_TRANSITION);
	ck_ok(vtxo_validate_unsigned(&x, &anchor, &rerr));
	x.point.vout++;
	ck_fails(vtxo_validate_unsigned(&x, &anchor, &rerr), ERR_VTXO_INVALID);
}
END_TEST

/* Every single bit of every encoding is covered by something. */
START_TEST(no_bit_can_be_turned)
{
	struct tx anchor;
	struct vtxo x = whole(_i, &anchor), y;
	struct bytes enc = vtxo_encode(&ra, &x);
	uint8_t *p = arena_alloc(&ra, enc.n);

	for (size_t i = 0; i < enc.n; i++) {
		SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);

		memcpy(p, enc.p, enc.n);
		p[i] ^= (uint8_t)(1u << (i % 8));
		ck_assert_msg(vtxo_decode(&a, (struct bytes){ p, enc.n }, VTXO_FULL, &y, &rerr) != 0 ||
				      vtxo_validate(&y, &anchor, &rerr) != 0,
			      "byte %zu", i);
	}
}
END_TEST

START_TEST(another_transaction_is_not_the_anchor)
{
	struct tx anchor;
	struct vtxo x = whole(0, &anchor);

	anchor.locktime++;
	ck_fails(vtxo_validate(&x, &anchor, &rerr), ERR_VTXO_ANCHOR_TX);
}
END_TEST

/* A VTXO without steps is the output itself. */
START_TEST(on_chain_it_is_the_output_itself)
{
	struct tx anchor;
	struct vtxo x = whole(0, &anchor);
	struct spk spk;

	x.n_items = 0;
	ck_ok(ark_policy_spk(&x.policy, &x.terms, &spk, &rerr));
	anchor.out[0] = (struct tx_out){ x.amount, spk_bytes(&spk) };
	x.anchor = (struct outpoint){ tx_txid(&anchor), 0 };
	ck_fails(vtxo_validate(&x, &anchor, &rerr), ERR_VTXO_INVALID);
	x.point = x.anchor;
	ck_ok(vtxo_validate(&x, &anchor, &rerr));
	ck_assert(sat_add(x.amount, x.amount, &x.amount));
	ck_fails(vtxo_validate(&x, &anchor, &rerr), ERR_VTXO_ANCHOR);
}
END_TEST

/* Whatever is wrong inside is an error of the VTXO, never one of ours. */
START_TEST(keys_that_are_none_are_a_validation_error)
{
	struct tx anchor;
	struct vtxo x = whole(0, &anchor);
	struct genesis_item item = x.items[0];
	struct pubkey keys[2] = { item.keys[0], item.keys[1] };
	struct tx_out big = { .value = { AMOUNT_MAX } };

	keys[0].b[0] = 9;
	item.keys = keys;
	x.items = &item;
	ck_fails(vtxo_validate(&x, &anchor, &rerr), ERR_VTXO_INVALID);
	item.others = &big;
	item.n_others = 1;
	ck_fails(vtxo_validate(&x, &anchor, &rerr), ERR_VTXO_INVALID);
	ck_assert_ptr_nonnull(strstr(rerr.msg, "onchain amount overflow"));
}
END_TEST

/* --- against the server's terms --- */

START_TEST(what_is_received_meets_demands)
{
	struct tx anchor;
	struct vtxo x = whole(2, &anchor), other;
	const struct vtxo_demands good = { x.terms.server, x.terms.exit_delta, 5,
					   x.terms.expiry_height - x.terms.exit_delta - 1 };
	struct vtxo_demands d = good;
	struct genesis_item items[5];

	ck_ok(vtxo_check_received(&x, &d, &rerr));
	d.tip++;
	ck_fails(vtxo_check_received(&x, &d, &rerr), ERR_VTXO_EXPIRY);
	d.tip = UINT32_MAX;
	ck_fails(vtxo_check_received(&x, &d, &rerr), ERR_VTXO_EXPIRY);
	d = good;
	d.server.b[0] ^= 1; /* the other point of this x is another server */
	ck_fails(vtxo_check_received(&x, &d, &rerr), ERR_VTXO_SERVER);
	d = good;
	d.exit_delta++;
	ck_fails(vtxo_check_received(&x, &d, &rerr), ERR_VTXO_INVALID);
	d = good;
	d.depth_max = 4;
	ck_fails(vtxo_check_received(&x, &d, &rerr), ERR_RANGE);
	d = good;
	other = whole(1, &anchor); /* an HTLC */
	ck_fails(vtxo_check_received(&other, &d, &rerr), ERR_VTXO_POLICY);
	other = x;
	other.amount = (struct sat){ SAT_MONEY_MAX + 1 };
	ck_fails(vtxo_check_received(&other, &d, &rerr), ERR_RANGE);
	memcpy(items, x.items, sizeof(items));
	items[3].has_signature = false;
	other = x;
	other.items = items;
	ck_fails(vtxo_check_received(&other, &d, &rerr), ERR_VTXO_TRANSITION);
}
END_TEST

/* --- relay --- */

static const struct {
	const char *script; /* of the sibling */
	uint64_t value;
	enum err_code code;
} siblings[] = {
	{ "76a914000000000000000000000000000000000000000088ac", 546, ERR_NONE },
	{ "76a914000000000000000000000000000000000000000088ac", 545, ERR_VTXO_DUST },
	{ "a914000000000000000000000000000000000000000087", 540, ERR_NONE },
	{ "a914000000000000000000000000000000000000000087", 539, ERR_VTXO_DUST },
	{ "00140000000000000000000000000000000000000000", 294, ERR_NONE },
	{ "00140000000000000000000000000000000000000000", 293, ERR_VTXO_DUST },
	{ "00200000000000000000000000000000000000000000000000000000000000000000", 330, ERR_NONE },
	{ "00200000000000000000000000000000000000000000000000000000000000000000", 329, ERR_VTXO_DUST },
	{ "51200000000000000000000000000000000000000000000000000000000000000000", 330, ERR_NONE },
	{ "51200000000000000000000000000000000000000000000000000000000000000000", 329, ERR_VTXO_DUST },
	{ "6a0401020304", 0, ERR_NONE },
	{ "51024e73", 1000, ERR_VTXO_SCRIPT },
	{ "5220"
	  "0000000000000000000000000000000000000000000000000000000000000000",
	  1000, ERR_VTXO_SCRIPT },
	{ "51", 1000, ERR_VTXO_SCRIPT },
	{ "", 1000, ERR_VTXO_SCRIPT },
};

static struct vtxo with_sibling(struct bytes script, uint64_t value, struct genesis_item *item, struct tx_out *out)
{
	struct tx anchor;
	struct vtxo x = whole(0, &anchor);

	*item = x.items[0];
	*out = (struct tx_out){ { value }, script };
	item->others = out;
	item->n_others = 1;
	x.items = item;
	return x;
}

START_TEST(siblings_must_relay)
{
	struct genesis_item item;
	struct tx_out out;
	struct bytes script = { 0 };
	struct vtxo x;

	if (siblings[_i].script[0] != '\0')
		ck_assert(hex_decode_any(&ra, siblings[_i].script, 1000, &script));
	x = with_sibling(script, siblings[_i].value, &item, &out);
	if (siblings[_i].code == ERR_NONE) {
		ck_ok(vtxo_check_standard(&x, &rerr));
		return;
	}
	ck_fails(vtxo_check_standard(&x, &rerr), siblings[_i].code);
	ck_assert(text_starts(rerr.msg, "genesis item 0 of 1: output 1"));
	ck_assert_str_ne(rerr.hint, "");
}
END_TEST

START_TEST(op_return_has_a_length)
{
	uint8_t script[84] = { 0x6a, 0x4c, 80 };
	struct genesis_item item;
	struct tx_out out;
	struct vtxo x = with_sibling((struct bytes){ script, 83 }, 0, &item, &out);

	ck_ok(vtxo_check_standard(&x, &rerr));
	script[2] = 81;
	out.script.n = 84;
	ck_fails(vtxo_check_standard(&x, &rerr), ERR_VTXO_SCRIPT);
}
END_TEST

START_TEST(its_own_output_comes_first)
{
	struct genesis_item item;
	struct tx_out out;
	struct vtxo x = with_sibling(bytes_of("?"), 1000, &item, &out);

	x.amount = (struct sat){ ARK_DUST_SAT - 1 };
	ck_fails(vtxo_check_standard(&x, &rerr), ERR_VTXO_DUST);
	ck_assert(text_starts(rerr.msg, "its own output"));
	x.amount = (struct sat){ ARK_DUST_SAT };
	ck_fails(vtxo_check_standard(&x, &rerr), ERR_VTXO_SCRIPT);
	x.policy.user.b[0] = 9;
	ck_fails(vtxo_check_standard(&x, &rerr), ERR_CRYPTO);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/ark/validate");
	TCase *v = rails_case(s, "vectors"), *t = rails_case(s, "anchor"), *r = rails_case(s, "received"),
	      *n = rails_case(s, "standard");

	tcase_add_loop_test(v, whole_ones_are_valid, 0, 2 * PER_FILE);
	tcase_add_loop_test(v, the_vectors_outcomes, 0, CASES);
	tcase_add_test(v, a_memo_changes_no_outcome);
	tcase_add_test(t, what_is_not_signed_yet_may_still_be_right);
	tcase_add_loop_test(t, no_bit_can_be_turned, 0, 2 * PER_FILE);
	tcase_add_test(t, another_transaction_is_not_the_anchor);
	tcase_add_test(t, on_chain_it_is_the_output_itself);
	tcase_add_test(t, keys_that_are_none_are_a_validation_error);
	tcase_add_test(r, what_is_received_meets_demands);
	tcase_add_loop_test(n, siblings_must_relay, 0, ARRAY_LEN(siblings));
	tcase_add_test(n, op_return_has_a_length);
	tcase_add_test(n, its_own_output_comes_first);
	return suite_run(s);
}
