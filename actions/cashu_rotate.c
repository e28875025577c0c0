#include "actions/cashu_rotate.h"

#include <stddef.h>

#include "actions/cashu.h"
#include "actions/executor.h"
#include "actions/kinds.h"
#include "base/clock.h"
#include "rails/cashu/keyset.h"
#include "store/action_store.h"
#include "store/mint_store.h"
#include "store/proof_store.h"
#include "store/store.h"

#define KEYSETS_OLD_MS (24 * INT64_C(3600000))
#define BEGIN_MAX      16                /* that one run begins */
#define LOOK_SIZE      (8 * 1024 * 1024) /* a mint's keysets with their keys, and how many notes of each there are */

/* Ecash of one unit at one mint. */
struct purse {
	int64_t mint_id;
	struct currency unit;
};

/* Something to begin: no kind is nothing. */
struct care {
	struct executor *ex;
	struct arena *arena;
	const char *kind;
	json_t *params;
	struct action_id id;
};

/* Its notes as a selection sees them.  Those that have expired are past help. */
static int notes_of(struct view v, struct arena *a, const struct purse *p, const struct keyset *keysets,
		    size_t n_keysets, struct note **ret, size_t *ret_n, struct err *err)
{
	struct proof_sort *sorts;
	struct note *notes;
	size_t n_sorts, room = 0, n = 0;
	int64_t now_ms = clock_now_ms();

	if (proof_store_sorts(v, a, p->mint_id, p->unit, SELECT_INPUTS_MAX, &sorts, &n_sorts, err) != 0)
		return -1;
	for (size_t i = 0; i < n_sorts; i++)
		room += sorts[i].n;
	if (!arena_room(a, room * sizeof(*notes)))
		return ERR(err, ERR_RANGE, "%zu notes are too many to look at", room);
	notes = ARENA_ARRAY(a, room, struct note);
	for (size_t i = 0; i < n_sorts; i++) {
		const struct keyset *ks = keyset_find(keysets, n_keysets, &sorts[i].keyset);

		if (!ks || keyset_expired(ks, now_ms / 1000))
			continue;
		for (size_t k = 0; k < sorts[i].n; k++)
			notes[n++] = cashu_note(ks, sorts[i].amount, now_ms);
	}
	*ret = notes;
	*ret_n = n;
	return 0;
}

/* Is there something to exchange for something better, and is this the moment? */
static int wants_swap(struct executor *ex, struct arena *a, const struct purse *p, bool *ret, struct err *err)
{
	struct view v = store_view(executor_store(ex));
	const struct keyset *better;
	struct selection chosen;
	struct keyset *keysets;
	struct note *notes;
	size_t n_keysets, n;
	bool urgent = false;

	if (keyset_store_list(v, a, p->mint_id, &keysets, &n_keysets, err) != 0 ||
	    notes_of(v, a, p, keysets, n_keysets, &notes, &n, err) != 0)
		return -1;
	better = keyset_choose(keysets, n_keysets, p->unit, clock_now_ms() / 1000);
	*ret = better && !keyset_expires_soon(better, clock_now_ms() / 1000) && select_rotation(a, notes, n, &chosen);
	if (!*ret)
		return 0;
	for (size_t i = 0; i < chosen.n; i++)
		urgent = urgent || notes[chosen.index[i]].expiring;
	/* What it takes is not there for others for a moment: whoever is at work goes first. */
	*ret = urgent || executor_idle(ex);
	return 0;
}

/* Is it being cared for already, by us or by others? */
static int is_busy(struct view v, const char *mint, bool *ret, struct err *err)
{
	bool syncing, swapping;

	if (action_store_living(v, cashu_mint_sync_kind.name, mint, &syncing, err) != 0 ||
	    action_store_living(v, cashu_swap_kind.name, mint, &swapping, err) != 0)
		return -1;
	*ret = syncing || swapping;
	return 0;
}

static int look(struct arena *a, const struct purse *p, struct care *c, struct err *err)
{
	struct view v = store_view(executor_store(c->ex));
	struct mint_row mint;
	int64_t age_ms;
	bool busy, swap;

	if (mint_store_by_id(v, a, p->mint_id, &mint, err) != 0 || is_busy(v, mint.url, &busy, err) != 0)
		return -1;
	if (busy)
		return 0;
	c->params = json_object_in(a);
	json_set_str(c->params, "mint", mint.url);
	age_ms = clock_now_ms() - mint.synced_at_ms;
	if (age_ms < 0 || age_ms >= KEYSETS_OLD_MS) {
		c->kind = cashu_mint_sync_kind.name;
		return 0;
	}
	if (mint.trouble)
		return 0;
	if (wants_swap(c->ex, a, p, &swap, err) != 0)
		return -1;
	if (!swap)
		return 0;
	json_set_str(c->params, "unit", p->unit.s);
	json_set_bool(c->params, "retiring", true);
	c->kind = cashu_swap_kind.name;
	return 0;
}

static int begin(struct unit *u, void *ctx, struct err *err)
{
	struct care *c = ctx;
	struct action_request req = { .kind = c->kind, .params = c->params };
	bool existing;
	json_t *plan;

	return executor_start(c->ex, u, c->arena, &req, &c->id, &existing, &plan, err);
}

/* 1 when something was begun, 0, -1. */
static int care_for(struct executor *ex, const struct purse *p, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(LOOK_SIZE);
	struct care c = { .ex = ex, .arena = &a };

	if (look(&a, p, &c, err) != 0)
		return -1;
	if (!c.kind)
		return 0;
	if (store_unit_now(executor_store(ex), begin, &c, err) != 0)
		return -1;
	executor_kick(ex, &c.id);
	return 1;
}

int cashu_rotations_run(void *ctx, struct err *err)
{
	struct executor *ex = ctx;
	struct purse p = { 0 };
	struct err trouble;
	int begun = 0, rc;

	err_clear(&trouble);
	if (!executor_keys(ex))
		return 0;
	while ((rc = proof_store_next_purse(store_view(executor_store(ex)), &p.mint_id, &p.unit, err)) == 1 &&
	       begun < BEGIN_MAX) {
		rc = care_for(ex, &p, err);
		if (rc >= 0)
			begun += rc;
		else if (trouble.code == ERR_NONE) /* with this purse; the others come all the same */
			trouble = *err;
	}
	if (rc < 0)
		return -1;
	if (trouble.code == ERR_NONE)
		return 0;
	*err = trouble;
	return -1;
}
