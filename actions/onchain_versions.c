#include "actions/onchain_versions.h"

#include <string.h>

#include "store/chain_store.h"

#define PARENTS_DEEP 25          /* as long a chain of unconfirmed transactions as a mempool takes */
#define PARENT_ARENA (32u << 20) /* for any transaction of POLICY_WEIGHT_MAX, and its coins one by one */

/* --- what is kept of them --- */

static const char *const kind_names[] = {
	[VERSION_SEND] = "send",
	[VERSION_BUMP] = "bump",
	[VERSION_CANCEL] = "cancel",
};

const char *version_kind_name(enum version_kind k)
{
	return kind_names[k];
}

static bool kind_parse(const char *text, enum version_kind *ret)
{
	for (enum version_kind k = VERSION_SEND; k <= VERSION_CANCEL; k++)
		if (strcmp(kind_names[k], text) == 0) {
			*ret = k;
			return true;
		}
	return false;
}

json_t *versions_json(struct arena *a, const struct versions *vs)
{
	json_t *list = json_array_in(a);

	for (size_t i = 0; i < vs->n; i++) {
		json_t *v = json_object_in(a);

		onchain_set_txid(v, "txid", &vs->v[i].txid);
		json_set_str(v, "kind", kind_names[vs->v[i].kind]);
		json_set_bool(v, "maybe_out", vs->v[i].maybe_out);
		json_set_bool(v, "withdrawn", vs->v[i].withdrawn);
		json_set_u64(v, "fee_sat", sat_value(vs->v[i].fee));
		json_set_u64(v, "amount_sat", sat_value(vs->v[i].amount));
		json_add(list, v);
	}
	return list;
}

static int version_parse(const json_t *from, struct version *ret, struct err *err)
{
	const char *txid, *kind;
	uint64_t fee, amount;

	if (json_get_str(from, "txid", TXID_TEXT - 1, &txid, err) != 0 ||
	    json_get_str(from, "kind", 16, &kind, err) != 0 ||
	    json_get_bool(from, "maybe_out", &ret->maybe_out, err) != 0 ||
	    json_opt_bool(from, "withdrawn", &ret->withdrawn, err) != 0 ||
	    json_get_u64(from, "fee_sat", SAT_MONEY_MAX, &fee, err) != 0 ||
	    json_get_u64(from, "amount_sat", SAT_MONEY_MAX, &amount, err) != 0)
		return -1;
	if (!txid_parse(txid, &ret->txid) || !kind_parse(kind, &ret->kind) || !sat_from_u64(fee, &ret->fee) ||
	    !sat_from_u64(amount, &ret->amount))
		return ERR(err, ERR_PARSE, "a checkpoint with a bad transaction");
	return 0;
}

int versions_parse(const json_t *list, struct versions *ret, struct err *err)
{
	json_t *v;
	size_t i;

	*ret = (struct versions){ 0 };
	json_array_foreach(list, i, v)
	{
		if (i == VERSIONS_MAX)
			return ERR(err, ERR_PARSE, "a checkpoint with too many transactions");
		if (version_parse(v, &ret->v[i], err) != 0)
			return -1;
		ret->n++;
	}
	return ret->n > 0 ? 0 : ERR(err, ERR_PARSE, "a checkpoint without a transaction");
}

int versions_add(struct versions *vs, enum version_kind kind, const struct onchain_draft *d, struct err *err)
{
	struct version v = { .txid = tx_txid(&d->tx), .kind = kind, .fee = d->fee };
	struct sat back;

	if (vs->n == VERSIONS_MAX)
		return ERR(err, ERR_RANGE, "it was replaced %d times already", VERSIONS_MAX - 1);
	if (kind != VERSION_CANCEL && (!sat_add(d->change, d->fee, &back) || !sat_sub(d->spent_sum, back, &v.amount)))
		return ERR(err, ERR_INTERNAL, "a draft that does not add up");
	vs->v[vs->n++] = v;
	return 0;
}

size_t versions_living(const struct versions *vs)
{
	size_t n = 0;

	for (size_t i = 0; i < vs->n; i++)
		n += !vs->v[i].withdrawn;
	return n;
}

void versions_withdraw(struct versions *vs)
{
	struct version gone = vs->v[vs->n - 1];

	memmove(&vs->v[1], &vs->v[0], (vs->n - 1) * sizeof(vs->v[0]));
	gone.withdrawn = true;
	vs->v[0] = gone;
}

int versions_of_action(struct view v, struct arena *a, const struct action_id *id, struct versions *ret,
		       struct err *err)
{
	struct action_row row;
	json_t *cp, *list;

	if (action_store_get(v, a, id, &row, err) != 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	if (!row.checkpoint || strcmp(row.kind, "onchain_send") != 0)
		return 0;
	if (json_parse(a, bytes_of(row.checkpoint), JSON_DEPTH_MAX, &cp, err) != 0 ||
	    json_get_arr(cp, "versions", VERSIONS_MAX, &list, err) != 0 || versions_parse(list, ret, err) != 0)
		return -1;
	return 1;
}

bool versions_maybe_out(const struct versions *vs)
{
	for (size_t i = 0; i < vs->n; i++)
		if (vs->v[i].maybe_out)
			return true;
	return false;
}

/* --- how they stand --- */

static bool is_one_of(const struct versions *vs, const struct txid *txid)
{
	for (size_t i = 0; i < vs->n; i++)
		if (txid_equal(&vs->v[i].txid, txid))
			return true;
	return false;
}

static int depth_of(struct view v, const struct block_ref *block, uint32_t *ret, struct err *err)
{
	struct block_row tip;
	int found = chain_store_tip(v, &tip, err);

	if (found < 0)
		return -1;
	*ret = found && tip.ref.height >= block->height ? tip.ref.height - block->height + 1 : 1;
	return 0;
}

struct search {
	struct step *s;
	const struct versions *vs;
	struct standing_of *ret;
};

static int lost_by_parent(struct search *f, const struct txid *parent, unsigned deep, struct err *err);

/* 1: a block has a stranger's transaction that spends it, or it cannot come to be for a like reason. */
static int lost_by_input(struct search *f, const struct outpoint *at, unsigned deep, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(4 * UTXO_ROOM);
	struct utxo_row coin;
	enum tx_place place;
	int found = utxo_store_find(f->s->view, &a, at, &coin, err);

	if (found < 0)
		return -1;
	if (found == 0) /* a stranger's, for a parent of theirs */
		return tx_store_taker(f->s->view, at, &f->ret->rival, &f->ret->block, err);
	if (coin.state == UTXO_ABSENT)
		return lost_by_parent(f, &at->txid, deep, err);
	if (coin.state != UTXO_SPENT || is_one_of(f->vs, &coin.spent_by))
		return 0;
	found = tx_store_place(f->s->view, &coin.spent_by, &place, &f->ret->block, err);
	if (found <= 0 || place != TX_CONFIRMED)
		return found < 0 ? -1 : 0;
	f->ret->rival = coin.spent_by;
	return 1;
}

/* Of a transaction that no block has: by any of its inputs. */
static int lost_by_parent(struct search *f, const struct txid *parent, unsigned deep, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(PARENT_ARENA);
	struct tx_row row;
	struct tx tx;
	int rc = deep < PARENTS_DEEP ? tx_store_find(f->s->view, &a, parent, &row, err) : 0;

	if (rc <= 0 || row.place == TX_CONFIRMED)
		return rc < 0 ? -1 : 0;
	if (tx_decode(&a, row.raw, &tx, err) != 0)
		return err_context(err, "a stored transaction");
	for (size_t i = 0; i < tx.n_in; i++) {
		rc = lost_by_input(f, &tx.in[i].prevout, deep + 1, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int versions_standing(struct step *s, const struct versions *vs, struct standing_of *ret, struct err *err)
{
	struct standing_of out = { .what = STANDING_OPEN, .place = TX_OUT };
	struct search f = { s, vs, &out };
	int rc;

	for (size_t i = 0; i < vs->n; i++) {
		rc = tx_store_place(s->view, &vs->v[i].txid, &out.place, &out.block, err);
		if (rc < 0)
			return -1;
		if (rc > 0 && out.place == TX_CONFIRMED) {
			out.what = STANDING_MINED;
			out.winner = &vs->v[i];
			*ret = out;
			return depth_of(s->view, &out.block, &ret->depth, err);
		}
	}
	rc = lost_by_parent(&f, &vs->v[vs->n - 1].txid, 0, err);
	if (rc < 0)
		return -1;
	*ret = out;
	if (rc == 0)
		return 0;
	ret->what = STANDING_LOST;
	return depth_of(s->view, &out.block, &ret->depth, err);
}
