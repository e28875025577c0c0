#include "rails/ark/hark.h"

#include <string.h>

#include "base/hash.h"
#include "rails/ark/exit_tx.h"
#include "rails/ark/validate.h"
#include "rails/bitcoin/secp.h"

static const struct genesis_item *lock_of(const struct vtxo *v)
{
	const struct genesis_item *last = v->n_items > 0 ? &v->items[v->n_items - 1] : NULL;

	if (last == NULL || (last->kind != GENESIS_HASH_LOCKED && last->kind != GENESIS_HASH_LOCKED_V0))
		return NULL;
	return last;
}

static int not_locked(struct err *err)
{
	return ERR(err, ERR_VTXO_INVALID, "the VTXO's last step is not locked by a hash");
}

int hark_leaf(const struct vtxo *v, struct ark_cosigned *ret, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(exit_chain_room(v));
	const struct genesis_item *lock = lock_of(v);
	struct ark_cosigned c = { .server = v->terms.server };
	struct exit_chain chain;

	if (lock == NULL)
		return not_locked(err);
	c.user = lock->keys[0];
	if (exit_chain_make(&a, v, &chain, err) != 0 ||
	    exit_tx_sighash(&chain.txs[chain.n - 1], &c.sighash, err) != 0 ||
	    ark_pair_keys(&c.user, &c.server, NULL, &c.keys, err) != 0)
		return -1;
	*ret = c;
	return 0;
}

/* A copy whose last step may be written to. */
static struct genesis_item *copy(struct arena *a, const struct vtxo *v, struct vtxo *ret)
{
	struct genesis_item *items = ARENA_ARRAY(a, v->n_items, struct genesis_item);

	memcpy(items, v->items, v->n_items * sizeof(items[0]));
	*ret = *v;
	ret->items = items;
	return &items[v->n_items - 1];
}

int hark_put_signature(struct arena *a, const struct vtxo *v, const uint8_t sig[64], struct vtxo *ret, struct err *err)
{
	struct genesis_item *last;

	if (lock_of(v) == NULL)
		return not_locked(err);
	last = copy(a, v, ret);
	last->has_signature = true;
	memcpy(last->signature, sig, sizeof(last->signature));
	return 0;
}

int hark_unlock(struct arena *a, const struct vtxo *v, const uint8_t preimage[32], struct vtxo *ret, struct err *err)
{
	const struct genesis_item *lock = lock_of(v);
	struct genesis_item *last;
	struct hash32 hash;

	if (lock == NULL)
		return not_locked(err);
	sha256((struct bytes){ preimage, 32 }, &hash);
	if (!hash32_equal(&hash, &lock->unlock_hash))
		return ERR(err, ERR_PEER_INVALID, "the preimage does not unlock the VTXO");
	last = copy(a, v, ret);
	last->has_preimage = true;
	memcpy(last->preimage, preimage, sizeof(last->preimage));
	return 0;
}

static int check_lock(const struct vtxo *v, const struct hash32 *unlock_hash, enum hark_stage stage, struct err *err)
{
	const struct genesis_item *lock = lock_of(v);

	/* New rounds have the lock that looks at the preimage's length; the other is for VTXOs that are there already. */
	if (lock == NULL || lock->kind != GENESIS_HASH_LOCKED)
		return ERR(err, ERR_PEER_INVALID, "the round's VTXO is not locked as it must be");
	if (lock->has_preimage)
		return ERR(err, ERR_PEER_INVALID, "the round's VTXO is unlocked before its forfeits");
	if (!hash32_equal(&lock->unlock_hash, unlock_hash))
		return ERR(err, ERR_PEER_INVALID, "the round's VTXO is locked by another hash than was agreed");
	if (!pubkey_equal(&lock->keys[0], &v->policy.user))
		return ERR(err, ERR_PEER_INVALID, "the round's VTXO is locked for another user");
	if (lock->has_signature != (stage == HARK_SIGNED))
		return ERR(err, ERR_PEER_INVALID, "the last step of the round's VTXO is %s",
			   lock->has_signature ? "signed already" : "not signed");
	return 0;
}

/* The first n of its steps. */
static int check_signatures(const struct vtxo *v, size_t n, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(exit_chain_room(v));
	struct exit_chain chain;

	if (exit_chain_make(&a, v, &chain, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct hash32 sighash;

		if (exit_tx_sighash(&chain.txs[i], &sighash, err) != 0)
			return -1;
		if (!v->items[i].has_signature ||
		    !secp_xonly_verify(&chain.txs[i].from.key, &sighash, v->items[i].signature))
			return ERR(err, ERR_VTXO_TRANSITION, "genesis item %zu of %zu (%s): %s", i, v->n_items,
				   genesis_name(v->items[i].kind),
				   v->items[i].has_signature ? "invalid signature" : "missing signature");
	}
	return 0;
}

int hark_check(const struct vtxo *v, const struct tx *round, const struct hash32 *unlock_hash, enum hark_stage stage,
	       struct err *err)
{
	if (check_lock(v, unlock_hash, stage, err) != 0 || vtxo_validate_unsigned(v, round, err) != 0)
		return -1;
	return check_signatures(v, stage == HARK_SIGNED ? v->n_items : v->n_items - 1, err);
}
