/* rails/bitcoin/bip32.h - hierarchical keys (BIP32): from a seed down a path, and extended keys as text.
 *
 * Errors: ERR_CRYPTO (the one key in 2^127 that BIP32 calls invalid: take the next index), ERR_PARSE (text that is no
 * extended key), ERR_RANGE (deeper than 255). */
#ifndef RAILS_BITCOIN_BIP32_H
#define RAILS_BITCOIN_BIP32_H

#include "base/buf.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/network.h"
#include "base/secret.h"

#define BIP32_HARDENED 0x80000000u
#define BIP32_TEXT_MAX 112 /* xprv and xpub have 111 characters */

/* A big-endian number as an index below 2^31 - 1, as NUT-13 makes one of a keyset id. */
uint32_t bip32_index_of(const uint8_t v[8]);

struct bip32_key {
	struct secret key;
	struct secret chain;
	uint32_t index;    /* of this key in its parent; hardened ones have the top bit */
	uint8_t parent[4]; /* fingerprint, zero for the master key */
	uint8_t depth;
};
void bip32_key_scope_end(struct bip32_key *k); /* SCOPED(bip32_key) wipes it */

struct bip32_pub {
	struct pubkey key;
	uint8_t chain[32];
	uint32_t index;
	uint8_t parent[4];
	uint8_t depth;
};

MUST_CHECK int bip32_master(struct bytes seed, struct bip32_key *ret, struct err *err); /* seed: 16 to 64 bytes */
MUST_CHECK int bip32_child(const struct bip32_key *from, uint32_t index, struct bip32_key *ret, struct err *err);
MUST_CHECK int bip32_derive(const struct bip32_key *from, const uint32_t *path, size_t n, struct bip32_key *ret,
			    struct err *err);
void bip32_neuter(const struct bip32_key *k, struct bip32_pub *ret);
/* Without the private key; index is not hardened (ERR_RANGE). */
MUST_CHECK int bip32_pub_child(const struct bip32_pub *from, uint32_t index, struct bip32_pub *ret, struct err *err);

/* Versions of mainnet: xprv and xpub.  The text of a private key is a secret. */
void bip32_xprv(const struct bip32_key *k, char ret[BIP32_TEXT_MAX]);
void bip32_xpub(const struct bip32_pub *k, char ret[BIP32_TEXT_MAX]);
/* The same for others to read: xpub on mainnet, tpub on all other networks, as nodes there want it. */
void bip32_pub_text(const struct bip32_pub *k, enum network net, char ret[BIP32_TEXT_MAX]);
MUST_CHECK int bip32_xprv_parse(const char *text, struct bip32_key *ret, struct err *err);
MUST_CHECK int bip32_xpub_parse(const char *text, struct bip32_pub *ret, struct err *err);

#endif
