/* rpc/walletctl/client.h - one JSON-RPC call at a time, over base/net. */
#ifndef RPC_WALLETCTL_CLIENT_H
#define RPC_WALLETCTL_CLIENT_H

#include "base/json.h"
#include "rpc/walletctl/endpoint.h"

enum ctl_exit {
	CTL_OK = 0,
	CTL_ERROR = 1,     /* the daemon answered with an error; an action that was waited for failed */
	CTL_UNREACHED = 2, /* no answer: what was asked for may or may not happen */
	CTL_USAGE = 3
};

/* What came of a call.  CTL_OK: result.  CTL_ERROR: error, the JSON-RPC object.  CTL_UNREACHED: err; sent tells whether
 * the daemon may have acted on it. */
struct answer {
	enum ctl_exit exit;
	json_t *result, *error;
	struct err err;
	bool sent;
};

struct client;
MUST_CHECK int client_new(const struct endpoint *e, struct client **ret, struct err *err); /* *e must outlive it */
void client_free(struct client *c);
/* params is an object.  What is returned is held by the arena.  changes_state: sent over a connection of its own. */
struct answer client_call(struct client *c, struct arena *a, const char *method, json_t *params, int64_t timeout_ms,
			  bool changes_state);

#endif
