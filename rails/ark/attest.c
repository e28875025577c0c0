#include "rails/ark/attest.h"

#include <assert.h>

#include "base/hash.h"

#define PREFIX_SIZE 32
/* What is hashed: a list is as long as the request that it is of. */
#define ROOM(n) BUF_CAP(PREFIX_SIZE + 512 + (n) * (8 + ARK_POLICY_SIZE_MAX + 36))

static const char round_prefix[] = "Ark round input ownership proof ";
static const char delegated_prefix[] = "hArk round join ownership proof ";
static const char ln_receive_prefix[] = "Lightning receive VTXO challenge";
static const char status_prefix[] = "Ark VTXO status query challenge ";
static const char offboard_prefix[] = "Ark offboard request challenge  ";
static const char arkoor_prefix[] = "arkoor cosign attestation       ";

_Static_assert(sizeof(round_prefix) == PREFIX_SIZE + 1 && sizeof(delegated_prefix) == PREFIX_SIZE + 1 &&
		       sizeof(ln_receive_prefix) == PREFIX_SIZE + 1 && sizeof(status_prefix) == PREFIX_SIZE + 1 &&
		       sizeof(offboard_prefix) == PREFIX_SIZE + 1 && sizeof(arkoor_prefix) == PREFIX_SIZE + 1,
	       "a prefix is of 32 bytes");

static void put_hash(struct buf *b, const struct hash32 *h)
{
	buf_add(b, h->b, sizeof(h->b));
}

static void put_round_output(struct buf *b, const struct ark_output *o)
{
	buf_be64(b, sat_value(o->amount));
	ark_policy_put(b, &o->policy);
}

static void put_arkoor_outputs(struct buf *b, struct ark_outputs list)
{
	for (size_t i = 0; i < list.n; i++) {
		ark_put_sat(b, list.v[i].amount);
		ark_policy_put(b, &list.v[i].policy);
	}
}

static void finish(const struct buf *b, struct hash32 *ret)
{
	assert(buf_ok(b));
	sha256(buf_bytes(b), ret);
}

void ark_attest_round(const struct hash32 *challenge, const struct outpoint *vtxo,
		      const struct ark_round_output *outputs, size_t n, struct hash32 *ret)
{
	SCOPED(buf) struct buf b = ROOM(n);

	buf_text_add(&b, round_prefix);
	put_hash(&b, challenge);
	outpoint_encode(vtxo, &b);
	buf_be64(&b, n);
	for (size_t i = 0; i < n; i++) {
		put_round_output(&b, &outputs[i].output);
		ark_put_pubkey(&b, &outputs[i].cosign);
	}
	finish(&b, ret);
}

void ark_attest_delegated(const struct outpoint *vtxo, struct ark_outputs outputs, struct hash32 *ret)
{
	SCOPED(buf) struct buf b = ROOM(outputs.n);

	buf_text_add(&b, delegated_prefix);
	outpoint_encode(vtxo, &b);
	buf_be64(&b, outputs.n);
	for (size_t i = 0; i < outputs.n; i++)
		put_round_output(&b, &outputs.v[i]);
	finish(&b, ret);
}

void ark_attest_ln_receive(const struct hash32 *payment_hash, const struct outpoint *vtxo, struct hash32 *ret)
{
	SCOPED(buf) struct buf b = ROOM(1);

	buf_text_add(&b, ln_receive_prefix);
	put_hash(&b, payment_hash);
	outpoint_encode(vtxo, &b);
	finish(&b, ret);
}

void ark_attest_status(const struct outpoint *vtxo, struct hash32 *ret)
{
	SCOPED(buf) struct buf b = ROOM(1);

	buf_text_add(&b, status_prefix);
	outpoint_encode(vtxo, &b);
	finish(&b, ret);
}

void ark_attest_offboard(const struct tx_out *destination, const struct outpoint *vtxos, size_t n, struct hash32 *ret)
{
	SCOPED(buf) struct buf b = ROOM(n);

	assert(destination->script.n <= ARK_SCRIPT_MAX);
	buf_text_add(&b, offboard_prefix);
	tx_out_encode(destination, &b);
	buf_le32(&b, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		outpoint_encode(&vtxos[i], &b);
	finish(&b, ret);
}

void ark_attest_arkoor(const struct outpoint *vtxo, struct ark_outputs normal, struct ark_outputs isolated,
		       struct hash32 *ret)
{
	SCOPED(buf) struct buf b = ROOM(normal.n + isolated.n);

	buf_text_add(&b, arkoor_prefix);
	outpoint_encode(vtxo, &b);
	buf_le32(&b, (uint32_t)(normal.n + isolated.n));
	put_arkoor_outputs(&b, normal);
	put_arkoor_outputs(&b, isolated);
	finish(&b, ret);
}
