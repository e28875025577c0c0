#include "exit/auto_claim.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "exit/claim.h"
#include "rails/ark/policy.h"
#include "rails/bitcoin/policy.h"
#include "store/exit_store.h"
#include "store/vtxo_store.h"

#define CLAIM_ARENA (256u << 20) /* of five hundred exits, each with its transactions */

/* --- how much it hurries --- */

struct hurry {
	struct view view;
	struct arena *a;
	uint32_t tip;
	bool any, now;
	struct err err; /* ERR_NONE: all went well */
};

static int look_at(struct hurry *h, const struct exit_row *row, struct err *err)
{
	struct exit_status s;
	struct vtxo_row vtxo;
	int rc = vtxo_store_get(h->view, h->a, row->vtxo_id, &vtxo, err);

	if (rc != 1)
		return rc < 0 ? -1 : ERR(err, ERR_INTERNAL, "an exit has no VTXO");
	if (exit_status_parse(h->a, row->checkpoint, &s, err) != 0)
		return -1;
	h->any = true;
	h->now = h->now || vtxo.policy != ARK_PUBKEY ||
		 (h->tip >= s.since.height && h->tip - s.since.height >= AUTO_CLAIM_BLOCKS);
	return 0;
}

static void look_at_claimable(void *ctx, const struct exit_row *row)
{
	struct hurry *h = ctx;

	if (row->state == EXIT_CLAIMABLE && h->err.code == ERR_NONE)
		(void)look_at(h, row, &h->err);
}

static int look_at_all(struct hurry *h, struct err *err)
{
	const struct exit_query q = { .filter = EXITS_LIVE, .limit = UINT32_MAX };

	if (exit_store_list(h->view, h->a, &q, look_at_claimable, h, err) < 0)
		return -1;
	if (h->err.code == ERR_NONE)
		return 0;
	*err = h->err;
	return -1;
}

/* --- the claim --- */

struct attempt {
	struct claim_order order;
	bool now;
	struct exits *exits;
	struct exit_claim_row claim;
};

static void claimed(void *exits, const struct err *failed)
{
	if (!failed)
		exits_claims_kick(exits);
}

static bool is_cheap(const struct exit_claim_row *claim)
{
	return sat_value(claim->fee) <= sat_value(claim->amount) / AUTO_CLAIM_FRACTION;
}

/* One that is too dear is undone with its unit. */
static int claim_unit(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(CLAIM_ARENA);
	struct attempt *t = ctx;

	if (exit_claim(u, &a, &t->order, clock_now_ms(), &t->claim, err) != 0)
		return -1;
	if (!t->now && !is_cheap(&t->claim))
		return ERR(err, ERR_FEE, "a fee of %" PRIu64 " sat for %" PRIu64 " sat can wait",
			   sat_value(t->claim.fee), sat_value(t->claim.amount));
	unit_after(u, claimed, t->exits);
	return 0;
}

static void tell(const struct exit_claim_row *claim)
{
	struct log log = log_module("exit");
	char txid[TXID_TEXT];

	txid_text(&claim->txid, txid);
	log_info(&log, "exit.auto_claimed", F_STR("claim", txid), F_UINT("amount_sat", sat_value(claim->amount)),
		 F_UINT("fee_sat", sat_value(claim->fee)));
}

int auto_claim(const struct auto_claim_options *opt, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(CLAIM_ARENA);
	struct attempt t = { .order.keys = exits_keys(opt->exits), .exits = opt->exits };
	struct hurry h = { .view = store_view(opt->store), .a = &a, .tip = opt->tip };
	struct log log = log_module("exit");
	struct fee_rates rates;

	if (!t.order.keys || !chain_last_fees(opt->chain, &rates, &(int64_t){ 0 }))
		return 0;
	if (look_at_all(&h, err) != 0)
		return -1;
	if (!h.any)
		return 0;
	t.order.rate = rates.rate[FEE_REGULAR];
	t.now = h.now;
	if (store_unit(opt->store, claim_unit, &t, NULL, err) == 0) {
		tell(&t.claim);
		return 1;
	}
	if (err_class_of(err->code) == ERR_STORE)
		return -1;
	log_debug(&log, "exit.auto_claim_waits", F_STR("error", err->msg));
	return 0;
}
