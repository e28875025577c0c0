/* rails/chain/package.h - what became of a package of transactions.  Implements spec/exit.md 3.5: the reply of bitcoind's
 * submitpackage, which Esplora servers pass on as it is.
 *
 * The reply has a message about the whole and, keyed by wtxid and in any order, one result per transaction.  The first
 * transaction in the order given that was not known already and has an error is the root of the trouble: what its children
 * say follows from it. */
#ifndef RAILS_CHAIN_PACKAGE_H
#define RAILS_CHAIN_PACKAGE_H

#include "base/jsonrpc_msg.h"
#include "rails/chain/chain.h"

#define PACKAGE_MAX 25

/* Stored and shown by name: add, never rename. */
enum package_class {
	PACKAGE_OK = 1,                  /* all of it is in the mempool */
	PACKAGE_ALREADY_KNOWN = 2,       /* some of it is mined, or was there, and nothing else is wrong */
	PACKAGE_INPUTS_GONE = 3,         /* .culprit says whose */
	PACKAGE_REPLACEMENT_TOO_LOW = 4, /* another child, or a conflict of the parent, pays more */
	PACKAGE_TOPOLOGY = 5, /* an input is neither in the UTXO set nor made in the package (nodes up to 29) */
	PACKAGE_TRUC = 6,
	PACKAGE_EPHEMERAL = 7,
	PACKAGE_FEE_TOO_LOW = 8, /* .fee_wanted */
	PACKAGE_MAX_FEERATE = 9,
	PACKAGE_OTHER = 10,       /* a no in other words: .words */
	PACKAGE_UNSUPPORTED = 11, /* the server takes no packages */
	PACKAGE_UNKNOWN = 12      /* transport: it may be in the mempool, never conclude that it is not */
};
const char *package_class_name(enum package_class c);

struct package_tx {
	struct txid txid;
	bool told;         /* there is a result for it */
	const char *error; /* "" for none */
	uint64_t vsize;    /* 0: not told */
	struct sat fee;    /* when vsize is told */
	bool has_rate;     /* when it came in with others, what they pay together */
	struct feerate rate;
	bool has_other_wtxid; /* one with another witness is in the mempool already */
	struct wtxid other_wtxid;
};

struct package_result {
	enum package_class class;
	size_t culprit;    /* whose error decided; n when it was the message, or nothing */
	const char *words; /* that error, or the message */
	bool has_fee_wanted;
	struct sat fee_wanted;              /* with PACKAGE_FEE_TOO_LOW: what the package must pay, at least */
	struct package_tx txs[PACKAGE_MAX]; /* in the order given */
	size_t n;
	struct txid *replaced; /* what left the mempool for it */
	size_t n_replaced;
};

/* v: the object in the reply.  txids: those of the package, in the order given; n is 1 to PACKAGE_MAX.  ERR_PEER_INVALID:
 * then nobody knows what became of it.  Texts live as long as v. */
MUST_CHECK int package_read(struct arena *a, const json_t *v, const struct txid *txids, size_t n,
			    struct package_result *ret, struct err *err);
/* Of the answer to bitcoind_ask_package(), be it an error. */
MUST_CHECK int package_of_answer(struct arena *a, const struct jsonrpc_answer *answer, const struct txid *txids,
				 size_t n, struct package_result *ret, struct err *err);
/* All of it was refused in one error: its number (0: none) and words, borrowed. */
void package_refused(const struct txid *txids, size_t n, int64_t code, const char *words, struct package_result *ret);
/* Nobody answered: PACKAGE_UNKNOWN.  words is borrowed. */
void package_unknown(const struct txid *txids, size_t n, const char *words, struct package_result *ret);
/* As broadcast_class_join(). */
enum package_class package_class_join(enum package_class before, enum package_class now);

#endif
