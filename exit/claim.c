#include "exit/claim.h"

#include <inttypes.h>

#include "base/hash.h"
#include "chain/gap.h"
#include "chain/told.h"
#include "exit/claim_psbt.h"
#include "exit/gather.h"
#include "exit/vtxo_show.h"
#include "rails/bitcoin/address.h"
#include "rails/bitcoin/policy.h"
#include "rails/bitcoin/sighash.h"
#include "rails/bitcoin/weigh.h"
#include "rails/keys/keyring.h"
#include "store/tx_store.h"

/* An input without its witness: outpoint, no script, sequence. */
#define EMPTY_INPUT 164u

/* --- the transaction --- */

static struct weight weight_of(const struct claim_input *in, size_t n, struct bytes script)
{
	struct weight w = weight_add(weigh_overhead(n, 1, true), weigh_output(script));

	for (size_t i = 0; i < n; i++) {
		w = weight_add(w, (struct weight){ EMPTY_INPUT });
		w = weight_add(w, ark_leaf_witness_weight(in[i].taproot, in[i].leaf));
	}
	return w;
}

/* Of a replacement also: it pays for its own relay, and more than what it replaces (4.3). */
static int fee_of(const struct claim_price *p, struct weight w, struct sat *ret, struct err *err)
{
	struct sat relay, least;

	if (!fee_for_weight_ceil(p->rate, w, ret))
		return ERR(err, ERR_FEE, "the fee is more than all money");
	if (!p->replaces)
		return 0;
	if (!fee_for_weight_ceil(p->incremental, w, &relay) || !sat_add(p->replaces->fee, relay, &least))
		return ERR(err, ERR_FEE, "the fee is more than all money");
	if (sat_cmp(*ret, least) < 0)
		*ret = least;
	return 0;
}

int claim_build(struct arena *a, const struct claim_input *in, size_t n, struct bytes script, uint32_t tip,
		const struct claim_price *price, struct tx *ret, struct sat *ret_fee, struct err *err)
{
	struct sat sum = { 0 }, value = { 0 }, fee, needed;

	*ret = (struct tx){ .version = 2, .locktime = tip, .n_in = n, .n_out = 1 };
	ret->in = ARENA_ARRAY(a, n, struct tx_in);
	ret->out = ARENA_NEW(a, struct tx_out);
	for (size_t i = 0; i < n; i++) {
		const struct ark_clause *c = &in[i].taproot->leaf[in[i].leaf].clause;

		ret->in[i] = (struct tx_in){ .prevout = in[i].at, .sequence = ark_clause_sequence(c) };
		if (ark_clause_locktime(c) > tip) /* */
			return ERR(err, ERR_ILLEGAL_STATE, "it cannot be claimed before the block %" PRIu32,
				   ark_clause_locktime(c));
		if (!sat_add(sum, in[i].amount, &sum))
			return ERR(err, ERR_RANGE, "more than all money");
	}
	if (fee_of(price, weight_of(in, n, script), &fee, err) != 0)
		return -1;
	if (!sat_sub(sum, fee, &value) || sat_cmp(value, policy_dust(script)) < 0) {
		if (!sat_add(fee, policy_dust(script), &needed))
			return ERR(err, ERR_FEE, "the fee is more than all money");
		ERR(err, ERR_FEE,
		    "a fee of %" PRIu64 " sat would leave nothing of %" PRIu64 " sat: %" PRIu64 " sat are needed",
		    sat_value(fee), sat_value(sum), sat_value(needed));
		return err_hint(err, "claim at a lower feerate, or several exits at once");
	}
	*ret->out = (struct tx_out){ value, script };
	*ret_fee = fee;
	return 0;
}

int claim_sign_input(struct arena *a, const struct sighash *h, size_t at, const struct claim_input *in,
		     struct keyring *keys, struct witness *ret, struct err *err)
{
	uint8_t *sig = ARENA_ARRAY(a, 64, uint8_t);
	struct hash32 digest;

	if (sighash_script_path(h, at, SIGHASH_DEFAULT, (struct bytes){ 0 }, &in->taproot->leaf[in->leaf].hash, &digest,
				err) != 0 ||
	    keyring_ark_sign(keys, in->key_index, &digest, sig, err) != 0 ||
	    ark_leaf_witness(a, in->taproot, in->leaf, sig, in->preimage, ret, err) != 0)
		return err_context(err, "input %zu of a claim", at);
	return 0;
}

int claim_sign(struct arena *a, const struct claim_input *in, struct keyring *keys, struct tx *tx, struct err *err)
{
	struct tx_out *spent = ARENA_ARRAY(a, tx->n_in, struct tx_out);
	struct sighash hash;

	for (size_t i = 0; i < tx->n_in; i++)
		spent[i] = (struct tx_out){ in[i].amount, in[i].script };
	sighash_init(&hash, tx, spent);
	for (size_t i = 0; i < tx->n_in; i++)
		if (claim_sign_input(a, &hash, i, &in[i], keys, &tx->in[i].witness, err) != 0)
			return -1;
	return 0;
}

int claim_destination(struct arena *a, enum network network, const char *address, struct bytes *ret, struct err *err)
{
	struct spk *spk = ARENA_NEW(a, struct spk);

	if (address_parse(address, network, spk, err) != 0)
		return -1;
	*ret = spk_bytes(spk);
	return 0;
}

/* --- in the wallet --- */

/* What is being put together. */
struct claiming {
	struct unit *u;
	struct arena *a;
	const struct claim_order *order;
	struct claim_input *in;
	int64_t *exits;
	size_t n;
	uint32_t tip;
	bool has_open;
	struct exit_claim_row open; /* the claim that all of them are in */
};

static int not_yet(const struct gathered *g, struct err *err)
{
	char text[OUTPOINT_TEXT];
	uint32_t height;

	outpoint_text(&g->row.vtxo, text);
	if (g->status.state == EXIT_AWAITING_DELTA && exit_claimable_height(&g->status, &height))
		return ERR(err, ERR_ILLEGAL_STATE,
			   "the exit of %s can be claimed from the block %" PRIu32 " on, in %" PRIu32 " blocks", text,
			   height, height > g->facts.tip.height ? height - g->facts.tip.height : 0);
	return ERR(err, ERR_ILLEGAL_STATE, "the exit of %s is %s, and not claimable", text,
		   exit_state_name(g->status.state));
}

int claim_input_of(struct view v, struct arena *a, int64_t exit_id, bool again, struct claim_input *ret,
		   uint32_t *ret_tip, struct err *err)
{
	SCOPED(arena) struct arena scratch = ARENA_LIMIT(GATHER_ARENA);
	struct ark_taproot *taproot;
	struct gathered g;
	int rc = gather(v, &scratch, exit_id, &g, err);

	if (rc < 0)
		return -1;
	if (rc == 0)
		return ERR(err, ERR_BUSY, "the chain is being searched: what can be claimed is not known yet");
	if (g.status.state != EXIT_CLAIMABLE && !(again && g.status.state == EXIT_CLAIM_IN_PROGRESS))
		return not_yet(&g, err);
	if (gather_clause(v, &scratch, &g, err) != 0)
		return -1;
	if (!g.facts.has_clause)
		return ERR(err, ERR_INTERNAL, "exit %" PRId64 " is claimable, and nothing opens it", exit_id);
	taproot = ARENA_NEW(a, struct ark_taproot);
	*taproot = g.taproot;
	*ret = (struct claim_input){ .at = g.row.vtxo,
				     .amount = g.row.amount,
				     .script = arena_bytes(a, g.vtxo.script),
				     .taproot = taproot,
				     .leaf = g.leaf,
				     .key_index = g.vtxo.key_index,
				     .preimage = arena_bytes(a, (struct bytes){ g.preimage, PREIMAGE_SIZE }).p,
				     .exit_id = exit_id,
				     .vtxo_id = g.vtxo.id };
	*ret_tip = g.facts.tip.height;
	return 0;
}

/* The claim that is open for this exit: 1, 0, -1. */
static int find_open(struct view v, struct arena *a, int64_t exit_id, struct exit_claim_row *ret, struct err *err)
{
	int rc = exit_claim_store_of(v, a, exit_id, ret, err);

	return rc == 1 ? ret->status == CLAIM_PREPARED || ret->status == CLAIM_SENT : rc;
}

static int check_open(struct claiming *c, int64_t exit_id, struct err *err)
{
	struct exit_claim_row claim;
	char text[TXID_TEXT];
	int rc = find_open(unit_view(c->u), c->a, exit_id, &claim, err);

	if (rc < 0)
		return -1;
	if (rc == 0) {
		if (c->has_open)
			return ERR(err, ERR_CONFLICT, "the claim that is replaced does not have all of these exits");
		return 0;
	}
	txid_text(&claim.txid, text);
	if (!c->order->replace) {
		ERR(err, ERR_CONFLICT, "it is being claimed by %s", text);
		return err_hint(err, "wait for a block, or replace=true with a higher feerate");
	}
	if (c->n > 0 && (!c->has_open || c->open.id != claim.id))
		return ERR(err, ERR_CONFLICT, "these exits are in different claims");
	c->has_open = true;
	c->open = claim;
	return 0;
}

static int add_exit(struct claiming *c, int64_t id, struct err *err)
{
	struct claim_input in;

	if (claim_input_of(unit_view(c->u), c->a, id, c->order->replace, &in, &c->tip, err) != 0)
		return -1;
	if (c->n == CLAIM_INPUTS_MAX)
		return ERR(err, ERR_RANGE, "more than %u exits in one claim", CLAIM_INPUTS_MAX);
	if (check_open(c, id, err) != 0)
		return -1;
	c->exits[c->n] = id;
	c->in[c->n++] = in;
	return 0;
}

static int add_named(struct claiming *c, struct err *err)
{
	for (size_t i = 0; i < c->order->n; i++) {
		char text[OUTPOINT_TEXT];
		struct exit_row row;
		int rc = exit_store_find(unit_view(c->u), c->a, &c->order->vtxos[i], &row, err);

		if (rc < 0)
			return -1;
		outpoint_text(&c->order->vtxos[i], text);
		if (rc == 0)
			return ERR(err, ERR_NOT_FOUND, "there is no exit of the VTXO %s", text);
		for (size_t k = 0; k < c->n; k++)
			if (c->exits[k] == row.id)
				return ERR(err, ERR_PARAM, "the VTXO %s is named twice", text);
		if (add_exit(c, row.id, err) != 0)
			return -1;
	}
	return 0;
}

/* Exits that can be claimed and that no claim is open for: a page of those that live. */
#define PAGE 100u
struct page {
	int64_t ids[PAGE], after;
	size_t n;
};

static void add_claimable(void *ctx, const struct exit_row *row)
{
	struct page *page = ctx;

	page->after = row->id;
	if (row->state == EXIT_CLAIMABLE)
		page->ids[page->n++] = row->id;
}

/* The next page, from after page->after on: 1, 0 when there is none, -1. */
static int next_page(struct view v, struct page *page, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(GATHER_ARENA);
	const struct exit_query q = { .filter = EXITS_LIVE, .after = page->after, .limit = PAGE };
	size_t n, kept = 0;
	int rc;

	page->n = 0;
	rc = exit_store_list(v, &a, &q, add_claimable, page, err);
	n = page->n;
	for (size_t i = 0; i < n && rc > 0; i++) {
		struct exit_claim_row claim;
		int open = find_open(v, &a, page->ids[i], &claim, err);

		if (open < 0)
			return -1;
		if (open == 0)
			page->ids[kept++] = page->ids[i];
	}
	page->n = kept;
	return rc < 0 ? -1 : rc > 0;
}

/* All that can be claimed, but for those that a claim is open for. */
static int add_all(struct claiming *c, struct err *err)
{
	struct page page = { .after = 0 };
	int rc;

	while ((rc = next_page(unit_view(c->u), &page, err)) == 1)
		for (size_t i = 0; i < page.n; i++) {
			if (c->n == CLAIM_INPUTS_MAX)
				return 0; /* the others are for the next one */
			if (add_exit(c, page.ids[i], err) != 0)
				return -1;
		}
	return rc;
}

int claim_count(struct view v, size_t *ret, struct err *err)
{
	struct page page = { .after = 0 };
	size_t n = 0;
	int rc;

	while ((rc = next_page(v, &page, err)) == 1)
		n += page.n;
	*ret = n;
	return rc;
}

static int destination(struct claiming *c, struct bytes *ret, bool *ret_own, int64_t now_ms, struct err *err)
{
	struct script_row script;
	unsigned added;
	int rc;

	if (c->order->script.n == 0 && c->has_open && c->open.own) {
		*ret = c->open.script; /* a replacement uses up no address */
		*ret_own = true;
		return 0;
	}
	if (c->order->script.n > 0) {
		rc = script_store_find(unit_view(c->u), c->a, c->order->script, &script, err);
		*ret = c->order->script;
		*ret_own = rc == 1;
		return rc < 0 ? -1 : 0;
	}
	if (script_store_give(c->u, c->a, SCRIPT_RECEIVE, "claim of an exit", now_ms, &script, err) != 0 ||
	    gap_fill(c->u, &added, err) != 0)
		return -1;
	*ret = script.script;
	*ret_own = true;
	return 0;
}

/* What it pays to us is expected from now on.  Its fee is the VTXOs', and in the ledger with them: on chain none is known. */
static int expect_own(struct claiming *c, const struct tx *tx, struct bytes raw, int64_t now_ms, struct err *err)
{
	struct own_tx own = { .kind = "claim", .action = exit_holder(c->exits[0]), .trust = TRUST_WAIT };
	struct told_tx told;

	if (told_of(c->a, raw, tx, &told, err) != 0)
		return -1;
	return tx_store_add_own(c->u, &told, &own, now_ms, err);
}

/* Signed, and as it is to be stored. */
static int make(struct claiming *c, int64_t now_ms, struct exit_claim_row *ret, struct tx *ret_tx, struct err *err)
{
	const struct claim_price price = {
		.rate = c->order->rate,
		.replaces = c->has_open ? &c->open : NULL,
		.incremental = c->order->incremental,
	};
	struct exit_claim_row claim = { .status = CLAIM_PREPARED,
					.replaces = c->has_open ? c->open.id : 0,
					.created_at_ms = now_ms };
	struct tx tx;

	if (destination(c, &claim.script, &claim.own, now_ms, err) != 0 ||
	    claim_build(c->a, c->in, c->n, claim.script, c->tip, &price, &tx, &claim.fee, err) != 0 ||
	    claim_sign(c->a, c->in, c->order->keys, &tx, err) != 0)
		return -1;
	claim.weight = tx_weight(&tx);
	if (weight_vsize(claim.weight) != weight_vsize(weight_of(c->in, c->n, claim.script)) || tx_check(&tx, err) != 0)
		return ERR(err, ERR_INTERNAL, "a claim is not what was planned");
	claim.txid = tx_txid(&tx);
	claim.raw = tx_bytes(c->a, &tx);
	claim.amount = tx.out[0].value;
	*ret = claim;
	*ret_tx = tx;
	return 0;
}

static int collect(struct claiming *c, struct err *err)
{
	const struct claim_order *o = c->order;

	if (!o->keys)
		return ERR(err, ERR_WALLET_LOCKED, "the wallet is locked");
	if (o->n > CLAIM_INPUTS_MAX)
		return ERR(err, ERR_RANGE, "more than %u exits in one claim", CLAIM_INPUTS_MAX);
	c->in = ARENA_ARRAY(c->a, CLAIM_INPUTS_MAX, struct claim_input);
	c->exits = ARENA_ARRAY(c->a, CLAIM_INPUTS_MAX, int64_t);
	if ((o->n > 0 ? add_named(c, err) : add_all(c, err)) != 0)
		return -1;
	if (c->n > 0)
		return 0;
	ERR(err, ERR_NOT_FOUND, "nothing can be claimed now");
	return err_hint(err, "exit.list shows from which block on");
}

int exit_claim(struct unit *u, struct arena *a, const struct claim_order *o, int64_t now_ms, struct exit_claim_row *ret,
	       struct err *err)
{
	struct claiming c = { .u = u, .a = a, .order = o };
	struct exit_claim_row claim;
	struct tx tx;

	if (o->replace && o->n == 0) {
		ERR(err, ERR_PARAM, "which claim is to be replaced?");
		return err_field(err, "vtxo_ids");
	}
	if (collect(&c, err) != 0 || make(&c, now_ms, &claim, &tx, err) != 0 ||
	    exit_claim_store_add(u, &claim, c.exits, c.n, now_ms, &claim.id, err) != 0 ||
	    (claim.own && expect_own(&c, &tx, claim.raw, now_ms, err) != 0))
		return -1;
	*ret = claim;
	return 0;
}

int exit_claim_psbt(struct unit *u, struct arena *a, const struct claim_order *o, int64_t now_ms,
		    struct exit_claim_row *ret, const char **ret_psbt, struct err *err)
{
	struct claiming c = { .u = u, .a = a, .order = o };
	struct exit_claim_row claim;
	struct tx tx;

	if (o->replace) {
		ERR(err, ERR_PARAM, "what is under way is replaced by what this wallet sends itself");
		return err_field(err, "replace");
	}
	if (collect(&c, err) != 0 || make(&c, now_ms, &claim, &tx, err) != 0 ||
	    claim_psbt_of(unit_view(u), a, c.in, &tx, ret_psbt, err) != 0 ||
	    claim_psbt_keep(u, c.in, c.n, &claim.txid, claim.fee, now_ms, err) != 0)
		return -1;
	*ret = claim;
	return 0;
}

/* --- what it takes beside a signature --- */

int exit_add_preimage(struct unit *u, struct arena *a, const struct outpoint *vtxo,
		      const uint8_t preimage[PREIMAGE_SIZE], struct err *err)
{
	const struct ark_clause *clause;
	struct vtxo_row row;
	struct ark_taproot tap;
	struct hash32 hash;
	struct vtxo v;
	size_t leaf;
	int rc = vtxo_store_find(unit_view(u), a, vtxo, &row, err);

	if (rc < 0)
		return -1;
	if (rc == 0) {
		ERR(err, ERR_NOT_FOUND, "this wallet has no such VTXO");
		return err_field(err, "vtxo_id");
	}
	if (vtxo_load(unit_view(u), a, row.id, &v, err) != 0 || ark_policy_taproot(&v.policy, &v.terms, &tap, err) != 0)
		return -1;
	leaf = ark_taproot_leaf_of(&tap, &v.policy.user);
	clause = leaf < tap.n_leaves ? &tap.leaf[leaf].clause : NULL;
	if (!clause || (clause->flags & ARK_PREIMAGE) == 0) {
		ERR(err, ERR_ILLEGAL_STATE, "this VTXO is claimed without a preimage");
		return err_field(err, "vtxo_id");
	}
	sha256((struct bytes){ preimage, PREIMAGE_SIZE }, &hash);
	if (!hash32_equal(&hash, &clause->hash)) {
		ERR(err, ERR_PARAM, "this is not the preimage of the hash that it was paid to");
		return err_field(err, "preimage");
	}
	return ark_preimage_add(u, preimage, &hash, err);
}
