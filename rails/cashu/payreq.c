#include "rails/cashu/payreq.h"

#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "rails/cashu/cbor_map.h"
#include "rails/cashu/cbor_write.h"
#include "rails/cashu/lock.h"
#include "rails/cashu/mint_url.h"
#include "rails/cashu/wire.h"

#define PREFIX     "creqA"
#define DLEQ_CHARS 250
#define UNIT_MAX   15
#define KIND_MAX   64
/* What the longest text holds, without its prefix. */
#define REQUEST_MAX (PAYREQ_TEXT_MAX / 4 * 3 - 4)

/* --- reading --- */

static int read_value(struct cbor_source *in, struct cbor_value v, void *to, struct err *err)
{
	struct payreq_tag *tag = to;

	if (tag->n == PAYREQ_VALUES_MAX)
		return cbor_malformed(in, err, "a tag with too many values");
	return cbor_text(in, v.v, PAYREQ_VALUE_MAX, &tag->v[tag->n++], err);
}

static int read_tag(struct cbor_source *in, struct cbor_value v, void *to, struct err *err)
{
	struct payreq_tags *tags = to;

	if (tags->n == PAYREQ_TAGS_MAX)
		return cbor_malformed(in, err, "too many tags");
	if (cbor_array_read(in, v, CBOR_TEXT, read_value, &tags->tag[tags->n], err) != 0)
		return -1;
	if (tags->tag[tags->n++].n == 0)
		return cbor_malformed(in, err, "a tag without a name");
	return 0;
}

static int read_tags(struct cbor_source *in, struct cbor_value v, struct payreq_tags *to, struct err *err)
{
	to->tag = ARENA_ARRAY(in->a, PAYREQ_TAGS_MAX, struct payreq_tag);
	return cbor_array_read(in, v, CBOR_ARRAY, read_tag, to, err);
}

enum { TRANSPORT_T, TRANSPORT_A, TRANSPORT_G };
static const struct cbor_field transport_fields[] = {
	[TRANSPORT_T] = { "t", true, CBOR_TEXT },
	[TRANSPORT_A] = { "a", true, CBOR_TEXT },
	[TRANSPORT_G] = { "g", false, CBOR_ARRAY },
};

static int read_transport_field(struct cbor_source *in, size_t field, struct cbor_value v, void *to, struct err *err)
{
	struct payreq_transport *t = to;

	switch (field) {
	case TRANSPORT_T:
		return cbor_text(in, v.v, KIND_MAX, &t->type, err);
	case TRANSPORT_A:
		return cbor_text(in, v.v, PAYREQ_TARGET_MAX, &t->target, err);
	default:
		return read_tags(in, v, &t->tags, err);
	}
}

static int read_transport(struct cbor_source *in, struct cbor_value map, void *to, struct err *err)
{
	struct payreq *r = to;
	struct payreq_transport *t = &r->transport[r->n_transports];

	if (r->n_transports == PAYREQ_TRANSPORTS_MAX)
		return cbor_malformed(in, err, "too many ways to deliver");
	if (cbor_map_read(in, map, 2, transport_fields, ARRAY_LEN(transport_fields), read_transport_field, t, err) != 0)
		return -1;
	if (t->type[0] == '\0' || t->target[0] == '\0')
		return cbor_malformed(in, err, "a way to deliver without a type or a target");
	r->n_transports++;
	return 0;
}

static int read_mint(struct cbor_source *in, struct cbor_value v, void *to, struct err *err)
{
	struct payreq *r = to;
	char url[MINT_URL_MAX + 1];
	struct err why;
	const char *text;

	if (r->n_mints == PAYREQ_MINTS_MAX)
		return cbor_malformed(in, err, "too many mints");
	if (cbor_text(in, v.v, PAYREQ_TARGET_MAX, &text, err) != 0)
		return -1;
	if (mint_url_normalise(text, url, &why) != 0)
		return cbor_malformed(in, err, why.msg);
	r->mints[r->n_mints++] = arena_strdup(in->a, url);
	return 0;
}

enum { LOCK_K, LOCK_D, LOCK_T };
static const struct cbor_field lock_fields[] = {
	[LOCK_K] = { "k", true, CBOR_TEXT },
	[LOCK_D] = { "d", true, CBOR_TEXT },
	[LOCK_T] = { "t", false, CBOR_ARRAY },
};

static int read_lock_field(struct cbor_source *in, size_t field, struct cbor_value v, void *to, struct err *err)
{
	struct payreq_lock *l = to;

	switch (field) {
	case LOCK_K:
		return cbor_text(in, v.v, KIND_MAX, &l->kind, err);
	case LOCK_D:
		return cbor_text(in, v.v, PAYREQ_VALUE_MAX, &l->data, err);
	default:
		return read_tags(in, v, &l->tags, err);
	}
}

enum { REQUEST_I, REQUEST_A, REQUEST_U, REQUEST_S, REQUEST_M, REQUEST_D, REQUEST_T, REQUEST_LOCK };
static const struct cbor_field request_fields[] = {
	[REQUEST_I] = { "i", false, CBOR_TEXT },  [REQUEST_A] = { "a", false, CBOR_UINT },
	[REQUEST_U] = { "u", false, CBOR_TEXT },  [REQUEST_S] = { "s", false, CBOR_BOOL },
	[REQUEST_M] = { "m", false, CBOR_ARRAY }, [REQUEST_D] = { "d", false, CBOR_TEXT },
	[REQUEST_T] = { "t", false, CBOR_ARRAY }, [REQUEST_LOCK] = { "nut10", false, CBOR_MAP },
};

static int read_unit(struct cbor_source *in, struct bytes v, struct payreq *r, struct err *err)
{
	const char *text;

	if (cbor_text(in, v, UNIT_MAX, &text, err) != 0)
		return -1;
	if (!currency_parse(text, &r->unit))
		return cbor_malformed(in, err, "its unit is not the name of one");
	r->has_unit = true;
	return 0;
}

static int read_request_field(struct cbor_source *in, size_t field, struct cbor_value v, void *to, struct err *err)
{
	struct payreq *r = to;

	switch (field) {
	case REQUEST_I:
		return cbor_text(in, v.v, PAYREQ_ID_MAX, &r->id, err);
	case REQUEST_A:
		r->has_amount = true;
		r->amount = v.n;
		return 0;
	case REQUEST_U:
		return read_unit(in, v.v, r, err);
	case REQUEST_S:
		r->single_use = v.n != 0;
		return 0;
	case REQUEST_M:
		r->mints = ARENA_ARRAY(in->a, PAYREQ_MINTS_MAX, const char *);
		return cbor_array_read(in, v, CBOR_TEXT, read_mint, r, err);
	case REQUEST_D:
		return cbor_text(in, v.v, PAYREQ_DESCRIPTION_MAX, &r->description, err);
	case REQUEST_T:
		r->transport = ARENA_ARRAY(in->a, PAYREQ_TRANSPORTS_MAX, struct payreq_transport);
		return cbor_array_read(in, v, CBOR_MAP, read_transport, r, err);
	default:
		r->has_lock = true;
		return cbor_map_read(in, v, 1, lock_fields, ARRAY_LEN(lock_fields), read_lock_field, &r->lock, err);
	}
}

/* What holds for every request, read or to be written. */
static int check_request(const struct payreq *r, struct err *err)
{
	if (r->has_amount && !r->has_unit)
		return ERR(err, ERR_PAYMENT_REQUEST, "a payment request for an amount without a unit");
	if (r->has_amount && (r->amount == 0 || r->amount > AMOUNT_MAX))
		return ERR(err, ERR_PAYMENT_REQUEST, "a payment request for nothing, or more than any amount");
	return 0;
}

static struct bytes trimmed(const char *text)
{
	static const char space[] = " \t\r\n\v\f";
	struct bytes v = bytes_of(text + strspn(text, space));

	while (v.n > 0 && strchr(space, v.p[v.n - 1]) != NULL)
		v.n--;
	return v;
}

static bool take_prefix(struct bytes *v, const char *prefix)
{
	size_t n = strlen(prefix);

	if (v->n < n || memcmp(v->p, prefix, n) != 0)
		return false;
	v->p += n;
	v->n -= n;
	return true;
}

int payreq_decode(struct arena *a, const char *text, struct payreq *ret, struct err *err)
{
	struct cbor_source in = { .a = a, .code = ERR_PAYMENT_REQUEST, .what = "malformed payment request" };
	struct payreq r = { 0 };
	struct bytes v, raw;

	if (strnlen(text, PAYREQ_TEXT_MAX + 1) > PAYREQ_TEXT_MAX)
		return ERR(err, ERR_PAYMENT_REQUEST, "malformed payment request: longer than %d characters",
			   PAYREQ_TEXT_MAX);
	if (!arena_room(a, PAYREQ_ROOM))
		return ERR(err, ERR_RANGE, "no room for a payment request");
	v = trimmed(text);
	(void)take_prefix(&v, "cashu:"); /* optional */
	if (!take_prefix(&v, PREFIX))
		return cbor_malformed(&in, err, "it does not begin with " PREFIX);
	if (!base64_decode(a, v, REQUEST_MAX, &raw))
		return cbor_malformed(&in, err, "not base64");
	in.r = reader_of(raw);
	if (cbor_source_read(&in, request_fields, ARRAY_LEN(request_fields), read_request_field, &r, err) != 0 ||
	    check_request(&r, err) != 0)
		return -1;
	*ret = r;
	return 0;
}

/* --- writing, in the order of the official examples --- */

static void put_tags(struct buf *b, const char *name, const struct payreq_tags *tags)
{
	if (tags->n == 0)
		return;
	cbor_put_text(b, name);
	cbor_put_array(b, tags->n);
	for (size_t i = 0; i < tags->n; i++) {
		cbor_put_array(b, tags->tag[i].n);
		for (size_t j = 0; j < tags->tag[i].n; j++)
			cbor_put_text(b, tags->tag[i].v[j]);
	}
}

static void put_pair(struct buf *b, const char *name, const char *text)
{
	cbor_put_text(b, name);
	cbor_put_text(b, text);
}

static void put_transports(struct buf *b, const struct payreq *r)
{
	if (r->n_transports == 0)
		return;
	cbor_put_text(b, "t");
	cbor_put_array(b, r->n_transports);
	for (size_t i = 0; i < r->n_transports; i++) {
		cbor_put_map(b, r->transport[i].tags.n > 0 ? 3 : 2);
		put_pair(b, "t", r->transport[i].type);
		put_pair(b, "a", r->transport[i].target);
		put_tags(b, "g", &r->transport[i].tags);
	}
}

static void put_mints(struct buf *b, const struct payreq *r)
{
	if (r->n_mints == 0)
		return;
	cbor_put_text(b, "m");
	cbor_put_array(b, r->n_mints);
	for (size_t i = 0; i < r->n_mints; i++)
		cbor_put_text(b, r->mints[i]);
}

static size_t count_pairs(const struct payreq *r)
{
	return (size_t)(r->n_transports > 0) + (r->id != NULL) + r->has_amount + r->has_unit + (r->n_mints > 0) +
	       (r->description != NULL) + r->single_use + r->has_lock;
}

static void put_request(struct buf *b, const struct payreq *r)
{
	cbor_put_map(b, count_pairs(r));
	put_transports(b, r);
	if (r->id != NULL)
		put_pair(b, "i", r->id);
	if (r->has_amount) {
		cbor_put_text(b, "a");
		cbor_put_uint(b, r->amount);
	}
	if (r->has_unit)
		put_pair(b, "u", r->unit.s);
	put_mints(b, r);
	if (r->description != NULL)
		put_pair(b, "d", r->description);
	if (r->single_use) {
		cbor_put_text(b, "s");
		cbor_put_bool(b, true);
	}
	if (r->has_lock) {
		cbor_put_text(b, "nut10");
		cbor_put_map(b, r->lock.tags.n > 0 ? 3 : 2);
		put_pair(b, "k", r->lock.kind);
		put_pair(b, "d", r->lock.data);
		put_tags(b, "t", &r->lock.tags);
	}
}

int payreq_encode(struct arena *a, const struct payreq *r, char **ret, struct err *err)
{
	SCOPED(buf) struct buf b = BUF_CAP(REQUEST_MAX);

	if (check_request(r, err) != 0)
		return -1;
	put_request(&b, r);
	if (!buf_ok(&b) || !arena_room(a, (size_t)3 * PAYREQ_TEXT_MAX))
		return ERR(err, ERR_RANGE, "the payment request would be larger than %d bytes", REQUEST_MAX);
	*ret = arena_printf(a, PREFIX "%s", base64url_text(a, buf_bytes(&b)));
	return 0;
}

/* --- paying one --- */

static bool asks_for_mint(const struct payreq *r, const char *mint)
{
	for (size_t i = 0; i < r->n_mints; i++)
		if (strcmp(r->mints[i], mint) == 0)
			return true;
	return r->n_mints == 0;
}

int payreq_check(const struct payreq *r, const char *mint, struct ecash amount, struct err *err)
{
	if (!asks_for_mint(r, mint)) {
		(void)ERR(err, ERR_MINT_UNKNOWN, "the payee takes ecash of %zu mints, and this is none of them",
			  r->n_mints);
		return err_field(err, "mint");
	}
	if (r->has_unit && !currency_equal(r->unit, amount.unit)) {
		(void)ERR(err, ERR_UNIT, "the payee asks for %s, this is %s", r->unit.s, amount.unit.s);
		return err_field(err, "unit");
	}
	if (r->has_amount && ecash_value(amount) < r->amount) {
		(void)ERR(err, ERR_FUNDS, "the payee asks for %llu %s, this is %llu", (unsigned long long)r->amount,
			  r->unit.s, (unsigned long long)ecash_value(amount));
		return err_field(err, "amount");
	}
	return 0;
}

static json_t *tags_json(struct arena *a, const struct payreq_tags *tags)
{
	json_t *list = json_array_in(a);

	for (size_t i = 0; i < tags->n; i++) {
		json_t *tag = json_array();

		json_add_take(list, tag);
		for (size_t j = 0; j < tags->tag[i].n; j++)
			json_add_take(tag, json_string(tags->tag[i].v[j]));
	}
	return list;
}

int payreq_lock_secret(struct arena *a, const struct payreq_lock *l, const uint8_t nonce[32], char **ret,
		       struct err *err)
{
	json_t *v = json_array_in(a), *body = json_object_in(a);
	struct lock lock;
	char hex[65], *text;

	hex_encode(nonce, 32, hex);
	json_add_take(v, json_string(l->kind));
	json_add(v, body);
	json_set_str(body, "nonce", hex);
	json_set_str(body, "data", l->data);
	if (l->tags.n > 0)
		json_set(body, "tags", tags_json(a, &l->tags));
	text = json_text(a, v);
	if (lock_parse(text, &lock, err) != 0)
		return err_context(err, "the condition of the payment request");
	if (lock.kind == LOCK_OTHER)
		return ERR(err, ERR_UNSUPPORTED, "the payee asks for a lock of a kind that is not known");
	*ret = text;
	return 0;
}

const struct payreq_transport *payreq_post(const struct payreq *r)
{
	for (size_t i = 0; i < r->n_transports; i++) {
		const struct payreq_transport *t = &r->transport[i];

		if (strcmp(t->type, "post") == 0 && text_printable_ascii(t->target) &&
		    (text_starts(t->target, "https://") || text_starts(t->target, "http://")))
			return t;
	}
	return NULL;
}

int payreq_post_request(struct arena *a, const struct payreq *r, const struct payreq_transport *to,
			const struct token *t, struct net_request *ret, struct err *err)
{
	json_t *body = json_object_in(a), *proofs = json_array_in(a);

	if (wire_count("proofs", t->n, err) != 0 ||
	    wire_room(a, wire_inputs_chars(t->proofs, t->n) + t->n * DLEQ_CHARS + 2 * TOKEN_MEMO_MAX, err) != 0)
		return -1;
	if (!t->has_unit)
		return ERR(err, ERR_UNIT, "a token without a unit");
	if (r->id != NULL)
		json_set_str(body, "id", r->id);
	if (t->memo != NULL)
		json_set_str(body, "memo", t->memo);
	json_set_str(body, "mint", t->mint);
	json_set_str(body, "unit", t->unit.s);
	json_set(body, "proofs", proofs);
	for (size_t i = 0; i < t->n; i++) {
		const struct proof *p = &t->proofs[i];

		json_add_take(proofs, wire_proof(p, p->dleq.present && p->dleq.has_r));
	}
	wire_post(a, arena_strdup(a, to->target), body, WIRE_WRITE_MS, true, ret);
	return 0;
}
