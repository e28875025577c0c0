#include "rails/ark/cosign.h"

#include "rails/bitcoin/secp.h"

int ark_pair_keys(const struct pubkey *user, const struct pubkey *server, const struct hash32 *tweak,
		  struct musig_keys *ret, struct err *err)
{
	struct pubkey both[] = { *user, *server };
	struct musig_keys keys;

	if (musig_keys_make(both, ARRAY_LEN(both), &keys, err) != 0 ||
	    (tweak != NULL && musig_keys_tweak(&keys, tweak, err) != 0))
		return -1;
	*ret = keys;
	return 0;
}

int ark_check_key(const struct secret *key, const struct pubkey *expected, struct err *err)
{
	struct pubkey p;

	if (!secp_seckey_pubkey(key, &p) || !pubkey_equal(&p, expected))
		return ERR(err, ERR_CRYPTO, "the key is not that of the VTXO's user");
	return 0;
}

static int session_of(const struct ark_cosigned *c, const struct musig_pubnonce *ours,
		      const struct musig_pubnonce *server, struct musig_session *ret, struct err *err)
{
	struct musig_pubnonce both[] = { *ours, *server };

	if (!musig_pubnonce_valid(server))
		return ERR(err, ERR_PEER_INVALID, "the server's nonce is not two points");
	return musig_session_make(&c->keys, both, ARRAY_LEN(both), &c->sighash, ret, err);
}

int ark_half_sign(const struct ark_cosigned *c, const struct secret *user, const struct musig_pubnonce *server,
		  struct ark_half *ret, struct err *err)
{
	struct musig_session s;
	struct musig_nonce *nonce;
	struct ark_half half;

	if (ark_check_key(user, &c->user, err) != 0 ||
	    musig_nonce_new(user, &c->sighash, &nonce, &half.nonce, err) != 0)
		return -1;
	if (session_of(c, &half.nonce, server, &s, err) != 0) {
		musig_nonce_free(nonce);
		return -1;
	}
	if (musig_sign(&s, user, &nonce, &half.part, err) != 0)
		return -1;
	*ret = half;
	return 0;
}

static int verify(const struct musig_session *s, const struct ark_cosigned *c, const struct ark_half *server,
		  struct err *err)
{
	if (!musig_partial_verify(s, &c->server, &server->nonce, &server->part))
		return ERR(err, ERR_PEER_INVALID, "the server's partial signature is invalid");
	return 0;
}

int ark_half_verify(const struct ark_cosigned *c, const struct musig_pubnonce *ours, const struct ark_half *server,
		    struct err *err)
{
	struct musig_session s;

	if (session_of(c, ours, &server->nonce, &s, err) != 0)
		return -1;
	return verify(&s, c, server, err);
}

int ark_half_finish(const struct ark_cosigned *c, const struct secret *user, struct musig_nonce **ours,
		    const struct musig_pubnonce *our_public, const struct ark_half *server, uint8_t ret[64],
		    struct err *err)
{
	struct musig_partial parts[2] = { [1] = server->part };
	struct musig_session s;

	if (ark_check_key(user, &c->user, err) != 0 || session_of(c, our_public, &server->nonce, &s, err) != 0 ||
	    verify(&s, c, server, err) != 0 || musig_sign(&s, user, ours, &parts[0], err) != 0)
		return -1;
	return musig_finish(&s, parts, ARRAY_LEN(parts), ret, err);
}
