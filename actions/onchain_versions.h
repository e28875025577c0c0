/* actions/onchain_versions.h - the transactions that one payment has had: the first, and those that were to replace it.  At
 * most one of them can be mined; which, if any, the follower finds out and the store knows.  spec/exit.md 7.7 and 7.12. */
#ifndef ACTIONS_ONCHAIN_VERSIONS_H
#define ACTIONS_ONCHAIN_VERSIONS_H

#include "actions/onchain.h"
#include "store/tx_store.h"

#define VERSIONS_MAX 64

enum version_kind { /* stored by name */
		    VERSION_SEND = 1,
		    VERSION_BUMP = 2,
		    VERSION_CANCEL = 3 /* pays the coins back to the wallet */
};
const char *version_kind_name(enum version_kind k); /* also the kind of its movements */

struct version {
	struct txid txid;
	enum version_kind kind;
	bool maybe_out; /* a node may have it: it was taken once, or nobody knows */
	bool withdrawn; /* taken back, because a node said no; should it be mined all the same, it was this payment */
	struct sat fee, amount; /* amount: what leaves the wallet by its payments */
};
/* Withdrawn ones first; the last one is the one that is to be mined. */
struct versions {
	struct version v[VERSIONS_MAX];
	size_t n;
};
json_t *versions_json(struct arena *a, const struct versions *vs);
MUST_CHECK int versions_parse(const json_t *list, struct versions *ret, struct err *err);
/* ERR_RANGE: there are VERSIONS_MAX already. */
MUST_CHECK int versions_add(struct versions *vs, enum version_kind kind, const struct onchain_draft *d,
			    struct err *err);
/* How many are not withdrawn. */
size_t versions_living(const struct versions *vs);
/* The last one is; the one before it is the last again. */
void versions_withdraw(struct versions *vs);
/* Of a payment that lives: 1; 0: there is none of this id; -1. */
MUST_CHECK int versions_of_action(struct view v, struct arena *a, const struct action_id *id, struct versions *ret,
				  struct err *err);
bool versions_maybe_out(const struct versions *vs); /* any of them */

/* How they stand. */
enum standing {
	STANDING_OPEN = 1,  /* no block has one, and one still can */
	STANDING_MINED = 2, /* .winner, in .block, with .depth confirmations */
	STANDING_LOST = 3   /* .rival, of somebody else, has taken a coin, in .block, with .depth confirmations */
};
struct standing_of {
	enum standing what;
	const struct version *winner;
	struct txid rival;
	struct block_ref block;
	uint32_t depth;
	enum tx_place place; /* of the last version */
};
MUST_CHECK int versions_standing(struct step *s, const struct versions *vs, struct standing_of *ret, struct err *err);

#endif
