#include "rails/cashu/cashu_error.h"

#include <string.h>

#include "base/json.h"

#define REPLY_DEPTH_MAX 12
#define DETAIL_MAX      120

struct code_row {
	int code;
	enum cashu_class class;
	const char *means;
};

/* NUT error_codes.md, with what cdk and nutshell really send (spec/cashu.md 2.4). */
static const struct code_row codes[] = {
	{ 10001, CASHU_D, "a proof is not valid" },
	{ 11001, CASHU_A, "proofs are already spent" },
	{ 11002, CASHU_W, "proofs are in use by another request" },
	{ 11003, CASHU_A, "outputs are already signed" },
	{ 11004, CASHU_W, "outputs are in use by another request" },
	{ 11005, CASHU_B, "inputs, fee and outputs do not balance" },
	{ 11006, CASHU_X, "the amount is outside the mint's limits" },
	{ 11007, CASHU_X, "an input appears twice" },
	{ 11008, CASHU_A, "an output appears twice, or was stored before" }, /* cdk: as 11003 */
	{ 11009, CASHU_X, "inputs or outputs of several units" },
	{ 11010, CASHU_X, "inputs and outputs differ in unit" },
	{ 11011, CASHU_X, "invoices without an amount are not supported" },
	{ 11012, CASHU_X, "the amount is not the invoice's" },
	{ 11013, CASHU_X, "the unit is not supported" },
	{ 11014, CASHU_B, "too many inputs" },
	{ 11015, CASHU_B, "too many outputs" },
	{ 11016, CASHU_B, "a quote appears twice" },
	{ 11017, CASHU_B, "the batch is too large" },
	{ 12001, CASHU_B, "the keyset is not known" },
	{ 12002, CASHU_B, "the keyset is inactive" },
	{ 12003, CASHU_B, "the keyset has expired" },
	{ 20001, CASHU_W, "the quote is not paid" },
	{ 20002, CASHU_A, "the quote is already issued" },
	{ 20003, CASHU_X, "minting is disabled" },
	{ 20004, CASHU_A, "the Lightning payment failed" },
	{ 20005, CASHU_W, "the quote is pending" },
	{ 20006, CASHU_A, "the invoice is already paid, or a duplicate in the mint's database" },
	{ 20007, CASHU_X, "the quote has expired" },
	{ 20008, CASHU_D, "the signature is not valid" },
	{ 20009, CASHU_B, "the quote needs a public key" },
	{ 30001, CASHU_X, "the mint wants clear authentication" },
	{ 30002, CASHU_X, "clear authentication failed" },
	{ 31001, CASHU_X, "the mint wants blind authentication" },
	{ 31002, CASHU_X, "blind authentication failed" },
	{ 31003, CASHU_X, "too many blind authentication tokens" },
	{ 31004, CASHU_X, "blind authentication is limited" },
	/* nutshell's numbers for the same six */
	{ 80001, CASHU_X, "the mint wants clear authentication" },
	{ 80002, CASHU_X, "clear authentication failed" },
	{ 81001, CASHU_X, "the mint wants blind authentication" },
	{ 81002, CASHU_X, "blind authentication failed" },
	{ 81003, CASHU_X, "too many blind authentication tokens" },
	{ 81004, CASHU_X, "blind authentication is limited" },
};

static const struct code_row *code_find(int code)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].code == code)
			return &codes[i];
	return NULL;
}

enum cashu_class cashu_class_of(int code)
{
	const struct code_row *row = code_find(code);

	return row == NULL ? CASHU_A : row->class;
}

enum cashu_verdict cashu_verdict(const struct err *err)
{
	if (err->code == ERR_NONE)
		return CASHU_OK;
	if (err->code == ERR_PEER)
		return cashu_class_of(err->peer_code) == CASHU_B ? CASHU_REBUILD : CASHU_DEFINITE;
	if (err->code == ERR_PEER_BUSY)
		return err->peer_code == 429 || err->peer_code == 503 ? CASHU_THROTTLED : CASHU_WAIT;
	return CASHU_AMBIGUOUS;
}

/* The mint's words, for people: cut, and without anything that could play tricks in a log or a terminal. */
static void detail_copy(const char *text, char to[DETAIL_MAX + 1])
{
	size_t n = 0;

	for (; text[n] != '\0' && n < DETAIL_MAX; n++)
		to[n] = text[n] >= 0x20 && text[n] < 0x7f ? text[n] : '?';
	to[n] = '\0';
}

struct refusal {
	bool has_code;
	int code;
	char detail[DETAIL_MAX + 1];
};

/* {"detail": text, "code": int}; whatever is not that is a refusal without a code. */
static void refusal_read(struct bytes body, struct refusal *ret)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(4096);
	struct err ignored; /* a body that is no refusal is not an error of ours: the status speaks for itself */
	const char *detail;
	int64_t code;
	json_t *v;

	*ret = (struct refusal){ 0 };
	if (json_parse(&a, body, REPLY_DEPTH_MAX, &v, &ignored) != 0 || !json_is_object(v))
		return;
	detail = json_string_value(json_object_get(v, "detail"));
	if (detail != NULL)
		detail_copy(detail, ret->detail);
	if (json_get_i64(v, "code", &code, &ignored) != 0 || code < 1 || code > INT32_MAX)
		return;
	ret->has_code = true;
	ret->code = (int)code;
}

static enum err_code code_for_class(enum cashu_class class)
{
	switch (class) {
	case CASHU_D:
	case CASHU_B:
	case CASHU_X:
		return ERR_PEER;
	case CASHU_W:
		return ERR_PEER_BUSY;
	case CASHU_A:
		break;
	}
	return ERR_PEER_DOWN;
}

/* A status other than 2xx. */
static int refused(const struct net_reply *rep, struct err *err)
{
	struct refusal no;
	const struct code_row *row;
	enum err_code code = ERR_PEER_DOWN;

	refusal_read(rep->body, &no);
	row = no.has_code ? code_find(no.code) : NULL;
	if (rep->status == 429 || (rep->status == 503 && rep->retry_after_s > 0)) {
		(void)ERR(err, ERR_PEER_BUSY, "the mint is busy (HTTP %d)", rep->status);
		err->peer_code = rep->status;
		err->retry_after_s = rep->retry_after_s;
		return -1;
	}
	/* Only a 400 is the mint's own no.  Another status may come from anything that stands between. */
	if (rep->status == 400 && row != NULL)
		code = code_for_class(row->class);
	if (row != NULL)
		(void)ERR(err, code, "the mint answered %d: %s%s%s%s", no.code, row->means,
			  no.detail[0] != '\0' ? " (\"" : "", no.detail, no.detail[0] != '\0' ? "\")" : "");
	else
		(void)ERR(err, code, "the mint answered HTTP %d%s%s", rep->status, no.detail[0] != '\0' ? ": " : "",
			  no.detail);
	err->peer_code = no.has_code ? no.code : rep->status;
	err->retry_after_s = rep->retry_after_s;
	return -1;
}

static int reply_value(struct arena *a, const struct net_reply *rep, json_t **ret, struct err *err)
{
	switch (rep->outcome) {
	case NET_NOT_SENT:
		return ERR(err, ERR_PEER_DOWN, "the mint was not reached: %s", rep->detail);
	case NET_UNKNOWN:
		return ERR(err, ERR_PEER_DOWN, "the mint did not answer: %s", rep->detail);
	case NET_ANSWERED:
		break;
	}
	if (rep->status < 200 || rep->status > 299)
		return refused(rep, err);
	if (json_parse(a, rep->body, REPLY_DEPTH_MAX, ret, err) != 0)
		return cashu_invalid(err, "the mint's answer");
	return 0;
}

int cashu_reply_json(struct arena *a, const struct net_reply *rep, json_t **ret, struct err *err)
{
	json_t *v;

	if (reply_value(a, rep, &v, err) != 0)
		return -1;
	if (!json_is_object(v))
		return ERR(err, ERR_PEER_INVALID, "the mint's answer is not a JSON object");
	*ret = v;
	return 0;
}

int cashu_reply_list(struct arena *a, const struct net_reply *rep, size_t max, json_t **ret, struct err *err)
{
	json_t *v;

	if (reply_value(a, rep, &v, err) != 0)
		return -1;
	if (!json_is_array(v) || json_array_size(v) > max)
		return ERR(err, ERR_PEER_INVALID, "the mint's answer is not a list of at most %zu", max);
	*ret = v;
	return 0;
}

int cashu_invalid(struct err *err, const char *what)
{
	struct err was = *err;

	(void)err_set(err, ERR_PEER_INVALID, was.file, was.line, "%s: %s", what, was.msg);
	return -1;
}
