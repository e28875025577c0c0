/* daemon/drivers.h - what works over the store, as tasks: the executor of actions, the outbox of directives, and the eyes on the
 * block chain. */
#ifndef DAEMON_DRIVERS_H
#define DAEMON_DRIVERS_H

#include "conf/conf.h"
#include "daemon/tasks.h"

/* shared: another daemon may leave work in the file that nobody tells us of, so that we look often.  The context of the
 * task is the struct executor, or the struct outbox. */
struct task_def executor_task(bool shared);
struct task_def outbox_task(bool shared);
/* Follows the chain: blocks, reorganisations, mempools; as often as chain_poll_s says.  Its context is the struct follower. */
struct task_def tip_task(const struct config *conf);
/* Keeps the fee estimates fresh that payments by target go by.  Its context is the struct chain_source. */
extern const struct task_def fees_task;
/* Takes exits further.  Its context is the struct exits. */
extern const struct task_def exit_task;
/* Begins exits that nobody asks for.  Its context is the struct auto_exits. */
extern const struct task_def auto_exit_task;
/* Asks the Lightning node how it is.  Its context is the struct lightning. */
extern const struct task_def lightning_task;
/* Asks mints again for ecash that was given up.  Its context is the struct executor. */
extern const struct task_def sweep_task;
/* Reads old keysets anew, and exchanges notes of those that mints retire.  Its context is the struct executor. */
extern const struct task_def rotate_task;
/* Asks mints what a backup that was put back cannot know.  Its context is the struct executor. */
extern const struct task_def put_back_task;

#endif
