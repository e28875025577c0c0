/* outbox/evidence.h - who spent a directive's nonce?  Asked of the chain itself (spec/outbox.md 5.7).
 *
 * The nonce, the receipts of every transaction of ours that ever carried the directive, and the contract's logs, newest
 * blocks first, are read up to one block.  Used without a log that says by whom is EVIDENCE_UNAVAILABLE: a pruned node, a
 * range that no node gives.  One search for one directive at a time. */
#ifndef OUTBOX_EVIDENCE_H
#define OUTBOX_EVIDENCE_H

#include "outbox/operate.h"

struct search;

struct search_request {
	struct directive_row row;  /* borrowed until search_start() returns */
	const struct hash32 *hint; /* another transaction that may hold it, or NULL */
	bool final;                /* up to the last final block; else up to the head */
	bool why;                  /* when it is unused: also why the contract refuses it there */
	/* When it is unused, and why is not asked: may this account burn it there?  NULL: not asked.  Borrowed likewise. */
	const struct evm_address *revoker;
};
struct search_result {
	struct evidence evidence;
	struct directive_row row; /* as it was given */
	bool why_known;           /* request.why: what the contract answers at that block */
	int why;                  /* enum verifier_outcome */
	const char *why_text;
};
struct search_hooks {
	/* Once, later: with the result, or with why the chain cannot be asked. */
	void (*done)(void *ctx, const struct search_result *r, const struct err *err);
	void (*dropped)(void *ctx); /* instead of done, when the outbox ends */
	void *ctx;
};
/* Never NULL. */
struct search *search_start(struct outbox *ob, const struct search_request *req, struct search_hooks hooks);
void search_cancel(struct search *s); /* neither will run */
/* Is one under way for this directive? */
bool search_runs(const struct outbox *ob, int64_t seq);
void searches_cancel_all(struct outbox *ob);

#endif
