#include "outbox/show_text.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "outbox/show.h"
#include "rails/evm/address.h"
#include "store/directive_store.h"

#define JSON_EXACT_MAX ((UINT64_C(1) << 53) - 1)
#define NAME_MAX_BYTES 64 /* of a kind, an action key, an address */

const char *show_bytes(struct arena *a, struct bytes v)
{
	char *text = arena_alloc(a, 2 * v.n + 3);

	text[0] = '0';
	text[1] = 'x';
	hex_encode(v.p, v.n, text + 2);
	return text;
}

const char *show_hash(struct arena *a, const struct hash32 *h)
{
	return show_bytes(a, (struct bytes){ h->b, sizeof(h->b) });
}

const char *show_address(struct arena *a, const struct evm_address *addr)
{
	char *text = arena_alloc(a, EVM_ADDRESS_TEXT);

	evm_address_text(addr, text);
	return text;
}

const char *show_wei(struct arena *a, struct wei v)
{
	char *text = arena_alloc(a, WEI_TEXT_MAX);

	wei_text(v, text);
	return text;
}

const char *slot_purpose_name(enum slot_purpose p)
{
	switch (p) {
	case SLOT_DIRECTIVES:
		return "directives";
	case SLOT_NO_OP:
		return "no_op";
	case SLOT_REVOKE:
		return "revoke_nonces";
	}
	return "unknown";
}

const char *space_ordering_name(enum space_ordering o)
{
	switch (o) {
	case ORDER_NONE:
		return "none";
	case ORDER_ACCOUNT:
		return "account";
	case ORDER_SIGNER:
		return "signer";
	}
	return "unknown";
}

void json_set_decimal(json_t *obj, const char *name, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, v);
	json_set_str(obj, name, text);
}

void json_set_number(json_t *obj, const char *name, uint64_t v)
{
	if (v <= JSON_EXACT_MAX)
		json_set_u64(obj, name, v);
	else
		json_set_decimal(obj, name, v);
}

void json_set_time(json_t *obj, const char *name, int64_t ms, int64_t absent)
{
	if (ms == absent)
		json_set_take(obj, name, json_null());
	else
		json_set_int(obj, name, ms);
}

int json_opt_number(const json_t *obj, const char *name, uint64_t max, uint64_t *ret, struct err *err)
{
	const json_t *v = json_object_get(obj, name);
	uint64_t got;

	if (!v || json_is_null(v))
		return 0;
	if (json_is_integer(v) && json_integer_value(v) >= 0 && (uint64_t)json_integer_value(v) <= max) {
		*ret = (uint64_t)json_integer_value(v);
		return 0;
	}
	if (json_is_string(v) && parse_u64(json_string_value(v), max, &got)) {
		*ret = got;
		return 0;
	}
	ERR(err, ERR_PARAM, "%s is not a number from 0 to %" PRIu64, name, max);
	return err_field(err, name);
}

/* --- what comes in --- */

static int bad(const char *field, const char *what, struct err *err)
{
	ERR(err, ERR_PARAM, "%s %s", field, what);
	return err_field(err, field);
}

/* Wrong JSON, wrong hex: to the caller it is a wrong parameter. */
static int as_param(struct err *err)
{
	err->code = ERR_PARAM;
	err->class = err_class_of(ERR_PARAM);
	return -1;
}

int outbox_address_parse(const char *text, const char *field, struct evm_address *ret, struct err *err)
{
	if (evm_address_parse(text, ret, err) == 0)
		return 0;
	err_context(err, "%s", field);
	as_param(err);
	return err_field(err, field);
}

int outbox_hash_parse(const char *text, const char *field, struct hash32 *ret, struct err *err)
{
	if (text_starts(text, "0x") && hex_decode(text + 2, ret->b, sizeof(ret->b)))
		return 0;
	return bad(field, "is not 0x and 64 hex digits", err);
}

static int payload_parse(struct arena *a, const char *text, struct bytes *ret, struct err *err)
{
	size_t digits;

	if (!text_starts(text, "0x"))
		return bad("payload", "is not hex that begins with 0x", err);
	digits = strlen(text + 2);
	if (digits > 2 * (size_t)DIRECTIVE_PAYLOAD_MAX) {
		ERR(err, ERR_ACTION_INVALID, "payload has %zu bytes; at most %d are taken", digits / 2,
		    DIRECTIVE_PAYLOAD_MAX);
		return err_field(err, "payload");
	}
	if (!hex_decode_any(a, text + 2, DIRECTIVE_PAYLOAD_MAX, ret))
		return bad("payload", digits % 2 ? "has an odd number of hex digits" : "is not hex", err);
	return 0;
}

/* *ret is NULL when the member is absent. */
static int optional_address(struct arena *a, const json_t *params, const char *name, const struct evm_address **ret,
			    struct err *err)
{
	struct evm_address *parsed;
	const char *text = NULL;

	*ret = NULL;
	if (json_opt_str(params, name, NAME_MAX_BYTES, &text, err) != 0)
		return -1;
	if (!text)
		return 0;
	parsed = ARENA_NEW(a, struct evm_address);
	if (outbox_address_parse(text, name, parsed, err) != 0)
		return -1;
	*ret = parsed;
	return 0;
}

static int expiry(const json_t *params, int64_t *ret, struct err *err)
{
	uint64_t ms = UINT64_MAX;

	if (json_opt_number(params, "expires_at_ms", INT64_MAX, &ms, err) != 0)
		return -1;
	*ret = ms == UINT64_MAX ? -1 : (int64_t)ms;
	return 0;
}

static int append_parse(struct arena *a, const json_t *params, struct outbox_append *in, struct err *err)
{
	const char *account, *payload;

	if (json_get_str(params, "directive_id", DIRECTIVE_ID_MAX, &in->directive_id, err) != 0 ||
	    json_opt_str(params, "kind", NAME_MAX_BYTES, &in->kind, err) != 0 ||
	    json_get_str(params, "action_key", NAME_MAX_BYTES, &in->action_key, err) != 0 ||
	    json_get_str(params, "account", NAME_MAX_BYTES, &account, err) != 0 ||
	    outbox_address_parse(account, "account", &in->account, err) != 0 ||
	    optional_address(a, params, "signer", &in->signer, err) != 0 ||
	    optional_address(a, params, "contract", &in->contract, err) != 0 ||
	    json_opt_number(params, "chain_id", INT64_MAX, &in->chain_id, err) != 0 ||
	    json_get_str(params, "payload", 4 * DIRECTIVE_PAYLOAD_MAX, &payload, err) != 0)
		return -1;
	return payload_parse(a, payload, &in->payload, err) != 0 ? -1 : expiry(params, &in->expires_at_ms, err);
}

int outbox_append_parse(struct arena *a, const json_t *params, struct outbox_append *ret, struct err *err)
{
	struct outbox_append in = { 0 };

	if (append_parse(a, params, &in, err) != 0)
		return err->code == ERR_ACTION_INVALID ? -1 : as_param(err);
	*ret = in;
	return 0;
}
