/* rails/lightning/backend.h - what is asked of a Lightning node that splices for us, and what it answers, whichever node it is.
 * Implements the interface of spec/splice.md 5.4.
 *
 * Pure: each exchange is a pair, x_request() and x_decode().  What is decoded lives in the arena given first.  A node is our
 * own, and still its replies are checked like anybody's: a peer's words and transactions are in them.
 * A pair that a node has nothing for is NULL.
 * Errors of decoding: ERR_PEER (the node's error: .peer_code is its number, .msg ends with its words), ERR_PEER_INVALID (not
 * what it may say), ERR_PEER_AUTH (it does not take our key), ERR_PEER_DOWN (certainly not asked), ERR_TIMEOUT (perhaps asked: no
 * reply).  trouble() makes of them what is to be done.  Requests: ERR_RANGE (no room in the arena). */
#ifndef RAILS_LIGHTNING_BACKEND_H
#define RAILS_LIGHTNING_BACKEND_H

#include "base/arena.h"
#include "base/err.h"
#include "base/http_msg.h"
#include "base/network.h"
#include "base/secret.h"
#include "base/splice.h"
#include "rails/lightning/splice_policy.h"

enum ln_cap {
	LN_RBF = 1,            /* a pending splice can be replaced */
	LN_CANCEL = 2,         /* a round can be taken back before it is signed */
	LN_QUEUE_OFFLINE = 4,  /* takes a splice while the peer is away */
	LN_MERGE_RBF = 8,      /* joins a foreign pending splice without evicting what the peer put in */
	LN_INFLIGHT_VIEW = 16, /* tells its candidates */
	LN_STAGED = 32,        /* fund or pay, open, update, sign and commit are calls of their own */
	LN_FEERATE = 64,       /* we choose it */
	LN_SPLICE_EVENTS = 128
};

#define LN_PSBT_TEXT_MAX  ((size_t)2 * 1024 * 1024) /* characters */
#define LN_CHANNELS_MAX   10000u
#define LN_FLIGHTS_MAX    64u
#define LN_VERSION_MAX    64u
#define LN_STATE_TEXT_MAX 64u
#define LN_READ_MS        30000
#define LN_SPLICE_MS      90000 /* for what waits for the peer */

/* How a node is reached; all of it is borrowed. */
struct ln_node {
	const char *call; /* names the call in the node's log, "wd:<action>:<version>": printable ASCII, at most 128 */
	const char *socket;       /* Core Lightning: the path of its lightning-rpc */
	const char *url;          /* ldk-server: "https://host:port" */
	const char *ca_file;      /* ldk-server: the certificate that it must have */
	const struct secret *key; /* ldk-server: the 32 bytes of its api_key file */
	int64_t now_s;            /* ldk-server: Unix time, for its check of that */
};

/* Which channel is meant. */
struct ln_ref {
	struct hash32 channel;
	struct pubkey peer;
	const char *alt; /* ldk-server: user_channel_id; else NULL */
};

struct ln_info {
	struct pubkey id;
	const char *version; /* "": it does not tell */
	bool too_old;        /* for splices */
	const char *chain;   /* "bitcoin", "signet", "testnet4", "regtest"; "": it does not tell */
	uint32_t height;
	bool has_tip;
	struct block_hash tip; /* at height */
	bool synced;           /* with its chain, as it says */
};

/* A candidate that the node lists.  Newest last. */
struct ln_flight {
	struct outpoint funding; /* the new one */
	struct splice_share own; /* what our side puts in or takes out, in this round; zero: the peer's round */
	bool has_rate;
	struct feerate rate;
	struct sat capacity; /* of the channel with it */
};

struct ln_channel {
	struct hash32 id;
	const char *alt; /* as in struct ln_ref, or NULL */
	struct pubkey peer;
	const char *short_id; /* or NULL */
	const char *state;    /* in the node's words */
	enum channel_phase phase;
	bool splicing; /* signatures of ours are out for a candidate, as far as the node tells */
	bool connected;
	bool reestablished;      /* since it connected */
	bool usable;             /* ready, connected, reestablished, and somebody works on it */
	struct outpoint funding; /* the locked one */
	struct sat capacity, reserve;
	struct msat local, spendable;
	const struct ln_flight *flights;
	size_t n_flights;
};

struct ln_feerates {
	struct feerate splice, floor, max_acceptable;
};

/* Coins of the node's wallet for a splice in: reserved until they are released, or for LN_RESERVE_BLOCKS.  A bump reserves
 * them once more, upon the first, so that what is released is all of it. */
#define LN_RESERVE_BLOCKS 2016u
#define LN_RELEASE_BLOCKS 1000000u
struct ln_fund {
	bool everything; /* as much as there is, in place of amount */
	struct sat amount;
	struct feerate rate;
	struct weight start;         /* what has to be paid for beside the inputs: splice_fee.h */
	const struct outpoint *with; /* of a bump: these, reserved by it already; n_with 0: whichever */
	size_t n_with;
};
struct ln_funded {
	const char *psbt;     /* base64 */
	struct weight weight; /* with the inputs, when they are signed */
	bool has_excess;
	struct sat excess; /* everything: of the inputs, less the fee and what the node keeps for emergencies */
	struct outpoint *inputs;
	size_t n_inputs;
};

/* An output for a splice out. */
struct ln_pay {
	struct bytes script;
	struct sat amount;
	enum network network;
};
struct ln_paid {
	const char *psbt;
	struct weight added;
};

struct ln_open {
	struct ln_ref channel;
	struct splice_share share;
	const char *psbt;
	struct feerate rate;
	bool force_rate; /* also where the node finds it too high: only with a fee that is within the user's limits */
	const char *address; /* ldk-server, out: or NULL */
	bool everything;     /* ldk-server, in */
};

/* A round as it stands.  Where the node has no rounds of ours: psbt is NULL. */
struct ln_round {
	const char *psbt;
	bool commitments_secured; /* the transaction is final */
	bool signatures_secured;  /* the peer's signatures are here */
};

struct ln_committed {
	struct txid txid;
	uint32_t vout;    /* not when unsent */
	struct bytes raw; /* signed */
	bool unsent;      /* both sides have signed it, and the node's mempool does not take it */
};

struct ln_backend {
	const char *name;       /* "cln", "ldk-server" */
	unsigned caps;          /* enum ln_cap */
	const char *guarantees; /* what is weaker than spec/splice.md 1.2, for people; NULL: nothing */

	int (*info_request)(struct arena *a, const struct ln_node *node, struct net_request *ret, struct err *err);
	int (*info_decode)(struct arena *a, const struct net_reply *rep, struct ln_info *ret, struct err *err);

	/* ref NULL: all.  One that is closed is not among them. */
	int (*channels_request)(struct arena *a, const struct ln_node *node, const struct ln_ref *ref,
				struct net_request *ret, struct err *err);
	int (*channels_decode)(struct arena *a, const struct net_reply *rep, struct ln_channel **ret, size_t *n,
			       struct err *err);
	/* Was it closed?  Asked when it is not among the channels. */
	int (*closed_request)(struct arena *a, const struct ln_node *node, const struct ln_ref *ref,
			      struct net_request *ret, struct err *err);
	int (*closed_decode)(struct arena *a, const struct net_reply *rep, const struct ln_ref *ref, bool *ret,
			     struct err *err);
	/* Outputs of the node's wallet, reserved ones too: what it would sign. */
	int (*coins_request)(struct arena *a, const struct ln_node *node, struct net_request *ret, struct err *err);
	int (*coins_decode)(struct arena *a, const struct net_reply *rep, struct splice_input **ret, size_t *n,
			    struct err *err);

	/* What the wallet could put into a channel: of a node that does not tell its outputs. */
	int (*balance_request)(struct arena *a, const struct ln_node *node, struct net_request *ret, struct err *err);
	int (*balance_decode)(struct arena *a, const struct net_reply *rep, struct sat *ret, struct err *err);

	/* Can this peer splice?  *ret_known false: it is not told, for the peer is away. */
	int (*peer_request)(struct arena *a, const struct ln_node *node, const struct ln_ref *ref,
			    struct net_request *ret, struct err *err);
	int (*peer_decode)(struct arena *a, const struct net_reply *rep, bool *ret_known, bool *ret_splices,
			   struct err *err);
	int (*connect_request)(struct arena *a, const struct ln_node *node, const struct ln_ref *ref,
			       struct net_request *ret, struct err *err);
	int (*connect_decode)(struct arena *a, const struct net_reply *rep, struct err *err);
	int (*disconnect_request)(struct arena *a, const struct ln_node *node, const struct ln_ref *ref,
				  struct net_request *ret, struct err *err); /* by force; the last resort */
	int (*disconnect_decode)(struct arena *a, const struct net_reply *rep, struct err *err);

	int (*feerates_request)(struct arena *a, const struct ln_node *node, struct net_request *ret, struct err *err);
	int (*feerates_decode)(struct arena *a, const struct net_reply *rep, struct ln_feerates *ret, struct err *err);

	int (*fund_request)(struct arena *a, const struct ln_node *node, const struct ln_fund *fund,
			    struct net_request *ret, struct err *err);
	int (*fund_decode)(struct arena *a, const struct net_reply *rep, struct ln_funded *ret, struct err *err);
	int (*pay_request)(struct arena *a, const struct ln_node *node, const struct ln_pay *pay,
			   struct net_request *ret, struct err *err);
	int (*pay_decode)(struct arena *a, const struct net_reply *rep, struct ln_paid *ret, struct err *err);

	/* Begins a round; without LN_STAGED that is all there is to do. */
	int (*open_request)(struct arena *a, const struct ln_node *node, const struct ln_open *open,
			    struct net_request *ret, struct err *err);
	int (*open_decode)(struct arena *a, const struct net_reply *rep, struct ln_round *ret, struct err *err);
	/* Until it is fixed, and once more with our signatures: that makes it final and is the point of no return. */
	int (*update_request)(struct arena *a, const struct ln_node *node, const struct ln_ref *ref, const char *psbt,
			      struct net_request *ret, struct err *err);
	int (*update_decode)(struct arena *a, const struct net_reply *rep, struct ln_round *ret, struct err *err);
	/* These inputs and no others.  Not for a round without any: there is nothing to sign then. */
	int (*sign_request)(struct arena *a, const struct ln_node *node, const char *psbt, const uint32_t *inputs,
			    size_t n, struct net_request *ret, struct err *err);
	int (*sign_decode)(struct arena *a, const struct net_reply *rep, const char **ret_psbt, struct err *err);
	int (*commit_request)(struct arena *a, const struct ln_node *node, const struct ln_ref *ref, const char *psbt,
			      struct net_request *ret, struct err *err);
	int (*commit_decode)(struct arena *a, const struct net_reply *rep, struct ln_committed *ret, struct err *err);

	/* Dangerous (spec/splice.md 5.1.7): where a round is signed the node closes the channel.  Only where
	 * splice_may_abort() says so. */
	int (*abort_request)(struct arena *a, const struct ln_node *node, const struct ln_ref *ref,
			     struct net_request *ret, struct err *err);
	int (*abort_decode)(struct arena *a, const struct net_reply *rep, struct err *err);
	/* Gives back the coins that the PSBT spends; and reserves them for so many blocks more than they are. */
	int (*release_request)(struct arena *a, const struct ln_node *node, const char *psbt, struct net_request *ret,
			       struct err *err);
	int (*release_decode)(struct arena *a, const struct net_reply *rep, struct err *err);
	int (*renew_request)(struct arena *a, const struct ln_node *node, const char *psbt, uint32_t blocks,
			     struct net_request *ret, struct err *err);
	int (*renew_decode)(struct arena *a, const struct net_reply *rep, struct err *err);

	/* What an error of any of these means for a splice. */
	struct splice_trouble (*trouble)(const struct err *err);
};

extern const struct ln_backend cln_backend; /* Core Lightning, 26.06 or later: cln.c */
extern const struct ln_backend ldk_backend; /* ldk-server: ldk.c */

#endif
