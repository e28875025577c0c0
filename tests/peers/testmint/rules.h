/* tests/peers/testmint/rules.h - the endpoints of a mint: NUT-01 to 04, 06, 07, 09, 12, 19, 20, with the balance rules and
 * error codes of spec/cashu.md 2.2 to 2.5.  Pure but for the mint that it changes: no sockets. */
#ifndef TESTS_PEERS_TESTMINT_RULES_H
#define TESTS_PEERS_TESTMINT_RULES_H

#include "tests/peers/testmint/mint.h"

struct mint_call {
	const char *method, *path;
	struct bytes body;
	json_t *json; /* the body, or NULL when it is not a JSON object */
};

struct mint_answer {
	int status;
	json_t *body;      /* borrowed, held by the arena; ours alone to change */
	int retry_after_s; /* 0: says nothing */
};

/* Reads the body; method and path are borrowed. */
struct mint_call mint_call_of(struct arena *a, const char *method, const char *path, struct bytes body);
/* It has arrived, whatever becomes of it: count it, and the outputs in it. */
void mint_arrived(struct mint *m, const struct mint_call *call);
void mint_answer(struct mint *m, struct arena *a, const struct mint_call *call, struct mint_answer *ret);
/* An answer that is no: HTTP 400 with the code of the NUTs, or another status without one (code -1). */
void mint_refuse(struct arena *a, struct mint_answer *ret, int status, int code, const char *detail);

/* The inputs of a swap that has arrived and waits its turn: others see them as pending until it is let go. */
void mint_hold(struct mint *m, const struct mint_call *call, bool held);

/* How often each endpoint was asked: {"POST /v1/swap": 3, …} */
json_t *mint_requests_json(const struct mint *m, struct arena *a);

json_t *mint_promise_json(const struct promise *p, bool with_dleq);

#endif
