#include "rails/cashu/lock.h"

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "rails/bitcoin/secp.h"

#define LOCK_DEPTH_MAX 4
#define SCRATCH_MAX    (32 * 1024)

static int broken(struct err *err, const char *what)
{
	return ERR(err, ERR_LOCK, "a locked proof that cannot be spent: %s", what);
}

/* --- reading --- */

static bool looks_like_a_lock(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '[';
}

/* ["kind", {"nonce": …, "data": …, "tags": …}]: kind, data and tags, which may be NULL. */
struct well_known {
	const char *kind, *data;
	const json_t *tags;
};

static int well_known_read(struct arena *a, const char *text, struct well_known *ret, struct err *err)
{
	const json_t *body, *tags;
	struct err why;
	json_t *v;

	if (json_parse(a, bytes_of(text), LOCK_DEPTH_MAX, &v, &why) != 0 || !json_is_array(v) ||
	    json_array_size(v) != 2)
		return broken(err, "it begins like a well-known secret and is none");
	body = json_array_get(v, 1);
	tags = json_object_get(body, "tags");
	ret->kind = json_string_value(json_array_get(v, 0));
	ret->data = json_string_value(json_object_get(body, "data"));
	if (ret->kind == NULL || ret->data == NULL || !json_is_string(json_object_get(body, "nonce")))
		return broken(err, "it lacks its kind, its nonce or its data");
	if (tags != NULL && !json_is_null(tags) && !json_is_array(tags))
		return broken(err, "its tags are not a list");
	ret->tags = json_is_array(tags) ? tags : NULL;
	return 0;
}

enum { TAG_SIGFLAG, TAG_PUBKEYS, TAG_N_SIGS, TAG_LOCKTIME, TAG_REFUND, TAG_N_SIGS_REFUND, TAGS };
static const char *const tag_names[TAGS] = { "sigflag", "pubkeys", "n_sigs", "locktime", "refund", "n_sigs_refund" };

/* NUT-10: "arrays of ONE or more strings", none of them empty. */
static bool is_tag(const json_t *tag)
{
	for (size_t i = 0; i < json_array_size(tag); i++)
		if (json_string_length(json_array_get(tag, i)) == 0)
			return false;
	return json_array_size(tag) > 0;
}

/* The known tags, each at most once: NULL for those that are not there. */
static int tags_read(const json_t *list, const json_t *found[TAGS], struct err *err)
{
	const json_t *tag;
	size_t i;

	for (size_t t = 0; t < TAGS; t++)
		found[t] = NULL;
	json_array_foreach(list, i, tag)
	{
		if (!is_tag(tag))
			return broken(err, "a tag of it is not a list of texts");
		for (size_t t = 0; t < TAGS; t++) {
			if (strcmp(json_string_value(json_array_get(tag, 0)), tag_names[t]) != 0)
				continue;
			if (found[t] != NULL)
				return broken(err, "a tag of it appears twice");
			found[t] = tag;
		}
	}
	return 0;
}

/* NULL when the tag is not there.  Of several values, readers would not take the same one. */
static int one_value(const json_t *tag, const char **ret, struct err *err)
{
	*ret = NULL;
	if (tag == NULL)
		return 0;
	if (json_array_size(tag) != 2)
		return broken(err, "a tag of it has none or many values where there must be one");
	*ret = json_string_value(json_array_get(tag, 1));
	return 0;
}

static int key_add(struct lock_keys *keys, const char *text, struct err *err)
{
	struct pubkey key;

	if (!hex_decode(text, key.b, sizeof(key.b)) || !secp_pubkey_valid(&key))
		return broken(err, "a key of it is not a compressed point of the curve");
	if (lock_key_find(keys, &key) != keys->n)
		return broken(err, "it names a key twice for the same way");
	if (keys->n == LOCK_KEYS_MAX)
		return broken(err, "it has more keys than a secret can hold");
	keys->key[keys->n++] = key;
	return 0;
}

static int keys_add(struct lock_keys *keys, const json_t *tag, struct err *err)
{
	for (size_t i = 1; i < json_array_size(tag); i++)
		if (key_add(keys, json_string_value(json_array_get(tag, i)), err) != 0)
			return -1;
	return 0;
}

static int threshold_read(const json_t *tag, struct lock_keys *keys, struct err *err)
{
	const char *text;
	uint64_t need = keys->n > 0 ? 1 : 0;

	if (one_value(tag, &text, err) != 0)
		return -1;
	if (text != NULL && (!parse_u64(text, keys->n, &need) || need == 0))
		return broken(err, "it needs no signature at all, or more than it has keys");
	keys->need = (unsigned)need;
	return 0;
}

/* NUT-11: without a valid time the lock is permanent.  Numbers that only some readers take for a time are refused: a
 * permanent lock for one of them would be open to all for another. */
static int locktime_read(const json_t *tag, struct lock *l, struct err *err)
{
	const char *text;
	uint64_t at;

	l->locktime_s = LOCK_FOREVER;
	if (one_value(tag, &text, err) != 0)
		return -1;
	if (text == NULL || strpbrk(text, "0123456789") == NULL)
		return 0;
	if (!parse_u64(text, INT64_MAX, &at))
		return broken(err, "its locktime is written so that readers would differ");
	l->locktime_s = (int64_t)at;
	return 0;
}

static int sigflag_read(const json_t *tag, struct lock *l, struct err *err)
{
	const char *text;

	if (one_value(tag, &text, err) != 0)
		return -1;
	l->sig_all = text != NULL && strcmp(text, "SIG_ALL") == 0;
	if (text != NULL && !l->sig_all && strcmp(text, "SIG_INPUTS") != 0)
		return broken(err, "its signature flag is not known");
	return 0;
}

static int conditions_read(const struct well_known *w, struct lock *l, struct err *err)
{
	const json_t *tags[TAGS];

	if (tags_read(w->tags, tags, err) != 0)
		return -1;
	if (l->kind == LOCK_P2PK && key_add(&l->keys, w->data, err) != 0)
		return -1;
	if (l->kind == LOCK_HTLC && !hex_decode(w->data, l->hash.b, sizeof(l->hash.b)))
		return broken(err, "its hash is not 32 bytes of hex");
	if (tags[TAG_REFUND] != NULL && json_array_size(tags[TAG_REFUND]) == 1)
		return broken(err, "it has a list of refund keys without keys");
	if (keys_add(&l->keys, tags[TAG_PUBKEYS], err) != 0 || threshold_read(tags[TAG_N_SIGS], &l->keys, err) != 0 ||
	    keys_add(&l->refund, tags[TAG_REFUND], err) != 0 ||
	    threshold_read(tags[TAG_N_SIGS_REFUND], &l->refund, err) != 0 ||
	    locktime_read(tags[TAG_LOCKTIME], l, err) != 0)
		return -1;
	return sigflag_read(tags[TAG_SIGFLAG], l, err);
}

int lock_parse(const char *secret, struct lock *ret, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(SCRATCH_MAX);
	struct lock l = { .kind = LOCK_OTHER, .locktime_s = LOCK_FOREVER };
	struct well_known w;

	if (!looks_like_a_lock(secret)) {
		*ret = (struct lock){ .kind = LOCK_NONE, .locktime_s = LOCK_FOREVER };
		return 0;
	}
	if (strlen(secret) > CASHU_SECRET_MAX)
		return broken(err, "it is longer than mints take");
	if (well_known_read(&a, secret, &w, err) != 0)
		return -1;
	if (strcmp(w.kind, "P2PK") == 0)
		l.kind = LOCK_P2PK;
	else if (strcmp(w.kind, "HTLC") == 0)
		l.kind = LOCK_HTLC;
	if (l.kind != LOCK_OTHER && conditions_read(&w, &l, err) != 0)
		return -1;
	*ret = l;
	return 0;
}

bool lock_conditions_equal(const char *secret_a, const char *secret_b)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT((size_t)2 * SCRATCH_MAX);
	struct well_known x, y;
	struct err why; /* what cannot be read is equal to nothing */

	if (!looks_like_a_lock(secret_a) || !looks_like_a_lock(secret_b) ||
	    well_known_read(&a, secret_a, &x, &why) != 0 || well_known_read(&a, secret_b, &y, &why) != 0)
		return false;
	if (strcmp(x.kind, y.kind) != 0 || strcmp(x.data, y.data) != 0 || (x.tags == NULL) != (y.tags == NULL))
		return false;
	return x.tags == NULL || json_equal(x.tags, y.tags) == 1;
}

/* --- writing --- */

static int keys_check(const struct lock_keys *keys, struct err *err)
{
	if (keys->n > LOCK_KEYS_MAX || keys->need > keys->n || (keys->need == 0) != (keys->n == 0))
		return broken(err, "it needs no signature at all, or more than it has keys");
	for (size_t i = 0; i < keys->n; i++) {
		if (!secp_pubkey_valid(&keys->key[i]))
			return broken(err, "a key of it is not a compressed point of the curve");
		if (lock_key_find(keys, &keys->key[i]) != i)
			return broken(err, "it names a key twice for the same way");
	}
	return 0;
}

static int writable_check(const struct lock *l, struct err *err)
{
	if (l->kind != LOCK_P2PK && l->kind != LOCK_HTLC)
		return broken(err, "it is of no kind that can be made");
	if (l->kind == LOCK_P2PK && l->keys.n == 0)
		return broken(err, "it has no key");
	if (l->locktime_s < 0 && l->locktime_s != LOCK_FOREVER)
		return broken(err, "its locktime is before all time");
	if (l->locktime_s == LOCK_FOREVER && l->refund.n > 0)
		return broken(err, "it has refund keys, and no time from which they can sign");
	return keys_check(&l->keys, err) != 0 ? -1 : keys_check(&l->refund, err);
}

static json_t *tag_new(json_t *tags, const char *name)
{
	json_t *tag = json_array();

	json_add_take(tags, tag);
	json_add_take(tag, json_string(name));
	return tag;
}

static void tag_number(json_t *tags, const char *name, int64_t v)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%lld", (long long)v);
	json_add_take(tag_new(tags, name), json_string(text));
}

static void tag_keys(json_t *tags, const char *name, const struct lock_keys *keys, size_t from)
{
	char hex[67];
	json_t *tag;

	if (keys->n <= from)
		return;
	tag = tag_new(tags, name);
	for (size_t i = from; i < keys->n; i++) {
		hex_encode(keys->key[i].b, sizeof(keys->key[i].b), hex);
		json_add_take(tag, json_string(hex));
	}
}

static json_t *tags_of(struct arena *a, const struct lock *l)
{
	json_t *tags = json_array_in(a);

	tag_keys(tags, tag_names[TAG_PUBKEYS], &l->keys, l->kind == LOCK_P2PK ? 1 : 0);
	if (l->keys.need > 1)
		tag_number(tags, tag_names[TAG_N_SIGS], l->keys.need);
	if (l->locktime_s != LOCK_FOREVER)
		tag_number(tags, tag_names[TAG_LOCKTIME], l->locktime_s);
	tag_keys(tags, tag_names[TAG_REFUND], &l->refund, 0);
	if (l->refund.need > 1)
		tag_number(tags, tag_names[TAG_N_SIGS_REFUND], l->refund.need);
	if (l->sig_all)
		json_add_take(tag_new(tags, tag_names[TAG_SIGFLAG]), json_string("SIG_ALL"));
	return tags;
}

int lock_secret(struct arena *a, const struct lock *l, const uint8_t nonce[32], char **ret, struct err *err)
{
	json_t *v = json_array_in(a), *body = json_object_in(a), *tags;
	char hex[67];
	char *text;

	if (writable_check(l, err) != 0)
		return -1;
	json_add_take(v, json_string(l->kind == LOCK_P2PK ? "P2PK" : "HTLC"));
	json_add(v, body);
	hex_encode(nonce, 32, hex);
	json_set_str(body, "nonce", hex);
	if (l->kind == LOCK_P2PK)
		hex_encode(l->keys.key[0].b, sizeof(l->keys.key[0].b), hex);
	else
		hex_encode(l->hash.b, sizeof(l->hash.b), hex);
	json_set_str(body, "data", hex);
	tags = tags_of(a, l);
	if (json_array_size(tags) > 0)
		json_set(body, "tags", tags);
	text = json_text(a, v);
	if (strlen(text) > CASHU_SECRET_MAX)
		return ERR(err, ERR_RANGE, "a lock of %zu characters; mints take %d", strlen(text), CASHU_SECRET_MAX);
	*ret = text;
	return 0;
}

/* --- who can spend, and when --- */

bool lock_is_expired(const struct lock *l, int64_t now_s)
{
	return l->locktime_s != LOCK_FOREVER && now_s > l->locktime_s;
}

bool lock_is_open(const struct lock *l, int64_t now_s)
{
	if (l->kind == LOCK_NONE)
		return true;
	return l->kind != LOCK_OTHER && l->refund.n == 0 && lock_is_expired(l, now_s);
}

size_t lock_key_find(const struct lock_keys *keys, const struct pubkey *key)
{
	for (size_t i = 0; i < keys->n; i++)
		if (memcmp(keys->key[i].b + 1, key->b + 1, sizeof(key->b) - 1) == 0)
			return i;
	return keys->n;
}

/* Enough of ours for this way?  Each key of the lock signs once, however often it is among ours. */
static bool signers_find(const struct lock_keys *keys, const struct pubkey *ours, size_t n_ours, struct lock_way *way)
{
	bool taken[LOCK_KEYS_MAX] = { false };

	way->n_signers = 0;
	for (size_t i = 0; i < n_ours && way->n_signers < keys->need; i++) {
		size_t at = lock_key_find(keys, &ours[i]);

		if (at == keys->n || taken[at])
			continue;
		taken[at] = true;
		way->signers[way->n_signers++] = i;
	}
	return way->n_signers == keys->need;
}

static bool is_preimage(const struct lock *l, const uint8_t *preimage)
{
	struct hash32 hash;

	if (preimage == NULL)
		return false;
	sha256((struct bytes){ preimage, 32 }, &hash);
	return hash32_equal(&hash, &l->hash);
}

static int locked(const struct lock *l, int64_t now_s, bool lacks_preimage, const struct lock_way *best,
		  struct err *err)
{
	const char *refund = l->refund.n > 0 ? "refund keys" : "anyone";

	if (lacks_preimage)
		(void)ERR(err, ERR_LOCKED, "the proof is locked to a hash whose preimage is not known");
	else
		(void)ERR(err, ERR_LOCKED, "the proof needs %u signatures of %zu keys, of which %zu are at hand",
			  l->keys.need, l->keys.n, best->n_signers);
	if (l->locktime_s == LOCK_FOREVER)
		return err_hint(err, "it is locked for ever");
	if (lock_is_expired(l, now_s))
		return err_hint(err, "it needs %u signatures of %zu refund keys", l->refund.need, l->refund.n);
	return err_hint(err, "%s can spend it after %" PRId64 " (unix time)", refund, l->locktime_s);
}

int lock_way_find(const struct lock *l, int64_t now_s, const struct pubkey *ours, size_t n_ours,
		  const uint8_t *preimage, struct lock_way *ret, struct err *err)
{
	struct lock_way way = { .path = LOCK_BY_ANYONE }, keys = { .path = LOCK_BY_KEYS };
	bool lacks_preimage = l->kind == LOCK_HTLC && !is_preimage(l, preimage);

	if (l->kind == LOCK_OTHER)
		return ERR(err, ERR_UNSUPPORTED, "the proof is locked in a way that is not known");
	if (lock_is_open(l, now_s)) {
		*ret = way;
		return 0;
	}
	keys.preimage = l->kind == LOCK_HTLC;
	if (signers_find(&l->keys, ours, n_ours, &keys) && !lacks_preimage) {
		*ret = keys;
		return 0;
	}
	way.path = LOCK_BY_REFUND;
	if (lock_is_expired(l, now_s) && signers_find(&l->refund, ours, n_ours, &way)) {
		*ret = way;
		return 0;
	}
	return locked(l, now_s, lacks_preimage, &keys, err);
}
