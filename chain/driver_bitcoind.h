/* chain/driver_bitcoind.h - what driver_bitcoind.c (the table of questions, and those of one step or two) and
 * driver_bitcoind_track.c (those of many) share.  Nobody else includes this. */
#ifndef CHAIN_DRIVER_BITCOIND_H
#define CHAIN_DRIVER_BITCOIND_H

#include "chain/source_internal.h"

struct exchange {
	const struct jsonrpc_answer *a; /* of the step's own calls */
	const struct net_reply *rep;
};

/* The calls of the step that the question is at, and what they were answered. */
void status_calls(const struct chain_ask *q, struct jsonrpc_batch *b);
enum step status_read(struct chain_ask *q, const struct exchange *x, struct err *err);
void coin_calls(const struct chain_ask *q, struct jsonrpc_batch *b);
enum step coin_read(struct chain_ask *q, const struct exchange *x, struct err *err);
void spends_calls(const struct chain_ask *q, struct jsonrpc_batch *b);
enum step spends_read(struct chain_ask *q, const struct exchange *x, struct err *err);
/* Its step is one whose reply is a block, which is not made JSON of. */
bool spends_wants_block(const struct chain_ask *q);

int bitcoind_read_block(struct arena *a, const struct net_reply *rep, const struct block_hash *asked, bool *found,
			struct block *ret, struct err *err);

#endif
