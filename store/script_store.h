/* store/script_store.h - the on-chain wallet's scripts: those it has given out, and those it looks out for beyond them.
 * Implements spec/exit.md 7.2.
 *
 * Scripts are derived from the account's extended public key (so also while the seed is locked) by chain/gap.h, in order of
 * their index and without a hole, and all that are derived are looked for.  An index is handed out once: not when somebody
 * was given it, not when an output pays it, and not while an action holds it for its change. */
#ifndef STORE_SCRIPT_STORE_H
#define STORE_SCRIPT_STORE_H

#include "base/arena.h"
#include "base/ids.h"
#include "store/view.h"

/* stored: append, never renumber.  As in BIP44. */
enum script_chain { SCRIPT_RECEIVE = 0, SCRIPT_CHANGE = 1 };
#define SCRIPT_CHAINS    2
#define SCRIPT_SIZE_MAX  42 /* of an output script that an address stands for */
#define SCRIPT_LABEL_MAX 64
#define SCRIPT_GAP       50u /* looked for beyond the last index that is known to anybody */

/* --- the account --- */

struct onchain_account {
	const char *xpub;   /* m/86'/coin'/0', as BIP32 writes it */
	int64_t birthday_s; /* Unix time; no output of the wallet is older.  0: not known */
};
/* ERR_EXISTS: there is one already, whatever it is. */
MUST_CHECK int account_store_add(struct unit *u, const struct onchain_account *acc, struct err *err);
/* 1 found, 0 not, -1. */
MUST_CHECK int account_store_get(struct view v, struct arena *a, struct onchain_account *ret, struct err *err);
/* What a person knows better; ERR_NOT_FOUND without an account. */
MUST_CHECK int account_store_set_birthday(struct unit *u, int64_t birthday_s, struct err *err);

/* --- scripts --- */

struct script_row {
	int64_t id;
	struct bytes script;
	enum script_chain chain;
	uint32_t index;
	bool given;              /* somebody may know it */
	bool used;               /* an output pays it, or once did */
	struct action_id holder; /* whose change it is meant for, or empty */
	const char *label;       /* or NULL */
	int64_t given_at_ms;     /* 0: not given */
	/* Transactions as an indexing backend counted them last; what it counts now may differ. */
	uint64_t seen_confirmed, seen_mempool;
};
/* For seen_mempool: a number that no script has, so that its history is read again, however many it counts. */
#define SCRIPT_UNCOUNTED UINT32_MAX
/* What a row takes of an arena at most. */
#define SCRIPT_ROOM 1024

/* The next index of the chain: ERR_INTERNAL for any other, or a script that another index has. */
MUST_CHECK int script_store_add(struct unit *u, enum script_chain chain, uint32_t index, struct bytes script,
				struct err *err);
struct script_edge {
	uint32_t derived; /* indexes 0 to derived - 1 are there */
	uint32_t known;   /* the first one that nobody knows, with all after it */
};
/* A chain is wide enough when derived >= known + SCRIPT_GAP. */
MUST_CHECK int script_store_edge(struct view v, enum script_chain chain, struct script_edge *ret, struct err *err);

/* The index `known` of the chain becomes given: for an address.  Label NULL: none.  ERR_RANGE: none is derived yet. */
MUST_CHECK int script_store_give(struct unit *u, struct arena *a, enum script_chain chain, const char *label,
				 int64_t now_ms, struct script_row *ret, struct err *err);
/* The lowest index of the chain that nobody knows becomes holder's: for change.  What it holds and nothing pays goes back
 * when it is released.  ERR_RANGE: none is derived yet. */
MUST_CHECK int script_store_take(struct unit *u, struct arena *a, enum script_chain chain,
				 const struct action_id *holder, struct script_row *ret, struct err *err);
MUST_CHECK int script_store_release(struct unit *u, const struct action_id *holder, struct err *err);
MUST_CHECK int script_store_rehold(struct unit *u, const struct action_id *from, const struct action_id *to,
				   struct err *err);
MUST_CHECK int script_store_set_label(struct unit *u, int64_t id, const char *label, struct err *err);
MUST_CHECK int script_store_set_seen(struct unit *u, int64_t id, uint64_t confirmed, uint64_t mempool, struct err *err);
/* Of the scripts that this transaction pays or spends: they are SCRIPT_UNCOUNTED, for it is gone, or its block is, and something
 * else may be there in its place. */
MUST_CHECK int script_store_forget_seen(struct unit *u, const struct txid *txid, struct err *err);

/* 1 found, 0 not ours, -1. */
MUST_CHECK int script_store_find(struct view v, struct arena *a, struct bytes script, struct script_row *ret,
				 struct err *err);
struct script_query {
	int chain;       /* enum script_chain, or -1: both */
	bool known_only; /* given or used */
	int64_t after;   /* id, exclusive; 0: from the start */
	unsigned limit;
};
/* By id; returns how many rows were given to each(), or -1.  Strings live in a. */
MUST_CHECK int script_store_list(struct view v, struct arena *a, const struct script_query *q,
				 void (*each)(void *ctx, const struct script_row *row), void *ctx, struct err *err);

#endif
