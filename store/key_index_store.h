/* store/key_index_store.h - counters of derived keys.  They only ever grow, outlive everything, and are keyed by the
 * keyset id alone (NUT-13 derives from nothing else). */
#ifndef STORE_KEY_INDEX_STORE_H
#define STORE_KEY_INDEX_STORE_H

#include "base/ids.h"
#include "store/view.h"

/* Takes n: *ret is the first of them.  ERR_RANGE when the derivation's space is used up. */
MUST_CHECK int keyset_counter_take(struct unit *u, const struct keyset_id *id, uint32_t n, int64_t *ret,
				   struct err *err);
/* Never lowers. */
MUST_CHECK int keyset_counter_raise(struct unit *u, const struct keyset_id *id, int64_t at_least, struct err *err);
MUST_CHECK int key_index_take(struct unit *u, const char *namespace, int64_t *ret, struct err *err);
/* The one that is taken next. */
MUST_CHECK int key_index_next(struct view v, const char *namespace, int64_t *ret, struct err *err);
/* Never lowers. */
MUST_CHECK int key_index_raise(struct unit *u, const char *namespace, int64_t at_least, struct err *err);

#endif
