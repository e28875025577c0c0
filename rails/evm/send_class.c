#include "rails/evm/send_class.h"

#include <string.h>

#include "base/err.h"
#include "rails/evm/rpc_error.h"
#include "rails/evm/rpc_reply.h"

const char *evm_send_class_name(enum evm_send_class c)
{
	switch (c) {
	case EVM_SEND_OK:
		return "ok";
	case EVM_SEND_KNOWN:
		return "known";
	case EVM_SEND_NONCE_LOW:
		return "nonce_low";
	case EVM_SEND_NONCE_HIGH:
		return "nonce_high";
	case EVM_SEND_REPL_LOW:
		return "repl_low";
	case EVM_SEND_UNDERPRICED:
		return "underpriced";
	case EVM_SEND_FUNDS:
		return "funds";
	case EVM_SEND_POOL_FULL:
		return "pool_full";
	case EVM_SEND_INVALID:
		return "invalid";
	case EVM_SEND_RESERVED:
		return "reserved";
	case EVM_SEND_REVERT:
		return "revert";
	case EVM_SEND_UNKNOWN:
		return "unknown";
	case EVM_SEND_NOT_SENT:
		return "not_sent";
	case EVM_SEND_OTHER_HASH:
		return "other_hash";
	}
	return "unknown";
}

/* The first row with a match wins. */
static const struct row {
	enum evm_send_class class;
	const char *words[14];
} table[] = {
	{ EVM_SEND_KNOWN,
	  { "already known", "alreadyknown", "known transaction", "already imported", "already exists",
	    "already in mempool", "existing tx with same hash" } },
	{ EVM_SEND_NONCE_LOW,
	  { "nonce too low", "oldnonce", "nonce is too low", "invalid transaction nonce",
	    "nonce has already been used" } },
	{ EVM_SEND_NONCE_HIGH, { "nonce too high", "noncegap", "nonce gap" } },
	{ EVM_SEND_REPL_LOW,
	  { "replacement transaction underpriced", "could not replace existing tx", "feetoolowtocompete",
	    "replacementnotallowed", "another transaction with same nonce" } },
	{ EVM_SEND_UNDERPRICED,
	  { "transaction underpriced", "feetoolow", "gas price too low", "fee too low", "less than block base fee" } },
	{ EVM_SEND_FUNDS,
	  { "insufficient funds", "insufficientfunds", "insufficient balance", "upfront cost exceeds" } },
	{ EVM_SEND_POOL_FULL,
	  { "txpool is full", "account limit exceeded", "too many transactions",
	    "in-flight transaction limit reached for delegated accounts" } },
	{ EVM_SEND_INVALID,
	  { "intrinsic gas", "exceeds block gas limit", "tx.gas_limit > env.block.gas_limit", "oversized data",
	    "invalid sender", "invalid chain id", "max priority fee per gas higher", "failed to decode",
	    "rlp:", "gas uint64 overflow", "exceeds the configured cap", "transaction type not supported" } },
	{ EVM_SEND_RESERVED, { "address already reserved" } },
	{ EVM_SEND_REVERT, { "execution reverted" } },
};

/* "unknown transaction" knows nothing. */
static bool is_inside_unknown(const char *text, const char *at)
{
	static const char un[] = "un";

	return (size_t)(at - text) >= strlen(un) && strncasecmp(at - strlen(un), un, strlen(un)) == 0;
}

static bool text_says(const char *text, const char *word)
{
	const char *at = text;

	while ((at = strcasestr(at, word)) != NULL) {
		if (strncmp(word, "known", 5) != 0 || !is_inside_unknown(text, at))
			return true;
		at++;
	}
	return false;
}

static bool row_matches(const struct row *row, const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(row->words) && row->words[i] != NULL; i++)
		if (text_says(text, row->words[i]))
			return true;
	return false;
}

enum evm_send_class evm_send_class_of_error(const struct jsonrpc_error *e)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (row_matches(&table[i], e->message) || row_matches(&table[i], e->data_text))
			return table[i].class;
	return EVM_SEND_UNKNOWN;
}

enum evm_send_class evm_send_class_of_answer(const struct jsonrpc_answer *answer, const struct hash32 *ours)
{
	struct hash32 theirs;
	struct err err;

	if (answer->flaw != JSONRPC_FINE)
		return EVM_SEND_UNKNOWN;
	if (answer->result == NULL)
		return evm_send_class_of_error(&answer->error);
	if (evm_reply_hash(answer->result, &theirs, &err) != 0)
		return EVM_SEND_UNKNOWN;
	return hash32_equal(&theirs, ours) ? EVM_SEND_OK : EVM_SEND_OTHER_HASH;
}

enum evm_send_class evm_send_class_of_outcome(enum net_outcome outcome)
{
	return outcome == NET_NOT_SENT ? EVM_SEND_NOT_SENT : EVM_SEND_UNKNOWN;
}

enum evm_send_class evm_send_class_join(enum evm_send_class before, enum evm_send_class now)
{
	bool maybe = before != EVM_SEND_NOT_SENT && before != EVM_SEND_INVALID && before != EVM_SEND_REVERT;
	bool nothing = now == EVM_SEND_INVALID || now == EVM_SEND_REVERT || now == EVM_SEND_NOT_SENT;

	return maybe && nothing ? before : now;
}

bool evm_send_is_acknowledged(enum evm_send_class c)
{
	return c == EVM_SEND_OK || c == EVM_SEND_KNOWN;
}
