#include "tests/support/ark_server.h"

/* The two sides do the same: each signs with a key of the pair, against the other's nonce. */
int ark_server_half(const struct ark_cosigned *c, const struct secret *server, const struct musig_pubnonce *user,
		    struct ark_half *ret, struct err *err)
{
	struct ark_cosigned turned = *c;

	turned.user = c->server;
	turned.server = c->user;
	return ark_half_sign(&turned, server, user, ret, err);
}

int ark_server_arkoor(struct arena *a, const struct arkoor *k, const struct secret *server,
		      const struct musig_pubnonce *user, struct arkoor_cosign *ret, struct err *err)
{
	struct musig_pubnonce *nonces = ARENA_ARRAY(a, k->n_txs, struct musig_pubnonce);
	struct musig_partial *parts = ARENA_ARRAY(a, k->n_txs, struct musig_partial);

	for (size_t i = 0; i < k->n_txs; i++) {
		struct ark_cosigned c = { .user = *k->user,
					  .server = k->request.input->terms.server,
					  .keys = i == 0 ? k->keys : k->rest_keys,
					  .sighash = k->txs[i].sighash };
		struct ark_half half;

		if (ark_server_half(&c, server, &user[i], &half, err) != 0)
			return -1;
		nonces[i] = half.nonce;
		parts[i] = half.part;
	}
	*ret = (struct arkoor_cosign){ nonces, k->n_txs, parts, k->n_txs };
	return 0;
}
