#include "exit/step.h"

#include <assert.h>
#include <string.h>

static const char *const trouble_names[] = {
	[TROUBLE_NONE] = "none",
	[TROUBLE_DUST_LIMIT] = "dust-limit",
	[TROUBLE_MISSING_CLAUSE] = "claim-missing-signable-clause",
	[TROUBLE_INPUT_CONFLICT] = "exit-input-conflict",
	[TROUBLE_FUNDS] = "insufficient-confirmed-funds",
	[TROUBLE_BROADCAST] = "exit-package-broadcast-failure",
	[TROUBLE_FEE_CAP] = "fee-cap-reached",
	[TROUBLE_CHILD_TOO_LARGE] = "child-too-large",
	[TROUBLE_NODE_POLICY] = "node-policy-unsupported",
	[TROUBLE_FEES_UNKNOWN] = "fee-rate-retrieval-failure",
	[TROUBLE_LOCKED] = "wallet-locked",
	[TROUBLE_INTERNAL] = "internal-error",
};

const char *exit_trouble_name(enum exit_trouble_tag t)
{
	return trouble_names[t];
}

static void put_txid(json_t *obj, const char *name, const struct txid *txid)
{
	char text[TXID_TEXT];

	txid_text(txid, text);
	json_set_str(obj, name, text);
}

const char *exit_trouble_text(struct arena *a, const struct exit_trouble *t)
{
	json_t *obj = json_object_in(a);

	json_set_str(obj, "type", exit_trouble_name(t->tag));
	switch (t->tag) {
	case TROUBLE_FUNDS:
		json_set_u64(obj, "needed", sat_value(t->needed));
		json_set_u64(obj, "available", sat_value(t->available));
		break;
	case TROUBLE_DUST_LIMIT:
		json_set_u64(obj, "amount", sat_value(t->available));
		json_set_u64(obj, "dust", sat_value(t->needed));
		break;
	case TROUBLE_INPUT_CONFLICT:
		put_txid(obj, "txid", &t->txid);
		put_txid(obj, "spender", &t->spender);
		json_set_int(obj, "confirmations", t->confirmations);
		break;
	case TROUBLE_BROADCAST:
	case TROUBLE_CHILD_TOO_LARGE:
	case TROUBLE_FEE_CAP:
		put_txid(obj, "txid", &t->txid);
		break;
	case TROUBLE_NONE:
	case TROUBLE_MISSING_CLAUSE:
	case TROUBLE_NODE_POLICY:
	case TROUBLE_FEES_UNKNOWN:
	case TROUBLE_LOCKED:
	case TROUBLE_INTERNAL:
		break;
	}
	if (t->words)
		json_set_str(obj, "error", t->words);
	return json_text(a, obj);
}

bool exit_trouble_is(const char *text, enum exit_trouble_tag tag)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(256u * 1024);
	const char *type;
	struct err ignored; /* what cannot be read is none that is known */
	json_t *obj;

	return text && json_parse(&a, bytes_of(text), JSON_DEPTH_MAX, &obj, &ignored) == 0 &&
	       json_get_str(obj, "type", 64, &type, &ignored) == 0 && strcmp(type, exit_trouble_name(tag)) == 0;
}

/* --- one transaction --- */

static bool parent_confirmed(const struct exit_facts *f, size_t i)
{
	return i == 0 ? f->root_confirmed : f->txs[i - 1].place == EXIT_TX_CONFIRMED;
}

static const struct txid *parent_of(const struct exit_facts *f, size_t i)
{
	return i == 0 ? &f->root : &f->txids[i - 1];
}

/* Observing it (1.5): who pays, and does a block have it? */
static struct exit_tx_status observe(const struct exit_facts *f, size_t i)
{
	const struct exit_tx_facts *t = &f->txs[i];
	struct exit_tx_status now = { .txid = f->txids[i] };

	if (t->place == EXIT_TX_CONFIRMED) {
		now.part = PART_CONFIRMED;
		now.block = t->block;
		now.payer = t->payer;
	} else if (t->payer.exists) {
		now.part = PART_AWAITING_CONFIRMED;
		now.payer = t->payer;
		/* A block that has the child has this one too.  Who looks at output after output sees one before the other:
		 * history has no line for the moment between. */
		now.payer.confirmed = false;
		if (now.payer.origin == CHILD_BLOCK)
			now.payer.origin = CHILD_MEMPOOL;
	} else {
		now.part = PART_AWAITING_CPFP;
	}
	return now;
}

static struct exit_tx_status tx_next(const struct exit_tx_status *was, const struct exit_facts *f, size_t i)
{
	struct exit_tx_status now = observe(f, i);

	if (now.part == PART_CONFIRMED || parent_confirmed(f, i))
		return now;
	/* What is on its way stays so while its parent is being mined again. */
	if (now.part == PART_AWAITING_CONFIRMED && was->part >= PART_AWAITING_CONFIRMED)
		return now;
	now.part = PART_AWAITING_INPUTS;
	now.waits_for = *parent_of(f, i);
	return now;
}

static uint32_t depth_of(const struct exit_facts *f, uint32_t height)
{
	return f->tip.height >= height ? f->tip.height - height + 1 : 0;
}

/* --- the exit --- */

static void move_to(struct exit_move *m, const struct exit_facts *f, struct exit_status to)
{
	to.tip_height = f->tip.height;
	m->to = to;
}

static void all_unverified(struct arena *a, struct exit_move *m, const struct exit_facts *f)
{
	struct exit_status to = { .state = EXIT_PROCESSING, .n_txs = f->n_txs };

	to.txs = ARENA_ARRAY(a, f->n_txs, struct exit_tx_status);
	for (size_t i = 0; i < f->n_txs; i++) {
		to.txs[i].txid = f->txids[i];
		to.txs[i].part = PART_VERIFY_INPUTS;
	}
	move_to(m, f, to);
}

static void start(struct arena *a, const struct exit_facts *f, struct exit_move *m)
{
	struct sat dust;
	bool fits = sat_from_u64(EXIT_DUST, &dust);

	assert(fits);
	if (sat_cmp(f->amount, dust) < 0) {
		m->trouble = (struct exit_trouble){ .tag = TROUBLE_DUST_LIMIT, .needed = dust, .available = f->amount };
		return;
	}
	all_unverified(a, m, f);
}

/* When its output may be spent, counted from the block that has the last transaction. */
static uint32_t matures_at(const struct exit_facts *f, const struct block_ref *leaf)
{
	uint64_t height = (uint64_t)leaf->height + f->delta;

	height = f->locktime > height ? f->locktime : height;
	return height > UINT32_MAX ? UINT32_MAX : (uint32_t)height;
}

static void await_delta(const struct exit_facts *f, struct exit_move *m)
{
	const struct block_ref *leaf = &f->txs[f->n_txs - 1].block;

	move_to(m, f,
		(struct exit_status){ .state = EXIT_AWAITING_DELTA,
				      .confirmed = *leaf,
				      .claimable_height = matures_at(f, leaf),
				      .waits_for_cltv = matures_at(f, leaf) != leaf->height + f->delta });
}

/* 1: it is over; -1: it cannot go on for now; 0. */
static int conflict_at(const struct exit_facts *f, size_t i, struct exit_move *m)
{
	const struct exit_tx_facts *t = &f->txs[i];

	if (t->place == EXIT_TX_CONFIRMED || !t->has_rival)
		return 0;
	if (depth_of(f, t->rival_block.height) >= EXIT_CONFLICT_FINAL)
		return 1;
	m->trouble = (struct exit_trouble){ .tag = TROUBLE_INPUT_CONFLICT,
					    .txid = f->txids[i],
					    .spender = t->rival,
					    .confirmations = depth_of(f, t->rival_block.height) };
	return -1;
}

static void process(struct arena *a, const struct exit_status *from, const struct exit_facts *f, struct exit_move *m)
{
	struct exit_status to = *from;
	bool all = true;

	/* A list that does not fit its transactions is made anew: it says nothing that the chain does not. */
	if (from->n_txs != f->n_txs) {
		all_unverified(a, m, f);
		return;
	}
	to.txs = ARENA_ARRAY(a, f->n_txs, struct exit_tx_status);
	memcpy(to.txs, from->txs, f->n_txs * sizeof(*to.txs));
	for (size_t i = 0; i < f->n_txs; i++) {
		int c = conflict_at(f, i, m);

		if (c > 0) {
			move_to(m, f, (struct exit_status){ .state = EXIT_ALREADY_SPENT, .conflict = true });
			return;
		}
		if (c < 0) {
			all = false;
			break; /* what the others have become is kept (1.6) */
		}
		to.txs[i] = tx_next(&from->txs[i], f, i);
		all = all && to.txs[i].part == PART_CONFIRMED;
	}
	if (all && f->has_clause) {
		await_delta(f, m);
		return;
	}
	if (all)
		m->trouble.tag = TROUBLE_MISSING_CLAUSE; /* with the state */
	if (!exit_status_equal(from, &to))
		move_to(m, f, to);
}

/* Is the last transaction where it was?  If not, *m says where that leads (1.4, [X-2]). */
static bool leaf_holds(struct arena *a, const struct exit_status *from, const struct exit_facts *f, struct exit_move *m)
{
	const struct exit_tx_facts *leaf = &f->txs[f->n_txs - 1];

	if (leaf->place != EXIT_TX_CONFIRMED) {
		all_unverified(a, m, f);
		return false;
	}
	if (!block_ref_equal(&leaf->block, &from->confirmed)) {
		await_delta(f, m);
		return false;
	}
	return true;
}

/* The block at this height; of one that is not kept any more, the tip serves as well: nothing reorganises so deep. */
static struct block_ref block_at(const struct exit_facts *f, uint32_t height)
{
	struct block_ref ref;

	return f->block_at(f->ctx, height, &ref) ? ref : (struct block_ref){ height, f->tip.hash };
}

static void delta(struct arena *a, const struct exit_status *from, const struct exit_facts *f, struct exit_move *m)
{
	if (!leaf_holds(a, from, f, m) || f->tip.height < from->claimable_height)
		return;
	move_to(m, f,
		(struct exit_status){ .state = EXIT_CLAIMABLE,
				      .confirmed = from->confirmed,
				      .since = block_at(f, from->claimable_height) });
}

/* Where its output leads: spent in a block, on its way, or not at all. */
static struct exit_status by_spend(const struct exit_status *from, const struct exit_facts *f)
{
	struct exit_status to = { .confirmed = from->confirmed, .since = from->since };

	switch (f->spend) {
	case EXIT_SPENT_MINED:
		to.state = EXIT_CLAIMED;
		to.spender = f->spender;
		to.spent_in = f->spent_in;
		to.spent_by_us = f->spent_by_us;
		break;
	case EXIT_SPENT_MEMPOOL:
		to.state = EXIT_CLAIM_IN_PROGRESS;
		to.spender = f->spender;
		break;
	case EXIT_UNSPENT:
		to.state = EXIT_CLAIMABLE;
		break;
	}
	return to;
}

static void claimable(struct arena *a, const struct exit_status *from, const struct exit_facts *f, struct exit_move *m)
{
	struct exit_status to;
	struct block_ref there;

	if (!leaf_holds(a, from, f, m))
		return;
	to = by_spend(from, f);
	/* The tip may be below for a moment, in a reorganisation: a claim would have to wait. */
	if (f->tip.height < from->since.height && to.state != EXIT_CLAIMED) {
		await_delta(f, m);
		return;
	}
	if (f->block_at(f->ctx, from->since.height, &there))
		to.since = there;
	if (!exit_status_equal(from, &to))
		move_to(m, f, to);
}

static void claimed(struct arena *a, const struct exit_status *from, const struct exit_facts *f, struct exit_move *m)
{
	struct exit_status to;

	if (!leaf_holds(a, from, f, m))
		return;
	to = by_spend(from, f);
	if (to.state == EXIT_CLAIMED) {
		/* */
		m->live = depth_of(f, to.spent_in.height) < (to.spent_by_us ? f->final_confs : EXIT_LOST_FINAL);
	} else if (f->tip.height < matures_at(f, &from->confirmed)) {
		await_delta(f, m);
		return;
	} else {
		to.since = block_at(f, matures_at(f, &from->confirmed));
	}
	if (!exit_status_equal(from, &to))
		move_to(m, f, to);
}

void exit_step(struct arena *a, const struct exit_status *from, const struct exit_facts *f, struct exit_move *ret)
{
	struct exit_move m = { .to = *from, .live = true };

	assert(f->n_txs > 0);
	if (f->spent_off_chain && (from->state == EXIT_START || from->state == EXIT_PROCESSING)) {
		move_to(&m, f, (struct exit_status){ .state = EXIT_ALREADY_SPENT });
	} else {
		switch (from->state) {
		case EXIT_START:
			start(a, f, &m);
			break;
		case EXIT_PROCESSING:
			process(a, from, f, &m);
			break;
		case EXIT_AWAITING_DELTA:
			delta(a, from, f, &m);
			break;
		case EXIT_CLAIMABLE:
		case EXIT_CLAIM_IN_PROGRESS:
			claimable(a, from, f, &m);
			break;
		case EXIT_CLAIMED:
			claimed(a, from, f, &m);
			break;
		case EXIT_ALREADY_SPENT:
		case EXIT_CANCELED:
			break;
		}
	}
	m.changed = !exit_status_equal(from, &m.to);
	if (m.to.state == EXIT_ALREADY_SPENT || m.to.state == EXIT_CANCELED)
		m.live = false;
	*ret = m;
}

enum exit_want exit_wants(const struct exit_status *s, const struct exit_facts *f, size_t *ret_tx)
{
	if (s->state != EXIT_PROCESSING || s->n_txs != f->n_txs)
		return WANT_NOTHING;
	for (size_t i = 0; i < s->n_txs; i++) {
		const struct exit_tx_facts *t = &f->txs[i];

		if (s->txs[i].part == PART_CONFIRMED)
			continue;
		*ret_tx = i;
		if (!parent_confirmed(f, i) || t->has_rival)
			return WANT_NOTHING;
		if (!t->payer.exists)
			return WANT_CHILD;
		return t->payer_seen ? WANT_LOOK : WANT_SEND;
	}
	return WANT_NOTHING;
}
