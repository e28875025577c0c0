/* lightning/node.h - the `lightning` task: the Lightning node's own account of itself, written into the tables.
 *
 * A round asks for the node's version and height, its feerates, its wallet's coins or balance and its channels, and of channels
 * whose peer it has not heard of yet whether that one can splice: what its backend can ask.  Then one unit has all of it.  Nobody decides about money on what is kept
 * here (spec/splice.md 7, O1): it is for showing, and for refusing at once what the node would refuse later.  Splices that are
 * none of ours get their record here (spec/splice.md 1.2, G8), and coins that are reserved for ended ones go back (sweep.h).
 *
 * Runs in the loop.  Errors of a round: those of rails/lightning/backend.h and of the store; ERR_NETWORK: a node of another
 * network or chain.  The round ends, and the task shows it. */
#ifndef LIGHTNING_NODE_H
#define LIGHTNING_NODE_H

#include "base/net/http.h"
#include "rails/lightning/backend.h"
#include "store/store.h"

struct lightning;

struct lightning_options {
	struct loop *loop;
	struct store *store;
	struct http *http; /* for a backend that is asked over HTTP */
	const struct ln_backend *backend;
	struct ln_node node; /* how it is reached; borrowed */
	enum network network;
	/* The node is back, or something about a channel is new, which splices may wait for; carries nothing. */
	void (*changed)(void *ctx);
	void *ctx;
};
struct lightning *lightning_new(const struct lightning_options *opt);
/* Ends a round in its middle.  NULL is fine. */
void lightning_free(struct lightning *ln);

/* A task's run: begins a round unless one is under way.  0 always. */
int lightning_run(void *lightning, struct err *err);

struct lightning_status {
	bool told; /* a round has come to its end once, and the rest is set */
	bool up;   /* the last round has */
	struct pubkey id;
	char version[LN_VERSION_MAX + 1];
	bool too_old, synced;
	uint32_t height;
	bool has_rates; /* it tells them */
	struct ln_feerates rates;
	struct sat
		wallet; /* of the node, what is reserved too; of one that tells its balance alone, what can be spent */
	unsigned channels;
	uint64_t rounds, failures;
	int64_t last_success_ms;
	struct err last_error; /* ERR_NONE: the last round went well */
};
void lightning_status(const struct lightning *ln, struct lightning_status *ret);
const struct ln_backend *lightning_backend(const struct lightning *ln);
/* Its socket, or its URL. */
const char *lightning_address(const struct lightning *ln);

/* Can this peer splice, as far as the node has been told? */
enum lightning_peer { LIGHTNING_PEER_UNKNOWN = 0, LIGHTNING_PEER_SPLICES, LIGHTNING_PEER_CANNOT };
enum lightning_peer lightning_peer_of(const struct lightning *ln, const struct pubkey *peer);

#endif
