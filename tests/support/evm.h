/* tests/support/evm.h - what the suites of rails/evm share: vectors whose bytes are written "0x…", as Ethereum has them. */
#ifndef TESTS_SUPPORT_EVM_H
#define TESTS_SUPPORT_EVM_H

#include "base/ids.h"
#include "base/secret.h"
#include "tests/support/rails.h"

/* "0x…", or without it. */
struct bytes evm_hex(const char *text);
struct bytes vec_0x(const json_t *obj, const char *name);
struct hash32 vec_hash(const json_t *obj, const char *name);
struct secret vec_secret(const json_t *obj, const char *name);
struct evm_address vec_address(const json_t *obj, const char *name);
uint64_t vec_decimal(const json_t *obj, const char *name); /* a number in a string */

/* Are the bytes these? */
#define ck_bytes(got, want) evm_assert_bytes((got), (want), __FILE__, __LINE__)
void evm_assert_bytes(struct bytes got, struct bytes want, const char *file, int line);
#define ck_hash(got, want) ck_bytes(((struct bytes){ (got)->b, 32 }), ((struct bytes){ (want)->b, 32 }))

#endif
