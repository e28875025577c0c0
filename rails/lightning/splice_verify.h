/* rails/lightning/splice_verify.h - is this the splice that was asked for?  Implements V1 to V4 of spec/splice.md 3.4: what is
 * checked before a signature of ours leaves.
 *
 * Pure; PSBTs are base64 as the node gave them, and hostile: the peer puts into them what it likes.  What V1 to V4 refuse is
 * ERR_PEER_INVALID; a PSBT that cannot be read, ERR_PSBT; one that the arena has no room for, ERR_RANGE. */
#ifndef RAILS_LIGHTNING_SPLICE_VERIFY_H
#define RAILS_LIGHTNING_SPLICE_VERIFY_H

#include "base/err.h"
#include "rails/bitcoin/tx.h"
#include "rails/lightning/backend.h"

/* What our side wants of a round. */
struct splice_terms {
	struct outpoint base; /* the channel's funding */
	struct splice_share share;
	const struct splice_input *inputs; /* of ours, and all of them */
	size_t n_inputs;
	const struct splice_output *outputs; /* of ours: what is paid, and change; all of them */
	size_t n_outputs;
	struct weight weight; /* that our fee is for: splice_fee.h */
	struct feerate max_rate;
	bool has_max_fee;
	struct sat max_fee;
	const struct splice_input *wallet; /* every output that our node would sign for; n_wallet 0: it is not known */
	size_t n_wallet;
};

/* The inputs and outputs that our contribution has: outputs are all of what it pays, change too; inputs with the amounts
 * that it states. */
MUST_CHECK int splice_terms_of(struct arena *a, const char *contribution, struct splice_terms *ret, struct err *err);

struct splice_view {
	struct tx tx; /* unsigned */
	struct txid txid;
	uint32_t *ours; /* the places of our inputs, which are to be signed and no others (V3) */
	size_t n_ours;
	struct sat fee; /* of ours */
};
/* V1 and V2. */
MUST_CHECK int splice_verify(struct arena *a, const char *psbt, const struct splice_terms *t, struct splice_view *ret,
			     struct err *err);
/* V1 and V2 of a transaction. */
MUST_CHECK int splice_verify_tx(const struct tx *tx, const struct splice_terms *t, struct sat *ret_fee,
				struct err *err);
/* V4: the same transaction is the newest that the node lists. */
MUST_CHECK int splice_verify_newest(const struct ln_channel *c, const struct txid *txid, struct err *err);
/* Our share less what our outputs are, or our inputs less outputs and share: what our side pays as a fee.  False: it
 * does not add up. */
MUST_CHECK bool splice_own_fee(const struct splice_terms *t, struct sat *ret);

#endif
