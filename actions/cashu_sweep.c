/* actions/cashu_sweep.c - ask a mint for signatures that it may have made after we gave up on them: NUT-09, spec/cashu.md
 * 4.12.
 *
 *   picking → asking → checking → taking → picking … → done
 *
 * A copy of a request that the network kept may reach the mint long after its action has ended.  The outputs are still
 * here (R2); whatever the mint says that it has signed of them, and that is not spent, becomes ours.  Most have never been
 * signed, and then one question for SWEEP_BATCH of them is all.  The checkpoint holds no more than which outputs are in
 * question: what they are is in their rows, and a mint gives the same signatures as often as it is asked. */
#include <assert.h>

#include "actions/cashu.h"
#include "actions/cashu_sweep.h"
#include "actions/executor.h"
#include "actions/kinds.h"
#include "base/clock.h"
#include "rails/cashu/checkstate.h"
#include "rails/cashu/dhke.h"
#include "rails/cashu/keyset.h"
#include "rails/cashu/mint_info.h"
#include "rails/cashu/output.h"
#include "rails/cashu/promise.h"
#include "rails/cashu/restore.h"
#include "store/store.h"

enum sweep_state { /* stored: append, never renumber */
		   SWEEP_PICKING = 1,
		   SWEEP_ASKING = 2,
		   SWEEP_CHECKING = 3,
		   SWEEP_TAKING = 4
};

#define SWEEP_BATCH 100 /* not more than CHECKSTATE_BATCH */

struct sweep {
	struct cashu_place at;
	struct pubkey b[SWEEP_BATCH]; /* of the outputs in question */
	size_t n;
	uint64_t asked, taken, spent; /* outputs */
};

/* --- the checkpoint --- */

static json_t *sweep_save(struct step *s)
{
	const struct sweep *m = s->checkpoint;
	json_t *cp = json_object_in(s->arena);

	cashu_place_save(cp, &m->at);
	json_set(cp, "outputs", cashu_points_json(s->arena, m->b, m->n));
	json_set_u64(cp, "asked", m->asked);
	json_set_u64(cp, "taken", m->taken);
	json_set_u64(cp, "spent", m->spent);
	return cp;
}

static int sweep_load(struct step *s, const json_t *cp, struct err *err)
{
	struct sweep *m = ARENA_NEW(s->arena, struct sweep);

	s->checkpoint = m;
	if (cashu_place_load(cp, &m->at, err) != 0 ||
	    cashu_points_load(cp, "outputs", SWEEP_BATCH, m->b, &m->n, err) != 0 ||
	    json_get_u64(cp, "asked", INT64_MAX, &m->asked, err) != 0 ||
	    json_get_u64(cp, "taken", INT64_MAX, &m->taken, err) != 0)
		return -1;
	return json_get_u64(cp, "spent", INT64_MAX, &m->spent, err);
}

static json_t *report(struct arena *a, const struct sweep *m)
{
	json_t *v = json_object_in(a);

	json_set_str(v, "mint", m->at.mint);
	json_set_u64(v, "asked", m->asked);
	json_set_u64(v, "taken", m->taken);
	json_set_u64(v, "spent", m->spent);
	return v;
}

static json_t *sweep_progress(struct step *s, bool secrets)
{
	(void)secrets;
	return report(s->arena, s->checkpoint);
}

/* --- picking --- */

static int sweep_start(struct step *s, const json_t *params, struct err *err)
{
	struct sweep *m = ARENA_NEW(s->arena, struct sweep);

	s->checkpoint = m;
	return cashu_known_mint(s, params, &m->at, err) != 0 ? -1 : SWEEP_PICKING;
}

/* Does the mint tell what it has signed at all? */
static int tells(struct step *s, const struct sweep *m, bool *ret, struct err *err)
{
	struct mint_row mint;
	struct mint_info info;

	if (mint_store_by_id(s->view, s->arena, m->at.mint_id, &mint, err) != 0 ||
	    mint_info_parse(s->arena, bytes_of(mint.info ? mint.info : "{}"), &info, err) != 0)
		return -1;
	*ret = info.restore;
	return 0;
}

static struct outcome picking_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct sweep *m = s->checkpoint;
	struct output *outputs;
	bool willing;
	size_t n;

	(void)rep;
	if (output_store_take_due(s->unit, s->arena, m->at.mint_id, SWEEP_BATCH, s->now_ms, &outputs, &n, err) != 0 ||
	    tells(s, m, &willing, err) != 0)
		return outcome_trouble(err);
	m->n = 0;
	if (n == 0)
		return outcome_done(report(s->arena, m));
	if (!willing) /* of the next ones, too, it would not tell; those of today are put off */
		return outcome_next(SWEEP_PICKING);
	for (size_t i = 0; i < n; i++)
		m->b[m->n++] = outputs[i].b;
	m->asked += n;
	return outcome_next(SWEEP_ASKING);
}

/* --- asking, and taking --- */

static int outputs_of(struct step *s, const struct sweep *m, struct output **ret, struct err *err)
{
	struct output *outputs = ARENA_ARRAY(s->arena, m->n, struct output);

	for (size_t i = 0; i < m->n; i++) {
		int rc = output_store_get(s->view, s->arena, &m->b[i], &outputs[i], err);

		if (rc < 0)
			return -1;
		if (rc == 0)
			return ERR(err, ERR_INTERNAL, "an output that was stored is gone");
	}
	*ret = outputs;
	return 0;
}

static int asking_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct sweep *m = s->checkpoint;
	struct output *outputs;

	if (outputs_of(s, m, &outputs, err) != 0)
		return -1;
	return restore_request(s->arena, m->at.mint, outputs, m->n, ret, err);
}

/* What it has signed of those in question, as proofs: the amounts are the mint's, since blank outputs have none of their
 * own (NUT-08). */
static int signed_ones(struct step *s, const struct sweep *m, const struct net_reply *rep, struct restored *found,
		       struct cashu_mint *mint, struct proof **ret, struct err *err)
{
	struct output *outputs;

	if (outputs_of(s, m, &outputs, err) != 0 || cashu_mint_load(s, &m->at, mint, err) != 0 ||
	    restore_decode(s->arena, rep, outputs, m->n, found, err) != 0)
		return -1;
	for (size_t i = 0; i < found->n; i++)
		found->outputs[i].amount = found->promises[i].amount;
	if (found->n && promises_check_and_unblind(s->arena, found->outputs, found->n, found->promises, found->n,
						   mint->keysets, mint->n, mint->row.dleq, ret, err) != 0)
		return -1;
	return cashu_mint_well(s, &mint->row, err);
}

static struct outcome asking_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct sweep *m = s->checkpoint;
	struct restored found = { 0 };
	struct cashu_mint mint;
	struct proof *proofs;

	if (signed_ones(s, m, rep, &found, &mint, &proofs, err) != 0)
		return outcome_trouble(err);
	m->n = found.n;
	for (size_t i = 0; i < found.n; i++)
		m->b[i] = found.outputs[i].b;
	return outcome_next(m->n ? SWEEP_CHECKING : SWEEP_PICKING);
}

/* --- checking --- */

static int ys_of(struct step *s, const struct sweep *m, struct pubkey *ret, struct err *err)
{
	struct output *outputs;
	struct point y;

	if (outputs_of(s, m, &outputs, err) != 0)
		return -1;
	for (size_t i = 0; i < m->n; i++) {
		if (!dhke_hash_to_curve(bytes_of(outputs[i].secret), &y))
			return ERR(err, ERR_INTERNAL, "a stored secret gives no point");
		point_compress(&y, &ret[i]);
	}
	return 0;
}

static int checking_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct sweep *m = s->checkpoint;
	struct pubkey ys[SWEEP_BATCH];

	if (ys_of(s, m, ys, err) != 0)
		return -1;
	return checkstate_request(s->arena, m->at.mint, ys, m->n, ret, err);
}

/* Spent ones are settled; pending ones come up again another day. */
static struct outcome checking_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct sweep *m = s->checkpoint;
	struct pubkey ys[SWEEP_BATCH];
	struct note_states states;
	size_t n = 0;

	if (ys_of(s, m, ys, err) != 0 || checkstate_decode(s->arena, rep, ys, m->n, &states, err) != 0)
		return outcome_trouble(err);
	for (size_t i = 0; i < m->n; i++) {
		if (states.v[i] == NOTE_SPENT) {
			if (output_store_swept(s->unit, &m->b[i], OUTPUT_ABANDONED, err) != 0)
				return outcome_trouble(err);
			m->spent++;
		} else if (states.v[i] == NOTE_UNSPENT) {
			m->b[n++] = m->b[i];
		}
	}
	m->n = n;
	return outcome_next(n ? SWEEP_TAKING : SWEEP_PICKING);
}

/* --- taking --- */

/* Notes of one unit, and the counters of their outputs. */
struct catch
{
	struct currency unit;
	struct proof proofs[SWEEP_BATCH];
	int64_t counters[SWEEP_BATCH];
	size_t n;
};

static int catch_keep(struct step *s, const struct sweep *m, const struct catch *k, struct err *err)
{
	struct movement mv = movement_begin(s->unit, &s->row.id, RAIL_ECASH, "sweep", m->at.mint_id, k->unit,
					    s->now_ms);
	struct ecash sum;

	if (proofs_sum(k->proofs, k->n, k->unit, &sum, err) != 0 ||
	    proof_store_add(&mv, k->proofs, k->n, PROOF_SPENDABLE, NULL, ACCOUNT_OUTSIDE, k->counters, err) != 0 ||
	    movement_post(&mv, err) != 0)
		return -1;
	return cashu_tell(s, "ecash.swept", &m->at, sum, err);
}

/* Those of the unit of the first that is left, unless a restore was quicker. */
static int catch_fill(struct step *s, const struct cashu_mint *mint, const struct restored *found,
		      const struct proof *proofs, bool *done, struct catch *k, struct err *err)
{
	k->n = 0;
	for (size_t i = 0; i < found->n; i++) {
		const struct keyset *ks = keyset_find(mint->keysets, mint->n, &proofs[i].keyset);
		struct proof_row row;
		int known;

		assert(ks); /* it was checked with its keys */
		if (done[i] || (k->n && !currency_equal(ks->unit, k->unit)))
			continue;
		done[i] = true;
		known = proof_store_find(s->view, s->arena, &proofs[i].y, &row, err);
		if (known < 0 || output_store_swept(s->unit, &found->outputs[i].b, OUTPUT_SIGNED, err) != 0)
			return -1;
		if (known)
			continue;
		k->unit = ks->unit;
		k->counters[k->n] = found->outputs[i].counter;
		k->proofs[k->n++] = proofs[i];
	}
	return 0;
}

static struct outcome taking_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct sweep *m = s->checkpoint;
	struct catch *k = ARENA_NEW(s->arena, struct catch);
	bool done[SWEEP_BATCH] = { false };
	struct restored found = { 0 };
	struct cashu_mint mint;
	struct proof *proofs;

	if (signed_ones(s, m, rep, &found, &mint, &proofs, err) != 0)
		return outcome_trouble(err);
	do {
		if (catch_fill(s, &mint, &found, proofs, done, k, err) != 0 || (k->n && catch_keep(s, m, k, err) != 0))
			return outcome_trouble(err);
		m->taken += k->n;
	} while (k->n);
	m->n = 0;
	return outcome_next(SWEEP_PICKING);
}

/* --- hooks --- */

static struct outcome sweep_retry(struct step *s, const struct err *why, struct err *err)
{
	const struct sweep *m = s->checkpoint;

	return cashu_retry(s, &m->at, why, err);
}

/* What was taken so far is ours, and what was not is due again later. */
static struct outcome sweep_rejected(struct step *s, const struct err *why, struct err *err)
{
	(void)s;
	(void)err;
	return outcome_failed(why, "no");
}

static struct outcome sweep_cancel(struct step *s, struct err *err)
{
	struct err why;

	(void)s;
	(void)err;
	ERR(&why, ERR_CANCELLED, "cancelled; what was taken so far is kept");
	return outcome_cancelled(&why);
}

static const char *sweep_explain(struct step *s)
{
	switch ((enum sweep_state)s->row.state) {
	case SWEEP_PICKING:
		return "It looks for outputs that were given up.";
	case SWEEP_ASKING:
		return "It asks the mint whether it has signed outputs that were given up.";
	case SWEEP_CHECKING:
		return "The mint has signed some: it asks which of those notes are spent.";
	case SWEEP_TAKING:
		return "It takes notes that are not spent.";
	}
	return "";
}

static const struct param sweep_params[] = {
	CASHU_KNOWN_MINT_PARAM,
	{ 0 },
};

static const struct state_def sweep_states[] = {
	[SWEEP_PICKING] = { .name = "picking", .reply = picking_reply, .cancellable = true },
	[SWEEP_ASKING] = { .name = "asking", .enter = asking_enter, .reply = asking_reply, .cancellable = true },
	[SWEEP_CHECKING] = { .name = "checking",
			     .enter = checking_enter,
			     .reply = checking_reply,
			     .cancellable = true },
	[SWEEP_TAKING] = { .name = "taking", .enter = asking_enter, .reply = taking_reply, .cancellable = true },
};

const struct action_kind cashu_sweep_kind = {
	.name = "cashu_sweep",
	.summary =
		"Ask a mint for ecash that it signed after the wallet had given up on it; begun by itself where there may be some.",
	.params = sweep_params,
	.states = sweep_states,
	.n_states = ARRAY_LEN(sweep_states),
	.start = sweep_start,
	.save = sweep_save,
	.load = sweep_load,
	.on_retry = sweep_retry,
	.on_rejection = sweep_rejected,
	.cancel = sweep_cancel,
	.progress = sweep_progress,
	.explain = sweep_explain,
};

/* --- the task --- */

#define SWEEPS_MAX 16 /* that one run begins */

struct begun {
	struct executor *ex;
	struct action_id ids[SWEEPS_MAX];
	size_t n;
};

static int begin_at(struct unit *u, struct arena *a, int64_t mint_id, struct begun *b, struct err *err)
{
	struct action_request req = { .kind = cashu_sweep_kind.name, .params = json_object_in(a) };
	struct mint_row mint;
	bool existing;
	json_t *plan;

	if (mint_store_by_id(unit_view(u), a, mint_id, &mint, err) != 0)
		return -1;
	json_set_str(req.params, "mint", mint.url);
	return executor_start(b->ex, u, a, &req, &b->ids[b->n], &existing, &plan, err);
}

static int begin_all(struct unit *u, void *ctx, struct err *err)
{
	struct begun *b = ctx;
	int64_t mint_id = 0;
	int rc = 0;

	for (b->n = 0; b->n < SWEEPS_MAX; b->n++) {
		SCOPED(arena) struct arena a = ARENA_LIMIT(1024 * 1024);

		rc = output_store_due_mint(unit_view(u), mint_id, cashu_sweep_kind.name, clock_now_ms(), &mint_id, err);
		if (rc <= 0)
			return rc;
		if (begin_at(u, &a, mint_id, b, err) != 0)
			return -1;
	}
	return 0;
}

int cashu_sweeps_run(void *ctx, struct err *err)
{
	struct begun b = { .ex = ctx };
	int64_t mint_id;
	int due = output_store_due_mint(store_view(executor_store(b.ex)), 0, cashu_sweep_kind.name, clock_now_ms(),
					&mint_id, err);

	if (due <= 0)
		return due;
	if (store_unit_now(executor_store(b.ex), begin_all, &b, err) != 0)
		return -1;
	for (size_t i = 0; i < b.n; i++)
		executor_kick(b.ex, &b.ids[i]);
	return 0;
}
