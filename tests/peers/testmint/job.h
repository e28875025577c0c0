/* tests/peers/testmint/job.h - what the endpoints of the mint share: one request being answered, its inputs and outputs, and
 * their checks.  For rules.c and melts.c. */
#ifndef TESTS_PEERS_TESTMINT_JOB_H
#define TESTS_PEERS_TESTMINT_JOB_H

#include "tests/peers/testmint/rules.h"

/* One request being answered. */
struct job {
	struct mint *m;
	struct arena *a;
	const char *rest; /* of the path, after the endpoint */
	json_t *body;
	struct mint_answer *ret;
};

/* A note as shown to be spent. */
struct input {
	uint64_t amount;
	const struct mint_keyset *ks;
	const char *secret;
	const char *witness; /* or NULL */
	struct pubkey c;
	struct mint_note *note;
};

struct inputs {
	struct input *v;
	size_t n;
	uint64_t sum, fee;
	int unit;
};

struct outputs {
	struct output *v;
	size_t n;
	uint64_t sum;
	int unit;
};

/* Always false, so that a check can end with it; the answer is written. */
bool job_refuse(struct job *j, int code, const char *detail);
bool job_refuse_shape(struct job *j, const struct err *err);
bool job_refuse_unclassified(struct job *j, const char *detail);
void job_answer(struct job *j, json_t *body);

bool job_read_inputs(struct job *j, struct inputs *ret);
bool job_read_outputs(struct job *j, struct outputs *ret);
bool job_check_inputs(struct job *j, struct inputs *in); /* ours, unspent, of one unit; sums them up */
bool job_check_outputs(struct job *j, struct outputs *out);
bool job_check_unsigned(struct job *j, const struct outputs *out, int cdk_code);
void job_spend(struct job *j, const struct inputs *in);
const char *mint_quote_state_text(enum quote_state s);

/* melts.c: NUT-05 and NUT-08 */
void job_melt_quote(struct job *j);
void job_melt_quote_check(struct job *j);
void job_melt(struct job *j);

#endif
