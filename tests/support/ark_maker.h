/* tests/support/ark_maker.h - VTXOs made by a test that has both parties' keys: boards, out-of-round chains, rounds.
 *
 * What comes out is signed throughout and would pass vtxo_validate() against the transaction that funds it.  Errors are
 * those of the primitives; everything lives in the arena. */
#ifndef TESTS_SUPPORT_ARK_MAKER_H
#define TESTS_SUPPORT_ARK_MAKER_H

#include "rails/ark/arkoor.h"
#include "rails/ark/tree.h"

struct ark_maker {
	struct arena *arena;
	struct secret server;
	uint32_t expiry_height;
	uint16_t exit_delta;
};
struct ark_terms ark_maker_terms(const struct ark_maker *m);

/* The output that a transaction must have before its VTXOs can be made; then the VTXO. */
struct ark_board_plan {
	struct secret user;
	struct sat amount, fee; /* of the funding output, and of it what goes into the exit's fee anchor */
};
MUST_CHECK int ark_make_board_funding(const struct ark_maker *m, const struct ark_board_plan *p, struct tx_out *ret,
				      struct err *err);
MUST_CHECK int ark_make_board(const struct ark_maker *m, const struct ark_board_plan *p, const struct outpoint *utxo,
			      struct vtxo *ret, struct err *err);

/* The VTXOs that become of one, whose user's key is known: as many as there are outputs and isolated ones. */
MUST_CHECK int ark_make_arkoor(const struct ark_maker *m, const struct arkoor_request *r, const struct secret *user,
			       struct vtxo *ret, struct err *err);
/* So many hops of the whole amount to the same user: two steps deeper with each, or one without checkpoints. */
MUST_CHECK int ark_make_chain(const struct ark_maker *m, const struct vtxo *from, const struct secret *user,
			      size_t hops, bool checkpoint, struct vtxo *ret, struct err *err);

/* A round of these leaves, each with a cosign key of its own.  Its VTXOs are unlocked, or with `locked` still locked. */
struct ark_round_leaf {
	struct secret user;
	struct sat amount;
};
struct ark_round_plan {
	const struct ark_round_leaf *leaves;
	size_t n;
	struct secret preimage;
	bool locked;
};
MUST_CHECK int ark_make_round_funding(const struct ark_maker *m, const struct ark_round_plan *p, struct tx_out *ret,
				      struct err *err);
/* p->n VTXOs, in the leaves' order. */
MUST_CHECK int ark_make_round(const struct ark_maker *m, const struct ark_round_plan *p, const struct outpoint *utxo,
			      struct vtxo *ret, struct err *err);
/* The tree and the keys that it is signed with, for tests that do it by themselves. */
struct ark_round {
	struct tree *tree;
	struct secret *cosign; /* one for each leaf */
	struct secret server;  /* the global cosign key */
};
MUST_CHECK int ark_make_round_tree(const struct ark_maker *m, const struct ark_round_plan *p,
				   const struct outpoint *utxo, struct ark_round *ret, struct err *err);

#endif
