/* rpc/walletctl/show.h - a result as people read it: members in a column, lists as tables, times as dates.
 *
 * Programs read --json; this may change from version to version.  Everything shown went through term.h. */
#ifndef RPC_WALLETCTL_SHOW_H
#define RPC_WALLETCTL_SHOW_H

#include "base/json.h"

/* method: whose result it is, for the columns of its lists. */
void show_result(struct buf *to, struct arena *a, const char *method, json_t *result);
/* Indented, and the same JSON. */
void show_json(struct buf *to, const json_t *v);
/* The error object of a call: message, kind, what it did to the money, the way out. */
void show_error(struct buf *to, const json_t *error);

#endif
