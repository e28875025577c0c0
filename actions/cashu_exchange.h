/* actions/cashu_exchange.h - the one dangerous step of every ecash saga: inputs go to the mint, signatures come back, and
 * the answer may be lost (spec/cashu.md 4.4).
 *
 * Used by swap, receive and send's reclaim.  Outputs were drawn and stored before; inputs are proofs that the action holds
 * in one state.  Three states of the kind share this code:
 *
 *   request   POST /v1/swap; counted by prepare; sent again byte for byte until the answer is known: a mint with NUT-19
 *             gives it from its cache
 *   check     NUT-07: are the inputs spent?
 *   restore   NUT-09: did the mint sign our outputs?
 *
 *   request ──ok──────────────────────────────────────────────→ finish
 *      │ no answer: again, later        ↑ not executed
 *      │ refused, sent once ────────────┼──────────────────────→ refused
 *      └ any other error → check → restore ──signed────────────→ finish
 *                                  ↑    └─ spent, not signed ──→ elsewhere
 *                                  └── signed, not spent: look once more, since a late copy may have come between;
 *                                      still not spent: made in another life of this seed, so draw anew
 *
 * No failure after an answer frees inputs (R8); an unknown outcome never does. */
#ifndef ACTIONS_CASHU_EXCHANGE_H
#define ACTIONS_CASHU_EXCHANGE_H

#include "actions/cashu.h"
#include "rails/cashu/checkstate.h"
#include "store/proof_store.h"

struct exchange {
	uint32_t sends;    /* POSTs begun with the open outputs */
	uint32_t rebuilds; /* how often the outputs were drawn anew */
	int last_code;     /* the mint's code that made us reconcile, or 0 */
	uint32_t n_inputs;
	uint32_t *spent; /* what check found: which of the inputs, by their place in exchange_inputs() */
	uint32_t n_spent;
	uint32_t empties; /* in a row: the inputs are spent, and the mint shows no signatures */
	bool foreign; /* restore found signatures though check had found no input spent: check decides what they are */
};
void exchange_save(json_t *to, const struct exchange *x);
MUST_CHECK int exchange_load(struct arena *a, const json_t *from, struct exchange *x, struct err *err);

/* How a kind uses it: its action_kind.family. */
struct exchange_use {
	enum proof_state inputs;                                /* the state in which the action holds them */
	int st_sync, st_draw, st_request, st_check, st_restore; /* st_sync → st_draw (outputs) → st_request */
	struct cashu_place *(*place)(struct step *s);
	struct exchange *(*exchange)(struct step *s);
	/* Opens the locks of the inputs, for a request with these outputs; NULL where no input is ever locked. */
	int (*unlock)(struct step *s, struct proof *inputs, size_t n, const struct output *outputs, size_t n_out,
		      struct err *err);
	/* The mint has done it.  proofs are new, in the order of outputs. */
	struct outcome (*finish)(struct step *s, const struct proof *proofs, const struct output *outputs, size_t n,
				 struct err *err);
	/* Certainly not done, and never will be: undo. */
	struct outcome (*refused)(struct step *s, const struct err *why, struct err *err);
	/* These inputs were spent by somebody else; when all is false there are others, unspent. */
	struct outcome (*elsewhere)(struct step *s, const struct pubkey *spent, size_t n, bool all, struct err *err);
};

/* The functions of the three states, for the kind's table. */
MUST_CHECK int exchange_prepare(struct step *s, struct err *err);
MUST_CHECK int exchange_request(struct step *s, struct net_request *ret, struct err *err);
struct outcome exchange_reply(struct step *s, const struct net_reply *rep, struct err *err);
MUST_CHECK int exchange_check(struct step *s, struct net_request *ret, struct err *err);
struct outcome exchange_checked(struct step *s, const struct net_reply *rep, struct err *err);
MUST_CHECK int exchange_restore(struct step *s, struct net_request *ret, struct err *err);
struct outcome exchange_restored(struct step *s, const struct net_reply *rep, struct err *err);
/* The syncing state before it; on_retry of such a kind, and its on_rejection: the three states judge the answers to the
 * request themselves, and a no to a question about it says nothing about the coins. */
struct outcome exchange_sync(struct step *s, const struct net_reply *rep, struct err *err);
struct outcome exchange_retry(struct step *s, const struct err *why, struct err *err);

/* Of the proofs the action holds in this state; ys in the same order. */
MUST_CHECK int exchange_inputs(struct step *s, enum proof_state state, struct proof **ret, struct pubkey **ret_ys,
			       size_t *n, struct err *err);
/* NUT-13 counters of outputs, for proof_store_add(). */
int64_t *exchange_counters(struct arena *a, const struct output *outputs, size_t n);
/* What the inputs were worth beyond the new proofs is the mint's fee: *ret_fee, the last line of mv, which is posted; the
 * outputs are signed.  ERR_INTERNAL: more came out than went in. */
MUST_CHECK int exchange_settle(struct step *s, struct movement *mv, struct ecash in, struct ecash out,
			       struct ecash *ret_fee, struct err *err);
/* To take back what the action holds in this state, by a swap: outputs of ours are drawn for all of it but the mint's fee. */
enum exchange_back {
	EXCHANGE_BACK_DRAWN = 1,
	EXCHANGE_BACK_WORTHLESS, /* the fee, *ret_fee, would take all of it */
	EXCHANGE_BACK_LATER      /* err: there is no keyset to draw of now */
};
MUST_CHECK int exchange_back_draw(struct step *s, const struct cashu_place *at, enum proof_state state,
				  enum exchange_back *ret, struct ecash *ret_fee, struct err *err);
/* It was done, and is mv: what was held is spent, the new proofs are spendable, *ret_out is what they are worth.  Settles as
 * exchange_settle() does. */
MUST_CHECK int exchange_back_keep(struct step *s, struct movement *mv, enum proof_state state, struct currency unit,
				  const struct proof *proofs, const struct output *outputs, size_t n,
				  struct ecash *ret_out, struct ecash *ret_fee, struct err *err);
/* The outputs were signed by the mint in another life of this seed: leave them, and move on by ever larger steps. */
MUST_CHECK int exchange_pass_collision(struct step *s, const struct output *outputs, size_t n, uint32_t rebuilds,
				       struct err *err);

#endif
