#include "actions/cashu_send.h"

#include <inttypes.h>
#include <string.h>

#include "actions/cashu_condition.h"
#include "actions/cashu_funds.h"
#include "actions/ecash.h"
#include "rails/cashu/payreq.h"
#include "rails/cashu/token.h"

static bool is_asked_for(const struct payreq *r, const char *mint)
{
	for (size_t i = 0; mint && i < r->n_mints; i++)
		if (strcmp(r->mints[i], mint) == 0)
			return true;
	return false;
}

static int named_mint(struct step *s, const char *url, const struct payreq *r, struct mint_row *ret, struct err *err)
{
	if (ecash_mint_find(s->view, s->arena, url, ret, err) != 0)
		return -1;
	if (is_asked_for(r, ret->url))
		return 0;
	ERR(err, ERR_MINT_UNKNOWN, "the request is not to be paid with ecash of %s", ret->url);
	err_hint(err, "payment_request.decode shows what is asked for");
	return err_field(err, "mint");
}

/* Of the mints that the request names, the one that is meant or holds most of the unit. */
static int choose_asked(struct step *s, const json_t *params, struct currency unit, const struct payreq *r,
			struct mint_row *ret, struct err *err)
{
	const char *url = NULL;
	struct account_total *totals;
	int64_t best = 0, best_id = 0;
	size_t n;

	if (json_opt_str(params, "mint", MINT_URL_MAX, &url, err) != 0)
		return -1;
	if (url)
		return named_mint(s, url, r, ret, err);
	if (movement_totals(s->view, s->arena, &totals, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (is_asked_for(r, totals[i].mint_url) && currency_equal(totals[i].unit, unit) &&
		    totals[i].total[ACCOUNT_SPENDABLE] > best) {
			best = totals[i].total[ACCOUNT_SPENDABLE];
			best_id = totals[i].mint_id;
		}
	if (best_id)
		return mint_store_by_id(s->view, s->arena, best_id, ret, err);
	ERR(err, ERR_FUNDS, "there is no spendable ecash in the unit %s at the mints that the request names", unit.s);
	return cashu_short_of_funds(s, 0, unit, err);
}

static int lock_exact(struct step *s, struct send *m, const struct proof_row *rows, const struct selection *sel,
		      struct err *err)
{
	struct pubkey *ys = ARENA_ARRAY(s->arena, sel->n, struct pubkey);
	struct movement mv = movement_begin(s->unit, &s->row.id, "ecash", "lock", m->at.mint_id, m->at.unit, s->now_ms);

	for (size_t i = 0; i < sel->n; i++)
		ys[i] = rows[sel->index[i]].proof.y;
	if (proof_store_lock(&mv, ys, sel->n, &s->row.id, err) != 0)
		return -1;
	return movement_post(&mv, err);
}

static int start_swap(struct step *s, struct send *m, uint64_t held, struct err *err)
{
	json_t *params = json_object_in(s->arena);
	struct action_row child;

	json_set_str(params, "mint", m->at.mint);
	json_set_str(params, "unit", m->at.unit.s);
	json_set_u64(params, "target", m->amount);
	json_set_bool(params, "include_fee", m->include_fee);
	if (m->lock)
		json_set(params, "lock", m->lock);
	if (step_start_child(s, "cashu_swap", params, &m->swap, err) != 0) {
		if (err->code == ERR_FUNDS) {
			ERR(err, ERR_FUNDS, "%" PRIu64 " %s at %s do not cover %" PRIu64 " and the mint's fee", held,
			    m->at.unit.s, m->at.mint, m->amount);
			return cashu_short_of_funds(s, m->at.mint_id, m->at.unit, err);
		}
		return -1;
	}
	return action_store_get(s->view, s->arena, &m->swap, &child, err);
}

/* The fee of the swap that was started: what is locked for it less what it makes. */
static int swap_cost(struct step *s, const struct send *m, const struct cashu_mint *mint, uint64_t *ret,
		     struct err *err)
{
	struct proof_row *rows;
	struct ecash fee;
	size_t n;

	if (proof_store_by_holder(s->view, s->arena, &m->swap, PROOF_LOCKED, &rows, &n, err) != 0)
		return -1;
	struct proof *proofs = ARENA_ARRAY(s->arena, n, struct proof);
	for (size_t i = 0; i < n; i++)
		proofs[i] = rows[i].proof;
	if (fee_of_proofs(proofs, n, mint->keysets, mint->n, m->at.unit, &fee, err) != 0)
		return -1;
	*ret = ecash_value(fee);
	return 0;
}

/* What the token will hold: the amount, and with include_fee what its receiver will pay. */
static int swap_makes(struct step *s, const struct send *m, const struct cashu_mint *mint, uint64_t *ret,
		      struct err *err)
{
	const struct keyset *ks;
	struct split split;

	*ret = m->amount;
	if (!m->include_fee)
		return 0;
	if (cashu_output_keyset(s, mint, m->at.unit, &ks, err) != 0 ||
	    split_net(s->arena, ks, m->amount, &split, err) != 0)
		return -1;
	*ret = split.sum;
	return 0;
}

/* What the caller wants, and what the request says of it. */
static int wishes_read(struct step *s, const json_t *params, struct send *m, struct payreq *request, struct err *err)
{
	if (json_opt_u64(params, "amount", AMOUNT_MAX, &m->amount, err) != 0 ||
	    cashu_unit_param(params, &m->at.unit, err) != 0 ||
	    json_opt_str(params, "memo", TOKEN_MEMO_MAX, &m->memo, err) != 0 ||
	    json_opt_bool(params, "include_fee", &m->include_fee, err) != 0 ||
	    condition_of_params(s, params, &m->lock, err) != 0)
		return -1;
	return send_request_read(s, params, m, request, err);
}

int send_start(struct step *s, const json_t *params, struct err *err)
{
	struct send *m = ARENA_NEW(s->arena, struct send);
	struct cashu_mint mint;
	struct payreq request;
	struct proof_row *rows;
	struct selection exact;
	struct note *notes;
	uint64_t held, out; /* of which leaves */
	size_t n;

	s->checkpoint = m;
	if (wishes_read(s, params, m, &request, err) != 0 ||
	    (request.n_mints ? choose_asked(s, params, m->at.unit, &request, &mint.row, err)
			     : cashu_choose_mint(s, params, m->at.unit, &mint.row, err)) != 0)
		return -1;
	m->at.mint = mint.row.url;
	m->at.mint_id = mint.row.id;
	s->row.peer = mint.row.url;
	if (m->lock && condition_check_mint(s->arena, m->lock, mint.row.info, m->at.mint, err) != 0)
		return -1;
	if (cashu_mint_load(s, &m->at, &mint, err) != 0 || cashu_spendable(s, &m->at, &held, err) != 0)
		return -1;
	if (held < m->amount) {
		ERR(err, ERR_FUNDS, "%" PRIu64 " %s are spendable at %s, and %" PRIu64 " are asked for", held,
		    m->at.unit.s, m->at.mint, m->amount);
		return cashu_short_of_funds(s, m->at.mint_id, m->at.unit, err);
	}
	if (cashu_purse(s, &m->at, &mint, &rows, &notes, &n, err) != 0)
		return -1;
	/* Locked notes are always made anew. */
	if (!m->lock && select_exact(s->arena, notes, n, m->amount, m->include_fee, SELECT_INPUTS_MAX, &exact)) {
		if (lock_exact(s, m, rows, &exact, err) != 0)
			return -1;
		out = exact.sum;
	} else if (start_swap(s, m, held, err) != 0 || swap_cost(s, m, &mint, &m->swap_fee, err) != 0 ||
		   swap_makes(s, m, &mint, &out, err) != 0) {
		return -1;
	}
	if (out + m->swap_fee > held)
		return ERR(err, ERR_INTERNAL, "the coins of %s are more than the ledger says", m->at.mint);
	json_set_str(s->plan, "mint", m->at.mint);
	json_set_str(s->plan, "unit", m->at.unit.s);
	json_set_u64(s->plan, "amount", m->amount);
	json_set_u64(s->plan, "fee", m->swap_fee);
	json_set_bool(s->plan, "swap", !action_id_is_empty(&m->swap));
	if (m->lock)
		json_set(s->plan, "lock", m->lock);
	json_set_u64(s->plan, "remains", held - out - m->swap_fee);
	if (strcmp(m->at.unit.s, "sat") == 0)
		json_set_u64(s->plan, "spend_sat", out + m->swap_fee);
	return SEND_PROOFS_RESERVED;
}
