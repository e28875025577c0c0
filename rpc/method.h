/* rpc/method.h - one row per method, and what a handler sees and says (design.md section 8, operations.md 3.1 to 3.8).
 *
 * The row makes validation, help, rpc.discover, the reference and the shell completion.  A handler returns a struct
 * rpc_outcome, which only rpc_ok(), rpc_fail() and rpc_later() make, so that an unanswered call does not compile.  A
 * result is always an object.  Everything a call makes lives in its arena and dies after its answer was written. */
#ifndef RPC_METHOD_H
#define RPC_METHOD_H

#include "base/json.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/params.h"
#include "store/view.h"

struct executor;
struct rpc_server;

enum rpc_scope { /* stored with each key: append, never renumber.  Each holds those before it. */
		 RPC_READ = 1,
		 RPC_RECEIVE = 2,
		 RPC_SPEND = 3,
		 RPC_ADMIN = 4
};
const char *rpc_scope_name(enum rpc_scope scope);
MUST_CHECK bool rpc_scope_parse(const char *text, enum rpc_scope *ret);

/* Who calls.  `credential` is the name space of its idempotency keys: "unix:1000", "cookie", "key:shop". */
#define RPC_CREDENTIAL_MAX 72
struct rpc_caller {
	enum rpc_scope scope;
	char credential[RPC_CREDENTIAL_MAX];
	int64_t key_id;                          /* of a named key, else 0 */
	int64_t budget_hour_sat, budget_day_sat; /* -1: none */
};

enum rpc_flags {
	RPC_MUTATES = 1,   /* takes idempotency_key; the first answer is stored */
	RPC_NO_NOTIFY = 2, /* moves money or shows a secret once: refused without an id */
	RPC_GROUPED = 4 /* neighbours in a batch are units of one commit: each begins before the one ahead is durable */
};

/* A member of a result: its JSON type ("string", "integer", "boolean", "object", "array") and what it means. */
struct rpc_field {
	const char *name, *type, *help;
};

struct rpc_call;
struct rpc_outcome {
	enum rpc_outcome_tag { RPC_OK = 1, RPC_FAIL, RPC_LATER } tag;
	json_t *result;          /* RPC_OK: borrowed from the call's arena */
	const char *text;        /* instead of result or err: the JSON object as text */
	struct err err;          /* RPC_FAIL */
	const char *funds_moved; /* RPC_FAIL: "no", "yes", "unknown" */
	const char *action_id;   /* RPC_FAIL: or NULL */
};
struct rpc_outcome rpc_ok(json_t *result);
struct rpc_outcome rpc_ok_text(const char *object); /* for one that is kept as text; lives as long as the call */
/* Nothing was moved: what a failed call means unless its action says otherwise. */
struct rpc_outcome rpc_fail(const struct err *err);
struct rpc_outcome rpc_fail_action(const struct err *err, const char *funds_moved, const char *action_id);
/* rpc_finish() will be called, once, and not from inside the handler.  abandon, if not NULL, runs instead when the client
 * has gone: it must undo the wait, and rpc_finish() is then not called.  Without it the call runs on to its end. */
struct rpc_outcome rpc_later(struct rpc_call *call, void (*abandon)(struct rpc_call *call));

struct rpc_method {
	const char *name;
	enum rpc_scope scope;
	unsigned flags;
	const struct param *params;     /* ends with {0}; NULL: none */
	const struct rpc_field *result; /* ends with {0} */
	const char *help;               /* first sentence: the summary */
	const char *example;            /* its params as JSON, or NULL */
	struct rpc_outcome (*run)(struct rpc_call *call);
};
extern const struct rpc_method *const rpc_methods[];      /* methods.c; in the order of help; ends with NULL */
const struct rpc_method *rpc_method_of(const char *name); /* or NULL */

/* The last row of every mutating method's parameters. */
#define RPC_KEY_PARAM                                                                                                        \
	{                                                                                                                    \
		.name = "idempotency_key", .type = PARAM_STRING, .min = 1, .max = 128,                                       \
		.help = "1 to 128 printable ASCII characters. The first answer to a key is stored for ever and given again." \
	}

/* A call that runs. */
struct rpc_call {
	struct arena *arena;
	struct rpc_server *server;
	const struct rpc_method *method;
	json_t *params; /* checked against the table: known names, right types */
	struct rpc_caller caller;
	struct log log;
	void *data; /* the handler's own, in the arena */
	/* For the idempotency record, set before the answer: what it keeps in place of a result that holds a secret, and the
	 * action that the key stands for. */
	json_t *record;
	struct action_id action;
	bool record_at_end; /* the answer itself is kept, not what rpc_mutate() made */
};
/* Give the answer of a call that said rpc_later(). */
void rpc_finish(struct rpc_call *call, struct rpc_outcome outcome);

/* While a call waits, a fuller answer becomes the recorded one; then it is given as rpc_finish() would. */
void rpc_finish_fuller(struct rpc_call *call, json_t *result);

/* Run fn in a unit that also holds the idempotency record, and answer with *ret_result when it is durable.  The
 * handler returns what this returns.  `then`, if not NULL, runs once it is durable in place of answering: it must finish
 * the call, now or later. */
struct rpc_outcome rpc_mutate(struct rpc_call *call,
			      int (*fn)(struct unit *u, struct rpc_call *call, json_t **ret_result, struct err *err),
			      void (*then)(struct rpc_call *call, json_t *result));
/* The same outside the handler, when what a call waited for with rpc_later() has come: the call is finished from here. */
void rpc_mutate_later(struct rpc_call *call,
		      int (*fn)(struct unit *u, struct rpc_call *call, json_t **ret_result, struct err *err),
		      void (*then)(struct rpc_call *call, json_t *result));

#endif
