#include "rails/cashu/restore.h"

#include "rails/cashu/cashu_error.h"
#include "rails/cashu/mint_url.h"
#include "rails/cashu/promise.h"
#include "rails/cashu/wire.h"

int restore_request(struct arena *a, const char *mint, const struct output *outputs, size_t n, struct net_request *ret,
		    struct err *err)
{
	json_t *body = json_object_in(a), *list;

	if (wire_outputs(a, outputs, n, &list, err) != 0)
		return -1;
	json_set(body, "outputs", list);
	wire_post(a, mint_url_join(a, mint, "/v1/restore"), body, WIRE_READ_MS, false, ret);
	return 0;
}

/* Mints answer in the order asked, leaving out what they do not know: the next match is nearly always a step ahead. */
static bool find(const struct output *outputs, size_t n, size_t from, const struct pubkey *b, size_t *ret)
{
	for (size_t i = 0; i < n; i++) {
		size_t at = (from + i) % n;

		if (pubkey_equal(&outputs[at].b, b)) {
			*ret = at;
			return true;
		}
	}
	return false;
}

static int match(struct arena *a, const json_t *out, const json_t *sigs, const struct output *outputs, size_t n,
		 struct restored *ret, struct err *err)
{
	struct restored r = { 0 };
	struct promise *found = ARENA_ARRAY(a, n, struct promise);
	bool *known = ARENA_ARRAY(a, n, bool);
	size_t at = 0;

	for (size_t i = 0; i < json_array_size(out); i++) {
		struct pubkey b;

		if (wire_pubkey(json_array_get(out, i), "B_", &b, err) != 0)
			return -1;
		if (!find(outputs, n, at, &b, &at))
			return ERR(err, ERR_PARSE, "entry %zu is about an output that is not ours", i);
		if (known[at])
			return ERR(err, ERR_PARSE, "entry %zu is about an output named before", i);
		if (promise_parse(json_array_get(sigs, i), &found[at], err) != 0)
			return -1;
		known[at] = true;
	}
	r.outputs = ARENA_ARRAY(a, json_array_size(out), struct output);
	r.promises = ARENA_ARRAY(a, json_array_size(out), struct promise);
	for (size_t i = 0; i < n; i++)
		if (known[i]) {
			r.outputs[r.n] = outputs[i];
			r.promises[r.n++] = found[i];
		}
	*ret = r;
	return 0;
}

int restore_decode(struct arena *a, const struct net_reply *rep, const struct output *outputs, size_t n,
		   struct restored *ret, struct err *err)
{
	json_t *v, *out, *sigs;

	if (cashu_reply_json(a, rep, &v, err) != 0)
		return -1;
	if (json_get_arr(v, "outputs", n, &out, err) != 0 || json_get_arr(v, "signatures", n, &sigs, err) != 0)
		return cashu_invalid(err, "what the mint restored");
	if (json_array_size(out) != json_array_size(sigs))
		return ERR(err, ERR_PEER_INVALID, "the mint restored %zu outputs and sent %zu signatures",
			   json_array_size(out), json_array_size(sigs));
	if (match(a, out, sigs, outputs, n, ret, err) != 0)
		return cashu_invalid(err, "what the mint restored");
	return 0;
}
