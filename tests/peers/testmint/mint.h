/* tests/peers/testmint/mint.h - what the mint of the tests knows: its keys, quotes, signatures made, notes spent, sums.
 *
 * All of it lives in memory and dies with the process, which outlives the daemons that tests kill.  Requests change it
 * in rules.c alone, control.c may also rotate keysets and settle quotes. */
#ifndef TESTS_PEERS_TESTMINT_MINT_H
#define TESTS_PEERS_TESTMINT_MINT_H

#include "base/json.h"
#include "rails/cashu/checkstate.h"
#include "tests/support/mint_crypto.h"

#define MINT_UNITS_MAX     4
#define MINT_KEYSETS_MAX   64
#define MINT_ENDPOINTS_MAX 16

/* Which real mint's codes are given where they differ: spec/cashu.md 2.5. */
enum mint_dialect { MINT_NUTSHELL = 1, MINT_CDK = 2 };

/* Which signatures of NUT-20 are taken, as bits. */
#define MINT_LOCK_LEGACY 1u
#define MINT_LOCK_V1     2u

struct mint_options {
	const char *seed;
	struct currency units[MINT_UNITS_MAX];
	size_t n_units;
	enum keyset_version version;
	uint64_t input_fee_ppk;
	enum mint_dialect dialect;
	unsigned quote_lock;
	bool dleq;
	int64_t pay_delay_ms; /* until an invoice pays itself; -1: never */
	int64_t quote_ttl_s;  /* 0: quotes do not expire */
	int64_t cache_ttl_s;  /* NUT-19; 0: nothing is cached */
	uint64_t max_amount;  /* of one quote */
};

/* In each unit's minor unit. */
struct mint_sums {
	uint64_t minted;   /* quotes turned into ecash */
	uint64_t issued;   /* all signatures: minted, and outputs of swaps */
	uint64_t redeemed; /* all inputs */
	uint64_t fees;     /* input fees kept */
	uint64_t paid;     /* for invoices: to payees, and what the way there cost */
};

struct mint_quote_row {
	char id[33];
	uint64_t amount;
	size_t unit; /* index into options.units */
	enum quote_state state;
	const char *request;
	int64_t due_ms; /* when it pays itself; -1: never */
	int64_t expiry_s;
	bool locked;
	struct pubkey pubkey;
};

struct mint_note {
	struct pubkey y;
	struct pubkey c; /* as it was shown first */
	enum note_state state;
};

struct mint_output {
	struct pubkey b;
	unsigned requests; /* different ones that it came in */
	bool is_signed;
	struct promise promise;
};

/* What becomes of a payment over Lightning. */
enum mint_pay {
	MINT_PAYS = 0,  /* at once */
	MINT_PAY_WAITS, /* until mint_settle() */
	MINT_PAY_FAILS
};

struct mint_melt_row {
	char id[33];
	uint64_t amount, reserve; /* in the unit */
	size_t unit;              /* index into options.units */
	enum quote_state state;
	const char *request;
	int64_t expiry_s;
	unsigned payments; /* how often the payee got it: more than once is the test's failure */
	/* of the attempt under way */
	struct mint_note **notes;
	struct output *blanks;
	size_t n_notes, n_blanks;
	uint64_t sum, fee; /* of the notes */
	json_t *change;    /* or NULL; ours */
	struct mint_melt_row *next;
};

struct mint {
	struct mint_options opts;
	struct arena arena;
	struct mint_keyset *keysets[MINT_KEYSETS_MAX];
	size_t n_keysets;
	struct mint_sums sums[MINT_UNITS_MAX];
	enum mint_pay pay;
	struct mint_melt_row *melts;
	void *quotes, *notes, *outputs, *requests, *cache; /* trees of tsearch() */
	uint64_t outputs_seen, outputs_reused, secrets_reused, dleq_leaked, notes_spent;
	uint64_t asked[MINT_ENDPOINTS_MAX]; /* in the order of the table in rules.c */
};

void mint_init(struct mint *m, const struct mint_options *opts);
void mint_done(struct mint *m);

/* A new active keyset; those of its unit that were active no longer are. */
const struct mint_keyset *mint_rotate(struct mint *m, size_t unit, uint64_t input_fee_ppk, enum keyset_version version);
/* NULL when it is not ours. */
const struct mint_keyset *mint_keyset(const struct mint *m, const struct keyset_id *id);
/* -1 when we have no such unit. */
int mint_unit(const struct mint *m, const char *text);

struct mint_quote_row *mint_quote_new(struct mint *m, size_t unit, uint64_t amount);
/* In the state that it has by now; NULL when there is none. */
struct mint_quote_row *mint_quote(struct mint *m, const char *id);
/* The payments under way have this end. */
void mint_settle(struct mint *m, bool paid);
/* How often a payee got anything. */
unsigned mint_payments(const struct mint *m);
/* Quotes that were paid more than once. */
unsigned mint_paid_again(const struct mint *m);
/* The entry of a note or an output, made when it is not there yet. */
struct mint_note *mint_note(struct mint *m, const struct pubkey *y);
struct mint_output *mint_output(struct mint *m, const struct pubkey *b);
/* Without making one: UNSPENT, or NULL. */
enum note_state mint_note_state(const struct mint *m, const struct pubkey *y);
const struct mint_output *mint_output_signed(const struct mint *m, const struct pubkey *b);

/* A POST that carries outputs has arrived, whatever becomes of it.  Two requests are the same when they differ at most
 * in witnesses and the quote's signature. */
void mint_saw(struct mint *m, const char *path, const json_t *body);

/* NUT-19: the body that was kept for this request, or NULL. */
const char *mint_cached(struct mint *m, const struct hash32 *request);
void mint_keep(struct mint *m, const struct hash32 *request, const char *body);

#endif
