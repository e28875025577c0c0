/* actions/ecash_expiry.h - ecash that will be worth nothing: a mint may give a keyset a last day (NUT-02, final_expiry), after
 * which it takes its notes no more.  spec/cashu.md 6.4. */
#ifndef ACTIONS_ECASH_EXPIRY_H
#define ACTIONS_ECASH_EXPIRY_H

#include "store/proof_store.h"

/* Notes of ours with one last day, in one hand. */
struct ecash_expiry {
	const char *mint;
	struct currency unit;
	uint64_t amount;
	int64_t at_ms;
	bool past;
	bool replaceable; /* the mint has a keyset for this unit that lasts longer */
	enum proof_state state;
	struct action_id holder; /* who has them; empty when they are spendable */
};
/* Those whose day is less than KEYSET_EXPIRING_S away, or past; the soonest first, at most limit. */
MUST_CHECK int ecash_expiring(struct view v, struct arena *a, int64_t now_ms, unsigned limit, struct ecash_expiry **ret,
			      size_t *n, struct err *err);

#endif
