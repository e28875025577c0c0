#include "outbox/delivery.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "outbox/directive_states.h"
#include "rails/evm/tx.h"

#define GWEI            UINT64_C(1000000000)
#define NO_OP_GAS       21000
#define REVOKE_GAS      120000 /* one nonce: about 50,000 */
#define PATIENCE_BLOCKS 3
#define PATIENCE_MIN_MS 30000
#define ATTEMPTS_MAX    12
#define FIRST_CHECK_MS  1000
#define DAY_MS          (INT64_C(86400) * 1000)

/* --- what it costs --- */

uint64_t delivery_cost_gwei(const struct delivery *d)
{
	struct wei cost = gas_cost(d->fees.max_fee, d->gas_limit);

	/* Gas is at most 2^24 and a price at most 2^62: the quotient fits. */
	return wei_to_gwei_ceil(cost);
}

int delivery_check_caps(const struct chain *c, struct view v, uint64_t cost_gwei, struct err *err)
{
	uint64_t spent;

	if (cost_gwei > c->conf.max_tx_gwei)
		return ERR(err, ERR_BUDGET,
			   "a transaction of up to %" PRIu64 " gwei passes max_tx_fee_gwei (%" PRIu64 ")", cost_gwei,
			   c->conf.max_tx_gwei);
	if (slot_store_cost_since(v, c->conf.chain_id, clock_now_ms() - DAY_MS, &spent, err) != 0)
		return -1;
	if (spent > c->conf.max_day_gwei || cost_gwei > c->conf.max_day_gwei - spent)
		return ERR(err, ERR_BUDGET,
			   "the fees of 24 hours would pass max_day_fee_gwei (%" PRIu64 "): %" PRIu64
			   " and up to %" PRIu64 " more",
			   c->conf.max_day_gwei, spent, cost_gwei);
	return 0;
}

/* --- signing and writing ahead --- */

static int sign_attempt(struct lane *l, struct arena *a, const struct slot_row *slot, const struct delivery *d,
			struct attempt_row *ret, struct err *err)
{
	struct evm_tx tx = { .chain_id = l->chain->conf.chain_id,
			     .nonce = slot->nonce,
			     .fees = d->fees,
			     .gas_limit = d->gas_limit,
			     .to = d->to,
			     .data = d->data };
	SCOPED(buf) struct buf raw = BUF_CAP(EVM_TX_MAX);
	struct evm_tx_signature sig;
	struct hash32 digest;

	if (!l->key.key) {
		ERR(err, ERR_WALLET_LOCKED, "the relayer's key is not there");
		return err_hint(err, "wallet.unlock");
	}
	if (evm_tx_digest(&tx, &digest, err) != 0 ||
	    evm_key_sign(l->key.key, &digest, sig.rs, &sig.y_parity, err) != 0 || evm_tx_raw(&tx, &sig, &raw, err) != 0)
		return -1;
	ret->raw = arena_bytes(a, buf_bytes(&raw));
	evm_tx_hash(ret->raw, &ret->hash);
	ret->tx_id = slot->id;
	ret->fill = slot->fill;
	ret->max_fee = d->fees.max_fee;
	ret->max_priority_fee = d->fees.max_priority_fee;
	ret->gas_limit = d->gas_limit;
	ret->signed_at_ms = clock_now_ms();
	return 0;
}

/* Bytes that were refused for good must not come again, and content and fees may be what they were: no two fills of a slot
 * have the same gas limit. */
static int tell_apart(struct view v, struct arena *a, const struct slot_row *slot, uint64_t *gas_limit, struct err *err)
{
	struct attempt_row *rows;
	size_t n, i = 0;

	if (slot->fill == 0)
		return 0;
	if (attempt_store_list(v, a, slot->id, &rows, &n, err) != 0)
		return -1;
	while (i < n)
		if (rows[i++].gas_limit == *gas_limit) {
			++*gas_limit;
			i = 0;
		}
	return 0;
}

int delivery_open(struct lane *l, struct unit *u, struct arena *a, const struct delivery *d, struct slot_row *ret_slot,
		  struct hash32 *ret_hash, struct err *err)
{
	struct attempt_row attempt = { .attempt = 0 };
	struct delivery own = *d;
	struct slot_row slot;

	if (slot_store_open(u, l->id, d->purpose, l->slots_now, delivery_cost_gwei(d), clock_now_ms(), &slot, err) !=
		    0 ||
	    tell_apart(unit_view(u), a, &slot, &own.gas_limit, err) != 0 ||
	    sign_attempt(l, a, &slot, &own, &attempt, err) != 0 || attempt_store_add(u, &attempt, err) != 0)
		return -1;
	slot.cost_gwei = delivery_cost_gwei(&own);
	slot.next_check_at_ms = clock_now_ms() + FIRST_CHECK_MS;
	if (slot_store_save(u, &slot, err) != 0)
		return -1;
	*ret_slot = slot;
	*ret_hash = attempt.hash;
	return 0;
}

static int quote_of(const struct chain *c, struct evm_fees *ret, struct err *err)
{
	if (!c->fees_known || c->over_cap) {
		ERR(err, ERR_BUSY,
		    c->fees_known ? "the chain asks for more than max_fee_gwei allows"
				  : "the chain's fees are not known yet");
		return err_hint(err, "outbox.lanes; try again");
	}
	*ret = c->quote;
	return 0;
}

int delivery_open_no_op(struct lane *l, struct unit *u, struct arena *a, struct slot_row *ret_slot, struct err *err)
{
	struct delivery d = { .purpose = SLOT_NO_OP, .to = l->address, .gas_limit = NO_OP_GAS };
	struct hash32 hash;

	if (quote_of(l->chain, &d.fees, err) != 0 ||
	    delivery_check_caps(l->chain, unit_view(u), delivery_cost_gwei(&d), err) != 0)
		return -1;
	return delivery_open(l, u, a, &d, ret_slot, &hash, err);
}

int delivery_open_revoke(struct lane *l, struct unit *u, struct arena *a, const struct directive_row *row,
			 struct slot_row *ret_slot, struct hash32 *ret_hash, struct err *err)
{
	const struct space *s = outbox_space_of(l->ob, row->space_id);
	struct delivery d = { .purpose = SLOT_REVOKE, .gas_limit = REVOKE_GAS };
	SCOPED(buf) struct buf data = BUF_CAP(512);

	if (!s)
		return ERR(err, ERR_CONFIG, "the space of directive %s is not configured any more", row->id);
	d.to = s->conf.contract;
	verifier_revoke_nonces(&data, &s->signer, &row->nonce, 1);
	d.data = buf_bytes(&data);
	if (quote_of(l->chain, &d.fees, err) != 0 ||
	    delivery_check_caps(l->chain, unit_view(u), delivery_cost_gwei(&d), err) != 0)
		return -1;
	return delivery_open(l, u, a, &d, ret_slot, ret_hash, err);
}

/* --- replacing --- */

int64_t delivery_patience_ms(const struct chain *c)
{
	int64_t blocks = PATIENCE_BLOCKS * c->conf.block_time_ms;

	return blocks < PATIENCE_MIN_MS ? PATIENCE_MIN_MS : blocks;
}

/* The dearest attempt of the slot's present content, and how many there are. */
static int newest_attempt(struct view v, struct arena *a, const struct slot_row *slot, struct attempt_row *ret,
			  uint32_t *ret_n, struct err *err)
{
	struct attempt_row *rows;
	bool found = false;
	size_t n;

	if (attempt_store_list(v, a, slot->id, &rows, &n, err) != 0)
		return -1;
	*ret_n = 0;
	for (size_t i = 0; i < n; i++) {
		if (rows[i].fill != slot->fill)
			continue;
		*ret = rows[i];
		*ret_n = rows[i].attempt + 1;
		found = true;
	}
	return found ? 0 : ERR(err, ERR_INTERNAL, "slot %" PRId64 " has no attempt", slot->id);
}

static int bumped(const struct chain *c, const struct attempt_row *old, struct evm_fees *ret, struct err *err)
{
	struct evm_fees was = { old->max_fee, old->max_priority_fee };
	struct evm_fees fresh = c->fees_known && !c->over_cap ? c->quote : was;

	if (!evm_fee_bump(&was, &fresh, c->conf.max_fee, ret))
		return ERR(err, ERR_BUDGET, "a replacement would pass max_fee_gwei");
	return 0;
}

static int add_attempt(struct lane *l, struct unit *u, struct arena *a, struct slot_row *slot, const struct delivery *d,
		       uint32_t number, struct hash32 *ret_hash, struct err *err)
{
	struct attempt_row attempt = { .attempt = number };
	uint64_t cost = delivery_cost_gwei(d), more = cost > slot->cost_gwei ? cost - slot->cost_gwei : 0;

	if (delivery_check_caps(l->chain, unit_view(u), more, err) != 0 ||
	    sign_attempt(l, a, slot, d, &attempt, err) != 0 || attempt_store_add(u, &attempt, err) != 0)
		return -1;
	if (cost > slot->cost_gwei)
		slot->cost_gwei = cost;
	slot->next_check_at_ms = clock_now_ms() + FIRST_CHECK_MS;
	if (slot_store_save(u, slot, err) != 0)
		return -1;
	*ret_hash = attempt.hash;
	return 0;
}

int delivery_replace(struct lane *l, struct moves *m, struct slot_row *slot, struct hash32 *ret_hash, struct err *err)
{
	struct delivery d = { .purpose = slot->purpose };
	struct evm_tx_signature sig;
	struct bytes raw;
	struct item_row *items;
	struct attempt_row old;
	struct evm_tx tx;
	uint32_t n;
	size_t n_items;

	if (newest_attempt(unit_view(m->u), m->a, slot, &old, &n, err) != 0)
		return -1;
	if (n >= ATTEMPTS_MAX)
		return ERR(err, ERR_BUSY, "slot %" PRId64 " has %u attempts already", slot->id, n);
	/* The content is that of the bytes that were sent, whatever may have become of their source. */
	if (attempt_store_raw(unit_view(m->u), m->a, &old.hash, &raw, err) != 0 ||
	    evm_tx_decode(raw, &tx, &sig, err) != 0 || bumped(l->chain, &old, &d.fees, err) != 0)
		return -1;
	d.to = tx.to;
	d.data = tx.data;
	d.gas_limit = tx.gas_limit;
	(void)FAILPOINT("outbox.replace");
	if (add_attempt(l, m->u, m->a, slot, &d, n, ret_hash, err) != 0 ||
	    item_store_list(unit_view(m->u), m->a, slot->id, slot->fill, &items, &n_items, err) != 0)
		return -1;
	for (size_t i = 0; i < n_items; i++) {
		struct directive_row row;

		if (directive_store_by_seq(unit_view(m->u), m->a, items[i].seq, &row, err) != 0 ||
		    directive_replaced(m, &row, ret_hash, err) != 0)
			return -1;
	}
	after_count(&m->after, l->m_replaced);
	return 0;
}

int delivery_replace_by_no_op(struct lane *l, struct unit *u, struct arena *a, struct slot_row *slot,
			      struct hash32 *ret_hash, struct err *err)
{
	struct delivery d = { .purpose = slot->purpose, .to = l->address, .gas_limit = NO_OP_GAS };
	struct attempt_row old;
	uint32_t n;

	if (slot->state != SLOT_PREPARED && slot->state != SLOT_BROADCAST)
		return ERR(err, ERR_ILLEGAL_STATE, "slot %" PRIu64 " is %s: there is nothing to cancel", slot->nonce,
			   slot_state_name(slot->state));
	if (newest_attempt(unit_view(u), a, slot, &old, &n, err) != 0 || bumped(l->chain, &old, &d.fees, err) != 0)
		return -1;
	return add_attempt(l, u, a, slot, &d, n, ret_hash, err);
}

/* --- back to the queue --- */

int delivery_requeue_items(struct moves *m, const struct slot_row *slot, const char *why, struct err *err)
{
	struct item_row *items;
	size_t n;

	if (item_store_list(unit_view(m->u), m->a, slot->id, slot->fill, &items, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct directive_row row;

		if (directive_store_by_seq(unit_view(m->u), m->a, items[i].seq, &row, err) != 0)
			return -1;
		if (row.status == DELIVERY_SUBMITTED && row.tx_id == slot->id &&
		    directive_requeue(m, &row, why, err) != 0)
			return -1;
	}
	return 0;
}
