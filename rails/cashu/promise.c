#include "rails/cashu/promise.h"

#include <string.h>

#include "base/json.h"
#include "rails/cashu/cashu_error.h"
#include "rails/cashu/dhke.h"
#include "rails/cashu/keyset.h"
#include "rails/cashu/wire.h"

static int dleq_parse(const json_t *v, struct dleq *ret, struct err *err)
{
	struct dleq d = { .present = true };

	if (wire_scalar(v, "e", &d.e, err) != 0 || wire_scalar(v, "s", &d.s, err) != 0)
		return err_context(err, "dleq");
	*ret = d;
	return 0;
}

static int read_promise(const json_t *v, struct promise *ret, struct err *err)
{
	struct promise p = { 0 };
	const json_t *dleq = json_object_get(v, "dleq");
	const char *id;

	/* Whether C_ lies on the curve shows when it is unblinded: parsing a point twice costs as much as a hash. */
	if (wire_amount(v, "amount", &p.amount, err) != 0 || json_get_str(v, "id", KEYSET_ID_MAX, &id, err) != 0 ||
	    wire_pubkey(v, "C_", &p.c, err) != 0)
		return -1;
	if (!keyset_id_parse(id, &p.keyset))
		return ERR(err, ERR_PARSE, "id is not a keyset id");
	if (dleq != NULL && !json_is_null(dleq) && dleq_parse(dleq, &p.dleq, err) != 0)
		return -1;
	*ret = p;
	return 0;
}

int promise_parse(const json_t *v, struct promise *ret, struct err *err)
{
	if (read_promise(v, ret, err) != 0)
		return cashu_invalid(err, "a signature of the mint");
	return 0;
}

int promises_decode(struct arena *a, const struct net_reply *rep, struct promise **ret, size_t *ret_n, struct err *err)
{
	struct promise *list;
	json_t *v, *sigs;
	size_t n;

	if (cashu_reply_json(a, rep, &v, err) != 0)
		return -1;
	if (json_get_arr(v, "signatures", CASHU_LIST_MAX, &sigs, err) != 0)
		return cashu_invalid(err, "the mint's signatures");
	n = json_array_size(sigs);
	if (!arena_room(a, n * sizeof(*list)))
		return ERR(err, ERR_PEER_INVALID, "the mint sent %zu signatures, more than there is room for", n);
	list = ARENA_ARRAY(a, n, struct promise);
	for (size_t i = 0; i < n; i++)
		if (promise_parse(json_array_get(sigs, i), &list[i], err) != 0)
			return -1;
	*ret = list;
	*ret_n = n;
	return 0;
}

/* The keys of one keyset, each parsed when it is first needed: a request has many outputs and few amounts. */
struct parsed_keys {
	const struct keyset *ks;
	struct point points[CASHU_KEYS_MAX];
	bool parsed[CASHU_KEYS_MAX];
};

static const struct point *parsed_key(struct parsed_keys *p, uint64_t amount)
{
	for (size_t i = 0; i < p->ks->n_keys && i < CASHU_KEYS_MAX; i++) {
		if (p->ks->keys[i].amount != amount)
			continue;
		if (!p->parsed[i] && !point_parse(&p->ks->keys[i].key, &p->points[i]))
			return NULL;
		p->parsed[i] = true;
		return &p->points[i];
	}
	return NULL;
}

static int check_terms(const struct output *o, const struct promise *p, size_t i, bool need_dleq, struct err *err)
{
	if (!keyset_id_equal(&o->keyset, &p->keyset))
		return ERR(err, ERR_PEER_INVALID, "signature %zu is of keyset %s, the output of %s", i, p->keyset.s,
			   o->keyset.s);
	if (o->amount != p->amount)
		return ERR(err, ERR_PEER_INVALID, "signature %zu is for %llu, the output for %llu", i,
			   (unsigned long long)p->amount, (unsigned long long)o->amount);
	if (need_dleq && !p->dleq.present)
		return ERR(err, ERR_PEER_INVALID, "signature %zu lacks the DLEQ proof that the mint says it gives", i);
	return 0;
}

static int unblind(struct arena *a, const struct output *o, const struct promise *p, const struct point *k, size_t i,
		   struct proof *ret, struct err *err)
{
	struct proof proof = { .amount = o->amount, .keyset = o->keyset, .dleq = p->dleq };
	struct point b, c_blind, c, y;

	if (!point_parse(&p->c, &c_blind))
		return ERR(err, ERR_PEER_INVALID, "signature %zu is not a point of the curve", i);
	if (!point_parse(&o->b, &b) || !dhke_hash_to_curve(bytes_of(o->secret), &y))
		return ERR(err, ERR_CRYPTO, "output %zu is not a point of the curve", i);
	if (p->dleq.present && !dhke_dleq_holds(&p->dleq, k, &b, &c_blind))
		return ERR(err, ERR_PEER_INVALID,
			   "signature %zu was not made with the mint's key: its DLEQ proof does "
			   "not hold",
			   i);
	if (!dhke_unblind(&c_blind, &o->r, k, &c))
		return ERR(err, ERR_PEER_INVALID, "signature %zu unblinds to infinity", i);
	point_compress(&c, &proof.c);
	point_compress(&y, &proof.y);
	proof.secret = arena_strdup(a, o->secret);
	if (proof.dleq.present) {
		proof.dleq.r = o->r;
		proof.dleq.has_r = true;
	}
	*ret = proof;
	return 0;
}

int promises_check_and_unblind(struct arena *a, const struct output *outputs, size_t n, const struct promise *promises,
			       size_t n_promises, const struct keyset *keysets, size_t n_keysets, bool mint_offers_dleq,
			       struct proof **ret, struct err *err)
{
	struct parsed_keys *keys = ARENA_NEW(a, struct parsed_keys);
	struct proof *proofs = ARENA_ARRAY(a, n, struct proof);

	if (n_promises != n)
		return ERR(err, ERR_PEER_INVALID, "the mint sent %zu signatures for %zu outputs", n_promises, n);
	for (size_t i = 0; i < n; i++) {
		const struct point *k;

		if (check_terms(&outputs[i], &promises[i], i, mint_offers_dleq, err) != 0)
			return -1;
		/* Nearly always there is one keyset; a change of keyset forgets the points of the last one. */
		if (keys->ks == NULL || !keyset_id_equal(&keys->ks->id, &outputs[i].keyset)) {
			*keys = (struct parsed_keys){ .ks = keyset_find(keysets, n_keysets, &outputs[i].keyset) };
			if (keys->ks == NULL || keys->ks->n_keys == 0)
				return ERR(err, ERR_KEYSET_UNKNOWN, "keyset %s: its keys are not known",
					   outputs[i].keyset.s);
		}
		k = parsed_key(keys, outputs[i].amount);
		if (k == NULL)
			return ERR(err, ERR_PEER_INVALID, "keyset %s has no key for %llu", outputs[i].keyset.s,
				   (unsigned long long)outputs[i].amount);
		if (unblind(a, &outputs[i], &promises[i], k, i, &proofs[i], err) != 0)
			return -1;
	}
	*ret = proofs;
	return 0;
}
