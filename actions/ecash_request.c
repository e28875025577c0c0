#include "actions/ecash_request.h"

#include <inttypes.h>
#include <string.h>

#include "actions/cashu.h"
#include "actions/cashu_lock.h"
#include "base/rng.h"
#include "base/text.h"
#include "rails/cashu/mint_url.h"
#include "rails/cashu/payreq.h"

/* --- making --- */

static int amount_read(const json_t *params, struct payreq *r, struct err *err)
{
	if (json_opt_u64(params, "amount", AMOUNT_MAX, &r->amount, err) != 0 ||
	    cashu_unit_param(params, &r->unit, err) != 0)
		return -1;
	r->has_amount = r->amount > 0;
	r->has_unit = true;
	return 0;
}

static int mints_named(struct arena *a, const json_t *list, struct payreq *r, struct err *err)
{
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		char *url = arena_alloc(a, MINT_URL_MAX + 1);

		if (!json_is_string(v)) {
			ERR(err, ERR_PARAM, "mints is a list of URLs");
			return err_field(err, "mints");
		}
		if (mint_url_normalise(json_string_value(v), url, err) != 0)
			return err_field(err, "mints");
		r->mints[r->n_mints++] = url;
	}
	return 0;
}

static int mints_trusted(struct view v, struct arena *a, struct payreq *r, struct err *err)
{
	struct mint_row *rows;
	size_t n;

	if (mint_store_list(v, a, 0, MINTS_MAX, &rows, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n && r->n_mints < PAYREQ_MINTS_MAX; i++)
		if (rows[i].trusted)
			r->mints[r->n_mints++] = rows[i].url;
	if (r->n_mints)
		return 0;
	ERR(err, ERR_MINT_UNKNOWN, "no mint is trusted here, so that no payment could be taken");
	err_hint(err, "mint.add");
	return err_field(err, "mints");
}

static int transport_read(struct arena *a, const json_t *params, struct payreq *r, struct err *err)
{
	const char *url = NULL;

	if (json_opt_str(params, "post", PAYREQ_TARGET_MAX, &url, err) != 0)
		return -1;
	if (!url)
		return 0;
	r->transport = ARENA_NEW(a, struct payreq_transport);
	*r->transport = (struct payreq_transport){ .type = "post", .target = url };
	r->n_transports = 1;
	if (payreq_post(r))
		return 0;
	ERR(err, ERR_PARAM, "a payment is brought to http:// or https:// only");
	return err_field(err, "post");
}

/* To a key that nothing was locked to before. */
static int lock_new(struct unit *u, struct arena *a, struct keyring *keys, struct payreq *r, json_t *out,
		    struct err *err)
{
	struct pubkey key;
	int64_t index;
	char *hex = arena_alloc(a, 2 * sizeof(key.b) + 1);

	if (!keys) {
		ERR(err, ERR_WALLET_LOCKED, "the wallet is locked, or there is none");
		return err_hint(err, "wallet.unlock");
	}
	if (lock_key_new(u, keys, &key, &index, err) != 0)
		return -1;
	hex_encode(key.b, sizeof(key.b), hex);
	r->has_lock = true;
	r->lock = (struct payreq_lock){ .kind = "P2PK", .data = hex };
	json_set_str(out, "public_key", hex);
	return 0;
}

static char *random_id(struct arena *a)
{
	uint8_t raw[8];
	char *hex = arena_alloc(a, 2 * sizeof(raw) + 1);

	rng_bytes(raw, sizeof(raw));
	hex_encode(raw, sizeof(raw), hex);
	return hex;
}

static int words_read(struct arena *a, const json_t *params, struct payreq *r, struct err *err)
{
	if (json_opt_str(params, "id", PAYREQ_ID_MAX, &r->id, err) != 0 ||
	    json_opt_str(params, "description", PAYREQ_DESCRIPTION_MAX, &r->description, err) != 0 ||
	    json_opt_bool(params, "single_use", &r->single_use, err) != 0)
		return -1;
	if (!r->id)
		r->id = random_id(a);
	return 0;
}

static json_t *mint_names(struct arena *a, const struct payreq *r)
{
	json_t *list = json_array_in(a);

	for (size_t i = 0; i < r->n_mints; i++)
		json_add_take(list, json_string(r->mints[i]));
	return list;
}

int ecash_request_make(struct unit *u, struct arena *a, struct keyring *keys, const json_t *params, json_t **ret,
		       struct err *err)
{
	struct payreq r = { .mints = ARENA_ARRAY(a, PAYREQ_MINTS_MAX, const char *) };
	const json_t *named = json_object_get(params, "mints");
	json_t *out = json_object_in(a);
	bool lock = false;
	char *text;

	if (amount_read(params, &r, err) != 0 || words_read(a, params, &r, err) != 0 ||
	    transport_read(a, params, &r, err) != 0 || json_opt_bool(params, "lock", &lock, err) != 0 ||
	    (named ? mints_named(a, named, &r, err) : mints_trusted(unit_view(u), a, &r, err)) != 0 ||
	    (lock && lock_new(u, a, keys, &r, out, err) != 0) || payreq_encode(a, &r, &text, err) != 0)
		return -1;
	json_set_str(out, "request", text);
	json_set_str(out, "id", r.id);
	if (r.has_amount)
		json_set_u64(out, "amount", r.amount);
	json_set_str(out, "unit", r.unit.s);
	json_set(out, "mints", mint_names(a, &r));
	*ret = out;
	return 0;
}

/* --- reading --- */

static json_t *tags_json(struct arena *a, const struct payreq_tags *tags)
{
	json_t *list = json_array_in(a);

	for (size_t i = 0; i < tags->n; i++) {
		json_t *tag = json_array();

		json_add_take(list, tag);
		for (size_t k = 0; k < tags->tag[i].n; k++)
			json_add_take(tag, json_string(tags->tag[i].v[k]));
	}
	return list;
}

static int mints_json(struct view v, struct arena *a, const struct payreq *r, json_t *out, struct err *err)
{
	json_t *list = json_array_in(a);

	for (size_t i = 0; i < r->n_mints; i++) {
		json_t *mint = json_object_in(a);
		struct mint_row row = { 0 };
		bool known = mint_store_by_url(v, a, r->mints[i], &row, err) == 0;

		if (!known && err->code != ERR_MINT_UNKNOWN)
			return -1;
		json_set_str(mint, "url", r->mints[i]);
		json_set_bool(mint, "known", known && row.synced_at_ms);
		json_set_bool(mint, "trusted", known && row.trusted);
		json_add(list, mint);
	}
	json_set(out, "mints", list);
	return 0;
}

static json_t *transports_json(struct arena *a, const struct payreq *r)
{
	json_t *list = json_array_in(a);

	for (size_t i = 0; i < r->n_transports; i++) {
		json_t *v = json_object_in(a);

		json_set_str(v, "type", r->transport[i].type);
		json_set_str(v, "target", r->transport[i].target);
		json_add(list, v);
	}
	return list;
}

int ecash_request_decode(struct view v, struct arena *a, const char *text, json_t **ret, struct err *err)
{
	json_t *out = json_object_in(a), *lock = json_object_in(a);
	struct payreq r;

	if (payreq_decode(a, text, &r, err) != 0)
		return err_field(err, "request");
	if (mints_json(v, a, &r, out, err) != 0)
		return -1;
	json_set_str(out, "id", r.id);
	if (r.has_amount)
		json_set_u64(out, "amount", r.amount);
	json_set_str(out, "unit", r.has_unit ? r.unit.s : NULL);
	json_set_bool(out, "single_use", r.single_use);
	json_set_str(out, "description", r.description);
	json_set(out, "transports", transports_json(a, &r));
	if (r.has_lock) {
		json_set_str(lock, "kind", r.lock.kind);
		json_set_str(lock, "data", r.lock.data);
		json_set(lock, "tags", tags_json(a, &r.lock.tags));
		json_set(out, "lock", lock);
	}
	*ret = out;
	return 0;
}
