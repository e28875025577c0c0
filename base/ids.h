/* base/ids.h - values that both the store and the rails speak. */
#ifndef BASE_IDS_H
#define BASE_IDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/scope.h"

struct hash32 {
	uint8_t b[32];
};
bool hash32_equal(const struct hash32 *a, const struct hash32 *b);

/* Transactions and blocks of bitcoin.  b is in internal order, as hashed and as serialized; text is in the order that
 * people, bitcoind and Esplora show, which is the reverse.  A wtxid covers the witness too, and is a type of its own because
 * taking it for a txid loses money. */
struct txid {
	uint8_t b[32];
};
struct wtxid {
	uint8_t b[32];
};
struct block_hash {
	uint8_t b[32];
};
#define TXID_TEXT 65 /* 64 hex characters and a NUL, for each of the three */
bool txid_equal(const struct txid *a, const struct txid *b);
int txid_cmp(const struct txid *a, const struct txid *b); /* in internal order: for sorting, means nothing else */
void txid_text(const struct txid *id, char ret[TXID_TEXT]);
MUST_CHECK bool txid_parse(const char *text, struct txid *ret);
bool wtxid_equal(const struct wtxid *a, const struct wtxid *b);
void wtxid_text(const struct wtxid *id, char ret[TXID_TEXT]);
MUST_CHECK bool wtxid_parse(const char *text, struct wtxid *ret);
bool block_hash_equal(const struct block_hash *a, const struct block_hash *b);
void block_hash_text(const struct block_hash *h, char ret[TXID_TEXT]);
MUST_CHECK bool block_hash_parse(const char *text, struct block_hash *ret);

/* An output of a transaction; text is "txid:vout". */
struct outpoint {
	struct txid txid;
	uint32_t vout;
};
#define OUTPOINT_TEXT (64 + 1 + 10 + 1)
bool outpoint_equal(const struct outpoint *a, const struct outpoint *b);
int outpoint_cmp(const struct outpoint *a, const struct outpoint *b);
void outpoint_text(const struct outpoint *o, char ret[OUTPOINT_TEXT]);
MUST_CHECK bool outpoint_parse(const char *text, struct outpoint *ret);

/* A block and where it stands.  Equal only when both parts are; text is "height:hash". */
struct block_ref {
	uint32_t height;
	struct block_hash hash;
};
#define BLOCK_REF_TEXT (10 + 1 + 64 + 1)
bool block_ref_equal(const struct block_ref *a, const struct block_ref *b);
void block_ref_text(const struct block_ref *r, char ret[BLOCK_REF_TEXT]);
MUST_CHECK bool block_ref_parse(const char *text, struct block_ref *ret);

/* An account or a contract on an EVM chain; text and checksum (EIP-55) are rails/evm's. */
struct evm_address {
	uint8_t b[20];
};
bool evm_address_equal(const struct evm_address *a, const struct evm_address *b);
bool evm_address_is_zero(const struct evm_address *a);

/* A compressed SEC1 point.  Holding one says nothing about its being on the curve: parsers check that. */
struct pubkey {
	uint8_t b[33];
};
bool pubkey_equal(const struct pubkey *a, const struct pubkey *b);

/* The x coordinate of a point whose y is even: a key as BIP340 has it.  As with a pubkey, parsers check the curve. */
struct xonly {
	uint8_t b[32];
};
bool xonly_equal(const struct xonly *a, const struct xonly *b);

/* Stable for ever, opaque, sortable by creation when new: UUIDv7, or an id derived from what the action is about. */
#define ACTION_ID_MAX 63
struct action_id {
	char s[ACTION_ID_MAX + 1];
};
MUST_CHECK bool action_id_parse(const char *text, struct action_id *ret); /* 1..63 of [A-Za-z0-9_:.-] */
struct action_id action_id_new(int64_t now_ms);                           /* a fresh UUIDv7 */
bool action_id_equal(const struct action_id *a, const struct action_id *b);
bool action_id_is_empty(const struct action_id *a);

/* A Cashu keyset id in lower-case hex: 16 characters (v1, "00…") or 66 (v2, "01…").  Legacy base64 ids: 12 characters. */
#define KEYSET_ID_MAX 66
struct keyset_id {
	char s[KEYSET_ID_MAX + 1];
};
bool keyset_id_equal(const struct keyset_id *a, const struct keyset_id *b);

#endif
