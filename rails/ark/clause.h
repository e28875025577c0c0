/* rails/ark/clause.h - the conditions that a leaf of an Ark output's tree writes down, and what an input must have to meet
 * them.  Implements spec/ark-primitives.md §3.1 and §3.4. */
#ifndef RAILS_ARK_CLAUSE_H
#define RAILS_ARK_CLAUSE_H

#include "base/amount.h"
#include "rails/bitcoin/script.h"

/* A signature by `key`, and beside it what the flags say. */
enum ark_clause_flag {
	ARK_DELAY = 1,     /* the output is `delay` blocks deep (BIP112) */
	ARK_LOCKTIME = 2,  /* the chain is `locktime` blocks high (BIP65) */
	ARK_PREIMAGE = 4,  /* 32 bytes whose SHA-256 is `hash` */
	ARK_ANY_LENGTH = 8 /* with ARK_PREIMAGE: the script does not look at its length (v0) */
};
struct ark_clause {
	unsigned flags;
	struct pubkey key; /* the script has its x alone */
	uint16_t delay;
	uint32_t locktime;
	struct hash32 hash;
};
#define ARK_CLAUSE_SCRIPT_MAX 80

/* As the spec names them: "delayed-sign", "hash-delay-sign". */
const char *ark_clause_name(const struct ark_clause *c);
void ark_clause_script(const struct ark_clause *c, struct buf *b);

/* What the input and the transaction that spend by it must say: sequence() to the input (the delay, or for a clause without
 * one anything below SEQUENCE_FINAL; this answers SEQUENCE_REPLACE), and a locktime of at least this (0 for any). */
uint32_t ark_clause_sequence(const struct ark_clause *c);
uint32_t ark_clause_locktime(const struct ark_clause *c);
/* Bytes of the witness that satisfies it, with its counts; control: bytes of the control block. */
struct weight ark_clause_witness_weight(const struct ark_clause *c, size_t control);

#endif
