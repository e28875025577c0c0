/* An Ark address from a stranger, as text or as its payload: read it; what was read can be written, and reads as the same again. */
#include <stdlib.h>
#include <string.h>

#include "rails/ark/address.h"
#include "rails/bitcoin/bech32.h"
#include "rails/bitcoin/secp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void same(const struct ark_address *a, const struct ark_address *b)
{
	must(a->mainnet == b->mainnet && memcmp(a->server_id, b->server_id, sizeof(a->server_id)) == 0);
	must(ark_policy_equal(&a->policy, &b->policy) && a->n_deliveries == b->n_deliveries);
	for (size_t i = 0; i < a->n_deliveries; i++)
		must(a->deliveries[i].kind == b->deliveries[i].kind &&
		     bytes_equal(a->deliveries[i].data, b->deliveries[i].data));
}

/* A payload as an address, with the checksum that a fuzzer does not find. */
static const char *wrapped(struct arena *a, struct bytes payload)
{
	struct bytes groups = bech32_groups_of(a, payload);
	uint8_t *p = arena_alloc(a, groups.n + 1);

	p[0] = 1; /* the version */
	if (groups.n > 0)
		memcpy(p + 1, groups.p, groups.n);
	return bech32_encode(a, BECH32M, "tark", (struct bytes){ p, groups.n + 1 });
}

static void look_at(struct arena *a, const char *given)
{
	static const struct pubkey server = { { 2 } };
	struct ark_address addr, back;
	struct err err;
	char *text;

	if (ark_address_decode(a, given, &addr, &err) != 0) {
		must(err.code == ERR_ADDRESS);
		return;
	}
	must(ark_policy_is_user(addr.policy.kind));
	must(ark_address_check(&addr, addr.mainnet, &server, &err) != 0 ||
	     (addr.policy.kind == ARK_PUBKEY && addr.n_deliveries > 0));
	must(ark_address_check(&addr, !addr.mainnet, &server, &err) != 0 && err.code == ERR_NETWORK);
	if (ark_address_encode(a, &addr, &text, &err) != 0) {
		must(err.code == ERR_RANGE && addr.n_deliveries == 0);
		return;
	}
	must(ark_address_decode(a, text, &back, &err) == 0);
	same(&addr, &back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t blind[32] = { 1 };
	static bool ready;
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024 * 1024);

	if (!ready)
		must(secp_init(blind));
	ready = true;
	if (size > 2000)
		return 0;
	look_at(&a, arena_strndup(&a, (const char *)data, size));
	look_at(&a, wrapped(&a, (struct bytes){ data, size }));
	return 0;
}
