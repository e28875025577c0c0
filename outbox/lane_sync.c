#include "outbox/lane_sync.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/json.h"
#include "outbox/operate.h"
#include "store/event_store.h"

#define LOOK_AGAIN_MAX   64                      /* slots that a reorganisation took away, at one look */
#define ANOMALY_AGAIN_MS (INT64_C(86400) * 1000) /* a second time within a day: stop the lane */

void lane_sync_soon(struct lane *l)
{
	l->next_sync_us = 0;
	chain_watch_soon(l->chain);
}

static int tell(struct lane *l, struct unit *u, struct arena *a, const char *reason, struct err *err)
{
	json_t *data = json_object_in(a);

	json_set_int(data, "lane", l->id);
	json_set_u64(data, "latest", l->latest);
	json_set_u64(data, "pending", l->pending);
	json_set_str(data, "pause_reason", reason);
	return event_append(u, "outbox.nonce_anomaly", arena_printf(a, "lane:%" PRId64, l->id), json_text(a, data),
			    err);
}

int lane_note_foreign(struct lane *l, struct unit *u, struct arena *a, int64_t opened_ms, bool *ret_news,
		      struct err *err)
{
	int64_t now_ms = clock_now_ms();
	struct lane_row row;
	bool again;

	if (lane_store_get(unit_view(u), a, l->id, &row, err) != 0)
		return -1;
	*ret_news = row.anomaly_at_ms < opened_ms;
	if (!*ret_news)
		return 0;
	again = row.anomaly_at_ms > 0 && now_ms - row.anomaly_at_ms < ANOMALY_AGAIN_MS;
	if (lane_store_raise(u, l->id, row.next_tx_nonce, now_ms, err) != 0 ||
	    (again && lane_store_pause(u, l->id, PAUSE_FOREIGN, err) != 0))
		return -1;
	return tell(l, u, a, again ? PAUSE_FOREIGN : NULL, err);
}

struct sync {
	struct lane *lane;
	struct arena *arena;
	bool anomaly, pool_pending;
	uint64_t ours;
};

/* The chain has not come as far as slots that were final: a reorganisation was deeper than they are looked after.  They are
 * looked at again, because nothing above them can be mined before they are. */
static int look_again(const struct lane *l, struct unit *u, struct err *err)
{
	struct slot_row slot;

	for (uint64_t nonce = l->latest; nonce - l->latest < LOOK_AGAIN_MAX; nonce++) {
		if (slot_store_at(unit_view(u), l->id, nonce, &slot, err) != 0)
			return err->code == ERR_NOT_FOUND ? 0 : -1;
		if ((slot.state != SLOT_CONFIRMED && slot.state != SLOT_FAILED) || slot.next_check_at_ms >= 0)
			continue;
		slot.next_check_at_ms = clock_now_ms();
		if (slot_store_save(u, &slot, err) != 0)
			return -1;
	}
	return 0;
}

static int sync_run(struct unit *u, void *ctx, struct err *err)
{
	struct sync *s = ctx;
	struct lane *l = s->lane;
	uint64_t theirs = l->pending > l->latest ? l->pending : l->latest;
	struct lane_row row;

	if (lane_store_get(unit_view(u), s->arena, l->id, &row, err) != 0)
		return -1;
	s->ours = row.next_tx_nonce;
	if (!row.synced) {
		s->pool_pending = l->pending != l->latest;
		return s->pool_pending ? 0 : lane_store_raise(u, l->id, l->latest, 0, err);
	}
	if (theirs <= row.next_tx_nonce)
		return look_again(l, u, err);
	/* Our counter was raised when the last one was noted: this is another. */
	if (lane_note_foreign(l, u, s->arena, INT64_MAX, &s->anomaly, err) != 0)
		return -1;
	return lane_store_raise(u, l->id, theirs, clock_now_ms(), err);
}

void lane_count_foreign(const struct lane *l)
{
	char labels[64];

	snprintf(labels, sizeof(labels), "lane=\"%" PRId64 "\",kind=\"foreign\"", l->id);
	metric_inc(metric_counter("walletd_relayer_nonce_anomaly_total", labels,
				  "Account nonces of a relayer that somebody else used."));
}

static void sync(struct lane *l)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(256 * 1024);
	struct sync s = { .lane = l, .arena = &a };
	struct err err;

	l->next_sync_us = 0; /* at the next look, until it is written */
	if (store_health(l->ob->opt.store) != STORE_OK)
		return;
	/* Small, rare, and what follows depends on it: committed at once. */
	if (store_unit_now(l->ob->opt.store, sync_run, &s, &err) != 0) {
		outbox_write_failed(l->ob, "outbox.sync_failed", &err);
		return;
	}
	l->next_sync_us = clock_mono_us() + LANE_SYNC_EVERY_US;
	if (s.pool_pending)
		lane_hold(l, HOLD_POOL_PENDING, NULL);
	else if (l->hold == HOLD_POOL_PENDING || l->hold == HOLD_NOT_CHECKED)
		lane_hold(l, HOLD_NONE, NULL);
	if (s.anomaly) {
		lane_count_foreign(l);
		log_error(
			&l->ob->log, "outbox.foreign_transactions", F_INT("lane", l->id), F_UINT("ours", s.ours),
			F_UINT("latest", l->latest), F_UINT("pending", l->pending),
			F_STR("hint", "somebody else uses the relayer's key, or the database is older than the chain"));
	}
}

/* --- holes --- */

/* *ret: the chain waits for a nonce that we have given up to somebody's transaction, which is gone again from its pools or
 * its blocks.  Everything above waits with it, for ever.  *ret_slot: the slot that was lost to it; id 0: there is none. */
static int find_hole(struct lane *l, struct view v, struct arena *a, bool *ret, struct slot_row *ret_slot,
		     struct err *err)
{
	struct lane_row row;

	*ret = false;
	*ret_slot = (struct slot_row){ .id = 0 };
	if (l->pending != l->latest)
		return 0;
	if (lane_store_get(v, a, l->id, &row, err) != 0)
		return -1;
	if (!row.synced || row.next_tx_nonce <= l->latest)
		return 0;
	if (slot_store_at(v, l->id, l->latest, ret_slot, err) == 0)
		*ret = ret_slot->state == SLOT_LOST;
	else if (err->code == ERR_NOT_FOUND)
		*ret = true;
	else
		return -1;
	return 0;
}

static int mend_run(struct unit *u, void *ctx, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(256 * 1024);
	struct lane *l = ctx;
	struct slot_row slot;
	bool hole;

	if (find_hole(l, unit_view(u), &a, &hole, &slot, err) != 0)
		return -1;
	if (!hole)
		return 0;
	if (slot.id == 0)
		return slot_store_add_vacant(u, l->id, l->latest, clock_now_ms(), err);
	slot.state = SLOT_VACANT;
	return slot_store_save(u, &slot, err);
}

/* A node that lags looks like this for a while, so it is believed when it has been so for as many blocks as make a
 * transaction final. */
static void look_for_hole(struct lane *l)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(256 * 1024);
	const struct chain *c = l->chain;
	struct slot_row slot;
	struct err err;
	bool hole;

	if (find_hole(l, store_view(l->ob->opt.store), &a, &hole, &slot, &err) != 0) {
		outbox_write_failed(l->ob, "outbox.lane_unreadable", &err);
		return;
	}
	if (hole && (!l->hole || l->hole_at != l->latest)) {
		l->hole_at = l->latest;
		l->hole_since = c->head;
	}
	l->hole = hole;
	if (!hole || c->head < l->hole_since + chain_final_depth(c) || !outbox_may_drive(l->ob))
		return;
	if (store_unit_now(l->ob->opt.store, mend_run, l, &err) != 0) {
		outbox_write_failed(l->ob, "outbox.hole_not_mended", &err);
		return;
	}
	l->hole = false;
	log_warn(&l->ob->log, "outbox.hole_mended", F_INT("lane", l->id), F_UINT("nonce", l->latest),
		 F_STR("hint", "a transaction of the relayer that was not ours is gone"));
	outbox_pump_soon(l->ob);
}

/* A gauge holds 63 bits: 9 ether in wei. */
static int64_t gauge_of(struct wei v)
{
	return v.hi > 0 || v.lo > INT64_MAX ? INT64_MAX : (int64_t)v.lo;
}

void lane_saw_account(struct lane *l, uint64_t latest, uint64_t pending, struct wei balance)
{
	bool mined = l->seen && l->latest != latest, moved = !l->seen || mined || l->hold == HOLD_NOT_CHECKED;

	l->seen = true;
	l->latest = latest;
	l->pending = pending < latest ? latest : pending; /* a node that counts backwards: its pool tells nothing */
	l->balance = balance;
	metric_set(l->m_balance, gauge_of(balance));
	/* One that is mined took less than it might have, and makes room for the others. */
	if (l->hold == HOLD_NO_FUNDS && (mined || wei_cmp(balance, l->needs) >= 0))
		lane_hold(l, HOLD_NONE, NULL);
	if (moved || clock_mono_us() >= l->next_sync_us)
		sync(l);
	look_for_hole(l);
}
