/* Whatever the database refuses, every function of the table families says so: none goes on as if it had been done.
 * Each call here works; then a table that it needs is gone, and it must fail. */
#include <stdio.h>
#include <string.h>

#include "store/call_store.h"
#include "store/credential_store.h"
#include "store/directive_store.h"
#include "store/event_store.h"
#include "store/key_index_store.h"
#include "store/melt_store.h"
#include "store/mint_store.h"
#include "store/outbox_audit.h"
#include "store/proof_store.h"
#include "store/quote_store.h"
#include "store/relay_store.h"
#include "store/wallet_store.h"
#include "tests/support/outbox_rows.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch scratch;
static const struct currency sat = { "sat" };
static const struct action_id alice = { "alice" }, bob = { "bob" };
static const struct keyset_id id = { "00aaaaaaaaaaaaaa" };
static const struct pubkey locked = { { 2, 1 } }, spendable = { { 2, 2 } }, given_up = { { 2, 7 } };
#define LATER_MS (24LL * 3600 * 1000) /* than the hour after which the mint is asked for what was given up */
static struct keyset_key one_key[] = { { 1, { { 2, 9 } } } };

static void never_event(void *ctx, const struct event *e)
{
	(void)e;
	++*(int *)ctx;
}

static void never_proof(void *ctx, const struct proof_row *row)
{
	(void)row;
	++*(int *)ctx;
}

static void never_movement(void *ctx, const struct movement_row *row)
{
	(void)row;
	++*(int *)ctx;
}

static void never_directive(void *ctx, const struct directive_row *row)
{
	(void)row;
	++*(int *)ctx;
}

static struct movement moving(struct unit *u)
{
	return movement_begin(u, &alice, RAIL_ECASH, "test", 1, sat, 1000);
}

static int add_proof(struct unit *u, const struct pubkey *y, enum proof_state state, struct err *err)
{
	struct movement m = moving(u);
	struct proof p = { .amount = 8, .keyset = id, .secret = "s", .c = *y, .y = *y };

	if (proof_store_add(&m, &p, 1, state, &alice, ACCOUNT_OUTSIDE, NULL, err) != 0)
		return -1;
	return movement_post(&m, err);
}

/* A quote for the invoice of this hash; the payment is open. */
static int add_melt(struct unit *u, const char *name, uint8_t hash, struct err *err)
{
	struct melt_quote_row row = {
		.mint_id = 1,
		.id = name,
		.amount = ecash_zero(sat),
		.fee_reserve = ecash_zero(sat),
		.request = "",
		.payment_hash = { { hash } },
		.state = QUOTE_UNPAID,
		.fee_paid = ecash_zero(sat),
		.action = bob,
		.holder = bob,
	};

	return melt_store_add(u, &row, err);
}

/* One call, with what it needs; what it returns is only looked at for being an error. */
struct world {
	struct unit *u;
	struct view v;
	struct arena *a;
	struct movement m;
	int called;
	int64_t n;
	size_t size;
	const char *text;
	struct ecash sum;
	unsigned count;
	uint64_t number;
	union {
		struct wallet_row wallet;
		struct call_row call;
		struct credential_row *credentials;
		struct mint_row mint, *mints;
		struct keyset keyset, *keysets;
		struct keyset_id *ids;
		struct mint_quote_row quote;
		struct melt_quote_row melt;
		struct proof_row proof, *proofs;
		struct proof_sort *sorts;
		struct output output, *outputs;
		struct account_total *totals;
		struct space_row space, *spaces;
		struct directive_row *directives;
		struct nonce_history_row *history;
		struct signature_row signature;
		struct lane_row lane, *lanes;
		struct slot_row slot, *slots;
		struct bytes bytes;
		struct attempt_row *attempts;
		struct item_row *items;
		struct hash32 *hashes;
		uint64_t tally[DELIVERY_COUNT];
		bool yes;
	} row;
	struct directive_row directive; /* the first one: pending, of a key */
	struct slot_row first_slot;
	struct hash32 hash; /* of its attempt */
};

#define CALL(name, expr)                                                                                               \
	static int do_##name(struct world *w, struct err *err)                                                         \
	{                                                                                                              \
		return (expr);                                                                                         \
	}

CALL(meta_get, meta_get(w->v, w->a, "x", &w->text, err))
CALL(meta_set, meta_set(w->u, "x", "y", err))
CALL(wallet_add, wallet_store_add(w->u, &(struct wallet_row){ .fingerprint = "f" }, err))
CALL(wallet_get, wallet_store_get(w->v, w->a, &w->row.wallet, err))
CALL(event_append, event_append(w->u, "k", "s", "{}", err))
CALL(event_list, event_list(w->v, w->a, 0, NULL, 9, never_event, &w->called, &w->n, err))
CALL(event_last, event_last_seq(w->v, &w->n, err))
CALL(event_prune, event_prune(w->u, 0, 9, err))
CALL(call_add, call_store_add(w->u, &(struct call_row){ "c", "k", "m", { { 0 } }, "{}", { "" }, 0 }, err))
CALL(call_set, call_store_set_response(w->u, "old", "k", "{}", err))
CALL(call_find, call_store_find(w->v, w->a, "old", "k", &w->row.call, err))
CALL(cred_add, credential_add(w->u, &(struct credential_row){ .name = "n" }, &w->n, err))
CALL(cred_rotate, credential_rotate(w->u, "old", (const uint8_t[16]){ 0 }, &(struct hash32){ { 0 } }, err))
CALL(cred_revoke, credential_revoke(w->u, "old", 5, err))
CALL(cred_list, credential_list(w->v, w->a, &w->row.credentials, &w->size, err))
CALL(cred_used, credential_used(w->u, 1, 5, err))
CALL(cred_spend, credential_spend_add(w->u, 1, &alice, 1, 5, err))
CALL(cred_spent, credential_spent_since(w->v, 1, 0, &(uint64_t){ 0 }, err))
CALL(cred_spent_on, credential_spent_on(w->v, 1, &alice, err))
CALL(counter_take, keyset_counter_take(w->u, &id, 1, &w->n, err))
CALL(counter_raise, keyset_counter_raise(w->u, &id, 1, err))
CALL(index_take, key_index_take(w->u, "x", &w->n, err))
CALL(index_next, key_index_next(w->v, "x", &w->n, err))
CALL(index_raise, key_index_raise(w->u, "x", 1, err))
CALL(mint_add, mint_store_add(w->u, &(struct mint_row){ .url = "u" }, &w->n, err))
CALL(mint_update, mint_store_update(w->u, &(struct mint_row){ .id = 1 }, err))
CALL(mint_trouble, mint_store_set_trouble(w->u, 1, "k", 1, err))
CALL(mint_url, mint_store_by_url(w->v, w->a, "https://a", &w->row.mint, err))
CALL(mint_id, mint_store_by_id(w->v, w->a, 1, &w->row.mint, err))
CALL(mint_list, mint_store_list(w->v, w->a, 0, 9, &w->row.mints, &w->size, err))
CALL(keyset_put, keyset_store_put(w->u, 1, &(struct keyset){ .id = id, .unit = sat }, -1, err))
CALL(keyset_list, keyset_store_list(w->v, w->a, 1, &w->row.keysets, &w->size, err))
CALL(keyset_get, keyset_store_get(w->v, w->a, 1, &id, &w->row.keyset, err))
CALL(keyset_alike, keyset_store_alike(w->v, w->a, "00", &w->row.ids, &w->size, err))
CALL(quote_add,
     quote_store_add(w->u, &(struct mint_quote_row){ .mint_id = 1, .id = "n", .request = "", .state = QUOTE_PAID },
		     err))
CALL(quote_hold, quote_store_hold(w->u, 1, "q", &alice, err))
CALL(quote_state, quote_store_set_state(w->u, 1, "q", QUOTE_ISSUED, 1, err))
CALL(quote_release, quote_store_release(w->u, &alice, err))
CALL(quote_get, quote_store_get(w->v, w->a, 1, "q", &w->row.quote, err))
CALL(quote_holder, quote_store_by_holder(w->v, w->a, &bob, &w->row.quote, err))
CALL(melt_add, add_melt(w->u, "n", 3, err))
CALL(melt_state, melt_store_set_state(w->u, 1, "q", QUOTE_PENDING, 1, err))
CALL(melt_set_paid, melt_store_set_paid(w->u, 1, "q", NULL, ecash_zero(sat), 1, err))
CALL(melt_release, melt_store_release(w->u, &bob, err))
CALL(melt_get, melt_store_get(w->v, w->a, 1, "q", &w->row.melt, err))
CALL(melt_open, melt_store_open(w->v, w->a, &(struct hash32){ { 1 } }, &w->row.melt, err))
CALL(melt_paid, melt_store_paid(w->v, w->a, &(struct hash32){ { 2 } }, &w->row.melt, err))
CALL(proof_add, add_proof(w->u, &(struct pubkey){ { 2, 3 } }, PROOF_SPENDABLE, err))
CALL(proof_lock, proof_store_lock(&w->m, &spendable, 1, &bob, err))
CALL(proof_move, proof_store_move(&w->m, &alice, PROOF_LOCKED, PROOF_SENT, ACCOUNT_SENT, &w->sum, err))
CALL(proof_some, proof_store_move_some(&w->m, &alice, &locked, 1, PROOF_LOCKED, PROOF_SENT, ACCOUNT_SENT, &w->sum, err))
CALL(proof_rehold, proof_store_rehold(w->u, &alice, &bob, PROOF_LOCKED, err))
CALL(proof_drop, proof_store_drop_pending(&w->m, &alice, err))
CALL(proof_release, proof_store_release(w->u, &alice, 1, err))
CALL(proof_spendable, proof_store_spendable(w->v, w->a, 1, sat, 9, &w->row.proofs, &w->size, err))
CALL(proof_sorts, proof_store_sorts(w->v, w->a, 1, sat, 9, &w->row.sorts, &w->size, err))
CALL(proof_purse, proof_store_next_purse(w->v, &w->n, &(struct currency){ "" }, err))
CALL(proof_holder, proof_store_by_holder(w->v, w->a, &alice, PROOF_LOCKED, &w->row.proofs, &w->size, err))
CALL(proof_find, proof_store_find(w->v, w->a, &locked, &w->row.proof, err))
CALL(proof_list, proof_store_list(w->v, w->a, &(struct proof_query){ .limit = 9 }, never_proof, &w->called, err))
CALL(output_add,
     output_store_add(w->u, &alice, 1,
		      &(struct output){ .keyset = id, .secret = "s", .purpose = OUTPUT_KEEP, .counter = 4 }, 1, 1, err))
CALL(output_open, output_store_open(w->v, w->a, &alice, OUTPUT_OPEN, &w->row.outputs, &w->size, err))
CALL(output_find, output_store_find(w->v, &(struct pubkey){ { 2 } }, &(enum output_status){ 0 }, err))
CALL(output_number, output_store_number(w->v, &bob, &(uint32_t){ 0 }, err))
CALL(output_batch, output_store_batch(w->v, w->a, &bob, (struct output_batch){ 0, 1 }, &w->row.outputs, err))
CALL(output_settle, output_store_settle(w->u, &bob, (struct output_batch){ 0, 1 }, OUTPUT_SIGNED, err))
CALL(output_due_mint, output_store_due_mint(w->v, 0, "cashu_sweep", LATER_MS, &w->n, err))
CALL(output_due, output_store_take_due(w->u, w->a, 1, 9, LATER_MS, &w->row.outputs, &w->size, err))
CALL(output_get, output_store_get(w->v, w->a, &given_up, &w->row.output, err))
CALL(output_swept, output_store_swept(w->u, &given_up, OUTPUT_SIGNED, err))
CALL(output_close, output_store_close(w->u, &alice, OUTPUT_SIGNED, err))
CALL(movement_list, movement_list(w->v, w->a, &(struct movement_query){ .limit = 9, .internal = true }, never_movement,
				  &w->called, err))
CALL(movement_totals, movement_totals(w->v, w->a, &w->row.totals, &w->size, err))
CALL(movement_check, movement_check(w->v, err))
CALL(movement_audit, movement_audit(w->v, err))

static const struct evm_address some_address = { { 5 } };
static const uint8_t some_key[] = { 1 };

static int add_directive(struct world *w, struct err *err)
{
	struct directive_row row = rows_directive(1, 9);

	return directive_store_add(w->u, &row, &w->n, err);
}

CALL(space_put,
     space_store_put(w->u, &(struct space_row){ .chain_id = 1, .key_ref = "k", .release_at = DELIVERY_SUBMITTED },
		     &w->n, err))
CALL(space_get, space_store_get(w->v, w->a, 1, &w->row.space, err))
CALL(space_list, space_store_list(w->v, w->a, &w->row.spaces, &w->size, err))
CALL(space_take, space_store_take_nonce(w->u, 1, &w->number, err))
CALL(space_advance, space_store_advance(w->u, 1, 9, err))
CALL(space_pause, space_store_pause(w->u, 1, "why", err))
CALL(directive_add, add_directive(w, err))
CALL(directive_save, directive_store_save(w->u, &w->directive, 1, err))
CALL(directive_id, directive_store_by_id(w->v, w->a, "d1", &w->directive, err))
CALL(directive_seq, directive_store_by_seq(w->v, w->a, 1, &w->directive, err))
CALL(directive_claim, directive_store_claim(w->u, w->a, 1, 1, 1, 2, 1, &w->row.directives, &w->size, err))
CALL(directive_burst,
     directive_store_claim_burst(w->u, w->a, &w->directive, 1, 2, 1, &w->row.directives, &w->size, err))
CALL(directive_wake, directive_store_next_wake(w->v, 1, 1, &w->n, err))
CALL(directive_unclaim, directive_store_unclaim_expired(w->u, INT64_MAX, 1, 9, &w->count, err))
CALL(directive_recall, directive_store_recall(w->u, 0, 1, 9, err))
CALL(directive_older, directive_store_has_older_holder(w->v, &w->directive, &w->row.yes, err))
CALL(directive_lane, directive_store_holder_lane(w->v, w->directive.order_key, w->directive.order_key_n, &w->n, err))
CALL(directive_unblock, directive_store_unblock_oldest(w->u, some_key, sizeof(some_key), err))
CALL(directive_block, directive_store_block_younger(w->u, &w->directive, err))
CALL(directive_list,
     directive_store_list(w->v, w->a, &(struct directive_query){ .limit = 9 }, never_directive, &w->called, &w->n, err))
CALL(directive_tally, directive_store_tally(w->v, 0, w->row.tally, err))
CALL(directive_oldest, directive_store_oldest_open(w->v, &w->n, err))
CALL(directive_watched, directive_store_confirmed_elsewhere(w->v, w->a, 1, 0, 1, &w->row.directives, &w->size, err))
CALL(directive_elsewhere, directive_store_included_elsewhere(w->v, w->a, 0, 1, &w->row.directives, &w->size, err))
CALL(directive_recheck, directive_store_to_recheck(w->v, w->a, 9, 1, &w->row.directives, &w->size, err))
CALL(history_add, nonce_history_add(w->u, 1, &(struct nonce_history_row){ .evidence = "{}", .operator = "o" }, err))
CALL(history_list, nonce_history_list(w->v, w->a, 1, &w->row.history, &w->size, err))
CALL(signature_get, signature_store_get(w->v, 1, 0, &w->row.signature, err))
CALL(signature_put, signature_store_put(w->u, 1, 1, &(struct signature_row){ .seq = 1 }, 1, err))
CALL(lane_put, lane_store_put(w->u, 1, &some_address, "k", 1, &w->n, err))
CALL(lane_get, lane_store_get(w->v, w->a, 1, &w->row.lane, err))
CALL(lane_list, lane_store_list(w->v, w->a, 0, &w->row.lanes, &w->size, err))
CALL(lane_active, lane_store_set_active(w->u, 1, false, err))
CALL(lane_pause, lane_store_pause(w->u, 1, "why", err))
CALL(lane_raise, lane_store_raise(w->u, 1, 9, 0, err))
CALL(slot_open, slot_store_open(w->u, 1, SLOT_DIRECTIVES, 9, 1, 1, &w->row.slot, err))
CALL(slot_vacant, slot_store_add_vacant(w->u, 1, 7, 1, err))
CALL(slot_save, slot_store_save(w->u, &w->first_slot, err))
CALL(slot_get, slot_store_get(w->v, 1, &w->row.slot, err))
CALL(slot_at, slot_store_at(w->v, 1, 0, &w->row.slot, err))
CALL(slot_list, slot_store_list_open(w->v, w->a, 1, 9, &w->row.slots, &w->size, err))
CALL(slot_watched, slot_store_list_watched(w->v, w->a, 1, 9, &w->row.slots, &w->size, err))
CALL(slot_count, slot_store_count_open(w->v, ROWS_CHAIN, &w->count, err))
CALL(slot_cost, slot_store_cost_since(w->v, ROWS_CHAIN, 0, &w->number, err))
CALL(attempt_add, attempt_store_add(w->u, &(struct attempt_row){ .tx_id = 1, .attempt = 9 }, err))
CALL(attempt_sent, attempt_store_note_sent(w->u, &w->hash, 1, NULL, false, err))
CALL(attempt_raw, attempt_store_raw(w->v, w->a, &w->hash, &w->row.bytes, err))
CALL(attempt_list, attempt_store_list(w->v, w->a, 1, &w->row.attempts, &w->size, err))
CALL(item_add, item_store_add(w->u, &(struct item_row){ .tx_id = 1, .position = 9, .seq = 2 }, err))
CALL(item_outcome, item_store_set_outcome(w->u, &(struct item_row){ .tx_id = 1 }, err))
CALL(item_list, item_store_list(w->v, w->a, 1, 0, &w->row.items, &w->size, err))
CALL(item_hashes, item_store_hashes_of(w->v, w->a, 1, 9, &w->row.hashes, &w->size, err))
CALL(outbox_audit, outbox_audit(w->v, err))

static const struct {
	const char *name, *table;
	int (*call)(struct world *w, struct err *err);
} cases[] = {
	{ "meta_get", "meta", do_meta_get },
	{ "meta_set", "meta", do_meta_set },
	{ "wallet_store_add", "wallet", do_wallet_add },
	{ "wallet_store_get", "wallet", do_wallet_get },
	{ "event_append", "event", do_event_append },
	{ "event_list", "event", do_event_list },
	{ "event_last_seq", "event", do_event_last },
	{ "event_prune", "event", do_event_prune },
	{ "call_store_add", "rpc_call", do_call_add },
	{ "call_store_set_response", "rpc_call", do_call_set },
	{ "call_store_find", "rpc_call", do_call_find },
	{ "credential_add", "credential", do_cred_add },
	{ "credential_rotate", "credential", do_cred_rotate },
	{ "credential_revoke", "credential", do_cred_revoke },
	{ "credential_list", "credential", do_cred_list },
	{ "credential_used", "credential", do_cred_used },
	{ "credential_spend_add", "credential_spend", do_cred_spend },
	{ "credential_spent_since", "credential_spend", do_cred_spent },
	{ "credential_spent_on", "credential_spend", do_cred_spent_on },
	{ "keyset_counter_take", "keyset_counter", do_counter_take },
	{ "keyset_counter_raise", "keyset_counter", do_counter_raise },
	{ "key_index_take", "key_index", do_index_take },
	{ "key_index_next", "key_index", do_index_next },
	{ "key_index_raise", "key_index", do_index_raise },
	{ "mint_store_add", "mint", do_mint_add },
	{ "mint_store_update", "mint", do_mint_update },
	{ "mint_store_set_trouble", "mint", do_mint_trouble },
	{ "mint_store_by_url", "mint", do_mint_url },
	{ "mint_store_by_id", "mint", do_mint_id },
	{ "mint_store_list", "mint", do_mint_list },
	{ "keyset_store_put", "keyset", do_keyset_put },
	{ "keyset_store_list", "keyset", do_keyset_list },
	{ "keyset_store_get", "keyset", do_keyset_get },
	{ "keyset_store_alike", "keyset", do_keyset_alike },
	{ "quote_store_add", "mint_quote", do_quote_add },
	{ "quote_store_hold", "mint_quote", do_quote_hold },
	{ "quote_store_set_state", "mint_quote", do_quote_state },
	{ "quote_store_release", "mint_quote", do_quote_release },
	{ "quote_store_get", "mint_quote", do_quote_get },
	{ "quote_store_by_holder", "mint_quote", do_quote_holder },
	{ "melt_store_add", "melt_quote", do_melt_add },
	{ "melt_store_set_state", "melt_quote", do_melt_state },
	{ "melt_store_set_paid", "melt_quote", do_melt_set_paid },
	{ "melt_store_release", "melt_quote", do_melt_release },
	{ "melt_store_get", "melt_quote", do_melt_get },
	{ "melt_store_open", "melt_quote", do_melt_open },
	{ "melt_store_paid", "melt_quote", do_melt_paid },
	{ "proof_store_add", "proof", do_proof_add },
	{ "movement_post, totals", "account_total", do_proof_add },
	{ "movement_post, row", "movement", do_proof_add },
	{ "movement_post, entries", "ledger_entry", do_proof_add },
	{ "proof_store_lock", "proof", do_proof_lock },
	{ "proof_store_move", "proof", do_proof_move },
	{ "proof_store_move_some", "proof", do_proof_some },
	{ "proof_store_rehold", "proof", do_proof_rehold },
	{ "proof_store_drop_pending", "proof", do_proof_drop },
	{ "proof_store_release", "proof", do_proof_release },
	{ "proof_store_release, ledger", "movement", do_proof_release },
	{ "proof_store_spendable", "proof", do_proof_spendable },
	{ "proof_store_sorts", "proof", do_proof_sorts },
	{ "proof_store_next_purse", "proof", do_proof_purse },
	{ "proof_store_by_holder", "proof", do_proof_holder },
	{ "proof_store_find", "proof", do_proof_find },
	{ "proof_store_list", "proof", do_proof_list },
	{ "output_store_add", "output", do_output_add },
	{ "output_store_open", "output", do_output_open },
	{ "output_store_find", "output", do_output_find },
	{ "output_store_close", "output", do_output_close },
	{ "output_store_number", "output", do_output_number },
	{ "output_store_batch", "output", do_output_batch },
	{ "output_store_settle", "output", do_output_settle },
	{ "output_store_due_mint", "output", do_output_due_mint },
	{ "output_store_take_due", "output", do_output_due },
	{ "output_store_get", "output", do_output_get },
	{ "output_store_swept", "output", do_output_swept },
	{ "movement_list", "movement", do_movement_list },
	{ "movement_list, entries", "ledger_entry", do_movement_list },
	{ "movement_totals", "account_total", do_movement_totals },
	{ "movement_check, coins", "proof", do_movement_check },
	{ "movement_check, totals", "account_total", do_movement_check },
	{ "movement_audit, check", "account_total", do_movement_audit },
	{ "movement_audit, entries", "ledger_entry", do_movement_audit },
	{ "space_store_put", "outbox_nonce_space", do_space_put },
	{ "space_store_get", "outbox_nonce_space", do_space_get },
	{ "space_store_list", "outbox_nonce_space", do_space_list },
	{ "space_store_take_nonce", "outbox_nonce_space", do_space_take },
	{ "space_store_advance", "outbox_nonce_space", do_space_advance },
	{ "space_store_pause", "outbox_nonce_space", do_space_pause },
	{ "directive_store_add", "directive_outbox", do_directive_add },
	{ "directive_store_save", "directive_outbox", do_directive_save },
	{ "directive_store_by_id", "directive_outbox", do_directive_id },
	{ "directive_store_by_seq", "directive_outbox", do_directive_seq },
	{ "directive_store_claim", "directive_outbox", do_directive_claim },
	{ "directive_store_claim_burst", "directive_outbox", do_directive_burst },
	{ "directive_store_next_wake", "directive_outbox", do_directive_wake },
	{ "directive_store_unclaim_expired", "directive_outbox", do_directive_unclaim },
	{ "directive_store_recall", "directive_outbox", do_directive_recall },
	{ "directive_store_has_older_holder", "directive_outbox", do_directive_older },
	{ "directive_store_holder_lane", "directive_outbox", do_directive_lane },
	{ "directive_store_unblock_oldest", "directive_outbox", do_directive_unblock },
	{ "directive_store_block_younger", "directive_outbox", do_directive_block },
	{ "directive_store_list", "directive_outbox", do_directive_list },
	{ "directive_store_tally", "outbox_tally", do_directive_tally },
	{ "directive_store_oldest_open", "directive_outbox", do_directive_oldest },
	{ "directive_store_confirmed_elsewhere", "directive_outbox", do_directive_watched },
	{ "directive_store_included_elsewhere", "directive_outbox", do_directive_elsewhere },
	{ "directive_store_to_recheck", "directive_outbox", do_directive_recheck },
	{ "nonce_history_add", "directive_nonce_history", do_history_add },
	{ "nonce_history_list", "directive_nonce_history", do_history_list },
	{ "signature_store_get", "directive_signature", do_signature_get },
	{ "signature_store_put", "directive_signature", do_signature_put },
	{ "lane_store_put", "outbox_lane", do_lane_put },
	{ "lane_store_get", "outbox_lane", do_lane_get },
	{ "lane_store_list", "outbox_lane", do_lane_list },
	{ "lane_store_set_active", "outbox_lane", do_lane_active },
	{ "lane_store_pause", "outbox_lane", do_lane_pause },
	{ "lane_store_raise", "outbox_lane", do_lane_raise },
	{ "slot_store_open", "outbox_tx", do_slot_open },
	{ "slot_store_open, lane", "outbox_lane", do_slot_open },
	{ "slot_store_add_vacant", "outbox_tx", do_slot_vacant },
	{ "slot_store_save", "outbox_tx", do_slot_save },
	{ "slot_store_get", "outbox_tx", do_slot_get },
	{ "slot_store_at", "outbox_tx", do_slot_at },
	{ "slot_store_list_open", "outbox_tx", do_slot_list },
	{ "slot_store_list_watched", "outbox_tx", do_slot_watched },
	{ "slot_store_count_open", "outbox_tx", do_slot_count },
	{ "slot_store_cost_since", "outbox_lane", do_slot_cost },
	{ "attempt_store_add", "outbox_tx_attempt", do_attempt_add },
	{ "attempt_store_note_sent", "outbox_tx_attempt", do_attempt_sent },
	{ "attempt_store_raw", "outbox_tx_attempt", do_attempt_raw },
	{ "attempt_store_list", "outbox_tx_attempt", do_attempt_list },
	{ "item_store_add", "outbox_tx_item", do_item_add },
	{ "item_store_set_outcome", "outbox_tx_item", do_item_outcome },
	{ "item_store_list", "outbox_tx_item", do_item_list },
	{ "item_store_hashes_of", "outbox_tx_attempt", do_item_hashes },
	{ "outbox_audit", "outbox_tx_item", do_outbox_audit },
};

/* Of the outbox: a directive of a key, one behind it, and one in a slot. */
static int fill_outbox(struct unit *u, struct arena *a, struct err *err)
{
	struct signature_row signature = { .seq = 1 };
	struct directive_row row = rows_directive(rows_space(u, 1), 1);

	for (unsigned n = 1; n <= 2; n++) {
		row = rows_directive(1, n);
		rows_set_key(&row, 7);
		rows_add(u, a, &row);
	}
	row = rows_directive(1, 3);
	row = rows_add(u, a, &row);
	rows_move(u, &row, DELIVERY_SUBMITTED);
	return signature_store_put(u, 1, 0, &signature, 1, err);
}

/* A row of everything that the calls look for. */
static int fill(struct unit *u, void *ctx, struct err *err)
{
	struct keyset ks = { .id = id, .unit = sat, .keys = one_key, .n_keys = 1 };
	struct mint_quote_row held = { .mint_id = 1, .id = "held", .request = "", .state = QUOTE_PAID };
	struct output output = { .keyset = id, .secret = "s", .b = given_up, .purpose = OUTPUT_KEEP, .counter = 9 };
	SCOPED(arena) struct arena a = ARENA_LIMIT(256 * 1024);
	int64_t n;

	(void)ctx;
	OK(fill_outbox(u, &a, err));
	ck_assert_int_eq(scratch_mint(u, "https://a"), 1);
	OK(keyset_store_put(u, 1, &ks, 1, err));
	OK(call_store_add(u, &(struct call_row){ "old", "k", "m", { { 0 } }, "{}", { "" }, 0 }, err));
	OK(credential_add(u, &(struct credential_row){ .name = "old" }, &n, err));
	ck_assert_int_eq(n, 1);
	held.holder = bob;
	OK(quote_store_add(u, &held, err));
	held.holder = (struct action_id){ "" };
	held.id = "q";
	OK(quote_store_add(u, &held, err));
	OK(output_store_add(u, &bob, 1, &output, 1, 1, err));
	OK(output_store_settle(u, &bob, (struct output_batch){ 0, 1 }, OUTPUT_ABANDONED, err));
	OK(add_melt(u, "q", 1, err));
	OK(add_melt(u, "paid", 2, err));
	OK(melt_store_set_paid(u, 1, "paid", NULL, ecash_zero(sat), 1, err));
	OK(add_proof(u, &locked, PROOF_LOCKED, err));
	OK(add_proof(u, &spendable, PROOF_SPENDABLE, err));
	return 0;
}

static int call_one(struct unit *u, int i, struct world *w, struct err *err)
{
	w->u = u;
	w->v = unit_view(u);
	w->m = moving(u);
	return cases[i].call(w, err);
}

struct attempt {
	int i;
	bool fails;
	struct world w; /* with what was read while it could be */
};

static int read_first(struct unit *u, void *ctx, struct err *err)
{
	struct world *w = ctx;
	struct attempt_row *attempts;
	size_t n;

	w->directive = rows_get(unit_view(u), w->a, 1);
	OK(slot_store_get(unit_view(u), 1, &w->first_slot, err));
	OK(attempt_store_list(unit_view(u), w->a, 1, &attempts, &n, err));
	ck_assert_uint_eq(n, 1);
	w->hash = attempts[0].hash;
	return 0;
}

static int attempt(struct unit *u, void *ctx, struct err *err)
{
	struct attempt *t = ctx;
	struct world w = t->w;

	if (!t->fails) {
		if (call_one(u, t->i, &w, err) < 0 && err->code != ERR_NO_WALLET)
			ck_abort_msg("%s: %s", cases[t->i].name, err->msg);
		return 0;
	}
	FAILS(call_one(u, t->i, &w, err), ERR_INTERNAL);
	ck_assert_int_eq(w.called, 0);
	return 0;
}

START_TEST(refused)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(256 * 1024);
	struct attempt works = { .i = _i, .w.a = &a }, fails;
	char sql[128];
	struct err e, *err = &e;

	scratch_open(&scratch);
	scratch_unit(&scratch, fill, NULL);
	scratch_unit(&scratch, read_first, &works.w);
	fails = works;
	fails.fails = true;
	OK(store_rehearse(scratch.store, attempt, &works, err));
	store_flush(scratch.store);
	snprintf(sql, sizeof(sql), "ALTER TABLE %s RENAME TO gone", cases[_i].table);
	scratch_sql(&scratch, sql);
	scratch_unit(&scratch, attempt, &fails);
	scratch_close(&scratch);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store/refused_statements");
	TCase *tc = tcase_create("refused");

	tcase_add_loop_test(tc, refused, 0, (int)ARRAY_LEN(cases));
	suite_add_tcase(s, tc);
	return suite_run(s);
}
