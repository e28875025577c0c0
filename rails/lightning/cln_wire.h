/* rails/lightning/cln_wire.h - one call of Core Lightning's JSON-RPC, and what every reply has in common.  Implements spec/splice.md
 * 5.1.2.  For the files cln*.c alone. */
#ifndef RAILS_LIGHTNING_CLN_WIRE_H
#define RAILS_LIGHTNING_CLN_WIRE_H

#include "base/json.h"
#include "rails/lightning/backend.h"

#define CLN_REPLY_MAX ((size_t)8 * 1024 * 1024)

/* Numbers of errors (common/jsonrpc_errors.h there). */
enum cln_code {
	CLN_METHOD_NOT_FOUND = -32601,
	CLN_INVALID_PARAMS = -32602,
	CLN_CANNOT_AFFORD = 301,
	CLN_STILL_SYNCING = 304,
	CLN_CANNOT_AFFORD_EMERGENCY = 313,
	CLN_INPUT_IS_ZERO = 314,
	CLN_BROADCAST_FAIL = 350,
	CLN_WRONG_OWNER = 351,
	CLN_UNKNOWN_CHANNEL = 352,
	CLN_INVALID_STATE = 353,
	CLN_NOT_SUPPORTED = 354,
	CLN_BUSY = 355,
	CLN_INPUT_ERROR = 356,
	CLN_FUNDING_LOW = 357,
	CLN_STATE_ERROR = 358,
	CLN_LOW_FEE = 359,
	CLN_HIGH_FEE = 360,
	CLN_ABORT = 362,
	CLN_CHANNEL_ERROR = 363,
	CLN_CONNECT_NO_ADDRESS = 400,
	CLN_CONNECT_ALL_FAILED = 401,
	CLN_CONNECT_DROPPED = 402
};

/* A call's parameters, which are an object held by the arena; waits: for the peer. */
struct cln_call {
	const char *method;
	json_t *params;
	json_t *filter; /* what of the reply is wanted, or NULL: all */
	bool waits;
	bool writes; /* it changes something */
};
MUST_CHECK int cln_request(struct arena *a, const struct ln_node *node, const struct cln_call *call,
			   struct net_request *ret, struct err *err);
/* Its result: an object.  ERR_PEER: the node's error. */
MUST_CHECK int cln_result(struct arena *a, const struct net_reply *rep, const char *method, json_t **ret,
			  struct err *err);
/* The words of an error, whole as they came, or "". */
const char *cln_words(struct arena *a, const struct net_reply *rep);
/* What err says is wrong with a reply to method: ERR_PEER_INVALID, whatever it was.  -1. */
int cln_refuse(const char *method, struct err *err);

struct splice_trouble cln_trouble(const struct err *err);

/* Members of a reply.  Errors are for cln_refuse(). */
MUST_CHECK int cln_get_txid(const json_t *obj, const char *name, struct txid *ret, struct err *err);
MUST_CHECK int cln_get_hash(const json_t *obj, const char *name, struct hash32 *ret, struct err *err);
MUST_CHECK int cln_get_pubkey(const json_t *obj, const char *name, struct pubkey *ret, struct err *err);
MUST_CHECK int cln_get_u32(const json_t *obj, const char *name, uint32_t *ret, struct err *err);
/* Absent: zero. */
MUST_CHECK int cln_opt_msat(const json_t *obj, const char *name, struct msat *ret, struct err *err);
MUST_CHECK int cln_opt_sat(const json_t *obj, const char *name, struct sat *ret, struct err *err); /* of msat, cut */

#endif
