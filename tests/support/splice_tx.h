/* tests/support/splice_tx.h - splice transactions for the tests of rails/lightning: one of ours, which each test then bends.
 *
 * The channel is splice_at(1), of 1,000,000 sat.  Lives until the next call of the same function. */
#ifndef TESTS_SUPPORT_SPLICE_TX_H
#define TESTS_SUPPORT_SPLICE_TX_H

#include "rails/lightning/splice_owner.h"
#include "tests/support/splice_rows.h"

#define SPLICE_TX_PARTS 8

struct splice_tx {
	struct tx tx;
	struct tx_in in[SPLICE_TX_PARTS];
	struct tx_out out[SPLICE_TX_PARTS];
	struct splice_input ours[2];
	struct splice_output pays[2];
	struct splice_input wallet[3];
	struct splice_known known; /* .terms are what we want of it */
};
/* In: 100,000 sat of splice_at(2) and splice_at(3) (60,000 and 45,000), with 4,000 of change: a fee of 1,000.  The wallet has
 * splice_at(4) too. */
void splice_tx_in(struct splice_tx *t);
/* Out: 50,000 to a script of ours and 773 + 2 of fee, at 1,000 sat per kwu. */
void splice_tx_out(struct splice_tx *t);
void splice_tx_add_in(struct splice_tx *t, struct outpoint at);
void splice_tx_add_out(struct splice_tx *t, struct bytes script, uint64_t sat);
struct bytes splice_tx_script(unsigned n); /* P2WPKH: 22 bytes */
struct bytes splice_tx_p2wsh(unsigned n);  /* 34 bytes, as a funding's */

#endif
