/* rails/ark/codec.h - the encoding of Ark's objects: fields one after another, numbers little-endian, no framing.  Implements
 * spec/ark-primitives.md §1.
 *
 * Reading is as with base/reader.h: the first failure sticks and all later reads give zeros, so that a decoder reads all its
 * fields and asks once.  Beyond that the reader keeps why it failed, with the name of the field, in the struct err that it
 * was made with.  Every failure has the code that the reader was made with (ERR_VTXO, ERR_ADDRESS, ...) unless the decoder
 * names another; .msg is "field: reason". */
#ifndef RAILS_ARK_CODEC_H
#define RAILS_ARK_CODEC_H

#include "base/err.h"
#include "base/ids.h"
#include "rails/bitcoin/compact.h"
#include "rails/bitcoin/tx.h"

#define ARK_HEIGHT_MAX 499934467u /* so that with four deltas it still is a height (§0.2) */
#define ARK_DELTA_MAX  16383u     /* blocks */
#define ARK_SCRIPT_MAX 100u       /* bytes of an output's script inside an encoding */
#define ARK_KEYS_MAX   62500u     /* keys, or signatures, of one list */
#define ARK_DUST_SAT   330u       /* the smallest P2TR output that relays; an Ark output below it cannot exit alone */

struct ark_reader {
	struct reader in;
	enum err_code code;
	struct err *err; /* filled by the first failure */
};

struct ark_reader ark_reader_of(struct bytes v, enum err_code code, struct err *err);
bool ark_reader_ok(const struct ark_reader *r);
/* Fails the reader unless it has failed already: "field: reason", with a code of its own when that is not ERR_NONE. */
void ark_refuse(struct ark_reader *r, enum err_code code, const char *field, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* The end of a whole object: -1 when anything failed or bytes are left ("trailing bytes"). */
MUST_CHECK int ark_reader_end(struct ark_reader *r, const char *what);

uint8_t ark_read_u8(struct ark_reader *r, const char *field);
uint16_t ark_read_le16(struct ark_reader *r, const char *field);
uint32_t ark_read_le32(struct ark_reader *r, const char *field);
uint64_t ark_read_le64(struct ark_reader *r, const char *field);
void ark_read_copy(struct ark_reader *r, const char *field, void *to, size_t n);
uint64_t ark_read_compact(struct ark_reader *r, const char *field); /* "non-minimal varint" */
/* How many things follow: at most max, each of at least each_min (> 0) bytes, or "oversized vector". */
size_t ark_read_count(struct ark_reader *r, const char *field, size_t each_min, size_t max);
uint32_t ark_read_height(struct ark_reader *r, const char *field); /* at most ARK_HEIGHT_MAX */
uint16_t ark_read_delta(struct ark_reader *r, const char *field);  /* at most ARK_DELTA_MAX */
struct sat ark_read_sat(struct ark_reader *r, const char *field);
struct pubkey ark_read_pubkey(struct ark_reader *r, const char *field); /* on the curve */
/* 00 for none, else the key; false for none. */
bool ark_read_optional_pubkey(struct ark_reader *r, const char *field, struct pubkey *ret);
struct xonly ark_read_xonly(struct ark_reader *r, const char *field); /* on the curve */
struct hash32 ark_read_hash(struct ark_reader *r, const char *field);
/* 00 for none, or 01 and the hash; false for none. */
bool ark_read_optional_hash(struct ark_reader *r, const char *field, struct hash32 *ret);
/* 64 zeros for none; false for none.  Validity is for who verifies it. */
bool ark_read_optional_signature(struct ark_reader *r, const char *field, uint8_t ret[64]);
struct outpoint ark_read_outpoint(struct ark_reader *r, const char *field);
/* The script is a view into the input, and at most ARK_SCRIPT_MAX bytes. */
struct tx_out ark_read_tx_out(struct ark_reader *r, const char *field);

/* Writing: the rest is base/buf.h, rails/bitcoin/compact.h and rails/bitcoin/tx.h. */
void ark_put_sat(struct buf *b, struct sat v);
void ark_put_pubkey(struct buf *b, const struct pubkey *k);
void ark_put_optional_pubkey(struct buf *b, const struct pubkey *k); /* NULL for none */
void ark_put_optional_hash(struct buf *b, const struct hash32 *h);
void ark_put_optional_signature(struct buf *b, const uint8_t *sig); /* NULL for none */

#endif
