/* base/ecash.h - the values of Cashu that both the store and rails/cashu speak.  Protocol terms as in the NUTs. */
#ifndef BASE_ECASH_H
#define BASE_ECASH_H

#include "base/amount.h"
#include "base/ids.h"
#include "base/secret.h"

#define CASHU_SECRET_MAX  1024 /* characters; mints refuse longer ones */
#define CASHU_WITNESS_MAX 1024
#define CASHU_KEYS_MAX    64   /* powers of two up to 2^63 */
#define CASHU_LIST_MAX    1000 /* inputs or outputs of one request, proofs of one token */
#define MINT_URL_MAX      255
#define QUOTE_ID_MAX      255

/* The public key with which a mint signs one amount. */
struct keyset_key {
	uint64_t amount; /* up to 2^63: a key's name, not a sum of money */
	struct pubkey key;
};

struct keyset {
	struct keyset_id id;
	struct currency unit;
	bool active;
	uint64_t input_fee_ppk;  /* parts per thousand of one unit, per input */
	int64_t final_expiry_s;  /* unix time, 0 = none */
	struct keyset_key *keys; /* ascending by amount; NULL when only the listing is known */
	size_t n_keys;
};

/* NUT-12 proof that the mint signed with its published key.  r only where the wallet knows the blinding factor. */
struct dleq {
	struct secret e, s, r;
	bool present, has_r;
};

/* One note of ecash, ours or offered to us.  `secret` is bearer money: never log it. */
struct proof {
	uint64_t amount;
	struct keyset_id keyset;
	const char *secret; /* exact text; Y = hash_to_curve(bytes of this text) */
	struct pubkey c;
	struct pubkey y;
	const char *witness; /* or NULL */
	struct dleq dleq;
};

enum output_purpose {                       /* stored: append, never renumber */
		      OUTPUT_KEEP = 1,      /* stays in this wallet */
		      OUTPUT_FOR_PARENT = 2 /* goes, locked, to the parent action */
};

/* An output as drawn and stored before it is sent, so that it can be sent again and unblinded at any time. */
struct output {
	uint64_t amount;
	struct keyset_id keyset;
	struct pubkey b; /* B_ */
	struct secret r;
	const char *secret; /* text */
	enum output_purpose purpose;
	int64_t counter; /* NUT-13 counter, -1 when the secret was random */
};

/* A blind signature.  */
struct promise {
	uint64_t amount;
	struct keyset_id keyset;
	struct pubkey c; /* C_ */
	struct dleq dleq;
};

enum quote_state { /* stored: append, never renumber */
		   QUOTE_UNPAID = 1,
		   QUOTE_PAID = 2,
		   QUOTE_ISSUED = 3,
		   QUOTE_PENDING = 4,
		   QUOTE_UNKNOWN = 5
};

#endif
