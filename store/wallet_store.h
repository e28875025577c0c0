/* store/wallet_store.h - the wallet's one row: the sealed seed and its public facts, and the instance id. */
#ifndef STORE_WALLET_STORE_H
#define STORE_WALLET_STORE_H

#include "base/arena.h"
#include "store/view.h"

struct wallet_row {
	struct bytes sealed; /* rails/keys/seed.h; opaque here */
	bool encrypted;
	const char *fingerprint; /* 8 hex characters of the master key's hash160 */
	bool restored;           /* made from words that existed before */
	int64_t created_at_ms;
};
MUST_CHECK int wallet_store_add(struct unit *u, const struct wallet_row *row, struct err *err); /* ERR_WALLET_EXISTS */
MUST_CHECK int wallet_store_get(struct view v, struct arena *a, struct wallet_row *ret,
				struct err *err); /* ERR_NO_WALLET */
/* Text facts of the daemon itself: "instance_id", "network".  Found 1, not 0, -1. */
#define META_COPY "copy_of_ms" /* when backup.create made this copy; "" in a database that goes on */
MUST_CHECK int meta_get(struct view v, struct arena *a, const char *name, const char **ret, struct err *err);
MUST_CHECK int meta_set(struct unit *u, const char *name, const char *value, struct err *err);

#endif
