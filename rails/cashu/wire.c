#include "rails/cashu/wire.h"

#include <string.h>

#include "base/text.h"
#include "rails/bitcoin/secp.h"

#define INPUT_CHARS 300 /* all of an input but its secret and witness */

void wire_get(const char *url, struct net_request *ret)
{
	*ret = (struct net_request){ .method = "GET", .url = url, .timeout_ms = WIRE_READ_MS };
}

void wire_post(struct arena *a, const char *url, const json_t *body, int64_t timeout_ms, bool changes_state,
	       struct net_request *ret)
{
	*ret = (struct net_request){ .method = "POST",
				     .url = url,
				     .content_type = "application/json",
				     .body = bytes_of(json_text(a, body)),
				     .timeout_ms = timeout_ms,
				     .changes_state = changes_state };
}

int wire_count(const char *what, size_t n, struct err *err)
{
	if (n == 0 || n > CASHU_LIST_MAX)
		return ERR(err, ERR_RANGE, "%zu %s in one request; mints take 1 to %d", n, what, CASHU_LIST_MAX);
	return 0;
}

int wire_room(const struct arena *a, size_t chars, struct err *err)
{
	/* The URL, the quote and the signature are the rest. */
	if (!arena_room(a, chars + 2048))
		return ERR(err, ERR_RANGE, "a request of %zu bytes is too large", chars);
	return 0;
}

int wire_outputs(struct arena *a, const struct output *outputs, size_t n, json_t **ret, struct err *err)
{
	json_t *list;

	if (wire_count("outputs", n, err) != 0 || wire_room(a, n * WIRE_OUTPUT_CHARS, err) != 0)
		return -1;
	list = json_array_in(a);
	for (size_t i = 0; i < n; i++) {
		json_t *o = json_object();

		json_add_take(list, o);
		if (outputs[i].amount > AMOUNT_MAX)
			return ERR(err, ERR_RANGE, "an output of %llu", (unsigned long long)outputs[i].amount);
		json_set_u64(o, "amount", outputs[i].amount);
		json_set_str(o, "id", outputs[i].keyset.s);
		json_set_take(o, "B_", wire_hex(outputs[i].b.b, sizeof(outputs[i].b.b)));
	}
	*ret = list;
	return 0;
}

/* A quote or a backslash takes two characters; there are no control characters in secrets (token.h). */
size_t wire_inputs_chars(const struct proof *inputs, size_t n)
{
	size_t chars = n * INPUT_CHARS;

	for (size_t i = 0; i < n; i++)
		chars += 2 * (strlen(inputs[i].secret) + (inputs[i].witness == NULL ? 0 : strlen(inputs[i].witness)));
	return chars;
}

int wire_inputs(struct arena *a, const struct proof *inputs, size_t n, json_t **ret, struct err *err)
{
	json_t *list = json_array_in(a);

	for (size_t i = 0; i < n; i++) {
		if (inputs[i].amount > AMOUNT_MAX)
			return ERR(err, ERR_RANGE, "an input of %llu", (unsigned long long)inputs[i].amount);
		json_add_take(list, wire_proof(&inputs[i], false));
	}
	*ret = list;
	return 0;
}

json_t *wire_hex(const void *p, size_t n)
{
	char text[2 * 64 + 1]; /* a signature is the longest of its kind */

	hex_encode(p, n, text);
	return json_stringn(text, 2 * n);
}

json_t *wire_proof(const struct proof *p, bool with_dleq)
{
	json_t *v = json_object();

	json_set_u64(v, "amount", p->amount);
	json_set_str(v, "id", p->keyset.s);
	json_set_str(v, "secret", p->secret);
	json_set_take(v, "C", wire_hex(p->c.b, sizeof(p->c.b)));
	if (with_dleq) {
		json_t *d = json_object();

		json_set_take(v, "dleq", d);
		json_set_take(d, "e", wire_hex(p->dleq.e.b, sizeof(p->dleq.e.b)));
		json_set_take(d, "s", wire_hex(p->dleq.s.b, sizeof(p->dleq.s.b)));
		json_set_take(d, "r", wire_hex(p->dleq.r.b, sizeof(p->dleq.r.b)));
	}
	if (p->witness != NULL)
		json_set_str(v, "witness", p->witness);
	return v;
}

static int hex_member(const json_t *obj, const char *name, void *to, size_t n, struct err *err)
{
	const char *text;

	if (json_get_str(obj, name, 2 * n, &text, err) != 0)
		return -1;
	if (!hex_decode(text, to, n)) {
		(void)ERR(err, ERR_PARSE, "%s is not %zu bytes of hex", name, n);
		return err_field(err, name);
	}
	return 0;
}

int wire_pubkey(const json_t *obj, const char *name, struct pubkey *ret, struct err *err)
{
	return hex_member(obj, name, ret->b, sizeof(ret->b), err);
}

int wire_point(const json_t *obj, const char *name, struct pubkey *ret, struct err *err)
{
	struct pubkey p;

	if (wire_pubkey(obj, name, &p, err) != 0)
		return -1;
	if (!secp_pubkey_valid(&p)) {
		(void)ERR(err, ERR_PARSE, "%s is not a point of the curve", name);
		return err_field(err, name);
	}
	*ret = p;
	return 0;
}

int wire_scalar(const json_t *obj, const char *name, struct secret *ret, struct err *err)
{
	return hex_member(obj, name, ret->b, sizeof(ret->b), err);
}

int wire_amount(const json_t *obj, const char *name, uint64_t *ret, struct err *err)
{
	uint64_t v;

	if (json_get_u64(obj, name, AMOUNT_MAX, &v, err) != 0)
		return -1;
	if (v == 0) {
		(void)ERR(err, ERR_RANGE, "%s is 0", name);
		return err_field(err, name);
	}
	*ret = v;
	return 0;
}
