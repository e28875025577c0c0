#include "exit/show.h"

#include <string.h>

#include "base/text.h"
#include "exit/pay.h"
#include "exit/vtxo_show.h"
#include "store/chain_store.h"

static void set_txid(json_t *obj, const char *name, const struct txid *txid)
{
	char text[TXID_TEXT];

	txid_text(txid, text);
	json_set_str(obj, name, text);
}

/* --- what it waits for --- */

static const char *trouble_of(struct arena *a, const struct exit_row *row)
{
	const char *type = "";
	struct err ignored; /* what cannot be read is not told apart */
	json_t *obj;

	if (!row->error || json_parse(a, bytes_of(row->error), JSON_DEPTH_MAX, &obj, &ignored) != 0 ||
	    json_get_str(obj, "type", 64, &type, &ignored) != 0)
		return "";
	return type;
}

static const char *waits_in_processing(const struct exit_status *s, const char *trouble)
{
	for (size_t i = 0; i < s->n_txs; i++)
		switch (s->txs[i].part) {
		case PART_AWAITING_CPFP:
			if (strcmp(trouble, "insufficient-confirmed-funds") == 0 ||
			    strcmp(trouble, "child-too-large") == 0)
				return "funds";
			return strcmp(trouble, "wallet-locked") == 0 ? "unlock" : "cpfp";
		case PART_AWAITING_CONFIRMED:
			return "confirmation";
		case PART_AWAITING_INPUTS:
			return "parent";
		case PART_VERIFY_INPUTS:
			return "chain";
		case PART_CONFIRMED:
			break;
		}
	return "preimage";
}

static const char *waits_for(const struct exit_status *s, const char *trouble)
{
	switch (s->state) {
	case EXIT_START:
		return "chain";
	case EXIT_PROCESSING:
		return waits_in_processing(s, trouble);
	case EXIT_AWAITING_DELTA:
		return "timelock";
	case EXIT_CLAIMABLE:
		return "user_claim";
	case EXIT_CLAIM_IN_PROGRESS:
		return "claim_confirmation";
	case EXIT_CLAIMED:
	case EXIT_ALREADY_SPENT:
	case EXIT_CANCELED:
		break;
	}
	return "none";
}

/* At least so many blocks until it can be claimed; -1: nobody knows, or it is over. */
static int64_t blocks_left(const struct exit_status *s, const struct vtxo_row *vtxo, bool has_tip, uint32_t tip)
{
	uint32_t height;
	unsigned sent, confirmed;

	switch (s->state) {
	case EXIT_START:
		return (int64_t)vtxo->depth + vtxo->exit_delta;
	case EXIT_PROCESSING:
		exit_status_count(s, &sent, &confirmed);
		return (int64_t)s->n_txs - confirmed + vtxo->exit_delta;
	case EXIT_AWAITING_DELTA:
		if (!has_tip || !exit_claimable_height(s, &height))
			return -1;
		return height > tip ? (int64_t)(height - tip) : 0;
	case EXIT_CLAIMABLE:
		return 0;
	case EXIT_CLAIM_IN_PROGRESS:
		return 1;
	case EXIT_CLAIMED:
	case EXIT_ALREADY_SPENT:
	case EXIT_CANCELED:
		break;
	}
	return -1;
}

/* --- transactions and history --- */

static const char *const places[] = {
	[EXIT_TX_UNSEEN] = "notfound", [EXIT_TX_MEMPOOL] = "mempool", [EXIT_TX_CONFIRMED] = "confirmed"
};
static const char *const child_states[] = { [CHILD_PREPARED] = "prepared",
					    [CHILD_SENT] = "sent",
					    [CHILD_REJECTED] = "rejected",
					    [CHILD_REPLACED] = "replaced" };

static json_t *child_json(struct arena *a, const struct exit_child_row *c, const struct exit_tx_row *tx)
{
	json_t *obj = json_object_in(a);
	struct feerate rate;
	char text[FEERATE_TEXT_MAX];

	set_txid(obj, "txid", &c->txid);
	json_set_str(obj, "tx", hex_text(a, c->raw));
	json_set_str(obj, "status", child_states[c->status]);
	json_set_str(obj, "origin", child_origin_name(c->origin));
	if (c->has_fee) {
		json_set_u64(obj, "fee_sat", sat_value(c->fee));
		if (feerate_of_ceil(c->fee, weight_add(c->weight, tx->weight), &rate)) {
			feerate_text(rate, text);
			json_set_str(obj, "package_feerate", text);
		}
	}
	json_set_str(obj, "refusal", c->refusal);
	return obj;
}

/* Who pays for a transaction: a stranger whose child the network has, or who counts here.  1, 0, -1. */
static int find_payer(struct view v, struct arena *a, int64_t tx_id, struct exit_child_row *ret, struct err *err)
{
	struct exit_child_row *rows;
	size_t n;
	int rc = 0;

	if (exit_child_store_list(v, a, tx_id, &rows, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if ((rows[i].active && rc == 0) || (rows[i].status == CHILD_SENT && !exit_child_is_ours(&rows[i]))) {
			*ret = rows[i];
			rc = 1;
		}
	return rc;
}

/* What this wallet pays, or has paid, for a transaction. */
static int add_fee(struct view v, struct arena *a, int64_t tx_id, struct sat *sum, struct err *err)
{
	struct exit_child_row own;
	int rc = exit_child_store_active(v, a, tx_id, &own, err);

	if (rc == 1 && own.has_fee)
		rc = pay_is_ours(v, a, &own, err);
	if (rc != 1 || !own.has_fee)
		return rc < 0 ? -1 : 0;
	return sat_add(*sum, own.fee, sum) ? 0 : ERR(err, ERR_INTERNAL, "fees beyond all money");
}

static int add_txs(struct view v, struct arena *a, int64_t exit_id, bool show, json_t *obj, struct err *err)
{
	json_t *list = json_array_in(a);
	struct sat paid = { 0 };
	struct exit_tx_row *txs;
	size_t n;

	if (exit_tx_store_of(v, a, exit_id, &txs, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		json_t *each = json_object_in(a);
		struct exit_child_row child;
		int rc = show ? find_payer(v, a, txs[i].id, &child, err) : 0;

		if (rc < 0 || add_fee(v, a, txs[i].id, &paid, err) != 0)
			return -1;
		set_txid(each, "txid", &txs[i].txid);
		json_set_str(each, "status", places[txs[i].place]);
		if (txs[i].place == EXIT_TX_CONFIRMED)
			json_set_int(each, "height", txs[i].block.height);
		json_set_u64(each, "shared_by", txs[i].refs);
		if (show) {
			json_set_str(each, "tx", hex_text(a, txs[i].raw));
			json_set(each, "child", rc == 1 ? child_json(a, &child, &txs[i]) : json_null());
		}
		json_add(list, each);
	}
	json_set_u64(obj, "depth", n);
	json_set_u64(obj, "fees_sat", sat_value(paid));
	if (show)
		json_set(obj, "transactions", list);
	return 0;
}

struct past {
	struct arena *a;
	json_t *list;
};

static void add_past(void *ctx, const struct exit_past *p)
{
	struct past *past = ctx;
	json_t *obj = json_object_in(past->a), *status;
	struct err ignored; /* as text, where it is none */

	json_set_int(obj, "at_ms", p->at_ms);
	json_set_str(obj, "state", exit_state_name(p->state));
	if (json_parse(past->a, bytes_of(p->checkpoint), JSON_DEPTH_MAX, &status, &ignored) == 0)
		json_set(obj, "status", status);
	json_add(past->list, obj);
}

static int add_history(struct view v, struct arena *a, int64_t exit_id, json_t *obj, struct err *err)
{
	struct past past = { a, json_array_in(a) };

	if (exit_store_history(v, a, exit_id, 0, EXIT_HISTORY_MAX, add_past, &past, err) < 0)
		return -1;
	json_set(obj, "history", past.list);
	return 0;
}

/* --- an exit --- */

static void add_status(struct arena *a, const struct exit_row *row, const struct exit_status *s,
		       const struct vtxo_row *vtxo, json_t *obj)
{
	unsigned sent, confirmed;
	uint32_t height;

	exit_status_count(s, &sent, &confirmed);
	if (exit_is_exited(s->state))
		sent = confirmed = vtxo->depth;
	json_set_u64(obj, "broadcast_txs", sent);
	json_set_u64(obj, "confirmed_txs", confirmed);
	if (exit_claimable_height(s, &height))
		json_set_int(obj, "claimable_height", height);
	json_set_bool(obj, "cancelable", row->live && exit_is_cancellable(s));
	json_set(obj, "status", exit_status_json(a, s));
}

static void add_numbers(struct arena *a, const struct exit_row *row, const struct vtxo_row *vtxo, uint32_t margin,
			json_t *obj)
{
	char text[FEERATE_TEXT_MAX];
	struct err ignored;
	json_t *error;

	json_set_int(obj, "deadline_height", (int64_t)vtxo->expiry_height - vtxo->depth - margin);
	if (row->has_feerate) {
		feerate_text(row->feerate, text);
		json_set_str(obj, "feerate", text);
	}
	if (row->error && json_parse(a, bytes_of(row->error), JSON_DEPTH_MAX, &error, &ignored) == 0) {
		json_set_int(error, "at_ms", row->error_at_ms);
		json_set_int(error, "attempts", row->attempts);
		json_set(obj, "last_error", error);
	}
	json_set_int(obj, "started_at_ms", row->started_at_ms);
	json_set_int(obj, "updated_at_ms", row->updated_at_ms);
}

int exit_json(struct view v, struct arena *a, const struct exit_row *row, unsigned details, uint32_t margin,
	      json_t **ret, struct err *err)
{
	json_t *obj = json_object_in(a);
	struct vtxo_row vtxo;
	struct exit_status s;
	struct block_row tip;
	int64_t left;
	int has_tip, rc = vtxo_store_get(v, a, row->vtxo_id, &vtxo, err);

	if (rc != 1)
		return rc < 0 ? -1 : ERR(err, ERR_INTERNAL, "an exit has no VTXO");
	has_tip = chain_store_tip(v, &tip, err);
	if (has_tip < 0 || exit_status_parse(a, row->checkpoint, &s, err) != 0)
		return -1;
	vtxo_set_point(obj, "vtxo_id", &row->vtxo);
	json_set_int(obj, "exit", row->id);
	json_set_int(obj, "attempt", row->attempt);
	json_set_str(obj, "state", exit_state_name(row->state));
	json_set_bool(obj, "live", row->live);
	json_set_u64(obj, "amount_sat", sat_value(row->amount));
	json_set_str(obj, "waiting_for", waits_for(&s, trouble_of(a, row)));
	left = blocks_left(&s, &vtxo, has_tip == 1, has_tip == 1 ? tip.ref.height : 0);
	if (left >= 0)
		json_set_int(obj, "blocks_left", left);
	add_status(a, row, &s, &vtxo, obj);
	add_numbers(a, row, &vtxo, margin, obj);
	if (add_txs(v, a, row->id, (details & EXIT_SHOW_TXS) != 0, obj, err) != 0 ||
	    ((details & EXIT_SHOW_HISTORY) != 0 && add_history(v, a, row->id, obj, err) != 0))
		return -1;
	*ret = obj;
	return 0;
}

int exit_sums_json(struct view v, struct arena *a, json_t **ret, struct err *err)
{
	json_t *obj = json_object_in(a);
	struct exit_sums sums;

	if (exit_store_sums(v, &sums, err) != 0)
		return -1;
	for (unsigned s = EXIT_START; s <= EXIT_STATES; s++) {
		json_t *each;

		if (sums.n[s] == 0)
			continue;
		each = json_object_in(a);
		json_set_u64(each, "n", sums.n[s]);
		json_set_u64(each, "amount_sat", sat_value(sums.of[s]));
		json_set(obj, exit_state_name((enum exit_state)s), each);
	}
	*ret = obj;
	return 0;
}

json_t *exit_claim_json(struct arena *a, const struct exit_claim_row *claim)
{
	json_t *obj = json_object_in(a);

	set_txid(obj, "txid", &claim->txid);
	json_set_str(obj, "tx", hex_text(a, claim->raw));
	json_set_str(obj, "status", claim_status_name(claim->status));
	json_set_u64(obj, "amount_sat", sat_value(claim->amount));
	json_set_u64(obj, "fee_sat", sat_value(claim->fee));
	json_set_u64(obj, "vsize", weight_vsize(claim->weight));
	json_set_bool(obj, "to_wallet", claim->own);
	return obj;
}
