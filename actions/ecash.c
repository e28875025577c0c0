#include "actions/ecash.h"

#include <string.h>

#include "actions/cashu_condition.h"
#include "actions/cashu_lock.h"
#include "base/clock.h"
#include "rails/cashu/dhke.h"
#include "rails/cashu/keyset.h"
#include "rails/cashu/mint_url.h"
#include "rails/cashu/token.h"
#include "store/event_store.h"
#include "store/proof_store.h"

int ecash_mint_find(struct view v, struct arena *a, const char *url, struct mint_row *ret, struct err *err)
{
	char normal[MINT_URL_MAX + 1];
	struct mint_row row;

	err_clear(err);
	if (mint_url_normalise(url, normal, err) != 0)
		return -1;
	if (mint_store_by_url(v, a, normal, &row, err) == 0 && row.synced_at_ms) {
		*ret = row;
		return 0;
	}
	if (err->code != ERR_NONE && err->code != ERR_MINT_UNKNOWN)
		return -1;
	ERR(err, ERR_MINT_UNKNOWN, "the mint %s is not known", normal);
	err_hint(err, "mint.add url=%s", normal);
	return err_field(err, "mint");
}

static int limit_keep(struct unit *u, int64_t mint_id, const struct mint_wish *wish, struct err *err)
{
	struct mint_limit_row row = { .unit = wish->unit, .bounded = wish->limit == LIMIT_MAX, .max = wish->max };

	switch (wish->limit) {
	case LIMIT_AS_IT_IS:
		return 0;
	case LIMIT_CONFIGURED:
		return mint_store_limit_drop(u, mint_id, wish->unit, err);
	case LIMIT_MAX:
	case LIMIT_NONE:
		break;
	}
	return mint_store_limit_set(u, mint_id, &row, err);
}

/* The event says what was wished. */
static int wish_told(struct unit *u, struct arena *a, const char *mint, const struct mint_wish *wish, struct err *err)
{
	static const char *const limits[] = {
		[LIMIT_AS_IT_IS] = NULL,
		[LIMIT_MAX] = "max",
		[LIMIT_NONE] = "none",
		[LIMIT_CONFIGURED] = "default",
	};
	json_t *said = json_object_in(a);

	if (wish->trusted)
		json_set_bool(said, "trusted", *wish->trusted);
	if (wish->limit != LIMIT_AS_IT_IS) {
		json_set_str(said, "unit", wish->unit.s);
		json_set_str(said, "limit", limits[wish->limit]);
	}
	if (wish->limit == LIMIT_MAX)
		json_set_u64(said, "max", wish->max);
	return event_append(u, "mint.changed", mint, json_text(a, said), err);
}

int ecash_mint_set(struct unit *u, struct arena *a, const char *url, const struct mint_wish *wish, struct mint_row *ret,
		   struct err *err)
{
	struct mint_row mint;

	if (ecash_mint_find(unit_view(u), a, url, &mint, err) != 0)
		return -1;
	if (wish->trusted)
		mint.trusted = *wish->trusted;
	if (mint_store_update(u, &mint, err) != 0 || limit_keep(u, mint.id, wish, err) != 0 ||
	    wish_told(u, a, mint.url, wish, err) != 0)
		return -1;
	*ret = mint;
	return 0;
}

json_t *ecash_mint_json(struct arena *a, const struct mint_row *mint, const struct keyset *keysets, size_t n)
{
	json_t *v = json_object_in(a), *list = json_array_in(a);

	json_set_str(v, "url", mint->url);
	json_set_str(v, "name", mint->name);
	json_set_bool(v, "trusted", mint->trusted);
	json_set_bool(v, "dleq", mint->dleq);
	json_set_bool(v, "quote_locks", mint->quote_locks);
	json_set_int(v, "added_at_ms", mint->added_at_ms);
	json_set_int(v, "synced_at_ms", mint->synced_at_ms);
	json_set_str(v, "trouble", mint->trouble);
	if (mint->trouble)
		json_set_int(v, "trouble_since_ms", mint->trouble_since_ms);
	for (size_t i = 0; i < n; i++) {
		json_t *ks = json_object_in(a);

		json_set_str(ks, "id", keysets[i].id.s);
		json_set_str(ks, "unit", keysets[i].unit.s);
		json_set_bool(ks, "active", keysets[i].active);
		json_set_u64(ks, "input_fee_ppk", keysets[i].input_fee_ppk);
		if (keysets[i].final_expiry_s)
			json_set_int(ks, "final_expiry_s", keysets[i].final_expiry_s);
		json_add(list, ks);
	}
	json_set(v, "keysets", list);
	return v;
}

/* "valid", "invalid", "absent", or "unknown" while the mint's keys are not known. */
static const char *dleq_word(const struct proof *p, const struct keyset *keysets, size_t n)
{
	const struct keyset *ks = keyset_find(keysets, n, &p->keyset);
	const struct pubkey *key = ks ? keyset_key(ks, p->amount) : NULL;

	if (!p->dleq.present || !p->dleq.has_r)
		return "absent";
	if (!key)
		return "unknown";
	return dhke_proof_dleq_holds(p, key) ? "valid" : "invalid";
}

/* What a proof is locked to, beside the rest of what is said of it. */
static int lock_json(struct view v, struct arena *a, struct keyring *keys, const struct proof *p, json_t *to,
		     struct err *err)
{
	struct lock_opener opener = { .at_s = clock_now_ms() / 1000 };
	struct lock l;
	json_t *lock;
	struct err why;

	if (lock_parse(p->secret, &l, &why) != 0) {
		json_set_str(to, "lock_trouble", why.msg);
		return 0;
	}
	if (l.kind == LOCK_NONE)
		return 0;
	if (condition_of_secret(a, p->secret, &lock, err) != 0)
		return -1;
	json_set(to, "lock", lock);
	if (!keys)
		return 0;
	if (locks_check(v, keys, &opener, p, 1, NULL, &why) == 0) {
		json_set_bool(to, "opens_here", true);
		return 0;
	}
	if (why.class != ERR_INVALID) {
		*err = why;
		return -1;
	}
	json_set_bool(to, "opens_here", false);
	json_set_str(to, "lock_trouble", why.msg);
	return 0;
}

struct looked {
	const struct keyset *keysets;
	size_t n;
	struct keyring *keys;
	size_t own; /* proofs that are in the store */
};

static int proof_json(struct view v, struct arena *a, struct looked *l, const struct proof *p, json_t **ret,
		      struct err *err)
{
	json_t *out = json_object_in(a);
	struct proof_row have;
	int found = proof_store_find(v, a, &p->y, &have, err);

	if (found < 0)
		return -1;
	l->own += (size_t)found;
	json_set_u64(out, "amount", p->amount);
	json_set_str(out, "keyset", p->keyset.s);
	json_set_str(out, "dleq", dleq_word(p, l->keysets, l->n));
	json_set_str(out, "own_state", found ? proof_state_name(have.state) : NULL);
	*ret = out;
	return lock_json(v, a, l->keys, p, out, err);
}

int ecash_token_decode(struct view v, struct arena *a, struct keyring *keys, const char *text, json_t **ret,
		       struct err *err)
{
	json_t *out = json_object_in(a), *list = json_array_in(a);
	struct looked look = { .keys = keys };
	struct keyset *keysets = NULL;
	struct mint_row mint;
	struct token t;
	bool known;
	struct err ignored;

	if (token_decode(a, bytes_of(text), &t, err) != 0)
		return err_field(err, "token");
	known = ecash_mint_find(v, a, t.mint, &mint, &ignored) == 0;
	if (known && keyset_store_list(v, a, mint.id, &keysets, &look.n, err) != 0)
		return -1;
	look.keysets = keysets;
	/* Ids that do not resolve stay as they are written; the proofs' words say that nothing is known of them. */
	if (known && token_resolve(&t, keysets, look.n, &ignored) != 0)
		json_set_str(out, "trouble", err_kind(ignored.code));
	for (size_t i = 0; i < t.n; i++) {
		json_t *p;

		if (proof_json(v, a, &look, &t.proofs[i], &p, err) != 0)
			return -1;
		json_add(list, p);
	}
	json_set_str(out, "mint", t.mint);
	json_set_bool(out, "mint_known", known);
	json_set_bool(out, "mint_trusted", known && mint.trusted);
	json_set_str(out, "unit", t.has_unit ? t.unit.s : NULL);
	json_set_u64(out, "amount", t.sum);
	json_set_str(out, "memo", t.memo);
	json_set_u64(out, "own_proofs", look.own);
	json_set(out, "proofs", list);
	*ret = out;
	return 0;
}
