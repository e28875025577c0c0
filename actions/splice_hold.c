/* actions/splice_hold.c - coins of the node's wallet that a splice has reserved: renewed while it lives, given back when it does
 * not need them.  Implements spec/splice.md 7, O12; what an ended splice still owes is lightning/sweep.c's. */
#include "actions/splice.h"
#include "rails/lightning/splice_hold.h"
#include "store/chain_store.h"

static int tip_height(struct step *s, uint32_t *ret, struct err *err)
{
	struct block_row tip;
	int found = chain_store_tip(s->view, &tip, err);

	if (found < 0)
		return -1;
	*ret = found > 0 ? tip.ref.height : 0;
	return 0;
}

int splice_holds_any(struct step *s, const struct hash32 *id, bool *ret, struct err *err)
{
	struct splice_input *in;
	size_t n;

	*ret = false;
	if (splice_store_inputs(s->view, s->arena, id, &in, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		*ret = *ret || !in[i].released;
	return 0;
}

int splice_all_released(struct step *s, const struct hash32 *id, struct err *err)
{
	struct splice_input *in;
	size_t n;

	if (splice_store_inputs(s->view, s->arena, id, &in, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!in[i].released && splice_store_released(s->unit, id, &in[i].at, err) != 0)
			return -1;
	return 0;
}

static int psbt_of_held(struct step *s, const struct hash32 *id, char **ret, struct err *err)
{
	struct splice_input *in;
	size_t n;

	if (splice_store_inputs(s->view, s->arena, id, &in, &n, err) != 0)
		return -1;
	return splice_hold_psbt(s->arena, in, n, ret, err);
}

/* --- renewed --- */

int splice_held_from_now(struct step *s, struct err *err)
{
	struct splice *m = s->checkpoint;

	return tip_height(s, &m->held_at, err);
}

int splice_hold_is_due(struct step *s, const struct splice_row *row, bool *ret, struct err *err)
{
	const struct splice *m = s->checkpoint;
	uint32_t tip;

	*ret = false;
	if (row->kind != SPLICE_IN || !splice_backend(s)->renew_request)
		return 0;
	if (tip_height(s, &tip, err) != 0)
		return -1;
	return tip < m->held_at + SPLICE_HOLD_EVERY ? 0 : splice_holds_any(s, &row->id, ret, err);
}

int splice_held_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct ln_node node = splice_node(s);

	return splice_backend(s)->coins_request(s->arena, &node, ret, err);
}

struct outcome splice_held_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct splice *m = s->checkpoint;
	struct splice_input *held, *wallet;
	struct splice_row row;
	size_t n, n_wallet;
	uint32_t tip;
	struct outcome over;

	if (splice_row_or_over(s, &row, &over, err) != 0)
		return over;
	if (splice_backend(s)->coins_decode(s->arena, rep, &wallet, &n_wallet, err) != 0)
		return splice_wait_for(s, &row, SPLICE_WAIT_NODE_UNREACHABLE, SPLICING_LOOK, err);
	if (tip_height(s, &tip, err) != 0 || splice_store_inputs(s->view, s->arena, &row.id, &held, &n, err) != 0)
		return outcome_trouble(err);
	m->short_by = splice_hold_short_by(held, n, wallet, n_wallet, tip);
	if (m->short_by > 0)
		return outcome_next(SPLICING_RENEW);
	m->held_at = tip;
	return outcome_next(SPLICING_LOOK);
}

int splice_renew_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct splice *m = s->checkpoint;
	const struct ln_node node = splice_node(s);
	char *psbt;

	if (psbt_of_held(s, &m->id, &psbt, err) != 0)
		return -1;
	return splice_backend(s)->renew_request(s->arena, &node, psbt, m->short_by, ret, err);
}

/* A reply that is lost is no matter: how long they are reserved is looked at before anything is added.  What the node does not
 * reserve any longer it has spent. */
struct outcome splice_renew_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct splice *m = s->checkpoint;
	struct splice_row row;
	struct outcome over;

	if (splice_row_or_over(s, &row, &over, err) != 0)
		return over;
	if (splice_backend(s)->renew_decode(s->arena, rep, err) != 0) {
		log_debug(&s->log, "splice.renew_failed", F_ERR(err));
		if (err->class != ERR_REJECTED)
			return splice_wait_for(s, &row, SPLICE_WAIT_NODE_UNREACHABLE, SPLICING_LOOK, err);
	}
	return tip_height(s, &m->held_at, err) != 0 ? outcome_trouble(err) : outcome_next(SPLICING_LOOK);
}

/* --- given back --- */

int splice_release_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct splice *m = s->checkpoint;
	const struct ln_node node = splice_node(s);
	bool any;
	char *psbt;

	if (splice_holds_any(s, &m->id, &any, err) != 0)
		return -1;
	if (!any)
		return NOTHING_TO_ASK;
	if (psbt_of_held(s, &m->id, &psbt, err) != 0)
		return -1;
	return splice_backend(s)->release_request(s->arena, &node, psbt, ret, err);
}

/* What the node refuses to release is not reserved any more: it has spent it, or its time has come. */
struct outcome splice_release_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	const struct splice *m = s->checkpoint;

	if (rep && splice_backend(s)->release_decode(s->arena, rep, err) != 0 && err->class != ERR_REJECTED)
		return outcome_retry(s, err);
	return splice_all_released(s, &m->id, err) != 0 ? outcome_trouble(err) : outcome_next(SPLICING_CLEANED);
}
