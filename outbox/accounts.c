/* outbox/accounts.c - signers and relayers come to their rows: once their keys were known, they are known for ever, also
 * while the wallet is locked. */
#include <string.h>

#include "base/clock.h"
#include "outbox/internal.h"
#include "outbox/lane_sync.h"
#include "rails/evm/address.h"
#include "rails/evm/directive.h"

/* The row that was made with this key before: whose key it must be.  None is fine. */
static int pin_space(struct view v, struct arena *a, struct space *s, struct err *err)
{
	struct space_row *rows;
	size_t n;

	if (s->key.has_row)
		return 0;
	if (space_store_list(v, a, &rows, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n && !s->key.has_row; i++)
		if (rows[i].chain_id == s->conf.chain_id && evm_address_equal(&rows[i].contract, &s->conf.contract) &&
		    strcmp(rows[i].key_ref, s->key.ref) == 0)
			key_source_pin(&s->key, &rows[i].signer);
	return 0;
}

static int pin_lane(struct view v, struct arena *a, struct lane *l, struct err *err)
{
	struct lane_row *rows;
	size_t n;

	if (l->key.has_row)
		return 0;
	if (lane_store_list(v, a, l->chain->conf.chain_id, &rows, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n && !l->key.has_row; i++)
		if (strcmp(rows[i].key_ref, l->key.ref) == 0)
			key_source_pin(&l->key, &rows[i].relayer);
	return 0;
}

static void set_space(struct space *s, int64_t id, const struct evm_address *signer)
{
	s->id = id;
	s->signer = *signer;
	directive_domain(s->conf.chain_id, &s->conf.contract, &s->domain);
}

static void set_lane(struct lane *l, int64_t id, const struct evm_address *relayer)
{
	char labels[32];

	l->id = id;
	l->address = *relayer;
	snprintf(labels, sizeof(labels), "lane=\"%lld\"", (long long)id);
	l->m_balance = metric_gauge("walletd_relayer_balance_wei", labels, "What the relayer's account holds.");
	l->m_open = metric_gauge("walletd_relayer_slots_open", labels, "Open transactions of the relayer.");
	l->m_replaced = metric_counter("walletd_relayer_replacements_total", labels,
				       "Transactions that were replaced.");
}

static int space_row(struct unit *u, struct space *s, struct err *err)
{
	struct space_row row = { .chain_id = s->conf.chain_id,
				 .contract = s->conf.contract,
				 .signer = s->key.address,
				 .key_ref = s->key.ref,
				 .ordering = s->conf.ordering,
				 .release_at = s->conf.release_at,
				 .halt_on_terminal = s->conf.halt_on_terminal,
				 .deploy_block = s->conf.deploy_block,
				 .created_at_ms = clock_now_ms() };
	int64_t id;

	if (!s->key.has_row && !s->key.key)
		return 0;
	if (space_store_put(u, &row, &id, err) != 0)
		return -1;
	set_space(s, id, &row.signer);
	return 0;
}

static int lane_row(struct unit *u, struct lane *l, struct err *err)
{
	int64_t id;

	if (!l->key.has_row && !l->key.key)
		return 0;
	if (lane_store_put(u, l->chain->conf.chain_id, &l->key.address, l->key.ref, clock_now_ms(), &id, err) != 0)
		return -1;
	if (l->id != id)
		set_lane(l, id, &l->key.address);
	return 0;
}

static int refresh_run(struct unit *u, void *ctx, struct err *err)
{
	struct outbox *ob = ctx;

	for (size_t i = 0; i < ob->n_chains; i++)
		for (size_t k = 0; k < ob->chains[i]->n_lanes; k++)
			if (lane_row(u, ob->chains[i]->lanes[k], err) != 0)
				return -1;
	for (size_t i = 0; i < ob->n_spaces; i++)
		if (space_row(u, ob->spaces[i], err) != 0)
			return -1;
	return 0;
}

static int pin_all(struct outbox *ob, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(4 * 1024 * 1024);
	struct view v = store_view(ob->opt.store);

	for (size_t i = 0; i < ob->n_chains; i++)
		for (size_t k = 0; k < ob->chains[i]->n_lanes; k++)
			if (pin_lane(v, &a, ob->chains[i]->lanes[k], err) != 0)
				return -1;
	for (size_t i = 0; i < ob->n_spaces; i++)
		if (pin_space(v, &a, ob->spaces[i], err) != 0)
			return -1;
	return 0;
}

static enum hold hold_for_key(const struct key_source *k, enum hold now)
{
	if (!k->key)
		return k->stranger ? HOLD_KEY_MISMATCH : HOLD_SIGNER_LOCKED;
	return now == HOLD_SIGNER_LOCKED || now == HOLD_KEY_MISMATCH ? HOLD_NOT_CHECKED : now;
}

static void set_holds(struct outbox *ob)
{
	for (size_t i = 0; i < ob->n_chains; i++)
		for (size_t k = 0; k < ob->chains[i]->n_lanes; k++) {
			struct lane *l = ob->chains[i]->lanes[k];
			enum hold hold = hold_for_key(&l->key, l->hold);

			if (hold != l->hold)
				lane_hold(l, hold, l->key.trouble.code == ERR_NONE ? NULL : l->key.trouble.msg);
		}
	for (size_t i = 0; i < ob->n_spaces; i++) {
		struct space *s = ob->spaces[i];
		enum hold hold = hold_for_key(&s->key, s->hold);

		if (hold != s->hold)
			space_hold(s, hold, s->key.trouble.code == ERR_NONE ? NULL : s->key.trouble.msg);
	}
}

static void refresh_keys(struct outbox *ob)
{
	for (size_t i = 0; i < ob->n_chains; i++)
		for (size_t k = 0; k < ob->chains[i]->n_lanes; k++)
			if (key_source_refresh(ob, &ob->chains[i]->lanes[k]->key))
				ob->accounts_due = true;
	for (size_t i = 0; i < ob->n_spaces; i++)
		if (key_source_refresh(ob, &ob->spaces[i]->key))
			ob->accounts_due = true;
}

void accounts_refresh(struct outbox *ob)
{
	struct err err;

	if (pin_all(ob, &err) != 0) { /* without them no key can be told from another */
		outbox_write_failed(ob, "outbox.accounts_unreadable", &err);
		return;
	}
	refresh_keys(ob);
	if (ob->accounts_due && store_health(ob->opt.store) == STORE_OK) {
		if (store_unit_now(ob->opt.store, refresh_run, ob, &err) == 0)
			ob->accounts_due = false;
		else
			outbox_write_failed(ob, "outbox.accounts_failed", &err);
	}
	set_holds(ob);
}
