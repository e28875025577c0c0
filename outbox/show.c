/* outbox/show.c - one directive, as the RPC shows it. */
#include "outbox/show.h"

#include "outbox/directive_states.h"
#include "outbox/internal.h"
#include "outbox/show_text.h"
#include "rails/evm/directive.h"

static void set_hash(struct arena *a, json_t *j, const char *name, bool known, const struct hash32 *h)
{
	json_set_str(j, name, known ? show_hash(a, h) : NULL);
}

/* What the short row and the full one share. */
static json_t *row_json(struct arena *a, const struct directive_row *row)
{
	json_t *j = json_object_in(a);

	json_set_int(j, "outbox_seq", row->seq);
	json_set_str(j, "directive_id", row->id);
	json_set_str(j, "kind", row->kind);
	json_set_str(j, "action_key", row->action_key);
	json_set_str(j, "account", show_address(a, &row->account));
	json_set_str(j, "signer", show_address(a, &row->signer));
	json_set_int(j, "space_id", row->space_id);
	json_set_decimal(j, "nonce", row->nonce);
	json_set_str(j, "delivery_status", delivery_status_name(row->status));
	json_set_str(j, "wire_status", delivery_wire_name(row->status));
	json_set_str(j, "domain_status", domain_status_name(directive_domain_status(row)));
	json_set_int(j, "attempts", row->attempts);
	json_set_time(j, "wake_at_ms", row->wake_at_ms, DIRECTIVE_NO_WAKE);
	json_set_str(j, "reason_class", row->reason_class);
	json_set_str(j, "last_error", row->last_error);
	json_set_int(j, "lane", row->lane);
	set_hash(a, j, "tx_hash", row->has_result, &row->result_hash);
	json_set_int(j, "created_at_ms", row->created_at_ms);
	json_set_int(j, "updated_at_ms", row->updated_at_ms);
	json_set_time(j, "finished_at_ms", row->finished_at_ms, 0);
	return j;
}

json_t *outbox_row_json(struct arena *a, const struct directive_row *row)
{
	return row_json(a, row);
}

json_t *outbox_appended_json(struct arena *a, const struct outbox_appended *x)
{
	json_t *j = json_object_in(a);

	json_set_str(j, "outcome", x->existing ? "existing" : "created");
	json_set_int(j, "outbox_seq", x->row.seq);
	json_set_str(j, "directive_id", x->row.id);
	json_set_decimal(j, "nonce", x->row.nonce);
	json_set_str(j, "signer", show_address(a, &x->row.signer));
	json_set_str(j, "directive_id_hash", show_hash(a, &x->id_hash));
	json_set_str(j, "digest", show_hash(a, &x->digest));
	json_set_str(j, "delivery_status", delivery_status_name(x->row.status));
	json_set_str(j, "domain_status", domain_status_name(directive_domain_status(&x->row)));
	return j;
}

/* --- the whole of it --- */

struct showing {
	struct outbox *ob;
	struct arena *a;
	struct view view;
	const struct directive_row *row;
	struct space_row space;
};

static void set_digests(struct showing *s, json_t *j)
{
	struct directive d = { .account = s->row->account,
			       .action_key = s->row->action_key,
			       .nonce = s->row->nonce,
			       .payload = s->row->payload };
	struct hash32 domain, digest;

	directive_id_hash(s->row->id, &d.id_hash);
	directive_domain(s->space.chain_id, &s->space.contract, &domain);
	directive_digest(&domain, &d, &digest);
	json_set_str(j, "directive_id_hash", show_hash(s->a, &d.id_hash));
	json_set_str(j, "digest", show_hash(s->a, &digest));
}

static int is_signed(struct showing *s, bool *ret, struct err *err)
{
	struct signature_row sig;

	*ret = signature_store_get(s->view, s->row->space_id, s->row->nonce, &sig, err) == 0;
	return *ret || err->code == ERR_NOT_FOUND ? 0 : -1;
}

static int set_nonces(struct showing *s, json_t *j, struct err *err)
{
	json_t *list = json_array_in(s->a);
	struct nonce_history_row *rows;
	bool has_signature;
	size_t n;

	if (nonce_history_list(s->view, s->a, s->row->seq, &rows, &n, err) != 0 ||
	    is_signed(s, &has_signature, err) != 0)
		return -1;
	json_set_bool(j, "signed", has_signature);
	json_set_int(j, "nonce_generation", s->row->generation);
	for (size_t i = 0; i < n; i++) {
		json_t *one = json_object_in(s->a), *evidence;
		struct err bad;

		json_set_int(one, "generation", rows[i].generation);
		json_set_decimal(one, "nonce", rows[i].nonce);
		set_hash(s->a, one, "digest", rows[i].has_digest, &rows[i].digest);
		json_set_int(one, "retired_at_ms", rows[i].retired_at_ms);
		json_set_str(one, "operator", rows[i].operator);
		/* Written as an object by ourselves; what the file may hold instead is shown as the text it is. */
		if (json_parse(s->a, bytes_of(rows[i].evidence), 4, &evidence, &bad) == 0)
			json_set(one, "evidence", evidence);
		else
			json_set_str(one, "evidence", rows[i].evidence);
		json_add(list, one);
	}
	json_set(j, "nonce_history", list);
	return 0;
}

/* How deep a block is below the head: 1 for the head itself; null when that is not known. */
static void set_confirmations(struct showing *s, json_t *j, bool mined, uint64_t block)
{
	const struct chain *c = outbox_chain_of(s->ob, s->space.chain_id);

	if (!mined) {
		json_set_int(j, "confirmations", 0);
	} else if (!c || !c->head_known) {
		json_set_take(j, "confirmations", json_null());
	} else {
		json_set_u64(j, "confirmations", block <= c->head ? c->head - block + 1 : 0);
	}
}

static json_t *attempt_json(struct arena *a, const struct attempt_row *row)
{
	json_t *j = json_object_in(a);

	json_set_str(j, "hash", show_hash(a, &row->hash));
	json_set_int(j, "fill", row->fill);
	json_set_int(j, "attempt", row->attempt);
	json_set_decimal(j, "max_fee", gas_price_value(row->max_fee));
	json_set_decimal(j, "max_priority_fee", gas_price_value(row->max_priority_fee));
	json_set_number(j, "gas_limit", row->gas_limit);
	json_set_time(j, "sent_at_ms", row->first_sent_at_ms, 0);
	json_set_time(j, "last_sent_at_ms", row->last_sent_at_ms, 0);
	json_set_bool(j, "acknowledged", row->acknowledged);
	json_set_str(j, "reply", row->last_reply);
	return j;
}

/* Raw transactions are large: they stay in an arena of their own. */
static int attempts_json(struct showing *s, const struct slot_row *slot, json_t **ret, struct err *err)
{
	SCOPED(arena) struct arena own = ARENA_LIMIT(OUTBOX_ARENA_MAX);
	struct attempt_row *rows;
	size_t n;

	*ret = json_array_in(s->a);
	if (attempt_store_list(s->view, &own, slot->id, &rows, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		json_add(*ret, attempt_json(s->a, &rows[i]));
	return 0;
}

/* The slot that carries it. */
static int set_tx(struct showing *s, json_t *j, struct err *err)
{
	json_t *tx, *attempts;
	struct slot_row slot;

	if (s->row->tx_id == 0) {
		json_set_take(j, "tx", json_null());
		return 0;
	}
	if (slot_store_get(s->view, s->row->tx_id, &slot, err) != 0 || attempts_json(s, &slot, &attempts, err) != 0)
		return -1;
	tx = json_object_in(s->a);
	json_set_int(tx, "slot", slot.id);
	json_set_int(tx, "lane", slot.lane);
	json_set_number(tx, "account_nonce", slot.nonce);
	json_set_str(tx, "purpose", slot_purpose_name(slot.purpose));
	json_set_str(tx, "state", slot_state_name(slot.state));
	json_set_int(tx, "fill", slot.fill);
	json_set(tx, "attempts", attempts);
	set_hash(s->a, tx, "hash", slot.mined, &slot.mined_hash);
	if (slot.mined)
		json_set_number(tx, "block", slot.mined_block);
	else
		json_set_take(tx, "block", json_null());
	set_confirmations(s, tx, slot.mined, slot.mined_block);
	json_set_int(tx, "opened_at_ms", slot.opened_at_ms);
	json_set(j, "tx", tx);
	return 0;
}

/* The transaction that had the effect, ours or not. */
static void set_effect(struct showing *s, json_t *j)
{
	json_t *effect;

	if (!s->row->has_result) {
		json_set_take(j, "effect", json_null());
		return;
	}
	effect = json_object_in(s->a);
	json_set_str(effect, "tx_hash", show_hash(s->a, &s->row->result_hash));
	json_set_number(effect, "block", s->row->result_block);
	set_confirmations(s, effect, true, s->row->result_block);
	json_set(j, "effect", effect);
}

int outbox_directive_json(struct outbox *ob, struct arena *a, const struct directive_row *row, json_t **ret,
			  struct err *err)
{
	struct showing s = { .ob = ob, .a = a, .view = store_view(ob->opt.store), .row = row };
	json_t *j = row_json(a, row);

	if (space_store_get(s.view, a, row->space_id, &s.space, err) != 0)
		return -1;
	json_set_number(j, "chain_id", s.space.chain_id);
	json_set_str(j, "contract", show_address(a, &s.space.contract));
	json_set_str(j, "payload", show_bytes(a, row->payload));
	json_set_str(j, "content_hash", show_hash(a, &row->content_hash));
	json_set_time(j, "expires_at_ms", row->expires_at_ms, -1);
	set_digests(&s, j);
	json_set_str(j, "order_key",
		     row->order_key_n ? show_bytes(a, (struct bytes){ row->order_key, row->order_key_n }) : NULL);
	json_set_bool(j, "holds_order", row->holds_order);
	json_set_bool(j, "blocked", row->blocked);
	json_set_time(j, "recheck_at_ms", row->recheck_at_ms, DIRECTIVE_NO_WAKE);
	json_set_int(j, "reverted_dry_runs", row->reverted_dry_runs);
	if (set_nonces(&s, j, err) != 0 || set_tx(&s, j, err) != 0)
		return -1;
	set_effect(&s, j);
	*ret = j;
	return 0;
}
