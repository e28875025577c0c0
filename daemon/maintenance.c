#include "daemon/maintenance.h"

#include "base/clock.h"
#include "store/action_store.h"
#include "store/event_store.h"
#include "store/movement_store.h"

#define MINUTE_MS  INT64_C(60000)
#define HOUR_US    (INT64_C(3600) * 1000000)
#define DAY_MS     (INT64_C(86400) * 1000)
#define PRUNE_ROWS 500 /* a run: it must not hold the loop, and a minute later comes the next */

struct maintenance maintenance_new(struct store *store, void (*ledger_checked)(void *ctx, const struct err *failed),
				   void *ctx)
{
	return (struct maintenance){ .store = store, .ledger_checked = ledger_checked, .ctx = ctx };
}

static int prune(struct unit *u, void *ctx, struct err *err)
{
	const struct maintenance *m = ctx;
	int64_t now = clock_now_ms();

	if (m->retention_days > 0 && action_store_prune(u, now - m->retention_days * DAY_MS, PRUNE_ROWS, err) != 0)
		return -1;
	if (m->event_retention_days > 0 && event_prune(u, now - m->event_retention_days * DAY_MS, PRUNE_ROWS, err) != 0)
		return -1;
	return 0;
}

/* Has it been so long?  Notes that it is being done now. */
static bool is_time(int64_t *last_us, int64_t every_us)
{
	int64_t now = clock_mono_us();

	if (*last_us != 0 && now - *last_us < every_us)
		return false;
	*last_us = now;
	return true;
}

static int check_ledger(struct maintenance *m, struct err *err)
{
	int rc = movement_check(store_view(m->store), err);

	m->ledger_checked(m->ctx, rc == 0 ? NULL : err);
	if (rc == 0)
		return 0;
	m->checked_at_us = 0; /* again next time: status shows the trouble for as long as it lasts */
	return err_context(err, "checking the ledger against the coins");
}

static int run(void *ctx, struct err *err)
{
	struct maintenance *m = ctx;

	/* The first of these comes after the start, because its cost grows with the number of coins.  While the two
	 * disagree nothing is removed: it may be what tells why. */
	if (is_time(&m->checked_at_us, 24 * HOUR_US) && check_ledger(m, err) != 0)
		return -1;
	if (store_unit(m->store, prune, m, NULL, err) != 0)
		return err_context(err, "retention");
	if (is_time(&m->folded_at_us, HOUR_US) && store_maintain(m->store, err) != 0)
		return err_context(err, "folding the write-ahead log");
	return 0;
}

const struct task_def maintenance_task = { .name = "maintenance", .interval_ms = MINUTE_MS, .run = run };
