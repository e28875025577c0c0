/* Claims that another wallet makes, signs or sends, and those that take a preimage: spec/exit.md 4.1, 4.4 and, over the
 * real follower, stores and chain source, and a model of a node, which runs no script. */
#include "exit/claim_psbt.h"

#include <string.h>

#include "rails/bitcoin/psbt_sign.h"
#include "tests/support/exit_world.h"
#include "tests/support/suite.h"

static struct err failure, *err = &failure;

static void to_claimable(int64_t id)
{
	exit_world_settle();
	exit_world_mine(1);
	exit_world_mine(EXIT_WORLD_DELTA);
	ck_assert_int_eq(exit_world_row_of(id).state, EXIT_CLAIMABLE);
}

static struct vtxo claimable(void)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);

	exit_world_fund(0, 100000);
	to_claimable(exit_world_start(&v));
	return v;
}

static int64_t exit_of(const struct vtxo *v)
{
	struct exit_row row;

	ck_assert_int_eq(exit_store_find(exit_world_now(), &fw.arena, &v->point, &row, err), 1);
	return row.id;
}

/* --- made here --- */

struct claiming {
	struct claim_order order;
	struct exit_claim_row row;
	const char *psbt;
};
static int claim_unit(struct unit *u, void *ctx, struct err *e)
{
	struct claiming *c = ctx;

	return exit_claim_psbt(u, &fw.arena, &c->order, 1000, &c->row, &c->psbt, e);
}

static struct tx extracted(const char *text)
{
	struct psbt p;
	struct tx tx;

	OK(psbt_decode_text(&fw.arena, text, &p, err));
	OK(psbt_extract(&fw.arena, &p, &tx, err));
	return tx;
}

/* It is signed, and whoever sends it claims for us. */
START_TEST(a_claim_for_another_wallet)
{
	struct vtxo v = claimable();
	struct claiming c = { .order = { .rate = exit_world_five, .incremental = { 250 }, .keys = xw.keys } };
	struct txid txid;
	struct tx tx;

	follower_world_unit(claim_unit, &c);
	ck_assert_uint_eq(sat_value(c.row.fee), 645);
	exits_claims_kick(xw.exits);
	exit_world_drain();
	exit_world_settle();
	ck_assert_int_eq(exit_world_row_of(exit_of(&v)).state, EXIT_CLAIMABLE);
	ck_assert(!model_node_has(fw.node, &c.row.txid)); /* nobody has sent it */
	tx = extracted(c.psbt);
	txid = tx_txid(&tx);
	ck_assert(txid_equal(&txid, &c.row.txid));
	ck_assert(bytes_equal(tx_bytes(&fw.arena, &tx), c.row.raw));
	model_node_offer(fw.node, &tx);
	exit_world_mine(1);
	ck_assert_int_eq(exit_world_row_of(exit_of(&v)).state, EXIT_CLAIMED);
	ck_assert_int_eq(exit_world_vtxo_state(&v), VTXO_EXITED);
	ck_assert_uint_eq(exit_world_told("exit.foreign_spend"), 0);
	ck_assert_uint_eq(exit_world_coins(UTXO_SPENDABLE), 100000 - 1382 + 50000 - 645);
	exit_world_check_books();
}
END_TEST

/* --- made elsewhere --- */

/* A transaction of theirs that spends the VTXO and a coin of their own; what it says can be wrong. */
struct plan {
	uint32_t version, locktime, sequence;
	const uint8_t *field; /* instead of the VTXO; of n bytes */
	size_t n;
	bool bare;        /* it carries nothing */
	bool lies;        /* of the amount */
	bool old_script;  /* their coin is no witness program */
	uint32_t sighash; /* asked for; 0: not */
	bool untold;      /* what their coin is */
};
static const struct plan good = { .version = 2, .sequence = EXIT_WORLD_DELTA };
static const struct sat theirs = { 30000 };

static const uint8_t program[34] = { 0x51, 0x20, 7 }, p2pkh[25] = { 0x76, 0xa9, 0x14 };

static void put_field(struct psbt *p, const struct vtxo *v, const struct plan *plan)
{
	static const uint8_t key[] = { 4, 'b', 'a', 'r', 'k', 1 };

	if (!plan->bare)
		OK(psbt_put(&fw.arena, &p->in[0], 0xfc, (struct bytes){ key, sizeof(key) },
			    plan->field ? (struct bytes){ plan->field, plan->n } : vtxo_encode(&fw.arena, v), err));
	if (plan->sighash > 0) {
		const uint8_t type[4] = { (uint8_t)plan->sighash };

		OK(psbt_put(&fw.arena, &p->in[0], PSBT_IN_SIGHASH_TYPE, (struct bytes){ 0 },
			    (struct bytes){ type, sizeof(type) }, err));
	}
}

static const char *draft(const struct vtxo *v, struct bytes script, const struct plan *plan)
{
	struct outpoint other = { .vout = 3 };
	struct tx_in in[2] = { { .prevout = v->point, .sequence = plan->sequence },
			       { .prevout = other, .sequence = 0xfffffffd } };
	struct tx_out out = { { 79000 }, script };
	struct tx tx = { plan->version, plan->locktime, in, 2, &out, 1 };
	struct tx_out ours = { v->amount, { 0 } }, coin = { theirs, { program, sizeof(program) } };
	struct vtxo_row row;
	struct psbt p;
	char *text;

	memset(in[1].prevout.txid.b, 9, sizeof(in[1].prevout.txid.b));
	ck_assert_int_eq(vtxo_store_find(exit_world_now(), &fw.arena, &v->point, &row, err), 1);
	ours.script = row.script;
	if (plan->lies)
		ours.value = (struct sat){ 51000 };
	if (plan->old_script)
		coin.script = (struct bytes){ p2pkh, sizeof(p2pkh) };
	OK(psbt_create(&fw.arena, &tx, &p, err));
	OK(psbt_put_witness_utxo(&fw.arena, &p, 0, &ours, err));
	if (!plan->untold)
		OK(psbt_put_witness_utxo(&fw.arena, &p, 1, &coin, err));
	put_field(&p, v, plan);
	OK(psbt_text(&fw.arena, &p, &text, err));
	return text;
}

struct signing {
	const char *text;
	struct keyring *keys;
	struct claim_signed done;
};
static int sign_unit(struct unit *u, void *ctx, struct err *e)
{
	struct signing *s = ctx;

	return claim_psbt_sign(u, &fw.arena, s->text, s->keys, 1000, &s->done, e);
}

START_TEST(one_input_of_a_transaction_of_theirs)
{
	static const uint8_t seal[64] = { 1 };
	struct bytes item = { seal, sizeof(seal) };
	struct vtxo v = claimable();
	struct signing s = { draft(&v, follower_world_give(SCRIPT_RECEIVE, 5), &good), xw.keys, { 0 } };
	struct psbt p;
	struct tx tx;
	char *text;

	follower_world_unit(sign_unit, &s);
	ck_assert_uint_eq(s.done.n_signed, 1);
	ck_assert_uint_eq(s.done.n_open, 1);
	ck_assert_uint_eq(sat_value(s.done.amount), 50000);
	ck_assert_uint_eq(sat_value(s.done.back), 79000);
	/* They sign theirs, and send it. */
	OK(psbt_decode_text(&fw.arena, s.done.psbt, &p, err));
	OK(psbt_put_final(&fw.arena, &p, 1, &(struct witness){ &item, 1 }, err));
	OK(psbt_text(&fw.arena, &p, &text, err));
	tx = extracted(text);
	ck_assert_uint_eq(tx.in[0].witness.n, 3); /* signature, script, control block */
	model_node_offer(fw.node, &tx);
	exit_world_mine(1);
	ck_assert_int_eq(exit_world_row_of(exit_of(&v)).state, EXIT_CLAIMED);
	ck_assert_uint_eq(exit_world_told("exit.foreign_spend"), 0);
	ck_assert_int_eq(exit_world_vtxo_state(&v), VTXO_EXITED);
	exit_world_check_books();
}
END_TEST

/* It is known as ours also when it pays nothing to us. */
START_TEST(it_may_go_anywhere)
{
	static const uint8_t seal[64] = { 1 };
	struct bytes item = { seal, sizeof(seal) };
	struct vtxo v = claimable();
	struct signing s = { draft(&v, (struct bytes){ program, sizeof(program) }, &good), xw.keys, { 0 } };
	struct psbt p;
	struct tx tx;

	follower_world_unit(sign_unit, &s);
	ck_assert_uint_eq(sat_value(s.done.back), 0);
	OK(psbt_decode_text(&fw.arena, s.done.psbt, &p, err));
	OK(psbt_put_final(&fw.arena, &p, 1, &(struct witness){ &item, 1 }, err));
	OK(psbt_extract(&fw.arena, &p, &tx, err));
	model_node_offer(fw.node, &tx);
	exit_world_mine(1);
	ck_assert_uint_eq(exit_world_told("exit.foreign_spend"), 0);
	ck_assert_int_eq(exit_world_vtxo_state(&v), VTXO_EXITED);
	exit_world_check_books();
}
END_TEST

static const uint8_t no_vtxo[] = { 2, 0, 1, 2, 3 };

static const struct refusal {
	const char *name;
	struct plan plan;
	enum err_code code;
	const char *words;
} refusals[] = {
	{ "it carries no VTXO", { .version = 2, .sequence = 12, .bare = true }, ERR_PSBT_FOREIGN, "carries a VTXO" },
	{ "what it carries is none",
	  { .version = 2, .sequence = 12, .field = no_vtxo, .n = sizeof(no_vtxo) },
	  ERR_PSBT,
	  "is no VTXO" },
	{ "it lies about the amount", { .version = 2, .sequence = 12, .lies = true }, ERR_PSBT, "said to spend" },
	{ "not old enough", { .version = 2, .sequence = 11 }, ERR_ILLEGAL_STATE, "12 blocks" },
	{ "its age is in seconds", { .version = 2, .sequence = 0x0040000c }, ERR_ILLEGAL_STATE, "12 blocks" },
	{ "no age at all", { .version = 2, .sequence = 0xfffffffd }, ERR_ILLEGAL_STATE, "12 blocks" },
	{ "an old version", { .version = 1, .sequence = 12 }, ERR_ILLEGAL_STATE, "version" },
	{ "a block that has not come",
	  { .version = 2, .sequence = 12, .locktime = 5000 },
	  ERR_ILLEGAL_STATE,
	  "has not come" },
	{ "a part of it", { .version = 2, .sequence = 12, .sighash = 0x83 }, ERR_UNSUPPORTED, "whole" },
	{ "its name may change", { .version = 2, .sequence = 12, .old_script = true }, ERR_UNSUPPORTED, "name" },
	{ "their coin is not told", { .version = 2, .sequence = 12, .untold = true }, ERR_PSBT, "" },
};

static void refused(struct signing *s, enum err_code code, const char *words)
{
	ck_assert_int_eq(store_unit_now(fw.scratch.store, sign_unit, s, err), -1);
	ck_assert_str_eq(err_kind(err->code), err_kind(code));
	ck_assert_msg(strstr(err->msg, words), "%s", err->msg);
}

START_TEST(what_is_not_signed)
{
	struct vtxo v = claimable();
	struct bytes script = follower_world_give(SCRIPT_RECEIVE, 5);

	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		struct signing s = { draft(&v, script, &refusals[i].plan), xw.keys, { 0 } };

		refused(&s, refusals[i].code, refusals[i].words);
		ck_assert_str_eq(err->field, "psbt");
	}
	refused(&(struct signing){ "cHNidP8x", xw.keys, { 0 } }, ERR_PSBT, "");
	refused(&(struct signing){ draft(&v, script, &good), NULL, { 0 } }, ERR_WALLET_LOCKED, "");
}
END_TEST

static int plain_claim_unit(struct unit *u, void *ctx, struct err *e)
{
	struct claiming *c = ctx;

	return exit_claim(u, &fw.arena, &c->order, 1000, &c->row, e);
}

START_TEST(not_yet_and_not_twice)
{
	struct claiming c = { .order = { .rate = exit_world_five, .incremental = { 250 }, .keys = xw.keys } };
	struct vtxo other = exit_world_make_vtxo(20000, 0, 0), v = claimable();
	struct bytes script = follower_world_give(SCRIPT_RECEIVE, 5), encoded = vtxo_encode(&fw.arena, &other);
	struct plan swapped = good;
	struct signing s = { draft(&other, script, &good), xw.keys, { 0 } };

	refused(&s, ERR_PSBT_FOREIGN, "no exit");
	exit_world_start(&other);
	exit_world_settle();
	refused(&s, ERR_ILLEGAL_STATE, "not claimable");
	swapped.field = encoded.p;
	swapped.n = encoded.n;
	s.text = draft(&v, script, &swapped);
	refused(&s, ERR_PSBT, "not the wallet's");
	c.order.vtxos = &v.point;
	c.order.n = 1;
	follower_world_unit(plain_claim_unit, &c);
	s.text = draft(&v, script, &good);
	refused(&s, ERR_CONFLICT, "being claimed");
	ck_assert_int_eq(store_unit_now(fw.scratch.store, claim_unit, &c, err), -1);
	ck_assert_str_eq(err_kind(err->code), err_kind(ERR_CONFLICT));
	c.order.replace = true;
	ck_assert_int_eq(store_unit_now(fw.scratch.store, claim_unit, &c, err), -1);
	ck_assert_str_eq(err->field, "replace");
}
END_TEST

/* --- preimages --- */

static const uint8_t preimage[PREIMAGE_SIZE] = { 5, 6, 7 };

struct telling {
	struct outpoint vtxo;
	const uint8_t *preimage;
};
static int tell_unit(struct unit *u, void *ctx, struct err *e)
{
	const struct telling *t = ctx;

	return exit_add_preimage(u, &fw.arena, &t->vtxo, t->preimage, e);
}

START_TEST(with_a_preimage_it_is_claimed)
{
	static const uint8_t wrong[PREIMAGE_SIZE] = { 5, 6, 8 };
	struct claiming c = { .order = { .rate = exit_world_five, .incremental = { 250 }, .keys = xw.keys } };
	struct vtxo v = exit_world_make_received(50000, 5, preimage);
	struct telling t = { v.point, wrong };
	int64_t id;
	struct tx tx;

	exit_world_fund(0, 100000);
	id = exit_world_start(&v);
	exit_world_settle();
	exit_world_mine(1);
	exit_world_mine(1);
	exit_world_mine(1);
	ck_assert_int_eq(exit_world_row_of(id).state, EXIT_PROCESSING);
	ck_assert_ptr_nonnull(strstr(exit_world_row_of(id).error, "claim-missing-signable-clause"));
	ck_assert_int_eq(store_unit_now(fw.scratch.store, tell_unit, &t, err), -1);
	ck_assert_str_eq(err->field, "preimage");
	t.preimage = preimage;
	follower_world_unit(tell_unit, &t);
	follower_world_unit(tell_unit, &t); /* once more is fine */
	exit_world_settle();
	ck_assert_int_eq(exit_world_row_of(id).state, EXIT_AWAITING_DELTA);
	exit_world_mine(EXIT_WORLD_DELTA);
	ck_assert_int_eq(exit_world_row_of(id).state, EXIT_AWAITING_DELTA); /* the server has its time first */
	exit_world_mine(5);
	ck_assert_int_eq(exit_world_row_of(id).state, EXIT_CLAIMABLE);
	follower_world_unit(plain_claim_unit, &c);
	OK(tx_decode(&fw.arena, c.row.raw, &tx, err));
	ck_assert_uint_eq(tx.in[0].witness.n, 4);
	ck_assert(bytes_equal(tx.in[0].witness.items[1], (struct bytes){ preimage, sizeof(preimage) }));
	exits_claims_kick(xw.exits);
	exit_world_settle();
	exit_world_mine(1);
	ck_assert_int_eq(exit_world_vtxo_state(&v), VTXO_EXITED);
	exit_world_check_books();
}
END_TEST

START_TEST(whose_preimage_it_is)
{
	struct vtxo v = exit_world_make_vtxo(50000, 0, 0);
	struct telling t = { v.point, preimage };

	ck_assert_int_eq(store_unit_now(fw.scratch.store, tell_unit, &t, err), -1);
	ck_assert_str_eq(err_kind(err->code), err_kind(ERR_ILLEGAL_STATE));
	t.vtxo.vout++;
	ck_assert_int_eq(store_unit_now(fw.scratch.store, tell_unit, &t, err), -1);
	ck_assert_str_eq(err_kind(err->code), err_kind(ERR_NOT_FOUND));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("exit/claim_psbt");
	TCase *tc = tcase_create("claims");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, exit_world_setup, exit_world_teardown);
	tcase_add_test(tc, a_claim_for_another_wallet);
	tcase_add_test(tc, one_input_of_a_transaction_of_theirs);
	tcase_add_test(tc, it_may_go_anywhere);
	tcase_add_test(tc, what_is_not_signed);
	tcase_add_test(tc, not_yet_and_not_twice);
	tcase_add_test(tc, with_a_preimage_it_is_claimed);
	tcase_add_test(tc, whose_preimage_it_is);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
