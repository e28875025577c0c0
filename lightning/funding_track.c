#include "lightning/funding_track.h"

#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "rails/lightning/funding.h"
#include "store/chain_store.h"
#include "store/event_store.h"
#include "store/watch_store.h"

#define PAGE        100u
#define REORG_DEPTH CHAIN_BLOCKS_KEPT /* what is deeper is followed no more */
#define HITS_ROOM   ((size_t)32 << 20)

/* Half of the id: enough to be nobody else's, and short enough for a name. */
#define OWNER_BYTES 16

static const char *owner_of(struct arena *a, const struct hash32 *payment)
{
	return arena_printf(a, "splice:%s", hex_text(a, (struct bytes){ payment->b, OWNER_BYTES }));
}

/* 0: no block is known. */
static int tip_height(struct view v, uint32_t *ret, struct err *err)
{
	struct block_row tip;
	int found = chain_store_tip(v, &tip, err);

	if (found < 0)
		return -1;
	*ret = found > 0 ? tip.ref.height : 0;
	return 0;
}

/* --- watching --- */

int funding_watch(struct unit *u, const struct hash32 *payment, const struct outpoint *base, uint32_t back,
		  int64_t now_ms, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(4096);
	uint32_t tip;
	int64_t id;

	if (tip_height(unit_view(u), &tip, err) != 0)
		return -1;
	return watch_store_output(u, owner_of(&a, payment), base, tip > back ? tip - back : 0, now_ms, &id, err);
}

int funding_watch_instead(struct unit *u, const struct hash32 *payment, const struct outpoint *base, int64_t now_ms,
			  struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(4096);

	if (watch_store_end(u, owner_of(&a, payment), err) != 0)
		return -1;
	return funding_watch(u, payment, base, 0, now_ms, err);
}

static uint32_t depth_of(const struct hit_row *hit, uint32_t tip)
{
	return tip >= hit->block.height ? tip - hit->block.height + 1 : 1;
}

int funding_spend_of(struct view v, struct arena *a, const struct hash32 *payment, struct funding_spend *ret,
		     struct err *err)
{
	const struct hit_row *best = NULL;
	struct hit_row *hits;
	uint32_t tip;
	size_t n;

	*ret = (struct funding_spend){ .what = SPEND_NONE };
	if (tip_height(v, &tip, err) != 0 || watch_store_hits(v, a, owner_of(a, payment), &hits, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!best || hits[i].confirmed || !best->confirmed)
			best = &hits[i];
	if (!best)
		return 0;
	ret->what = best->confirmed ? SPEND_CONFIRMED : SPEND_MEMPOOL;
	ret->txid = best->txid;
	ret->raw = best->raw;
	ret->block = best->block;
	ret->depth = best->confirmed ? depth_of(best, tip) : 0;
	ret->tx = ARENA_NEW(a, struct tx);
	if (tx_decode(a, best->raw, ret->tx, err) != 0)
		return err_context(err, "a transaction that was seen");
	return 0;
}

/* --- where payments stand --- */

/* One payment, and what the chain has of it. */
struct tracked {
	struct unit *u;
	struct arena *a;
	int64_t now_ms;
	uint32_t tip;
	struct funding_payment was, is;
	struct funding_candidate *candidates;
	size_t n_candidates;
	struct hit_row *hits;
	size_t n_hits;
};

static struct funding_candidate *candidate_of(const struct tracked *t, const struct txid *txid)
{
	for (size_t i = 0; i < t->n_candidates; i++)
		if (txid_equal(&t->candidates[i].txid, txid))
			return &t->candidates[i];
	return NULL;
}

static int tell(struct tracked *t, const char *event, struct err *err)
{
	json_t *data = json_object_in(t->a);
	const struct txid *txid = t->is.confirmed ? &t->is.txid : &t->was.txid;
	char text[TXID_TEXT];

	txid_text(txid, text);
	json_set_str(data, "txid", text);
	if (t->is.confirmed)
		json_set_int(data, "height", t->is.block.height);
	return event_append(t->u, event, hex_text(t->a, (struct bytes){ t->is.id.b, sizeof(t->is.id.b) }),
			    json_text(t->a, data), err);
}

/* What is told of a change; NULL: nothing. */
static const char *event_of(const struct tracked *t)
{
	if (t->was.confirmed && !t->is.confirmed)
		return "splice.reorged";
	if (t->is.status == FUNDING_FAILED && t->was.status != FUNDING_FAILED)
		return "splice.excluded";
	if (t->is.status == FUNDING_SUCCEEDED && t->was.status != FUNDING_SUCCEEDED)
		return "splice.graduated";
	if (t->is.confirmed && (!t->was.confirmed || !txid_equal(&t->is.txid, &t->was.txid)))
		return "splice.confirmed";
	return NULL;
}

/* A candidate that a block or a mempool has is known to be there; one that neither has any more was sent all the same. */
static enum candidate_state seen_as(const struct tracked *t, const struct funding_candidate *c)
{
	enum candidate_state sent = candidate_is_out(c->state) ? CANDIDATE_SIGNED : c->state;

	if (c->state == CANDIDATE_LOCKED)
		return c->state; /* the node's word, and no less true */
	for (size_t i = 0; i < t->n_hits; i++)
		if (txid_equal(&t->hits[i].txid, &c->txid))
			return t->hits[i].confirmed ? CANDIDATE_CONFIRMED : CANDIDATE_SEEN;
	return sent;
}

static int sync_candidates(struct tracked *t, struct err *err)
{
	for (size_t i = 0; i < t->n_candidates; i++) {
		struct funding_candidate *c = &t->candidates[i];
		enum candidate_state state = seen_as(t, c);

		if (state != c->state && funding_store_set_state(t->u, &c->txid, state, err) != 0)
			return -1;
		c->state = state;
	}
	return 0;
}

static int sync_hits(struct tracked *t, struct err *err)
{
	bool confirmed = false;

	for (size_t i = 0; i < t->n_hits; i++) {
		const struct hit_row *hit = &t->hits[i];
		const struct funding_candidate *c = candidate_of(t, &hit->txid);
		struct funding_payment before = t->is;

		if (!hit->confirmed)
			continue;
		if (c) {
			confirmed = true;
			funding_confirm(&before, c, &hit->block, depth_of(hit, t->tip), t->now_ms, &t->is);
			continue;
		}
		if (funding_store_conflict(t->u, &t->is.id, &hit->txid, err) != 0)
			return -1;
		funding_exclude(&before, depth_of(hit, t->tip), t->now_ms, &t->is);
	}
	if (!confirmed && t->is.confirmed) {
		struct funding_payment before = t->is;

		funding_unconfirm(&before, t->now_ms, &t->is);
	}
	return 0;
}

static bool same_place(const struct funding_payment *a, const struct funding_payment *b)
{
	return a->status == b->status && a->confirmed == b->confirmed && txid_equal(&a->txid, &b->txid) &&
	       (!a->confirmed || block_ref_equal(&a->block, &b->block));
}

static int sync_payment(struct unit *u, const struct funding_payment *p, uint32_t tip, int64_t now_ms, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(HITS_ROOM);
	struct tracked t = { .u = u, .a = &a, .now_ms = now_ms, .tip = tip, .was = *p, .is = *p };
	struct view v = unit_view(u);
	const char *event;

	if (funding_store_candidates(v, &a, &p->id, &t.candidates, &t.n_candidates, err) != 0 ||
	    watch_store_hits(v, &a, owner_of(&a, &p->id), &t.hits, &t.n_hits, err) != 0 ||
	    sync_candidates(&t, err) != 0 || sync_hits(&t, err) != 0)
		return -1;
	if (same_place(&t.was, &t.is))
		return 0;
	event = event_of(&t);
	if (event && tell(&t, event, err) != 0)
		return -1;
	return funding_store_put(u, &t.is, err);
}

struct page {
	struct funding_payment *rows;
	unsigned n;
};

static void add_payment(void *ctx, const struct funding_payment *p)
{
	struct page *page = ctx;

	page->rows[page->n++] = *p;
}

/* Those of one kind: pending, or graduated in a block from `from` on. */
static int sync_all(struct unit *u, bool graduated, uint32_t tip, int64_t now_ms, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(PAGE * sizeof(struct funding_payment) + 4096);
	struct page page = { .rows = ARENA_ARRAY(&a, PAGE, struct funding_payment) };
	uint32_t from = tip > REORG_DEPTH ? tip - REORG_DEPTH : 0;
	struct hash32 after;
	bool first = true;
	int n;

	do {
		const struct hash32 *at = first ? NULL : &after;

		page.n = 0;
		n = graduated ? funding_store_graduated(unit_view(u), from, at, PAGE, add_payment, &page, err)
			      : funding_store_pending(unit_view(u), at, PAGE, add_payment, &page, err);
		for (unsigned i = 0; n > 0 && i < page.n; i++)
			if (sync_payment(u, &page.rows[i], tip, now_ms, err) != 0)
				return -1;
		if (n > 0)
			after = page.rows[page.n - 1].id;
		first = false;
	} while (n == (int)PAGE);
	return n < 0 ? -1 : 0;
}

int funding_sync(struct unit *u, int64_t now_ms, struct err *err)
{
	uint32_t tip;

	if (tip_height(unit_view(u), &tip, err) != 0)
		return -1;
	/* Graduated ones first: what a reorganisation takes back is pending then, and looked at once more. */
	return sync_all(u, true, tip, now_ms, err) != 0 ? -1 : sync_all(u, false, tip, now_ms, err);
}
