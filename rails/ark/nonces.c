#include "rails/ark/nonces.h"

#include <assert.h>
#include <stdlib.h>

struct ark_nonces {
	size_t n;
	struct musig_nonce **secret;
	struct musig_pubnonce *public;
};

static void *zeroed(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (p == NULL)
		err_fatal("out of memory for nonces");
	return p;
}

int ark_nonces_new(const struct secret *key, const struct hash32 *msgs, size_t n, struct ark_nonces **ret,
		   struct err *err)
{
	struct ark_nonces *all = zeroed(1, sizeof(*all));

	assert(n > 0);
	all->n = n;
	all->secret = zeroed(n, sizeof(all->secret[0]));
	all->public = zeroed(n, sizeof(all->public[0]));
	for (size_t i = 0; i < n; i++) {
		if (musig_nonce_new(key, msgs != NULL ? &msgs[i] : NULL, &all->secret[i], &all->public[i], err) != 0) {
			ark_nonces_free(all);
			return -1;
		}
	}
	*ret = all;
	return 0;
}

void ark_nonces_free(struct ark_nonces *n)
{
	if (n == NULL)
		return;
	for (size_t i = 0; i < n->n; i++)
		musig_nonce_free(n->secret[i]);
	free(n->secret);
	free(n->public);
	free(n);
}

size_t ark_nonces_count(const struct ark_nonces *n)
{
	return n->n;
}

const struct musig_pubnonce *ark_nonces_public(const struct ark_nonces *n)
{
	return n->public;
}

struct musig_nonce **ark_nonces_at(struct ark_nonces *n, size_t i)
{
	assert(i < n->n);
	return &n->secret[i];
}
