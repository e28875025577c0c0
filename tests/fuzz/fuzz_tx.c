/* A transaction from a stranger: read it; what was read is written as the same bytes, weighs what it should, and its names
 * do not depend on the way they are asked for. */
#include <stdlib.h>
#include <string.h>

#include "rails/bitcoin/policy.h"
#include "rails/bitcoin/tx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check(const struct tx *tx, struct bytes raw, bool legacy)
{
	SCOPED(buf) struct buf b = BUF_CAP(TX_SIZE_MAX);
	struct txid id = tx_txid(tx);
	struct wtxid wid = tx_wtxid(tx);
	struct sat fee = { 1 };
	struct err err;

	if (legacy)
		tx_encode_legacy(tx, &b);
	else
		tx_encode(tx, &b);
	must(buf_ok(&b) && bytes_equal(buf_bytes(&b), raw));
	must((legacy ? tx_size_legacy(tx) : tx_size(tx)) == raw.n);
	must(tx_weight(tx).v == 3 * tx_size_legacy(tx) + tx_size(tx));
	must((memcmp(id.b, wid.b, sizeof(id.b)) == 0) == !tx_has_witness(tx));
	must(tx_check(tx, &err) == 0 || err.code == ERR_PARSE || err.code == ERR_RANGE);
	must(policy_check(tx, fee, &err) == 0 || err.code == ERR_UNSUPPORTED || err.code == ERR_RANGE ||
	     err.code == ERR_DUST);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(TX_ARENA_FOR(size));
	SCOPED(arena) struct arena b = ARENA_LIMIT(TX_LEGACY_ARENA_FOR(size));
	struct bytes raw = { data, size };
	struct tx tx, legacy;
	struct err err;

	if (tx_decode(&a, raw, &tx, &err) == 0)
		check(&tx, raw, false);
	else /* of what was negative only the amount is out of range: the arena has room for all */
		must(err.code == ERR_PARSE || strstr(err.msg, "negative") != NULL);
	if (tx_decode_legacy(&b, raw, &legacy, &err) == 0)
		check(&legacy, raw, true);
	else
		must(err.code == ERR_PARSE || strstr(err.msg, "negative") != NULL);
	return 0;
}
