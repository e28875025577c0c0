/* rails/evm/keystore.h - a key file: Web3 Secret Storage, version 3, with scrypt and AES-128-CTR.
 *
 * The MAC is compared, in constant time, before anything is decrypted.  Whether the key is the one that is wanted shows its
 * address, which the caller compares; the file's own "address" is not looked at.
 * Errors: ERR_PARSE (not such a file), ERR_UNSUPPORTED (another version, cipher or key derivation), ERR_RANGE (a cost that
 * we would not pay, a derived key or a text of another length), ERR_PASSPHRASE (the MAC differs), ERR_CRYPTO (no memory for
 * the cost). */
#ifndef RAILS_EVM_KEYSTORE_H
#define RAILS_EVM_KEYSTORE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

#define KEYSTORE_MAX 8192 /* bytes of the file */

/* Takes about a second and 256 MiB at the usual cost: not for the loop's thread while it serves. */
MUST_CHECK int keystore_open(struct bytes json, struct bytes password, struct secret *ret, struct err *err);

#endif
