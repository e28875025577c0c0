/* actions/splice_unspent.c - before a node is given a splice as a whole: does anything spend the channel's funding?  Such a node does
 * not tell of another splice that is on its way, and would put ours into one of its own in the place of that, which nobody could
 * tell apart afterwards.  What we follow of the chain may not have looked for it yet (spec/splice.md 4.2, P8, and 5.2). */
#include "actions/splice.h"
#include "chain/source.h"

int splice_unspent_ask(struct step *s, struct chain_question *ret, struct err *err)
{
	struct outpoint *base = ARENA_NEW(s->arena, struct outpoint);
	struct splice_row row;
	int rc = splice_row_to_ask(s, &row, err);

	if (rc != 0)
		return rc;
	*base = row.base;
	ret->unspent = base;
	return 0;
}

struct outcome splice_unspent_told(struct step *s, const struct chain_answer *got, struct err *err)
{
	struct splice_row row;
	struct outcome over;

	if (splice_row_or_over(s, &row, &over, err) != 0)
		return over;
	if (!got || got->err.code != ERR_NONE)
		return splice_wait_for(s, &row, SPLICE_WAIT_NODE_UNREACHABLE, SPLICING_PROBE, err);
	if (got->spends[0].state != CHAIN_UNSPENT)
		return splice_wait_for(s, &row, SPLICE_WAIT_FOREIGN_SPLICE, SPLICING_LOOK, err);
	return outcome_next(row.everything ? SPLICING_BUILD : SPLICING_OPEN);
}
