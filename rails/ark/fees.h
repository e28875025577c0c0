/* rails/ark/fees.h - what an Ark server charges: its fee schedule, and what each operation costs by it.
 *
 * Facts: spec/ark-primitives.md §12, the rules of protocol version 4 and above.  All rates are parts per million of an
 * amount; sums are exact in 128 bits and rounded up once, at the end.  Pure: no I/O, no clock; the tip is given. */
#ifndef RAILS_ARK_FEES_H
#define RAILS_ARK_FEES_H

#include "base/amount.h"
#include "base/err.h"

#define ARK_FEE_ROWS_MAX 64 /* ours: of one table */

/* A rate that depends on how long a VTXO has still to live: the server's money is bound for so long. */
struct ark_fee_row {
	uint32_t from_blocks; /* from so many blocks before its expiry on ... */
	uint64_t ppm;         /* ... until the next row */
};
struct ark_fee_table {
	const struct ark_fee_row *rows; /* ascending in both, borrowed */
	size_t n;
};

struct ark_board_fee {
	struct sat min, base;
	uint64_t ppm;
};
struct ark_offboard_fee {
	struct sat base;
	uint64_t fixed_vb; /* virtual bytes of an offboard beside the destination's script */
	struct ark_fee_table table;
};
struct ark_refresh_fee {
	struct sat base;
	struct ark_fee_table table;
};
struct ark_ln_receive_fee {
	struct sat base;
	uint64_t ppm;
};
struct ark_ln_send_fee {
	struct sat min, base;
	struct ark_fee_table table;
};
struct ark_fees {
	struct ark_board_fee board;
	struct ark_offboard_fee offboard;
	struct ark_refresh_fee refresh;
	struct ark_ln_receive_fee ln_receive;
	struct ark_ln_send_fee ln_send;
};

/* A VTXO that is to be spent, as its fee sees it. */
struct ark_fee_coin {
	struct sat amount;
	uint32_t blocks_left; /* ark_blocks_left() */
};
struct ark_fee_coins {
	const struct ark_fee_coin *v;
	size_t n;
};
/* From the tip (or the height that a round is scheduled for) to its expiry; 0 once that is past. */
uint32_t ark_blocks_left(uint32_t expiry_height, uint32_t height);

/* Thresholds and rates of each table must not fall, and there are at most ARK_FEE_ROWS_MAX of them: a schedule that is not
 * so is refused as a whole, ERR_PEER_INVALID with the table in .field. */
MUST_CHECK int ark_fees_check(const struct ark_fees *f, struct err *err);

/* ERR_FEE: more than any amount can be; ERR_PEER_INVALID: a table of too many rows.  amount is what the fee is a part of: for a board the value of the funding output,
 * for an offboard and a Lightning payment what arrives, for a receipt what is received.  The tables charge no more than
 * that amount, and of the coins first those that expire soonest, in whatever order they are given. */
MUST_CHECK int ark_fee_board(const struct ark_board_fee *f, struct sat amount, struct sat *ret, struct err *err);
MUST_CHECK int ark_fee_ln_receive(const struct ark_ln_receive_fee *f, struct sat amount, struct sat *ret,
				  struct err *err);
MUST_CHECK int ark_fee_ln_send(const struct ark_ln_send_fee *f, struct sat amount, struct ark_fee_coins coins,
			       struct sat *ret, struct err *err);
/* All of the coins are charged for; without the base, what the coins alone add to a refresh. */
MUST_CHECK int ark_fee_refresh(const struct ark_refresh_fee *f, struct ark_fee_coins coins, struct sat *ret,
			       struct err *err);
MUST_CHECK int ark_fee_refresh_coins(const struct ark_refresh_fee *f, struct ark_fee_coins coins, struct sat *ret,
				     struct err *err);

struct ark_offboard {
	struct sat amount; /* that arrives on chain */
	struct feerate rate;
	size_t script_len; /* bytes of the destination's script */
};
MUST_CHECK int ark_fee_offboard(const struct ark_offboard_fee *f, const struct ark_offboard *o,
				struct ark_fee_coins coins, struct sat *ret, struct err *err);

/* The table's part alone; cap NULL for none. */
MUST_CHECK int ark_fee_table_charge(const struct ark_fee_table *t, const struct sat *cap, struct ark_fee_coins coins,
				    struct sat *ret, struct err *err);

/* What is left of an amount.  ERR_FEE: the fee is more, or nothing is left.  With a dust limit: ERR_FEE when the fee is
 * more than the amount, ERR_DUST when less than dust is left. */
MUST_CHECK int ark_fee_subtract(struct sat amount, struct sat fee, struct sat *ret, struct err *err);
MUST_CHECK int ark_fee_subtract_dust(struct sat amount, struct sat fee, struct sat dust, struct sat *ret,
				     struct err *err);

#endif
