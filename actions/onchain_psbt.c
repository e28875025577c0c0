#include "actions/onchain_psbt.h"

#include <string.h>

#include "actions/onchain_versions.h"
#include "base/text.h"
#include "rails/bitcoin/psbt_sign.h"
#include "rails/bitcoin/taproot.h"
#include "rails/keys/keyring.h"
#include "store/tx_store.h"

static int read_text(struct arena *a, const char *text, struct psbt *ret, struct err *err)
{
	return psbt_decode_text(a, text, ret, err) == 0 ? 0 : err_field(err, "psbt");
}

static int write_text(struct arena *a, const struct psbt *p, const char **ret, struct err *err)
{
	char *text;

	if (psbt_text(a, p, &text, err) != 0)
		return -1;
	if (strlen(text) > ONCHAIN_PSBT_TEXT_MAX)
		return ERR(err, ERR_RANGE, "the PSBT has more than %d characters", ONCHAIN_PSBT_TEXT_MAX);
	*ret = text;
	return 0;
}

/* --- our keys in it --- */

static int put_key(struct arena *a, struct keyring *keys, enum network net, struct psbt *p, enum psbt_part part,
		   size_t i, enum script_chain chain, uint32_t index, struct err *err)
{
	const struct keyring_path at = {
		.net = net,
		.chain = chain == SCRIPT_CHANGE ? KEYRING_CHANGE : KEYRING_RECEIVE,
		.index = index,
	};
	struct psbt_origin origin = { .path = { 86 | BIP32_HARDENED,
						(net == NETWORK_MAINNET ? 0u : 1u) | BIP32_HARDENED, BIP32_HARDENED,
						(uint32_t)at.chain, index },
				      .n = 5 };
	char fingerprint[KEYRING_FINGERPRINT];
	struct xonly internal;

	keyring_fingerprint(keys, fingerprint);
	if (!hex_decode(fingerprint, origin.fingerprint, sizeof(origin.fingerprint)))
		return ERR(err, ERR_INTERNAL, "a fingerprint that is not hex");
	if (keyring_onchain_key(keys, at, &internal, err) != 0)
		return -1;
	return psbt_put_tap_key(a, p, part, i, &internal, &origin, err);
}

static int put_coin(struct arena *a, struct keyring *keys, enum network net, struct psbt *p, size_t i,
		    const struct utxo_row *coin, struct err *err)
{
	const struct tx_out spent = { coin->value, coin->script };

	if (psbt_put_witness_utxo(a, p, i, &spent, err) != 0)
		return -1;
	return put_key(a, keys, net, p, PSBT_PART_IN, i, coin->chain, coin->index, err);
}

int onchain_psbt_of_draft(struct step *s, const struct onchain_draft *d, const char **ret, struct err *err)
{
	enum network net = s->policy->onchain.network;
	struct script_row script;
	struct psbt p;

	if (psbt_create(s->arena, &d->tx, &p, err) != 0)
		return -1;
	for (size_t i = 0; i < d->tx.n_in; i++)
		if (put_coin(s->arena, s->keys, net, &p, i, &d->coins[i], err) != 0)
			return -1;
	for (size_t i = 0; i < d->tx.n_out; i++) {
		int found = script_store_find(s->view, s->arena, d->tx.out[i].script, &script, err);

		if (found < 0 || (found > 0 && put_key(s->arena, s->keys, net, &p, PSBT_PART_OUT, i, script.chain,
						       script.index, err) != 0))
			return -1;
	}
	return write_text(s->arena, &p, ret, err);
}

int onchain_psbt_finish(struct step *s, const char *ours, const char *theirs, const struct txid *txid, struct tx *ret,
			struct err *err)
{
	struct psbt p, handed_out;
	struct txid is;
	size_t open;

	if (read_text(s->arena, theirs, &p, err) != 0 || read_text(s->arena, ours, &handed_out, err) != 0)
		return -1;
	is = tx_txid(&p.tx);
	if (!txid_equal(&is, txid)) {
		ERR(err, ERR_PSBT_CHANGED, "its inputs or outputs are not those that were handed out");
		return err_field(err, "psbt");
	}
	/* What it spends is ours, so ours says what that is worth. */
	if (psbt_combine(s->arena, &handed_out, &p, err) != 0 || psbt_finalise(s->arena, &handed_out, &open, err) != 0)
		return err_field(err, "psbt");
	if (open > 0) {
		ERR(err, ERR_PSBT_UNSIGNED, "%zu of its %zu inputs are not signed", open, handed_out.tx.n_in);
		err_hint(err, "give what the signer gives back; psbt.sign signs with this wallet's keys");
		return err_field(err, "psbt");
	}
	return psbt_extract(s->arena, &handed_out, ret, err);
}

/* --- what it says --- */

static const struct bytes none;

static const char *input_state(const struct psbt_map *m)
{
	struct bytes v;
	size_t at = 0;

	if (psbt_get(m, PSBT_IN_FINAL_SCRIPTWITNESS, none, &v) || psbt_get(m, PSBT_IN_FINAL_SCRIPTSIG, none, &v))
		return "final";
	if (psbt_get(m, PSBT_IN_TAP_KEY_SIG, none, &v) || psbt_find(m, PSBT_IN_PARTIAL_SIG, &at))
		return "signed";
	at = 0;
	return psbt_find(m, PSBT_IN_TAP_SCRIPT_SIG, &at) ? "signed" : "open";
}

static int show_inputs(struct arena *a, const struct onchain_psbt_wallet *w, const struct psbt *p, json_t *to,
		       struct err *err)
{
	json_t *list = json_array_in(a);

	for (size_t i = 0; i < p->tx.n_in; i++) {
		json_t *in = json_object_in(a);
		struct utxo_row coin;
		struct tx_out spent;
		struct err untold;
		int ours = utxo_store_find(w->view, a, &p->tx.in[i].prevout, &coin, err);

		if (ours < 0)
			return -1;
		onchain_set_outpoint(in, "outpoint", &p->tx.in[i].prevout);
		if (psbt_spent(a, p, i, &spent, &untold) == 0) {
			json_set_u64(in, "amount_sat", sat_value(spent.value));
			onchain_set_script(a, in, w->network, spent.script);
		}
		json_set_int(in, "sequence", p->tx.in[i].sequence);
		json_set_bool(in, "ours", ours > 0);
		json_set_str(in, "state", input_state(&p->in[i]));
		json_add(list, in);
	}
	json_set(to, "inputs", list);
	return 0;
}

static int show_outputs(struct arena *a, const struct onchain_psbt_wallet *w, const struct psbt *p, json_t *to,
			struct err *err)
{
	json_t *list = json_array_in(a);

	for (size_t i = 0; i < p->tx.n_out; i++) {
		json_t *out = json_object_in(a);
		struct script_row row;
		int ours = script_store_find(w->view, a, p->tx.out[i].script, &row, err);

		if (ours < 0)
			return -1;
		onchain_set_script(a, out, w->network, p->tx.out[i].script);
		json_set_u64(out, "amount_sat", sat_value(p->tx.out[i].value));
		json_set_bool(out, "ours", ours > 0);
		json_set_bool(out, "change", ours > 0 && row.chain == SCRIPT_CHANGE);
		json_add(list, out);
	}
	json_set(to, "outputs", list);
	return 0;
}

int onchain_psbt_show(struct arena *a, const struct onchain_psbt_wallet *w, const char *text, json_t **ret,
		      struct err *err)
{
	json_t *v = json_object_in(a);
	struct err untold;
	struct txid txid;
	struct psbt p;
	struct sat fee;

	if (read_text(a, text, &p, err) != 0)
		return -1;
	txid = tx_txid(&p.tx);
	onchain_set_txid(v, "txid", &txid);
	json_set_int(v, "version", p.tx.version);
	json_set_int(v, "locktime", p.tx.locktime);
	if (show_inputs(a, w, &p, v, err) != 0 || show_outputs(a, w, &p, v, err) != 0)
		return -1;
	if (psbt_fee(a, &p, &fee, &untold) == 0)
		json_set_u64(v, "fee_sat", sat_value(fee));
	else
		json_set_take(v, "fee_sat", json_null());
	*ret = v;
	return 0;
}

/* --- signing --- */

/* Is the coin free, or held by a payment that waits for this very transaction? */
static int check_holder(struct arena *a, struct view v, const struct utxo_row *coin, const struct txid *txid,
			struct action_id *ret, struct err *err)
{
	struct versions vs;
	int found;

	if (coin->state == UTXO_SPENDABLE || coin->state == UTXO_WAITING || coin->state == UTXO_PENDING)
		return 0;
	if (coin->state != UTXO_LOCKED)
		return ERR(err, ERR_ILLEGAL_STATE, "it spends a coin that is %s", utxo_state_name(coin->state));
	found = versions_of_action(v, a, &coin->holder, &vs, err);
	if (found < 0)
		return -1;
	*ret = coin->holder;
	if (found > 0 && txid_equal(&vs.v[vs.n - 1].txid, txid))
		return 0;
	ERR(err, ERR_ILLEGAL_STATE, "it spends a coin that is held by the action %s", coin->holder.s);
	return err_hint(err, "action.get id=%s", coin->holder.s);
}

/* 1: the input spends a coin of ours, and says so from now on. */
static int adopt_input(struct arena *a, const struct onchain_psbt_wallet *w, struct psbt *p, size_t i,
		       struct onchain_psbt_signed *out, struct sat *sum, struct err *err)
{
	struct utxo_row coin;
	struct tx_out told;
	struct err untold;
	int found = utxo_store_find(w->view, a, &p->tx.in[i].prevout, &coin, err);

	if (found <= 0)
		return found;
	if (check_holder(a, w->view, &coin, &out->txid, &out->holder, err) != 0)
		return err_context(err, "input %zu", i);
	if (psbt_spent(a, p, i, &told, &untold) == 0 &&
	    (sat_cmp(told.value, coin.value) != 0 || !bytes_equal(told.script, coin.script)))
		return ERR(err, ERR_PSBT, "input %zu: what it is said to spend is not what our coin is", i);
	if (!sat_add(*sum, coin.value, sum))
		return ERR(err, ERR_RANGE, "it spends more than can be counted");
	return put_coin(a, w->keys, w->network, p, i, &coin, err) == 0 ? 1 : -1;
}

/* What its outputs pay to the wallet is not spent. */
static int outgoing(struct arena *a, const struct onchain_psbt_wallet *w, const struct psbt *p, struct sat in,
		    uint64_t *ret, struct err *err)
{
	struct script_row row;
	struct sat back = { 0 }, out;

	for (size_t i = 0; i < p->tx.n_out; i++) {
		int ours = script_store_find(w->view, a, p->tx.out[i].script, &row, err);

		if (ours < 0)
			return -1;
		if (ours > 0 && !sat_add(back, p->tx.out[i].value, &back))
			return ERR(err, ERR_RANGE, "it pays more than can be counted");
	}
	*ret = sat_sub(in, back, &out) ? sat_value(out) : 0;
	return 0;
}

/* Only keys that the path of our own coin leads to: a path that somebody else wrote is not followed. */
static int sign_job(struct arena *a, struct keyring *keys, enum network net, struct psbt *p, const struct psbt_job *job,
		    struct err *err)
{
	const uint32_t *path = job->origin.path;
	const struct keyring_path at = { .net = net,
					 .chain = job->origin.n == 5 ? path[3] : 0,
					 .index = job->origin.n == 5 ? path[4] : 0 };
	uint8_t sig[64];

	if (job->origin.n != 5 || path[0] != (86 | BIP32_HARDENED) || job->has_root)
		return ERR(err, ERR_PSBT, "input %zu: its key is at no path of this wallet", job->input);
	if (keyring_onchain_sign(keys, at, NULL, &job->sighash, sig, err) != 0)
		return err_context(err, "input %zu", job->input);
	return psbt_put_key_sig(a, p, job, sig, err);
}

static int sign_ours(struct arena *a, const struct onchain_psbt_wallet *w, struct psbt *p, const bool *ours,
		     size_t *ret_signed, struct err *err)
{
	char fingerprint[KEYRING_FINGERPRINT];
	struct psbt_job *jobs;
	uint8_t raw[4];
	size_t n;

	keyring_fingerprint(w->keys, fingerprint);
	if (!hex_decode(fingerprint, raw, sizeof(raw)))
		return ERR(err, ERR_INTERNAL, "a fingerprint that is not hex");
	if (psbt_jobs(a, p, raw, &jobs, &n, err) != 0)
		return -1;
	*ret_signed = 0;
	for (size_t i = 0; i < n; i++) {
		if (!ours[jobs[i].input])
			continue;
		if (sign_job(a, w->keys, w->network, p, &jobs[i], err) != 0)
			return -1;
		++*ret_signed;
	}
	return 0;
}

int onchain_psbt_sign(struct arena *a, const struct onchain_psbt_wallet *w, const char *text,
		      struct onchain_psbt_signed *ret, struct err *err)
{
	struct onchain_psbt_signed out = { 0 };
	struct sat sum = { 0 };
	size_t n_ours = 0;
	struct psbt p;
	bool *ours;

	if (!w->keys)
		return ERR(err, ERR_WALLET_LOCKED, "the wallet is locked");
	if (read_text(a, text, &p, err) != 0)
		return -1;
	out.txid = tx_txid(&p.tx);
	ours = ARENA_ARRAY(a, p.tx.n_in + 1, bool);
	for (size_t i = 0; i < p.tx.n_in; i++) {
		int rc = adopt_input(a, w, &p, i, &out, &sum, err);

		if (rc < 0)
			return err_field(err, "psbt");
		ours[i] = rc > 0;
		n_ours += ours[i];
	}
	if (n_ours == 0) {
		ERR(err, ERR_PSBT_FOREIGN, "none of its %zu inputs spends a coin of this wallet", p.tx.n_in);
		return err_field(err, "psbt");
	}
	if (outgoing(a, w, &p, sum, &out.spend_sat, err) != 0 || sign_ours(a, w, &p, ours, &out.n_signed, err) != 0)
		return err_field(err, "psbt");
	for (size_t i = 0; i < p.tx.n_in; i++)
		out.n_open += strcmp(input_state(&p.in[i]), "open") == 0;
	if (write_text(a, &p, &out.text, err) != 0)
		return -1;
	*ret = out;
	return 0;
}

/* --- combining, finishing, finding --- */

int onchain_psbt_combine(struct arena *a, const char *const *texts, size_t n, const char **ret, struct err *err)
{
	struct psbt all, one;

	if (psbt_decode_text(a, texts[0], &all, err) != 0)
		return err_context(err, "psbt 1");
	for (size_t i = 1; i < n; i++)
		if (psbt_decode_text(a, texts[i], &one, err) != 0 || psbt_combine(a, &all, &one, err) != 0)
			return err_context(err, "psbt %zu", i + 1);
	return write_text(a, &all, ret, err);
}

int onchain_psbt_finalise(struct arena *a, const char *text, struct onchain_psbt_final *ret, struct err *err)
{
	struct onchain_psbt_final out = { 0 };
	struct psbt p;
	struct tx tx;

	if (read_text(a, text, &p, err) != 0)
		return -1;
	if (psbt_finalise(a, &p, &out.n_open, err) != 0)
		return err_field(err, "psbt");
	out.txid = tx_txid(&p.tx);
	if (out.n_open == 0) {
		if (psbt_extract(a, &p, &tx, err) != 0)
			return err_field(err, "psbt");
		out.hex = hex_text(a, tx_bytes(a, &tx));
	}
	if (write_text(a, &p, &out.text, err) != 0)
		return -1;
	*ret = out;
	return 0;
}

/* Why no payment waits for a transaction: it may be out already. */
static int nobody_waits(struct arena *a, struct view v, const struct txid *txid, bool spends_ours, struct err *err)
{
	char text[TXID_TEXT];
	struct tx_row row;
	int found = tx_store_find(v, a, txid, &row, err);

	if (found < 0)
		return -1;
	if (found > 0 && spends_ours) {
		txid_text(txid, text);
		ERR(err, ERR_ILLEGAL_STATE, "its transaction %s is signed and known already", text);
		if (action_id_is_empty(&row.action))
			err_hint(err, "tx.get txid=%s", text);
		else
			err_hint(err, "action.get id=%s", row.action.s);
	} else {
		ERR(err, ERR_PSBT_FOREIGN, "no payment of this wallet waits for it");
		err_hint(err, "psbt.create makes one; psbt.finalize shows a transaction to send elsewhere");
	}
	return err_field(err, "psbt");
}

int onchain_psbt_holder(struct arena *a, struct view v, const char *text, struct action_id *ret, struct err *err)
{
	bool spends_ours = false;
	struct utxo_row coin;
	struct txid txid;
	struct psbt p;

	if (read_text(a, text, &p, err) != 0)
		return -1;
	for (size_t i = 0; i < p.tx.n_in; i++) {
		int found = utxo_store_find(v, a, &p.tx.in[i].prevout, &coin, err);

		if (found < 0)
			return -1;
		if (found > 0 && coin.state == UTXO_LOCKED) {
			*ret = coin.holder;
			return 0;
		}
		spends_ours = spends_ours || found > 0;
	}
	txid = tx_txid(&p.tx);
	return nobody_waits(a, v, &txid, spends_ours, err);
}
