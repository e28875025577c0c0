/* tests/support/mint_crypto.h - the mint's half of BDHKE (NUT-00) and DLEQ (NUT-12), for mints of ours in tests.
 *
 * Not for a real mint: private keys lie in plain memory.  secp_init() must have been called.  False: libsecp256k1
 * refused. */
#ifndef TESTS_SUPPORT_MINT_CRYPTO_H
#define TESTS_SUPPORT_MINT_CRYPTO_H

#include "base/arena.h"
#include "base/ecash.h"
#include "rails/cashu/keyset.h"

struct mint_keyset {
	struct keyset pub;               /* with keys, verified id */
	struct secret k[CASHU_KEYS_MAX]; /* beside pub.keys */
};

/* Keys for 2^0 … 2^(n_amounts - 1), each SHA256(seed text || index) as a scalar; active. */
void mint_keyset_make(struct arena *a, const char *seed, enum keyset_version version, const char *unit,
		      unsigned n_amounts, uint64_t input_fee_ppk, int64_t final_expiry_s, struct mint_keyset *ret);
/* NULL when there is none for this amount. */
const struct secret *mint_keyset_secret(const struct mint_keyset *ks, uint64_t amount);

/* C_ = kB_ with its DLEQ, nonce as in NUT-12's deterministic scheme. */
MUST_CHECK bool mint_sign(const struct mint_keyset *ks, uint64_t amount, const struct pubkey *b, struct promise *ret);
MUST_CHECK bool mint_sign_with(const struct secret *k, const struct pubkey *b, struct pubkey *ret_c, struct dleq *ret);
/* Is C = k * hash_to_curve(secret)?  What a mint checks on every input. */
bool mint_proof_valid(const struct secret *k, const char *secret_text, const struct pubkey *c);

#endif
