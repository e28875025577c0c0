/* Whatever the database refuses, every function of the on-chain tables says so: none goes on as if it had been done.  Each
 * call here works; then, one after the other, each table that it needs is gone, and it must fail. */
#include <stdio.h>
#include <string.h>

#include "store/chain_store.h"
#include "store/watch_store.h"
#include "tests/support/onchain_rows.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch scratch;
static struct arena arena;
static const struct action_id alice = { "alice" }, bob = { "bob" };
static int called; /* by what lists */

static void never_script(void *ctx, const struct script_row *row)
{
	(void)ctx;
	(void)row;
	called++;
}

static void never_loss(void *ctx, const struct tx_loss *loss)
{
	(void)ctx;
	(void)loss;
}

static void never_tx(void *ctx, const struct tx_row *row)
{
	(void)ctx;
	(void)row;
	called++;
}

static void never_utxo(void *ctx, const struct utxo_row *row)
{
	(void)ctx;
	(void)row;
	called++;
}

static void never_outpoint(void *ctx, const struct outpoint *at)
{
	(void)ctx;
	(void)at;
	called++;
}

static void never_txid(void *ctx, const struct txid *txid)
{
	(void)ctx;
	(void)txid;
	called++;
}

static void never_watch(void *ctx, const struct watch_row *row)
{
	(void)ctx;
	(void)row;
	called++;
}

/* Transactions 1 (confirmed in block 101, a coin of ours), 2 (pending, ours, spends 1), 3 (confirmed, a free coin), 4 (a
 * coin that alice holds), 5 (nothing of it is known yet, spends 3), 6 (an old coinbase). */
static struct onchain_tx tx[7];

static void make_txs(void)
{
	for (unsigned n = 1; n <= 6; n++)
		onchain_tx(&tx[n], n);
	onchain_spend(&tx[1], 901, 0);
	onchain_pay(&tx[1], 0, 1000);
	onchain_spend(&tx[2], 1, 0);
	onchain_pay(&tx[2], 5, 900);
	onchain_spend(&tx[3], 903, 0);
	onchain_pay(&tx[3], 1, 500);
	onchain_spend(&tx[4], 904, 0);
	onchain_pay(&tx[4], 2, 400);
	onchain_spend(&tx[5], 3, 0);
	onchain_pay(&tx[5], 6, 450);
	tx[6].told.coinbase = true;
	onchain_pay(&tx[6], 3, 5000);
}

static struct block_ref tip;

static int fill(struct unit *u, void *ctx, struct err *err)
{
	struct own_tx own = { .kind = "send", .action = alice, .trust = TRUST_SPEND };
	struct outpoint first = onchain_at(1, 0), fourth = onchain_at(4, 0), watched = onchain_at(77, 0);
	struct sync_row sync = { .backend = SYNC_BITCOIND, .begun = true };
	struct script_row row;
	int64_t id;

	(void)ctx;
	make_txs();
	onchain_wallet(u, 4);
	tip = onchain_connect(u, 1);
	OK(tx_store_confirm(u, &tx[6].told, &tip, 0, 1, err));
	for (unsigned n = 2; n < 101; n++)
		tip = onchain_connect(u, n);
	OK(tx_store_confirm(u, &tx[1].told, &tip, 1, 1, err));
	OK(tx_store_confirm(u, &tx[3].told, &tip, 2, 1, err));
	OK(tx_store_confirm(u, &tx[4].told, &tip, 3, 1, err));
	OK(utxo_store_lock(u, &first, 1, &alice, 1, err));
	OK(utxo_store_lock(u, &fourth, 1, &alice, 1, err));
	OK(tx_store_add_own(u, &tx[2].told, &own, 1, err));
	OK(tx_store_seen(u, &tx[2].told, 1, err));
	OK(script_store_take(u, &arena, SCRIPT_CHANGE, &alice, &row, err));
	OK(watch_store_output(u, "exit", &watched, 0, 1, &id, err));
	OK(watch_store_spent(u, &watched, &tx[5].told.txid, 0, tx[5].told.raw, NULL, 1, err));
	sync.done = tip;
	return sync_store_put(u, &sync, 1, err);
}

/* One call; what it returns is only looked at for being an error. */
struct world {
	struct unit *u;
	struct view v;
	int64_t n;
	size_t size;
	union {
		struct onchain_account account;
		struct script_edge edge;
		struct script_row script;
		struct tx_row tx;
		struct utxo_row utxo, *utxos;
		struct utxo_value *values;
		struct utxo_sums sums;
		struct block_row block;
		struct sync_row sync;
		struct hit_row *hits;
	} row;
	enum tx_place place;
	struct block_ref ref;
	struct txid txid;
};

static const struct outpoint *at(unsigned n)
{
	static struct outpoint o;

	o = onchain_at(n, 0);
	return &o;
}

static const struct block_row *next(void)
{
	static struct block_row b;

	b = (struct block_row){ .ref = { tip.height + 1, onchain_hash(999) }, .prev = tip.hash };
	return &b;
}

static const struct sync_row *sync_of(void)
{
	static const struct sync_row row = { .backend = SYNC_ESPLORA };

	return &row;
}

static const struct own_tx *own(void)
{
	static const struct own_tx o = { .kind = "send", .action = { "bob" }, .trust = TRUST_SPEND };

	return &o;
}

#define CALL(name, expr)                                                                                               \
	static int do_##name(struct world *w, struct err *err)                                                         \
	{                                                                                                              \
		return (expr);                                                                                         \
	}

CALL(account_get, account_store_get(w->v, &arena, &w->row.account, err))
CALL(account_birthday, account_store_set_birthday(w->u, 5, err))
CALL(script_add, script_store_add(w->u, SCRIPT_RECEIVE, 4, onchain_script(500), err))
CALL(script_edge, script_store_edge(w->v, SCRIPT_RECEIVE, &w->row.edge, err))
CALL(script_give, script_store_give(w->u, &arena, SCRIPT_CHANGE, NULL, 1, &w->row.script, err))
CALL(script_take, script_store_take(w->u, &arena, SCRIPT_CHANGE, &bob, &w->row.script, err))
CALL(script_release, script_store_release(w->u, &alice, err))
CALL(script_rehold, script_store_rehold(w->u, &alice, &bob, err))
CALL(script_label, script_store_set_label(w->u, 1, "x", err))
CALL(script_seen, script_store_set_seen(w->u, 1, 1, 1, err))
CALL(script_forget, script_store_forget_seen(w->u, &tx[1].told.txid, err))
CALL(script_find, script_store_find(w->v, &arena, onchain_script(0), &w->row.script, err))
CALL(script_list,
     script_store_list(w->v, &arena, &(struct script_query){ .chain = -1, .limit = 9 }, never_script, NULL, err))
CALL(tx_own, tx_store_add_own(w->u, &tx[5].told, own(), 1, err))
CALL(tx_make_own, tx_store_make_own(w->u, &tx[1].told.txid, own(), 1, err))
CALL(tx_give_up, tx_store_give_up(w->u, &tx[2].told.txid, 1, err))
CALL(tx_seen, tx_store_seen(w->u, &tx[5].told, 1, err))
CALL(tx_seen_again, tx_store_seen_again(w->u, &tx[2].told.txid, 1, err))
CALL(tx_confirm, tx_store_confirm(w->u, &tx[5].told, &tip, 9, 1, err))
CALL(tx_drop, tx_store_drop(w->u, &tx[2].told.txid, NULL, 1, err))
CALL(tx_find, tx_store_find(w->v, &arena, &tx[1].told.txid, &w->row.tx, err))
CALL(tx_place, tx_store_place(w->v, &tx[1].told.txid, &w->place, &w->ref, err))
CALL(tx_list, tx_store_list(w->v, &arena, &(struct tx_query){ .limit = 9 }, never_tx, NULL, err))
CALL(tx_losses, tx_store_losses(w->v, &arena, 0, 9, never_loss, NULL, err))
CALL(tx_inputs, tx_store_inputs_since(w->v, &w->n, 9, never_outpoint, NULL, err))
CALL(tx_coins, tx_store_coins_since(w->v, &w->n, 9, never_outpoint, NULL, err))
CALL(tx_audit, tx_store_audit(w->v, err))
CALL(utxo_lock, utxo_store_lock(w->u, at(3), 1, &bob, 1, err))
CALL(utxo_release_some, utxo_store_release_some(w->u, at(4), 1, &alice, 1, err))
CALL(utxo_release, utxo_store_release(w->u, &alice, 1, err))
CALL(utxo_rehold, utxo_store_rehold(w->u, &alice, &bob, err))
CALL(utxo_values, utxo_store_values(w->v, &arena, false, &w->row.values, &w->size, err))
CALL(utxo_confirmed, utxo_store_values(w->v, &arena, true, &w->row.values, &w->size, err))
CALL(utxo_holder, utxo_store_by_holder(w->v, &arena, &alice, &w->row.utxos, &w->size, err))
CALL(utxo_get, utxo_store_get(w->v, &arena, 1, &w->row.utxo, err))
CALL(utxo_find, utxo_store_find(w->v, &arena, at(1), &w->row.utxo, err))
CALL(utxo_list, utxo_store_list(w->v, &arena, &(struct utxo_query){ .limit = 9 }, never_utxo, NULL, err))
CALL(utxo_sums, utxo_store_sums(w->v, &w->row.sums, err))
CALL(chain_tip, chain_store_tip(w->v, &w->row.block, err))
CALL(chain_block, chain_store_block(w->v, 100, &w->row.block, err))
CALL(chain_by_hash, chain_store_block_by_hash(w->v, &tip.hash, &w->row.block, err))
CALL(chain_connect, chain_store_connect(w->u, next(), 1, err))
CALL(chain_disconnect, chain_store_disconnect(w->u, &tip, 1, err))
CALL(chain_reset, chain_store_reset(w->u, 1, 1, err))
CALL(sync_get, sync_store_get(w->v, SYNC_BITCOIND, &w->row.sync, err))
CALL(sync_put, sync_store_put(w->u, sync_of(), 1, err))
CALL(sync_scan, sync_store_scan_from(w->u, SYNC_BITCOIND, 5, 1, err))
CALL(watch_output, watch_store_output(w->u, "x", at(5), 5, 1, &w->n, err))
CALL(watch_script, watch_store_script(w->u, "x", onchain_script(5), 5, 1, &w->n, err))
CALL(watch_end, watch_store_end(w->u, "exit", err))
CALL(watch_since, watch_store_since(w->v, &arena, &w->n, 9, never_watch, NULL, err))
CALL(watch_hits, watch_store_hits(w->v, &arena, "exit", &w->row.hits, &w->size, err))
CALL(watch_spent, watch_store_spent(w->u, at(77), &tx[5].told.txid, 0, tx[5].told.raw, &tip, 1, err))
CALL(watch_paid, watch_store_paid(w->u, onchain_script(9), &tx[5].told.txid, 0, tx[5].told.raw, &tip, 1, err))
CALL(watch_lowest, watch_store_lowest(w->v, &(uint32_t){ 0 }, err))
CALL(watch_lower, watch_store_lower(w->u, 1, 1, err))
CALL(watch_has, watch_store_has(w->v, 1, &tx[5].told.txid, NULL, err))
CALL(watch_unconfirmed, watch_store_unconfirmed(w->v, &w->txid, 9, never_txid, NULL, err))
CALL(watch_gone, watch_store_gone(w->u, &tx[5].told.txid, err))

static const struct {
	const char *name;
	int (*call)(struct world *w, struct err *err);
	const char *needs; /* tables, each followed by a space */
} cases[] = {
	{ "account_store_get", do_account_get, "onchain_wallet " },
	{ "account_store_set_birthday", do_account_birthday, "onchain_wallet " },
	{ "script_store_add", do_script_add, "onchain_script " },
	{ "script_store_edge", do_script_edge, "onchain_script " },
	{ "script_store_give", do_script_give, "onchain_script " },
	{ "script_store_take", do_script_take, "onchain_script " },
	{ "script_store_release", do_script_release, "onchain_script " },
	{ "script_store_rehold", do_script_rehold, "onchain_script " },
	{ "script_store_set_label", do_script_label, "onchain_script " },
	{ "script_store_set_seen", do_script_seen, "onchain_script " },
	{ "script_store_forget_seen", do_script_forget, "onchain_script onchain_tx onchain_input onchain_coin " },
	{ "script_store_find", do_script_find, "onchain_script " },
	{ "script_store_list", do_script_list, "onchain_script " },
	{ "tx_store_add_own", do_tx_own, "onchain_tx onchain_input onchain_coin onchain_script event chain_block " },
	{ "tx_store_make_own", do_tx_make_own, "onchain_tx onchain_input onchain_coin chain_block " },
	{ "tx_store_give_up", do_tx_give_up,
	  "onchain_tx onchain_input onchain_coin onchain_script event chain_block movement ledger_entry account_total " },
	{ "tx_store_seen", do_tx_seen,
	  "onchain_tx onchain_input onchain_coin onchain_script event chain_block movement ledger_entry account_total " },
	{ "tx_store_seen_again", do_tx_seen_again, "onchain_tx " },
	{ "tx_store_confirm", do_tx_confirm,
	  "onchain_tx onchain_input onchain_coin onchain_script event chain_block movement ledger_entry account_total " },
	{ "tx_store_drop", do_tx_drop,
	  "onchain_tx onchain_input onchain_coin onchain_script event chain_block movement ledger_entry account_total " },
	{ "tx_store_find", do_tx_find, "onchain_tx " },
	{ "tx_store_place", do_tx_place, "onchain_tx " },
	{ "tx_store_list", do_tx_list, "onchain_tx " },
	{ "tx_store_losses", do_tx_losses, "onchain_tx onchain_input " },
	{ "tx_store_inputs_since", do_tx_inputs, "onchain_input " },
	{ "tx_store_coins_since", do_tx_coins, "onchain_coin onchain_tx " },
	{ "tx_store_audit", do_tx_audit, "onchain_tx onchain_input onchain_coin chain_block " },
	{ "utxo_store_lock", do_utxo_lock, "onchain_coin onchain_tx movement ledger_entry account_total " },
	{ "utxo_store_release_some", do_utxo_release_some, "onchain_coin onchain_tx movement " },
	{ "utxo_store_release", do_utxo_release, "onchain_coin onchain_script movement " },
	{ "utxo_store_rehold", do_utxo_rehold, "onchain_coin onchain_script " },
	{ "utxo_store_values", do_utxo_values, "onchain_coin " },
	{ "utxo_store_values, confirmed", do_utxo_confirmed, "onchain_coin onchain_tx " },
	{ "utxo_store_by_holder", do_utxo_holder, "onchain_coin onchain_tx onchain_script " },
	{ "utxo_store_get", do_utxo_get, "onchain_coin onchain_tx onchain_script " },
	{ "utxo_store_find", do_utxo_find, "onchain_coin onchain_tx onchain_script " },
	{ "utxo_store_list", do_utxo_list, "onchain_coin onchain_tx onchain_script " },
	{ "utxo_store_sums", do_utxo_sums, "onchain_coin onchain_tx " },
	{ "chain_store_tip", do_chain_tip, "chain_block " },
	{ "chain_store_block", do_chain_block, "chain_block " },
	{ "chain_store_block_by_hash", do_chain_by_hash, "chain_block " },
	{ "chain_store_connect", do_chain_connect, "chain_block onchain_coin onchain_tx " },
	{ "chain_store_disconnect", do_chain_disconnect,
	  "chain_block chain_hit onchain_tx onchain_input onchain_coin event movement " },
	{ "chain_store_reset", do_chain_reset,
	  "chain_block chain_hit chain_watch chain_sync onchain_tx onchain_coin movement " },
	{ "sync_store_get", do_sync_get, "chain_sync " },
	{ "sync_store_put", do_sync_put, "chain_sync " },
	{ "sync_store_scan_from", do_sync_scan, "chain_sync " },
	{ "watch_store_output", do_watch_output, "chain_watch chain_sync " },
	{ "watch_store_script", do_watch_script, "chain_watch chain_sync " },
	{ "watch_store_end", do_watch_end, "chain_watch chain_hit " },
	{ "watch_store_since", do_watch_since, "chain_watch " },
	{ "watch_store_hits", do_watch_hits, "chain_watch chain_hit " },
	{ "watch_store_spent", do_watch_spent, "chain_watch chain_hit " },
	{ "watch_store_paid", do_watch_paid, "chain_watch chain_hit " },
	{ "watch_store_lowest", do_watch_lowest, "chain_watch " },
	{ "watch_store_lower", do_watch_lower, "chain_watch " },
	{ "watch_store_has", do_watch_has, "chain_hit " },
	{ "watch_store_unconfirmed", do_watch_unconfirmed, "chain_hit " },
	{ "watch_store_gone", do_watch_gone, "chain_hit " },
};

struct attempt {
	int i;
	const char *gone; /* NULL: nothing */
};

static int attempt(struct unit *u, void *ctx, struct err *err)
{
	const struct attempt *t = ctx;
	struct world w = { .u = u, .v = unit_view(u) };
	int rc;

	called = 0;
	rc = cases[t->i].call(&w, err);
	if (!t->gone && rc < 0)
		ck_abort_msg("%s: %s", cases[t->i].name, err->msg);
	if (!t->gone)
		return 0;
	ck_assert_msg(rc == -1 && err->code == ERR_INTERNAL, "%s without %s: %d", cases[t->i].name, t->gone, rc);
	ck_assert_int_eq(called, 0);
	return 0;
}

static void rename_table(const char *from, const char *to)
{
	char sql[160];

	snprintf(sql, sizeof(sql), "ALTER TABLE %s RENAME TO %s", from, to);
	scratch_sql(&scratch, sql);
}

START_TEST(refused)
{
	struct attempt t = { .i = _i };
	struct err e, *err = &e;
	char table[64];

	scratch_open(&scratch);
	arena = ARENA_LIMIT(1024 * 1024);
	scratch_unit(&scratch, fill, NULL);
	OK(store_rehearse(scratch.store, attempt, &t, err));
	store_flush(scratch.store);
	for (const char *p = cases[_i].needs; *p; p += strlen(table) + 1) {
		snprintf(table, sizeof(table), "%.*s", (int)strcspn(p, " "), p);
		rename_table(table, "gone");
		t.gone = table;
		OK(store_rehearse(scratch.store, attempt, &t, err));
		store_flush(scratch.store);
		rename_table("gone", table);
	}
	arena_done(&arena);
	scratch_close(&scratch);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/refused_onchain");
	TCase *tc = tcase_create("refused");

	tcase_add_loop_test(tc, refused, 0, (int)ARRAY_LEN(cases));
	suite_add_tcase(s, tc);
	return suite_run(s);
}
