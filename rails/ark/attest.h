/* rails/ark/attest.h - what a user signs to show an Ark server that a VTXO is his, for one purpose at a time.
 *
 * Facts: spec/ark-primitives.md §8.3.  Each is the SHA-256 of a prefix of 32 bytes, which names the purpose, and of what is
 * asked for; the VTXO's user key signs it (BIP340), and secp_schnorr_verify() checks it.  Counts and amounts are
 * big-endian in the two of rounds and little-endian in the others. */
#ifndef RAILS_ARK_ATTEST_H
#define RAILS_ARK_ATTEST_H

#include "base/ids.h"
#include "rails/ark/output.h"
#include "rails/bitcoin/tx.h"

/* An output asked of a round that its user cosigns, in the order of the request. */
struct ark_round_output {
	struct ark_output output;
	struct pubkey cosign;
};

/* One of the inputs of a round, against the challenge that the server gave for this attempt. */
void ark_attest_round(const struct hash32 *challenge, const struct outpoint *vtxo,
		      const struct ark_round_output *outputs, size_t n, struct hash32 *ret);
/* One of the inputs of a round that goes on without its user. */
void ark_attest_delegated(const struct outpoint *vtxo, struct ark_outputs outputs, struct hash32 *ret);
/* A VTXO shown so that the server takes a Lightning payment for its owner. */
void ark_attest_ln_receive(const struct hash32 *payment_hash, const struct outpoint *vtxo, struct hash32 *ret);
void ark_attest_status(const struct outpoint *vtxo, struct hash32 *ret);
/* All inputs of an offboard: signed once by the key of each.  destination: its value is what arrives, its script at most
 * ARK_SCRIPT_MAX bytes. */
void ark_attest_offboard(const struct tx_out *destination, const struct outpoint *vtxos, size_t n, struct hash32 *ret);
/* The one input of an arkoor; the outputs after dust isolation. */
void ark_attest_arkoor(const struct outpoint *vtxo, struct ark_outputs normal, struct ark_outputs isolated,
		       struct hash32 *ret);

#endif
