#include "rails/ark/forfeit.h"

#include <assert.h>
#include <string.h>

#include "rails/ark/exit_tx.h"
#include "rails/bitcoin/timelock.h"

int forfeit_make(struct arena *a, const struct vtxo *v, const struct hash32 *unlock_hash, struct forfeit *ret,
		 struct err *err)
{
	/* Always the current generation of hash locks, also where the VTXO itself is of the old one. */
	struct ark_policy to = { .kind = ARK_HARK_FORFEIT, .user = v->policy.user, .hash = *unlock_hash };
	struct forfeit f = { .vtxo = v->point, .unlock_hash = *unlock_hash };
	struct ark_taproot own;
	struct tx_out out;
	struct spk from, spk;

	if (!ark_policy_is_user(v->policy.kind))
		return ERR(err, ERR_VTXO_POLICY, "a VTXO with the policy %s is not a user's to give up",
			   ark_policy_name(v->policy.kind));
	if (ark_policy_taproot(&v->policy, &v->terms, &own, err) != 0 ||
	    ark_policy_spk(&to, &v->terms, &spk, err) != 0 ||
	    ark_pair_keys(&v->policy.user, &v->terms.server, &own.tweak, &f.cosigned.keys, err) != 0)
		return -1;
	from = ark_taproot_spk(&own);
	f.spent = (struct tx_out){ v->amount, arena_bytes(a, spk_bytes(&from)) };
	out = (struct tx_out){ v->amount, arena_bytes(a, spk_bytes(&spk)) };
	ark_tx_make(a, &v->point, &out, 1, (struct sat){ 0 }, &f.tx);
	f.tx.in[0].sequence = SEQUENCE_FINAL;
	f.cosigned.user = v->policy.user;
	f.cosigned.server = v->terms.server;
	if (ark_tx_sighash(&f.tx, &f.spent, NULL, &f.cosigned.sighash, err) != 0)
		return -1;
	*ret = f;
	return 0;
}

int forfeit_sign(const struct forfeit *f, const struct secret *user, const struct musig_pubnonce *server,
		 struct forfeit_bundle *ret, struct err *err)
{
	struct forfeit_bundle b = { .vtxo = f->vtxo, .unlock_hash = f->unlock_hash };

	if (ark_half_sign(&f->cosigned, user, server, &b.half, err) != 0)
		return err_context(err, "forfeit");
	*ret = b;
	return 0;
}

void forfeit_bundle_encode(const struct forfeit_bundle *bundle, uint8_t ret[FORFEIT_BUNDLE_SIZE])
{
	SCOPED(buf) struct buf b = BUF_CAP(FORFEIT_BUNDLE_SIZE);

	buf_u8(&b, FORFEIT_BUNDLE_VERSION);
	outpoint_encode(&bundle->vtxo, &b);
	buf_add(&b, bundle->unlock_hash.b, sizeof(bundle->unlock_hash.b));
	buf_add(&b, bundle->half.nonce.b, sizeof(bundle->half.nonce.b));
	buf_add(&b, bundle->half.part.b, sizeof(bundle->half.part.b));
	assert(buf_ok(&b) && b.n == FORFEIT_BUNDLE_SIZE);
	memcpy(ret, b.p, FORFEIT_BUNDLE_SIZE);
}

int forfeit_bundle_decode(struct bytes v, struct forfeit_bundle *ret, struct err *err)
{
	struct ark_reader r = ark_reader_of(v, ERR_PARSE, err);
	uint8_t version = ark_read_u8(&r, "version");
	struct forfeit_bundle b = { .vtxo = ark_read_outpoint(&r, "vtxo_id") };

	if (version != FORFEIT_BUNDLE_VERSION)
		ark_refuse(&r, ERR_NONE, "version", "%u is not known", version);
	b.unlock_hash = ark_read_hash(&r, "unlock_hash");
	ark_read_copy(&r, "user_nonce", b.half.nonce.b, sizeof(b.half.nonce.b));
	ark_read_copy(&r, "part_sig", b.half.part.b, sizeof(b.half.part.b));
	if (ark_reader_end(&r, "forfeit bundle") != 0)
		return -1;
	if (!musig_pubnonce_valid(&b.half.nonce) || !musig_partial_valid(&b.half.part))
		return ERR(err, ERR_PARSE, "forfeit bundle: the nonce or the partial signature is none");
	*ret = b;
	return 0;
}
