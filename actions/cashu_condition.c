#include "actions/cashu_condition.h"

#include <string.h>

#include "actions/cashu_lock.h"
#include "base/text.h"

static const uint8_t no_nonce[32];

/* --- from parameters --- */

static int keys_read(const json_t *params, const char *name, struct lock_keys *ret, struct err *err)
{
	const json_t *list = json_object_get(params, name), *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		const char *text = json_string_value(v);

		if (ret->n == LOCK_KEYS_MAX || !text || !hex_decode(text, ret->key[ret->n].b, sizeof(ret->key[0].b))) {
			ERR(err, ERR_PARAM, "%s is a list of at most %d public keys, each 66 characters of hex", name,
			    LOCK_KEYS_MAX);
			return err_field(err, name);
		}
		ret->n++;
	}
	return 0;
}

/* How many must sign; a number without keys is a mistake. */
static int need_read(const json_t *params, const char *name, const char *of, struct lock_keys *keys, struct err *err)
{
	uint64_t need = 0;

	if (json_opt_u64(params, name, LOCK_KEYS_MAX, &need, err) != 0)
		return -1;
	if (need > keys->n) {
		ERR(err, ERR_LOCK, "%llu signatures of %zu keys", (unsigned long long)need, keys->n);
		err_hint(err, "%s names the keys", of);
		return err_field(err, name);
	}
	keys->need = keys->n == 0 ? 0 : need ? (unsigned)need : 1;
	return 0;
}

static int refund_own(struct step *s, struct lock_keys *ret, struct err *err)
{
	int64_t index;

	ret->n = ret->need = 1;
	return lock_key_new(s->unit, s->keys, &ret->key[0], &index, err);
}

static int times_read(struct step *s, const json_t *params, struct lock *l, struct err *err)
{
	if (json_opt_i64(params, "locktime_s", &l->locktime_s, err) != 0 ||
	    keys_read(params, "refund_to", &l->refund, err) != 0 ||
	    need_read(params, "refund_need", "refund_to", &l->refund, err) != 0)
		return -1;
	if (l->locktime_s != LOCK_FOREVER && l->locktime_s <= s->now_ms / 1000) {
		ERR(err, ERR_LOCK, "the locktime is over already: the token would be open at once");
		return err_field(err, "locktime_s");
	}
	if (l->locktime_s != LOCK_FOREVER && !json_object_get(params, "refund_to"))
		return refund_own(s, &l->refund, err);
	return 0;
}

static int hash_read(const json_t *params, struct lock *l, struct err *err)
{
	const char *hash = NULL;

	if (json_opt_str(params, "lock_hash", 64, &hash, err) != 0)
		return -1;
	if (!hash)
		return 0;
	l->kind = LOCK_HTLC;
	if (hex_decode(hash, l->hash.b, sizeof(l->hash.b)))
		return 0;
	ERR(err, ERR_PARAM, "a hash is 64 characters of hex");
	return err_field(err, "lock_hash");
}

/* What is left when all that makes a lock is missing: a wish that means nothing without one. */
static int refuse_strays(const json_t *params, struct err *err)
{
	static const char *const names[] = { "lock_need", "locktime_s", "refund_to", "refund_need", "lock_outputs" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!json_object_get(params, names[i]))
			continue;
		ERR(err, ERR_PARAM, "%s says how a token is locked, and nothing says to what", names[i]);
		err_hint(err, "lock_to or lock_hash");
		return err_field(err, names[i]);
	}
	return 0;
}

int condition_of_secret(struct arena *a, const char *secret, json_t **ret, struct err *err)
{
	json_t *v, *body, *out = json_object_in(a), *tags;

	if (json_parse(a, bytes_of(secret), 4, &v, err) != 0)
		return -1;
	body = json_array_get(v, 1);
	tags = json_object_get(body, "tags");
	json_set_str(out, "kind", json_string_value(json_array_get(v, 0)));
	json_set_str(out, "data", json_string_value(json_object_get(body, "data")));
	json_set(out, "tags", tags ? tags : json_array_in(a));
	*ret = out;
	return 0;
}

int condition_of_params(struct step *s, const json_t *params, json_t **ret, struct err *err)
{
	struct lock l = { .kind = LOCK_P2PK, .locktime_s = LOCK_FOREVER };
	char *text;

	*ret = NULL;
	if (keys_read(params, "lock_to", &l.keys, err) != 0 || hash_read(params, &l, err) != 0)
		return -1;
	if (l.kind == LOCK_P2PK && l.keys.n == 0)
		return refuse_strays(params, err);
	if (need_read(params, "lock_need", "lock_to", &l.keys, err) != 0 ||
	    json_opt_bool(params, "lock_outputs", &l.sig_all, err) != 0 || times_read(s, params, &l, err) != 0)
		return -1;
	if (lock_secret(s->arena, &l, no_nonce, &text, err) != 0)
		return err_field(err, l.keys.n ? "lock_to" : "lock_hash");
	return condition_of_secret(s->arena, text, ret, err);
}

int condition_of_request(struct arena *a, const struct payreq_lock *l, json_t **ret, struct err *err)
{
	char *text;

	if (payreq_lock_secret(a, l, no_nonce, &text, err) != 0)
		return -1;
	return condition_of_secret(a, text, ret, err);
}

/* --- to secrets --- */

static int tags_read(struct arena *a, const json_t *list, struct payreq_tags *ret, struct err *err)
{
	const json_t *tag, *v;
	size_t i, k;

	ret->n = json_array_size(list);
	ret->tag = ARENA_ARRAY(a, ret->n, struct payreq_tag);
	json_array_foreach(list, i, tag)
	{
		if (json_array_size(tag) == 0 || json_array_size(tag) > PAYREQ_VALUES_MAX)
			return ERR(err, ERR_LOCK, "a condition with a tag of %zu values", json_array_size(tag));
		json_array_foreach(tag, k, v)
		{
			if (!json_is_string(v))
				return ERR(err, ERR_LOCK, "a condition with a tag that is no text");
			ret->tag[i].v[ret->tag[i].n++] = json_string_value(v);
		}
	}
	return 0;
}

int condition_secret(struct arena *a, const json_t *condition, const uint8_t nonce[32], char **ret, struct err *err)
{
	struct payreq_lock l;
	json_t *tags;

	if (json_get_str(condition, "kind", PAYREQ_VALUE_MAX, &l.kind, err) != 0 ||
	    json_get_str(condition, "data", PAYREQ_VALUE_MAX, &l.data, err) != 0 ||
	    json_get_arr(condition, "tags", PAYREQ_TAGS_MAX, &tags, err) != 0 || tags_read(a, tags, &l.tags, err) != 0)
		return -1;
	return payreq_lock_secret(a, &l, nonce, ret, err);
}

int condition_check_mint(struct arena *a, const json_t *condition, const char *info, const char *mint, struct err *err)
{
	const char *kind = json_string_value(json_object_get(condition, "kind"));
	struct mint_info offers = { 0 };
	bool hash = kind && strcmp(kind, "HTLC") == 0;

	if (info && mint_info_parse(a, bytes_of(info), &offers, err) != 0)
		return -1;
	if (hash ? offers.htlc : offers.p2pk)
		return 0;
	ERR(err, ERR_UNSUPPORTED, "%s does not enforce such locks (%s): anybody could spend the token", mint,
	    hash ? "NUT-14" : "NUT-11");
	return err_hint(err, "mint names another one; without a lock, hand the token over in private");
}
