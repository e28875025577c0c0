/* RLP and raw transactions from anywhere: what is read is canonical, so written again it is the same bytes. */
#include <stdlib.h>

#include "rails/evm/rlp.h"
#include "rails/evm/tx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* All items of v, and of the lists in them. */
static void write_again(struct bytes v, unsigned depth, struct buf *to)
{
	struct reader r = reader_of(v);

	must(depth <= RLP_DEPTH_MAX);
	while (r.n > 0) {
		struct rlp_item item = rlp_read(&r);
		SCOPED(buf) struct buf inner = BUF_CAP(v.n);

		must(reader_ok(&r));
		if (!item.is_list) {
			rlp_bytes(to, item.v);
			continue;
		}
		write_again(item.v, depth + 1, &inner);
		must(buf_ok(&inner));
		rlp_list(to, buf_bytes(&inner));
	}
}

static void read_numbers(struct bytes v)
{
	struct reader r = reader_of(v), same = r;
	SCOPED(buf) struct buf b = BUF_CAP(64);
	uint8_t be[32];
	uint64_t n = rlp_read_u64(&r);

	if (reader_at_end(&r)) {
		rlp_u64(&b, n);
		must(bytes_equal(buf_bytes(&b), v));
	}
	rlp_read_integer(&same, be, sizeof(be));
	if (!reader_at_end(&same))
		return;
	buf_reset(&b);
	rlp_integer(&b, (struct bytes){ be, sizeof(be) });
	must(bytes_equal(buf_bytes(&b), v));
}

static void read_transaction(struct bytes v)
{
	SCOPED(buf) struct buf b = BUF_CAP(EVM_TX_MAX);
	struct evm_tx_signature sig;
	struct evm_tx tx;
	struct err err;

	if (evm_tx_decode(v, &tx, &sig, &err) != 0) {
		must(err.code == ERR_PARSE);
		return;
	}
	must(sig.y_parity == 0 || sig.y_parity == 1);
	must(evm_tx_raw(&tx, &sig, &b, &err) == 0);
	must(bytes_equal(buf_bytes(&b), v));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes v = { data, size };

	if (rlp_is_one(v)) {
		SCOPED(buf) struct buf b = BUF_CAP(size);

		write_again(v, 0, &b);
		must(buf_ok(&b) && bytes_equal(buf_bytes(&b), v));
	}
	read_numbers(v);
	read_transaction(v);
	return 0;
}
