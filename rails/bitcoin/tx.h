/* rails/bitcoin/tx.h - transactions: read, written, named and weighed.  Wire format of BIP144; no script is run.
 *
 * What is read is copied into the arena given and lives there; what is written into a tx by hand may borrow, and must
 * outlive it.  Errors: ERR_PARSE (no transaction, or bytes after it), ERR_RANGE (larger than TX_SIZE_MAX, or than the arena
 * has room for; an amount that no type of ours holds). */
#ifndef RAILS_BITCOIN_TX_H
#define RAILS_BITCOIN_TX_H

#include "base/amount.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/ids.h"

#define TX_SIZE_MAX   4000000u /* bytes: a block weighs no more than as many weight units */
#define TX_WEIGHT_MAX 4000000u
/* An arena of this limit has room for every transaction of n bytes. */
#define TX_ARENA_FOR(n)        (40 * (n) + 4096)
#define TX_LEGACY_ARENA_FOR(n) (4 * (n) + 256) /* for tx_decode_legacy() */

struct witness {
	struct bytes *items;
	size_t n;
};

struct tx_in {
	struct outpoint prevout;
	struct bytes script_sig;
	uint32_t sequence;
	struct witness witness;
};

struct tx_out {
	struct sat value;
	struct bytes script;
};

struct tx {
	uint32_t version;
	uint32_t locktime;
	struct tx_in *in;
	size_t n_in;
	struct tx_out *out;
	size_t n_out;
};

/* As a node sends it, with or without witnesses.  "00" where the number of inputs stands is BIP144's marker; a transaction
 * without inputs (to be funded by somebody, say) can be read only where that reading fails, as bitcoind does it too. */
MUST_CHECK int tx_decode(struct arena *a, struct bytes v, struct tx *ret, struct err *err);
/* Without witnesses and without a marker, as a PSBT holds it: here no inputs are no inputs. */
MUST_CHECK int tx_decode_legacy(struct arena *a, struct bytes v, struct tx *ret, struct err *err);

/* Appends to b, whose cap the caller chooses.  With the witnesses when any input has one. */
void tx_encode(const struct tx *tx, struct buf *b);
void tx_encode_legacy(const struct tx *tx, struct buf *b);
struct bytes tx_bytes(struct arena *a, const struct tx *tx); /* as tx_encode() */
void tx_out_encode(const struct tx_out *out, struct buf *b);
void outpoint_encode(const struct outpoint *o, struct buf *b);

struct txid tx_txid(const struct tx *tx);
struct wtxid tx_wtxid(const struct tx *tx);
bool tx_has_witness(const struct tx *tx);
size_t tx_size(const struct tx *tx);        /* bytes of tx_encode() */
size_t tx_size_legacy(const struct tx *tx); /* bytes of tx_encode_legacy() */
struct weight tx_weight(const struct tx *tx);
uint64_t tx_vsize(const struct tx *tx);
bool tx_is_coinbase(const struct tx *tx);
/* The sum of its outputs; false above SAT_MONEY_MAX. */
MUST_CHECK bool tx_value_out(const struct tx *tx, struct sat *ret);
/* The place of the input that spends it, or n_in. */
size_t tx_find_input(const struct tx *tx, const struct outpoint *spent);

/* What every node checks before it looks at any coin (consensus): inputs and outputs are there, none spent twice, amounts
 * are money, and it fits into a block.  ERR_PARSE or ERR_RANGE says what is wrong. */
MUST_CHECK int tx_check(const struct tx *tx, struct err *err);

#endif
