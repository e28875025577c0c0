/* rails/bitcoin/script.h - scripts: written, read, and the output scripts that have a name.
 *
 * Writing goes into a struct buf, whose cap the caller chooses; pushes are minimal (BIP62 rule 3, as policy and tapscript
 * have it).  Reading walks over any bytes; nothing here runs a script. */
#ifndef RAILS_BITCOIN_SCRIPT_H
#define RAILS_BITCOIN_SCRIPT_H

#include "base/buf.h"
#include "base/ids.h"

/* What we write, and what templates are known by. */
enum opcode {
	OP_0 = 0x00,
	OP_PUSHDATA1 = 0x4c,
	OP_PUSHDATA2 = 0x4d,
	OP_PUSHDATA4 = 0x4e,
	OP_1NEGATE = 0x4f,
	OP_1 = 0x51,
	OP_16 = 0x60,
	OP_IF = 0x63,
	OP_NOTIF = 0x64,
	OP_ELSE = 0x67,
	OP_ENDIF = 0x68,
	OP_VERIFY = 0x69,
	OP_RETURN = 0x6a,
	OP_DROP = 0x75,
	OP_DUP = 0x76,
	OP_SWAP = 0x7c,
	OP_SIZE = 0x82,
	OP_EQUAL = 0x87,
	OP_EQUALVERIFY = 0x88,
	OP_ADD = 0x93,
	OP_RIPEMD160 = 0xa6,
	OP_SHA256 = 0xa8,
	OP_HASH160 = 0xa9,
	OP_HASH256 = 0xaa,
	OP_CHECKSIG = 0xac,
	OP_CHECKSIGVERIFY = 0xad,
	OP_CHECKMULTISIG = 0xae,
	OP_CHECKLOCKTIMEVERIFY = 0xb1,
	OP_CHECKSEQUENCEVERIFY = 0xb2,
	OP_CHECKSIGADD = 0xba
};

void script_op(struct buf *b, enum opcode op);
void script_push(struct buf *b, struct bytes v); /* OP_0, OP_1NEGATE and OP_1 to OP_16 where they do */
void script_push_number(struct buf *b, int64_t v);

/* One step of a script. */
struct script_item {
	uint8_t op; /* as it stands: a direct push has its length, 1 to 75 */
	struct bytes
		data; /* what it pushes, a view; empty when it pushes nothing, and for OP_0, OP_1NEGATE, OP_1 .. OP_16 */
	bool minimal; /* false for a push that has a shorter form */
};
struct script_reader {
	struct bytes left;
	bool failed; /* a push runs past the end */
};
struct script_reader script_reader_of(struct bytes script);
/* False at the end, and when it failed. */
MUST_CHECK bool script_next(struct script_reader *r, struct script_item *ret);
bool script_push_only(struct bytes script); /* nothing but pushes, and whole */
/* The number that an item pushes, minimally encoded in at most max_len (1 to 8) bytes. */
MUST_CHECK bool script_item_number(const struct script_item *item, size_t max_len, int64_t *ret);

/* An output script that an address may stand for.  Witness programs have at most 40 bytes. */
#define SPK_MAX 42
struct spk {
	uint8_t b[SPK_MAX];
	uint8_t n;
};
struct bytes spk_bytes(const struct spk *s); /* a view of s */
bool spk_equal(const struct spk *a, const struct spk *b);

enum spk_type {
	SPK_OTHER = 0,       /* bare multisig, public keys, and what nobody knows */
	SPK_P2PKH,           /* hash160 of a key: 20 bytes */
	SPK_P2SH,            /* hash160 of a script: 20 bytes */
	SPK_P2WPKH,          /* BIP141, version 0: 20 bytes */
	SPK_P2WSH,           /* BIP141, version 0: 32 bytes */
	SPK_P2TR,            /* BIP341, version 1: 32 bytes */
	SPK_P2A,             /* BIP433, version 1: 4e73; anyone can spend it */
	SPK_WITNESS_UNKNOWN, /* another witness program: anyone can spend it until a soft fork says otherwise */
	SPK_OP_RETURN        /* cannot be spent */
};

struct spk spk_p2pkh(const uint8_t hash[20]);
struct spk spk_p2sh(const uint8_t hash[20]);
struct spk spk_p2wpkh(const struct pubkey *key);
struct spk spk_p2wsh(struct bytes witness_script);
struct spk spk_p2tr(const struct xonly *output_key);
struct spk spk_p2a(void);
/* version 0 to 16, a program of 2 to 40 bytes, and for version 0 of 20 or 32. */
MUST_CHECK bool spk_witness(unsigned version, struct bytes program, struct spk *ret);
/* OP_RETURN and one push. */
void script_op_return(struct buf *b, struct bytes data);

/* What it is; *ret, when not NULL, is the hash, key or program in it (a view), empty for SPK_OTHER and SPK_OP_RETURN. */
enum spk_type spk_classify(struct bytes script, struct bytes *ret);
const char *spk_type_name(enum spk_type t); /* as bitcoind names it: "witness_v1_taproot" */
/* A witness program of any version: 0 to 16, or -1. */
int spk_witness_version(struct bytes script, struct bytes *ret_program);
/* Can no input ever spend it? */
bool spk_is_unspendable(struct bytes script);

#endif
