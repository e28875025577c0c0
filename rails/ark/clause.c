#include "rails/ark/clause.h"

#include "base/hash.h"
#include "rails/bitcoin/compact.h"
#include "rails/bitcoin/secp.h"
#include "rails/bitcoin/timelock.h"

#define SIGNATURE_SIZE 64
#define PREIMAGE_SIZE  32

const char *ark_clause_name(const struct ark_clause *c)
{
	switch (c->flags & (ARK_DELAY | ARK_LOCKTIME | ARK_PREIMAGE)) {
	case ARK_DELAY:
		return "delayed-sign";
	case ARK_LOCKTIME:
		return "timelock-sign";
	case ARK_DELAY | ARK_LOCKTIME:
		return "delayed-timelock-sign";
	case ARK_PREIMAGE:
		return "hash-sign";
	case ARK_PREIMAGE | ARK_DELAY:
		return "hash-delay-sign";
	default:
		return "sign"; /* no policy has others */
	}
}

static void put_hash_lock(const struct ark_clause *c, struct buf *b)
{
	uint8_t image[20];

	if ((c->flags & ARK_ANY_LENGTH) == 0) {
		script_op(b, OP_SIZE);
		script_push_number(b, PREIMAGE_SIZE);
		script_op(b, OP_EQUALVERIFY);
	}
	ripemd160((struct bytes){ c->hash.b, sizeof(c->hash.b) }, image); /* HASH160 of the preimage */
	script_op(b, OP_HASH160);
	script_push(b, (struct bytes){ image, sizeof(image) });
	script_op(b, OP_EQUALVERIFY);
}

void ark_clause_script(const struct ark_clause *c, struct buf *b)
{
	struct xonly x = secp_xonly_of(&c->key);

	if ((c->flags & ARK_LOCKTIME) != 0)
		script_cltv(b, c->locktime);
	if ((c->flags & ARK_DELAY) != 0)
		script_csv(b, sequence_blocks(c->delay));
	if ((c->flags & ARK_PREIMAGE) != 0)
		put_hash_lock(c, b);
	script_push(b, (struct bytes){ x.b, sizeof(x.b) });
	script_op(b, OP_CHECKSIG);
}

uint32_t ark_clause_sequence(const struct ark_clause *c)
{
	return (c->flags & ARK_DELAY) != 0 ? sequence_blocks(c->delay) : SEQUENCE_REPLACE;
}

uint32_t ark_clause_locktime(const struct ark_clause *c)
{
	return (c->flags & ARK_LOCKTIME) != 0 ? c->locktime : 0;
}

static size_t item_size(size_t n)
{
	return compact_len(n) + n;
}

struct weight ark_clause_witness_weight(const struct ark_clause *c, size_t control)
{
	SCOPED(buf) struct buf script = BUF_CAP(ARK_CLAUSE_SCRIPT_MAX);
	size_t n = 1 + item_size(SIGNATURE_SIZE) + item_size(control);

	ark_clause_script(c, &script);
	n += item_size(script.n);
	if ((c->flags & ARK_PREIMAGE) != 0)
		n += item_size(PREIMAGE_SIZE);
	return (struct weight){ n };
}
