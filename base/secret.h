/* base/secret.h - secrets have types of their own, and no log field, JSON writer or SQL binder takes them.
 *
 * Wiping cannot reach copies that the compiler or a library made in registers or on its own stack; it does end the life
 * of the copies that are ours.  Long-lived secrets live in secret_alloc() memory: locked, guarded, outside core dumps. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/scope.h"

struct secret {
	uint8_t b[32];
};

struct seed {
	uint8_t b[64];
};

void secret_wipe(void *p, size_t n);
void secret_scope_end(struct secret *s);
void seed_scope_end(struct seed *s);
bool ct_equal(const void *a, const void *b, size_t n); /* in time that depends on n alone */

/* libsodium's guarded, mlocked heap.  NULL never comes back: without memory for a key there is no wallet, so it aborts. */
void *secret_alloc(size_t n);
void secret_free(void *p); /* wipes; NULL is fine */
/* Once at start, before any other call of this header or of rng.h. */
MUST_CHECK bool secret_init(void);

#endif
