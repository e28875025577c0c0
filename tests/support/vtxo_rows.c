#include "tests/support/vtxo_rows.h"

#include <string.h>

#include "tests/support/onchain_rows.h"
#include "tests/support/scratch.h"

static struct err failure, *err = &failure;

struct outpoint ark_at(unsigned n)
{
	return onchain_at(5000 + n, n % 3);
}

struct pubkey ark_key(unsigned n)
{
	struct pubkey key = { { 2 } };

	for (size_t i = 0; i < sizeof(n); i++)
		key.b[32 - i] = (uint8_t)(n >> 8 * i);
	return key;
}

struct pubkey ark_server(unsigned n)
{
	struct pubkey key = ark_key(n);

	key.b[0] = 3;
	return key;
}

void ark_wallet(struct unit *u, unsigned n)
{
	OK(ark_account_add(u, "xpub", err));
	for (unsigned i = 0; i < n; i++) {
		struct pubkey key = ark_key(i);

		OK(ark_key_add(u, i, &key, err));
	}
}

struct vtxo_add ark_vtxo(unsigned n)
{
	struct vtxo_add v = {
		.row = {
			.point = ark_at(n),
			.amount = onchain_sat(1000 * n),
			.state = VTXO_SPENDABLE,
			.key_index = n,
			.server = ark_server(1),
			.expiry_height = 1000 + n,
			.exit_delta = 12,
			.depth = 2,
			.exit_weight = { 992 },
			.anchor = onchain_at(4000 + n, 1),
			.has_anchor_block = true,
			.anchor_block = { 50, onchain_hash(50) },
			.script = onchain_script(n),
			.standard = true,
			.origin = "import",
		},
		.bare = bytes_of("bare"),
		.genesis = bytes_of("genesis"),
	};

	return v;
}

int64_t ark_add(struct unit *u, const struct vtxo_add *v)
{
	int64_t id = 0;

	ck_assert_int_eq(vtxo_store_add(u, v, 1000, &id, err), 1);
	return id;
}
