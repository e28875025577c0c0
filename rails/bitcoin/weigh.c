#include "rails/bitcoin/weigh.h"

#include "rails/bitcoin/compact.h"

#define PER_BYTE     4u
#define MARKER       2u
#define OUTPOINT     36u
#define EMPTY_INPUT  (PER_BYTE * (OUTPOINT + 1 + 4))
#define EMPTY_STACK  1u
#define KEY_ITEM     (1u + 33)
#define ECDSA_ITEM   (1u + 72) /* with its type */
#define SCHNORR_ITEM (1u + 64) /* SIGHASH_DEFAULT */

struct weight weigh_overhead(size_t n_in, size_t n_out, bool witness)
{
	return (struct weight){ PER_BYTE * (4 + compact_len(n_in) + compact_len(n_out) + 4) + (witness ? MARKER : 0) };
}

bool weigh_input(enum spk_type spent, struct weight *ret)
{
	switch (spent) {
	case SPK_P2TR:
		ret->v = EMPTY_INPUT + 1 + SCHNORR_ITEM;
		return true;
	case SPK_P2WPKH:
		ret->v = EMPTY_INPUT + 1 + ECDSA_ITEM + KEY_ITEM;
		return true;
	case SPK_P2A:
		ret->v = EMPTY_INPUT + EMPTY_STACK;
		return true;
	case SPK_P2PKH:
		ret->v = EMPTY_INPUT + PER_BYTE * (ECDSA_ITEM + KEY_ITEM) + EMPTY_STACK;
		return true;
	case SPK_OTHER:
	case SPK_P2SH:
	case SPK_P2WSH:
	case SPK_WITNESS_UNKNOWN:
	case SPK_OP_RETURN:
		return false;
	}
	return false;
}

struct weight weigh_output(struct bytes script)
{
	return (struct weight){ PER_BYTE * (8 + compact_len(script.n) + script.n) };
}

struct weight weigh_count_growth(size_t from, size_t to)
{
	return (struct weight){ PER_BYTE * (compact_len(to) - compact_len(from)) };
}
