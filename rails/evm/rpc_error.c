#include "rails/evm/rpc_error.h"

#include <string.h>

#include "base/text.h"
#include "rails/evm/send_class.h"

#define REVERT_CODE 3 /* go-ethereum, and those that follow it */
#define NESTED_MAX  4

static bool says(const struct jsonrpc_error *e, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcasestr(e->message, words[i]) != NULL || strcasestr(e->data_text, words[i]) != NULL)
			return true;
	return false;
}

static const char *const throttle_words[] = {
	"too many requests", "rate limit",        "request rate", "requests per",   "request limit",
	"request count",     "compute units",     "throughput",   "quota",          "throttl",
	"over capacity",     "server overloaded", "temporarily",  "server is busy", "service unavail",
	"bad gateway",       "gateway time",      "no backend",   "upstream",       "internal server error",
};

static const char *const range_words[] = {
	"range",     "too many", "more than",     "limit",     "response size", "size exceeded",
	"too large", "too big",  "query timeout", "timed out", "max results",
};

static const char *const gas_words[] = {
	"out of gas", "outofgas", "gas required exceeds", "exceeds allowance", "block gas limit", "gas limit exceeded",
};

static const char *const revert_words[] = { "revert", "vm execution error" };

static bool is_throttle(const struct jsonrpc_error *e)
{
	return e->code == 429 || says(e, throttle_words, ARRAY_LEN(throttle_words));
}

bool evm_error_is_range_too_wide(const struct jsonrpc_error *e)
{
	return !is_throttle(e) && says(e, range_words, ARRAY_LEN(range_words));
}

bool evm_error_is_revert(const struct jsonrpc_error *e)
{
	return e->code == REVERT_CODE || says(e, revert_words, ARRAY_LEN(revert_words));
}

bool evm_error_is_too_much_gas(const struct jsonrpc_error *e)
{
	return !is_throttle(e) && !evm_error_is_revert(e) && says(e, gas_words, ARRAY_LEN(gas_words));
}

bool evm_error_is_endpoint_failure(const struct jsonrpc_error *e)
{
	return is_throttle(e) && evm_send_class_of_error(e) == EVM_SEND_UNKNOWN && !evm_error_is_revert(e);
}

static const json_t *inner(const json_t *v)
{
	static const char *const members[] = { "data", "result", "originalError" };

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const json_t *one = json_object_get(v, members[i]);

		if (json_is_string(one) || json_is_object(one))
			return one;
	}
	return NULL;
}

/* NULL when there is none. */
static const char *revert_hex(const json_t *v)
{
	static const char reverted[] = "Reverted ";

	for (unsigned depth = 0; json_is_object(v) && depth < NESTED_MAX; depth++)
		v = inner(v);
	if (!json_is_string(v) || strlen(json_string_value(v)) != json_string_length(v))
		return NULL;
	return json_string_value(v) + (text_starts(json_string_value(v), reverted) ? strlen(reverted) : 0);
}

bool evm_error_revert_data(struct arena *a, const struct jsonrpc_error *e, struct bytes *ret)
{
	const char *hex = revert_hex(e->data);

	return hex != NULL && text_starts(hex, "0x") && strlen(hex) <= 2 + 2 * EVM_REVERT_MAX &&
	       arena_room(a, strlen(hex) / 2) && hex_decode_any(a, hex + 2, EVM_REVERT_MAX, ret);
}
