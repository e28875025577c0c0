#include "tests/support/onchain_world.h"

#include <stdlib.h>
#include <string.h>

#include "actions/kinds.h"
#include "base/clock.h"
#include "base/rng.h"
#include "base/text.h"
#include "chain/gap.h"
#include "rails/bitcoin/address.h"
#include "rails/bitcoin/secp.h"
#include "rails/keys/keyring.h"
#include "store/chain_store.h"
#include "tests/support/turns.h"

#define WORDS     "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
#define TURN_MS   20000
#define ARENA_MAX (1024u * 1024 * 1024)

static void must(int rc, const struct err *err)
{
	if (rc < 0)
		ck_abort_msg("%s: %s", err_kind(err->code), err->msg);
}

/* --- the wallet's scripts --- */

static int make_account(struct unit *u, void *ctx, struct err *err)
{
	struct oworld *w = ctx;
	struct onchain_account have;
	struct bip32_pub account;
	char xpub[BIP32_TEXT_MAX];
	unsigned added;

	if (account_store_get(unit_view(u), &w->arena, &have, err) == 1)
		return 0;
	keyring_onchain_account(w->keys, NETWORK_REGTEST, &account);
	bip32_xpub(&account, xpub);
	must(account_store_add(u, &(struct onchain_account){ .xpub = xpub }, err), err);
	return gap_fill(u, &added, err);
}

/* --- life --- */

static void flush(void *ctx)
{
	store_flush(((struct oworld *)ctx)->disk.store);
}

static void flush_wanted(void *ctx)
{
	loop_post(((struct oworld *)ctx)->loop, flush, ctx);
}

static void start_up(struct oworld *w)
{
	const struct store_options store = {
		.path = w->disk.path, .lazily = true, .flush_wanted = flush_wanted, .ctx = w
	};
	const struct chain_backend_options backend = { .url = fake_bitcoind_url(w->node) };
	struct err err;

	must(store_open(&store, &w->disk.store, &err), &err);
	must(http_new(w->loop, &(struct http_options){ 0 }, &w->http, &err), &err);
	must(chain_source_new(&(struct chain_options){ .loop = w->loop,
						       .http = w->http,
						       .network = NETWORK_REGTEST,
						       .kind = CHAIN_BITCOIND,
						       .backends = &backend,
						       .n_backends = 1,
						       .open_min_ms = 1,
						       .open_max_ms = 1 },
			      &w->chain, &err),
	     &err);
	w->ex = executor_new(&(struct executor_options){ .store = w->disk.store,
							 .loop = w->loop,
							 .http = w->http,
							 .chain = w->chain,
							 .kinds = action_kinds,
							 .policy = w->policy,
							 .max_inflight = 64,
							 .max_inflight_per_peer = 16 });
	executor_set_keys(w->ex, w->keys);
}

static void shut_down(struct oworld *w)
{
	executor_free(w->ex);
	store_close(w->disk.store);
	w->disk.store = NULL;
	loop_unpost(w->loop, flush, w);
	chain_source_free(w->chain);
	http_free(w->http);
}

void oworld_restart(struct oworld *w)
{
	shut_down(w);
	start_up(w);
	if (!w->no_fees)
		oworld_fees(w);
}

static struct feerate rate(uint64_t sat_per_vb)
{
	struct feerate r;

	ck_assert(feerate_from_sat_per_kwu(sat_per_vb * 250, &r));
	return r;
}

static bool has_tip(struct oworld *w)
{
	struct block_row tip;
	struct err err;
	int found = chain_store_tip(store_view(w->disk.store), &tip, &err);

	must(found, &err);
	return found > 0;
}

void oworld_up(struct oworld *w, uint64_t serial)
{
	struct mnemonic words;
	uint8_t random[32];
	struct err err;

	*w = (struct oworld){ .disk = w->disk,
			      .arena = ARENA_LIMIT(ARENA_MAX),
			      .height = 100,
			      .serial = serial,
			      .refusing = w->refusing };
	w->policy.onchain = (struct onchain_policy){ .network = NETWORK_REGTEST,
						     .confirmations = OWORLD_CONFIRMATIONS,
						     .max_feerate = rate(500),
						     .spend_change = true };
	ck_assert_int_eq(setenv("WALLETD_DOUBLE_DRIVE", "1", 1), 0);
	clock_set_for_test(OWORLD_NOW_MS);
	rng_bytes(random, sizeof(random));
	ck_assert(secp_init(random));
	must(mnemonic_parse(WORDS, &words, &err), &err);
	w->keys = keyring_new(&words, "", &err);
	ck_assert_ptr_nonnull(w->keys);
	must(loop_new(&w->loop, &err), &err);
	w->node = fake_bitcoind_new(w->loop);
	fake_bitcoind_take(w->node);
	if (w->refusing)
		fake_bitcoind_error(w->node, "sendrawtransaction", -25, "bad-txns-inputs-missingorspent");
	fake_bitcoind_on_params(w->node, "estimatesmartfee", "[1,\"economical\"]", "{\"feerate\":0.00010000}");
	fake_bitcoind_on_params(w->node, "estimatesmartfee", "[3,\"economical\"]", "{\"feerate\":0.00005000}");
	fake_bitcoind_on_params(w->node, "estimatesmartfee", "[6,\"economical\"]", "{\"feerate\":0.00002000}");
	start_up(w);
	scratch_unit(&w->disk, make_account, w);
	if (!has_tip(w))
		oworld_mine(w, 1);
	oworld_fees(w);
}

void oworld_down(struct oworld *w)
{
	clock_set_for_test(-1);
	shut_down(w);
	fake_bitcoind_free(w->node);
	loop_free(w->loop);
	keyring_free(w->keys);
	arena_done(&w->arena);
}

void oworld_open(struct oworld *w)
{
	scratch_place(&w->disk);
	oworld_up(w, 0);
}

void oworld_close(struct oworld *w)
{
	oworld_down(w);
	scratch_close(&w->disk);
}

/* --- turns --- */

static bool at_rest(void *ctx)
{
	struct oworld *w = ctx;
	unsigned due;
	struct err err;

	must(action_store_backlog(store_view(w->disk.store), clock_now_ms(), 1, &due, &err), &err);
	return executor_idle(w->ex) && due == 0 && chain_in_flight(w->chain) == 0;
}

static void run_until_quiet(struct oworld *w)
{
	turns_rest(w->loop, at_rest, w, TURN_MS);
}

static void fees_told(void *ctx, const struct chain_answer *got)
{
	(void)ctx;
	ck_assert_int_eq(got->err.code, ERR_NONE);
}

void oworld_fees(struct oworld *w)
{
	chain_ask_fees(w->chain, (struct chain_then){ fees_told, NULL });
	run_until_quiet(w);
}

struct living {
	struct action_id ids[64];
	size_t n;
};

static void note_living(void *ctx, const struct action_row *row)
{
	struct living *l = ctx;

	ck_assert_uint_lt(l->n, ARRAY_LEN(l->ids));
	l->ids[l->n++] = row->id;
}

void oworld_turn(struct oworld *w)
{
	struct action_query q = { .filter = ACTIONS_ACTIVE, .limit = 64 };
	struct living l = { .n = 0 };
	struct err err;

	(void)turns_until(w->loop, NULL, NULL, 2); /* a node that gave trouble is spared for 1 ms, above */
	executor_run(w->ex);                       /* what has become due meanwhile */
	run_until_quiet(w);
	must(action_store_list(store_view(w->disk.store), &w->arena, &q, note_living, &l, &err), &err);
	for (size_t i = 0; i < l.n; i++)
		must(executor_wake(w->ex, &l.ids[i], &err), &err);
	run_until_quiet(w);
}

/* --- the chain --- */

struct block_in {
	struct oworld *w;
	const struct told_tx *tx; /* or NULL */
};

static void block_hash_of(uint64_t serial, struct block_hash *ret)
{
	*ret = (struct block_hash){ { 0xb1 } };
	memcpy(ret->b + 8, &serial, sizeof(serial));
}

static int connect(struct unit *u, void *ctx, struct err *err)
{
	struct block_in *in = ctx;
	struct block_row tip, block = { .time_s = OWORLD_NOW_MS / 1000 };
	int found = chain_store_tip(unit_view(u), &tip, err);

	must(found, err);
	block.ref.height = found ? tip.ref.height + 1 : in->w->height;
	block_hash_of(++in->w->serial, &block.ref.hash);
	if (found)
		block.prev = tip.ref.hash;
	must(chain_store_connect(u, &block, OWORLD_NOW_MS, err), err);
	if (in->tx)
		ck_assert_int_eq(tx_store_confirm(u, in->tx, &block.ref, 1, OWORLD_NOW_MS, err), 1);
	return 0;
}

static void connect_block(struct oworld *w, const struct told_tx *tx)
{
	struct block_in in = { w, tx };

	scratch_unit(&w->disk, connect, &in);
}

void oworld_mine(struct oworld *w, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		connect_block(w, NULL);
}

static struct told_tx told_of(struct oworld *w, const struct tx *tx)
{
	struct outpoint *in = ARENA_ARRAY(&w->arena, tx->n_in, struct outpoint);
	struct told_out *out = ARENA_ARRAY(&w->arena, tx->n_out, struct told_out);

	for (size_t i = 0; i < tx->n_in; i++)
		in[i] = tx->in[i].prevout;
	for (size_t i = 0; i < tx->n_out; i++)
		out[i] = (struct told_out){ tx->out[i].value, tx->out[i].script };
	return (struct told_tx){ tx_txid(tx), tx_bytes(&w->arena, tx), in, tx->n_in, out, tx->n_out, false };
}

struct tx oworld_tx(struct oworld *w, const struct txid *txid)
{
	struct tx_row row;
	struct err err;
	struct tx tx;

	ck_assert_int_eq(tx_store_find(store_view(w->disk.store), &w->arena, txid, &row, &err), 1);
	must(tx_decode(&w->arena, row.raw, &tx, &err), &err);
	return tx;
}

void oworld_mine_tx(struct oworld *w, const struct txid *txid)
{
	struct tx tx = oworld_tx(w, txid);
	struct told_tx told = told_of(w, &tx);

	connect_block(w, &told);
}

static int disconnect(struct unit *u, void *ctx, struct err *err)
{
	struct block_row tip;

	(void)ctx;
	ck_assert_int_eq(chain_store_tip(unit_view(u), &tip, err), 1);
	return chain_store_disconnect(u, &tip.ref, OWORLD_NOW_MS, err);
}

void oworld_reorg(struct oworld *w, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		scratch_unit(&w->disk, disconnect, NULL);
}

struct giving {
	struct oworld *w;
	struct script_row row;
};

static int give(struct unit *u, void *ctx, struct err *err)
{
	struct giving *g = ctx;

	return script_store_give(u, &g->w->arena, SCRIPT_RECEIVE, NULL, OWORLD_NOW_MS, &g->row, err);
}

/* One input of nobody we know, or the one given; one output. */
static struct tx strangers_tx(struct oworld *w, const struct outpoint *spends, struct bytes script, uint64_t sat)
{
	struct tx tx = { .version = 2, .n_in = 1, .n_out = 1 };

	tx.in = ARENA_NEW(&w->arena, struct tx_in);
	tx.out = ARENA_NEW(&w->arena, struct tx_out);
	w->serial++;
	if (spends)
		tx.in->prevout = *spends;
	else
		memcpy(tx.in->prevout.txid.b, &w->serial, sizeof(w->serial));
	ck_assert(sat_from_u64(sat, &tx.out->value));
	tx.out->script = script;
	return tx;
}

static int see(struct unit *u, void *ctx, struct err *err)
{
	ck_assert_int_eq(tx_store_seen(u, ctx, OWORLD_NOW_MS, err), 1);
	return 0;
}

static struct outpoint fund(struct oworld *w, uint64_t sat, bool pending)
{
	struct giving g = { .w = w };
	struct told_tx told;
	struct tx tx;

	scratch_unit(&w->disk, give, &g);
	tx = strangers_tx(w, NULL, g.row.script, sat);
	told = told_of(w, &tx);
	if (pending)
		scratch_unit(&w->disk, see, &told);
	else
		connect_block(w, &told);
	return (struct outpoint){ told.txid, 0 };
}

struct outpoint oworld_fund(struct oworld *w, uint64_t sat)
{
	return fund(w, sat, false);
}

struct outpoint oworld_fund_pending(struct oworld *w, uint64_t sat)
{
	return fund(w, sat, true);
}

struct txid oworld_double_spend(struct oworld *w, const struct txid *ours)
{
	struct tx old = oworld_tx(w, ours), tx;
	struct told_tx told;
	struct spk spk;
	struct err err;

	must(address_parse(OWORLD_PAYEE2, NETWORK_REGTEST, &spk, &err), &err);
	tx = strangers_tx(w, &old.in[0].prevout, spk_bytes(&spk), 1000);
	told = told_of(w, &tx);
	connect_block(w, &told);
	return told.txid;
}

/* --- actions --- */

struct starting {
	struct oworld *w;
	struct action_request req;
	struct action_id id;
	json_t *plan;
};

static int start_run(struct unit *u, void *ctx, struct err *err)
{
	struct starting *st = ctx;
	bool existing;

	return executor_start(st->w->ex, u, &st->w->arena, &st->req, &st->id, &existing, &st->plan, err);
}

static struct starting starting(struct oworld *w, const char *params)
{
	struct starting st = { .w = w, .req.kind = "onchain_send" };
	struct err err;

	must(json_parse(&w->arena, bytes_of(params), JSON_DEPTH_MAX, &st.req.params, &err), &err);
	return st;
}

struct action_id oworld_start(struct oworld *w, const char *params)
{
	struct starting st = starting(w, params);
	struct err err;

	must(store_unit_now(w->disk.store, start_run, &st, &err), &err);
	executor_kick(w->ex, &st.id);
	run_until_quiet(w);
	return st.id;
}

const char *oworld_refused(struct oworld *w, const char *params, const char *error_kind, const char *field)
{
	struct starting st = starting(w, params);
	struct err err;

	ck_assert_int_eq(store_unit_now(w->disk.store, start_run, &st, &err), -1);
	store_flush(w->disk.store);
	if (strcmp(err_kind(err.code), error_kind) != 0 || strcmp(err.field, field) != 0)
		ck_abort_msg("%s: %s (%s): %s", params, err_kind(err.code), err.field, err.msg);
	return arena_strdup(&w->arena, err.msg);
}

json_t *oworld_plan(struct oworld *w, const char *params)
{
	struct starting st = starting(w, params);
	struct err err;

	st.req.dry_run = true;
	must(store_rehearse(w->disk.store, start_run, &st, &err), &err);
	store_flush(w->disk.store);
	return st.plan;
}

struct amending {
	struct oworld *w;
	const struct action_id *id;
	json_t *params, *plan;
};

static int amend_run(struct unit *u, void *ctx, struct err *err)
{
	struct amending *m = ctx;

	return executor_amend(m->w->ex, u, &m->w->arena, m->id, m->params, false, &m->plan, err);
}

int oworld_amend(struct oworld *w, const struct action_id *id, const char *params, struct err *err)
{
	struct amending m = { .w = w, .id = id };
	int rc;

	must(json_parse(&w->arena, bytes_of(params), JSON_DEPTH_MAX, &m.params, err), err);
	rc = store_unit_now(w->disk.store, amend_run, &m, err);
	store_flush(w->disk.store);
	if (rc == 0)
		executor_kick(w->ex, id);
	run_until_quiet(w);
	return rc;
}

struct answered {
	bool yes;
	struct err err;
};

static void cancel_answered(void *ctx, const struct err *err)
{
	struct answered *a = ctx;

	a->yes = true;
	err_clear(&a->err);
	if (err)
		a->err = *err;
}

const char *oworld_cancel(struct oworld *w, const struct action_id *id)
{
	struct answered a = { .yes = false };

	executor_cancel(w->ex, id, cancel_answered, &a);
	run_until_quiet(w);
	ck_assert(a.yes);
	return a.err.code == ERR_NONE ? NULL : err_kind(a.err.code);
}

struct action_row oworld_row(struct oworld *w, const struct action_id *id)
{
	struct action_row row;
	struct err err;

	must(action_store_get(store_view(w->disk.store), &w->arena, id, &row, &err), &err);
	return row;
}

const char *oworld_state(struct oworld *w, const struct action_id *id)
{
	struct action_row row = oworld_row(w, id);

	return action_status_is_final(row.status) ? action_status_name(row.status) : executor_state_name(w->ex, &row);
}

json_t *oworld_result(struct oworld *w, const struct action_id *id)
{
	struct action_row row = oworld_row(w, id);
	struct err err;
	json_t *v;

	ck_assert_ptr_nonnull(row.result);
	must(json_parse(&w->arena, bytes_of(row.result), JSON_DEPTH_MAX, &v, &err), &err);
	return v;
}

json_t *oworld_progress(struct oworld *w, const struct action_id *id)
{
	struct action_row row = oworld_row(w, id);

	return executor_progress(w->ex, &w->arena, &row, true);
}

struct txid oworld_txid(struct oworld *w, const struct action_id *id)
{
	json_t *v = oworld_row(w, id).result ? oworld_result(w, id) : oworld_progress(w, id);
	struct txid txid;

	ck_assert(txid_parse(json_string_value(json_object_get(v, "txid")), &txid));
	return txid;
}

enum tx_place oworld_place(struct oworld *w, const struct txid *txid)
{
	struct block_ref block;
	enum tx_place place;
	struct err err;

	ck_assert_int_eq(tx_store_place(store_view(w->disk.store), txid, &place, &block, &err), 1);
	return place;
}

/* --- money --- */

uint64_t oworld_sum(struct oworld *w, enum utxo_state s)
{
	struct utxo_sums sums;
	struct err err;

	must(utxo_store_sums(store_view(w->disk.store), &sums, &err), &err);
	return sat_value(sums.of[s]);
}

int64_t oworld_account(struct oworld *w, enum account acc)
{
	struct account_total *totals;
	struct err err;
	int64_t sum = 0;
	size_t n;

	must(movement_totals(store_view(w->disk.store), &w->arena, &totals, &n, &err), &err);
	for (size_t i = 0; i < n; i++)
		if (strcmp(totals[i].rail, RAIL_ONCHAIN) == 0)
			sum += totals[i].total[acc];
	return sum;
}

void oworld_check(struct oworld *w)
{
	struct err err;

	must(movement_audit(store_view(w->disk.store), &err), &err);
	must(movement_check(store_view(w->disk.store), &err), &err);
	must(tx_store_audit(store_view(w->disk.store), &err), &err);
}
