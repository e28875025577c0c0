#include "tests/support/outbox_rows.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/scratch.h"

static struct err failure, *err = &failure;

static void spread(uint8_t *b, size_t size, unsigned n)
{
	memset(b, 0xa5, size);
	for (size_t i = 0; i < sizeof(n); i++)
		b[size - 1 - i] = (uint8_t)(n >> 8 * i);
}

struct hash32 rows_hash(unsigned n)
{
	struct hash32 h;

	spread(h.b, sizeof(h.b), n);
	return h;
}

struct evm_address rows_address(unsigned n)
{
	struct evm_address a;

	spread(a.b, sizeof(a.b), n);
	return a;
}

struct gas_price rows_price(uint64_t wei)
{
	struct gas_price p;

	ck_assert(gas_price_from_u64(wei, &p));
	return p;
}

int64_t rows_space(struct unit *u, unsigned n)
{
	struct space_row row = {
		.chain_id = ROWS_CHAIN,
		.contract = rows_address(0xc0),
		.signer = rows_address(n),
		.key_ref = "hd:0",
		.ordering = ORDER_ACCOUNT,
		.release_at = DELIVERY_SUBMITTED,
	};
	int64_t id;

	OK(space_store_put(u, &row, &id, err));
	return id;
}

struct directive_row rows_directive(int64_t space_id, unsigned n)
{
	static char ids[1024][16];
	char *id = ids[n % ARRAY_LEN(ids)];

	snprintf(id, sizeof(ids[0]), "d%u", n);
	return (struct directive_row){
		.id = id,
		.kind = "needs_rsm_signature",
		.action_key = "system_withdraw_token",
		.space_id = space_id,
		.account = rows_address(n),
		.signer = rows_address(0x51),
		.nonce = n,
		.payload = { (const uint8_t *)"payload", 7 },
		.content_hash = rows_hash(n),
		.expires_at_ms = -1,
		.lane = 1,
		.status = DELIVERY_PENDING,
		.recheck_at_ms = DIRECTIVE_NO_WAKE,
		.created_at_ms = 1000 + n,
	};
}

void rows_set_key(struct directive_row *row, unsigned key)
{
	struct hash32 h = rows_hash(key);

	memcpy(row->order_key, h.b, sizeof(h.b));
	row->order_key_n = sizeof(h.b);
	row->holds_order = true;
}

struct directive_row rows_get(struct view v, struct arena *a, int64_t seq)
{
	struct directive_row row;

	OK(directive_store_by_seq(v, a, seq, &row, err));
	return row;
}

struct directive_row rows_add(struct unit *u, struct arena *a, const struct directive_row *row)
{
	int64_t seq;

	/* Its nonce counts as taken. */
	if (space_store_advance(u, row->space_id, row->nonce + 1, err) != 0)
		ck_assert_int_eq(err->code, ERR_RANGE);
	OK(directive_store_add(u, row, &seq, err));
	return rows_get(unit_view(u), a, seq);
}

static bool is_final(enum delivery_status s)
{
	return s == DELIVERY_CONFIRMED || s >= DELIVERY_REVERTED;
}

void rows_move(struct unit *u, struct directive_row *row, enum delivery_status to)
{
	int64_t now_ms = row->updated_at_ms + 1;

	row->status = to;
	row->wake_at_ms = to == DELIVERY_PENDING ? 0 : DIRECTIVE_NO_WAKE;
	if (to == DELIVERY_RETRY || to == DELIVERY_CLAIMED)
		row->wake_at_ms = now_ms + 1000;
	row->recheck_at_ms = to == DELIVERY_MANUAL ? now_ms + 5000 : DIRECTIVE_NO_WAKE;
	if (to == DELIVERY_SUBMITTED && row->tx_id == 0) {
		struct slot_row slot = rows_slot(u, rows_lane(u, 1));

		OK(item_store_add(u, &(struct item_row){ slot.id, slot.fill, 0, row->seq, -1 }, err));
		row->tx_id = slot.id;
	}
	row->has_result = to == DELIVERY_INCLUDED || to == DELIVERY_CONFIRMED;
	row->result_hash = rows_hash((unsigned)row->seq);
	row->result_block = row->result_block ? row->result_block : 77; /* as it is set already, or some */
	row->holds_order = row->order_key_n > 0 &&
			   (to == DELIVERY_PENDING || to == DELIVERY_CLAIMED || to == DELIVERY_RETRY);
	row->finished_at_ms = is_final(to) ? now_ms : 0;
	OK(directive_store_save(u, row, now_ms, err));
}

int64_t rows_lane(struct unit *u, unsigned n)
{
	struct evm_address relayer = rows_address(0x1000 + n);
	int64_t lane;

	OK(lane_store_put(u, ROWS_CHAIN, &relayer, "hd:0", 1000, &lane, err));
	OK(lane_store_raise(u, lane, 0, 0, err));
	return lane;
}

struct attempt_row rows_attempt(struct unit *u, const struct slot_row *slot, uint32_t attempt, unsigned hash)
{
	struct attempt_row row = {
		.hash = rows_hash(hash),
		.tx_id = slot->id,
		.fill = slot->fill,
		.attempt = attempt,
		.raw = { (const uint8_t *)"raw", 3 },
		.max_fee = rows_price(100),
		.max_priority_fee = rows_price(2),
		.gas_limit = 21000,
		.signed_at_ms = 1000,
	};

	OK(attempt_store_add(u, &row, err));
	return row;
}

struct slot_row rows_slot(struct unit *u, int64_t lane)
{
	struct slot_row slot;

	OK(slot_store_open(u, lane, SLOT_DIRECTIVES, UINT32_MAX, 5, 1000, &slot, err));
	rows_attempt(u, &slot, 0, 0x10000 + 64 * (unsigned)slot.id + slot.fill);
	return slot;
}
