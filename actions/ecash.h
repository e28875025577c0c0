/* actions/ecash.h - questions about ecash that the RPC asks and that need protocol knowledge: tokens and mint URLs. */
#ifndef ACTIONS_ECASH_H
#define ACTIONS_ECASH_H

#include "base/json.h"
#include "store/mint_store.h"

struct keyring;

/* What a token says, and what we know about it: mint, unit, amount, memo, proofs (amounts, keysets, whether DLEQ is
 * carried and verifies, what they are locked to and whether keys, NULL while the wallet is locked, open that now), whether
 * the mint is known, whether it is our own.  Never the secrets.  No network. */
MUST_CHECK int ecash_token_decode(struct view v, struct arena *a, struct keyring *keys, const char *text, json_t **ret,
				  struct err *err);
/* The row for a mint as the user wrote its URL.  ERR_MINT_UNKNOWN with the hint to add it. */
MUST_CHECK int ecash_mint_find(struct view v, struct arena *a, const char *url, struct mint_row *ret, struct err *err);
/* What the operator wishes of a mint from now on. */
enum limit_wish { LIMIT_AS_IT_IS, LIMIT_MAX, LIMIT_NONE, LIMIT_CONFIGURED };
struct mint_wish {
	const bool *trusted; /* NULL: as it is */
	enum limit_wish limit;
	struct currency unit; /* of the limit */
	uint64_t max;         /* of LIMIT_MAX */
};
/* Stores it, with the event mint.changed.  ERR_MINT_UNKNOWN, with the field mint. */
MUST_CHECK int ecash_mint_set(struct unit *u, struct arena *a, const char *url, const struct mint_wish *wish,
			      struct mint_row *ret, struct err *err);
/* A mint as the RPC shows it, with keysets. */
json_t *ecash_mint_json(struct arena *a, const struct mint_row *mint, const struct keyset *keysets, size_t n);

#endif
