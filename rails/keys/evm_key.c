#include "rails/keys/evm_key.h"

#include <string.h>

#include "rails/bitcoin/secp.h"

struct evm_key {
	struct secret key;
	uint8_t xy[64];
};

struct evm_key *evm_key_from_secret(const struct secret *s, struct err *err)
{
	struct evm_key *k = secret_alloc(sizeof(*k));

	k->key = *s;
	if (!secp_seckey_xy(&k->key, k->xy)) {
		evm_key_free(k);
		(void)ERR(err, ERR_CRYPTO, "these 32 bytes are no key of secp256k1");
		return NULL;
	}
	return k;
}

struct evm_key *evm_key_derive(const struct keyring *kr, enum evm_role role, uint32_t index, struct err *err)
{
	SCOPED(secret) struct secret s;

	if (keyring_evm_key(kr, role, index, &s, err) != 0)
		return NULL;
	return evm_key_from_secret(&s, err);
}

void evm_key_free(struct evm_key *k)
{
	secret_free(k);
}

void evm_key_public(const struct evm_key *k, uint8_t ret[64])
{
	memcpy(ret, k->xy, sizeof(k->xy));
}

/* A contract cannot be told of recovery ids 2 and 3, so another nonce is drawn then.  Nobody has ever seen one. */
static bool sign(const struct evm_key *k, const struct hash32 *digest, uint8_t rs[64], int *recid)
{
	for (uint32_t counter = 0; counter < UINT32_MAX; counter++) {
		if (!secp_ecdsa_sign_recoverable(&k->key, digest, counter, rs, recid))
			return false;
		if (*recid < 2)
			return true;
	}
	return false;
}

int evm_key_sign(const struct evm_key *k, const struct hash32 *digest, uint8_t ret_rs[64], int *ret_recid,
		 struct err *err)
{
	uint8_t rs[64], xy[64];
	int recid;

	if (!sign(k, digest, rs, &recid))
		return ERR(err, ERR_CRYPTO, "libsecp256k1 does not sign with this key");
	/* Verifying against the public key takes 85 % of the time that recovery takes, and would not see a wrong recovery
	 * id.  Recovery is what the contract does. */
	if (!secp_ecdsa_recover(digest, rs, recid, xy) ||
	    !bytes_equal((struct bytes){ xy, sizeof(xy) }, (struct bytes){ k->xy, sizeof(k->xy) }))
		return ERR(err, ERR_CRYPTO,
			   "a signature does not recover the key that made it: this machine is at fault");
	memcpy(ret_rs, rs, sizeof(rs));
	*ret_recid = recid;
	return 0;
}
