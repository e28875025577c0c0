/* outbox/operate.h - what a person does to directives, lanes and spaces (spec/outbox.md 6).
 *
 * Looking at the chain is asynchronous and comes first; changing something is then done in the caller's unit, fenced by
 * the version that was looked at.  Every change is an event "outbox.audit" in the same unit: who, what, why, before, after.
 * reason is never empty. */
#ifndef OUTBOX_OPERATE_H
#define OUTBOX_OPERATE_H

#include "base/json.h"
#include "outbox/outbox.h"

struct outbox_operator {
	const char *who;    /* the credential */
	const char *method; /* "directive.retry" */
	const char *reason;
};

/* Who spent the directive's nonce, read at a block that is final.  spec 5.7. */
enum evidence_verdict {
	EVIDENCE_UNUSED = 1,     /* the nonce is unused: the signature, if there is one, still works */
	EVIDENCE_OWN = 2,        /* our digest was executed */
	EVIDENCE_FOREIGN = 3,    /* another digest was */
	EVIDENCE_REVOKED = 4,    /* the nonce was burnt without effect */
	EVIDENCE_UNAVAILABLE = 5 /* used, and the logs that would tell by whom cannot be read */
};
const char *evidence_verdict_name(enum evidence_verdict v);
struct evidence {
	enum evidence_verdict verdict;
	struct hash32 digest;  /* FOREIGN: the one that was executed */
	struct hash32 tx_hash; /* OWN, FOREIGN, REVOKED */
	uint64_t block;        /* of that transaction; UNUSED, UNAVAILABLE: where the nonce was read */
	uint64_t gas_used;     /* OWN: 0 when not known */
	struct gas_price gas_price;
	bool no_revoke;  /* UNUSED: the contract does not let the directive's relayer burn the nonce */
	int64_t version; /* of the directive that was looked at */
};
/* {"verdict", "nonce_used", "block", "executed_digest"?, "revoked"?, "tx_hash"?} */
json_t *evidence_json(struct arena *a, const struct evidence *e);

/* Which decisions this evidence allows about a directive as it is: an array of "retry" and of the actions of
 * directive.resolve.  "done" on other evidence than EVIDENCE_OWN needs a note. */
MUST_CHECK int outbox_allowed(struct outbox *ob, struct arena *a, const struct directive_row *row,
			      const struct evidence *e, json_t **ret, struct err *err);

struct outbox_look;
/* done runs once, later: with evidence, or with err (the chain cannot be asked now, ERR_NOT_FOUND, ERR_BUSY when the outbox
 * ends).  hint: a transaction that may hold it, or NULL. */
struct outbox_look *outbox_look(struct outbox *ob, int64_t seq, const struct hash32 *hint,
				void (*done)(void *ctx, const struct evidence *e, const struct err *err), void *ctx);
void outbox_look_cancel(struct outbox_look *look); /* done will not run */

/* --- directives that wait for a person: reverted, dead_lettered, manual_reconciliation --- */

/* All of these: in the caller's unit; *row as it was before the look, and as it is afterwards; e as the look gave it.
 * Errors beside those named: ERR_ILLEGAL_STATE (its status does not allow it), ERR_CONFLICT (it has moved since it was
 * looked at), ERR_PARAM (no reason); on any, *row is not to be used any more.  Call outbox_kick() when durable. */

/* T20: the same nonce again.  ERR_NONCE_USED unless EVIDENCE_UNUSED. */
MUST_CHECK int outbox_retry(struct outbox *ob, struct unit *u, struct arena *a, const struct outbox_operator *op,
			    struct directive_row *row, const struct evidence *e, struct err *err);
/* T19: it is done.  ERR_NO_EVIDENCE unless EVIDENCE_OWN, or the nonce is used and note says what is known. */
MUST_CHECK int outbox_resolve_done(struct outbox *ob, struct unit *u, struct arena *a, const struct outbox_operator *op,
				   struct directive_row *row, const struct evidence *e, const char *note,
				   struct err *err);
/* T21: a new nonce.  Only when the old one can never act again, because a signature is a bearer instrument as long as its
 * nonce is unused: ERR_NONCE_VALID, ERR_ALREADY_EXECUTED, ERR_NO_EVIDENCE. */
MUST_CHECK int outbox_resubmit(struct outbox *ob, struct unit *u, struct arena *a, const struct outbox_operator *op,
			       struct directive_row *row, const struct evidence *e, struct err *err);
/* T22: given up.  As for a new nonce, or when it was never signed. */
MUST_CHECK int outbox_abandon(struct outbox *ob, struct unit *u, struct arena *a, const struct outbox_operator *op,
			      struct directive_row *row, const struct evidence *e, struct err *err);
/* Looks again: T19 when our own effect is found, else nothing changes (*ret_changed). */
MUST_CHECK int outbox_recheck(struct outbox *ob, struct unit *u, struct arena *a, const struct outbox_operator *op,
			      struct directive_row *row, const struct evidence *e, bool *ret_changed, struct err *err);
/* Opens a slot whose transaction burns the nonce in the contract; *ret_hash is its first hash.  The directive stays as it
 * is.  The relayer must be allowed to by the contract: it is the contract's owner, or the signer itself; else
 * ERR_ILLEGAL_STATE.  ERR_NONCE_USED, ERR_NOT_FOUND (its lane is not configured), ERR_WALLET_LOCKED, ERR_BUSY (no room in the lane), ERR_BUDGET
 * (a fee cap). */
MUST_CHECK int outbox_revoke_nonce(struct outbox *ob, struct unit *u, struct arena *a, const struct outbox_operator *op,
				   struct directive_row *row, const struct evidence *e, struct hash32 *ret_hash,
				   struct err *err);

/* --- spaces and lanes --- */

/* Pauses are durable and end with resume only.  Appends go on.  ERR_NOT_FOUND; a space that is paused for PAUSE_NONCE_HORIZON
 * stays so, and its resume is ERR_ILLEGAL_STATE: outbox_nonce_advance() ends that. */
#define PAUSE_NONCE_HORIZON  "nonce_horizon"         /* the chain is ahead of this database */
#define PAUSE_BAD_SIGNATURE  "bad_signature"         /* the contract refused what we signed */
#define PAUSE_SIGNER_UNKNOWN "signer_not_authorised" /* the contract does not trust the signer */
#define PAUSE_FOREIGN        "foreign_transactions"  /* of a lane: somebody else uses the relayer's key */
MUST_CHECK int outbox_pause_space(struct outbox *ob, struct unit *u, struct arena *a, const struct outbox_operator *op,
				  int64_t space_id, bool pause, struct err *err);
MUST_CHECK int outbox_pause_lane(struct outbox *ob, struct unit *u, struct arena *a, const struct outbox_operator *op,
				 int64_t lane, bool pause, struct err *err);
/* Replaces the content of an open slot by a transfer of nothing to the relayer itself; whichever is mined wins.
 * *ret_hash: the no-op's hash.  ERR_NOT_FOUND, ERR_ILLEGAL_STATE (mined, vacant, a no-op already), ERR_WALLET_LOCKED,
 * ERR_BUDGET. */
MUST_CHECK int outbox_cancel_slot(struct outbox *ob, struct unit *u, struct arena *a, const struct outbox_operator *op,
				  int64_t lane, uint64_t tx_nonce, struct hash32 *ret_hash, struct err *err);
/* Raises the space's next nonce, and ends a pause for PAUSE_NONCE_HORIZON: the chain is asked again before anything is
 * claimed.  ERR_NOT_FOUND, ERR_RANGE (not above the next nonce). */
MUST_CHECK int outbox_nonce_advance(struct outbox *ob, struct unit *u, struct arena *a,
				    const struct outbox_operator *op, int64_t space_id, uint64_t to, struct err *err);

#endif
