/* rails/bitcoin/base58.h - Base58Check, as extended keys use it. */
#ifndef RAILS_BITCOIN_BASE58_H
#define RAILS_BITCOIN_BASE58_H

#include "base/buf.h"
#include "base/err.h"

#define BASE58_BYTES_MAX 128
#define BASE58_TEXT_MAX  192

/* v is at most BASE58_BYTES_MAX bytes without its checksum; to has room for BASE58_TEXT_MAX characters and a NUL. */
void base58check_encode(struct bytes v, char *to);
/* Exactly n bytes and a right checksum, or ERR_PARSE. */
MUST_CHECK int base58check_decode(const char *text, void *to, size_t n, struct err *err);

#endif
