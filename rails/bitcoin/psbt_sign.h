/* rails/bitcoin/psbt_sign.h - signing, finishing and extracting: BIP174's last three roles, for taproot key paths (BIP371).
 *
 * Keys stay where they are: psbt_jobs() says what is to be signed with which key, rails/keys signs, psbt_put_key_sig() takes
 * the signature only if it is right.  Everything is believed only as far as signatures commit to it: taproot's cover all
 * amounts and scripts spent, so a lie about either makes a signature that nobody can use. */
#ifndef RAILS_BITCOIN_PSBT_SIGN_H
#define RAILS_BITCOIN_PSBT_SIGN_H

#include "rails/bitcoin/psbt.h"
#include "rails/bitcoin/script.h"

struct psbt_job {
	size_t input;
	struct psbt_origin origin; /* where the internal key comes from */
	struct xonly internal;
	bool has_root;
	struct hash32 root; /* of the script tree that tweaks it, if any */
	struct xonly output;
	uint8_t type; /* SIGHASH_DEFAULT or SIGHASH_ALL */
	struct hash32 sighash;
};

/* The inputs that wait for a key-path signature by a key of this master.  Every input must tell what it spends.  Skips what
 * is signed or final already.  ERR_PSBT: what an input tells does not fit together; ERR_UNSUPPORTED: it asks for a signature
 * that would leave outputs or inputs open to change. */
MUST_CHECK int psbt_jobs(struct arena *a, const struct psbt *p, const uint8_t fingerprint[4], struct psbt_job **ret,
			 size_t *ret_n, struct err *err);
/* ERR_CRYPTO: the signature is wrong. */
MUST_CHECK int psbt_put_key_sig(struct arena *a, struct psbt *p, const struct psbt_job *job, const uint8_t sig[64],
				struct err *err);

/* A witness of some other way to spend it (a script path): at most 1,000 bytes, believed as it is. */
MUST_CHECK int psbt_put_final(struct arena *a, struct psbt *p, size_t input, const struct witness *w, struct err *err);
bool psbt_input_is_final(const struct psbt *p, size_t input);
/* Makes final witnesses of what is signed: taproot key paths, P2WPKH, and anchors, which need nothing.  Each signature is
 * checked.  *ret_open is how many inputs are not final after that.  ERR_PSBT, ERR_CRYPTO. */
MUST_CHECK int psbt_finalise(struct arena *a, struct psbt *p, size_t *ret_open, struct err *err);
/* The transaction with its witnesses, when all inputs are final; its parts are views of p.  ERR_PSBT. */
MUST_CHECK int psbt_extract(struct arena *a, const struct psbt *p, struct tx *ret, struct err *err);

#endif
