/* daemon/drivers.h - the two drivers over the store as tasks: the executor of actions, and the outbox of directives. */
#ifndef DAEMON_DRIVERS_H
#define DAEMON_DRIVERS_H

#include "daemon/tasks.h"

/* shared: another daemon may leave work in the file that nobody tells us of, so that we look often.  The context of the
 * task is the struct executor, or the struct outbox. */
struct task_def executor_task(bool shared);
struct task_def outbox_task(bool shared);

#endif
