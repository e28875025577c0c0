/* daemon/maintenance.h - the task that keeps the store small and checks the books: removes what retention lets go, folds
 * the write-ahead log back, and compares the ledger with the coins. */
#ifndef DAEMON_MAINTENANCE_H
#define DAEMON_MAINTENANCE_H

#include "daemon/tasks.h"
#include "store/store.h"

struct maintenance {
	struct store *store;
	void (*ledger_checked)(void *ctx, const struct err *failed); /* failed: NULL when it agrees */
	void *ctx;
	int64_t retention_days, event_retention_days; /* 0: for ever; may be changed between runs */
	int64_t folded_at_us, checked_at_us;          /* by clock_mono_us(); 0: not yet */
};
struct maintenance maintenance_new(struct store *store, void (*ledger_checked)(void *ctx, const struct err *failed),
				   void *ctx);
/* ctx: struct maintenance. */
extern const struct task_def maintenance_task;

#endif
