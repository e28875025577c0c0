/* actions/cashu.h - what every ecash kind needs: its mint with keysets, fresh enough; new outputs, drawn durably; and the
 * mint's good or bad name.  spec/cashu.md 4.4, 4.11, 6.4. */
#ifndef ACTIONS_CASHU_H
#define ACTIONS_CASHU_H

#include "actions/action.h"
#include "base/ecash.h"
#include "rails/cashu/select.h"
#include "store/mint_store.h"
#include "store/movement_store.h"
#include "store/proof_store.h"

/* The part of a checkpoint that says where an ecash action is at work. */
struct cashu_place {
	const char *mint; /* normalised URL */
	int64_t mint_id;
	struct currency unit;
	struct action_id sync; /* the child that asks the mint for its keysets, while there is one */
	uint32_t unsynced;     /* so many such children have failed in a row: each makes the pause longer */
	bool trust;            /* the user's wish: the mint is added by the sync, if it is not trusted yet */
	bool stale;            /* the mint's answer says that our keysets are out of date */
};
void cashu_place_save(json_t *to, const struct cashu_place *p);
MUST_CHECK int cashu_place_load(const json_t *from, struct cashu_place *p, struct err *err);

/* Points in a checkpoint, as an array of hex held by a; and back, at most max of them. */
json_t *cashu_points_json(struct arena *a, const struct pubkey *points, size_t n);
MUST_CHECK int cashu_points_load(const json_t *from, const char *name, size_t max, struct pubkey *ret, size_t *n,
				 struct err *err);

/* The mint and all its keysets as stored. */
struct cashu_mint {
	struct mint_row row;
	struct keyset *keysets;
	size_t n;
};
MUST_CHECK int cashu_mint_load(struct step *s, const struct cashu_place *p, struct cashu_mint *ret, struct err *err);
/* Where new outputs of the unit go.  ERR_KEYSET_UNKNOWN: the mint has no keyset for that now. */
MUST_CHECK int cashu_output_keyset(struct step *s, const struct cashu_mint *m, struct currency unit,
				   const struct keyset **ret, struct err *err);

/* The body of a `syncing` state: goes to `next` when the keysets are fresh, and asks the mint through a child before. A child
 * that failed parks us with its error, to try again later. */
struct outcome cashu_sync(struct step *s, struct cashu_place *p, int next, struct err *err);

/* What to make, one by one. */
struct cashu_draw {
	uint64_t amount;
	enum output_purpose purpose;
};
/* Takes counters, derives secrets and blinding factors (NUT-13), and stores the outputs, ascending by amount.  In the unit,
 * before the state that sends them. */
MUST_CHECK int cashu_outputs_draw(struct step *s, int64_t mint_id, const struct keyset *ks, struct cashu_draw *what,
				  size_t n, struct err *err);

/* The same where notes for a parent are to be locked: their secrets and blinding factors come from a salt, which is drawn and
 * kept before, since no seed brings a locked note back.  round tells one drawing with this salt from the next. */
struct cashu_seal {
	const json_t *condition; /* actions/cashu_condition.h; NULL: nothing is locked */
	struct secret salt;
	uint32_t round;
};
MUST_CHECK int cashu_outputs_draw_sealed(struct step *s, int64_t mint_id, const struct keyset *ks,
					 struct cashu_draw *what, size_t n, const struct cashu_seal *seal,
					 struct err *err);

/* One note of this keyset, as a selection sees it. */
struct note cashu_note(const struct keyset *ks, uint64_t amount, int64_t now_ms);
/* The spendable proofs that a selection can choose from, and as notes in the same order: not those of keysets that have
 * expired, which the mint takes no more.  ERR_RANGE. */
MUST_CHECK int cashu_purse(struct step *s, const struct cashu_place *p, const struct cashu_mint *m,
			   struct proof_row **ret_rows, struct note **ret_notes, size_t *n, struct err *err);
/* Amounts of what is held already, as far as they decide which denominations are worth making (split_keep). */
MUST_CHECK int cashu_held(struct step *s, const struct cashu_place *p, uint64_t **ret, size_t *n, struct err *err);

/* on_retry of every ecash kind: the mint's bad name, then the usual back-off. */
struct outcome cashu_retry(struct step *s, const struct cashu_place *p, const struct err *why, struct err *err);
/* The same for a request for a quote, by which nothing moves: a mint that says no again and again means it, whatever its code
 * (nutshell has one for "somebody has paid this invoice" and for a database that is busy). */
struct outcome cashu_quote_retry(struct step *s, const struct cashu_place *p, const struct err *why, struct err *err);
/* The mint answered as it should. */
MUST_CHECK int cashu_mint_well(struct step *s, const struct mint_row *mint, struct err *err);
/* An answer that was lost has been found: by a replay of the same bytes, which a mint with NUT-19 answers from its cache and
 * any other executes if it has not, or by its memory of what it has signed (NUT-09), which is asked when the replay brings
 * nothing.  The event ecash.recovered. */
enum cashu_recovery { CASHU_BY_REPLAY = 1, CASHU_BY_RESTORE };
MUST_CHECK int cashu_recovered(struct step *s, const struct cashu_place *p, enum cashu_recovery by, struct err *err);
/* The error with which an action ended, from its row. */
void cashu_child_error(const struct action_row *child, struct err *ret);
/* For a kind that is about one mint, and all of its units: the one that the parameter mint names, which must be known.  It is
 * the action's peer, and told in its plan. */
MUST_CHECK int cashu_known_mint(struct step *s, const json_t *params, struct cashu_place *ret, struct err *err);
#define CASHU_KNOWN_MINT_PARAM                                                                                         \
	{                                                                                                              \
		.name = "mint", .type = PARAM_STRING, .flags = PARAM_REQUIRED, .max = MINT_URL_MAX,                    \
		.help = "URL of a mint that is known."                                                                 \
	}
/* An event about so much of the mint's ecash: mint, unit, amount. */
MUST_CHECK int cashu_tell(struct step *s, const char *event, const struct cashu_place *p, struct ecash amount,
			  struct err *err);
MUST_CHECK int cashu_unit_param(const json_t *params, struct currency *ret, struct err *err);

#endif
