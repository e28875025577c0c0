/* tests/support/cashu_world.h - one wallet and one mint, for the suites of actions/: executor, store and net are the real
 * ones; the mint is the rules of tests/peers/testmint behind a scripted peer, all in the loop of the test.
 *
 * Every step runs twice (WALLETD_DOUBLE_DRIVE).  Time passes by itself, but no test waits for it: a turn wakes whatever
 * sleeps and goes on until nothing moves.  Trouble with the set-up fails the test. */
#ifndef TESTS_SUPPORT_CASHU_WORLD_H
#define TESTS_SUPPORT_CASHU_WORLD_H

#include <check.h>

#include "actions/executor.h"
#include "store/movement_store.h"
#include "tests/peers/testmint/faults.h"
#include "tests/support/http_peer.h"
#include "tests/support/scratch.h"

/* One request, as the mint got it. */
struct asked {
	const char *method, *path;
	struct bytes body;
};
#define ASKED_MAX 4096

struct world {
	struct scratch disk;
	struct arena arena; /* lives as long as the world */
	struct loop *loop;
	struct http *http;
	struct http_peer *peer;
	struct executor *ex;
	struct keyring *keys;
	struct mint mint;
	struct faults faults;
	const char *url;
	int64_t mint_id;
	bool shared; /* from the next start on: another daemon has the same file */
	struct asked *asked;
	size_t n_asked;
	/* A copy of a swap or mint request that the network kept (fault drop_before) reaches the mint right before the next
	 * request to this path is answered; NULL: it is lost. */
	const char *late_path;
	struct mint_call kept;
	/* What happens at the mint right before it answers a request to this path, once; or NULL. */
	const char *before_path;
	void (*before)(struct world *w);
};

/* A mint that charges fee_ppk for each input, known to the wallet and trusted. */
void world_open(struct world *w, uint64_t fee_ppk);
void world_open_with(struct world *w, const struct mint_options *opts);
struct mint_options world_mint(uint64_t fee_ppk);
void world_close(struct world *w);
/* As if the process had been killed and started again. */
void world_restart(struct world *w);
/* {"path", "mode", …} as in testmint/faults.h. */
void world_fault(struct world *w, const char *json);

/* params: JSON.  Returns the id; world_refused(): starting must fail with this kind. */
struct action_id world_start(struct world *w, const char *kind, const char *params);
void world_refused(struct world *w, const char *kind, const char *params, const char *error_kind, const char *field);
json_t *world_plan(struct world *w, const char *kind, const char *params); /* of a dry run */
/* Wake all that sleep, and let them go on until each has parked or ended. */
void world_turn(struct world *w);
/* Turns until it has ended, or max times. */
void world_settle(struct world *w, const struct action_id *id, unsigned max);
/* NULL when the cancel took effect, else the kind of error. */
const char *world_cancel(struct world *w, const struct action_id *id);
struct action_row world_row(struct world *w, const struct action_id *id);
json_t *world_result(struct world *w, const struct action_id *id);
json_t *world_progress(struct world *w, const struct action_id *id);

/* Through cashu_issue. */
void world_issue(struct world *w, uint64_t amount);
/* A token of notes that the mint signed for somebody else, of these amounts (ending with 0); seed tells tokens apart. */
enum token_dleq { DLEQ_NONE, DLEQ_GOOD, DLEQ_BAD };
char *world_token(struct world *w, const char *seed, const uint64_t *amounts, enum token_dleq dleq);
/* The same of notes with these secrets, each with this witness (or NULL). */
char *world_token_of(struct world *w, const char *const *secrets, const uint64_t *amounts, const char *witness,
		     enum token_dleq dleq);
/* Somebody else spends a note; the first n notes of a token. */
void world_spend_proof(struct world *w, const struct proof *p);
void world_spend(struct world *w, const char *token, size_t n);
/* The mint signed the next n outputs of this seed once before, all of this amount. */
void world_used_before(struct world *w, unsigned n, uint64_t amount);

/* How many requests the mint got whose path begins so; the nth of them from 1. */
unsigned world_asked(const struct world *w, const char *path);
const struct asked *world_nth(const struct world *w, const char *path, unsigned nth);
bool world_same_bytes(const struct world *w, const char *path, unsigned a, unsigned b);

/* Sat of the wallet in this account, and in all that are ours. */
int64_t world_account(struct world *w, enum account acc);
int64_t world_total(struct world *w);
/* The ledger is sound; no output was sent in two requests; and what is ours, plus `elsewhere` that others hold, is what
 * the mint owes. */
void world_check(struct world *w, int64_t elsewhere);
unsigned world_events(struct world *w, const char *kind);

#endif
