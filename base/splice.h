/* base/splice.h - the values of splices that both the store and rails/lightning speak.  Terms as in spec/splice.md: the base
 * funding is the channel's locked funding output; a candidate is one fully negotiated transaction that spends it. */
#ifndef BASE_SPLICE_H
#define BASE_SPLICE_H

#include "base/amount.h"
#include "base/buf.h"
#include "base/ids.h"

#define SPLICE_FAIL_TEXT_MAX 256 /* characters of a peer's words that are kept: printable ASCII */
#define SPLICE_OUTPUTS_MAX   16
#define SPLICE_INPUTS_MAX    252

/* All of these are stored: append, never renumber.  Each has its name for people in *_name(). */

enum splice_kind {
	SPLICE_NONE = 0, /* nothing is being negotiated: the splice waits to be locked */
	SPLICE_IN = 1,   /* from the node's wallet into the channel */
	SPLICE_OUT = 2,  /* from the channel to outputs */
	SPLICE_BUMP = 3  /* a further candidate of the same splice, at a higher fee */
};
#define SPLICE_KINDS 4
const char *splice_kind_name(enum splice_kind k);

/* What a splice waits for. */
enum splice_wait {
	SPLICE_WAIT_NONE = 0,
	SPLICE_WAIT_PEER_OFFLINE = 1,
	SPLICE_WAIT_FOREIGN_SPLICE = 2, /* a candidate that is not this splice's */
	SPLICE_WAIT_NODE_BUSY = 3,
	SPLICE_WAIT_LOW_FUNDS = 4,
	SPLICE_WAIT_FEERATE_CAP = 5,
	SPLICE_WAIT_NODE_UNREACHABLE = 6, /* or still syncing */
	SPLICE_WAIT_HTLC_OR_STFU = 7,
	SPLICE_WAIT_PEER_SIGNATURES = 8,
	SPLICE_WAIT_CONFIRMATION = 9
};
#define SPLICE_WAITS 10
const char *splice_wait_name(enum splice_wait w);

/* Why a round came to nothing (spec/splice.md 3.3), whatever the backend.  0: nothing has failed. */
enum splice_class {
	SPLICE_FINE = 0,
	SPLICE_DISCONNECT = 1,
	SPLICE_UNKNOWN = 2, /* or the outcome is */
	SPLICE_STALE = 3,   /* the contribution no longer fits: balance, inputs */
	SPLICE_FEE_LOW = 4,
	SPLICE_PEER_ABORT = 5,
	SPLICE_PROTO_ERR = 6,
	SPLICE_CANCELLED = 7,
	SPLICE_CLOSING = 8,
	SPLICE_NO_RBF = 9, /* nothing to replace, or no longer */
	SPLICE_EXHAUSTED = 10,
	SPLICE_INVALID = 11
};
#define SPLICE_CLASSES 12
const char *splice_class_name(enum splice_class c);

/* How a splice ended. */
enum splice_outcome { SPLICE_LOCKED = 1, SPLICE_ABANDONED = 2, SPLICE_WAS_CANCELLED = 3 };
#define SPLICE_OUTCOMES 4
const char *splice_outcome_name(enum splice_outcome o);

enum candidate_origin {
	CANDIDATE_OURS = 1,
	CANDIDATE_FOREIGN = 2,      /* the peer's */
	CANDIDATE_FOREIGN_LOCAL = 3 /* made at our node, and not by us */
};
const char *candidate_origin_name(enum candidate_origin o);

enum candidate_state {
	CANDIDATE_NEGOTIATED = 1, /* its transaction is fixed; no signature of ours has left */
	CANDIDATE_SIGNED = 2,     /* ours has, or may have */
	CANDIDATE_SEEN = 3,       /* in a mempool */
	CANDIDATE_CONFIRMED = 4,
	CANDIDATE_LOCKED = 5,   /* it is the channel's funding now */
	CANDIDATE_DISCARDED = 6 /* another one is, or it was taken back unsigned */
};
const char *candidate_state_name(enum candidate_state s);
/* Our signature may be out, and it has not lost: SIGNED, SEEN, CONFIRMED or LOCKED. */
bool candidate_is_out(enum candidate_state s);

struct funding_candidate {
	struct txid txid;
	uint32_t vout;  /* of the new funding */
	uint32_t round; /* 1 for the first */
	enum candidate_origin origin;
	enum candidate_state state;
	bool has_amount, has_fee; /* our shares; a foreign one has neither */
	struct sat amount, fee;
	bool has_rate;
	struct feerate rate;
	struct bytes raw; /* the signed transaction; empty when it is not known */
	int64_t first_seen_ms;
};

/* What kind of transaction a funding payment is.  The generic one never takes the interactive one's place. */
enum funding_type { FUNDING_UNTYPED = 0, FUNDING_GENERIC = 1, FUNDING_INTERACTIVE = 2 };
const char *funding_type_name(enum funding_type t);

enum funding_direction { FUNDING_IN = 1, FUNDING_OUT = 2 }; /* as seen by the channel */
const char *funding_direction_name(enum funding_direction d);

enum funding_status {
	FUNDING_PENDING = 1,
	FUNDING_SUCCEEDED = 2, /* graduated: FUNDING_DEPTH blocks have it */
	FUNDING_FAILED = 3
};
const char *funding_status_name(enum funding_status s);
#define FUNDING_DEPTH 6u

/* The payment that a splice is, from its first candidate on and for ever.  Where it stands in the chain is the chain's to
 * say; type and figures are the splice's. */
struct funding_payment {
	struct hash32 id; /* the splice's; of a foreign one the first candidate's txid */
	enum funding_type type;
	enum funding_direction direction;
	enum funding_status status;
	struct txid txid; /* the candidate that is confirmed, else the newest one */
	bool confirmed;
	struct block_ref block; /* when confirmed */
	bool has_amount, has_fee;
	struct sat amount, fee;
	struct hash32 channel;
	struct pubkey peer;
	int64_t created_at_ms, updated_at_ms;
};
struct hash32 funding_foreign_id(const struct txid *first);

enum channel_phase {
	CHANNEL_OPENING = 1, /* not ready for a splice yet */
	CHANNEL_READY = 2,   /* as far as its own state goes: the peer may be away */
	CHANNEL_CLOSING = 3, /* or closed, and the chain still has to settle it */
	CHANNEL_GONE = 4     /* the node does not know it, or not any more */
};
const char *channel_phase_name(enum channel_phase p);

/* An amount that goes into the channel, or out of it. */
struct splice_share {
	bool out;
	struct sat by; /* zero: neither */
};

struct splice_input {
	struct outpoint at;
	struct sat amount;
	bool released;        /* the node's wallet may use it for something else again */
	uint32_t reserved_to; /* height, as the node told it; 0: it is not reserved, or nobody has asked */
};

struct splice_output {
	struct bytes script;
	struct sat amount;
};

#endif
