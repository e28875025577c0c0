/* exit/show.h - exits as people and programs see them: spec/exit.md 8.2. */
#ifndef EXIT_SHOW_H
#define EXIT_SHOW_H

#include "exit/gather.h"
#include "store/exit_claim_store.h"

#define EXIT_SHOW_ROOM (512u * 1024) /* what one takes of an arena, but for its history and transactions */

enum exit_detail { EXIT_SHOW_HISTORY = 1, EXIT_SHOW_TXS = 2 };
/* margin: blocks to spare before its VTXO expires. */
MUST_CHECK int exit_json(struct view v, struct arena *a, const struct exit_row *row, unsigned details, uint32_t margin,
			 json_t **ret, struct err *err);
/* How many exits are in each state, and what they are worth. */
MUST_CHECK int exit_sums_json(struct view v, struct arena *a, json_t **ret, struct err *err);
json_t *exit_claim_json(struct arena *a, const struct exit_claim_row *claim);

#endif
