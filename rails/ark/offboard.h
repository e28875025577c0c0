/* rails/ark/offboard.h - VTXOs given up for an output on chain: the server's transaction, and the forfeits that it makes valid.
 *
 * Implements spec/ark-primitives.md §8.2.  Each forfeit spends a VTXO and a connector, an output of the server's transaction:
 * without that transaction on chain the server cannot take anything.  With several VTXOs the connectors come from a fan-out
 * of its output 1, which everybody can compute. */
#ifndef RAILS_ARK_OFFBOARD_H
#define RAILS_ARK_OFFBOARD_H

#include "rails/ark/cosign.h"
#include "rails/ark/vtxo.h"

#define OFFBOARD_DESTINATION 0 /* outputs of the server's transaction */
#define OFFBOARD_CONNECTOR   1
#define OFFBOARD_INPUTS_MAX  220 /* ours: a fan-out of more would be too large to relay (TRUC) */

/* Would nodes relay an output to this destination (§10.3)?  ERR_DUST; ERR_UNSUPPORTED: no script that is relayed. */
MUST_CHECK int offboard_check_destination(const struct tx_out *destination, struct err *err);
/* Does the server's transaction pay just that, and for the connectors of so many inputs?  ERR_PEER_INVALID. */
MUST_CHECK int offboard_check_tx(const struct tx *tx, const struct tx_out *destination, size_t n_inputs,
				 struct err *err);

struct offboard_forfeit {
	struct tx tx;            /* unsigned: the VTXO, then the connector */
	struct tx_out spent[2];  /* by its inputs */
	struct hash32 connector; /* sighash of the second input, which is the server's alone to sign */
	struct ark_cosigned cosigned;
};
struct offboard {
	struct offboard_forfeit *forfeits; /* in the inputs' order */
	size_t n;
	bool has_fanout; /* with more than one input */
	struct tx fanout;
};
/* Of a transaction that passed offboard_check_tx().  Arena-owned.  ERR_RANGE: no inputs, or too many; ERR_VTXO_POLICY: one is
 * not a user's; ERR_CRYPTO. */
MUST_CHECK int offboard_make(struct arena *a, const struct tx *tx, const struct vtxo *inputs, size_t n,
			     struct offboard *ret, struct err *err);
/* The user's half of one of them, against the server's nonce for it.  Errors of ark_half_sign(). */
MUST_CHECK int offboard_sign(const struct offboard_forfeit *f, const struct secret *user,
			     const struct musig_pubnonce *server, struct ark_half *ret, struct err *err);

#endif
