#include "rails/chain/broadcast.h"

#include <string.h>

#include "base/text.h"
#include "rails/chain/fields.h"

#define RPC_ALREADY_IN_CHAIN (-27)
#define RPC_DESERIALIZATION  (-22)
#define RPC_WARMING_UP       (-28)

const char *broadcast_class_name(enum broadcast_class c)
{
	switch (c) {
	case BROADCAST_OK:
		return "OK";
	case BROADCAST_INPUTS_GONE:
		return "INPUTS_GONE";
	case BROADCAST_CONFLICT:
		return "CONFLICT";
	case BROADCAST_FEE_TOO_LOW:
		return "FEE_TOO_LOW";
	case BROADCAST_PREMATURE:
		return "PREMATURE";
	case BROADCAST_POLICY:
		return "POLICY";
	case BROADCAST_TRUC:
		return "TRUC";
	case BROADCAST_EPHEMERAL:
		return "EPHEMERAL";
	case BROADCAST_INVALID:
		return "INVALID";
	case BROADCAST_BUG:
		return "BUG";
	case BROADCAST_MAXFEE:
		return "MAXFEE";
	case BROADCAST_WARMUP:
		return "WARMUP";
	case BROADCAST_OTHER:
		return "OTHER";
	case BROADCAST_UNKNOWN:
		return "UNKNOWN";
	}
	return "unknown";
}

/* The first that fits decides.  A short word counts at the start alone: others may hold it as a part. */
static const struct rule {
	const char *words;
	bool at_start;
	enum broadcast_class class;
} rules[] = {
	{ "already in utxo set", false, BROADCAST_OK },
	{ "already in block chain", false, BROADCAST_OK },
	{ "txn-already-in-mempool", false, BROADCAST_OK },
	{ "txn-already-known", false, BROADCAST_OK },
	{ "txn-same-nonwitness-data-in-mempool", false, BROADCAST_OK },
	{ "bad-txns-inputs-missingorspent", false, BROADCAST_INPUTS_GONE },
	{ "bad-txns-spends-conflicting-tx", false, BROADCAST_CONFLICT },
	{ "rejecting replacement", false, BROADCAST_CONFLICT },
	{ "txn-mempool-conflict", false, BROADCAST_CONFLICT },
	{ "too many potential replacements", false, BROADCAST_CONFLICT },
	{ "replacement-adds-unconfirmed", false, BROADCAST_CONFLICT },
	{ "replacement-failed", false, BROADCAST_CONFLICT },
	{ "min relay fee not met", false, BROADCAST_FEE_TOO_LOW },
	{ "mempool min fee not met", false, BROADCAST_FEE_TOO_LOW },
	{ "mempool full", false, BROADCAST_FEE_TOO_LOW },
	{ "non-bip68-final", false, BROADCAST_PREMATURE },
	{ "non-final", false, BROADCAST_PREMATURE },
	{ "bad-txns-premature-spend-of-coinbase", false, BROADCAST_PREMATURE },
	{ "missing-ephemeral-spends", false, BROADCAST_EPHEMERAL },
	{ "dust output must be 0-fee", false, BROADCAST_EPHEMERAL },
	{ "dust-nonanchor", true, BROADCAST_EPHEMERAL },
	{ "truc-violation", false, BROADCAST_TRUC },
	{ "truc-", true, BROADCAST_TRUC },
	{ "fee exceeds maximum", false, BROADCAST_MAXFEE },
	{ "max-fee-exceeded", false, BROADCAST_MAXFEE },
	{ "max feerate exceeded", false, BROADCAST_MAXFEE },
	{ "absurdly-high-fee", false, BROADCAST_MAXFEE },
	{ "tx decode failed", false, BROADCAST_BUG },
	{ "script-verify-flag", false, BROADCAST_INVALID }, /* mempool-, block-, mandatory-, non-mandatory- */
	{ "bad-txns-", true, BROADCAST_INVALID },
	{ "bad-witness-nonstandard", false, BROADCAST_POLICY },
	{ "dust", true, BROADCAST_POLICY },
	{ "scriptpubkey", true, BROADCAST_POLICY },
	{ "scriptsig-", true, BROADCAST_POLICY },
	{ "version", true, BROADCAST_POLICY },
	{ "tx-size", true, BROADCAST_POLICY },
	{ "bare-multisig", true, BROADCAST_POLICY },
	{ "multi-op-return", true, BROADCAST_POLICY },
	{ "datacarrier", true, BROADCAST_POLICY },
	{ "too-long-mempool-chain", false, BROADCAST_POLICY },
	{ "too-large-cluster", false, BROADCAST_POLICY },
};

static bool fits(const struct rule *r, const char *words)
{
	return r->at_start ? strncasecmp(words, r->words, strlen(r->words)) == 0 : strcasestr(words, r->words) != NULL;
}

enum broadcast_class broadcast_class_of_words(int64_t code, const char *words)
{
	if (code == RPC_WARMING_UP)
		return BROADCAST_WARMUP;
	if (code == RPC_ALREADY_IN_CHAIN)
		return BROADCAST_OK;
	if (code == RPC_DESERIALIZATION)
		return BROADCAST_BUG;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (fits(&rules[i], words))
			return rules[i].class;
	return BROADCAST_OTHER;
}

enum broadcast_class broadcast_class_of_answer(const struct jsonrpc_answer *answer, const struct txid *ours)
{
	struct txid told;
	struct err ignored;

	if (answer->flaw != JSONRPC_FINE)
		return BROADCAST_UNKNOWN;
	if (answer->result == NULL)
		return broadcast_class_of_words(answer->error.code, answer->error.message);
	if (value_txid(answer->result, "the result", &told, &ignored) != 0 || !txid_equal(&told, ours))
		return BROADCAST_UNKNOWN;
	return BROADCAST_OK;
}

enum broadcast_class broadcast_class_join(enum broadcast_class before, enum broadcast_class now)
{
	if (before == BROADCAST_OK || now == BROADCAST_OK)
		return BROADCAST_OK;
	return before == BROADCAST_UNKNOWN ? BROADCAST_UNKNOWN : now;
}

/* --- what Esplora passes on --- */

static bool words_in_json(struct arena *a, const char *text, int64_t *code, const char **words)
{
	static const struct json_rules loose = { .max_depth = 4, .max_values = 16, .escaped_nul = true };
	const char *from = strchr(text, '{');
	struct err ignored;
	json_t *v;

	if (from == NULL || json_parse_by(a, bytes_of(from), &loose, &v, &ignored) != 0 ||
	    !json_is_integer(json_object_get(v, "code")) || !json_is_string(json_object_get(v, "message")))
		return false;
	*code = json_integer_value(json_object_get(v, "code"));
	*words = json_string_value(json_object_get(v, "message"));
	return true;
}

static bool words_after_number(const char *text, int64_t *code, const char **words)
{
	static const char mark[] = "RPC error ";
	const char *from = strstr(text, mark), *colon;
	char number[8];

	if (from == NULL)
		return false;
	from += sizeof(mark) - 1;
	colon = strchr(from, ':');
	if (colon == NULL || colon == from || (size_t)(colon - from) >= sizeof(number))
		return false;
	memcpy(number, from, (size_t)(colon - from));
	number[colon - from] = '\0';
	if (!parse_i64(number, -99999, 99999, code))
		return false;
	*words = colon + 1 + strspn(colon + 1, " ");
	return true;
}

void broadcast_words(struct arena *a, const char *text, int64_t *code, const char **words)
{
	if (words_in_json(a, text, code, words) || words_after_number(text, code, words))
		return;
	*code = 0;
	*words = text;
}

/* --- the fee that is wanted --- */

bool broadcast_fee_wanted(const char *words, struct sat *ret)
{
	const char *mark = strstr(words, " < ");
	char number[DECIMAL_MAX], plain[DECIMAL_MAX];
	uint64_t whole;
	size_t n;

	if (mark == NULL)
		return false;
	mark += strlen(" < ");
	n = strspn(mark, "0123456789.e-");
	if (n == 0 || n >= sizeof(number))
		return false;
	memcpy(number, mark, n);
	number[n] = '\0';
	/* Satoshis have no point; bitcoins always do. */
	if (parse_u64(number, SAT_MONEY_MAX, &whole))
		return sat_from_u64(whole, ret);
	return decimal_plain(number, plain) && strchr(plain, '.') != NULL && sat_from_btc_text(plain, ret);
}
