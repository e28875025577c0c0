/* chain/interest.h - which outputs and scripts anybody here looks for, in memory: the wallet's scripts and coins, what its
 * transactions spend, and what others watch.  A block has thousands of each; a look at this costs a hash.
 *
 * It says "perhaps": whoever finds something asks the tables.  It never says no to what the tables had at its last update.
 * Hashes are keyed with a random key, so that nobody can fill one place of it. */
#ifndef CHAIN_INTEREST_H
#define CHAIN_INTEREST_H

#include "rails/chain/block.h"
#include "store/view.h"

struct interest;

struct interest *interest_new(void);
void interest_free(struct interest *in); /* NULL is fine */
/* Takes in what was added to the tables since the last time: of committed state only, for what is rolled back may come
 * back as something else.  *ret_new: there was something. */
MUST_CHECK int interest_update(struct interest *in, struct store *s, bool *ret_new, struct err *err);
bool interest_has_output(const struct interest *in, const struct outpoint *at);
bool interest_has_script(const struct interest *in, struct bytes script);
/* Does this transaction concern anybody?  If so, its outputs do from now on: the next one may spend them.  Walks tx. */
bool interest_look(struct interest *in, struct block_tx *tx);
size_t interest_size(const struct interest *in);

#endif
