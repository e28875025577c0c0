/* store/quote_store.h - mint quotes (NUT-04).  A paid quote is never forgotten: rows are not deleted. */
#ifndef STORE_QUOTE_STORE_H
#define STORE_QUOTE_STORE_H

#include "base/arena.h"
#include "base/ecash.h"
#include "store/view.h"

struct mint_quote_row {
	int64_t mint_id;
	const char *id; /* the mint's, opaque */
	struct ecash amount;
	const char *request; /* bolt11 */
	enum quote_state state;
	int64_t expiry_s;        /* 0 none */
	int64_t key_index;       /* of the NUT-20 key, or -1 */
	struct action_id holder; /* which action works on it, or empty */
	int64_t created_at_ms, updated_at_ms;
};
MUST_CHECK int quote_store_add(struct unit *u, const struct mint_quote_row *row, struct err *err);
/* Hold it for one action; ERR_EXISTS when another holds it. */
MUST_CHECK int quote_store_hold(struct unit *u, int64_t mint_id, const char *id, const struct action_id *holder,
				struct err *err);
MUST_CHECK int quote_store_set_state(struct unit *u, int64_t mint_id, const char *id, enum quote_state state,
				     int64_t now_ms, struct err *err);
MUST_CHECK int quote_store_release(struct unit *u, const struct action_id *holder, struct err *err);
MUST_CHECK int quote_store_get(struct view v, struct arena *a, int64_t mint_id, const char *id,
			       struct mint_quote_row *ret, struct err *err); /* ERR_NOT_FOUND */
MUST_CHECK int quote_store_by_holder(struct view v, struct arena *a, const struct action_id *holder,
				     struct mint_quote_row *ret, struct err *err); /* ERR_NOT_FOUND */

#endif
