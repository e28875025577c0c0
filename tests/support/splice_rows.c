#include "tests/support/splice_rows.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

struct hash32 splice_hash(unsigned n)
{
	struct hash32 h;

	memset(h.b, (int)n, sizeof(h.b));
	return h;
}

struct txid splice_txid(unsigned n)
{
	struct txid t;

	memset(t.b, (int)n, sizeof(t.b));
	return t;
}

struct outpoint splice_at(unsigned n)
{
	return (struct outpoint){ .txid = splice_txid(n), .vout = n };
}

struct pubkey splice_peer(unsigned n)
{
	struct pubkey k;

	memset(k.b, (int)n, sizeof(k.b));
	k.b[0] = 2;
	return k;
}

struct sat splice_sat(uint64_t v)
{
	struct sat s;

	ck_assert(sat_from_u64(v, &s));
	return s;
}

struct feerate splice_rate_of(uint64_t sat_per_kwu)
{
	struct feerate r;

	ck_assert(feerate_from_sat_per_kwu(sat_per_kwu, &r));
	return r;
}

struct splice_row splice_row(unsigned n)
{
	struct splice_row row = {
		.id = splice_hash(n),
		.channel = splice_hash(n),
		.peer = splice_peer(n),
		.base = splice_at(n),
		.base_capacity = splice_sat(1000000),
		.base_local = { 600000123 },
		.kind = SPLICE_IN,
		.active = SPLICE_IN,
		.has_amount = true,
		.amount = splice_sat(100000),
		.max_rate = splice_rate_of(5000),
		.max_attempts = 3,
		.max_disconnects = 20,
	};

	snprintf(row.action.s, sizeof(row.action.s), "splice:%u", n);
	return row;
}

struct funding_candidate splice_candidate_row(unsigned n)
{
	static const uint8_t raw[] = { 1, 2, 3 };

	return (struct funding_candidate){
		.txid = splice_txid(n),
		.vout = n,
		.round = 1,
		.origin = CANDIDATE_OURS,
		.state = CANDIDATE_SIGNED,
		.has_amount = true,
		.amount = splice_sat(1000u * n),
		.has_fee = true,
		.fee = splice_sat(n),
		.has_rate = true,
		.rate = splice_rate_of(253u + n),
		.raw = { raw, sizeof(raw) },
		.first_seen_ms = 5,
	};
}

struct funding_payment splice_payment(unsigned n)
{
	return (struct funding_payment){
		.id = splice_hash(n),
		.type = FUNDING_INTERACTIVE,
		.direction = FUNDING_IN,
		.status = FUNDING_PENDING,
		.txid = splice_txid(n),
		.has_amount = true,
		.amount = splice_sat(1000u * n),
		.has_fee = true,
		.fee = splice_sat(n),
		.channel = splice_hash(n),
		.peer = splice_peer(n),
		.created_at_ms = 5,
		.updated_at_ms = 6,
	};
}

struct channel_row splice_channel(unsigned n)
{
	return (struct channel_row){
		.id = splice_hash(n),
		.peer = splice_peer(n),
		.state = "CHANNELD_NORMAL",
		.phase = CHANNEL_READY,
		.usable = true,
		.funding = splice_at(n),
		.capacity = splice_sat(1000000),
		.reserve = splice_sat(10000),
		.local = { 600000123 },
		.seen_at_ms = 100,
	};
}
