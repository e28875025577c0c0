#include "outbox/signer.h"

#include <string.h>

#include "base/failpoint.h"
#include "outbox/append.h"
#include "outbox/directive_states.h"

void signer_describe(const struct directive_row *row, struct directive *ret)
{
	*ret = (struct directive){
		.account = row->account,
		.action_key = row->action_key,
		.nonce = row->nonce,
		.payload = row->payload,
	};
	directive_id_hash(row->id, &ret->id_hash);
}

void signer_digest(const struct space *s, const struct directive_row *row, struct hash32 *ret_id_hash,
		   struct hash32 *ret_digest)
{
	struct directive d;

	signer_describe(row, &d);
	*ret_id_hash = d.id_hash;
	directive_digest(&s->domain, &d, ret_digest);
}

const char *signer_permanent_reason(const struct err *err)
{
	if (err->code == ERR_ACTION_INVALID)
		return REASON_INVALID_ACTION;
	if (err->code == ERR_ACTION_UNSUPPORTED)
		return REASON_UNSUPPORTED_ACTION;
	if (err->code == ERR_DIRECTIVE_CONFLICT)
		return REASON_IDEMPOTENCY_CONFLICT;
	return NULL;
}

/* The row as it stands against what was accepted: a changed byte must not be signed. */
static int check(const struct space *s, const struct directive_row *row, struct err *err)
{
	struct hash32 content;

	if (directive_check_action(row->action_key, row->payload, s->conf.any_payload, err) != 0)
		return -1;
	if (row->nonce > DIRECTIVE_NONCE_MAX)
		return ERR(err, ERR_ACTION_INVALID, "nonce %llu is above 2^63 - 1", (unsigned long long)row->nonce);
	if (evm_address_is_zero(&row->account))
		return ERR(err, ERR_ACTION_INVALID, "account is the zero address");
	directive_content_hash(row, s->chain->conf.chain_id, &s->conf.contract, &content);
	if (!hash32_equal(&content, &row->content_hash))
		return ERR(err, ERR_DIRECTIVE_CONFLICT, "the row is not what was accepted: its content hash differs");
	return 0;
}

/* 1 with the signature that is there, 0 when there is none. */
static int stored(const struct space *s, const struct directive_row *row, struct view v, const struct hash32 *digest,
		  struct directive_signature *ret, struct err *err)
{
	struct signature_row sig;

	if (signature_store_get(v, s->id, row->nonce, &sig, err) != 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	if (!hash32_equal(&sig.digest, digest))
		return ERR(err, ERR_DIRECTIVE_CONFLICT, "another digest was signed with nonce %llu before",
			   (unsigned long long)row->nonce);
	memcpy(ret->b, sig.sig, sizeof(ret->b));
	return 1;
}

int signer_sign(const struct space *s, const struct directive_row *row, struct view v, struct signed_directive *ret,
		struct hash32 *ret_digest, struct err *err)
{
	uint8_t rs[64];
	int recid, there;

	if (check(s, row, err) != 0)
		return -1;
	signer_describe(row, &ret->d);
	directive_digest(&s->domain, &ret->d, ret_digest);
	there = stored(s, row, v, ret_digest, &ret->sig, err);
	if (there != 0)
		return there < 0 ? -1 : 0;
	if (FAILPOINT("outbox.sign"))
		return ERR(err, ERR_CRYPTO, "failpoint outbox.sign");
	if (evm_key_sign(s->key.key, ret_digest, rs, &recid, err) != 0)
		return -1;
	directive_signature_make(rs, recid, &ret->sig);
	return 0;
}

int signer_keep(const struct space *s, const struct directive_row *row, struct unit *u, int64_t now_ms, struct err *err)
{
	struct signature_row sig = { .seq = row->seq }, there;
	struct signed_directive one;

	if (!s || !s->key.key)
		return 0;
	if (signature_store_get(unit_view(u), s->id, row->nonce, &there, err) == 0)
		return 0;
	if (err->code != ERR_NOT_FOUND || signer_sign(s, row, unit_view(u), &one, &sig.digest, err) != 0)
		return -1;
	memcpy(sig.sig, one.sig.b, sizeof(sig.sig));
	return signature_store_put(u, s->id, row->nonce, &sig, now_ms, err);
}
