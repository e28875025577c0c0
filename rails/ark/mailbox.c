#include "rails/ark/mailbox.h"

#include <string.h>

#include "base/hash.h"
#include "base/reader.h"
#include "rails/bitcoin/secp.h"

static const char auth_prefix[] = "Ark VTXO mailbox authorization: ";

int ark_mailbox_blind(const struct pubkey *mailbox, const struct secret *vtxo_key, const struct pubkey *server_mailbox,
		      struct pubkey *ret, struct err *err)
{
	struct point m, p, shared, sum;

	if (!point_parse(mailbox, &m))
		return ERR(err, ERR_CRYPTO, "the mailbox is not a public key");
	if (!point_parse(server_mailbox, &p))
		return ERR(err, ERR_CRYPTO, "the server's mailbox key is not a public key");
	if (!point_mul_secret(&p, vtxo_key, &shared) || !point_add(&m, &shared, &sum))
		return ERR(err, ERR_CRYPTO, "the mailbox cannot be blinded by this key");
	point_compress(&sum, ret);
	return 0;
}

static void put_le64(int64_t v, uint8_t ret[8])
{
	for (unsigned i = 0; i < 8; i++)
		ret[i] = (uint8_t)((uint64_t)v >> (8 * i));
}

void ark_mailbox_auth_digest(int64_t expires_at_s, struct hash32 *ret)
{
	uint8_t when[8];

	put_le64(expires_at_s, when);
	sha256_two(bytes_of(auth_prefix), (struct bytes){ when, sizeof(when) }, ret);
}

void ark_mailbox_auth_encode(const struct ark_mailbox_auth *auth, uint8_t ret[ARK_MAILBOX_AUTH_SIZE])
{
	memcpy(ret, auth->mailbox.b, 33);
	put_le64(auth->expires_at_s, ret + 33);
	memcpy(ret + 41, auth->sig, 64);
}

int ark_mailbox_auth_decode(struct bytes v, struct ark_mailbox_auth *ret, struct err *err)
{
	struct reader r = reader_of(v);
	struct ark_mailbox_auth auth = { .expires_at_s = 0 };

	read_copy(&r, auth.mailbox.b, 33);
	auth.expires_at_s = (int64_t)read_le64(&r);
	read_copy(&r, auth.sig, 64);
	if (!reader_at_end(&r))
		return ERR(err, ERR_PARSE, "a mailbox authorization of %zu bytes, not %d", v.n, ARK_MAILBOX_AUTH_SIZE);
	if (!secp_pubkey_valid(&auth.mailbox))
		return ERR(err, ERR_PARSE, "a mailbox authorization for what is not a public key");
	*ret = auth;
	return 0;
}

bool ark_mailbox_auth_verify(const struct ark_mailbox_auth *auth)
{
	struct hash32 digest;

	ark_mailbox_auth_digest(auth->expires_at_s, &digest);
	return secp_schnorr_verify(&auth->mailbox, &digest, auth->sig);
}

bool ark_mailbox_auth_expired(const struct ark_mailbox_auth *auth, int64_t now_s)
{
	int64_t late;

	return !__builtin_add_overflow(auth->expires_at_s, ARK_MAILBOX_AUTH_LATE_S, &late) && late < now_s;
}

const char *ark_mail_name(uint32_t number)
{
	static const char *const names[] = {
		[ARK_MAIL_ARKOOR_RECEIVE] = "arkoor-receive",
		[ARK_MAIL_ROUND_COMPLETED] = "round-participation-completed",
		[ARK_MAIL_LN_RECV_PENDING] = "ln-recv-pending",
		[ARK_MAIL_RECOVERY_VTXO_ID] = "recovery-vtxo-id",
		[ARK_MAIL_LN_SEND_FINISHED] = "ln-send-finished",
	};

	return number < ARRAY_LEN(names) ? names[number] : NULL;
}
