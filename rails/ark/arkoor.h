/* rails/ark/arkoor.h - one VTXO turned into others without a round: the transactions, what both sides sign, what comes of it.
 *
 * Implements spec/ark-primitives.md §5.1 to §5.4.  No fee is paid: the outputs come to exactly the input.  With a checkpoint
 * (the rule) the VTXO first goes to outputs that only user and server together can move on, from each of which one of the
 * new VTXOs hangs; without, the new VTXOs are outputs of one transaction.  Outputs that are dust each go into one more
 * output together (rails/ark/allot.h) and hang from a fan-out of it.
 *
 * The order: arkoor_make(); arkoor_nonces(); the request with ark_nonces_public() and ark_attest_arkoor(); the server's
 * answer; arkoor_finish(); then vtxo_validate() of each VTXO before anything relies on it. */
#ifndef RAILS_ARK_ARKOOR_H
#define RAILS_ARK_ARKOOR_H

#include "rails/ark/nonces.h"
#include "rails/ark/output.h"
#include "rails/ark/vtxo.h"

struct arkoor_request {
	const struct vtxo *input;            /* full; borrowed, as the outputs */
	struct ark_outputs normal, isolated; /* isolated may be empty */
	bool checkpoint;
};

/* ERR_RANGE: more than any amount, or more outputs than one transaction can have ("Overflow", "TooManyOutputs" of the spec);
 * ERR_FUNDS: outputs and input do not come to the same ("Unbalanced"); ERR_PARAM: no output ("NoOutputs"), or one of nothing;
 * ERR_DUST: the isolated ones together are dust; ERR_VTXO_POLICY: an input that is no user's, or an output of a policy that
 * is no longer made. */
MUST_CHECK int arkoor_check(const struct arkoor_request *r, struct err *err);

struct arkoor_tx {
	struct tx tx; /* unsigned */
	struct txid txid;
	struct tx_out spent;   /* by its one input */
	struct hash32 sighash; /* what MuSig signs, by the key path */
};
struct arkoor {
	struct arkoor_request request;
	const struct pubkey *user;         /* who signs, with the server */
	struct hash32 tweak;               /* of the input's output, for the first transaction */
	struct hash32 checkpoint_tweak;    /* for all others */
	struct musig_keys keys, rest_keys; /* of user and server, so tweaked */
	struct arkoor_tx *txs;             /* in the order of nonces and signatures */
	size_t n_txs;
};
/* Arena-owned.  Errors of arkoor_check(), and ERR_CRYPTO. */
MUST_CHECK int arkoor_make(struct arena *a, const struct arkoor_request *r, struct arkoor *ret, struct err *err);

/* One nonce for each transaction.  ERR_CRYPTO: not the key of this VTXO's user. */
MUST_CHECK int arkoor_nonces(const struct arkoor *k, const struct secret *user, struct ark_nonces **ret,
			     struct err *err);

/* What the server answers, as it comes. */
struct arkoor_cosign {
	const struct musig_pubnonce *nonces;
	size_t n_nonces;
	const struct musig_partial *parts;
	size_t n_parts;
};
/* Did the server sign these transactions, against these nonces of ours (n_txs of them)?  ERR_PEER_INVALID says where not:
 * "InvalidNbServerNonces", "InvalidNbServerPartialSigs", "InvalidPartialSignature" of the spec. */
MUST_CHECK int arkoor_verify(const struct arkoor *k, const struct musig_pubnonce *ours,
			     const struct arkoor_cosign *server, struct err *err);
/* Verifies, signs and completes: the signed VTXOs, arkoor_n_vtxos() of them, normal ones first.  Their genesis holds views
 * of the input's.  Whether it succeeds or not, the nonces are good for nothing afterwards.  Errors of arkoor_verify();
 * ERR_CRYPTO: another key, or other nonces. */
MUST_CHECK int arkoor_finish(struct arena *a, const struct arkoor *k, const struct secret *user,
			     struct ark_nonces *nonces, const struct arkoor_cosign *server, struct vtxo *ret,
			     struct err *err);

size_t arkoor_n_vtxos(const struct arkoor *k);
/* The VTXOs with these signatures, one for each transaction, or without any (NULL): their ids are the same. */
struct arkoor_signature {
	uint8_t b[64];
};
void arkoor_vtxos(struct arena *a, const struct arkoor *k, const struct arkoor_signature *sigs, struct vtxo *ret);

#endif
