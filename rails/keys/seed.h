/* rails/keys/seed.h - the wallet's words at rest.
 *
 * A sealed blob is "WSD1", a flag byte, the cost, a salt and a nonce, then XChaCha20-Poly1305 over the words, padded to
 * one length so that the blob does not tell how many there are, under a key made by Argon2id (libsodium) from the
 * passphrase.  Everything before the ciphertext is authenticated with it.  The plain form, for allow_plaintext_seed=1,
 * is flagged, so that one is never taken for the other.
 * Errors: ERR_PASSPHRASE (wrong, or needed and not given), ERR_PARSE (not a seed file, or damaged before the
 * ciphertext), ERR_RANGE (a cost that we would not pay), ERR_CRYPTO (no memory for the cost), ERR_PARAM (an empty
 * passphrase to seal with). */
#ifndef RAILS_KEYS_SEED_H
#define RAILS_KEYS_SEED_H

#include "base/buf.h"
#include "rails/bitcoin/mnemonic.h"

#define SEED_BLOB_MAX 512

/* Argon2id passes and memory.  The blob keeps what it was made with.  Reading refuses more than 16 passes or 64 MiB:
 * a forged file must not be able to take the host down. */
struct seed_cost {
	uint32_t passes;
	uint32_t mem_kib;
};
#define SEED_COST_DEFAULT ((struct seed_cost){ .passes = 3, .mem_kib = 64 * 1024 })

/* Appends to ret, a BUF_CAP of at least SEED_BLOB_MAX.  Draws salt and nonce.  Takes about a quarter of a second with
 * the default cost.  passphrase must not be empty. */
MUST_CHECK int seed_seal(const struct mnemonic *m, const char *passphrase, struct seed_cost cost, struct buf *ret,
			 struct err *err);
/* ret should be a BUF_SECRET. */
void seed_write_plain(const struct mnemonic *m, struct buf *ret);
bool seed_is_sealed(struct bytes blob);
/* passphrase is NULL when there is none; it is not looked at for a plain blob. */
MUST_CHECK int seed_open(struct bytes blob, const char *passphrase, struct mnemonic *ret, struct err *err);

#endif
