/* rails/lightning/bolt11.h - Lightning invoices: BOLT 11, the reader's half.
 *
 * Strict where BOLT 11 says that a reader MUST fail, and also where two readers could take one invoice for two: a field
 * that may stand once and stands twice is refused.  Whoever pays through somebody else (a mint, a server) must not see
 * another payment hash than the payer does.
 *
 * Pure: no clock, no globals.  Results live in the arena given first.  An invoice is shown before it is paid, and is not
 * secret; its description is a stranger's text.  Errors:
 *   ERR_INVOICE      no invoice, a wrong checksum or signature, or one of BOLT 11's rules broken; .msg says which
 *   ERR_NETWORK      an invoice of another currency
 *   ERR_RANGE        the arena has not room enough
 *   ERR_UNSUPPORTED  it requires a feature that BOLT 9 does not have for invoices; .msg has the number of its bit */
#ifndef RAILS_LIGHTNING_BOLT11_H
#define RAILS_LIGHTNING_BOLT11_H

#include "base/amount.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/network.h"
#include "base/secret.h"
#include "rails/bitcoin/script.h"

#define BOLT11_TEXT_MAX         8192
#define BOLT11_ROOM             ((size_t)256 * 1024) /* what decoding may take of the arena */
#define BOLT11_DESCRIPTION_MAX  639                  /* bytes; what one field can hold */
#define BOLT11_EXPIRY_DEFAULT_S 3600
#define BOLT11_CLTV_DEFAULT     18

/* Features by their even bit in BOLT 9; the odd bit after it offers what the even one requires. */
enum bolt11_feature {
	BOLT11_VAR_ONION = 8,
	BOLT11_PAYMENT_SECRET = 14,
	BOLT11_BASIC_MPP = 16,
	BOLT11_ROUTE_BLINDING = 24,
	BOLT11_ATTRIBUTION_DATA = 36,
	BOLT11_PAYMENT_METADATA = 48
};

/* One step of a way to the payee; node is where the channel begins, as written: it may lie off the curve. */
struct bolt11_hop {
	struct pubkey node;
	uint64_t short_channel_id; /* block << 40 | transaction << 16 | output */
	uint32_t fee_base_msat;
	uint32_t fee_millionths;
	uint16_t cltv_expiry_delta;
};
struct bolt11_route {
	struct bolt11_hop *hops; /* at least one, in the order of the payment */
	size_t n;
};

struct bolt11 {
	const char *text; /* in small letters, without "lightning:" */
	enum network net; /* "tb" stands for every testnet: here NETWORK_TESTNET4 */
	bool has_amount;
	struct msat amount; /* more than 0 */
	int64_t made_at_s;  /* unix time by the payee's clock */
	int64_t expiry_s;   /* seconds after that */
	struct hash32 payment_hash;
	struct secret payment_secret;
	const char *description; /* UTF-8, may be empty; NULL when there is only its hash */
	struct hash32 description_hash;
	struct pubkey payee; /* who signed */
	uint32_t min_final_cltv;
	struct bytes metadata;       /* n is 0 without any */
	struct bytes features;       /* groups of five bits, the highest first: see bolt11_offers() */
	struct bolt11_route *routes; /* the most preferred first, as the fallbacks */
	size_t n_routes;
	struct spk *fallbacks; /* output scripts; versions that nobody knows are left out */
	size_t n_fallbacks;
};

/* text: at most BOLT11_TEXT_MAX characters, all small or all capital letters, optionally after "lightning:". */
MUST_CHECK int bolt11_decode(struct arena *a, const char *text, struct bolt11 *ret, struct err *err);
/* Does the payee offer, or require, this feature? */
bool bolt11_offers(const struct bolt11 *inv, enum bolt11_feature f);
int64_t bolt11_expires_at_s(const struct bolt11 *inv);
/* May it be paid on this network at this time?  ERR_NETWORK, ERR_INVOICE_EXPIRED. */
MUST_CHECK int bolt11_check_payable(const struct bolt11 *inv, enum network net, int64_t now_s, struct err *err);

#endif
