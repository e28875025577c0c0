#include "actions/onchain.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "chain/gap.h"
#include "chain/told.h"
#include "rails/bitcoin/address.h"
#include "rails/bitcoin/policy.h"
#include "rails/bitcoin/sighash.h"
#include "rails/bitcoin/weigh.h"
#include "rails/keys/keyring.h"
#include "store/chain_store.h"
#include "store/tx_store.h"

#define COINS_ARENA (512u << 20) /* what choosing among as many coins as anybody has takes, for a moment */

/* --- rates --- */

const char *const onchain_tiers[FEE_TIERS + 1] = { "fast", "regular", "slow", NULL };

/* Below this no node that answers us takes anything; nodes from version 30 on relay a tenth of what older ones do. */
static struct feerate least_rate(const struct chain_source *chain)
{
	struct feerate least = { 0 };
	struct chain_stats st;

	if (!feerate_from_sat_per_kwu(POLICY_RELAY_RATE / 10, &least))
		return least;
	for (size_t i = 0; chain && i < chain_backends(chain); i++) {
		chain_stats(chain, i, &st);
		if (st.verified)
			return feerate_max(least, st.limits.min_relay);
	}
	return least;
}

struct feerate onchain_incremental(const struct chain_source *chain)
{
	struct feerate most = { 0 };
	struct chain_stats st;

	if (!feerate_from_sat_per_kwu(POLICY_RELAY_RATE, &most))
		return most;
	for (size_t i = 0; chain && i < chain_backends(chain); i++) {
		chain_stats(chain, i, &st);
		if (st.verified)
			most = feerate_max(most, st.limits.incremental);
	}
	return most;
}

static int refuse_rate(const char *what, struct feerate rate, const char *limit, struct feerate bound, struct err *err)
{
	char is[FEERATE_TEXT_MAX], may[FEERATE_TEXT_MAX];

	feerate_text(rate, is);
	feerate_text(bound, may);
	ERR(err, ERR_FEE, "%s of %s sat/vB is %s, %s sat/vB", what, is, limit, may);
	return err_field(err, "feerate");
}

int onchain_feerate_parse(struct chain_source *chain, const struct onchain_policy *policy, const char *text,
			  struct feerate *ret, struct err *err)
{
	struct feerate rate, least = least_rate(chain);

	if (!feerate_from_sat_per_vb_text_ceil(text, &rate)) {
		ERR(err, ERR_FEE, "'%.24s' is no feerate: sat/vB in decimals, as in 2.5", text);
		return err_field(err, "feerate");
	}
	if (feerate_cmp(rate, least) < 0)
		return refuse_rate("a feerate", rate, "below what nodes relay", least, err);
	if (feerate_cmp(rate, policy->max_feerate) > 0) {
		refuse_rate("a feerate", rate, "beyond the most that is allowed", policy->max_feerate, err);
		return err_hint(err, "give less, or raise onchain_max_feerate");
	}
	*ret = rate;
	return 0;
}

int onchain_tier_rate(struct chain_source *chain, const struct onchain_policy *policy, enum fee_tier tier,
		      struct feerate *ret, struct err *err)
{
	struct fee_rates rates;
	int64_t age;

	if (!chain || !chain_last_fees(chain, &rates, &age)) {
		ERR(err, ERR_PEER_DOWN, "no node has said yet what a transaction costs");
		err_hint(err, "give feerate, or see peers in status");
		return err_field(err, "target");
	}
	if (feerate_cmp(rates.rate[tier], policy->max_feerate) > 0) {
		refuse_rate("the estimate", rates.rate[tier], "beyond the most that is allowed", policy->max_feerate,
			    err);
		return err_hint(err, "give a lower feerate, or raise onchain_max_feerate");
	}
	*ret = rates.rate[tier];
	return 0;
}

int onchain_rate_param(const struct step *s, const json_t *params, struct feerate *ret, struct err *err)
{
	const char *text = NULL, *target = NULL;
	enum fee_tier tier = FEE_REGULAR;

	if (json_opt_str(params, "feerate", 20, &text, err) != 0 ||
	    json_opt_str(params, "target", 16, &target, err) != 0)
		return -1;
	if (text && target) {
		ERR(err, ERR_PARAM, "give either feerate or target");
		return err_field(err, "target");
	}
	if (text)
		return onchain_feerate_parse(s->chain, &s->policy->onchain, text, ret, err);
	for (int i = 0; target && i < FEE_TIERS; i++)
		if (strcmp(onchain_tiers[i], target) == 0)
			tier = (enum fee_tier)i;
	return onchain_tier_rate(s->chain, &s->policy->onchain, tier, ret, err);
}

/* What spending a coin is thought to cost another day: spec/exit.md 7.9. */
static struct feerate long_term(struct chain_source *chain, struct feerate now)
{
	struct feerate half = { 0 };
	struct fee_rates rates;
	int64_t age;

	if (!feerate_from_sat_per_kwu(feerate_sat_per_kwu(now) / 2, &half))
		return now;
	return chain && chain_last_fees(chain, &rates, &age) ? feerate_max(rates.rate[FEE_SLOW], half) : half;
}

/* --- drafts --- */

/* What is to be chosen from, in one try: of coins that are not known more closely yet, their ids. */
struct offer {
	struct spendable *coins;      /* place and script of those with an id are looked up when they are chosen */
	const struct utxo_row **rows; /* beside coins: as known, or NULL */
	int64_t *ids;                 /* else this */
	size_t n;
};

static int offer_row(struct offer *f, const struct utxo_row *row, struct err *err)
{
	struct spendable *c = &f->coins[f->n];

	*c = (struct spendable){ .at = row->at, .out = { row->value, row->script }, .must = true };
	if (!weigh_input(spk_classify(row->script, NULL), &c->weight))
		return ERR(err, ERR_INTERNAL, "a coin of ours that no signature spends");
	f->rows[f->n++] = row;
	return 0;
}

static int offer_make(struct arena *a, struct view v, const struct onchain_order *o, bool confirmed, struct offer *ret,
		      struct err *err)
{
	struct utxo_value *values = NULL;
	struct weight weight;
	size_t n = 0;

	if (!o->closed && utxo_store_values(v, a, confirmed, &values, &n, err) != 0)
		return -1;
	if (!weigh_input(SPK_P2TR, &weight)) /* every script of ours is one */
		return ERR(err, ERR_INTERNAL, "nothing spends taproot");
	*ret = (struct offer){ ARENA_ARRAY(a, o->n_must + n + 1, struct spendable),
			       ARENA_ARRAY(a, o->n_must + n + 1, const struct utxo_row *),
			       ARENA_ARRAY(a, o->n_must + n + 1, int64_t), 0 };
	for (size_t i = 0; i < o->n_must; i++)
		if (offer_row(ret, &o->must[i], err) != 0)
			return -1;
	for (size_t i = 0; i < n; i++) {
		struct spendable *c = &ret->coins[ret->n];

		*c = (struct spendable){ .out = { .value = values[i].value }, .weight = weight };
		memcpy(c->at.txid.b, &values[i].id, sizeof(values[i].id)); /* until it is chosen: no two are the same */
		ret->ids[ret->n++] = values[i].id;
	}
	return 0;
}

/* Coins that were asked for by name. */
static int load_only(struct step *s, struct onchain_order *o, struct err *err)
{
	struct utxo_row *rows = ARENA_ARRAY(s->arena, o->n_only, struct utxo_row);

	for (size_t i = 0; i < o->n_only; i++) {
		char text[OUTPOINT_TEXT];
		int found = utxo_store_find(s->view, s->arena, &o->only[i], &rows[i], err);

		if (found < 0)
			return -1;
		if (found > 0 && rows[i].state == UTXO_SPENDABLE)
			continue;
		outpoint_text(&o->only[i], text);
		ERR(err, ERR_NOT_FOUND, "%s is no coin that can be spent: %s", text,
		    found > 0 ? utxo_state_name(rows[i].state) : "not ours");
		err_hint(err, "utxo.list state=spendable");
		return err_field(err, "coins");
	}
	o->must = rows;
	o->n_must = o->n_only;
	o->closed = true;
	return 0;
}

static int plan_and_draft(const struct step *s, struct arena *a, const struct onchain_order *o, const struct offer *f,
			  struct tx_draft *ret, struct err *err)
{
	struct block_row tip;
	int found = chain_store_tip(s->view, &tip, err);
	const struct tx_plan plan = {
		.coins = f->coins,
		.n_coins = f->n,
		.payments = o->sweep ? NULL : o->payments,
		.n_payments = o->sweep ? 0 : o->n_payments,
		.change_script = o->sweep ? o->payments[0].script : o->change_script,
		.rate = o->rate,
		.long_term = long_term(s->chain, o->rate),
		.version = 2,
		.tip_height = found > 0 ? tip.ref.height : 0,
		.max_weight = { POLICY_WEIGHT_MAX },
		.subtract_fee = o->subtract_fee,
		.replaces = o->replaces,
	};

	if (found < 0)
		return -1;
	return o->sweep ? tx_draft_sweep(a, &plan, ret, err) : tx_draft_pay(a, &plan, ret, err);
}

static const char *amount_field(const struct onchain_order *o)
{
	return o->listed ? "outputs" : "amount_sat";
}

/* Says with what is missing what is there: it may be free, or confirmed, soon. */
static int short_of_funds(struct view v, const struct onchain_order *o, struct err *err)
{
	struct utxo_sums sums;
	struct err why = *err, ignored;
	uint64_t spendable, pending, locked;

	if (utxo_store_sums(v, &sums, &ignored) != 0)
		return -1; /* the answer is no whatever this says */
	spendable = sat_value(sums.of[UTXO_SPENDABLE]);
	pending = sat_value(sums.of[UTXO_PENDING]) + sat_value(sums.of[UTXO_IMMATURE]);
	locked = sat_value(sums.of[UTXO_LOCKED]) + sat_value(sums.of[UTXO_WAITING]);
	ERR(err, ERR_FUNDS, "%s (%" PRIu64 " sat spendable, %" PRIu64 " pending, %" PRIu64 " locked)", why.msg,
	    spendable, pending, locked);
	if (locked > 0)
		err_hint(err, "action.list status=active shows what is under way");
	else if (pending > 0)
		err_hint(err, "utxo.list state=pending shows what waits for a block");
	else
		err_hint(err, "address.new rail=onchain brings more");
	return err_field(err, amount_field(o));
}

/* The chosen coins as they are. */
static int look_up(struct step *s, const struct offer *f, const struct tx_draft *d, struct utxo_row *coins,
		   struct err *err)
{
	for (size_t i = 0; i < d->tx.n_in; i++) {
		size_t k = d->coin[i];
		int found = 1;

		if (f->rows[k])
			coins[i] = *f->rows[k];
		else
			found = utxo_store_get(s->view, s->arena, f->ids[k], &coins[i], err);
		if (found < 0)
			return -1;
		if (found == 0)
			return ERR(err, ERR_INTERNAL, "a coin that was there is gone");
	}
	return 0;
}

/* Of what lives in the arena of the choice, the part that is kept. */
static int keep(struct step *s, const struct onchain_order *o, const struct offer *f, const struct tx_draft *d,
		struct onchain_draft *ret, struct err *err)
{
	struct utxo_row *coins = ARENA_ARRAY(s->arena, d->tx.n_in, struct utxo_row);
	struct tx_out *spent = ARENA_ARRAY(s->arena, d->tx.n_in, struct tx_out);
	SCOPED(buf) struct buf raw = BUF_CAP(TX_SIZE_MAX);
	struct onchain_draft out = { .coins = coins, .spent = spent, .fee = d->fee, .weight = d->weight };

	tx_encode_legacy(&d->tx, &raw);
	if (tx_decode_legacy(s->arena, buf_bytes(&raw), &out.tx, err) != 0)
		return err_context(err, "draft");
	if (look_up(s, f, d, coins, err) != 0)
		return -1;
	for (size_t i = 0; i < out.tx.n_in; i++) {
		spent[i] = (struct tx_out){ coins[i].value, coins[i].script };
		out.tx.in[i].prevout = coins[i].at;
		if (!sat_add(out.spent_sum, coins[i].value, &out.spent_sum))
			return ERR(err, ERR_RANGE, "the coins are worth more than can be counted");
	}
	out.is_change = ARENA_ARRAY(s->arena, out.tx.n_out, bool);
	for (size_t i = 0; i < out.tx.n_out; i++)
		out.is_change[i] = !o->sweep && d->payment[i] == o->n_payments;
	if (!o->sweep)
		out.change = d->change;
	*ret = out;
	return 0;
}

static int draft_try(struct step *s, const struct onchain_order *o, bool confirmed, struct onchain_draft *ret,
		     struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(COINS_ARENA);
	struct tx_draft d;
	struct offer f;

	if (offer_make(&a, s->view, o, confirmed, &f, err) != 0 || plan_and_draft(s, &a, o, &f, &d, err) != 0)
		return -1;
	return keep(s, o, &f, &d, ret, err);
}

/* What outbids another may come to more than was asked for. */
static int check_rate(const struct step *s, const struct onchain_draft *d, struct err *err)
{
	struct feerate rate;

	if (!feerate_of_ceil(d->fee, d->weight, &rate))
		return ERR(err, ERR_INTERNAL, "a transaction that weighs nothing");
	if (feerate_cmp(rate, s->policy->onchain.max_feerate) <= 0)
		return 0;
	refuse_rate("the feerate that a replacement needs", rate, "beyond the most that is allowed",
		    s->policy->onchain.max_feerate, err);
	return err_hint(err, "wait, or raise onchain_max_feerate");
}

int onchain_draft(struct step *s, const struct onchain_order *order, struct onchain_draft *ret, struct err *err)
{
	struct onchain_order o = *order;
	int rc;

	if (o.n_only > 0 && load_only(s, &o, err) != 0)
		return -1;
	/* A sweep takes all at once.  BIP125 rule 2: a replacement adds no unconfirmed coins. */
	rc = draft_try(s, &o, !o.sweep || o.replaces, ret, err);
	if (rc != 0 && err->code == ERR_FUNDS && !o.sweep && !o.replaces && !o.closed)
		rc = draft_try(s, &o, false, ret, err);
	if (rc != 0 && err->code == ERR_FUNDS)
		return short_of_funds(s->view, &o, err);
	if (rc != 0)
		return err->code == ERR_DUST && !err->field[0] ? err_field(err, amount_field(&o)) : -1;
	return o.replaces ? check_rate(s, ret, err) : 0;
}

struct outpoint *onchain_inputs(struct step *s, const struct onchain_draft *d)
{
	struct outpoint *at = ARENA_ARRAY(s->arena, d->tx.n_in, struct outpoint);

	for (size_t i = 0; i < d->tx.n_in; i++)
		at[i] = d->coins[i].at;
	return at;
}

int onchain_change_script(struct step *s, struct bytes *ret, struct err *err)
{
	enum script_chain chain = s->policy->onchain.single_chain ? SCRIPT_RECEIVE : SCRIPT_CHANGE;
	struct script_row row;
	unsigned added;

	if (script_store_take(s->unit, s->arena, chain, &s->row.id, &row, err) != 0 ||
	    gap_fill(s->unit, &added, err) != 0)
		return -1;
	*ret = row.script;
	return 0;
}

/* --- signing and storing --- */

static int sign_input(struct step *s, const struct sighash *hash, struct onchain_draft *d, size_t i, struct err *err)
{
	const struct keyring_path at = {
		.net = s->policy->onchain.network,
		.chain = d->coins[i].chain == SCRIPT_CHANGE ? KEYRING_CHANGE : KEYRING_RECEIVE,
		.index = d->coins[i].index,
	};
	struct bytes *sig = ARENA_NEW(s->arena, struct bytes);
	uint8_t *b = ARENA_ARRAY(s->arena, 64, uint8_t);
	struct hash32 digest;

	if (sighash_key_path(hash, i, SIGHASH_DEFAULT, (struct bytes){ 0 }, &digest, err) != 0 ||
	    keyring_onchain_sign(s->keys, at, NULL, &digest, b, err) != 0)
		return err_context(err, "input %zu", i);
	*sig = (struct bytes){ b, 64 };
	d->tx.in[i].witness = (struct witness){ sig, 1 };
	return 0;
}

/* spec/exit.md 7.11: what comes out pays what was planned, and would be relayed. */
static int check_signed(const struct onchain_draft *d, struct err *err)
{
	struct sat out, fee;

	if (!tx_value_out(&d->tx, &out) || !sat_sub(d->spent_sum, out, &fee) || sat_cmp(fee, d->fee) != 0)
		return ERR(err, ERR_INTERNAL, "the transaction would not pay the fee that was planned");
	if (tx_check(&d->tx, err) != 0 || policy_check(&d->tx, d->fee, err) != 0)
		return err_context(err, "the transaction would not be relayed");
	return 0;
}

int onchain_sign(struct step *s, struct onchain_draft *d, struct err *err)
{
	struct sighash hash;

	if (!s->keys)
		return ERR(err, ERR_WALLET_LOCKED, "the wallet is locked");
	sighash_init(&hash, &d->tx, d->spent);
	for (size_t i = 0; i < d->tx.n_in; i++)
		if (sign_input(s, &hash, d, i, err) != 0)
			return -1;
	return check_signed(d, err);
}

int onchain_store(struct step *s, const struct tx *tx, const char *kind, const char *label, struct err *err)
{
	const struct own_tx own = {
		.kind = kind,
		.action = s->row.id,
		.label = label,
		.trust = s->policy->onchain.spend_change ? TRUST_SPEND : TRUST_WAIT,
	};
	struct told_tx told;

	if (told_of(s->arena, tx_bytes(s->arena, tx), tx, &told, err) != 0)
		return -1;
	return tx_store_add_own(s->unit, &told, &own, s->now_ms, err);
}

/* --- showing --- */

void onchain_set_rate(json_t *obj, const char *name, struct feerate rate)
{
	char text[FEERATE_TEXT_MAX];

	feerate_text(rate, text);
	json_set_str(obj, name, text);
}

void onchain_set_outpoint(json_t *obj, const char *name, const struct outpoint *at)
{
	char text[OUTPOINT_TEXT];

	outpoint_text(at, text);
	json_set_str(obj, name, text);
}

void onchain_set_txid(json_t *obj, const char *name, const struct txid *txid)
{
	char text[TXID_TEXT];

	txid_text(txid, text);
	json_set_str(obj, name, text);
}

void onchain_set_script(struct arena *a, json_t *obj, enum network net, struct bytes script)
{
	char text[ADDRESS_TEXT_MAX];

	json_set_str(obj, "address", address_text(script, net, text) ? text : NULL);
	json_set_str(obj, "script", hex_text(a, script));
}

void onchain_draft_show(const struct step *s, const struct onchain_draft *d, json_t *to)
{
	json_t *inputs = json_array_in(s->arena), *outputs = json_array_in(s->arena);
	struct feerate rate;

	for (size_t i = 0; i < d->tx.n_in; i++) {
		json_t *in = json_object_in(s->arena);

		onchain_set_outpoint(in, "outpoint", &d->coins[i].at);
		json_set_u64(in, "amount_sat", sat_value(d->coins[i].value));
		json_add(inputs, in);
	}
	for (size_t i = 0; i < d->tx.n_out; i++) {
		json_t *out = json_object_in(s->arena);

		onchain_set_script(s->arena, out, s->policy->onchain.network, d->tx.out[i].script);
		json_set_u64(out, "amount_sat", sat_value(d->tx.out[i].value));
		json_set_bool(out, "change", d->is_change[i]);
		json_add(outputs, out);
	}
	json_set(to, "inputs", inputs);
	json_set(to, "outputs", outputs);
	json_set_u64(to, "fee_sat", sat_value(d->fee));
	if (feerate_of_ceil(d->fee, d->weight, &rate))
		onchain_set_rate(to, "feerate", rate);
	json_set_u64(to, "vsize", weight_vsize(d->weight));
	json_set_u64(to, "change_sat", sat_value(d->change));
}
