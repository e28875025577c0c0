/* exit/internal.h - what progressor.c, package.c and cpfp.c share.  Nobody else includes this. */
#ifndef EXIT_INTERNAL_H
#define EXIT_INTERNAL_H

#include "base/log.h"
#include "exit/exit.h"
#include "exit/pay.h"
#include "store/due.h"

#define EXIT_TICK_MS  (60 * INT64_C(1000)) /* nothing sleeps longer */
#define EXIT_SOON_MS  (2 * INT64_C(1000))
#define EXIT_SEND_MAX 16 /* packages on their way at a time */
#define EXIT_TAKEN    256
#define EXIT_AGAIN_MS (30 * INT64_C(1000)) /* what was given to a node and is not seen is given again so often */

/* A question to a node, on behalf of an exit. */
struct errand;

struct exits {
	struct exits_options opt;
	struct log log;
	struct keyring *keys;
	struct due_guard *guard; /* by exit_child_holder(): a shared transaction is sent once */
	struct errand *errands;
	struct timer *wake;
	bool stopping, posted, asking_fees, fees_missing, asking_limits, all_due, claims_due;
	struct sat tick_fees;  /* what children that were made in this tick pay */
	int64_t fees_asked_us; /* 0: never */
	int64_t estimate_us;   /* when a node's own estimate was last there, or we began */
	/* What a node took lately, by the number of the exit transaction; one that takes another's place is sent once more. */
	struct {
		int64_t tx_id, at_us;
	} taken[EXIT_TAKEN];
	struct exits_stats stats;
	struct metric *m_steps, *m_changes, *m_sent, *m_refused, *m_children;
};

void exits_failed(struct exits *x, const char *event, const struct err *err);
void exits_pump_soon(struct exits *x);

/* --- package.c: what is sent --- */

enum errand_kind {
	ERRAND_NONE = 0,
	ERRAND_PACKAGE = 1, /* an exit transaction and its child */
	ERRAND_ROOT = 2,    /* has a block what the first transaction spends? */
	ERRAND_ENTRY = 3,   /* what does a stranger's child pay? */
	ERRAND_CLAIM = 4
};
struct errand_order {
	enum errand_kind kind;
	int64_t exit_id, tx_id;
	struct bytes parent, child; /* ERRAND_PACKAGE */
	struct txid child_txid;     /* ERRAND_PACKAGE, ERRAND_ENTRY */
	int64_t vtxo_id;            /* ERRAND_ROOT */
	struct txid root;
	int64_t claim_id; /* ERRAND_CLAIM; its bytes are .child */
};
/* Asks, unless the same is under way already.  The order's bytes are copied. */
void errand_run(struct exits *x, const struct errand_order *o);
/* Claims that no mempool is known to have are given to a node (again). */
void claims_send(struct exits *x);
void errands_cancel(struct exits *x);
unsigned errands_under_way(const struct exits *x);

/* A child was made, which costs so much more than the one before it, if there was one. */
void exits_has_paid(struct exits *x, struct sat more);
void exits_was_taken(struct exits *x, int64_t tx_id);
struct pay_terms exits_terms(struct exits *x);
/* What the nodes want at least, and what they take, is asked for anew: a mempool fills, a node is restarted. */
void exits_refresh_limits(struct exits *x);
/* Why no node takes packages, and what to do about it, in the arena; NULL: one does, or nobody knows. */
const char *exits_advice(const struct exits *x, struct arena *a);
/* Something is in its way: told in the row, and tried again later.  Or nothing is any more. */
MUST_CHECK int exits_note(struct unit *u, struct arena *a, struct exit_row *row, const struct exit_trouble *t,
			  int64_t wake_at_ms, int64_t now_ms, struct err *err);

#endif
