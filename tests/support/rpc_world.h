/* tests/support/rpc_world.h - an RPC server with everything below it, in a directory of its own, in the loop of the test.
 *
 * The action kinds are small stand-ins that need no mint:
 *   cashu_send      amount (above 1000: insufficient_funds), unit; plans spend_sat, parks for ever, can be cancelled
 *   cashu_issue     ends at once; its result holds a token
 *   cashu_mint_sync fails with peer_unavailable
 *   cashu_swap      every step of it ends without an answer: uncertain
 *   hidden          internal
 *   onchain_send    the real one: its node (fake_bitcoind.h) takes every transaction, and has no estimates
 *
 * The outbox has chain 31337, whose node is scripted (evm_node.h), and one space there, whose signer is the wallet's first.
 * Its relayer has no ether, so that directives stay where they are. */
#ifndef TESTS_SUPPORT_RPC_WORLD_H
#define TESTS_SUPPORT_RPC_WORLD_H

#include <check.h>

#include "actions/executor.h"
#include "actions/wallet.h"
#include "outbox/outbox.h"
#include "rpc/server.h"
#include "tests/support/evm_node.h"
#include "tests/support/fake_bitcoind.h"
#include "tests/support/scratch.h"

#define RPC_WORLD_CONTRACT "0x5FbDB2315678afecb367f032d93F642f64180aa3"

struct rpc_reply {
	struct arena *arena;
	int status; /* -1 while it runs */
	const char *text;
};

struct rpc_world {
	struct arena arena;  /* lives as long as the world */
	struct scratch disk; /* its dir has all that the server makes; store below is the open one */
	char socket[144], cookie[144];
	struct loop *loop;
	struct store *store;
	struct http *http;
	struct executor *executor;
	struct evm_node *node;
	struct fake_bitcoind *bitcoind;
	struct chain_source *chain;
	struct outbox *outbox;
	struct wallet *wallet;
	struct rpc_server *server;
	unsigned stops; /* how often the stop hook ran */
	bool client_gone;
	int status; /* of the last body, -1 while it runs; and its reply */
	const char *reply;
};

/* With a wallet that is open; tcp: also a port of 127.0.0.1. */
void rpc_world_open(struct rpc_world *w, bool tcp);
void rpc_world_open_with(struct rpc_world *w, bool tcp, unsigned max_connections);
void rpc_world_close(struct rpc_world *w);
/* Turns the loop for so long, or until *until. */
void rpc_world_run(struct rpc_world *w, int ms, const bool *until);

struct rpc_caller rpc_world_caller(enum rpc_scope scope);
/* One body, to its answer (20 s).  The status is in w->status. */
const char *rpc_world_body(struct rpc_world *w, const struct rpc_caller *caller, const char *text);
/* Begin one and do not wait; NULL when it is answered.  _into: several at a time. */
struct rpc_body *rpc_world_begin(struct rpc_world *w, const struct rpc_caller *caller, const char *text);
struct rpc_body *rpc_world_begin_into(struct rpc_world *w, const struct rpc_caller *caller, const char *text,
				      struct rpc_reply *ret);
void rpc_world_answered(struct rpc_world *w); /* wait until it is */
/* One call as admin: its result, or its error; the other one fails the test. */
json_t *rpc_world_result(struct rpc_world *w, const char *method, const char *params);
json_t *rpc_world_error(struct rpc_world *w, const char *method, const char *params);
json_t *rpc_world_result_for(struct rpc_world *w, const struct rpc_caller *c, const char *method, const char *params);
json_t *rpc_world_error_for(struct rpc_world *w, const struct rpc_caller *c, const char *method, const char *params);

/* The same in a process of its own, with both listeners, for blocking clients. */
struct rpc_process {
	pid_t pid;
	char socket[144];
	char cookie[144]; /* "__cookie__:<hex>" */
	unsigned port;
};
void rpc_process_start(struct rpc_process *p, unsigned max_connections);
void rpc_process_stop(struct rpc_process *p); /* and it must end well, leaks included */

/* A blocking socket, connected; by TCP when path is NULL. */
int rpc_connect(const char *path, unsigned port);
void rpc_send(int fd, const void *p, size_t n);
void rpc_send_text(int fd, const char *text);

/* One HTTP reply, read to its end. */
struct http_seen {
	int status; /* 0: the connection ended before a reply */
	char head[2048];
	char body[262144]; /* the first bytes of it */
	size_t body_n;
};
/* pending: bytes of the next reply that came along; start with n = 0. */
struct http_pending {
	char p[65536];
	size_t n;
};
void rpc_read_reply(int fd, struct http_pending *pending, struct http_seen *ret);
bool rpc_at_end(int fd); /* the server closes, sending nothing more (20 s) */
/* POST / with this body, on a connection that goes on. */
void rpc_post(int fd, struct http_pending *pending, const char *body, struct http_seen *ret);

const char *json_str(const json_t *obj, const char *name); /* "" when it is not there */
int64_t json_int(const json_t *obj, const char *name);     /* -1 when it is not there */

#endif
