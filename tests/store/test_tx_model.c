/* The on-chain tables against a model: random receipts, sends, replacements, conflicts, blocks and reorganisations.  After
 * every step each coin, each transaction and the ledger are what a program of arrays, written from the rules of tx_store.h and
 * utxo_store.h alone, says that they are. */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "tests/support/onchain_rows.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#define TXS       80
#define BLOCKS    400
#define SCRIPTS   12
#define HOLDERS   3
#define FIRST     100u /* height of the first block */
#define PER_BLOCK 6

static struct scratch scratch;

struct mtx {
	struct onchain_tx tx;
	int script[ONCHAIN_TX_PARTS]; /* -1: a stranger's */
	int holder[ONCHAIN_TX_PARTS]; /* of each output; 0 nobody */
	bool own, coinbase, has_fee;
	uint64_t fee; /* as told */
	enum tx_trust trust;
	bool known;          /* the store has it */
	enum tx_place place; /* when known */
	bool mined;          /* in a block of the chain, known or not */
	unsigned height;
};
struct mblock {
	unsigned id, n;
	int tx[PER_BLOCK];
};
static struct {
	struct mtx tx[TXS];
	int n;
	struct mblock chain[BLOCKS];
	unsigned height; /* blocks in chain */
	unsigned next_block, next_foreign;
} m;

static uint64_t value_of(int i, uint32_t vout)
{
	return sat_value(m.tx[i].tx.out[vout].value);
}

/* Which of the model's makes this outpoint, or -1. */
static int maker_of(const struct outpoint *at)
{
	for (int i = 0; i < m.n; i++)
		if (txid_equal(&m.tx[i].tx.told.txid, &at->txid))
			return i;
	return -1;
}

static bool is_coin(const struct outpoint *at)
{
	int i = maker_of(at);

	return i >= 0 && m.tx[i].known && at->vout < m.tx[i].tx.told.n_out && m.tx[i].script[at->vout] >= 0;
}

static bool spends(int i, const struct outpoint *at)
{
	for (size_t k = 0; k < m.tx[i].tx.told.n_in; k++)
		if (outpoint_equal(&m.tx[i].tx.in[k], at))
			return true;
	return false;
}

static bool rivals(int i, int k)
{
	for (size_t n = 0; i != k && n < m.tx[i].tx.told.n_in; n++)
		if (spends(k, &m.tx[i].tx.in[n]))
			return true;
	return false;
}

static bool is_child(int i, int parent)
{
	for (size_t n = 0; n < m.tx[i].tx.told.n_in; n++)
		if (txid_equal(&m.tx[i].tx.in[n].txid, &m.tx[parent].tx.told.txid))
			return true;
	return false;
}

static bool is_live(int i)
{
	return m.tx[i].known && (m.tx[i].place == TX_PENDING || m.tx[i].place == TX_CONFIRMED);
}

/* --- the rules --- */

static bool concerns(int i)
{
	for (size_t n = 0; n < m.tx[i].tx.told.n_out; n++)
		if (m.tx[i].script[n] >= 0)
			return true;
	for (size_t n = 0; n < m.tx[i].tx.told.n_in; n++)
		if (is_coin(&m.tx[i].tx.in[n]))
			return true;
	return false;
}

/* What beats a known one in a block. */
static bool beats_one(int i)
{
	for (int k = 0; k < m.n; k++)
		if (rivals(i, k) && m.tx[k].known)
			return true;
	return false;
}

static void go_out(int i)
{
	m.tx[i].place = TX_OUT;
	for (int k = 0; k < m.n; k++)
		if (m.tx[k].known && m.tx[k].place == TX_PENDING && is_child(k, i))
			go_out(k);
}

static void win(int i, enum tx_place from)
{
	for (int k = 0; k < m.n; k++)
		if (rivals(i, k) && m.tx[k].known && m.tx[k].place >= from && m.tx[k].place <= TX_PENDING)
			go_out(k);
}

static bool rival_confirmed(int i)
{
	for (int k = 0; k < m.n; k++)
		if (rivals(i, k) && m.tx[k].known && m.tx[k].place == TX_CONFIRMED)
			return true;
	return false;
}

static void told(int i, bool mined)
{
	if (!m.tx[i].known && (concerns(i) || (mined && beats_one(i)))) {
		m.tx[i].known = true;
		m.tx[i].place = TX_OUT;
	}
}

static void model_seen(int i)
{
	told(i, false);
	if (!m.tx[i].known)
		win(i, TX_PENDING);
	else if (m.tx[i].place != TX_PENDING && m.tx[i].place != TX_CONFIRMED && !rival_confirmed(i)) {
		win(i, TX_PENDING);
		m.tx[i].place = TX_PENDING;
	}
}

static void model_confirm(int i, unsigned height)
{
	told(i, true);
	win(i, TX_STORED);
	m.tx[i].mined = true;
	m.tx[i].height = height;
	if (m.tx[i].known)
		m.tx[i].place = TX_CONFIRMED;
}

static void model_unconfirm(int i)
{
	m.tx[i].mined = false;
	if (!m.tx[i].known)
		return;
	if (m.tx[i].coinbase)
		go_out(i);
	else
		m.tx[i].place = TX_PENDING;
}

static enum tx_trust trusted(int i)
{
	enum tx_trust least = m.tx[i].trust;

	if (m.tx[i].place == TX_CONFIRMED)
		return TRUST_SPEND;
	if (m.tx[i].place != TX_PENDING || !m.tx[i].own)
		return TRUST_NONE;
	for (size_t n = 0; n < m.tx[i].tx.told.n_in; n++)
		if (is_coin(&m.tx[i].tx.in[n]) && trusted(maker_of(&m.tx[i].tx.in[n])) < least)
			least = trusted(maker_of(&m.tx[i].tx.in[n]));
	return least;
}

static bool fee_of(int i, uint64_t *ret)
{
	uint64_t in = 0, out = 0;
	size_t ours = 0;

	for (size_t n = 0; n < m.tx[i].tx.told.n_in; n++)
		if (is_coin(&m.tx[i].tx.in[n])) {
			in += value_of(maker_of(&m.tx[i].tx.in[n]), m.tx[i].tx.in[n].vout);
			ours++;
		}
	for (size_t n = 0; n < m.tx[i].tx.told.n_out; n++)
		out += value_of(i, (uint32_t)n);
	if (ours > 0 && ours == m.tx[i].tx.told.n_in && in >= out)
		*ret = in - out;
	else if (m.tx[i].has_fee)
		*ret = m.tx[i].fee;
	else
		return false;
	return true;
}

static unsigned tip_height(void)
{
	return FIRST + m.height - 1;
}

static int spender_of(int i, uint32_t vout)
{
	struct outpoint at = { m.tx[i].tx.told.txid, vout };

	for (int k = 0; k < m.n; k++)
		if (is_live(k) && spends(k, &at))
			return k;
	return -1;
}

static enum utxo_state state_of(int i, uint32_t vout)
{
	if (!is_live(i))
		return UTXO_ABSENT;
	if (spender_of(i, vout) >= 0)
		return UTXO_SPENT;
	if (m.tx[i].place == TX_PENDING && trusted(i) == TRUST_NONE)
		return UTXO_PENDING;
	if (m.tx[i].place == TX_PENDING && trusted(i) == TRUST_WAIT)
		return UTXO_WAITING;
	if (m.tx[i].coinbase && tip_height() < m.tx[i].height + 99)
		return UTXO_IMMATURE;
	return m.tx[i].holder[vout] ? UTXO_LOCKED : UTXO_SPENDABLE;
}

/* --- comparing --- */

static struct view now(void)
{
	return store_view(scratch.store);
}

static void compare_coin(int i, uint32_t vout, const char *after)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	static const char *const names[] = { "", "h1", "h2", "h3" };
	struct outpoint at = { m.tx[i].tx.told.txid, vout };
	struct utxo_row row;
	struct err e, *err = &e;

	ck_assert_int_eq(utxo_store_find(now(), &a, &at, &row, err), 1);
	ck_assert_msg(row.state == state_of(i, vout), "after %s: coin %d:%u is %s, not %s", after, i, vout,
		      utxo_state_name(row.state), utxo_state_name(state_of(i, vout)));
	ck_assert_str_eq(row.holder.s, names[m.tx[i].holder[vout]]);
	ck_assert_uint_eq(sat_value(row.value), value_of(i, vout));
	if (row.state == UTXO_SPENT)
		ck_assert(txid_equal(&row.spent_by, &m.tx[spender_of(i, vout)].tx.told.txid));
}

static void compare_tx(int i, const char *after)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct tx_row row;
	struct err e, *err = &e;
	uint64_t fee = 0;
	bool has_fee = m.tx[i].known && fee_of(i, &fee);
	int rc = tx_store_find(now(), &a, &m.tx[i].tx.told.txid, &row, err);

	ck_assert_msg(rc == m.tx[i].known, "after %s: tx %d is %s", after, i, rc ? "known" : "not known");
	if (rc == 0)
		return;
	ck_assert_msg(row.place == m.tx[i].place, "after %s: tx %d is %s, not %s", after, i, tx_place_name(row.place),
		      tx_place_name(m.tx[i].place));
	ck_assert_int_eq(row.trusted, trusted(i));
	ck_assert_int_eq(row.has_fee, has_fee);
	ck_assert_uint_eq(sat_value(row.fee), has_fee ? fee : 0);
	if (row.place == TX_CONFIRMED) {
		struct block_hash hash = onchain_hash(m.chain[m.tx[i].height - FIRST].id);

		ck_assert_uint_eq(row.block.height, m.tx[i].height);
		ck_assert(block_hash_equal(&row.block.hash, &hash));
	}
	for (size_t n = 0; n < m.tx[i].tx.told.n_out; n++)
		if (m.tx[i].script[n] >= 0)
			compare_coin(i, (uint32_t)n, after);
}

static void compare_ledger(const char *after)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	int64_t should[ACCOUNT_MAX + 1] = { 0 };
	struct account_total *t;
	struct err e, *err = &e;
	uint64_t fee;
	size_t n;

	for (int i = 0; i < m.n; i++) {
		for (uint32_t k = 0; m.tx[i].known && k < m.tx[i].tx.told.n_out; k++)
			if (m.tx[i].script[k] >= 0)
				should[utxo_account(state_of(i, k))] += (int64_t)value_of(i, k);
		if (is_live(i) && fee_of(i, &fee))
			should[ACCOUNT_FEES] += (int64_t)fee;
	}
	OK(movement_totals(now(), &a, &t, &n, err));
	ck_assert_uint_le(n, 1);
	for (int acc = 1; acc <= ACCOUNT_MAX; acc++)
		ck_assert_msg(acc == ACCOUNT_OUTSIDE || (n ? t[0].total[acc] : 0) == should[acc],
			      "after %s: %s is %" PRId64 ", not %" PRId64, after, account_name((enum account)acc),
			      n ? t[0].total[acc] : 0, should[acc]);
}

static void compare(const char *after)
{
	struct err e, *err = &e;

	for (int i = 0; i < m.n; i++)
		compare_tx(i, after);
	compare_ledger(after);
	OK(movement_check(now(), err));
	OK(tx_store_audit(now(), err));
}

/* --- making transactions --- */

static int new_tx(void)
{
	int i = m.n++;

	memset(&m.tx[i], 0, sizeof(m.tx[i]));
	onchain_tx(&m.tx[i].tx, (unsigned)i + 1);
	return i;
}

static void pay(int i, int script, uint64_t v)
{
	m.tx[i].script[m.tx[i].tx.told.n_out] = script;
	onchain_pay(&m.tx[i].tx, script < 0 ? ONCHAIN_FOREIGN : (unsigned)script, v);
}

static void spend(int i, int from, uint32_t vout)
{
	onchain_spend(&m.tx[i].tx, (unsigned)from + 1, vout);
}

static void spend_foreign(int i)
{
	onchain_spend(&m.tx[i].tx, 100000 + m.next_foreign++, 0);
}

static int any_script(void)
{
	return (int)rng_below(2 * SCRIPTS);
}

/* A coin in one of these states, or false. */
static bool pick_coin(unsigned states, int *ret, uint32_t *ret_vout)
{
	int first = m.n ? (int)rng_below((uint64_t)m.n) : 0;

	for (int k = 0; k < m.n; k++) {
		int i = (first + k) % m.n;

		for (uint32_t n = 0; m.tx[i].known && n < m.tx[i].tx.told.n_out; n++)
			if (m.tx[i].script[n] >= 0 && (states >> state_of(i, n) & 1)) {
				*ret = i;
				*ret_vout = n;
				return true;
			}
	}
	return false;
}

/* --- steps: each changes the store and the model, in one unit --- */

static bool excluded_by_stranger(int i)
{
	for (int k = 0; k < m.n; k++)
		if (rivals(i, k) && m.tx[k].mined && !m.tx[k].known)
			return true;
	return m.tx[i].coinbase;
}

/* A mempool has it, where one can. */
static int see(struct unit *u, int i, struct err *err)
{
	if (excluded_by_stranger(i) || (m.tx[i].mined && !m.tx[i].known))
		return 0;
	if (m.tx[i].known && rng_below(2))
		OK(tx_store_seen_again(u, &m.tx[i].tx.told.txid, 2000, err));
	else
		ck_assert_int_eq(tx_store_seen(u, &m.tx[i].tx.told, 2000, err), m.tx[i].known || concerns(i));
	model_seen(i);
	return 0;
}

static int step_receive(struct unit *u, void *ctx, struct err *err)
{
	int i = new_tx(), rival = rng_below(3) == 0 && m.n > 1 ? (int)rng_below((uint64_t)m.n - 1) : -1;

	(void)ctx;
	if (rival >= 0 && m.tx[rival].tx.told.n_in > 0 && !m.tx[rival].mined)
		m.tx[i].tx.in[m.tx[i].tx.told.n_in++] = m.tx[rival].tx.in[0]; /* he takes back what he offered */
	else
		spend_foreign(i);
	pay(i, rng_below(4) ? any_script() : -1, 1000 + rng_below(100000));
	if (rng_below(3) == 0)
		pay(i, any_script(), 500 + rng_below(100000));
	return rng_below(2) ? see(u, i, err) : 0;
}

/* Locks one or two coins and signs what spends them; perhaps with an input that is not ours. */
static int step_send(struct unit *u, void *ctx, struct err *err)
{
	uint64_t sum = 0;
	uint32_t vout;
	int i, from, holder = 1 + (int)rng_below(HOLDERS);
	struct own_tx own = { .kind = "send", .trust = (enum tx_trust)rng_below(3), .label = "rent" };

	(void)ctx;
	if (!pick_coin(1u << UTXO_SPENDABLE, &from, &vout))
		return 0;
	i = new_tx();
	m.tx[i].own = true;
	m.tx[i].trust = own.trust;
	for (unsigned k = 0; k < 2 && pick_coin(1u << UTXO_SPENDABLE, &from, &vout); k++) {
		struct outpoint at = { m.tx[from].tx.told.txid, vout };

		snprintf(own.action.s, sizeof(own.action.s), "h%d", holder);
		OK(utxo_store_lock(u, &at, 1, &own.action, 1000, err));
		m.tx[from].holder[vout] = holder;
		spend(i, from, vout);
		sum += value_of(from, vout);
	}
	if (rng_below(4) == 0) {
		spend_foreign(i);
		own.has_fee = m.tx[i].has_fee = true;
		m.tx[i].fee = 77;
		own.fee = onchain_sat(77);
	}
	pay(i, -1, sum / 2);
	pay(i, SCRIPTS + (int)rng_below(SCRIPTS), sum / 3);
	OK(tx_store_add_own(u, &m.tx[i].tx.told, &own, 1000, err));
	m.tx[i].known = true;
	m.tx[i].place = TX_STORED;
	return 0;
}

/* Somebody with the same seed, or ourselves once more: another transaction spends what one spends already. */
static int step_rival(struct unit *u, void *ctx, struct err *err)
{
	struct own_tx own = { .kind = "bump", .trust = TRUST_SPEND, .action = { "h1" } };
	uint32_t vout;
	int i, from;

	(void)ctx;
	if (!pick_coin(1u << UTXO_SPENT | 1u << UTXO_LOCKED | 1u << UTXO_SPENDABLE | 1u << UTXO_PENDING, &from, &vout))
		return 0;
	i = new_tx();
	spend(i, from, vout);
	pay(i, rng_below(2) ? any_script() : -1, value_of(from, vout) / 2);
	if (rng_below(2))
		return 0;
	if (rival_confirmed(i)) {
		FAILS(tx_store_add_own(u, &m.tx[i].tx.told, &own, 1000, err), ERR_CONFLICT);
		return 0;
	}
	m.tx[i].own = true;
	m.tx[i].trust = own.trust;
	OK(tx_store_add_own(u, &m.tx[i].tx.told, &own, 1000, err));
	m.tx[i].known = true;
	m.tx[i].place = TX_STORED;
	return 0;
}

static int step_seen(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	return m.n ? see(u, (int)rng_below((uint64_t)m.n), err) : 0;
}

static int step_drop(struct unit *u, void *ctx, struct err *err)
{
	int i = m.n ? (int)rng_below((uint64_t)m.n) : 0;
	bool give_up = rng_below(3) == 0;

	(void)ctx;
	if (m.n == 0 || !m.tx[i].known || m.tx[i].place == TX_CONFIRMED)
		return 0;
	if (give_up)
		OK(tx_store_give_up(u, &m.tx[i].tx.told.txid, 2000, err));
	else
		OK(tx_store_drop(u, &m.tx[i].tx.told.txid, NULL, 2000, err));
	if (m.tx[i].place == TX_PENDING || (give_up && m.tx[i].place == TX_STORED))
		go_out(i);
	return 0;
}

static int step_hold(struct unit *u, void *ctx, struct err *err)
{
	int from, holder = 1 + (int)rng_below(HOLDERS);
	struct action_id id;
	uint32_t vout;

	(void)ctx;
	snprintf(id.s, sizeof(id.s), "h%d", holder);
	if (rng_below(2) && pick_coin(1u << UTXO_SPENDABLE, &from, &vout)) {
		struct outpoint at = { m.tx[from].tx.told.txid, vout };

		OK(utxo_store_lock(u, &at, 1, &id, 1000, err));
		m.tx[from].holder[vout] = holder;
		return 0;
	}
	OK(utxo_store_release(u, &id, 1000, err));
	for (int i = 0; i < m.n; i++)
		for (int n = 0; n < ONCHAIN_TX_PARTS; n++)
			if (m.tx[i].holder[n] == holder)
				m.tx[i].holder[n] = 0;
	return 0;
}

/* May a block have it next: nothing that a block has spends the same, and all that it spends is in a block. */
static bool minable(int i)
{
	if (m.tx[i].mined || m.tx[i].coinbase)
		return false;
	for (int k = 0; k < m.n; k++)
		if (m.tx[k].mined && rivals(i, k))
			return false;
	for (size_t n = 0; n < m.tx[i].tx.told.n_in; n++) {
		int from = maker_of(&m.tx[i].tx.in[n]);

		if (from >= 0 &&
		    (!m.tx[from].mined || (m.tx[from].coinbase && tip_height() + 1 < m.tx[from].height + 100)))
			return false;
	}
	return true;
}

static void confirm(struct unit *u, const struct block_ref *ref, int i, uint32_t pos)
{
	struct err e, *err = &e;

	ck_assert_int_eq(tx_store_confirm(u, &m.tx[i].tx.told, ref, pos, 3000, err),
			 m.tx[i].known || concerns(i) || beats_one(i));
	model_confirm(i, ref->height);
}

/* The block as it is in the chain's next place. */
static void connect_again(struct unit *u)
{
	struct mblock *b = &m.chain[m.height++];
	struct block_ref ref = onchain_connect(u, b->id);

	ck_assert_uint_eq(ref.height, tip_height());
	for (unsigned k = 0; k < b->n; k++)
		confirm(u, &ref, b->tx[k], k);
}

static void disconnect(struct unit *u)
{
	struct mblock *b = &m.chain[--m.height];

	onchain_disconnect(u);
	for (unsigned k = b->n; k-- > 0;)
		model_unconfirm(b->tx[k]);
}

static int step_block(struct unit *u, void *ctx, struct err *err)
{
	struct mblock *b = &m.chain[m.height];
	struct block_ref ref;

	(void)ctx;
	(void)err;
	if (m.height == BLOCKS)
		return 0;
	*b = (struct mblock){ .id = ++m.next_block };
	ref = onchain_connect(u, b->id);
	m.height++;
	if (rng_below(4) == 0 && m.n < TXS - 1) {
		int i = new_tx();

		m.tx[i].coinbase = m.tx[i].tx.told.coinbase = true;
		pay(i, any_script(), 5000);
		b->tx[b->n++] = i;
		confirm(u, &ref, i, 0);
	}
	for (int i = 0; i < m.n && b->n < PER_BLOCK; i++)
		if (rng_below(3) == 0 && minable(i)) {
			b->tx[b->n++] = i;
			confirm(u, &ref, i, b->n - 1);
		}
	return 0;
}

static int step_empty_blocks(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	(void)err;
	for (uint64_t n = 20 + rng_below(60); n > 0 && m.height < BLOCKS; n--) {
		m.chain[m.height] = (struct mblock){ .id = ++m.next_block };
		connect_again(u);
	}
	return 0;
}

static int step_reorg(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	(void)err;
	for (uint64_t n = 1 + rng_below(rng_below(4) ? 3 : 30); n > 0 && m.height > 1; n--)
		disconnect(u);
	return 0;
}

/* --- the same blocks give the same rows --- */

static const char dump_sql[] =
	"SELECT group_concat(line, char(10)) FROM ("
	"SELECT 'tx ' || id || ' ' || place || ' ' || ifnull(height, '-') || ' ' || ifnull(hex(hash), '-') || ' '"
	" || ifnull(pos, '-') || ' ' || kind || ' ' || trusted || ' ' || ifnull(fee, '-') || ' ' || booked || ' '"
	" || ifnull(hex(replaced_by), '-') AS line FROM onchain_tx UNION ALL "
	"SELECT 'coin ' || id || ' ' || tx_id || ' ' || vout || ' ' || state || ' ' || ifnull(holder, '-') || ' '"
	" || ifnull(spent_by, '-') FROM onchain_coin UNION ALL "
	"SELECT 'script ' || id || ' ' || given || ' ' || used FROM onchain_script UNION ALL "
	"SELECT 'total ' || account || ' ' || total FROM account_total WHERE total <> 0)";

static void dump(char *to, size_t size)
{
	sqlite3_stmt *q = NULL;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(scratch.path, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_prepare_v2(db, dump_sql, -1, &q, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
	ck_assert_int_eq(sqlite3_step(q), SQLITE_ROW);
	snprintf(to, size, "%s", (const char *)sqlite3_column_text(q, 0));
	ck_assert_uint_lt(strlen(to) + 1, size);
	sqlite3_finalize(q);
	sqlite3_close(db);
}

static int there_and_back(struct unit *u, void *ctx, struct err *err)
{
	unsigned n = *(unsigned *)ctx;

	(void)err;
	for (unsigned k = 0; k < n; k++)
		disconnect(u);
	for (unsigned k = 0; k < n; k++)
		connect_again(u);
	return 0;
}

static void same_rows_again(void)
{
	static char before[128 * 1024], after[128 * 1024];
	unsigned n = 1 + (unsigned)rng_below(6);
	const char *same, *other;

	if (m.height <= n)
		return;
	dump(before, sizeof(before));
	scratch_unit(&scratch, there_and_back, &n);
	dump(after, sizeof(after));
	for (same = before, other = after; *same && *same == *other; same++)
		other++;
	ck_assert_msg(*same == *other, "the same blocks give other rows: %.80s, not %.80s", other, same);
}

/* --- the run --- */

static const struct {
	const char *name;
	int (*step)(struct unit *u, void *ctx, struct err *err);
	unsigned often;
} steps[] = {
	{ "receive", step_receive, 6 }, { "send", step_send, 5 },
	{ "rival", step_rival, 3 },     { "seen", step_seen, 12 },
	{ "drop", step_drop, 2 },       { "hold", step_hold, 3 },
	{ "block", step_block, 6 },     { "empty blocks", step_empty_blocks, 1 },
	{ "reorg", step_reorg, 2 },
};

static size_t any_step(void)
{
	unsigned all = 0, at;

	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		all += steps[i].often;
	at = (unsigned)rng_below(all);
	for (size_t i = 0;; i++) {
		if (at < steps[i].often)
			return i;
		at -= steps[i].often;
	}
}

static int make_wallet(struct unit *u, void *ctx, struct err *err)
{
	(void)ctx;
	(void)err;
	onchain_wallet(u, SCRIPTS);
	m.chain[0] = (struct mblock){ .id = ++m.next_block };
	connect_again(u);
	return 0;
}

static void setup(void)
{
	scratch_open(&scratch);
	memset(&m, 0, sizeof(m));
	scratch_unit(&scratch, make_wallet, NULL);
}

static void teardown(void)
{
	rng_seed_for_test(0);
	scratch_close(&scratch);
}

START_TEST(store_and_model_agree)
{
	struct err e, *err = &e;

	rng_seed_for_test(4711 + (uint64_t)_i);
	for (int k = 0; k < 250 && m.n < TXS - 1; k++) {
		size_t i = any_step();

		scratch_unit(&scratch, steps[i].step, NULL);
		compare(steps[i].name);
		if (k % 10 == 9) {
			same_rows_again();
			compare("the same blocks again");
		}
	}
	OK(movement_audit(now(), err));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/tx_model");
	TCase *tc = tcase_create("model");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, store_and_model_agree, 0, 12);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
