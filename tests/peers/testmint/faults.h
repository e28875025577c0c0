/* tests/peers/testmint/faults.h - what is to go wrong, and where: set by a test over /control/fault.
 *
 * A fault waits for a request whose path it names and is used up by it.  Faults of transport are done by front.c; a lie
 * is an honest answer changed afterwards: the mint's own books stay true. */
#ifndef TESTS_PEERS_TESTMINT_FAULTS_H
#define TESTS_PEERS_TESTMINT_FAULTS_H

#include "tests/peers/testmint/rules.h"

#define FAULTS_MAX       32
#define FAULT_PATH_MAX   127
#define FAULT_DETAIL_MAX 127

/* X(enum, name as in a request) */
#define FAULT_MODES(X)                                                                                                 \
	/* instead of acting */                                                                                        \
	X(FAULT_DROP_BEFORE, "drop_before")                                                                            \
	X(FAULT_ANSWER, "answer")                                                                                      \
	X(FAULT_THROTTLE, "throttle")                                                                                  \
	/* and acting late, or twice */                                                                                \
	X(FAULT_DELAY_BEFORE, "delay_before")                                                                          \
	X(FAULT_HOLD, "hold")                                                                                          \
	X(FAULT_DUPLICATE, "duplicate")                                                                                \
	/* after acting */                                                                                             \
	X(FAULT_DELAY, "delay")                                                                                        \
	X(FAULT_DROP_AFTER, "drop_after")                                                                              \
	X(FAULT_ANSWER_AFTER, "answer_after")                                                                          \
	X(FAULT_TRUNCATE, "truncate")                                                                                  \
	X(FAULT_GARBAGE, "garbage")                                                                                    \
	X(FAULT_HUGE, "huge")                                                                                          \
	X(FAULT_SLOW_DRIP, "slow_drip")                                                                                \
	/* lies */                                                                                                     \
	X(FAULT_EDIT, "edit")                                                                                          \
	X(FAULT_WRONG_AMOUNT, "wrong_amount")                                                                          \
	X(FAULT_INFLATED, "inflated")                                                                                  \
	X(FAULT_WRONG_KEYSET_ID, "wrong_keyset_id")                                                                    \
	X(FAULT_OTHER_KEYSET, "other_keyset")                                                                          \
	X(FAULT_BAD_SIGNATURE, "bad_signature")                                                                        \
	X(FAULT_BAD_DLEQ, "bad_dleq")                                                                                  \
	X(FAULT_NO_DLEQ, "no_dleq")                                                                                    \
	X(FAULT_EXTRA_PROMISE, "extra_promise")                                                                        \
	X(FAULT_MISSING_PROMISE, "missing_promise")                                                                    \
	X(FAULT_SWAPPED_PROMISES, "swapped_promises")                                                                  \
	X(FAULT_RESTORE_EMPTY, "restore_empty")                                                                        \
	X(FAULT_RESTORE_REORDER, "restore_reorder")                                                                    \
	X(FAULT_RESTORE_FOREIGN, "restore_foreign")                                                                    \
	X(FAULT_STATES, "states")                                                                                      \
	X(FAULT_WRONG_KEYS, "wrong_keys")                                                                              \
	X(FAULT_WRONG_FEE, "wrong_fee")

enum fault_mode {
	FAULT_NONE = 0,
#define FAULT_ENUM(mode, name) mode,
	FAULT_MODES(FAULT_ENUM)
#undef FAULT_ENUM
};

/* One fault as a request asks for it; {"path", "mode"} and what else the mode reads. */
struct fault {
	enum fault_mode mode;
	char path[FAULT_PATH_MAX + 1]; /* exact, or a beginning and '*' */
	uint64_t skip;                 /* "nth" - 1: requests that still pass */
	uint64_t count;                /* how many to spoil; UINT64_MAX: all (asked for as 0) */
	int64_t ms;                    /* delays, hold; for each byte in slow_drip */
	int status, code;              /* answer, answer_after; code -1: none */
	int retry_after_s;             /* throttle */
	uint64_t bytes;                /* huge */
	char detail[FAULT_DETAIL_MAX + 1];
	char state[16]; /* states */
	json_t *set;    /* edit: members to replace, ours; else NULL */
};

struct faults {
	struct fault v[FAULTS_MAX];
	size_t n;
};

MUST_CHECK int faults_add(struct faults *f, const json_t *wanted, struct err *err);
void faults_clear(struct faults *f);
/* The fault for this path, counted down; mode FAULT_NONE when there is none.  Its `set` is good until the next
 * faults_clear() or faults_add(). */
struct fault faults_take(struct faults *f, const char *path);
/* Requests that are still to be spoiled; all of them count as one. */
uint64_t faults_left(const struct faults *f);

/* Change an honest 200 as the mode says; other modes and answers stay as they are. */
void fault_lie(const struct mint *m, struct arena *a, const struct fault *f, const struct mint_call *call,
	       struct mint_answer *ret);

#endif
