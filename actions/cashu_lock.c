#include "actions/cashu_lock.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "rails/bitcoin/secp.h"
#include "rails/cashu/lock.h"
#include "rails/cashu/witness.h"
#include "rails/keys/keyring.h"
#include "store/key_index_store.h"

#define NAMESPACE "cashu_lock"

void lock_opener_save(json_t *to, const struct lock_opener *o)
{
	json_set_int(to, "opened_at_s", o->at_s);
	json_set_str(to, "preimage", o->preimage);
}

int lock_opener_load(const json_t *from, struct lock_opener *o, struct err *err)
{
	/* Both are younger than the kinds that keep them. */
	if (json_opt_i64(from, "opened_at_s", &o->at_s, err) != 0)
		return -1;
	return json_opt_str(from, "preimage", 64, &o->preimage, err);
}

int lock_key_new(struct unit *u, struct keyring *keys, struct pubkey *ret, int64_t *ret_index, struct err *err)
{
	if (key_index_take(u, NAMESPACE, ret_index, err) != 0)
		return -1;
	if (*ret_index + LOCK_GAP >= KEYRING_LOCK_KEYS_MAX) {
		ERR(err, ERR_RANGE, "%" PRId64 " keys were given out, which is all that there are", *ret_index);
		return err_hint(err, "lock_key.list: an older key serves as well");
	}
	return keyring_cashu_lock_key(keys, (uint32_t)*ret_index, ret, err);
}

int lock_keys_given(struct view v, int64_t *ret, struct err *err)
{
	return key_index_next(v, NAMESPACE, ret, err);
}

int lock_key_at(struct keyring *keys, int64_t index, struct pubkey *ret, struct err *err)
{
	return keyring_cashu_lock_key(keys, (uint32_t)index, ret, err);
}

/* --- whose key is it? --- */

/* How a key of a lock signs: by itself, or by a signature that the proof brought along. */
struct signer {
	uint32_t index;
	const uint8_t *sig; /* or NULL: ours, by index */
};

/* The keys of one lock that can sign. */
struct signers {
	struct pubkey key[2 * LOCK_KEYS_MAX];
	struct signer by[2 * LOCK_KEYS_MAX];
	size_t n;
};

static int keys_below(struct view v, uint32_t *ret, struct err *err)
{
	int64_t next;

	if (key_index_next(v, NAMESPACE, &next, err) != 0)
		return -1;
	*ret = next > KEYRING_LOCK_KEYS_MAX - LOCK_GAP ? KEYRING_LOCK_KEYS_MAX : (uint32_t)next + LOCK_GAP;
	return 0;
}

/* Those that brought their signature come first: ours are spared where they are not needed. */
static void add_present(const struct lock_keys *keys, const struct witness *w, const struct hash32 *msg,
			struct signers *ret)
{
	for (size_t k = 0; k < keys->n; k++) {
		for (size_t i = 0; i < w->n_sigs; i++) {
			if (!secp_schnorr_verify(&keys->key[k], msg, w->sigs[i]))
				continue;
			ret->key[ret->n] = keys->key[k];
			ret->by[ret->n++] = (struct signer){ .sig = w->sigs[i] };
			break;
		}
	}
}

static bool is_among(const struct signers *s, const struct pubkey *key)
{
	for (size_t i = 0; i < s->n; i++)
		if (memcmp(s->key[i].b + 1, key->b + 1, sizeof(key->b) - 1) == 0)
			return true;
	return false;
}

static int add_ours(struct keyring *kr, uint32_t below, const struct lock_keys *keys, struct signers *ret,
		    struct err *err)
{
	for (size_t k = 0; k < keys->n; k++) {
		uint32_t index;
		int found;

		if (is_among(ret, &keys->key[k]))
			continue;
		found = keyring_cashu_lock_find(kr, &keys->key[k], below, &index, err);
		if (found < 0)
			return -1;
		if (!found)
			continue;
		ret->key[ret->n] = keys->key[k];
		ret->by[ret->n++] = (struct signer){ .index = index };
	}
	return 0;
}

/* --- one proof --- */

struct opening {
	struct keyring *keys;
	uint32_t below;
	int64_t at_s;
	bool has_preimage;
	uint8_t preimage[32];
};

static int opening_begin(struct view v, struct keyring *keys, const struct lock_opener *o, struct opening *ret,
			 struct err *err)
{
	*ret = (struct opening){ .keys = keys, .at_s = o->at_s, .has_preimage = o->preimage != NULL };
	if (o->preimage && !hex_decode(o->preimage, ret->preimage, sizeof(ret->preimage))) {
		ERR(err, ERR_PARAM, "a preimage is 64 characters of hex");
		return err_field(err, "preimage");
	}
	return keys_below(v, &ret->below, err);
}

/* What the proof brings along; nothing when it brings nothing that can be read. */
static void witness_of(const struct proof *p, struct witness *ret)
{
	struct err ignored; /* the mint would refuse it, and so it counts for nothing */

	if (!p->witness || witness_parse(p->witness, ret, &ignored) != 0)
		*ret = (struct witness){ 0 };
}

/* How to open this lock, with the signatures over msg that are there already (msg NULL: none counts). */
static int way_in(const struct opening *o, const struct lock *l, const struct witness *w, const struct hash32 *msg,
		  struct signers *who, struct lock_way *ret, struct err *err)
{
	const uint8_t *preimage = o->has_preimage ? o->preimage : w->has_preimage ? w->preimage : NULL;

	*who = (struct signers){ .n = 0 };
	if (msg) {
		add_present(&l->keys, w, msg, who);
		add_present(&l->refund, w, msg, who);
	}
	if (add_ours(o->keys, o->below, &l->keys, who, err) != 0 ||
	    add_ours(o->keys, o->below, &l->refund, who, err) != 0)
		return -1;
	return lock_way_find(l, o->at_s, who->key, who->n, preimage, ret, err);
}

static int witness_make(struct step *s, const struct opening *o, const struct signers *who, const struct lock_way *way,
			const struct witness *had, const struct hash32 *msg, const char **ret, struct err *err)
{
	struct witness w = { .has_preimage = way->preimage };
	char *text;

	if (way->n_signers > WITNESS_SIGS_MAX)
		return ERR(err, ERR_RANGE, "a lock that takes %zu signatures; no witness holds more than %d",
			   way->n_signers, WITNESS_SIGS_MAX);
	if (way->preimage)
		memcpy(w.preimage, o->has_preimage ? o->preimage : had->preimage, sizeof(w.preimage));
	for (size_t i = 0; i < way->n_signers; i++) {
		const struct signer *by = &who->by[way->signers[i]];

		if (by->sig)
			memcpy(w.sigs[w.n_sigs], by->sig, sizeof(w.sigs[0]));
		else if (keyring_cashu_lock_sign(o->keys, by->index, msg, w.sigs[w.n_sigs], err) != 0)
			return -1;
		w.n_sigs++;
	}
	if (witness_text(s->arena, &w, &text, err) != 0)
		return -1;
	*ret = text;
	return 0;
}

/* --- all of a request --- */

static int64_t highest_key(const struct signers *who, const struct lock_way *way)
{
	int64_t above = 0;

	for (size_t i = 0; i < way->n_signers; i++)
		if (!who->by[way->signers[i]].sig && who->by[way->signers[i]].index >= above)
			above = (int64_t)who->by[way->signers[i]].index + 1;
	return above;
}

int locks_check(struct view v, struct keyring *keys, const struct lock_opener *o, const struct proof *proofs, size_t n,
		int64_t *ret_keys, struct err *err)
{
	struct opening opening;
	int64_t above = 0;

	if (opening_begin(v, keys, o, &opening, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct signers who;
		struct lock_way way;
		struct witness had;
		struct hash32 msg;
		struct lock l;

		if (lock_parse(proofs[i].secret, &l, err) != 0)
			return err_context(err, "proof %zu", i + 1);
		if (l.kind == LOCK_NONE)
			continue;
		witness_of(&proofs[i], &had);
		witness_message(proofs[i].secret, &msg);
		if (way_in(&opening, &l, &had, l.sig_all ? NULL : &msg, &who, &way, err) != 0)
			return err_context(err, "proof %zu", i + 1);
		if (highest_key(&who, &way) > above)
			above = highest_key(&who, &way);
	}
	if (ret_keys)
		*ret_keys = above;
	return 0;
}

int lock_keys_used(struct unit *u, int64_t keys, struct err *err)
{
	return keys ? key_index_raise(u, NAMESPACE, keys, err) : 0;
}

static int open_one(struct step *s, const struct opening *o, struct proof *p, const struct hash32 *all, struct err *err)
{
	struct signers who;
	struct lock_way way;
	struct witness had;
	struct hash32 msg;
	struct lock l;

	if (lock_parse(p->secret, &l, err) != 0)
		return -1;
	if (l.kind == LOCK_NONE) {
		p->witness = NULL;
		return 0;
	}
	witness_of(p, &had);
	witness_message(p->secret, &msg);
	if (way_in(o, &l, &had, all ? NULL : &msg, &who, &way, err) != 0)
		return -1;
	if (way.path == LOCK_BY_ANYONE) {
		p->witness = NULL;
		return 0;
	}
	return witness_make(s, o, &who, &way, &had, all ? all : &msg, &p->witness, err);
}

static int any_covers_all(const struct proof *inputs, size_t n, bool *ret, struct err *err)
{
	struct lock l;

	*ret = false;
	for (size_t i = 0; i < n; i++) {
		if (lock_parse(inputs[i].secret, &l, err) != 0)
			return -1;
		*ret = *ret || (l.kind != LOCK_NONE && l.kind != LOCK_OTHER && l.sig_all);
	}
	return 0;
}

int locks_open(struct step *s, const struct lock_opener *o, struct proof *inputs, size_t n,
	       const struct output *outputs, size_t n_out, struct err *err)
{
	struct opening opening;
	struct hash32 msg;
	bool all;

	if (opening_begin(s->view, s->keys, o, &opening, err) != 0 || any_covers_all(inputs, n, &all, err) != 0)
		return -1;
	if (all) {
		/* One witness, on the first input, for all of them. */
		witness_message_all(inputs, n, outputs, n_out, NULL, &msg);
		for (size_t i = 1; i < n; i++)
			inputs[i].witness = NULL;
		if (open_one(s, &opening, &inputs[0], &msg, err) != 0)
			return -1;
	}
	for (size_t i = 0; !all && i < n; i++)
		if (open_one(s, &opening, &inputs[i], NULL, err) != 0)
			return err_context(err, "proof %zu", i + 1);
	return witness_check_request(inputs, n, outputs, n_out, NULL, o->at_s, err);
}
