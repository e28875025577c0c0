/* PSBTs of the on-chain wallet: handed out, signed, taken in again, and what is refused. */
#include <string.h>

#include "actions/onchain_psbt.h"
#include "base/text.h"
#include "chain/told.h"
#include "rails/bitcoin/psbt.h"
#include "tests/support/onchain_world.h"
#include "tests/support/suite.h"

static struct oworld world, *w = &world;
static struct err e, *err = &e;

static void setup(void)
{
	oworld_open(w);
	oworld_fund(w, 100000);
	oworld_fund(w, 50000);
}

static void teardown(void)
{
	oworld_check(w);
	oworld_close(w);
}

static struct onchain_psbt_wallet wallet(void)
{
	return (struct onchain_psbt_wallet){ store_view(w->disk.store), NETWORK_REGTEST, w->keys };
}

#define PAY "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":120000,\"psbt\":true}"

static const char *psbt_of(const struct action_id *id)
{
	return json_string_value(json_object_get(oworld_progress(w, id), "psbt"));
}

static const char *sign(const char *psbt, struct onchain_psbt_signed *ret)
{
	struct onchain_psbt_wallet ours = wallet();

	OK(onchain_psbt_sign(&w->arena, &ours, psbt, ret, err));
	return ret->text;
}

static int import(const struct action_id *id, const char *psbt)
{
	return oworld_amend(w, id, arena_printf(&w->arena, "{\"psbt\":\"%s\"}", psbt), err);
}

/* --- the round trip --- */

START_TEST(signed_elsewhere)
{
	struct onchain_psbt_signed done;
	struct action_id id = oworld_start(w, PAY), holder;
	struct txid txid;
	const char *psbt;

	ck_assert_str_eq(oworld_state(w, &id), "awaiting_psbt");
	ck_assert_uint_eq(fake_bitcoind_calls(w->node, "sendrawtransaction"), 0);
	ck_assert_uint_eq(oworld_sum(w, UTXO_LOCKED), 150000);
	psbt = psbt_of(&id);
	OK(onchain_psbt_holder(&w->arena, store_view(w->disk.store), psbt, &holder, err));
	ck_assert_str_eq(holder.s, id.s);
	sign(psbt, &done);
	ck_assert_uint_eq(done.n_signed, 2);
	ck_assert_uint_eq(done.n_open, 0);
	ck_assert_str_eq(done.holder.s, id.s);
	ck_assert_uint_ge(done.spend_sat, 120000);
	oworld_restart(w); /* nothing of it is in memory alone */
	OK(import(&id, done.text));
	ck_assert_str_eq(oworld_state(w, &id), "in_mempool");
	txid = oworld_txid(w, &id);
	ck_assert(txid_equal(&txid, &done.txid));
	oworld_mine_tx(w, &txid);
	oworld_mine(w, OWORLD_CONFIRMATIONS);
	oworld_turn(w);
	ck_assert_str_eq(oworld_state(w, &id), "done");
}
END_TEST

START_TEST(only_cancel_and_a_signature_move_it)
{
	struct action_id id = oworld_start(w, PAY);

	oworld_turn(w);
	ck_assert_str_eq(oworld_state(w, &id), "awaiting_psbt");
	FAILS(oworld_amend(w, &id, "{\"feerate\":\"9\"}", err), ERR_ILLEGAL_STATE);
	ck_assert_ptr_null(oworld_cancel(w, &id));
	ck_assert_str_eq(oworld_state(w, &id), "cancelled");
	ck_assert_str_eq(oworld_row(w, &id).funds_moved, "no");
	ck_assert_uint_eq(oworld_sum(w, UTXO_SPENDABLE), 150000);
}
END_TEST

static int see(struct unit *u, void *ctx, struct err *why)
{
	ck_assert_int_eq(tx_store_seen(u, ctx, OWORLD_NOW_MS, why), 1);
	return 0;
}

/* Signed, and sent by whoever signed it: a mempool has it, and nobody came back with it. */
static struct txid signer_sends(const struct action_id *id)
{
	struct onchain_psbt_signed done;
	struct onchain_psbt_final final;
	struct told_tx told;
	struct bytes raw;

	OK(onchain_psbt_finalise(&w->arena, sign(psbt_of(id), &done), &final, err));
	ck_assert(hex_decode_any(&w->arena, final.hex, 100000, &raw));
	OK(told_read(&w->arena, raw, &told, err));
	scratch_unit(&w->disk, see, &told);
	return final.txid;
}

START_TEST(sent_by_the_signer)
{
	struct action_id id = oworld_start(w, PAY);
	struct txid txid;

	oworld_turn(w);
	txid = signer_sends(&id);
	oworld_turn(w);
	ck_assert_str_eq(oworld_state(w, &id), "in_mempool");
	ck_assert_ptr_null(psbt_of(&id));
	FAILS(oworld_amend(w, &id, "{\"psbt\":\"cHNidP8=\"}", err), ERR_ILLEGAL_STATE);
	oworld_mine_tx(w, &txid);
	oworld_mine(w, OWORLD_CONFIRMATIONS);
	oworld_turn(w);
	ck_assert_str_eq(oworld_state(w, &id), "done");
	ck_assert_int_eq(oworld_account(w, ACCOUNT_LOCKED), 0);
}
END_TEST

/* What is out is not given up: a cancel pays the coins back. */
START_TEST(sent_by_the_signer_and_cancelled)
{
	struct action_id id = oworld_start(w, PAY);
	struct txid first, back;

	oworld_turn(w);
	first = signer_sends(&id);
	oworld_turn(w);
	ck_assert_ptr_null(oworld_cancel(w, &id));
	oworld_turn(w);
	back = oworld_txid(w, &id);
	ck_assert(!txid_equal(&back, &first));
	oworld_mine_tx(w, &back);
	oworld_mine(w, OWORLD_CONFIRMATIONS);
	oworld_turn(w);
	ck_assert_str_eq(oworld_state(w, &id), "cancelled");
	ck_assert_str_eq(oworld_row(w, &id).funds_moved, "yes");
}
END_TEST

START_TEST(finished_and_combined)
{
	struct onchain_psbt_signed done;
	struct onchain_psbt_final final;
	struct action_id id = oworld_start(w, PAY);
	const char *both[2] = { psbt_of(&id), NULL }, *together;

	OK(onchain_psbt_finalise(&w->arena, both[0], &final, err));
	ck_assert_uint_eq(final.n_open, 2);
	ck_assert_ptr_null(final.hex);
	both[1] = sign(both[0], &done);
	OK(onchain_psbt_combine(&w->arena, both, 2, &together, err));
	OK(onchain_psbt_finalise(&w->arena, together, &final, err));
	ck_assert_uint_eq(final.n_open, 0);
	ck_assert_ptr_nonnull(final.hex);
	ck_assert(txid_equal(&final.txid, &done.txid));
	OK(import(&id, final.text)); /* a finished one is as good as a signed one */
	ck_assert_str_eq(fake_bitcoind_taken(w->node), final.hex);
}
END_TEST

START_TEST(shown)
{
	struct onchain_psbt_wallet ours = wallet();
	struct onchain_psbt_signed done;
	struct action_id id = oworld_start(w, PAY);
	json_t *v, *in, *out;
	unsigned change = 0;
	size_t i;

	OK(onchain_psbt_show(&w->arena, &ours, psbt_of(&id), &v, err));
	ck_assert_uint_eq(json_array_size(json_object_get(v, "inputs")), 2);
	ck_assert_int_eq(json_integer_value(json_object_get(v, "fee_sat")),
			 json_integer_value(json_object_get(oworld_progress(w, &id), "fee_sat")));
	json_array_foreach(json_object_get(v, "inputs"), i, in)
	{
		ck_assert(json_is_true(json_object_get(in, "ours")));
		ck_assert_str_eq(json_string_value(json_object_get(in, "state")), "open");
	}
	json_array_foreach(json_object_get(v, "outputs"), i, out)
		change += json_is_true(json_object_get(out, "change"));
	ck_assert_uint_eq(change, 1);
	OK(onchain_psbt_show(&w->arena, &ours, sign(psbt_of(&id), &done), &v, err));
	in = json_array_get(json_object_get(v, "inputs"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(in, "state")), "signed");
}
END_TEST

/* --- what others make of it --- */

static struct psbt read_psbt(const char *text)
{
	struct psbt p;

	OK(psbt_decode_text(&w->arena, text, &p, err));
	return p;
}

static const char *write_psbt(const struct psbt *p)
{
	char *text;

	OK(psbt_text(&w->arena, p, &text, err));
	return text;
}

START_TEST(changed_outputs)
{
	struct onchain_psbt_signed done;
	struct action_id id = oworld_start(w, PAY);
	struct psbt p = read_psbt(psbt_of(&id));

	p.tx.out[0].value.v--;
	FAILS(import(&id, write_psbt(&p)), ERR_PSBT_CHANGED);
	/* Nor is it signed here: the coins are held for another transaction. */
	FAILS(onchain_psbt_sign(&w->arena, &(struct onchain_psbt_wallet[]){ wallet() }[0], write_psbt(&p), &done, err),
	      ERR_ILLEGAL_STATE);
	ck_assert_str_eq(oworld_state(w, &id), "awaiting_psbt");
}
END_TEST

START_TEST(unsigned_or_half_signed)
{
	struct onchain_psbt_signed done;
	struct action_id id = oworld_start(w, PAY);
	struct psbt p;

	FAILS(import(&id, psbt_of(&id)), ERR_PSBT_UNSIGNED);
	p = read_psbt(sign(psbt_of(&id), &done));
	psbt_drop(&p.in[1], PSBT_IN_TAP_KEY_SIG);
	FAILS(import(&id, write_psbt(&p)), ERR_PSBT_UNSIGNED);
}
END_TEST

START_TEST(a_wrong_signature)
{
	struct onchain_psbt_signed done;
	struct action_id id = oworld_start(w, PAY);
	struct psbt p = read_psbt(sign(psbt_of(&id), &done));
	uint8_t sig[64] = { 1 };

	OK(psbt_put(&w->arena, &p.in[0], PSBT_IN_TAP_KEY_SIG, (struct bytes){ 0 }, (struct bytes){ sig, 64 }, err));
	FAILS(import(&id, write_psbt(&p)), ERR_CRYPTO);
	ck_assert_str_eq(oworld_state(w, &id), "awaiting_psbt");
}
END_TEST

static const char *const garbage[] = { "cHNidP8=", "hello", "AAAA", "cHNidP8BAAoAAAAAAAAAAAAAAA==" };

START_TEST(no_psbt_at_all)
{
	struct onchain_psbt_wallet ours = wallet();
	struct onchain_psbt_signed done;
	struct onchain_psbt_final final;
	struct action_id id = oworld_start(w, PAY), holder;
	const char *text;
	json_t *v;

	ck_assert_int_eq(import(&id, garbage[_i]), -1);
	ck_assert_int_eq(onchain_psbt_show(&w->arena, &ours, garbage[_i], &v, err) < 0 ||
				 onchain_psbt_sign(&w->arena, &ours, garbage[_i], &done, err) < 0,
			 1);
	ck_assert(onchain_psbt_holder(&w->arena, ours.view, garbage[_i], &holder, err) < 0);
	if (_i < 3) {
		FAILS(onchain_psbt_finalise(&w->arena, garbage[_i], &final, err), ERR_PSBT);
		FAILS(onchain_psbt_combine(&w->arena, &garbage[_i], 1, &text, err), ERR_PSBT);
	}
}
END_TEST

/* One input of somebody, one output. */
static struct psbt another(const struct outpoint *spends)
{
	static uint8_t script[] = { 0x6a };
	struct tx tx = { .version = 2, .n_in = 1, .n_out = 1 };
	struct psbt p;

	tx.in = ARENA_NEW(&w->arena, struct tx_in);
	tx.out = ARENA_NEW(&w->arena, struct tx_out);
	tx.in->prevout = *spends;
	tx.out->script = (struct bytes){ script, 1 };
	OK(psbt_create(&w->arena, &tx, &p, err));
	return p;
}

START_TEST(of_another_wallet)
{
	struct onchain_psbt_wallet ours = wallet();
	struct outpoint theirs = { .txid = { { 7 } }, .vout = 1 };
	struct action_id id = oworld_start(w, PAY), holder;
	struct psbt p = another(&theirs);
	struct onchain_psbt_signed done;
	const char *both[2] = { psbt_of(&id), write_psbt(&p) }, *text;

	FAILS(onchain_psbt_sign(&w->arena, &ours, both[1], &done, err), ERR_PSBT_FOREIGN);
	FAILS(onchain_psbt_holder(&w->arena, ours.view, both[1], &holder, err), ERR_PSBT_FOREIGN);
	FAILS(onchain_psbt_combine(&w->arena, both, 2, &text, err), ERR_PSBT);
	FAILS(import(&id, both[1]), ERR_PSBT_CHANGED);
}
END_TEST

START_TEST(a_lie_about_our_coin)
{
	struct onchain_psbt_wallet ours = wallet();
	struct outpoint coin = oworld_fund(w, 20000);
	struct psbt p = another(&coin);
	struct onchain_psbt_signed done;
	static uint8_t script[] = { 0x51 };
	struct tx_out lie = { .value = { 30000 }, .script = { script, 1 } };

	OK(psbt_put_witness_utxo(&w->arena, &p, 0, &lie, err));
	FAILS(onchain_psbt_sign(&w->arena, &ours, write_psbt(&p), &done, err), ERR_PSBT);
	psbt_drop(&p.in[0], PSBT_IN_WITNESS_UTXO);
	OK(onchain_psbt_sign(&w->arena, &ours, write_psbt(&p), &done, err)); /* what it does not say, we know */
	ck_assert_uint_eq(done.n_signed, 1);
	ck_assert_uint_eq(done.spend_sat, 20000);
	ck_assert_str_eq(done.holder.s, "");
}
END_TEST

START_TEST(a_signature_that_leaves_it_open)
{
	struct onchain_psbt_wallet ours = wallet();
	struct outpoint coin = oworld_fund(w, 20000);
	struct psbt p = another(&coin);
	struct onchain_psbt_signed done;
	uint8_t none_anyone[] = { 0x82, 0, 0, 0 };

	OK(psbt_put(&w->arena, &p.in[0], PSBT_IN_SIGHASH_TYPE, (struct bytes){ 0 },
		    (struct bytes){ none_anyone, sizeof(none_anyone) }, err));
	FAILS(onchain_psbt_sign(&w->arena, &ours, write_psbt(&p), &done, err), ERR_UNSUPPORTED);
}
END_TEST

START_TEST(of_a_coin_that_is_spent)
{
	struct onchain_psbt_wallet ours = wallet();
	struct action_id id = oworld_start(w, "{\"address\":\"" OWORLD_PAYEE "\",\"amount_sat\":120000}");
	struct txid txid = oworld_txid(w, &id);
	struct tx tx = oworld_tx(w, &txid);
	struct psbt p = another(&tx.in[0].prevout);
	struct onchain_psbt_signed done;

	FAILS(onchain_psbt_sign(&w->arena, &ours, write_psbt(&p), &done, err), ERR_ILLEGAL_STATE);
	ours.keys = NULL;
	FAILS(onchain_psbt_sign(&w->arena, &ours, write_psbt(&p), &done, err), ERR_WALLET_LOCKED);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("actions/onchain_psbt");
	TCase *tc = tcase_create("in one world");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, signed_elsewhere);
	tcase_add_test(tc, only_cancel_and_a_signature_move_it);
	tcase_add_test(tc, sent_by_the_signer);
	tcase_add_test(tc, sent_by_the_signer_and_cancelled);
	tcase_add_test(tc, finished_and_combined);
	tcase_add_test(tc, shown);
	tcase_add_test(tc, changed_outputs);
	tcase_add_test(tc, unsigned_or_half_signed);
	tcase_add_test(tc, a_wrong_signature);
	tcase_add_loop_test(tc, no_psbt_at_all, 0, (int)ARRAY_LEN(garbage));
	tcase_add_test(tc, of_another_wallet);
	tcase_add_test(tc, a_lie_about_our_coin);
	tcase_add_test(tc, a_signature_that_leaves_it_open);
	tcase_add_test(tc, of_a_coin_that_is_spent);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
