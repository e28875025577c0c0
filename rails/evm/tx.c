#include "rails/evm/tx.h"

#include <string.h>

#include "rails/evm/keccak.h"
#include "rails/evm/rlp.h"

#define TYPE_1559 0x02

static void put_wei(struct buf *to, struct wei v)
{
	SCOPED(buf) struct buf be = BUF_CAP(16);

	buf_be64(&be, v.hi);
	buf_be64(&be, v.lo);
	rlp_integer(to, buf_bytes(&be));
}

static void put_fields(struct buf *to, const struct evm_tx *tx)
{
	rlp_u64(to, tx->chain_id);
	rlp_u64(to, tx->nonce);
	rlp_u64(to, gas_price_value(tx->fees.max_priority_fee));
	rlp_u64(to, gas_price_value(tx->fees.max_fee));
	rlp_u64(to, tx->gas_limit);
	rlp_bytes(to, (struct bytes){ tx->to.b, sizeof(tx->to.b) });
	put_wei(to, tx->value);
	rlp_bytes(to, tx->data);
	rlp_list(to, (struct bytes){ 0 }); /* the access list */
}

static int put(const struct evm_tx *tx, const struct evm_tx_signature *sig, struct buf *ret, struct err *err)
{
	SCOPED(buf) struct buf fields = BUF_CAP(EVM_TX_MAX);
	size_t before = ret->n;

	put_fields(&fields, tx);
	if (sig != NULL) {
		rlp_u64(&fields, (uint64_t)sig->y_parity);
		rlp_integer(&fields, (struct bytes){ sig->rs, 32 });
		rlp_integer(&fields, (struct bytes){ sig->rs + 32, 32 });
	}
	buf_u8(ret, TYPE_1559);
	rlp_list(ret, buf_bytes(&fields));
	if (!buf_ok(&fields) || !buf_ok(ret) || ret->n - before > EVM_TX_MAX)
		return ERR(err, ERR_RANGE, "a transaction with %zu bytes of data is too large", tx->data.n);
	return 0;
}

int evm_tx_unsigned(const struct evm_tx *tx, struct buf *ret, struct err *err)
{
	return put(tx, NULL, ret, err);
}

int evm_tx_raw(const struct evm_tx *tx, const struct evm_tx_signature *sig, struct buf *ret, struct err *err)
{
	return put(tx, sig, ret, err);
}

int evm_tx_digest(const struct evm_tx *tx, struct hash32 *ret, struct err *err)
{
	SCOPED(buf) struct buf b = BUF_CAP(EVM_TX_MAX);

	if (evm_tx_unsigned(tx, &b, err) != 0)
		return -1;
	keccak256(buf_bytes(&b), ret);
	return 0;
}

void evm_tx_hash(struct bytes raw, struct hash32 *ret)
{
	keccak256(raw, ret);
}

static void read_price(struct reader *r, struct gas_price *ret)
{
	if (!gas_price_from_u64(rlp_read_u64(r), ret))
		reader_fail(r);
}

static void read_fields(struct reader *r, struct evm_tx *tx)
{
	uint8_t value[32];
	struct bytes to;
	struct reader access;

	tx->chain_id = rlp_read_u64(r);
	tx->nonce = rlp_read_u64(r);
	read_price(r, &tx->fees.max_priority_fee);
	read_price(r, &tx->fees.max_fee);
	tx->gas_limit = rlp_read_u64(r);
	to = rlp_read_bytes(r);
	rlp_read_integer(r, value, sizeof(value));
	tx->data = rlp_read_bytes(r);
	access = rlp_read_list(r);
	if (to.n != sizeof(tx->to.b) || !wei_from_be(value, &tx->value) || !reader_at_end(&access)) {
		reader_fail(r);
		return;
	}
	memcpy(tx->to.b, to.p, sizeof(tx->to.b));
}

static void read_signature(struct reader *r, struct evm_tx_signature *sig)
{
	uint64_t parity = rlp_read_u64(r);

	rlp_read_integer(r, sig->rs, 32);
	rlp_read_integer(r, sig->rs + 32, 32);
	if (parity > 1)
		reader_fail(r);
	sig->y_parity = (int)(parity & 1);
}

int evm_tx_decode(struct bytes raw, struct evm_tx *ret, struct evm_tx_signature *ret_sig, struct err *err)
{
	struct reader whole = reader_of(raw), r;
	struct evm_tx_signature sig;
	struct evm_tx tx = { 0 };
	uint8_t type = read_u8(&whole);

	r = rlp_read_list(&whole);
	read_fields(&r, &tx);
	read_signature(&r, &sig);
	if (raw.n > EVM_TX_MAX || type != TYPE_1559 || !reader_at_end(&whole) || !reader_at_end(&r))
		return ERR(err, ERR_PARSE, "not a signed transaction of type 2 as we make them");
	*ret = tx;
	*ret_sig = sig;
	return 0;
}

bool evm_depth_reached(uint64_t head, uint64_t block, uint64_t confirmations)
{
	return head >= block && (confirmations == 0 || head - block >= confirmations - 1);
}
