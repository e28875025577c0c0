#include "rails/cashu/witness.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "rails/bitcoin/secp.h"
#include "rails/cashu/wire.h"

#define WITNESS_DEPTH_MAX 3
#define SCRATCH_MAX       (16 * 1024)
/* All secrets and points in hex, all amounts, and the quote. */
#define MESSAGE_MAX (CASHU_LIST_MAX * (CASHU_SECRET_MAX + 66 + 20 + 66) + QUOTE_ID_MAX + 64)

static int no_witness(struct err *err, const char *what)
{
	return ERR(err, ERR_LOCK, "malformed witness: %s", what);
}

int witness_parse(const char *text, struct witness *ret, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(SCRATCH_MAX);
	const json_t *sigs, *preimage;
	struct witness w = { 0 };
	struct err why;
	json_t *v;

	if (strlen(text) > CASHU_WITNESS_MAX || json_parse(&a, bytes_of(text), WITNESS_DEPTH_MAX, &v, &why) != 0 ||
	    !json_is_object(v))
		return no_witness(err, "it is not a JSON object, or longer than mints take");
	sigs = json_object_get(v, "signatures");
	preimage = json_object_get(v, "preimage");
	if (preimage != NULL && !json_is_null(preimage)) {
		w.has_preimage = json_is_string(preimage) &&
				 hex_decode(json_string_value(preimage), w.preimage, sizeof(w.preimage));
		if (!w.has_preimage)
			return no_witness(err, "its preimage is not 32 bytes of hex");
	}
	if (sigs != NULL && !json_is_null(sigs) && !json_is_array(sigs))
		return no_witness(err, "its signatures are not a list");
	if (json_array_size(sigs) > WITNESS_SIGS_MAX)
		return no_witness(err, "it has too many signatures");
	for (; w.n_sigs < json_array_size(sigs); w.n_sigs++) {
		const char *sig = json_string_value(json_array_get(sigs, w.n_sigs));

		if (sig == NULL || !hex_decode(sig, w.sigs[w.n_sigs], sizeof(w.sigs[0])))
			return no_witness(err, "a signature of it is not 64 bytes of hex");
	}
	*ret = w;
	return 0;
}

int witness_text(struct arena *a, const struct witness *w, char **ret, struct err *err)
{
	json_t *v = json_object_in(a), *sigs = json_array_in(a);
	char *text;

	assert(w->n_sigs <= WITNESS_SIGS_MAX);
	if (w->has_preimage)
		json_set_take(v, "preimage", wire_hex(w->preimage, sizeof(w->preimage)));
	for (size_t i = 0; i < w->n_sigs; i++)
		json_add_take(sigs, wire_hex(w->sigs[i], sizeof(w->sigs[i])));
	json_set(v, "signatures", sigs);
	text = json_text(a, v);
	if (strlen(text) > CASHU_WITNESS_MAX)
		return ERR(err, ERR_RANGE, "a witness of %zu characters; mints take %d", strlen(text),
			   CASHU_WITNESS_MAX);
	*ret = text;
	return 0;
}

void witness_message(const char *secret, struct hash32 *ret)
{
	sha256(bytes_of(secret), ret);
}

static void add_point(struct buf *b, const struct pubkey *p)
{
	char hex[67];

	hex_encode(p->b, sizeof(p->b), hex);
	buf_text_add(b, hex);
}

void witness_message_all(const struct proof *inputs, size_t n_in, const struct output *outputs, size_t n_out,
			 const char *quote_id, struct hash32 *ret)
{
	SCOPED(buf) struct buf msg = BUF_SECRET(MESSAGE_MAX);

	for (size_t i = 0; i < n_in; i++) {
		buf_text_add(&msg, inputs[i].secret);
		add_point(&msg, &inputs[i].c);
	}
	for (size_t i = 0; i < n_out; i++) {
		buf_printf(&msg, "%llu", (unsigned long long)outputs[i].amount);
		add_point(&msg, &outputs[i].b);
	}
	if (quote_id != NULL)
		buf_text_add(&msg, quote_id);
	assert(buf_ok(&msg));
	sha256(buf_bytes(&msg), ret);
}

static bool signed_by(const struct witness *w, const struct pubkey *key, const struct hash32 *msg)
{
	for (size_t i = 0; i < w->n_sigs; i++)
		if (secp_schnorr_verify(key, msg, w->sigs[i]))
			return true;
	return false;
}

static bool enough_signed(const struct witness *w, const struct lock_keys *keys, const struct hash32 *msg)
{
	unsigned have = 0;

	for (size_t i = 0; i < keys->n && have < keys->need; i++)
		have += signed_by(w, &keys->key[i], msg);
	return have >= keys->need;
}

static bool shows_preimage(const struct witness *w, const struct lock *l)
{
	struct hash32 hash;

	if (!w->has_preimage)
		return false;
	sha256((struct bytes){ w->preimage, sizeof(w->preimage) }, &hash);
	return hash32_equal(&hash, &l->hash);
}

bool witness_opens(const struct witness *w, const struct lock *l, const struct hash32 *msg, int64_t now_s)
{
	if (lock_is_open(l, now_s))
		return true;
	if (w == NULL || l->kind == LOCK_OTHER)
		return false;
	if ((l->kind != LOCK_HTLC || shows_preimage(w, l)) && enough_signed(w, &l->keys, msg))
		return true;
	return lock_is_expired(l, now_s) && l->refund.n > 0 && enough_signed(w, &l->refund, msg);
}

static int check_input(const struct proof *p, const struct lock *l, const struct hash32 *msg, size_t i, int64_t now_s,
		       struct err *err)
{
	struct witness w;

	if (l->kind == LOCK_OTHER)
		return ERR(err, ERR_UNSUPPORTED, "input %zu is locked in a way that is not known", i);
	if (p->witness != NULL && witness_parse(p->witness, &w, err) != 0)
		return err_context(err, "input %zu", i);
	if (!witness_opens(p->witness == NULL ? NULL : &w, l, msg, now_s))
		return ERR(err, ERR_LOCKED, "input %zu: its witness does not open its lock", i);
	return 0;
}

/* NUT-11: "If any one input has the signature flag SIG_ALL, then all inputs are required to have the same kind, the flag
 * SIG_ALL and the same Secret.data and Secret.tags".  The first input's witness is then for all of them. */
static int check_all_alike(const struct proof *inputs, size_t n_in, struct err *err)
{
	for (size_t i = 1; i < n_in; i++)
		if (!lock_conditions_equal(inputs[0].secret, inputs[i].secret))
			return ERR(err, ERR_LOCK,
				   "input %zu has other conditions than the first, which one with SIG_ALL forbids", i);
	return 0;
}

int witness_check_request(const struct proof *inputs, size_t n_in, const struct output *outputs, size_t n_out,
			  const char *quote_id, int64_t now_s, struct err *err)
{
	struct hash32 msg;
	struct lock first = { .kind = LOCK_NONE }, l;
	bool all = false;

	if (wire_count("inputs", n_in, err) != 0)
		return -1;
	for (size_t i = 0; i < n_in; i++) {
		if (lock_parse(inputs[i].secret, &l, err) != 0)
			return err_context(err, "input %zu", i);
		all = all || (l.kind != LOCK_OTHER && l.sig_all);
		if (i == 0)
			first = l;
	}
	if (all) {
		if (check_all_alike(inputs, n_in, err) != 0)
			return -1;
		witness_message_all(inputs, n_in, outputs, n_out, quote_id, &msg);
		return check_input(&inputs[0], &first, &msg, 0, now_s, err);
	}
	for (size_t i = 0; i < n_in; i++) {
		if (lock_parse(inputs[i].secret, &l, err) != 0)
			return err_context(err, "input %zu", i);
		witness_message(inputs[i].secret, &msg);
		if (check_input(&inputs[i], &l, &msg, i, now_s, err) != 0)
			return -1;
	}
	return 0;
}
