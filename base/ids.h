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
