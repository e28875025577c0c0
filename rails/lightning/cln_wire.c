#include "rails/lightning/cln_wire.h"

#include <limits.h>
#include <string.h>

#include "base/text.h"

#define CLN_DEPTH    16
#define CLN_VALUES   100000
#define CALL_ID_MAX  128
#define WORDS_MAX    256
#define PUBKEY_CHARS 66

/* --- requests --- */

int cln_request(struct arena *a, const struct ln_node *node, const struct cln_call *call, struct net_request *ret,
		struct err *err)
{
	SCOPED(arena) struct arena scratch = ARENA_LIMIT(SIZE_MAX / 2);
	json_t *msg = json_object_in(&scratch);
	struct bytes text;

	if (strlen(node->call) > CALL_ID_MAX || !text_printable_ascii(node->call))
		return ERR(err, ERR_RANGE, "a call's name of %zu bytes", strlen(node->call));
	json_set_str(msg, "jsonrpc", "2.0");
	json_set_str(msg, "id", node->call);
	json_set_str(msg, "method", call->method);
	json_set(msg, "params", call->params);
	if (call->filter)
		json_set(msg, "filter", call->filter);
	text = bytes_of(json_text(&scratch, msg));
	if (!arena_room(a, text.n + 1))
		return ERR(err, ERR_RANGE, "%s: a request of %zu bytes", call->method, text.n);
	*ret = (struct net_request){
		.unix_socket = node->socket,
		.plain_json = true,
		.body = arena_bytes(a, text),
		.timeout_ms = call->waits ? LN_SPLICE_MS : LN_READ_MS,
		.max_reply = CLN_REPLY_MAX,
		.changes_state = call->writes,
	};
	return 0;
}

/* --- replies --- */

int cln_refuse(const char *method, struct err *err)
{
	struct err why = *err;

	return ERR(err, ERR_PEER_INVALID, "%s: %s", method, why.msg);
}

/* The words of an error, which may be a peer's: what is not printable ASCII is blank. */
static void words_of(const json_t *message, char ret[WORDS_MAX + 1])
{
	size_t n = json_string_length(message);
	const char *text = json_string_value(message);

	n = n < WORDS_MAX ? n : WORDS_MAX;
	for (size_t i = 0; i < n; i++)
		ret[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : ' ';
	ret[n] = '\0';
}

static int error_of(const json_t *error, const char *method, struct err *err)
{
	const json_t *code = json_object_get(error, "code"), *message = json_object_get(error, "message");
	char words[WORDS_MAX + 1];

	if (!json_is_integer(code) || !json_is_string(message) || json_integer_value(code) < INT_MIN ||
	    json_integer_value(code) > INT_MAX || json_integer_value(code) == 0)
		return ERR(err, ERR_PEER_INVALID, "%s: an error without a number or words", method);
	words_of(message, words);
	ERR(err, ERR_PEER, "%s: %s", method, words);
	err->peer_code = (int)json_integer_value(code);
	return -1;
}

static const struct json_rules rules = {
	.max_depth = CLN_DEPTH,
	.max_values = CLN_VALUES,
	.escaped_nul = true,
	.reals_as_text = true,
	.huge_as_text = true, /* limits that are not set are 2^64 - 1 */
};

const char *cln_words(struct arena *a, const struct net_reply *rep)
{
	const char *words = NULL;
	struct err ignored;
	json_t *v;

	if (rep->outcome == NET_ANSWERED && rep->body.n <= CLN_REPLY_MAX &&
	    json_parse_by(a, rep->body, &rules, &v, &ignored) == 0)
		words = json_string_value(json_object_get(json_object_get(v, "error"), "message"));
	return words ? words : "";
}

int cln_result(struct arena *a, const struct net_reply *rep, const char *method, json_t **ret, struct err *err)
{
	json_t *v, *result, *error;

	if (rep->outcome != NET_ANSWERED)
		return ERR(err, rep->outcome == NET_NOT_SENT ? ERR_PEER_DOWN : ERR_TIMEOUT, "%s: %s", method,
			   rep->detail);
	if (rep->body.n > CLN_REPLY_MAX)
		return ERR(err, ERR_PEER_INVALID, "%s: a reply of %zu bytes", method, rep->body.n);
	if (json_parse_by(a, rep->body, &rules, &v, err) != 0)
		return cln_refuse(method, err);
	result = json_object_get(v, "result");
	error = json_object_get(v, "error");
	if (!json_is_object(v) || (result == NULL) == (error == NULL))
		return ERR(err, ERR_PEER_INVALID, "%s: not the reply to a call", method);
	if (error)
		return error_of(error, method, err);
	if (!json_is_object(result))
		return ERR(err, ERR_PEER_INVALID, "%s: the result is no object", method);
	*ret = result;
	return 0;
}

/* --- members --- */

int cln_get_txid(const json_t *obj, const char *name, struct txid *ret, struct err *err)
{
	const char *text;

	if (json_get_str(obj, name, TXID_TEXT - 1, &text, err) != 0)
		return -1;
	return txid_parse(text, ret) ? 0 : ERR(err, ERR_PARSE, "\"%s\" is no txid", name);
}

int cln_get_hash(const json_t *obj, const char *name, struct hash32 *ret, struct err *err)
{
	const char *text;

	if (json_get_str(obj, name, 2 * sizeof(ret->b), &text, err) != 0)
		return -1;
	return hex_decode(text, ret->b, sizeof(ret->b)) ? 0 : ERR(err, ERR_PARSE, "\"%s\" is no hash", name);
}

int cln_get_pubkey(const json_t *obj, const char *name, struct pubkey *ret, struct err *err)
{
	const char *text;
	struct pubkey key = { { 0 } };

	if (json_get_str(obj, name, PUBKEY_CHARS, &text, err) != 0)
		return -1;
	if (!hex_decode(text, key.b, sizeof(key.b)) || (key.b[0] != 2 && key.b[0] != 3))
		return ERR(err, ERR_PARSE, "\"%s\" is no public key", name);
	*ret = key;
	return 0;
}

int cln_get_u32(const json_t *obj, const char *name, uint32_t *ret, struct err *err)
{
	uint64_t v;

	if (json_get_u64(obj, name, UINT32_MAX, &v, err) != 0)
		return -1;
	*ret = (uint32_t)v;
	return 0;
}

int cln_opt_msat(const json_t *obj, const char *name, struct msat *ret, struct err *err)
{
	uint64_t v = 0;

	if (json_opt_u64(obj, name, SAT_MONEY_MAX * 1000, &v, err) != 0)
		return -1;
	return msat_from_u64(v, ret) ? 0 : ERR(err, ERR_RANGE, "\"%s\" is no amount", name);
}

int cln_opt_sat(const json_t *obj, const char *name, struct sat *ret, struct err *err)
{
	struct msat v;

	if (cln_opt_msat(obj, name, &v, err) != 0)
		return -1;
	return sat_from_u64(msat_value(v) / 1000, ret) ? 0 : ERR(err, ERR_RANGE, "\"%s\" is no amount", name);
}
