/* rails/chain/broadcast.h - what became of a transaction that was given to a node.  Implements spec/exit.md 6.4, for the
 * words of bitcoind, of Knots, and of Esplora servers that pass on the words of their bitcoind.
 *
 * Words are matched by what they hold, never as a whole: they have details, and change with versions. */
#ifndef RAILS_CHAIN_BROADCAST_H
#define RAILS_CHAIN_BROADCAST_H

#include "base/jsonrpc_msg.h"
#include "rails/chain/chain.h"

/* Stored and shown by name: add, never rename. */
enum broadcast_class {
	BROADCAST_OK = 1,          /* it is in the mempool, or mined */
	BROADCAST_INPUTS_GONE = 2, /* an input is spent, or its transaction is not known there (yet) */
	BROADCAST_CONFLICT = 3,    /* another transaction spends an input, and this one does not pay enough more */
	BROADCAST_FEE_TOO_LOW = 4,
	BROADCAST_PREMATURE = 5, /* a timelock has not passed */
	BROADCAST_POLICY = 6,    /* this node does not relay such transactions */
	BROADCAST_TRUC = 7,      /* … because of what BIP431 demands of version 3 and its relatives */
	BROADCAST_EPHEMERAL = 8, /* … because of dust: it pays a fee, or is not spent in the same package */
	BROADCAST_INVALID = 9,   /* it can never be mined: a signature is wrong, say */
	BROADCAST_BUG = 10,      /* it is no transaction at all */
	BROADCAST_MAXFEE = 11,   /* the node thinks that we pay too much */
	BROADCAST_WARMUP = 12,   /* the node is starting: the same later */
	BROADCAST_OTHER = 13,    /* it said no in words that nobody knows */
	/* Nobody knows: it may be in the mempool.  Never conclude that it was not broadcast. */
	BROADCAST_UNKNOWN = 14
};
const char *broadcast_class_name(enum broadcast_class c);

/* Of an error: its number (0 when there is none) and its words. */
enum broadcast_class broadcast_class_of_words(int64_t code, const char *words);
/* Of the answer to bitcoind_ask_send().  A txid that is not ours is BROADCAST_UNKNOWN: the node lies. */
enum broadcast_class broadcast_class_of_answer(const struct jsonrpc_answer *answer, const struct txid *ours);
/* The same transaction was given to two nodes: `before` became of it at the first, `now` at the second.  A no of the second
 * is no end where the first may have taken it. */
enum broadcast_class broadcast_class_join(enum broadcast_class before, enum broadcast_class now);

/* An Esplora server's way to pass on an error: "sendrawtransaction RPC error: {"code":-26,"message":"…"}", "… RPC error -26:
 * …", or the words alone.  *words: within text, or in the arena. */
void broadcast_words(struct arena *a, const char *text, int64_t *code, const char **words);

/* The fee that "min relay fee not met, 37 < 277" and "…; 0.0000001 < 0.00000153" ask for (of the latter, more than what is
 * paid now).  False when the words name none. */
MUST_CHECK bool broadcast_fee_wanted(const char *words, struct sat *ret);

#endif
