/* rails/ark/mailbox.h - the place at an Ark server where news for a wallet is left: who it is for, and who may read it.
 *
 * Facts: spec/ark-primitives.md §8.4.  A mailbox is the public key of a dedicated wallet key.  An address carries it blinded
 * by the Diffie-Hellman secret of that address's key and the server's mailbox key, so that two addresses of one wallet
 * cannot be linked by anybody but the server. */
#ifndef RAILS_ARK_MAILBOX_H
#define RAILS_ARK_MAILBOX_H

#include "base/err.h"
#include "base/ids.h"
#include "base/secret.h"

/* M + v P: mailbox M, v the secret of the address's VTXO key, P the server's mailbox key.  In constant time.  ERR_CRYPTO: a
 * key that is no point, or a sum at infinity. */
MUST_CHECK int ark_mailbox_blind(const struct pubkey *mailbox, const struct secret *vtxo_key,
				 const struct pubkey *server_mailbox, struct pubkey *ret, struct err *err);

/* Leave to read a mailbox until a time, which the mailbox's own key signs. */
#define ARK_MAILBOX_AUTH_SIZE   105
#define ARK_MAILBOX_AUTH_LATE_S 5 /* how long the server still takes one that has expired */
struct ark_mailbox_auth {
	struct pubkey mailbox;
	int64_t expires_at_s; /* unix time */
	uint8_t sig[64];
};
/* What is to be signed; it does not depend on the mailbox. */
void ark_mailbox_auth_digest(int64_t expires_at_s, struct hash32 *ret);
void ark_mailbox_auth_encode(const struct ark_mailbox_auth *auth, uint8_t ret[ARK_MAILBOX_AUTH_SIZE]);
/* ERR_PARSE: not of this size, or for a mailbox that is no key.  The signature is not looked at. */
MUST_CHECK int ark_mailbox_auth_decode(struct bytes v, struct ark_mailbox_auth *ret, struct err *err);
bool ark_mailbox_auth_verify(const struct ark_mailbox_auth *auth);
bool ark_mailbox_auth_expired(const struct ark_mailbox_auth *auth, int64_t now_s);

/* Kinds of messages, by the server's numbers. */
enum ark_mail {
	ARK_MAIL_ARKOOR_RECEIVE = 0,
	ARK_MAIL_ROUND_COMPLETED = 1,
	ARK_MAIL_LN_RECV_PENDING = 2,
	ARK_MAIL_RECOVERY_VTXO_ID = 3,
	ARK_MAIL_LN_SEND_FINISHED = 4
};
/* "arkoor-receive"; NULL for a number that we do not know. */
const char *ark_mail_name(uint32_t number);

#endif
