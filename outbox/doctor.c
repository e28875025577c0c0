#include "outbox/doctor.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "outbox/show_text.h"

#define SLOTS_LOOKED_AT 4096

static void found(struct finding *f, enum outbox_severity severity, const char *kind, const char *next,
		  const char *what)
{
	*f = (struct finding){ .severity = severity, .kind = kind, .what = what, .next = next };
}

bool pause_is(const char *reason, const char *which)
{
	return reason && strcmp(reason, which) == 0;
}

/* --- chains --- */

void chain_examine(const struct chain *c, struct arena *a, struct finding *ret)
{
	const uint64_t id = c->conf.chain_id;

	*ret = (struct finding){ 0 };
	if (c->reach == HOLD_WRONG_CHAIN)
		found(ret, OUTBOX_CRITICAL, "wrong_chain", "name nodes of the right chain in evm_chain, and restart",
		      arena_printf(a, "The endpoints of chain %" PRIu64 " serve another chain: nothing is sent there.",
				   id));
	else if (c->reach == HOLD_ENDPOINTS)
		found(ret, OUTBOX_WARNING, "endpoints_down",
		      "see why the nodes do not answer; walletd goes on by itself",
		      arena_printf(a, "No endpoint of chain %" PRIu64 " answers: directives wait.", id));
}

/* --- lanes --- */

/* The newest attempt of what is in the slot now. */
static int newest_attempt(struct view v, struct arena *a, struct lane_health *h, struct err *err)
{
	SCOPED(arena) struct arena own = ARENA_LIMIT(OUTBOX_ARENA_MAX);
	struct attempt_row *rows;
	size_t n;

	if (attempt_store_list(v, &own, h->lowest.id, &rows, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (rows[i].fill == h->lowest.fill) {
			h->newest = rows[i];
			h->attempts++;
		}
	h->newest.last_reply = h->newest.last_reply ? arena_strdup(a, h->newest.last_reply) : NULL;
	return 0;
}

static int look_at_slots(struct view v, struct lane_health *h, struct err *err)
{
	SCOPED(arena) struct arena own = ARENA_LIMIT(OUTBOX_ARENA_MAX);
	struct slot_row *slots;
	size_t n;

	if (slot_store_list_open(v, &own, h->row.lane, SLOTS_LOOKED_AT, &slots, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (slots[i].state == SLOT_VACANT) {
			h->vacant++;
			continue;
		}
		h->open++;
		/* What is mined waits for depth alone. */
		if (!h->has_lowest && slots[i].state != SLOT_MINED) {
			h->has_lowest = true;
			h->lowest = slots[i];
		}
	}
	return 0;
}

static int look_at_lowest(struct view v, struct arena *a, struct lane_health *h, struct err *err)
{
	if (!h->has_lowest)
		return 0;
	h->age_ms = clock_now_ms() - h->lowest.opened_at_ms;
	return newest_attempt(v, a, h, err);
}

static void compare_fees(struct lane_health *h)
{
	const struct chain *c = h->lane->chain;
	struct evm_fees was = { h->newest.max_fee, h->newest.max_priority_fee }, raised;

	if (!h->has_lowest || h->attempts == 0 || !c->fees_known)
		return;
	h->underpriced = gas_price_cmp(h->newest.max_fee, c->base_fee) < 0;
	h->at_cap = !evm_fee_bump(&was, c->over_cap ? &was : &c->quote, c->conf.max_fee, &raised);
}

static void compare_counts(struct lane_health *h)
{
	if (!h->lane->seen || !h->row.synced)
		return;
	h->counted = true;
	h->gap = (int64_t)(h->row.next_tx_nonce - h->lane->pending);
}

/* *ret: is there a directive that only this lane may carry? */
static int lane_has_waiting(const struct outbox *ob, const struct lane_row *row, bool *ret, struct err *err)
{
	*ret = false;
	for (size_t i = 0; i < ob->n_spaces && !*ret; i++) {
		int64_t wake = DIRECTIVE_NO_WAKE;

		if (ob->spaces[i]->conf.chain_id != row->chain_id || ob->spaces[i]->id == 0)
			continue;
		if (directive_store_next_wake(store_view(ob->opt.store), ob->spaces[i]->id, row->lane, &wake, err) != 0)
			return -1;
		*ret = wake != DIRECTIVE_NO_WAKE;
	}
	return 0;
}

/* A stored reference as the configuration has it: "hd:m/44'/60'/21592'/0/3" is hd:3. */
static const char *configured_ref(struct arena *a, const char *stored)
{
	const char *index = strrchr(stored, '/');

	return index ? arena_printf(a, "hd:%s", index + 1) : stored;
}

static int lane_is_strange(const struct outbox *ob, struct lane_health *h, struct arena *a, struct err *err)
{
	bool waiting;

	if (lane_has_waiting(ob, &h->row, &waiting, err) != 0)
		return -1;
	if (h->open == 0 && !waiting)
		return 0;
	found(&h->finding, OUTBOX_CRITICAL, "lane_not_configured",
	      arena_printf(a, "put relayer=%s back into evm_chain, until its work is done",
			   configured_ref(a, h->row.key_ref)),
	      arena_printf(a,
			   "Lane %" PRId64
			   " is not configured any more and has %u open transactions%s: nobody follows them.",
			   h->row.lane, h->open, waiting ? ", and directives that wait for it" : ""));
	return 0;
}

static void lane_is_paused_because(struct lane_health *h, struct arena *a)
{
	const char *why = h->row.pause_reason;
	bool foreign = strcmp(why, PAUSE_FOREIGN) == 0;

	found(&h->finding, foreign ? OUTBOX_CRITICAL : OUTBOX_INFO, "lane_paused",
	      arena_printf(a, "%soutbox.resume with lane=%" PRId64 " and a reason",
			   foreign ? "find out who else uses the relayer's key, then " : "", h->row.lane),
	      foreign ? arena_printf(a, "Lane %" PRId64 " is paused: somebody else sends from its account %s.",
				     h->row.lane, show_address(a, &h->row.relayer))
		      : arena_printf(a, "Lane %" PRId64 " is paused: %s", h->row.lane, why));
}

void key_examine(const struct key_source *k, const char *whose, struct arena *a, struct finding *ret)
{
	if (k->trouble.code != ERR_NONE)
		found(ret, OUTBOX_CRITICAL, "key_missing",
		      k->is_file ? "put the key file and its password in place; walletd tries again by itself"
				 : "see the log",
		      arena_printf(a, "The key of %s (%s) cannot be had: %s", whose, k->ref, k->trouble.msg));
	else
		found(ret, OUTBOX_WARNING, "signer_locked", "wallet.unlock",
		      arena_printf(a, "The key of %s is not there while the wallet is locked.", whose));
}

static void lane_is_held(struct lane_health *h, struct arena *a)
{
	const struct lane *l = h->lane;
	const char *account = show_address(a, &h->row.relayer);
	const char *chain = arena_printf(a, "%" PRIu64, h->row.chain_id);
	const char *text = l->hold_text[0] ? l->hold_text : hold_name(l->hold);

	switch (l->hold) {
	case HOLD_SIGNER_LOCKED:
		key_examine(&l->key, arena_printf(a, "lane %" PRId64, h->row.lane), a, &h->finding);
		break;
	case HOLD_KEY_MISMATCH:
		found(&h->finding, OUTBOX_CRITICAL, "key_mismatch", "put the right key file in place",
		      arena_printf(a, "The key of lane %" PRId64 " is not that of %s.", h->row.lane, account));
		break;
	case HOLD_NO_FUNDS:
		found(&h->finding, OUTBOX_CRITICAL, "no_funds",
		      arena_printf(a, "send ether to %s on chain %s; walletd goes on by itself", account, chain),
		      arena_printf(a,
				   "The relayer %s (lane %" PRId64 ") has %s wei, and the next transaction needs %s.",
				   account, h->row.lane, show_wei(a, l->balance), show_wei(a, l->needs)));
		break;
	case HOLD_FEE_CAP:
		found(&h->finding, OUTBOX_WARNING, "fee_cap",
		      arena_printf(a, "wait until chain %s is cheaper, or raise the fee caps in evm_chain", chain),
		      arena_printf(a, "Chain %s asks for more than lane %" PRId64 " may pay: %s", chain, h->row.lane,
				   text));
		break;
	case HOLD_DAY_CAP:
		found(&h->finding, OUTBOX_WARNING, "day_cap", "wait, or raise max_day_fee_gwei in evm_chain",
		      arena_printf(a, "Chain %s has used up what 24 hours may cost: %s", chain, text));
		break;
	case HOLD_POOL_PENDING:
		found(&h->finding, OUTBOX_WARNING, "pool_pending",
		      "wait until they are mined; a relayer's key is for walletd alone",
		      arena_printf(a, "The account %s has transactions in the pool that are not of walletd.", account));
		break;
	case HOLD_NONE:
	case HOLD_NOT_CHECKED:    /* soon over */
	case HOLD_ENDPOINTS:      /* the chain's */
	case HOLD_WRONG_CHAIN:    /* likewise */
	case HOLD_WRONG_CONTRACT: /* a space's */
		break;
	}
}

/* Everything above waits for the lowest slot. */
static void lane_is_stuck(struct lane_health *h, struct arena *a)
{
	const char *slot;

	if (h->counted && h->gap < 0) {
		found(&h->finding, OUTBOX_WARNING, "foreign_transactions",
		      "wait; if it goes on, find out who else uses the relayer's key",
		      arena_printf(a,
				   "The chain has %" PRId64 " transactions of lane %" PRId64
				   " that walletd did not make.",
				   -h->gap, h->row.lane));
		return;
	}
	if (!h->has_lowest || h->age_ms < DOCTOR_STUCK_MS)
		return;
	slot = arena_printf(a, "Transaction %" PRIu64 " of lane %" PRId64 " is open for %" PRId64 " minutes",
			    h->lowest.nonce, h->row.lane, h->age_ms / 60000);
	if (h->underpriced && h->at_cap)
		found(&h->finding, OUTBOX_WARNING, "stuck_at_fee_cap",
		      "wait until the base fee falls, or raise max_fee_gwei in evm_chain and restart",
		      arena_printf(a, "%s: it bids %" PRIu64 " wei, the chain asks for %" PRIu64 ".", slot,
				   gas_price_value(h->newest.max_fee), gas_price_value(h->lane->chain->base_fee)));
	else
		found(&h->finding, OUTBOX_WARNING, "stuck",
		      arena_printf(a, "outbox.cancel_slot with lane=%" PRId64 ", tx_nonce=%" PRIu64 " and a reason",
				   h->row.lane, h->lowest.nonce),
		      arena_printf(a, "%s, after %u attempts: %s", slot, h->attempts,
				   h->newest.last_reply ? h->newest.last_reply : "no answer"));
}

int lane_examine(struct outbox *ob, struct arena *a, const struct lane_row *row, struct lane_health *ret,
		 struct err *err)
{
	struct lane_health h = { .row = *row, .lane = outbox_lane_of(ob, row->lane) };
	struct view v = store_view(ob->opt.store);

	if (look_at_slots(v, &h, err) != 0 || look_at_lowest(v, a, &h, err) != 0)
		return -1;
	if (h.lane) {
		compare_fees(&h);
		compare_counts(&h);
		if (row->paused)
			lane_is_paused_because(&h, a);
		else
			lane_is_held(&h, a);
		if (!h.finding.kind && h.lane->chain->reach == HOLD_NONE)
			lane_is_stuck(&h, a);
	} else if (lane_is_strange(ob, &h, a, err) != 0) {
		return -1;
	}
	*ret = h;
	return 0;
}

/* --- spaces --- */

/* Pauses that walletd made itself say that something is wrong. */
static void space_is_paused_because(struct space_health *h, struct arena *a)
{
	const char *why = h->row.pause_reason;

	if (strcmp(why, PAUSE_NONCE_HORIZON) == 0)
		found(&h->finding, OUTBOX_CRITICAL, "nonce_horizon",
		      arena_printf(a, "outbox.nonce_advance with space_id=%" PRId64 ", to=… and a reason", h->row.id),
		      arena_printf(a,
				   "The chain has seen nonces of space %" PRId64
				   " that this database has not given out (it is an old copy, or somebody else has the"
				   " signer): nothing of it is signed.",
				   h->row.id));
	else if (strcmp(why, PAUSE_SIGNER_UNKNOWN) == 0)
		found(&h->finding, OUTBOX_CRITICAL, "space_paused",
		      arena_printf(a,
				   "let the contract's owner authorise the signer %s, then outbox.resume with"
				   " space_id=%" PRId64 " and a reason",
				   show_address(a, &h->row.signer), h->row.id),
		      arena_printf(a, "Space %" PRId64 " is paused: the contract does not trust its signer.",
				   h->row.id));
	else
		found(&h->finding, strcmp(why, PAUSE_BAD_SIGNATURE) == 0 ? OUTBOX_CRITICAL : OUTBOX_INFO,
		      "space_paused",
		      arena_printf(a, "outbox.resume with space_id=%" PRId64 " and a reason", h->row.id),
		      arena_printf(a, "Space %" PRId64 " is paused: %s", h->row.id, why));
}

static void space_is_held(struct space_health *h, struct arena *a)
{
	const struct space *s = h->space;

	if (s->hold == HOLD_SIGNER_LOCKED && h->open > 0)
		key_examine(&s->key, arena_printf(a, "space %" PRId64, h->row.id), a, &h->finding);
	else if (s->hold == HOLD_KEY_MISMATCH)
		found(&h->finding, OUTBOX_CRITICAL, "key_mismatch", "put the right key file in place",
		      arena_printf(a, "The key of space %" PRId64 " is not that of its signer %s.", h->row.id,
				   show_address(a, &h->row.signer)));
	else if (s->hold == HOLD_WRONG_CONTRACT)
		found(&h->finding, OUTBOX_CRITICAL, "wrong_contract",
		      "name the right contract in outbox_space, and restart",
		      arena_printf(a, "Space %" PRId64 ", contract %s: %s", h->row.id,
				   show_address(a, &h->row.contract), s->hold_text));
}

int space_examine(struct outbox *ob, struct arena *a, const struct space_row *row, struct space_health *ret,
		  struct err *err)
{
	struct space_health h = { .row = *row, .space = outbox_space_of(ob, row->id) };

	if (directive_store_tally(store_view(ob->opt.store), row->id, h.tally, err) != 0)
		return -1;
	h.open = h.tally[DELIVERY_PENDING] + h.tally[DELIVERY_CLAIMED] + h.tally[DELIVERY_RETRY] +
		 h.tally[DELIVERY_SUBMITTED] + h.tally[DELIVERY_INCLUDED];
	if (!h.space) {
		if (h.open > 0)
			found(&h.finding, OUTBOX_CRITICAL, "space_not_configured",
			      arena_printf(a, "put outbox_space=%" PRIu64 " contract=%s back, until it is drained",
					   row->chain_id, show_address(a, &row->contract)),
			      arena_printf(a,
					   "Space %" PRId64 " is not configured any more and has %" PRIu64
					   " open directives: nobody delivers them.",
					   row->id, h.open));
	} else if (row->paused) {
		space_is_paused_because(&h, a);
	} else {
		space_is_held(&h, a);
	}
	*ret = h;
	return 0;
}
