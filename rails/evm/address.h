/* rails/evm/address.h - EVM addresses as text (EIP-55), and of public keys. */
#ifndef RAILS_EVM_ADDRESS_H
#define RAILS_EVM_ADDRESS_H

#include "base/err.h"
#include "base/ids.h"

#define EVM_ADDRESS_TEXT 43 /* "0x", 40 hex characters and a NUL */

/* Always with its checksum. */
void evm_address_text(const struct evm_address *a, char ret[EVM_ADDRESS_TEXT]);
/* "0x" and 40 hex characters: all letters small, all letters capital, or the checksum is right.  Errors: ERR_PARSE; the
 * message of a wrong checksum begins with "bad_checksum". */
MUST_CHECK int evm_address_parse(const char *text, struct evm_address *ret, struct err *err);
/* The last 20 bytes of the hash of x || y. */
void evm_address_of_key(const uint8_t xy[64], struct evm_address *ret);

#endif
