/* rails/lightning/funding.h - what becomes of a funding payment's row when something more is known of it.  Implements the write
 * rules of spec/splice.md 2.3.
 *
 * Pure: a row in, the row out; who calls reads and writes it in one unit.  Two kinds of writers, and neither can undo the
 * other: a splice says type, figures and candidates, and never where it stands; the chain says where it stands, and takes the
 * figures from the candidate that it has. */
#ifndef RAILS_LIGHTNING_FUNDING_H
#define RAILS_LIGHTNING_FUNDING_H

#include "base/splice.h"

/* --- the splice --- */

struct funding_class {
	struct hash32 id;
	enum funding_type type;
	enum funding_direction direction;
	struct hash32 channel;
	struct pubkey peer;
	const struct funding_candidate *candidate; /* that is being broadcast */
};
/* was NULL: there is no row yet, and it begins pending and unconfirmed.  A row that a block has, by another of its candidates,
 * keeps txid and figures of that one.  all: every candidate of the payment. */
void funding_classify(const struct funding_payment *was, const struct funding_class *what,
		      const struct funding_candidate *all, size_t n, int64_t now_ms, struct funding_payment *ret);
/* A row that was made for a candidate before the splice had said that it is its own: what the chain said of it is the
 * payment's now, with the figures of that candidate.  The stray goes. */
void funding_absorb(const struct funding_payment *was, const struct funding_payment *stray,
		    const struct funding_candidate *all, size_t n, int64_t now_ms, struct funding_payment *ret);
/* The splice was given up with nothing that could confirm: only a pending, unconfirmed one fails. */
void funding_abandon(const struct funding_payment *was, int64_t now_ms, struct funding_payment *ret);

/* --- the chain --- */

/* A block has this candidate; depth: confirmations, 1 for the tip. */
void funding_confirm(const struct funding_payment *was, const struct funding_candidate *c,
		     const struct block_ref *block, uint32_t depth, int64_t now_ms, struct funding_payment *ret);
/* The block that had it is no longer: pending, also when it had graduated. */
void funding_unconfirm(const struct funding_payment *was, int64_t now_ms, struct funding_payment *ret);
/* A transaction that is none of its candidates excludes it and is so deep: at FUNDING_DEPTH the payment has failed. */
void funding_exclude(const struct funding_payment *was, uint32_t depth, int64_t now_ms, struct funding_payment *ret);

#endif
