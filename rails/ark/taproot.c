#include "rails/ark/taproot.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"
#include "rails/bitcoin/secp.h"

#define PREIMAGE_SIZE 32

/* --- clauses --- */

static struct ark_clause delayed_sign(uint16_t delay, const struct pubkey *key)
{
	return (struct ark_clause){ .flags = ARK_DELAY, .key = *key, .delay = delay };
}

static struct ark_clause timelock_sign(uint32_t height, const struct pubkey *key)
{
	return (struct ark_clause){ .flags = ARK_LOCKTIME, .key = *key, .locktime = height };
}

static struct ark_clause delayed_timelock_sign(uint16_t delay, uint32_t height, const struct pubkey *key)
{
	return (struct ark_clause){
		.flags = ARK_DELAY | ARK_LOCKTIME, .key = *key, .delay = delay, .locktime = height
	};
}

/* any_length: 0, or ARK_ANY_LENGTH for v0. */
static struct ark_clause hash_sign(const struct hash32 *hash, unsigned any_length, const struct pubkey *key)
{
	return (struct ark_clause){ .flags = ARK_PREIMAGE | any_length, .key = *key, .hash = *hash };
}

static struct ark_clause hash_delay_sign(const struct hash32 *hash, unsigned any_length, uint16_t delay,
					 const struct pubkey *key)
{
	return (struct ark_clause){
		.flags = ARK_PREIMAGE | ARK_DELAY | any_length, .key = *key, .delay = delay, .hash = *hash
	};
}

/* --- trees --- */

static void add_leaf(struct ark_taproot *t, const struct ark_clause *c)
{
	SCOPED(buf) struct buf script = BUF_CAP(ARK_CLAUSE_SCRIPT_MAX);
	struct ark_leaf *leaf = &t->leaf[t->n_leaves++];

	leaf->clause = *c;
	ark_clause_script(c, &script);
	assert(buf_ok(&script));
	memcpy(leaf->script, script.p, script.n);
	leaf->n = (uint8_t)script.n;
	tap_leaf_hash(TAP_LEAF_TAPSCRIPT, buf_bytes(&script), &leaf->hash);
}

/* From internal key and leaves to the output. */
static int finish(struct ark_memo *m, struct ark_taproot *t, struct err *err)
{
	if (t->n_leaves == 2)
		tap_branch_hash(&t->leaf[0].hash, &t->leaf[1].hash, &t->root);
	else if (t->n_leaves == 1)
		t->root = t->leaf[0].hash;
	tap_tweak_hash(&t->internal, t->n_leaves > 0 ? &t->root : NULL, &t->tweak);
	if (!ark_memo_tweak(m, &t->internal, &t->tweak, &t->output))
		return ERR(err, ERR_CRYPTO, "taproot: the internal key is no key");
	return 0;
}

static int check_terms(const struct ark_terms *t, struct err *err)
{
	if (t->expiry_height > ARK_HEIGHT_MAX)
		return ERR(err, ERR_RANGE, "expiry_height: %u is above %u", t->expiry_height, ARK_HEIGHT_MAX);
	if (t->exit_delta > ARK_DELTA_MAX)
		return ERR(err, ERR_RANGE, "exit_delta: %u is above %u", t->exit_delta, ARK_DELTA_MAX);
	return 0;
}

static int check_policy(const struct ark_policy *p, struct err *err)
{
	if (p->htlc_expiry > ARK_HEIGHT_MAX)
		return ERR(err, ERR_RANGE, "htlc_expiry: %u is above %u", p->htlc_expiry, ARK_HEIGHT_MAX);
	if (p->htlc_expiry_delta > ARK_DELTA_MAX)
		return ERR(err, ERR_RANGE, "htlc_expiry_delta: %u is above %u", p->htlc_expiry_delta, ARK_DELTA_MAX);
	return 0;
}

/* --- policies --- */

static void add_htlc_send(struct ark_taproot *tap, const struct ark_policy *p, const struct ark_terms *t)
{
	unsigned any_length = p->kind == ARK_HTLC_SEND_V0 ? ARK_ANY_LENGTH : 0;
	struct ark_clause claim = hash_delay_sign(&p->hash, any_length, t->exit_delta, &t->server);
	struct ark_clause refund = delayed_timelock_sign((uint16_t)(2 * t->exit_delta), p->htlc_expiry, &p->user);

	add_leaf(tap, &claim);
	add_leaf(tap, &refund);
}

static void add_htlc_receive(struct ark_taproot *tap, const struct ark_policy *p, const struct ark_terms *t)
{
	unsigned any_length = p->kind == ARK_HTLC_RECEIVE_V0 ? ARK_ANY_LENGTH : 0;
	struct ark_clause refund = delayed_timelock_sign(t->exit_delta, p->htlc_expiry, &t->server);
	struct ark_clause claim = hash_delay_sign(&p->hash, any_length,
						  (uint16_t)(p->htlc_expiry_delta + t->exit_delta), &p->user);

	add_leaf(tap, &refund);
	add_leaf(tap, &claim);
}

static void add_hark_leaf(struct ark_taproot *tap, const struct ark_policy *p, const struct ark_terms *t,
			  const struct pubkey *both)
{
	struct ark_clause sweep = timelock_sign(t->expiry_height, &t->server);
	struct ark_clause unlock = hash_sign(&p->hash, p->kind == ARK_HARK_LEAF_V0 ? ARK_ANY_LENGTH : 0, both);

	add_leaf(tap, &sweep);
	add_leaf(tap, &unlock);
}

static void add_hark_forfeit(struct ark_taproot *tap, const struct ark_policy *p, const struct ark_terms *t)
{
	struct ark_clause claim = hash_sign(&p->hash, p->kind == ARK_HARK_FORFEIT_V0 ? ARK_ANY_LENGTH : 0, &t->server);
	struct ark_clause leave = delayed_sign(t->exit_delta, &p->user);

	add_leaf(tap, &claim);
	add_leaf(tap, &leave);
}

/* The leaves of §3.3; both: the aggregate of user and server. */
static void add_leaves(struct ark_taproot *tap, const struct ark_policy *p, const struct ark_terms *t,
		       const struct pubkey *both)
{
	struct ark_clause only;

	switch (p->kind) {
	case ARK_PUBKEY:
		only = delayed_sign(t->exit_delta, &p->user);
		add_leaf(tap, &only);
		return;
	case ARK_CHECKPOINT:
	case ARK_EXPIRY:
		only = timelock_sign(t->expiry_height, &t->server);
		add_leaf(tap, &only);
		return;
	case ARK_HARK_LEAF_V0:
	case ARK_HARK_LEAF:
		add_hark_leaf(tap, p, t, both);
		return;
	case ARK_HARK_FORFEIT_V0:
	case ARK_HARK_FORFEIT:
		add_hark_forfeit(tap, p, t);
		return;
	case ARK_HTLC_SEND_V0:
	case ARK_HTLC_SEND:
		add_htlc_send(tap, p, t);
		return;
	case ARK_HTLC_RECEIVE_V0:
	case ARK_HTLC_RECEIVE:
		add_htlc_receive(tap, p, t);
		return;
	case ARK_SERVER_OWNED:
		return;
	}
}

/* Who can spend by the key path; *both is the aggregate where there is one. */
static int internal_key(struct ark_memo *m, const struct ark_policy *p, const struct ark_terms *t, struct pubkey *both,
			struct xonly *ret, struct err *err)
{
	const struct pubkey pair[2] = { p->user, t->server };

	if (p->kind == ARK_EXPIRY) {
		*ret = p->internal;
		return 0;
	}
	if (p->kind == ARK_SERVER_OWNED) {
		*ret = secp_xonly_of(&t->server);
		return 0;
	}
	if (ark_memo_aggregate(m, pair, 2, both, err) != 0)
		return -1;
	*ret = secp_xonly_of(both);
	return 0;
}

int ark_policy_taproot_by(struct ark_memo *m, const struct ark_policy *p, const struct ark_terms *t,
			  struct ark_taproot *ret, struct err *err)
{
	struct ark_taproot tap = { .n_leaves = 0 };
	struct pubkey both = { { 0 } };

	if (check_terms(t, err) != 0 || check_policy(p, err) != 0 ||
	    internal_key(m, p, t, &both, &tap.internal, err) != 0)
		return -1;
	add_leaves(&tap, p, t, &both);
	if (finish(m, &tap, err) != 0)
		return -1;
	*ret = tap;
	return 0;
}

int ark_cosign_taproot_by(struct ark_memo *m, const struct pubkey *cosigners, size_t n, const struct ark_terms *t,
			  struct ark_taproot *ret, struct err *err)
{
	struct ark_policy p = { .kind = ARK_EXPIRY };
	struct pubkey all;

	if (ark_memo_aggregate(m, cosigners, n, &all, err) != 0)
		return -1;
	p.internal = secp_xonly_of(&all);
	return ark_policy_taproot_by(m, &p, t, ret, err);
}

int ark_tweaked_output_by(struct ark_memo *m, const struct pubkey *cosigners, size_t n, const struct pubkey *server,
			  const struct hash32 *tweak, struct xonly *ret, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT((ARK_KEYS_MAX + 1) * sizeof(struct pubkey) + 64);
	struct tap_output out;
	struct pubkey *keys, all;
	struct xonly x;

	if (n > ARK_KEYS_MAX)
		return ERR(err, ERR_RANGE, "arkoor: %zu cosigners", n);
	keys = ARENA_ARRAY(&a, n + 1, struct pubkey);
	if (n > 0)
		memcpy(keys, cosigners, n * sizeof(*keys));
	keys[n] = *server;
	if (ark_memo_aggregate(m, keys, n + 1, &all, err) != 0)
		return -1;
	x = secp_xonly_of(&all);
	if (!ark_memo_tweak(m, &x, tweak, &out))
		return ERR(err, ERR_CRYPTO, "arkoor: the tweak makes no key of the aggregate");
	*ret = out.key;
	return 0;
}

int ark_policy_taproot(const struct ark_policy *p, const struct ark_terms *t, struct ark_taproot *ret, struct err *err)
{
	return ark_policy_taproot_by(NULL, p, t, ret, err);
}

int ark_cosign_taproot(const struct pubkey *cosigners, size_t n, const struct ark_terms *t, struct ark_taproot *ret,
		       struct err *err)
{
	return ark_cosign_taproot_by(NULL, cosigners, n, t, ret, err);
}

int ark_tweaked_output(const struct pubkey *cosigners, size_t n, const struct pubkey *server,
		       const struct hash32 *tweak, struct xonly *ret, struct err *err)
{
	return ark_tweaked_output_by(NULL, cosigners, n, server, tweak, ret, err);
}

int ark_policy_spk(const struct ark_policy *p, const struct ark_terms *t, struct spk *ret, struct err *err)
{
	struct ark_taproot tap;

	if (ark_policy_taproot(p, t, &tap, err) != 0)
		return -1;
	*ret = ark_taproot_spk(&tap);
	return 0;
}

/* --- spending --- */

struct spk ark_taproot_spk(const struct ark_taproot *t)
{
	return spk_p2tr(&t->output.key);
}

struct bytes ark_leaf_script(const struct ark_leaf *l)
{
	return (struct bytes){ l->script, l->n };
}

struct bytes ark_taproot_control(struct arena *a, const struct ark_taproot *t, size_t leaf)
{
	struct tap_path path = { .leaf = t->leaf[leaf].hash };

	assert(leaf < t->n_leaves);
	if (t->n_leaves == 2) {
		path.steps = &t->leaf[1 - leaf].hash;
		path.n = 1;
	}
	return tap_control_make(a, TAP_LEAF_TAPSCRIPT, &t->internal, t->output.odd, &path);
}

size_t ark_taproot_leaf_of(const struct ark_taproot *t, const struct pubkey *key)
{
	size_t i = 0;

	while (i < t->n_leaves && !pubkey_equal(&t->leaf[i].clause.key, key))
		i++;
	return i;
}

int ark_leaf_witness(struct arena *a, const struct ark_taproot *t, size_t leaf, const uint8_t sig[64],
		     const uint8_t *preimage, struct witness *ret, struct err *err)
{
	struct witness w = { .items = ARENA_ARRAY(a, 4, struct bytes) };
	bool hash_locked;

	assert(leaf < t->n_leaves);
	hash_locked = (t->leaf[leaf].clause.flags & ARK_PREIMAGE) != 0;
	if (hash_locked && preimage == NULL)
		return ERR(err, ERR_PARAM, "%s: needs the preimage", ark_clause_name(&t->leaf[leaf].clause));
	w.items[w.n++] = arena_bytes(a, (struct bytes){ sig, 64 });
	if (hash_locked)
		w.items[w.n++] = arena_bytes(a, (struct bytes){ preimage, PREIMAGE_SIZE });
	w.items[w.n++] = arena_bytes(a, ark_leaf_script(&t->leaf[leaf]));
	w.items[w.n++] = ark_taproot_control(a, t, leaf);
	*ret = w;
	return 0;
}

struct weight ark_leaf_witness_weight(const struct ark_taproot *t, size_t leaf)
{
	assert(leaf < t->n_leaves);
	return ark_clause_witness_weight(&t->leaf[leaf].clause, TAP_CONTROL_MIN + 32 * (t->n_leaves - 1));
}

bool ark_witness_preimage(const struct witness *w, const struct hash32 *hash, uint8_t ret[32])
{
	struct hash32 image;

	if (w->n != 4 || w->items[1].n != PREIMAGE_SIZE)
		return false;
	sha256(w->items[1], &image);
	if (!hash32_equal(&image, hash))
		return false;
	memcpy(ret, w->items[1].p, PREIMAGE_SIZE);
	return true;
}
