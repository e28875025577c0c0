/* actions/cashu_transfer.c - move a balance from one mint to another: an invoice of the one is paid with ecash of the other.
 *
 *   invoicing ──→ paying ──paid──→ claiming ──→ done
 *                   └── not paid: failed, and the ecash is where it was
 *
 * Two children do the work: a cashu_issue at the mint that the ecash goes to, and a cashu_melt at the one that it comes from.
 * This keeps them in step, and moves nothing by itself.  The invoice of a payment that failed stays until its mint lets it
 * expire: it costs nothing, and whoever pays it all the same pays us. */
#include <inttypes.h>
#include <string.h>

#include "actions/cashu.h"
#include "actions/ecash.h"
#include "actions/executor.h"
#include "actions/kinds.h"

enum transfer_state { /* stored: append, never renumber */
		      TRANSFER_INVOICING = 1,
		      TRANSFER_PAYING = 2,
		      TRANSFER_CLAIMING = 3
};

#define LOOK_MS 500 /* an invoice takes the mint a moment */

struct transfer {
	struct cashu_place to; /* unit and mint that the ecash goes to */
	const char *from;
	uint64_t amount;
	uint64_t max_fee;
	bool has_max_fee;
	struct action_id issue, melt; /* the children; melt is empty until there is an invoice */
	uint64_t fee;                 /* of the payment, once it is made */
};

static json_t *transfer_save(struct step *s)
{
	const struct transfer *m = s->checkpoint;
	json_t *cp = json_object_in(s->arena);

	cashu_place_save(cp, &m->to);
	json_set_str(cp, "from", m->from);
	json_set_u64(cp, "amount", m->amount);
	if (m->has_max_fee)
		json_set_u64(cp, "max_fee", m->max_fee);
	json_set_str(cp, "issue", m->issue.s);
	json_set_str(cp, "melt", m->melt.s);
	json_set_u64(cp, "fee", m->fee);
	return cp;
}

static int transfer_load(struct step *s, const json_t *cp, struct err *err)
{
	struct transfer *m = ARENA_NEW(s->arena, struct transfer);
	const char *issue, *melt;

	s->checkpoint = m;
	if (cashu_place_load(cp, &m->to, err) != 0 || json_get_str(cp, "from", MINT_URL_MAX, &m->from, err) != 0 ||
	    json_get_u64(cp, "amount", AMOUNT_MAX, &m->amount, err) != 0 ||
	    json_opt_u64(cp, "max_fee", AMOUNT_MAX, &m->max_fee, err) != 0 ||
	    json_get_str(cp, "issue", ACTION_ID_MAX, &issue, err) != 0 ||
	    json_get_str(cp, "melt", ACTION_ID_MAX, &melt, err) != 0 ||
	    json_get_u64(cp, "fee", AMOUNT_MAX, &m->fee, err) != 0)
		return -1;
	m->has_max_fee = json_object_get(cp, "max_fee") != NULL;
	if (!action_id_parse(issue, &m->issue) || (*melt && !action_id_parse(melt, &m->melt)))
		return ERR(err, ERR_PARSE, "a checkpoint with a bad child");
	return 0;
}

/* --- start --- */

static int find_mint(struct step *s, const json_t *params, const char *name, struct mint_row *ret, struct err *err)
{
	const char *url;

	if (json_get_str(params, name, MINT_URL_MAX, &url, err) != 0)
		return -1;
	return ecash_mint_find(s->view, s->arena, url, ret, err) != 0 ? err_field(err, name) : 0;
}

static int start_issue(struct step *s, struct transfer *m, struct err *err)
{
	json_t *params = json_object_in(s->arena);

	json_set_str(params, "mint", m->to.mint);
	json_set_str(params, "unit", m->to.unit.s);
	json_set_u64(params, "amount", m->amount);
	return step_start_child(s, "cashu_issue", params, &m->issue, err);
}

static int transfer_start(struct step *s, const json_t *params, struct err *err)
{
	struct transfer *m = ARENA_NEW(s->arena, struct transfer);
	struct mint_row from, to;

	s->checkpoint = m;
	if (find_mint(s, params, "from", &from, err) != 0 || find_mint(s, params, "to", &to, err) != 0 ||
	    cashu_unit_param(params, &m->to.unit, err) != 0 ||
	    json_get_u64(params, "amount", AMOUNT_MAX, &m->amount, err) != 0 ||
	    json_opt_u64(params, "max_fee", AMOUNT_MAX, &m->max_fee, err) != 0)
		return -1;
	m->has_max_fee = json_object_get(params, "max_fee") != NULL;
	m->from = from.url;
	m->to.mint = to.url;
	m->to.mint_id = to.id;
	s->row.peer = to.url;
	if (from.id == to.id) {
		ERR(err, ERR_PARAM, "the ecash is at %s already", to.url);
		return err_field(err, "to");
	}
	if (start_issue(s, m, err) != 0)
		return strcmp(err->field, "mint") == 0 ? err_field(err, "to") : -1;
	json_set_str(s->plan, "from", m->from);
	json_set_str(s->plan, "to", m->to.mint);
	json_set_str(s->plan, "unit", m->to.unit.s);
	json_set_u64(s->plan, "amount", m->amount);
	/* It stays ours, and another mint answers for it: whoever may spend so much may move it. */
	if (strcmp(m->to.unit.s, "sat") == 0)
		json_set_u64(s->plan, "spend_sat", m->amount + m->max_fee);
	return TRANSFER_INVOICING;
}

/* --- the steps --- */

static struct outcome child_failed(const struct action_row *child)
{
	struct err why;

	cashu_child_error(child, &why);
	return outcome_failed(&why, child->funds_moved ? child->funds_moved : "unknown");
}

/* The invoice of the issue, or NULL while there is none. */
static const char *invoice_of(struct step *s, const struct action_row *issue)
{
	const json_t *shown = executor_progress(s->executor, s->arena, issue, false);

	return json_string_value(json_object_get(shown, "request"));
}

static int start_melt(struct step *s, struct transfer *m, const char *invoice, struct err *err)
{
	json_t *params = json_object_in(s->arena);

	json_set_str(params, "invoice", invoice);
	json_set_str(params, "mint", m->from);
	json_set_str(params, "unit", m->to.unit.s);
	if (m->has_max_fee)
		json_set_u64(params, "max_fee", m->max_fee);
	return step_start_child(s, "cashu_melt", params, &m->melt, err);
}

static struct outcome invoicing_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct transfer *m = s->checkpoint;
	struct action_row issue;
	const char *invoice;

	(void)rep;
	if (action_store_get(s->view, s->arena, &m->issue, &issue, err) != 0)
		return outcome_trouble(err);
	if (issue.status == ACTION_FAILED || issue.status == ACTION_CANCELLED)
		return child_failed(&issue);
	invoice = action_status_is_final(issue.status) ? NULL : invoice_of(s, &issue);
	if (!invoice && issue.status != ACTION_DONE)
		return outcome_park(TRANSFER_INVOICING, s->now_ms + LOOK_MS);
	/* Somebody else has paid it: what was to be moved has been given to us. */
	if (!invoice)
		return outcome_next(TRANSFER_CLAIMING);
	if (start_melt(s, m, invoice, err) == 0)
		return outcome_next(TRANSFER_PAYING);
	return err->class == ERR_INVALID ? outcome_failed(err, "no") : outcome_trouble(err);
}

static struct outcome paying_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct transfer *m = s->checkpoint;
	struct action_row melt;
	json_t *result;

	(void)rep;
	if (action_store_get(s->view, s->arena, &m->melt, &melt, err) != 0)
		return outcome_trouble(err);
	if (!action_status_is_final(melt.status))
		return outcome_park(TRANSFER_PAYING, ACTION_NO_WAKE);
	if (melt.status != ACTION_DONE)
		return child_failed(&melt);
	if (json_parse(s->arena, bytes_of(melt.result), JSON_DEPTH_MAX, &result, err) != 0 ||
	    json_opt_u64(result, "fee", AMOUNT_MAX, &m->fee, err) != 0 ||
	    action_store_wake(s->unit, &m->issue, s->now_ms, err) != 0)
		return outcome_trouble(err);
	return outcome_next(TRANSFER_CLAIMING);
}

static json_t *transfer_show(struct step *s)
{
	const struct transfer *m = s->checkpoint;
	json_t *v = json_object_in(s->arena);

	json_set_str(v, "from", m->from);
	json_set_str(v, "to", m->to.mint);
	json_set_str(v, "unit", m->to.unit.s);
	json_set_u64(v, "amount", m->amount);
	json_set_u64(v, "fee", m->fee);
	json_set_str(v, "issue_id", m->issue.s);
	json_set_str(v, "melt_id", action_id_is_empty(&m->melt) ? NULL : m->melt.s);
	return v;
}

static struct outcome claiming_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct transfer *m = s->checkpoint;
	struct action_row issue;
	struct err why;

	(void)rep;
	if (action_store_get(s->view, s->arena, &m->issue, &issue, err) != 0)
		return outcome_trouble(err);
	if (!action_status_is_final(issue.status))
		return outcome_park(TRANSFER_CLAIMING, ACTION_NO_WAKE);
	if (issue.status == ACTION_DONE)
		return outcome_done(transfer_show(s));
	cashu_child_error(&issue, &why);
	err_context(&why, "the payment was made, and the mint gave no ecash for it");
	return outcome_failed(&why, "yes");
}

/* --- hooks --- */

static struct outcome transfer_cancel(struct step *s, struct err *err)
{
	const struct transfer *m = s->checkpoint;
	struct err why;

	(void)err;
	if (s->row.state == TRANSFER_INVOICING) {
		ERR(&why, ERR_CANCELLED, "cancelled before anything was paid");
		return outcome_cancelled(&why);
	}
	ERR(&why, ERR_NOT_CANCELLABLE, "the payment is under way");
	if (s->row.state == TRANSFER_PAYING)
		err_hint(&why, "action.cancel id=%s, the payment itself", m->melt.s);
	return outcome_trouble(&why);
}

static json_t *transfer_progress(struct step *s, bool secrets)
{
	(void)secrets;
	return transfer_show(s);
}

static const char *transfer_explain(struct step *s)
{
	switch ((enum transfer_state)s->row.state) {
	case TRANSFER_INVOICING:
		return "It waits for an invoice of the mint that the ecash is to go to.";
	case TRANSFER_PAYING:
		return "The invoice is being paid with ecash of the other mint.";
	case TRANSFER_CLAIMING:
		return "The invoice is paid; the new ecash is being fetched.";
	}
	return "";
}

static const struct param transfer_params[] = {
	{
		.name = "amount",
		.type = PARAM_INT,
		.flags = PARAM_REQUIRED,
		.min = 1,
		.max = INT64_MAX,
		.help = "What is to arrive, in the unit.",
	},
	{
		.name = "from",
		.type = PARAM_STRING,
		.flags = PARAM_REQUIRED,
		.max = MINT_URL_MAX,
		.help = "URL of the mint whose ecash pays.",
	},
	{
		.name = "to",
		.type = PARAM_STRING,
		.flags = PARAM_REQUIRED,
		.max = MINT_URL_MAX,
		.help = "URL of the mint that makes the new ecash.",
	},
	{
		.name = "unit",
		.type = PARAM_STRING,
		.max = 15,
		.fallback = "sat",
		.help = "Unit of both.",
	},
	{
		.name = "max_fee",
		.type = PARAM_INT,
		.max = INT64_MAX,
		.fallback = "as for cashu_melt",
		.help = "What the payment may cost at most, beside the amount.",
	},
	{ 0 },
};

static const struct state_def transfer_states[] = {
	[TRANSFER_INVOICING] = { .name = "invoicing", .reply = invoicing_reply, .cancellable = true },
	[TRANSFER_PAYING] = { .name = "paying", .reply = paying_reply },
	[TRANSFER_CLAIMING] = { .name = "claiming", .reply = claiming_reply },
};

const struct action_kind cashu_transfer_kind = {
	.name = "cashu_transfer",
	.summary = "Move a balance from one mint to another: an invoice of the one is paid with ecash of the other.",
	.params = transfer_params,
	.states = transfer_states,
	.n_states = ARRAY_LEN(transfer_states),
	.needs_keys = true,
	.start = transfer_start,
	.save = transfer_save,
	.load = transfer_load,
	.cancel = transfer_cancel,
	.progress = transfer_progress,
	.explain = transfer_explain,
};
