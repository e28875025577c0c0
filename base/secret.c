#include "base/secret.h"

#include <sodium.h>

#include "base/err.h"

void secret_wipe(void *p, size_t n)
{
	sodium_memzero(p, n);
}

void secret_scope_end(struct secret *s)
{
	secret_wipe(s, sizeof(*s));
}

void seed_scope_end(struct seed *s)
{
	secret_wipe(s, sizeof(*s));
}

bool ct_equal(const void *a, const void *b, size_t n)
{
	return sodium_memcmp(a, b, n) == 0;
}

void *secret_alloc(size_t n)
{
	void *p = sodium_malloc(n);

	if (p == NULL)
		err_fatal("no memory for a key");
	secret_wipe(p, n); /* libsodium fills it with a pattern */
	return p;
}

void secret_free(void *p)
{
	sodium_free(p);
}

bool secret_init(void)
{
	return sodium_init() >= 0;
}
