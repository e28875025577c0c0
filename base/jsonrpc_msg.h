/* base/jsonrpc_msg.h - JSON-RPC 2.0 from the client's side as pure values: calls in, the bytes of a request out; the
 * bytes of a reply in, one answer per call out.  For every backend that speaks it; who sends is somebody else.
 *
 * A batch counts its calls from 0, and a call's id on the wire is its number plus one: some servers take id 0 for none.
 * Answers may arrive in any order and are returned in the order of the calls.  An answer that cannot be told whose it is
 * (an id that was not asked for, or twice) spoils the whole reply, because then none of them can be trusted.
 * Everything made lives in the arena of the batch or of the reply. */
#ifndef BASE_JSONRPC_MSG_H
#define BASE_JSONRPC_MSG_H

#include "base/json.h"

#define JSONRPC_BATCH_MAX   100
#define JSONRPC_REPLY_MAX   ((size_t)8 * 1024 * 1024)
#define JSONRPC_MESSAGE_MAX 1024 /* bytes kept of an error's words */

/* --- requests --- */

struct jsonrpc_call {
	const char *method; /* static text */
	json_t *params;     /* a list or an object, held by the arena */
};

struct jsonrpc_batch {
	struct arena *arena;
	struct jsonrpc_call calls[JSONRPC_BATCH_MAX];
	size_t n;
	bool failed; /* sticky: a call more than there is room for */
};

struct jsonrpc_batch jsonrpc_batch_in(struct arena *a);
/* Returns the number of the call.  One too many makes the batch sticky-failed. */
size_t jsonrpc_add(struct jsonrpc_batch *b, const char *method, json_t *params);
/* One call: an object; more: a list.  ERR_RANGE: no call, too many, or longer than the arena has room for. */
MUST_CHECK int jsonrpc_encode(const struct jsonrpc_batch *b, struct bytes *ret, struct err *err);
/* Call i alone, as an object; its answer is decoded with jsonrpc_decode_one(). */
MUST_CHECK int jsonrpc_encode_one(const struct jsonrpc_batch *b, size_t i, struct bytes *ret, struct err *err);

/* --- replies --- */

/* What is wrong with a reply, or with one answer in it. */
enum jsonrpc_flaw {
	JSONRPC_FINE = 0,
	/* of the whole reply */
	JSONRPC_TOO_LARGE,  /* more bytes than the rules allow */
	JSONRPC_TOO_DEEP,   /* nested deeper, or more values, than they allow */
	JSONRPC_HTML,       /* a page for people */
	JSONRPC_NOT_JSON,   /* anything else that does not parse */
	JSONRPC_SHAPE,      /* JSON, but neither an answer nor a list of them */
	JSONRPC_ONE_ERROR,  /* a batch was answered by one error: perhaps the server takes no batches */
	JSONRPC_FOREIGN_ID, /* an answer to a call that was not made */
	JSONRPC_TWICE,      /* two answers to one call */
	/* of one answer */
	JSONRPC_MISSING,   /* no answer to this call */
	JSONRPC_VERSION,   /* its "jsonrpc" is not "2.0" */
	JSONRPC_BOTH,      /* a result and an error */
	JSONRPC_NEITHER,   /* no result and no error */
	JSONRPC_BAD_ERROR, /* an error without an integer code and words */
	JSONRPC_FLAWS
};
const char *jsonrpc_flaw_text(enum jsonrpc_flaw flaw);

struct jsonrpc_error {
	int64_t code;
	const char *message;   /* UTF-8, control characters blanked, at most JSONRPC_MESSAGE_MAX bytes */
	json_t *data;          /* or NULL; null counts as absent */
	const char *data_text; /* the same of data when that is text, else "" */
};

/* Of one call: flaw JSONRPC_FINE and a result (which may be JSON null), or an error when result is NULL. */
struct jsonrpc_answer {
	enum jsonrpc_flaw flaw;
	json_t *result;
	struct jsonrpc_error error;
};

struct jsonrpc_reply {
	enum jsonrpc_flaw flaw; /* of the whole: when JSONRPC_FINE, answers are set, each with a flaw of its own */
	struct jsonrpc_answer *answers; /* one per call, in their order */
	size_t n;
	struct jsonrpc_error refusal; /* with JSONRPC_ONE_ERROR */
};

struct jsonrpc_rules {
	/* For bitcoind before 28 and its like, which speak what is left of 1.1: "jsonrpc" may be absent or "1.0" or
	 * "1.1", and the one of result and error that does not apply may be null. */
	bool loose;
	bool reals_as_text; /* as in struct json_rules */
	size_t max_bytes;   /* 0 means JSONRPC_REPLY_MAX */
	size_t max_values;  /* 0 means JSON_VALUES_MAX */
	unsigned max_depth; /* 0 means JSON_DEPTH_MAX */
};

/* n_calls: how many the request held, 1 to JSONRPC_BATCH_MAX.  rules NULL: strict, and the defaults.  An error with id
 * null, or without one, answers a single call, and refuses a batch when it stands alone. */
void jsonrpc_decode(struct arena *a, struct bytes body, size_t n_calls, const struct jsonrpc_rules *rules,
		    struct jsonrpc_reply *ret);
/* The reply to jsonrpc_encode_one(b, i): answers has the one. */
void jsonrpc_decode_one(struct arena *a, struct bytes body, size_t i, const struct jsonrpc_rules *rules,
			struct jsonrpc_reply *ret);

/* The result of an answer, borrowed.  ERR_PEER: the server's error (.peer_code is its code, where an int can hold it; the
 * message its words); ERR_PEER_INVALID: a flaw. */
MUST_CHECK int jsonrpc_result(const struct jsonrpc_answer *answer, json_t **ret, struct err *err);

#endif
