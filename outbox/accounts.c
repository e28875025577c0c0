/* outbox/accounts.c - signers and relayers come to their rows: once their keys were known, they are known for ever, also
 * while the wallet is locked. */
#include <string.h>

#include "base/clock.h"
#include "outbox/internal.h"
#include "outbox/lane_sync.h"
#include "rails/evm/address.h"
#include "rails/evm/directive.h"

struct refresh {
	struct outbox *ob;
	struct arena *arena;
};

/* The row that was made with this key before, or -1 with ERR_NOT_FOUND. */
static int known_space(struct view v, struct arena *a, const struct space *s, struct space_row *ret, struct err *err)
{
	struct space_row *rows;
	size_t n;

	if (space_store_list(v, a, &rows, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (rows[i].chain_id == s->conf.chain_id && evm_address_equal(&rows[i].contract, &s->conf.contract) &&
		    strcmp(rows[i].key_ref, s->key.ref) == 0) {
			*ret = rows[i];
			return 0;
		}
	return ERR(err, ERR_NOT_FOUND, "no space was made with %s yet", s->key.ref);
}

static int known_lane(struct view v, struct arena *a, const struct lane *l, struct lane_row *ret, struct err *err)
{
	struct lane_row *rows;
	size_t n;

	if (lane_store_list(v, a, l->chain->conf.chain_id, &rows, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].key_ref, l->key.ref) == 0) {
			*ret = rows[i];
			return 0;
		}
	return ERR(err, ERR_NOT_FOUND, "no lane was made with %s yet", l->key.ref);
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

static int space_row(struct unit *u, struct refresh *r, struct space *s, struct err *err)
{
	struct space_row row = { .chain_id = s->conf.chain_id,
				 .contract = s->conf.contract,
				 .key_ref = s->key.ref,
				 .ordering = s->conf.ordering,
				 .release_at = s->conf.release_at,
				 .halt_on_terminal = s->conf.halt_on_terminal,
				 .deploy_block = s->conf.deploy_block,
				 .created_at_ms = clock_now_ms() };
	struct space_row found;
	int64_t id;

	if (known_space(unit_view(u), r->arena, s, &found, err) == 0)
		row.signer = found.signer;
	else if (err->code != ERR_NOT_FOUND)
		return -1;
	else if (s->key.key)
		row.signer = s->key.address;
	else
		return 0;
	s->mismatch = s->key.key && !evm_address_equal(&row.signer, &s->key.address);
	if (space_store_put(u, &row, &id, err) != 0)
		return -1;
	set_space(s, id, &row.signer);
	return 0;
}

static int lane_row(struct unit *u, struct refresh *r, struct lane *l, struct err *err)
{
	struct evm_address relayer;
	struct lane_row found;
	int64_t id;

	if (known_lane(unit_view(u), r->arena, l, &found, err) == 0)
		relayer = found.relayer;
	else if (err->code != ERR_NOT_FOUND)
		return -1;
	else if (l->key.key)
		relayer = l->key.address;
	else
		return 0;
	l->mismatch = l->key.key && !evm_address_equal(&relayer, &l->key.address);
	if (lane_store_put(u, l->chain->conf.chain_id, &relayer, l->key.ref, clock_now_ms(), &id, err) != 0)
		return -1;
	if (l->id != id)
		set_lane(l, id, &relayer);
	return 0;
}

static int refresh_run(struct unit *u, void *ctx, struct err *err)
{
	struct refresh *r = ctx;

	for (size_t i = 0; i < r->ob->n_chains; i++)
		for (size_t k = 0; k < r->ob->chains[i]->n_lanes; k++)
			if (lane_row(u, r, r->ob->chains[i]->lanes[k], err) != 0)
				return -1;
	for (size_t i = 0; i < r->ob->n_spaces; i++)
		if (space_row(u, r, r->ob->spaces[i], err) != 0)
			return -1;
	return 0;
}

/* The same reference gives another address than before: another seed, or a file that was exchanged. */
static enum hold hold_for_key(const struct key_source *k, bool mismatch, enum hold now)
{
	if (!k->key)
		return HOLD_SIGNER_LOCKED;
	if (mismatch)
		return HOLD_KEY_MISMATCH;
	return now == HOLD_SIGNER_LOCKED || now == HOLD_KEY_MISMATCH ? HOLD_NOT_CHECKED : now;
}

static void set_holds(struct outbox *ob)
{
	for (size_t i = 0; i < ob->n_chains; i++)
		for (size_t k = 0; k < ob->chains[i]->n_lanes; k++) {
			struct lane *l = ob->chains[i]->lanes[k];
			enum hold hold = hold_for_key(&l->key, l->mismatch, l->hold);

			if (hold != l->hold)
				lane_hold(l, hold, l->key.trouble.code == ERR_NONE ? NULL : l->key.trouble.msg);
		}
	for (size_t i = 0; i < ob->n_spaces; i++) {
		struct space *s = ob->spaces[i];
		enum hold hold = hold_for_key(&s->key, s->mismatch, s->hold);

		if (hold != s->hold)
			space_hold(s, hold, s->key.trouble.code == ERR_NONE ? NULL : s->key.trouble.msg);
	}
}

void accounts_refresh(struct outbox *ob)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(4 * 1024 * 1024);
	struct refresh r = { ob, &a };
	struct err err;

	for (size_t i = 0; i < ob->n_chains; i++)
		for (size_t k = 0; k < ob->chains[i]->n_lanes; k++)
			key_source_refresh(ob, &ob->chains[i]->lanes[k]->key);
	for (size_t i = 0; i < ob->n_spaces; i++)
		key_source_refresh(ob, &ob->spaces[i]->key);
	if (store_health(ob->opt.store) == STORE_OK && store_unit_now(ob->opt.store, refresh_run, &r, &err) != 0)
		outbox_write_failed(ob, "outbox.accounts_failed", &err);
	set_holds(ob);
}
