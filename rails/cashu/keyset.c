#include "rails/cashu/keyset.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "rails/bitcoin/bip32.h"
#include "rails/bitcoin/secp.h"
#include "rails/cashu/cashu_error.h"
#include "rails/cashu/mint_url.h"
#include "rails/cashu/wire.h"

#define LEGACY_ID_CHARS 12
#define V1_ID_CHARS     16
#define V2_ID_CHARS     66
#define KEYS_DEPTH_MAX  2
#define AMOUNT_NAME_MAX (UINT64_C(1) << 63)

static bool all_in(const char *text, const char *alphabet)
{
	return text[strspn(text, alphabet)] == '\0';
}

bool keyset_id_parse(const char *text, struct keyset_id *ret)
{
	size_t n = strnlen(text, KEYSET_ID_MAX + 1);
	struct keyset_id id = { 0 };
	bool v1 = n == V1_ID_CHARS && text_starts(text, "00"), v2 = n == V2_ID_CHARS && text_starts(text, "01");

	if (v1 || v2) {
		if (!all_in(text, "0123456789abcdefABCDEF"))
			return false;
		for (size_t i = 0; i < n; i++)
			id.s[i] = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] + ('a' - 'A')) : text[i];
	} else {
		if (n != LEGACY_ID_CHARS ||
		    !all_in(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"))
			return false;
		memcpy(id.s, text, n);
	}
	*ret = id;
	return true;
}

enum keyset_version keyset_id_version(const struct keyset_id *id)
{
	switch (strlen(id->s)) {
	case V1_ID_CHARS:
		return KEYSET_V1;
	case V2_ID_CHARS:
		return KEYSET_V2;
	default:
		return KEYSET_LEGACY;
	}
}

uint32_t keyset_id_int(const struct keyset_id *id)
{
	uint8_t raw[V1_ID_CHARS / 2];
	bool ok = hex_decode(id->s, raw, sizeof(raw));

	assert(ok); /* for v1 ids alone */
	return bip32_index_of(raw);
}

bool keyset_id_matches(const struct keyset_id *full, const struct keyset_id *from_token)
{
	if (keyset_id_equal(full, from_token))
		return true;
	return keyset_id_version(full) == KEYSET_V2 && strlen(from_token->s) == KEYSET_SHORT_ID_LEN &&
	       text_starts(full->s, from_token->s);
}

static void compute_v1(const struct keyset *ks, struct keyset_id *ret)
{
	uint8_t all[CASHU_KEYS_MAX * sizeof(struct pubkey)];
	struct hash32 h;

	for (size_t i = 0; i < ks->n_keys; i++)
		memcpy(all + i * sizeof(struct pubkey), ks->keys[i].key.b, sizeof(struct pubkey));
	sha256((struct bytes){ all, ks->n_keys * sizeof(struct pubkey) }, &h);
	*ret = (struct keyset_id){ .s = "00" };
	hex_encode(h.b, (V1_ID_CHARS - 2) / 2, ret->s + 2);
}

/* says_never: with the expiry of a keyset that has none. */
static void compute_v2(const struct keyset *ks, bool says_never, struct keyset_id *ret)
{
	/* Each key: at most 20 digits, a colon, 66 characters and a comma. */
	SCOPED(buf) struct buf text = BUF_CAP(CASHU_KEYS_MAX * 88 + 128);
	struct hash32 h;

	for (size_t i = 0; i < ks->n_keys; i++) {
		char key[67];

		hex_encode(ks->keys[i].key.b, sizeof(ks->keys[i].key.b), key);
		buf_printf(&text, "%s%llu:%s", i > 0 ? "," : "", (unsigned long long)ks->keys[i].amount, key);
	}
	buf_printf(&text, "|unit:%s", ks->unit.s);
	if (ks->input_fee_ppk > 0)
		buf_printf(&text, "|input_fee_ppk:%llu", (unsigned long long)ks->input_fee_ppk);
	if (ks->final_expiry_s != 0 || says_never)
		buf_printf(&text, "|final_expiry:%lld", (long long)ks->final_expiry_s);
	assert(buf_ok(&text));
	sha256(buf_bytes(&text), &h);
	*ret = (struct keyset_id){ .s = "01" };
	hex_encode(h.b, sizeof(h.b), ret->s + 2);
}

void keyset_compute_id(const struct keyset *ks, enum keyset_version version, struct keyset_id *ret)
{
	assert(ks->n_keys > 0 && ks->n_keys <= CASHU_KEYS_MAX && version != KEYSET_LEGACY);
	if (version == KEYSET_V1)
		compute_v1(ks, ret);
	else
		compute_v2(ks, false, ret);
}

bool keyset_verify_id(const struct keyset *ks)
{
	enum keyset_version version = keyset_id_version(&ks->id);
	struct keyset_id want;

	if (ks->n_keys == 0 || ks->n_keys > CASHU_KEYS_MAX || version == KEYSET_LEGACY)
		return false;
	keyset_compute_id(ks, version, &want);
	if (version == KEYSET_V2 && ks->final_expiry_s == 0 && !keyset_id_equal(&want, &ks->id))
		compute_v2(ks, true, &want);
	return keyset_id_equal(&want, &ks->id);
}

static int by_amount(const void *key, const void *element)
{
	uint64_t a = *(const uint64_t *)key, b = ((const struct keyset_key *)element)->amount;

	return a < b ? -1 : a > b;
}

const struct pubkey *keyset_key(const struct keyset *ks, uint64_t amount)
{
	const struct keyset_key *k = ks->n_keys == 0
					     ? NULL
					     : bsearch(&amount, ks->keys, ks->n_keys, sizeof(*ks->keys), by_amount);

	return k == NULL ? NULL : &k->key;
}

const struct keyset *keyset_find(const struct keyset *list, size_t n, const struct keyset_id *id)
{
	for (size_t i = 0; i < n; i++)
		if (keyset_id_equal(&list[i].id, id))
			return &list[i];
	return NULL;
}

bool keyset_takes_outputs(const struct keyset *ks, int64_t now_s)
{
	return keyset_id_version(&ks->id) != KEYSET_LEGACY && ks->active && ks->n_keys > 0 &&
	       !keyset_expired(ks, now_s);
}

bool keyset_expired(const struct keyset *ks, int64_t now_s)
{
	return ks->final_expiry_s != 0 && ks->final_expiry_s <= now_s;
}

bool keyset_expires_soon(const struct keyset *ks, int64_t now_s)
{
	return ks->final_expiry_s != 0 && ks->final_expiry_s - KEYSET_EXPIRING_S <= now_s;
}

static bool better(const struct keyset *a, const struct keyset *b, int64_t now_s)
{
	enum keyset_version va = keyset_id_version(&a->id), vb = keyset_id_version(&b->id);
	bool soon = keyset_expires_soon(a, now_s);

	if (soon != keyset_expires_soon(b, now_s))
		return !soon;
	if (a->input_fee_ppk != b->input_fee_ppk)
		return a->input_fee_ppk < b->input_fee_ppk;
	if (va != vb)
		return va > vb;
	return strcmp(a->id.s, b->id.s) < 0;
}

const struct keyset *keyset_choose(const struct keyset *list, size_t n, struct currency unit, int64_t now_s)
{
	const struct keyset *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (currency_equal(list[i].unit, unit) && keyset_takes_outputs(&list[i], now_s) &&
		    (best == NULL || better(&list[i], best, now_s)))
			best = &list[i];
	return best;
}

void keysets_request(struct arena *a, const char *mint, struct net_request *ret)
{
	wire_get(mint_url_join(a, mint, "/v1/keysets"), ret);
}

/* Fee and expiry, both optional, and where the mint leaves them out, as they were. */
static int read_terms(const json_t *v, struct keyset *ks, struct err *err)
{
	if (json_opt_u64(v, "input_fee_ppk", KEYSET_FEE_PPK_MAX, &ks->input_fee_ppk, err) != 0 ||
	    json_opt_i64(v, "final_expiry", &ks->final_expiry_s, err) != 0)
		return -1;
	if (ks->final_expiry_s < 0)
		return ERR(err, ERR_RANGE, "final_expiry is negative");
	return 0;
}

/* 1 read, 0 not ours to use, -1. */
static int read_listed(const json_t *v, struct keyset *ret, struct err *err)
{
	struct keyset ks = { 0 };
	const char *id, *unit;

	if (json_get_str(v, "id", SIZE_MAX, &id, err) != 0 || json_get_str(v, "unit", SIZE_MAX, &unit, err) != 0)
		return -1;
	if (!keyset_id_parse(id, &ks.id) || !currency_parse(unit, &ks.unit))
		return 0;
	if (json_get_bool(v, "active", &ks.active, err) != 0 || read_terms(v, &ks, err) != 0)
		return -1;
	*ret = ks;
	return 1;
}

int keysets_decode(struct arena *a, const struct net_reply *rep, struct keyset **ret, size_t *ret_n, struct err *err)
{
	json_t *v, *list, *e;
	struct keyset *sets;
	size_t i, n = 0;

	if (cashu_reply_json(a, rep, &v, err) != 0)
		return -1;
	if (json_get_arr(v, "keysets", KEYSETS_MAX, &list, err) != 0)
		return cashu_invalid(err, "the mint's keysets");
	if (!arena_room(a, json_array_size(list) * sizeof(*sets)))
		return ERR(err, ERR_PEER_INVALID, "the mint lists %zu keysets, more than there is room for",
			   json_array_size(list));
	sets = ARENA_ARRAY(a, json_array_size(list), struct keyset);
	json_array_foreach(list, i, e)
	{
		int got = read_listed(e, &sets[n], err);

		if (got < 0)
			return cashu_invalid(err, "the mint's keysets");
		if (got == 0)
			continue;
		if (keyset_find(sets, n, &sets[n].id) != NULL)
			return ERR(err, ERR_PEER_INVALID, "the mint lists keyset %s twice", sets[n].id.s);
		n++;
	}
	*ret = sets;
	*ret_n = n;
	return 0;
}

void keyset_request(struct arena *a, const char *mint, const struct keyset_id *id, struct net_request *ret)
{
	wire_get(mint_url_join_segment(a, mint, "/v1/keys/", id->s), ret);
}

static int compare_keys(const void *a, const void *b)
{
	const struct keyset_key *x = a, *y = b;

	return x->amount < y->amount ? -1 : x->amount > y->amount;
}

static int read_keys(struct arena *a, json_t *v, struct keyset_key **ret, size_t *ret_n, struct err *err)
{
	size_t n = json_object_size(v), i = 0;
	struct keyset_key *keys;
	const char *name;
	json_t *ignored;

	if (n == 0 || n > CASHU_KEYS_MAX)
		return ERR(err, ERR_PARSE, "a keyset of %zu keys", n);
	keys = ARENA_ARRAY(a, n, struct keyset_key);
	/* Object members come in any order: the numeric order of NUT-02 is ours to make. */
	json_object_foreach(v, name, ignored)
	{
		if (!parse_u64(name, AMOUNT_NAME_MAX, &keys[i].amount) || keys[i].amount == 0)
			return ERR(err, ERR_PARSE, "a key for what is not an amount");
		if (wire_point(v, name, &keys[i].key, err) != 0)
			return -1;
		i++;
	}
	qsort(keys, n, sizeof(*keys), compare_keys);
	*ret = keys;
	*ret_n = n;
	return 0;
}

static int read_with_keys(struct arena *a, const json_t *v, const struct keyset *listed, struct keyset *ret,
			  struct err *err)
{
	struct keyset ks = *listed;
	struct currency unit = ks.unit;
	const char *unit_text = NULL;
	json_t *keys;

	if (json_opt_str(v, "unit", SIZE_MAX, &unit_text, err) != 0 || read_terms(v, &ks, err) != 0 ||
	    json_get_obj(v, "keys", &keys, err) != 0 || read_keys(a, keys, &ks.keys, &ks.n_keys, err) != 0)
		return -1;
	if ((unit_text != NULL && !currency_parse(unit_text, &unit)) || !currency_equal(unit, ks.unit))
		return ERR(err, ERR_PARSE, "its unit is not the one listed");
	if (ks.input_fee_ppk != listed->input_fee_ppk || ks.final_expiry_s != listed->final_expiry_s)
		return ERR(err, ERR_PARSE, "its fee or expiry is not the one listed");
	if (!keyset_verify_id(&ks))
		return ERR(err, ERR_PARSE, "its id does not belong to its keys");
	*ret = ks;
	return 0;
}

int keyset_decode(struct arena *a, const struct net_reply *rep, const struct keyset *listed, struct keyset *ret,
		  struct err *err)
{
	json_t *v, *list, *e;
	size_t i;

	if (keyset_id_version(&listed->id) == KEYSET_LEGACY)
		return ERR(err, ERR_UNSUPPORTED, "keyset %s is of a kind whose id cannot be checked", listed->id.s);
	if (cashu_reply_json(a, rep, &v, err) != 0)
		return -1;
	if (json_get_arr(v, "keysets", KEYSETS_MAX, &list, err) != 0)
		return cashu_invalid(err, "the mint's keys");
	json_array_foreach(list, i, e)
	{
		const char *text = json_string_value(json_object_get(e, "id"));
		struct keyset_id id;

		if (text == NULL || !keyset_id_parse(text, &id) || !keyset_id_equal(&id, &listed->id))
			continue;
		if (read_with_keys(a, e, listed, ret, err) != 0) {
			(void)err_context(err, "keyset %s", listed->id.s);
			return cashu_invalid(err, "the mint's keys");
		}
		return 0;
	}
	return ERR(err, ERR_PEER_INVALID, "the mint was asked for keyset %s and did not send it", listed->id.s);
}

char *keyset_keys_text(struct arena *a, const struct keyset *ks)
{
	json_t *v = json_object_in(a);

	for (size_t i = 0; i < ks->n_keys; i++)
		json_set_take(v, arena_printf(a, "%llu", (unsigned long long)ks->keys[i].amount),
			      wire_hex(ks->keys[i].key.b, sizeof(ks->keys[i].key.b)));
	return json_text(a, v);
}

int keyset_keys_parse(struct arena *a, struct bytes json, struct keyset_key **ret, size_t *ret_n, struct err *err)
{
	json_t *v;

	if (json_parse(a, json, KEYS_DEPTH_MAX, &v, err) != 0)
		return err_context(err, "keys of a keyset");
	if (!json_is_object(v))
		return ERR(err, ERR_PARSE, "keys of a keyset: not a JSON object");
	if (read_keys(a, v, ret, ret_n, err) != 0) {
		err->code = ERR_PARSE;
		return err_context(err, "keys of a keyset");
	}
	return 0;
}
