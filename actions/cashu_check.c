/* actions/cashu_check.c - ask a mint which of the notes that count as ours are spent: NUT-07, spec/cashu.md 4.3.
 *
 *   picking ⇄ asking → done
 *
 * For a database that is older than what it tells of: a backup that was put back, or a copy of it that was at work elsewhere.
 * Notes that an action holds are that action's affair: it asks the mint by itself when it goes on. */
#include "actions/cashu_check.h"

#include <stdlib.h>

#include "actions/cashu.h"
#include "actions/executor.h"
#include "actions/kinds.h"
#include "rails/cashu/checkstate.h"
#include "store/event_store.h"
#include "store/store.h"
#include "store/wallet_store.h"

enum check_state { /* stored: append, never renumber */
		   CHECK_PICKING = 1,
		   CHECK_ASKING = 2
};

#define CHECK_BATCH 100 /* not more than CHECKSTATE_BATCH */

struct check {
	struct cashu_place at;
	struct pubkey ys[CHECK_BATCH]; /* of the notes in question, ascending */
	size_t n;
	uint64_t asked, spent, pending; /* notes */
};

/* --- the checkpoint --- */

static json_t *check_save(struct step *s)
{
	const struct check *m = s->checkpoint;
	json_t *cp = json_object_in(s->arena);

	cashu_place_save(cp, &m->at);
	json_set(cp, "notes", cashu_points_json(s->arena, m->ys, m->n));
	json_set_u64(cp, "asked", m->asked);
	json_set_u64(cp, "spent", m->spent);
	json_set_u64(cp, "pending", m->pending);
	return cp;
}

static int check_load(struct step *s, const json_t *cp, struct err *err)
{
	struct check *m = ARENA_NEW(s->arena, struct check);

	s->checkpoint = m;
	if (cashu_place_load(cp, &m->at, err) != 0 ||
	    cashu_points_load(cp, "notes", CHECK_BATCH, m->ys, &m->n, err) != 0 ||
	    json_get_u64(cp, "asked", INT64_MAX, &m->asked, err) != 0 ||
	    json_get_u64(cp, "spent", INT64_MAX, &m->spent, err) != 0)
		return -1;
	return json_get_u64(cp, "pending", INT64_MAX, &m->pending, err);
}

static json_t *report(struct arena *a, const struct check *m)
{
	json_t *v = json_object_in(a);

	json_set_str(v, "mint", m->at.mint);
	json_set_u64(v, "asked", m->asked);
	json_set_u64(v, "spent", m->spent);
	json_set_u64(v, "pending", m->pending);
	return v;
}

static json_t *check_progress(struct step *s, bool secrets)
{
	(void)secrets;
	return report(s->arena, s->checkpoint);
}

/* --- picking --- */

static int check_start(struct step *s, const json_t *params, struct err *err)
{
	struct check *m = ARENA_NEW(s->arena, struct check);

	s->checkpoint = m;
	return cashu_known_mint(s, params, &m->at, err) != 0 ? -1 : CHECK_PICKING;
}

static void pick(void *ctx, const struct proof_row *row)
{
	struct check *m = ctx;

	m->ys[m->n++] = row->proof.y;
}

/* The notes after those that were in question last. */
static struct outcome picking_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct check *m = s->checkpoint;
	struct proof_query q = { .mint_id = m->at.mint_id, .state = PROOF_SPENDABLE, .limit = CHECK_BATCH };

	(void)rep;
	if (m->n > 0)
		q.after = m->ys[m->n - 1];
	m->n = 0;
	if (proof_store_list(s->view, s->arena, &q, pick, m, err) < 0)
		return outcome_trouble(err);
	if (m->n == 0)
		return outcome_done(report(s->arena, m));
	m->asked += m->n;
	return outcome_next(CHECK_ASKING);
}

/* --- asking --- */

static int asking_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct check *m = s->checkpoint;

	return checkstate_request(s->arena, m->at.mint, m->ys, m->n, ret, err);
}

/* Notes of one unit that are spent, and were ours until now. */
struct gone {
	struct currency unit;
	struct pubkey ys[CHECK_BATCH];
	size_t n;
};

/* Those of the unit of the first that is left.  One that an action has taken meanwhile is left to it. */
static int gone_fill(struct step *s, const struct check *m, const struct note_states *states, bool *done,
		     struct gone *g, struct err *err)
{
	g->n = 0;
	for (size_t i = 0; i < m->n; i++) {
		struct proof_row row;
		int rc;

		if (done[i] || states->v[i] != NOTE_SPENT)
			continue;
		rc = proof_store_find(s->view, s->arena, &m->ys[i], &row, err);
		if (rc < 0)
			return -1;
		if (rc == 0 || row.state != PROOF_SPENDABLE) {
			done[i] = true;
			continue;
		}
		if (g->n && !currency_equal(row.unit, g->unit))
			continue;
		done[i] = true;
		g->unit = row.unit;
		g->ys[g->n++] = m->ys[i];
	}
	return 0;
}

static int gone_settle(struct step *s, const struct check *m, const struct gone *g, struct err *err)
{
	struct movement mv = movement_begin(s->unit, &s->row.id, RAIL_ECASH, "spent_elsewhere", m->at.mint_id, g->unit,
					    s->now_ms);
	struct ecash sum;

	if (proof_store_lock(&mv, g->ys, g->n, &s->row.id, err) != 0 ||
	    proof_store_move_some(&mv, &s->row.id, g->ys, g->n, PROOF_LOCKED, PROOF_SPENT, ACCOUNT_OUTSIDE, &sum,
				  err) != 0 ||
	    movement_post(&mv, err) != 0)
		return -1;
	return cashu_tell(s, "ecash.spent_elsewhere", &m->at, sum, err);
}

static struct outcome asking_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct check *m = s->checkpoint;
	struct gone *g = ARENA_NEW(s->arena, struct gone);
	bool done[CHECK_BATCH] = { false };
	struct note_states states;
	struct mint_row mint;

	if (checkstate_decode(s->arena, rep, m->ys, m->n, &states, err) != 0 ||
	    mint_store_by_id(s->view, s->arena, m->at.mint_id, &mint, err) != 0 || cashu_mint_well(s, &mint, err) != 0)
		return outcome_trouble(err);
	for (size_t i = 0; i < m->n; i++)
		m->pending += states.v[i] == NOTE_PENDING;
	do {
		if (gone_fill(s, m, &states, done, g, err) != 0 || (g->n && gone_settle(s, m, g, err) != 0))
			return outcome_trouble(err);
		m->spent += g->n;
	} while (g->n);
	return outcome_next(CHECK_PICKING);
}

/* --- hooks --- */

static struct outcome check_retry(struct step *s, const struct err *why, struct err *err)
{
	const struct check *m = s->checkpoint;

	return cashu_retry(s, &m->at, why, err);
}

static struct outcome check_cancel(struct step *s, struct err *err)
{
	struct err why;

	(void)s;
	(void)err;
	ERR(&why, ERR_CANCELLED, "cancelled; what was found so far is settled");
	return outcome_cancelled(&why);
}

static const char *check_explain(struct step *s)
{
	return s->row.state == CHECK_ASKING ? "It asks the mint which of these notes are spent."
					    : "It looks for the next notes to ask about.";
}

static const struct param check_params[] = {
	CASHU_KNOWN_MINT_PARAM,
	{ 0 },
};

static const struct state_def check_states[] = {
	[CHECK_PICKING] = { .name = "picking", .reply = picking_reply, .cancellable = true },
	[CHECK_ASKING] = { .name = "asking", .enter = asking_enter, .reply = asking_reply, .cancellable = true },
};

const struct action_kind cashu_check_kind = {
	.name = "cashu_check",
	.summary = "Ask a mint which notes of the wallet are spent; begun by itself after a backup was put back.",
	.params = check_params,
	.states = check_states,
	.n_states = ARRAY_LEN(check_states),
	.start = check_start,
	.save = check_save,
	.load = check_load,
	.on_retry = check_retry,
	.cancel = check_cancel,
	.progress = check_progress,
	.explain = check_explain,
};

/* --- a backup that was put back --- */

#define MINTS_BATCH 100

/* Both kinds at one mint.  What the words bring back may be spent by now: it is asked about by the restore itself. */
static int begin_at(struct executor *ex, struct unit *u, const char *mint, struct err *err)
{
	static const char *const kinds[] = { "cashu_check", "cashu_restore" };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		SCOPED(arena) struct arena a = ARENA_LIMIT(1024 * 1024);
		struct action_request req = { .kind = kinds[i], .params = json_object_in(&a) };
		struct action_id id;
		bool existing;
		json_t *plan;

		json_set_str(req.params, "mint", mint);
		if (executor_start(ex, u, &a, &req, &id, &existing, &plan, err) != 0)
			return -1;
	}
	return 0;
}

/* 1, 0, -1. */
static int is_copy(struct view v, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	const char *copy;
	int rc = meta_get(v, &a, META_COPY, &copy, err);

	return rc == 1 ? copy[0] != '\0' : rc;
}

static int begin_all(struct unit *u, void *ctx, struct err *err)
{
	struct executor *ex = ctx;
	struct mint_row *mints;
	int64_t after = 0;
	int rc = is_copy(unit_view(u), err);
	size_t n;

	if (rc <= 0) /* 0: another daemon on the same file was quicker */
		return rc;
	do {
		SCOPED(arena) struct arena a = ARENA_LIMIT(1024 * 1024);

		if (mint_store_list(unit_view(u), &a, after, MINTS_BATCH, &mints, &n, err) != 0)
			return -1;
		for (size_t i = 0; i < n; i++) {
			after = mints[i].id;
			if (mints[i].trusted && begin_at(ex, u, mints[i].url, err) != 0)
				return -1;
		}
	} while (n == MINTS_BATCH);
	if (event_append(u, "wallet.backup_put_back", "", "{}", err) != 0)
		return -1;
	return meta_set(u, META_COPY, "", err);
}

int cashu_put_back_run(void *ctx, struct err *err)
{
	struct executor *ex = ctx;
	int rc;

	if (!executor_keys(ex))
		return 0;
	rc = is_copy(store_view(executor_store(ex)), err);
	if (rc <= 0)
		return rc;
	if (store_unit_now(executor_store(ex), begin_all, ex, err) != 0)
		return -1;
	executor_run(ex);
	return 0;
}
