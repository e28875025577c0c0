/* rails/ark/address.h - Ark addresses: bech32m text of a server, a policy and the ways to deliver to it.  Implements
 * spec/ark-primitives.md §9.
 *
 * Errors: ERR_ADDRESS (not an Ark address; .msg says why); of ark_address_check() beside it ERR_NETWORK, ERR_VTXO_SERVER
 * (another server's) and ERR_UNSUPPORTED (a policy that is not paid to, or no delivery that we know). */
#ifndef RAILS_ARK_ADDRESS_H
#define RAILS_ARK_ADDRESS_H

#include "rails/ark/policy.h"

#define ARK_ADDRESS_MAX 1023 /* characters */

enum ark_delivery_kind { ARK_MAILBOX = 1 }; /* others are kept as they come */
struct ark_delivery {
	uint8_t kind; /* the encoding's: ARK_MAILBOX, or one that we do not know */
	struct bytes
		data; /* ARK_MAILBOX: 33 bytes, the blinded mailbox id: a point only where ark_address_check() says so */
};
struct ark_address {
	bool mainnet;
	uint8_t server_id[4]; /* ark_server_id() of the server */
	struct ark_policy policy;
	const struct ark_delivery *deliveries;
	size_t n_deliveries; /* may be none */
};

void ark_server_id(const struct pubkey *server, uint8_t ret[4]);

/* Arena-owned. */
MUST_CHECK int ark_address_decode(struct arena *a, const char *text, struct ark_address *ret, struct err *err);
/* ERR_RANGE: without a delivery, or too long. */
MUST_CHECK int ark_address_encode(struct arena *a, const struct ark_address *addr, char **ret, struct err *err);
/* An address of our own: pubkey policy and one mailbox. */
MUST_CHECK int ark_address_make(struct arena *a, bool mainnet, const struct pubkey *server, const struct pubkey *user,
				const struct pubkey *blinded_mailbox, char **ret, struct err *err);

/* May this wallet pay to it?  Of its deliveries at least one must be a mailbox, and every mailbox a point. */
MUST_CHECK int ark_address_check(const struct ark_address *addr, bool mainnet, const struct pubkey *server,
				 struct err *err);

#endif
