/* rails/keys/evm_key.h - keys of EVM accounts: a digest goes in, a signature that a contract can recover comes out.
 *
 * A key lives in locked, guarded memory and is wiped when freed.  It does not change while it lives: any number of threads
 * may sign with one. */
#ifndef RAILS_KEYS_EVM_KEY_H
#define RAILS_KEYS_EVM_KEY_H

#include "base/err.h"
#include "base/ids.h"
#include "base/secret.h"
#include "rails/keys/keyring.h"

/* Each role is a hardened account of its own, m/44'/60'/<role>'/0/index: the key with authority, the key that pays gas and
 * the wallet's funds stay apart, and out of the range that other wallets scan. */
enum evm_role {
	EVM_SIGNER = 21075, /* 0x5253, "RS": trusted by the contract, holds nothing */
	EVM_RELAYER = 21592 /* 0x5458, "TX": pays gas, has no authority */
};

struct evm_key;

/* index < 2^31.  NULL on error: ERR_RANGE, ERR_CRYPTO. */
MUST_CHECK struct evm_key *evm_key_derive(const struct keyring *kr, enum evm_role role, uint32_t index,
					  struct err *err);
/* NULL and ERR_CRYPTO when it is no key of the curve. */
MUST_CHECK struct evm_key *evm_key_from_secret(const struct secret *s, struct err *err);
void evm_key_free(struct evm_key *k);

void evm_key_public(const struct evm_key *k, uint8_t ret[64]); /* x || y */
/* RFC 6979, so signing again gives the same bytes; s is in the lower half, ret_recid is 0 or 1.  The signature is checked by
 * recovering the key from it: ERR_CRYPTO means that this machine computes wrongly. */
MUST_CHECK int evm_key_sign(const struct evm_key *k, const struct hash32 *digest, uint8_t ret_rs[64], int *ret_recid,
			    struct err *err);

#endif
