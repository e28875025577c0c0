/* rails/cashu/token.h - ecash as text to hand over: NUT-00, V3 ("cashuA", JSON), V4 ("cashuB", CBOR) and raw V4 ("craw").
 *
 * A token is bearer money: no error holds any part of one.  Errors: ERR_TOKEN (what is wrong, in words). */
#ifndef RAILS_CASHU_TOKEN_H
#define RAILS_CASHU_TOKEN_H

#include "base/arena.h"
#include "base/ecash.h"
#include "base/err.h"

/* A thousand proofs with DLEQ are 310 KB of V4 and 650 KB of V3 text; twice that for locked ones is still a token. */
#define TOKEN_TEXT_MAX (1536 * 1024)
#define TOKEN_MEMO_MAX 1024

struct token {
	const char *mint; /* normalised as in mint_url.h */
	bool has_unit;    /* V3 may leave it out: take it from the keysets */
	struct currency unit;
	const char *memo;     /* or NULL; UTF-8 from a stranger */
	struct proof *proofs; /* 1 to CASHU_LIST_MAX, y set; .keyset is as written: whole, or a short v2 id */
	size_t n;
	uint64_t sum; /* at most AMOUNT_MAX */
};

/* Text as pasted: white space around it, "cashu:" or "cashu://" before it, padded or not; or the bytes of a raw token.
 * Refused: more than one mint, no proofs or more than CASHU_LIST_MAX, an amount of 0, a sum past AMOUNT_MAX, the same
 * secret twice, a C that is no point, a secret or witness longer than mints take, P2BK keys (NUT-28), and an arena that
 * has no room for the result. */
MUST_CHECK int token_decode(struct arena *a, struct bytes text, struct token *ret, struct err *err);
/* Replace short ids by whole ones, knowing all keysets of this token's mint, and set the unit.  ERR_KEYSET_UNKNOWN (look
 * again after asking the mint), ERR_KEYSET_AMBIGUOUS, ERR_UNIT (keysets of two units, or not of the token's). */
MUST_CHECK int token_resolve(struct token *t, const struct keyset *keysets, size_t n, struct err *err);

/* V4, unpadded.  known: the ids of all keysets of the wallet, of any mint; a v2 id is written short unless it shares its
 * beginning with another of them.  The DLEQ goes along when every proof has it, with r.  The same token always gives the
 * same text. */
MUST_CHECK int token_encode_v4(struct arena *a, const struct token *t, const struct keyset_id *known, size_t n_known,
			       char **ret, struct err *err);
/* V3, for receivers that ask for it: whole ids, unpadded. */
MUST_CHECK int token_encode_v3(struct arena *a, const struct token *t, char **ret, struct err *err);

#endif
